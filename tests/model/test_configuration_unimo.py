# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import json
import math

import pytest
import yaml
from huggingface_hub.errors import StrictDataclassError
from unimo_cases import tiny_config

from unimo_hf.model.configuration_unimo import UniMoConfig
from unimo_hf.model.modalities import Modality


def test_the_defaults_are_the_model_of_the_paper(repository):
    config = UniMoConfig()
    assert (config.hidden_size, config.intermediate_size, config.num_hidden_layers) == (4096, 14336, 16)
    assert (config.num_attention_heads, config.num_key_value_heads, config.head_dim) == (32, 8, 128)
    assert (config.vocab_size, config.pad_token_id) == (64_576, 64_515)
    assert config.max_position_embeddings == 11_558
    assert config.rope_parameters["visual"] == {"rope_type": "default", "rope_theta": 500_000.0}
    saved = json.loads((repository / "configuration" / "unimo_4b.json").read_text())
    assert UniMoConfig(**saved).to_dict() == config.to_dict()


def test_what_ships_says_how_long_a_clip_is(repository):
    folder = repository / "unimo_hf" / "checkpoints" / "unimo-tiny"
    config = UniMoConfig.from_pretrained(folder)
    assert config.max_position_embeddings == len(config.lay_out("v2m")) == 806


def test_the_shipped_sizes_are_valid(repository):
    recipe = yaml.safe_load((repository / "configuration" / "train_unimo_tiny.yaml").read_text())
    assert UniMoConfig(**recipe["model"]).table["motion"].codes == 36


def test_saved_and_loaded_it_is_the_same(tmp_path):
    yarn = {
        "rope_type": "cosmos_yarn",
        "factor": 2,
        "beta_fast": 4,
        "beta_slow": 1,
        "original_latent_grid": [3, 40, 64],
    }
    for config in (UniMoConfig(), tiny_config(ape_mode="qk"), tiny_config(rope_parameters={"visual": yarn})):
        config.save_pretrained(tmp_path)
        assert UniMoConfig.from_pretrained(tmp_path).to_dict() == config.to_dict()


@pytest.mark.parametrize(
    ("former", "message"),
    [
        ({"visual_vocab_size": -1}, "`visual_vocab_size` is -1"),
        ({"latent_grid": [2, -2, 2]}, "`latent_grid` holds -2"),
        ({"latent_grid": [2, 2]}, "`latent_grid` must hold 3 sizes"),
        ({"motion_grid": "x"}, "`motion_grid` is 'x'"),
        ({"temporal_compression": None}, "`temporal_compression` is None"),
    ],
)
def test_what_version_0_1_can_not_have_saved(former, message):
    with pytest.raises(ValueError, match=message):
        UniMoConfig(**former)


def test_what_version_0_1_saved_is_read():
    former = {"visual_vocab_size": 20, "motion_vocab_size": 10, "latent_grid": [3, 2, 4], "temporal_compression": 4}
    config = UniMoConfig(**former, codes_per_frame=6, motion_grid=[2, 3])
    assert config.table["visual"] == Modality("visual", 20, (2, 4), 4)
    assert config.table["motion"] == Modality("motion", 10, (2, 3))
    assert config.frames == 9
    with pytest.raises(ValueError, match="must hold `codes_per_frame`"):
        UniMoConfig(codes_per_frame=6, motion_grid=[5, 6])
    with pytest.raises(TypeError, match="got `modalities` and"):
        UniMoConfig(modalities=config.modalities, visual_vocab_size=20)


def test_fields_of_before_are_read_where_they_say_what_the_code_does(repository):
    """A configuration of 0.1 names them all, and may hold the length of a shorter clip."""
    saved = json.loads((repository / "unimo_hf" / "checkpoints" / "unimo-tiny" / "config.json").read_text())
    config = UniMoConfig.from_dict(saved | {"max_position_embeddings": 102})
    assert saved["ape_gate"] is False
    assert not hasattr(config, "ape_gate")
    assert config.max_position_embeddings == 2 + 3 * 64 + 17 * 36
    assert config.eos_token_id is None
    assert config.tie_word_embeddings is False
    with pytest.raises(ValueError, match="`ape_gate` is True; a UniMoConfig knows False alone"):
        UniMoConfig.from_dict(saved | {"ape_gate": True})


def test_rope_parameters_serve_both_modalities_or_one():
    flat = tiny_config(rope_parameters={"rope_type": "default", "rope_theta": 100.0})
    assert flat.rope_parameters["motion"]["rope_theta"] == flat.rope_parameters["visual"]["rope_theta"] == 100.0
    nested = tiny_config(rope_parameters={"motion": {"rope_type": "default", "rope_theta": 100.0}})
    assert nested.rope_parameters["motion"]["rope_theta"] == 100.0
    assert nested.rope_parameters["visual"]["rope_theta"] == 500_000.0


@pytest.mark.parametrize("key", ["hiden_size", "top_p", "num_layers"])
def test_an_unknown_key_is_refused(key):
    with pytest.raises(TypeError, match=key):
        UniMoConfig(**{key: 1})


@pytest.mark.parametrize(
    "changes",
    [
        {"vocab_size": 5},
        {"ape_mode": "sometimes"},
        {"ape_theta": 0.5},
        {"interleaving": "mixed"},
        {"hidden_size": "wide"},
        {"num_key_value_heads": 3},
        {"modalities": [{"name": "visual", "size": 0, "grid": [2, 2]}]},
        {"modalities": []},
        {"frames": 0},
        {"streams": 0},
        {"ablation": "uni_embed", "modalities": [{"name": name, "size": 4, "grid": [2, 2]} for name in "abc"]},
        {"head_dim": 13},
        {"tie_word_embeddings": True},
    ],
)
def test_values_that_do_not_fit_are_refused(changes):
    with pytest.raises((StrictDataclassError, ValueError)):
        tiny_config(**changes)


YARN = {"rope_type": "cosmos_yarn", "factor": 2, "beta_fast": 4, "beta_slow": 1, "original_latent_grid": [3, 40, 64]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rms_norm_eps": math.nan}, "`rms_norm_eps` is nan; a finite number above 0 is needed"),
        ({"hidden_act": "loud"}, "`hidden_act` is 'loud'; a UniMoConfig knows 'silu' alone"),
        ({"pad_token_id": 0}, "`pad_token_id` is 0; a UniMoConfig knows 33 alone"),
        ({"initializer_range": -0.02}, "`initializer_range` is -0.02; a finite number of at least 0"),
        ({"embedding_initializer_range": 10**400}, "`embedding_initializer_range` is 1000"),
        ({"attention_dropout": 0.1}, "`attention_dropout` is 0.1; a UniMoConfig knows 0.0 alone"),
        ({"ape_theta": math.inf}, "`ape_theta` is inf"),
        ({"ape_scale": math.nan}, "`ape_scale` is nan"),
        ({"hidden_size": 0}, "`hidden_size` is 0; a whole number from 1"),
        ({"num_hidden_layers": 2**40}, "`num_hidden_layers` is 1099511627776"),
        ({"num_key_value_heads": 0}, "`num_key_value_heads` is 0"),
        ({"frames": -1}, "`frames` is -1"),
        ({"rope_parameters": {"visual": 5}}, "`rope_parameters` of the visual codes is 5; a dictionary is needed"),
        (
            {"rope_parameters": {"rope_theta": math.nan}},
            "`rope_theta` in `rope_parameters` of the visual codes is nan",
        ),
        ({"rope_parameters": {"motion": {**YARN, "factor": 0}}}, "`factor` in `rope_parameters` of the motion codes"),
        ({"rope_parameters": {"motion": {"rope_type": "cosmos_yarn"}}}, "`factor` in .* is None"),
        ({"rope_parameters": {"motion": {**YARN, "original_latent_grid": [3]}}}, "latent frames, rows and columns"),
        ({"rope_parameters": {"rope_theta": [1, 2]}}, r"`rope_theta` in .* is \[1, 2\]"),
        ({"rope_parameters": {"rope_type": ["llama3"]}}, r"found \['llama3'\]"),
    ],
)
def test_numbers_that_are_none_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        tiny_config(**changes)
