# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Codes without a task go on as in a plain causal model, with every option that `generate` of transformers has."""

import pytest
import torch
from unimo_cases import name_at, random_sequences, tiny_model


@pytest.fixture(scope="module")
def model():
    return tiny_model(initializer_range=0.3)


def visual_codes(batch=2, length=7):
    return torch.randint(0, 20, (batch, length), generator=torch.Generator().manual_seed(0))


def test_visual_codes_go_on_past_the_end_of_a_clip_when_asked(model):
    ids = visual_codes()
    clip = model.generate(ids, do_sample=False)
    assert clip.shape[1] == 12
    longer = model.generate(ids, do_sample=False, max_new_tokens=20)
    assert torch.equal(longer[:, :12], clip)
    assert (model.config.vocabulary.modality(longer) == 1).all()


def test_mixed_codes_go_on_with_either_kind_and_never_a_special_token(model):
    ids = torch.cat([visual_codes(), visual_codes(length=4) % 10 + 20], dim=1)
    drawn = model.generate(ids, do_sample=True, top_p=1.0, temperature=50.0, max_new_tokens=40)[:, 11:]
    assert set(model.config.vocabulary.modality(drawn).flatten().tolist()) == {1, 2}
    cached, full = (model.generate(ids, do_sample=False, max_new_tokens=9, use_cache=use) for use in (True, False))
    assert torch.equal(cached, full)
    with pytest.raises(ValueError, match=r"Row 0 .* without a task"):
        model.generate(ids)
    with pytest.raises(ValueError, match=r"Row 0 .* without a task"):
        model.generate_target(ids)


def test_a_special_token_without_a_task_is_refused(model):
    ids = visual_codes()
    ids[1, 3] = model.config.vocabulary.special_id("[STG]")
    with pytest.raises(ValueError, match=r"Row 1 .*holds codes without a task"):
        model.generate(ids, max_new_tokens=3)


@pytest.mark.parametrize(
    "options", [{"assistant_model": None}, {"prompt_lookup_num_tokens": 2}], ids=lambda o: next(iter(o))
)
def test_drafts_change_nothing(model, options):
    ids = visual_codes(batch=1)
    if "assistant_model" in options:
        options = {"assistant_model": tiny_model(initializer_range=0.2)}
    expected = model.generate(ids, do_sample=False, max_new_tokens=9)
    assert torch.equal(model.generate(ids, do_sample=False, max_new_tokens=9, **options), expected)


@pytest.mark.parametrize("num_beams", [1, 2])
def test_embeddings_alone_are_visual_codes(model, num_beams):
    ids = visual_codes()
    embeds = model.get_input_embeddings()(ids)
    options = {"do_sample": False, "num_beams": num_beams}
    expected = model.generate(ids, **options)
    assert torch.equal(model.generate(inputs_embeds=embeds, **options), expected[:, 7:])
    assert torch.equal(model.generate(ids, inputs_embeds=embeds, **options), expected)


@pytest.mark.parametrize("task", ["v2m", "i2vm"])
def test_embeddings_beside_the_ids_of_a_task_replace_them_in_the_first_pass(model, task):
    ids, sequence = random_sequences(model.config, task)
    prompt = ids[:, : sequence.condition_length]
    embeds = model.get_input_embeddings()(prompt)
    options = {"do_sample": False, "max_new_tokens": 6}
    expected = model.generate(prompt, **options)
    assert torch.equal(model.generate(prompt, inputs_embeds=embeds, **options), expected)
    changed = model.generate(prompt, inputs_embeds=embeds.flip(0), **options)
    assert torch.equal(changed[:, prompt.shape[1] :], expected.flip(0)[:, prompt.shape[1] :])


@torch.no_grad()
@pytest.mark.parametrize("task", ["v2m", "i2vm"])
def test_the_best_of_all_beams_of_a_short_target_is_the_likeliest_target(model, task):
    """With as many beams as there are beginnings, beam search is exact; two sequences are the two best."""
    ids, sequence = random_sequences(model.config, task, batch=1)
    prompt, vocabulary = ids[:, : sequence.condition_length], model.config.vocabulary
    first, end = vocabulary.ranges[name_at(sequence, sequence.condition_length)]
    codes = torch.arange(first, end)
    pairs = torch.cartesian_prod(codes, codes)
    sequences = torch.cat([prompt.expand(len(pairs), -1), pairs], dim=1)
    logits = model(sequences).logits[:, -3:-1, first:end].log_softmax(-1)
    scores = logits.gather(-1, (pairs - first)[..., None]).sum((1, 2))
    best = pairs[scores.topk(2).indices]
    beams = {"num_beams": len(codes), "num_return_sequences": 2, "do_sample": False, "length_penalty": 0.0}
    found = model.generate(prompt, max_new_tokens=2, **beams)
    assert torch.equal(found[:, prompt.shape[1] :], best)


def test_several_sequences_of_a_left_padded_batch_are_those_of_its_rows(model):
    rows = [random_sequences(model.config, task, batch=1) for task in ("v2m", "i2vm")]
    prompts = [ids[:, : sequence.condition_length] for ids, sequence in rows]
    width, pad = max(prompt.shape[1] for prompt in prompts), model.config.pad_token_id
    batch = torch.cat([torch.nn.functional.pad(prompt, (width - prompt.shape[1], 0), value=pad) for prompt in prompts])
    options = {"do_sample": False, "num_beams": 3, "num_return_sequences": 2, "max_new_tokens": 5}
    together = model.generate(batch, attention_mask=(batch != pad).long(), **options)[:, width:]
    alone = torch.cat([model.generate(prompt, **options)[:, prompt.shape[1] :] for prompt in prompts])
    assert torch.equal(together, alone)


def test_beams_of_a_row_that_is_complete_before_others_stay_in_order(model):
    """Both rows lack some last codes, the second one more: its padding counts for nothing."""
    ids, _ = random_sequences(model.config, "v2m")
    pad = model.config.pad_token_id
    rows = [ids[:1, :-2], ids[1:, :-4]]
    batch = torch.cat([rows[0], torch.nn.functional.pad(rows[1], (2, 0), value=pad)])
    options = {"do_sample": False, "num_beams": 3, "num_return_sequences": 3}
    together = model.generate(batch, attention_mask=(batch != pad).long(), **options)[:, batch.shape[1] :]
    assert (together[:3, 2:] == pad).all()
    for row, found in zip(rows, (together[:3, :2], together[3:]), strict=True):
        assert torch.equal(found, model.generate(row, **options)[:, row.shape[1] :])
