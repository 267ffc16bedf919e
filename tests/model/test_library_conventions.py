# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What transformers asks of every configuration, model and tokenizer, in small.

Its own tests ask for all of it, where its source is at hand (`test_transformers_*.py`).
"""

import unittest

import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerFast
from transformers_source import leave_out
from unimo_cases import random_sequences, tiny_config, tiny_model

from unimo_hf import (
    DiffusionDecoder,
    DiffusionDecoderConfig,
    MotionVQVAE,
    MotionVQVAEConfig,
    UniMoModel,
    UniMoTokenizer,
    VideoFSQ,
    VideoFSQConfig,
)

DECODER_SIZES = {"num_hidden_layers": 1, "num_attention_heads": 1, "attention_head_dim": 32, "adaln_lora_dim": 8}
DECODER_CONTEXT = {"context_size": 8, "context_length": 4, "codebook_size": 64}

PARTS = {
    UniMoModel: tiny_config(interleaving="aligned"),
    MotionVQVAE: MotionVQVAEConfig(widths=[8, 8, 8, 8], depth=1, codebook_size=16, fps=30.0),
    VideoFSQ: VideoFSQConfig(channels=8, channel_multipliers=[1, 2, 2], num_res_blocks=1, levels=[8, 8, 8, 8]),
    DiffusionDecoder: DiffusionDecoderConfig(**DECODER_SIZES, **DECODER_CONTEXT, decoder_widths=[8, 16, 16]),
}

parts = pytest.mark.parametrize("model_class", PARTS, ids=lambda kind: kind.__name__)


@parts
def test_a_configuration_comes_back_from_every_kind_of_file(model_class, tmp_path):
    config = PARTS[model_class]
    config_class = type(config)
    config.to_json_file(tmp_path / "one.json")
    config.save_pretrained(tmp_path / "part")
    assert config_class.from_json_file(tmp_path / "one.json").to_dict() == config.to_dict()
    assert config_class.from_pretrained(tmp_path, subfolder="part").to_dict() == config.to_dict()
    loaded = AutoConfig.from_pretrained(tmp_path / "part")
    assert type(loaded) is config_class
    assert loaded.to_diff_dict() == config.to_diff_dict()


@parts
def test_a_configuration_takes_what_the_library_gives_to_all(model_class):
    common = {"dtype": "float16", "output_hidden_states": True, "return_dict": False, "id2label": {0: "label"}}
    config = type(PARTS[model_class])(**common, architectures=["AnyModel"], problem_type="regression")
    assert (config.dtype, config.output_hidden_states, config.return_dict) == (torch.float16, True, False)
    assert (config.id2label, config.architectures, config.problem_type) == ({0: "label"}, ["AnyModel"], "regression")


@parts
def test_a_model_comes_back_through_its_auto_class_with_every_weight(model_class, tmp_path):
    model = model_class(PARTS[model_class])
    model.save_pretrained(tmp_path)
    loaded, info = AutoModel.from_pretrained(tmp_path, output_loading_info=True)
    assert type(loaded) is model_class
    assert not any(info.values())
    expected = model.state_dict()
    assert {name: weight.shape for name, weight in loaded.state_dict().items()} == {
        name: weight.shape for name, weight in expected.items()
    }
    assert all(torch.equal(weight, expected[name]) for name, weight in loaded.state_dict().items())


@parts
def test_a_buffer_has_its_start_value_before_and_after_weights_are_made(model_class, monkeypatch):
    config = PARTS[model_class]
    with torch.device("meta"):
        made_on_meta = model_class(config)
    made_on_meta.to_empty(device="cpu").init_weights()
    monkeypatch.setattr(PreTrainedModel, "_initialize_weights", lambda *args, **kwargs: None)
    found, expected = dict(model_class(config).named_buffers()), dict(made_on_meta.named_buffers())
    assert set(found) == set(expected)
    for name in set(expected) - {"codebook.codes"}:  # random, and a buffer because moving averages make them
        assert torch.equal(found[name], expected[name]), name


@pytest.mark.parametrize("task", ["v2m", "i2vm"])
@pytest.mark.parametrize("ablation", ["none", "uni_embed"])
def test_gradients_reach_hidden_states_and_attention_of_every_layer(task, ablation):
    model = tiny_model(ablation=ablation)
    model.set_attn_implementation("eager")
    ids, schedule = random_sequences(model.config, task, batch=1)
    labels = ids.clone()
    labels[:, : schedule.condition_length] = -100
    output = model(ids, labels=labels, output_hidden_states=True, output_attentions=True)
    kept = [*output.hidden_states, *output.attentions]
    for states in kept:
        states.retain_grad()
    output.loss.backward()
    assert all(states.grad is not None and states.grad.isfinite().all() for states in kept)
    assert all(states.grad.abs().sum() > 0 for states in kept[:-1])


@pytest.mark.slow  # tracing takes seconds
@torch.no_grad()
@pytest.mark.parametrize("task", ["v2m", "i2vm"])
def test_an_exported_pass_gives_the_same(task):
    model = tiny_model(num_hidden_layers=1)
    ids, _ = random_sequences(model.config, task)
    program = torch.export.export(model, (), {"input_ids": ids, "use_cache": False}, strict=False)
    found = program.module()(input_ids=ids, use_cache=False).logits
    torch.testing.assert_close(found, model(ids).logits, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("options", [{}, {"use_fast": True}, {"use_fast": False}], ids=str)
def test_the_auto_class_gives_one_tokenizer_whichever_kind_is_asked_for(options, tmp_path):
    UniMoTokenizer([("visual", 20), ("motion", 10)], 6).save_pretrained(tmp_path)
    tiny_config().save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path, **options)
    assert type(loaded) is UniMoTokenizer
    text = "[T2] <v:3> [STG] <m:9>"
    assert loaded(text).input_ids == PreTrainedTokenizerFast.from_pretrained(tmp_path)(text).input_ids


class Left(unittest.TestCase):
    __test__ = False  # for pytest

    def test_fails(self):
        with self.subTest("a part"):
            raise ValueError("as known")

    def test_passes(self):
        pass


@pytest.mark.parametrize(
    ("name", "pattern", "outcome"),
    [
        ("test_fails", "ValueError: as known", "skipped"),
        ("test_fails", "another fault", "errors"),
        ("test_passes", "as known", "failures"),
    ],
)
def test_a_test_that_is_left_out_must_fail_as_known(name, pattern, outcome):
    left = leave_out({name: ("a reason", pattern)})(type("Left", (Left,), {}))
    result = left(name).run()
    counts = {kind: len(getattr(result, kind)) for kind in ("skipped", "errors", "failures")}
    assert counts == {kind: int(kind == outcome) for kind in counts}
    assert outcome != "skipped" or result.skipped[0][1] == "a reason"
