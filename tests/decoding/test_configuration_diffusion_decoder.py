# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import math

import pytest
from huggingface_hub.errors import StrictDataclassClassValidationError

from unimo_hf.decoding.configuration_diffusion_decoder import DiffusionDecoderConfig


def test_defaults_are_cosmos():
    config = DiffusionDecoderConfig()
    assert (config.hidden_size, config.num_hidden_layers, config.codebook_size) == (4096, 28, 64_000)
    assert (config.spatial_compression, config.temporal_compression, config.statistics_frames) == (16, 8, 16)


def test_round_trip_through_a_folder(tmp_path):
    statistics = {"latents_mean": [[0.1, 0.25], [1.5, -2.0]] * 8, "latents_std": [[1.0, 0.3], [2.0, 0.7]] * 8}
    config = DiffusionDecoderConfig(decoder_widths=[8, 16], **statistics)
    config.save_pretrained(tmp_path)
    again = DiffusionDecoderConfig.from_pretrained(tmp_path)
    assert again.to_dict() == config.to_dict()
    assert (again.latents_mean, again.statistics_frames) == (statistics["latents_mean"], 2)


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({"codebook_size": 0}, "`codebook_size` is 0"),
        ({"context_length": 0}, "`context_length` is 0"),
        ({"attention_head_dim": 8}, "`attention_head_dim` is 8"),
        ({"num_hidden_layers": -1}, "`num_hidden_layers` is -1"),
        ({"latents_mean": [[math.nan]] * 16}, "`latents_mean` holds nan"),
        ({"latents_mean": [[0.0]] * 16, "latents_std": [[math.inf]] * 16}, "`latents_std` holds inf"),
        ({"decoder_widths": []}, "`decoder_widths` is"),
        ({"latents_mean": [[0.0]]}, "`latents_mean` holds 1 lists"),
        ({"latents_mean": [[0.0], [0.0, 1.0]] * 8}, "`latents_mean` holds 16 lists of"),
        ({"latents_std": [[1.0]]}, "`latents_std` holds 1 lists"),
        ({"latents_mean": [[0.0]] * 16, "latents_std": [[0.0]] * 16}, "`latents_std` holds 0.0"),
    ],
)
def test_impossible_sizes_are_refused(arguments, found):
    with pytest.raises(StrictDataclassClassValidationError) as error:
        DiffusionDecoderConfig(**arguments)
    assert found in str(error.value) + str(error.value.__cause__)


@pytest.mark.parametrize(
    ("name", "now", "other"),
    [("latent_channels", 16, 8), ("mlp_ratio", 4.0, math.inf), ("decoder_num_res_blocks", 2, 1)],
)
def test_fields_of_before_are_read_where_they_say_what_the_code_does(name, now, other):
    assert DiffusionDecoderConfig(**{name: now}).to_dict() == DiffusionDecoderConfig().to_dict()
    with pytest.raises(ValueError, match=f"`{name}` is {other}; a DiffusionDecoderConfig knows {now} alone"):
        DiffusionDecoderConfig(**{name: other})


def test_an_unknown_field_is_refused():
    with pytest.raises(TypeError, match=r"`DiffusionDecoderConfig` has no \['widths'\]"):
        DiffusionDecoderConfig(widths=[8, 16])
