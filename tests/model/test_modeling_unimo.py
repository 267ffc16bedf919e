# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from transformers.cache_utils import DynamicCache
from unimo_cases import GOLDENS, golden_model, name_at, random_sequences, tiny_config, tiny_model

from unimo_hf.model import embedding_unimo
from unimo_hf.model.configuration_unimo import UniMoConfig
from unimo_hf.model.modeling_unimo import UniMoForConditionalGeneration, UniMoModel
from unimo_hf.model.sequences import Sequence, read_sequence

BASE, MIXED = load_file(GOLDENS / "ar_base.safetensors"), load_file(GOLDENS / "ar_mixed.safetensors")
NUM_CODES = 256


def close(actual, expected, atol=2e-4):
    torch.testing.assert_close(actual, expected, atol=atol, rtol=1e-4)


# --- Cosmos' goldens ---------------------------------------------------------------------------------------------


@torch.no_grad()
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_a_causal_pass_equals_cosmos(attention):
    model = golden_model()
    model.set_attn_implementation(attention)
    output = model(BASE["tokens"], output_hidden_states=True)
    close(output.logits[..., :NUM_CODES], BASE["logits_full"])
    close(output.hidden_states[1], BASE["hidden_after_layer_0"])


@torch.no_grad()
def test_prefill_decode_and_chunk_equal_cosmos():
    model, tokens = golden_model(), BASE["tokens"]
    prompt, steps, chunk = 24, BASE["logits_decode"].shape[1], BASE["logits_chunk"].shape[1]
    cache = DynamicCache(config=model.config)
    close(model(tokens[:, :prompt], past_key_values=cache).logits[..., :NUM_CODES], BASE["logits_prefill"])
    close(cache.layers[0].keys, BASE["cache_k_layer0_after_prefill"])
    close(cache.layers[0].values, BASE["cache_v_layer0_after_prefill"])
    whole = read_sequence(tokens, model.config.vocabulary, model.config.table)
    for step in range(steps):
        now = slice(prompt + step, prompt + step + 1)
        logits = model(tokens[:, now], sequence=whole[now], past_key_values=cache).logits
        close(logits[:, 0, :NUM_CODES], BASE["logits_decode"][:, step])
    last = slice(prompt + steps, prompt + steps + chunk)
    logits = model(tokens[:, last], sequence=whole[last], past_key_values=cache).logits
    close(logits[..., :NUM_CODES], BASE["logits_chunk"])


@torch.no_grad()
def test_the_absolute_embedding_equals_cosmos(monkeypatch):
    tokens, model = BASE["tokens"][:1], golden_model(ape_mode="hidden_each_layer")
    close(model(tokens).logits[..., :NUM_CODES], BASE["logits_full_ape_fp32"])
    # The original keeps its table in bfloat16 even beside float32 weights; ours takes the type of the weights.
    exact = embedding_unimo.absolute_table
    monkeypatch.setattr(embedding_unimo, "absolute_table", lambda *args: exact(*args).bfloat16().float())
    close(model(tokens).logits[..., :NUM_CODES], BASE["logits_full_ape_bf16"])


@torch.no_grad()
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_the_prefix_mask_equals_cosmos_blocks_under_that_mask(attention):
    model, tokens = golden_model(), BASE["tokens"][:1]
    model.set_attn_implementation(attention)
    causal = read_sequence(tokens, model.config.vocabulary, model.config.table)
    sequence = replace(causal, is_target=(torch.arange(tokens.shape[1]) >= 24)[None])
    close(model(tokens, sequence=sequence).logits[..., :NUM_CODES], BASE["logits_full_prefix_lm"])


@torch.no_grad()
@pytest.mark.parametrize("case", ["v2m_like", "i2vm_like"])
@pytest.mark.parametrize("with_ape", [False, True])
def test_mixed_sequences_equal_cosmos_blocks(case, with_ape, monkeypatch):
    """Both rotary embeddings, the shared absolute one, and the mask, on given embeddings."""
    monkeypatch.setattr(UniMoConfig, "absolute_clock", lambda self, name: 1)  # Cosmos knows one clock
    model = golden_model(ape_mode="hidden_each_layer" if with_ape else "none")
    prefix_length = {"v2m_like": 26, "i2vm_like": 14}[case]
    table = model.config.table
    table["visual"] = replace(table["visual"], grid=(3, 4))
    modality, index = MIXED[f"{case}.modality"][None], MIXED[f"{case}.index_in_modality"][None]
    is_target = (torch.arange(98) >= prefix_length)[None]
    sequence = Sequence(table, modality, index, torch.zeros_like(index), is_target)
    output = model(inputs_embeds=MIXED[f"{case}.inputs_embeds"], sequence=sequence)
    close(output.logits[..., :NUM_CODES], MIXED[f"{case}.logits{'_ape' if with_ape else ''}"])


# --- Sizes -------------------------------------------------------------------------------------------------------


def test_the_4b_model_has_the_weights_of_cosmos_and_the_new_rows():
    config = UniMoConfig()
    with torch.device("meta"):
        model = UniMoForConditionalGeneration(config)
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
    own = {"model.embed_tokens.motion.weight", "model.embed_tokens.special.weight", "motion_head.weight"}
    assert len(set(sizes) - own) == 179
    assert sum(size for name, size in sizes.items() if name not in own) == 4_014_088_192
    assert sum(sizes[name] for name in own) == (512 + 64 + 512) * 4096


@pytest.mark.parametrize("task", ["v2m", "i2vm"])
def test_full_size_sequences_run_through_the_4b_model_on_meta(task):
    config = UniMoConfig(num_hidden_layers=1)
    with torch.device("meta"):
        model = UniMoForConditionalGeneration(config)
        ids = torch.zeros(1, 11_558, dtype=torch.long)
    sequence = config.lay_out(task)
    assert sequence.condition_length == (9218 if task == "v2m" else 1026)
    hidden_states = model.model(ids, sequence=sequence).last_hidden_state
    assert hidden_states.shape == (1, 11_558, 4096)


def test_start_values_follow_cosmos():
    many = [
        {"name": "visual", "size": 4000, "grid": [2, 2], "frames": 8},
        {"name": "motion", "size": 10, "grid": [2, 2]},
    ]
    model = tiny_model(hidden_size=96, modalities=many, initializer_range=0.02)
    layers = model.model.layers
    assert model.model.embed_tokens.visual.weight.std().item() == pytest.approx(1.0, rel=0.05)
    assert layers[1].self_attn.q_proj.weight.std().item() == pytest.approx(0.02, rel=0.1)
    assert layers[1].mlp.down_proj.weight.std().item() == pytest.approx(0.02 / 4**0.5, rel=0.1)
    assert model.lm_head.weight.std().item() == pytest.approx(96**-0.5, rel=0.1)
    assert model.lm_head.weight.abs().max() <= 3 * 96**-0.5
    assert (layers[0].self_attn.q_norm.weight == 1).all()


# --- Who sees whom -----------------------------------------------------------------------------------------------


@torch.no_grad()
@pytest.mark.parametrize("task", ["v2m", "i2vm"])
def test_the_condition_sees_all_of_itself_and_the_target_only_its_past(task):
    model = tiny_model()
    ids, sequence = random_sequences(model.config, task, batch=1)
    start = sequence.condition_length
    before = model.model(ids).last_hidden_state
    place = start - 2
    changed = ids.clone()
    changed[0, place] = (ids[0, place] + 1) % 20
    assert ((model.model(changed).last_hidden_state - before).abs().amax(-1) > 1e-6).all()
    place = start + 10
    changed = ids.clone()
    first, end = model.config.vocabulary.ranges[name_at(sequence, place)]
    changed[0, place] = first + (ids[0, place] - first + 1) % (end - first)
    difference = (model.model(changed).last_hidden_state - before).abs().amax(-1)[0]
    assert (difference[:place] == 0).all()
    assert (difference[place:] > 1e-6).all()


@torch.no_grad()
@pytest.mark.parametrize("changes", [{}, {"ape_mode": "qk"}, {"ape_mode": "input_once"}, {"ablation": "uni_embed"}])
@pytest.mark.parametrize("task", ["v2m", "i2vm"])
def test_with_a_mask_in_parts_and_padded_it_is_the_same(task, changes):
    model = tiny_model(**changes)
    ids, sequence = random_sequences(model.config, task)
    expected = model(ids).logits
    close(model(ids, sequence=sequence).logits, expected, 1e-5)
    padding = ids.new_full((2, 5), model.config.pad_token_id)
    mask = torch.cat([torch.zeros_like(padding), torch.ones_like(ids)], dim=1)
    close(model(torch.cat([padding, ids], dim=1), attention_mask=mask).logits[:, 5:], expected, 1e-5)
    model.set_attn_implementation("eager")
    close(model(ids).logits, expected, 1e-5)


@torch.no_grad()
def test_rows_of_both_tasks_in_one_batch():
    model = tiny_model()
    ids = torch.cat([random_sequences(model.config, task, batch=1)[0] for task in ("v2m", "i2vm")])
    together = model(ids).logits
    for row in range(2):
        close(together[row], model(ids[row : row + 1]).logits[0], 1e-5)


@pytest.mark.slow  # transformers compiles the block mask: minutes on a busy machine
@torch.no_grad()
def test_flex_attention_is_the_same():
    model = tiny_model(head_dim=16)
    ids, _ = random_sequences(model.config, "i2vm")
    expected = model(ids).logits
    model.set_attn_implementation("flex_attention")
    close(model(ids).logits, expected, 1e-5)


def test_flash_attention_is_refused():
    with pytest.raises(ValueError, match=r"(?i)flash"):
        UniMoForConditionalGeneration._from_config(tiny_config(), attn_implementation="flash_attention_2")


@torch.no_grad()
def test_a_shorter_clip_and_another_grid_run_with_the_same_weights():
    model = tiny_model()
    full, sequence = random_sequences(model.config, "i2vm", batch=1)
    # In `eq2` the first target tokens of a short clip are those of a long one.
    short, short_schedule = random_sequences(model.config, "i2vm", batch=1, frames=9)
    same = len(short_schedule)
    assert torch.equal(sequence.modality[:, :same], short_schedule.modality)
    full[:, :same] = short
    close(model(short).logits, model(full).logits[:, :same], 1e-5)
    wide, wide_schedule = random_sequences(model.config, "v2m", batch=1, frames=9, grid=(2, 3))
    given = model(wide, sequence=wide_schedule).logits
    assert (given - model(wide).logits).abs().max() > 1e-4


# --- Positions ---------------------------------------------------------------------------------------------------


@torch.no_grad()
@pytest.mark.parametrize(
    "changes",
    [
        {"ape_mode": "none"},
        {"ape_mode": "qk"},
        {"ape_mode": "input_once"},
        {"ape_theta": 3.0},
        {"rope_parameters": {"motion": {"rope_type": "default", "rope_theta": 10.0}}},
    ],
    ids=str,
)
def test_every_position_option_changes_the_result(changes):
    ids, _ = random_sequences(tiny_config(), "v2m", batch=1)
    default, changed = tiny_model(), tiny_model(**changes)
    changed.load_state_dict(default.state_dict())
    assert (default(ids).logits - changed(ids).logits).abs().max() > 1e-4


@torch.no_grad()
def test_uni_embed_has_one_table_one_head_and_one_rotary_embedding():
    model = tiny_model(ablation="uni_embed")
    names = {name for name, _ in model.named_parameters() if "embed" in name or "head" in name}
    assert names == {"model.embed_tokens.unified.weight", "lm_head.weight"}
    ids, sequence = random_sequences(model.config, "v2m", frames=1)
    assert model.model.arrange(sequence).index.tolist() == [[0, 0, 1, 2, 3, 0, 4, 5, 6, 7]]
    output = model(ids, labels=ids.masked_fill(ids >= 30, -100))
    assert output.loss.isfinite()


# --- Heads and loss ----------------------------------------------------------------------------------------------


def targets_only(ids, sequence):
    labels = ids.clone()
    labels[:, : sequence.condition_length] = -100
    return labels


@pytest.mark.parametrize("task", ["v2m", "i2vm"])
def test_the_loss_is_the_mean_over_targets_under_their_own_softmax(task):
    model = tiny_model()
    ids, sequence = random_sequences(model.config, task)
    output = model(ids, labels=targets_only(ids, sequence))
    assert output.logits is None
    logits, losses = model(ids).logits[:, :-1].double(), []
    for row, column in [(b, i) for b in range(2) for i in range(sequence.condition_length, len(sequence))]:
        first, end = model.config.vocabulary.ranges[name_at(sequence, column)]
        log_probabilities = logits[row, column - 1, first:end].log_softmax(-1)
        losses.append(-log_probabilities[ids[row, column] - first])
    expected = torch.stack(losses).mean()
    assert output.loss.item() == pytest.approx(expected.item(), rel=1e-5)
    targets = sequence.modality[0, sequence.condition_length :]
    share = (targets == 1).float().mean()
    assert (share * output.losses["visual"] + (1 - share) * output.losses["motion"]).item() == pytest.approx(
        expected.item(), rel=1e-5
    )


def test_the_loss_over_accumulated_batches_counts_all_their_targets():
    model = tiny_model()
    ids, sequence = random_sequences(model.config, "i2vm")
    labels = targets_only(ids, sequence)
    whole = model(ids, labels=labels).loss
    items = 2 * (len(sequence) - sequence.condition_length)
    parts = sum(model(ids[i : i + 1], labels=labels[i : i + 1], num_items_in_batch=items).loss for i in range(2))
    assert parts.item() == pytest.approx(whole.item(), rel=1e-5)


@torch.no_grad()
def test_target_logits_are_the_rows_of_the_full_logits():
    model = tiny_model()
    ids, sequence = random_sequences(model.config, "i2vm")
    hidden_states = model.model(ids).last_hidden_state
    result = model.target_logits(hidden_states, targets_only(ids, sequence))
    logits, vocabulary = model(ids).logits, model.config.vocabulary
    for name, (first, end) in vocabulary.ranges.items():
        columns = (sequence.holds(name) & sequence.is_target)[0].nonzero()[:, 0]
        close(result[name][0], logits[:, columns - 1, first:end].flatten(0, 1), 1e-6)
        assert torch.equal(result[name][1], (ids[:, columns] - first).flatten())


def test_a_label_that_is_no_code_is_refused():
    model = tiny_model()
    ids, _ = random_sequences(model.config, "v2m")
    with pytest.raises(ValueError, match="`labels` must hold ids of codes"):
        model(ids, labels=ids)


@torch.no_grad()
def test_only_what_is_asked_for_is_projected():
    model = tiny_model()
    ids, _ = random_sequences(model.config, "v2m")
    full = model(ids).logits
    close(model(ids, logits_to_keep=3).logits, full[:, -3:], 1e-6)
    close(model(ids, logits_to_keep=torch.tensor([1, 5])).logits, full[:, [1, 5]], 1e-6)
    only = model(ids, logits_to_keep=1, logits_modality="motion").logits
    close(only[..., 20:30], full[:, -1:, 20:30], 1e-6)
    assert (only[..., :20] == torch.finfo(torch.float32).min).all()
    assert (full[..., 30:] == torch.finfo(torch.float32).min).all()


# --- Training ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("checkpointing", [False, True])
def test_every_weight_learns(checkpointing):
    model = tiny_model().train()
    if checkpointing:
        model.activation_checkpointing_enable()
    for task in ("v2m", "i2vm"):
        ids, sequence = random_sequences(model.config, task)
        with torch.autocast("cpu", torch.bfloat16):
            loss = model(ids, labels=targets_only(ids, sequence), use_cache=False).loss
        loss.backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in model.parameters())


def test_the_attention_in_parts_has_the_gradient_of_the_masked_one():
    gradients = []
    for attention in ("sdpa", "eager"):
        model = tiny_model()
        model.set_attn_implementation(attention)
        ids, sequence = random_sequences(model.config, "i2vm")
        model(ids, labels=targets_only(ids, sequence)).loss.backward()
        gradients.append([parameter.grad for parameter in model.parameters()])
    for ours, theirs in zip(*gradients, strict=True):
        close(ours, theirs, 1e-6)


# --- Files and arguments -----------------------------------------------------------------------------------------

RELOAD = """
import sys, torch
from safetensors.torch import load_file
from unimo_hf.model.modeling_unimo import UniMoForConditionalGeneration, UniMoModel
folder, data = sys.argv[1], load_file(sys.argv[1] + "/expected.safetensors")
model = UniMoForConditionalGeneration.from_pretrained(folder).eval()
backbone = UniMoModel.from_pretrained(folder).eval()
with torch.no_grad():
    assert torch.equal(model(data["ids"]).logits, data["logits"])
    assert torch.equal(backbone(data["ids"]).last_hidden_state, data["hidden"])
print(model.generation_config.do_sample, model.generation_config.top_p, model.generation_config.top_k)
"""


def test_saved_and_loaded_in_a_clean_process_it_gives_the_same(tmp_path, repository):
    from safetensors.torch import save_file

    model = tiny_model()
    ids, _ = random_sequences(model.config, "v2m")
    model.save_pretrained(tmp_path)
    with torch.no_grad():
        expected = {"logits": model(ids).logits, "hidden": model.model(ids).last_hidden_state, "ids": ids}
    save_file(expected, tmp_path / "expected.safetensors")
    done = subprocess.run(
        [sys.executable, "-c", RELOAD, str(tmp_path)], cwd=repository, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True", "0.8", "0"]


def test_arguments_that_do_not_fit_are_refused():
    model = tiny_model()
    ids, _ = random_sequences(model.config, "v2m", batch=1)
    with pytest.raises(ValueError, match="exactly one"):
        model()
    cache = model(ids[:, :20], use_cache=True).past_key_values
    with pytest.raises(ValueError, match="pass `sequence`"):
        model(ids[:, 20:], past_key_values=cache)
    with pytest.raises(NotImplementedError, match="one embedding table per modality"):
        model.resize_token_embeddings(99)


@torch.no_grad()
def test_embeddings_give_what_ids_give():
    model = tiny_model()
    ids, sequence = random_sequences(model.config, "i2vm")
    embeds = {"inputs_embeds": model.get_input_embeddings()(ids)}
    close(model(**embeds, sequence=sequence).logits, model(ids).logits, 1e-6)
    visual = ids.clamp(max=19)
    close(model(inputs_embeds=model.get_input_embeddings()(visual)).logits, model(visual).logits, 1e-6)


def test_a_rotary_embedding_of_a_text_model_is_refused():
    linear = {"rope_type": "linear", "rope_theta": 10_000.0, "factor": 2.0}
    with pytest.raises(ValueError, match="must be 'default' or 'cosmos_yarn', found 'linear'"):
        tiny_model(rope_parameters=linear)


def test_the_backbone_alone_has_no_heads():
    assert not any("head" in name for name, _ in UniMoModel(tiny_config()).named_parameters())


def test_a_scaling_of_text_models_is_refused_also_where_the_configuration_was_changed():
    config = tiny_config()
    config.rope_parameters["motion"]["rope_type"] = "linear"
    with pytest.raises(ValueError, match="`rope_type` of the motion codes must be 'default' or"):
        UniMoForConditionalGeneration(config)
