# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The attention functions and graph compilers of transformers and torch give the same numbers, or refuse."""

import pytest
import torch
from transformers.generation import CompileConfig
from unimo_cases import random_sequences, tiny_config, tiny_model

from unimo_hf.model.modeling_unimo import UniMoForConditionalGeneration


def close(actual, expected, atol=1e-5):
    torch.testing.assert_close(actual, expected, atol=atol, rtol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("task", ["v2m", "i2vm"])
@pytest.mark.parametrize("changes", [{}, {"ape_mode": "qk"}, {"num_key_value_heads": 4}], ids=str)
def test_plain_and_fused_attention_are_the_same_with_padding_on_either_side(task, changes):
    model = tiny_model(**changes)
    ids, _ = random_sequences(model.config, task)
    expected = model(ids).logits
    length = ids.shape[1]
    padding = ids.new_full((2, 5), model.config.pad_token_id)
    for attention in ("sdpa", "eager"):
        model.set_attn_implementation(attention)
        close(model(ids).logits, expected)
        for parts, columns in (((padding, ids), slice(5, None)), ((ids, padding), slice(0, length))):
            mask = torch.cat([(part != model.config.pad_token_id).long() for part in parts], dim=1)
            close(model(torch.cat(parts, dim=1), attention_mask=mask).logits[:, columns], expected)


@pytest.mark.slow  # transformers compiles the block mask: half a minute
@torch.no_grad()
@pytest.mark.parametrize("task", ["v2m", "i2vm"])
def test_flex_attention_is_the_same_in_a_pass_and_in_generation(task):
    model = tiny_model(head_dim=16, initializer_range=0.3)
    ids, schedule = random_sequences(model.config, task)
    prompt = ids[:, : schedule.condition_length]
    expected, codes = model(ids).logits, model.generate(prompt, do_sample=False, max_new_tokens=3)
    padding = ids.new_full((2, 5), model.config.pad_token_id)
    mask = torch.cat([torch.zeros_like(padding), torch.ones_like(ids)], dim=1)
    model.set_attn_implementation("flex_attention")
    close(model(ids).logits, expected)
    close(model(torch.cat([padding, ids], dim=1), attention_mask=mask).logits[:, 5:], expected)
    assert torch.equal(model.generate(prompt, do_sample=False, max_new_tokens=3), codes)


@pytest.mark.parametrize("attention", ["flash_attention_2", "flash_attention_3", "flash_attention_4"])
def test_attention_that_would_ignore_the_condition_is_refused(attention):
    with pytest.raises(ValueError, match=r"does not support (?i:flash)"):
        UniMoForConditionalGeneration._from_config(tiny_config(), attn_implementation=attention)
    model = tiny_model()
    with pytest.raises(ValueError, match=r"does not support (?i:flash)"):
        model.set_attn_implementation(attention)


@torch.no_grad()
def test_hidden_states_and_attention_weights():
    model = tiny_model(ape_mode="none")
    ids, schedule = random_sequences(model.config, "i2vm")
    length, layers = len(schedule), model.config.num_hidden_layers
    model.set_attn_implementation("eager")
    output = model(ids, output_hidden_states=True, output_attentions=True)
    assert [tuple(states.shape) for states in output.hidden_states] == [(2, length, 32)] * (layers + 1)
    assert torch.equal(output.hidden_states[0], model.model.embed_tokens(ids))
    assert torch.equal(output.hidden_states[-1], model.model(ids).last_hidden_state)
    sees = torch.ones(length, length).tril().bool()
    sees[: schedule.condition_length, : schedule.condition_length] = True
    for weights in output.attentions:
        assert weights.shape == (2, 4, length, length)
        close(weights.sum(-1), torch.ones(2, 4, length))
        assert torch.equal(weights > 0, sees.expand_as(weights))


@torch.no_grad()
def test_a_compiled_pass_is_one_graph_and_the_same():
    torch.compiler.reset()
    model = tiny_model(num_hidden_layers=1)
    ids, _ = random_sequences(model.config, "i2vm")
    compiled = torch.compile(model, fullgraph=True, backend="eager")
    close(compiled(ids).logits, model(ids).logits)


@pytest.mark.slow
def test_a_compiled_pass_with_labels_learns_the_same():
    torch.compiler.reset()
    ids, schedule = random_sequences(tiny_config(), "i2vm")
    labels = ids.clone()
    labels[:, : schedule.condition_length] = -100
    gradients = []
    for compiles in (False, True):
        model = tiny_model()
        run = torch.compile(model, backend="aot_eager") if compiles else model
        run(ids, labels=labels, use_cache=False).loss.backward()
        gradients.append([parameter.grad for parameter in model.parameters()])
    for found, expected in zip(*gradients, strict=True):
        close(found, expected, 1e-6)


@torch.no_grad()
def test_generation_on_a_static_cache_compiles_once_for_each_modality():
    torch.compiler.reset()
    model = tiny_model(num_hidden_layers=1, initializer_range=0.3)
    ids, schedule = random_sequences(model.config, "i2vm")
    prompt, graphs = ids[:, : schedule.condition_length], []

    def count(graph, _):
        graphs.append(graph)
        return graph.forward

    options = {"do_sample": False, "max_new_tokens": 12}
    expected = model.generate(prompt, **options)
    assert set(model.config.vocabulary.modality(expected[0, prompt.shape[1] :]).tolist()) == {1, 2}
    compile_config = CompileConfig(fullgraph=True, dynamic=False, backend=count, mode=None)
    compile_config._compile_all_devices = True  # transformers compiles on accelerators only
    found = model.generate(prompt, cache_implementation="static", compile_config=compile_config, **options)
    assert torch.equal(found, expected)
    assert len(graphs) == 2
