# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The ways to load the autoregressive model: devices, types, offloading, quantisation."""

import pytest
import torch
from transformers import BitsAndBytesConfig
from unimo_cases import random_sequences, tiny_config, tiny_model

from unimo_hf.model.generation_unimo import Decoding
from unimo_hf.model.modeling_unimo import UniMoForConditionalGeneration


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A model, the folder it is saved in, and a prompt."""
    model = tiny_model(hidden_size=96, head_dim=64, intermediate_size=128, initializer_range=0.1)
    folder = tmp_path_factory.mktemp("model")
    model.save_pretrained(folder)
    ids, schedule = random_sequences(model.config, "i2vm")
    return model, folder, ids[:, : schedule.condition_length]


def load(folder, **options):
    return UniMoForConditionalGeneration.from_pretrained(folder, **options).eval()


@torch.no_grad()
@pytest.mark.parametrize("device_map", ["auto", "cpu", {"": "cpu"}], ids=str)
def test_a_device_map_loads_the_same_model(saved, device_map):
    model, folder, prompt = saved
    loaded = load(folder, device_map=device_map)
    assert {parameter.device.type for parameter in loaded.parameters()} == {"cpu"}
    assert torch.equal(loaded(prompt).logits, model(prompt).logits)


@torch.no_grad()
def test_blocks_on_disk_give_the_same_codes_whichever_way_they_are_generated(saved, tmp_path):
    model, folder, prompt = saved
    places = {name: "cpu" for name, _ in model.model.named_children() if name != "layers"}
    device_map = {f"model.{name}": place for name, place in places.items()}
    device_map |= {"model.layers.0": "cpu", "model.layers.1": "disk", "lm_head": "disk", "motion_head": "disk"}
    loaded = load(folder, device_map=device_map, offload_folder=tmp_path)
    assert loaded.model.layers[1].self_attn.q_proj.weight.device.type == "meta"
    assert torch.equal(loaded(prompt).logits, model(prompt).logits)
    expected = model.generate_target(prompt, decoding=Decoding(do_sample=False))
    assert len(expected.unique()) > 3
    assert torch.equal(loaded.generate_target(prompt, decoding=Decoding(do_sample=False)), expected)
    assert torch.equal(loaded.generate(prompt, do_sample=False)[:, prompt.shape[1] :], expected)


@torch.no_grad()
def test_made_on_meta_and_filled_it_is_the_same_model(saved):
    model, _, prompt = saved
    with torch.device("meta"):
        empty = UniMoForConditionalGeneration(model.config)
    assert {tensor.device.type for tensor in (*empty.parameters(), *empty.buffers())} == {"meta"}
    filled = empty.to_empty(device="cpu").eval()
    filled.init_weights()
    filled.load_state_dict(model.state_dict())
    assert torch.equal(filled(prompt).logits, model(prompt).logits)


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_type_is_that_of_all_weights_and_of_no_frequency(saved, dtype):
    model, folder, prompt = saved
    exact = dict(model.model.position_embedding.named_buffers())
    expected = model(prompt).logits[..., :30]
    for loaded in (load(folder, dtype=dtype), load(folder).to(dtype)):
        assert {parameter.dtype for parameter in loaded.parameters()} == {dtype}
        for name, buffer in loaded.model.position_embedding.named_buffers():
            assert torch.equal(buffer, exact[name])
        logits = loaded(prompt).logits[..., :30]
        assert logits.dtype == dtype
        assert (logits.float() - expected).abs().max() < 0.05 * expected.abs().max()


def test_a_saved_type_is_kept(saved, tmp_path):
    _, folder, _ = saved
    load(folder, dtype=torch.bfloat16).save_pretrained(tmp_path)
    assert load(tmp_path).dtype == torch.bfloat16
    assert load(tmp_path, dtype="auto").dtype == torch.bfloat16
    assert load(tmp_path, dtype=torch.float32).dtype == torch.float32


@torch.no_grad()
def test_loaded_with_8_bits_it_generates_and_keeps_tables_and_heads(saved):
    model, folder, prompt = saved
    loaded = load(folder, quantization_config=BitsAndBytesConfig(load_in_8bit=True), device_map="cpu")
    assert loaded.model.layers[0].self_attn.q_proj.weight.dtype == torch.int8
    for module in (loaded.lm_head, loaded.motion_head, loaded.model.embed_tokens.visual):
        assert module.weight.is_floating_point()
    expected, found = (one(prompt).logits[..., :30] for one in (model, loaded))
    assert 0 < (found - expected).abs().max() < 0.1 * expected.abs().max()
    target = loaded.generate_target(prompt, decoding=Decoding(do_sample=False))
    assert torch.equal(loaded.generate(prompt, do_sample=False)[:, prompt.shape[1] :], target)


def test_a_key_that_no_one_reads_is_left_out_of_a_file_with_a_warning(tmp_path, caplog):
    config = tiny_config()
    config.key_of_a_newer_version = 1
    config.save_pretrained(tmp_path)
    loaded = type(config).from_pretrained(tmp_path)
    assert "key_of_a_newer_version" in caplog.text
    assert not hasattr(loaded, "key_of_a_newer_version")
