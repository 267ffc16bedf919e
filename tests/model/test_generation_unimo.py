# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import pytest
import torch
from safetensors.torch import load_file
from transformers import GenerationConfig, LogitsProcessorList
from unimo_cases import GOLDENS, golden_model, name_at, random_sequences, tiny_config, tiny_model

from unimo_hf.model.generation_unimo import Decoding, GrammarLogitsProcessor, TargetGrammar, top_p_probabilities
from unimo_hf.model.modeling_unimo import UniMoForConditionalGeneration
from unimo_hf.model.tasks import TASKS

BASE = load_file(GOLDENS / "ar_base.safetensors")
TASK_NAMES = ["v2m", "i2vm"]
GREEDY, SAMPLED = Decoding(do_sample=False), Decoding(do_sample=True, top_p=0.8)


def conditions(config, task, batch=2):
    ids, sequence = random_sequences(config, task, batch)
    return ids[:, : sequence.condition_length], sequence


def lively_model(**changes):
    """A tiny model whose greedy target is not the same code over and over."""
    return tiny_model(initializer_range=0.3, **changes)


# --- Goldens -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("top_p", "temperature"), [(0.8, 1.0), (0.9, 0.6)])
def test_the_nucleus_equals_cosmos(top_p, temperature):
    probabilities = top_p_probabilities(BASE["logits_full"][:, 3], top_p, temperature)
    torch.testing.assert_close(probabilities, BASE[f"top_p_probs_p{top_p}_t{temperature}"], atol=1e-6, rtol=1e-4)


def test_the_nucleus_of_one_is_the_whole_distribution():
    logits = torch.randn(3, 7)
    torch.testing.assert_close(top_p_probabilities(logits), logits.softmax(-1))


@pytest.mark.parametrize("way", ["generate", "generate_target"])
def test_greedy_continuation_of_a_clip_equals_cosmos(way):
    model, prompt = golden_model(), BASE["greedy_prompt"]
    if way == "generate":
        sequence = model.generate(prompt, do_sample=False)
    else:
        sequence = torch.cat([prompt, model.generate_target(prompt, decoding=GREEDY)], dim=1)
    assert torch.equal(sequence, BASE["greedy_sequence"])


# --- All ways give the same --------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", TASK_NAMES)
@pytest.mark.parametrize(
    "changes",
    [{}, {"ape_mode": "qk"}, {"ape_mode": "input_once"}, {"ablation": "uni_embed"}],
    ids=str,
)
def test_every_way_to_generate_gives_the_same_codes(task, changes):
    model = lively_model(**changes)
    prompt, sequence = conditions(model.config, task)
    expected = model.generate(prompt, do_sample=False, use_cache=False)
    assert expected.shape == (2, len(sequence))
    assert len(expected[:, sequence.condition_length :].unique()) > 3
    assert torch.equal(model.generate(prompt, do_sample=False), expected)
    padding = prompt.new_full((2, 3), model.config.pad_token_id)
    mask = torch.cat([torch.zeros_like(padding), torch.ones_like(prompt)], dim=1)
    padded = model.generate(torch.cat([padding, prompt], dim=1), attention_mask=mask, do_sample=False)
    assert torch.equal(padded[:, 3:], expected)
    assert torch.equal(model.generate_target(prompt, decoding=GREEDY), expected[:, sequence.condition_length :])


@pytest.mark.parametrize("task", TASK_NAMES)
def test_a_static_cache_gives_the_same_codes(task):
    model = lively_model()
    prompt, _ = conditions(model.config, task)
    expected = model.generate(prompt, do_sample=False)
    static = model.generate(prompt, do_sample=False, cache_implementation="static", disable_compile=True)
    assert torch.equal(static, expected)


@pytest.mark.parametrize("task", TASK_NAMES)
def test_the_teacher_forced_pass_predicts_what_was_generated(task):
    model = lively_model()
    prompt, sequence = conditions(model.config, task)
    ids = model.generate(prompt, do_sample=False)
    with torch.no_grad():
        logits = model(ids).logits
    for place in range(sequence.condition_length, len(sequence)):
        first, end = model.config.vocabulary.ranges[name_at(sequence, place)]
        assert torch.equal(logits[:, place - 1, first:end].argmax(-1) + first, ids[:, place])


def test_rows_of_both_tasks_end_in_padding():
    model = lively_model()
    rows = [conditions(model.config, task, batch=1)[0] for task in TASK_NAMES]
    alone = [model.generate(row, do_sample=False)[0, row.shape[1] :] for row in rows]
    width, pad = max(row.shape[1] for row in rows), model.config.pad_token_id
    prompt = torch.cat([torch.nn.functional.pad(row, (width - row.shape[1], 0), value=pad) for row in rows])
    targets = model.generate(prompt, attention_mask=(prompt != pad).long(), do_sample=False)[:, width:]
    for target, expected in zip(targets, alone, strict=True):
        assert torch.equal(target[: len(expected)], expected)
        assert (target[len(expected) :] == pad).all()


# --- The grammar -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", TASK_NAMES)
@pytest.mark.parametrize("interleaving", ["eq2", "aligned", "blocked"])
@pytest.mark.parametrize("way", ["generate", "generate_target"])
def test_no_code_of_the_wrong_modality_ever(task, interleaving, way):
    model = tiny_model(interleaving=interleaving)
    prompt, sequence = conditions(model.config, task, batch=4)
    if way == "generate":
        ids = model.generate(prompt, do_sample=True, top_p=1.0, temperature=50.0)
    else:
        ids = torch.cat(
            [prompt, model.generate_target(prompt, decoding=Decoding(do_sample=True, temperature=50.0))], dim=1
        )
    assert torch.equal(model.config.vocabulary.modality(ids), sequence.modality.expand(4, -1))


def test_beams_and_several_sequences_keep_the_grammar():
    model = tiny_model()
    prompt, sequence = conditions(model.config, "i2vm")
    for options in ({"num_beams": 3, "do_sample": False}, {"num_return_sequences": 2, "do_sample": True}):
        sequences = model.generate(prompt, **options)
        assert torch.equal(model.config.vocabulary.modality(sequences), sequence.modality.expand(len(sequences), -1))


def test_the_nucleus_is_taken_over_the_allowed_codes_only():
    config = tiny_config()
    prompt, _ = conditions(config, "v2m", batch=1)
    scores = torch.zeros(1, config.vocab_size)
    scores[0, 3] = 100.0  # a visual code that would take all the mass
    allowed = GrammarLogitsProcessor(TargetGrammar(config, prompt))(prompt, scores)
    probabilities = allowed.softmax(-1)[0]
    assert probabilities[20:30].tolist() == pytest.approx([0.1] * 10)
    assert probabilities.sum().item() == pytest.approx(1.0)


def test_a_custom_processor_runs_behind_the_grammar():
    model, seen = tiny_model(), []

    def watch(input_ids, scores):
        seen.append(scores.isfinite().sum().item())
        return scores

    prompt, sequence = conditions(model.config, "v2m", batch=1)
    model.generate(prompt, do_sample=False, logits_processor=LogitsProcessorList([watch]))
    assert seen == [10] * (len(sequence) - sequence.condition_length)


def test_a_clip_of_another_length():
    model = tiny_model()
    for task in TASK_NAMES:
        prompt, sequence = random_sequences(model.config, task, frames=9)
        prompt = prompt[:, : sequence.condition_length]
        # The length of a video-to-motion condition says how long the clip is; a picture does not.
        given = {} if task == "v2m" else {"sequence": sequence}
        assert model.generate(prompt, do_sample=False, **given).shape[1] == len(sequence)
        found = model.generate_target(prompt, decoding=GREEDY, **given)
        assert found.shape[1] == (len(sequence) - sequence.condition_length)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([[30, 0, 0, 0, 0]], "must hold one"),
        ([[30, 0, 0, 0, 0, 32, 32]], "must hold one"),
        ([[32, 0, 0, 0, 0]], "must start with one of the task tokens"),
        ([[20, 21]], "holds codes without a task.*go on freely if `max_new_tokens`"),
        ([[31, 0, 0, 0, 32]], "do not follow the layout of task 'i2vm'.*6 ids up to"),
        ([[30, 0, 0, 0, 0, 0, 32]], "do not follow the layout of task 'v2m'.*10 ids up to"),
        ([[30, 0, 0, 0, 0, 32, 5]], "do not follow the layout"),
        ([[30, 0, 21, 0, 0, 32]], "do not follow the layout"),
    ],
)
def test_a_sequence_of_no_valid_form_is_refused(ids, message):
    with pytest.raises(ValueError, match=f"Row 0 of `input_ids`: .*{message}"):
        tiny_model().generate(torch.tensor(ids))


# --- Forced starts, sampling, progress ---------------------------------------------------------------------------


@pytest.mark.parametrize("task", TASK_NAMES)
def test_a_forced_start_stays_and_the_rest_follows_it(task):
    model = lively_model()
    ids, sequence = random_sequences(model.config, task)
    start = sequence.condition_length
    prompt, forced = ids[:, :start], ids[:, start : start + 9]
    target = model.generate_target(prompt, forced_target_ids=forced, decoding=GREEDY)
    assert torch.equal(target[:, :9], forced)
    assert torch.equal(target, model.generate(ids[:, : start + 9], do_sample=False)[:, start:])
    own = model.generate_target(prompt, decoding=GREEDY)
    assert torch.equal(model.generate_target(prompt, forced_target_ids=own[:, :9], decoding=GREEDY), own)


def test_a_complete_sequence_is_given_back():
    model = tiny_model()
    ids, sequence = random_sequences(model.config, "v2m")
    assert torch.equal(model.generate(ids), ids)
    assert torch.equal(model.generate_target(ids), ids[:, sequence.condition_length :])


def test_the_same_seed_gives_the_same_sample():
    model = tiny_model()
    prompt, _ = conditions(model.config, "v2m")
    samples = [
        model.generate_target(prompt, decoding=SAMPLED, generator=torch.Generator().manual_seed(seed))
        for seed in (1, 1, 2)
    ]
    assert torch.equal(samples[0], samples[1])
    assert not torch.equal(samples[0], samples[2])


def test_progress_is_reported_after_every_code():
    model, seen = tiny_model(), []
    prompt, sequence = conditions(model.config, "v2m", batch=1)
    model.generate_target(prompt, on_step=lambda done, total: seen.append((done, total)))
    assert seen == [
        (done + 1, (len(sequence) - sequence.condition_length))
        for done in range(len(sequence) - sequence.condition_length)
    ]


def test_sampling_defaults_are_the_papers_unless_a_task_has_its_own(tmp_path):
    model = tiny_model()
    defaults = model.generation_config
    assert (defaults.do_sample, defaults.top_p, defaults.top_k, defaults.temperature) == (True, 0.8, 0, 1.0)
    assert model.sampling_options("v2m") == {"do_sample": True, "top_p": 0.8, "temperature": 1.0}
    GenerationConfig(do_sample=True, top_p=0.7, top_k=0, task_options={"v2m": {"do_sample": False}}).save_pretrained(
        tmp_path
    )
    model.generation_config = GenerationConfig.from_pretrained(tmp_path)
    assert model.sampling_options("v2m") == {"do_sample": False, "top_p": 0.7, "temperature": 1.0}
    assert model.sampling_options("i2vm", top_p=0.5) == {"do_sample": True, "top_p": 0.5, "temperature": 1.0}
    prompt, _ = conditions(model.config, "v2m")
    assert torch.equal(model.generate(prompt), model.generate(prompt, do_sample=False))
    assert torch.equal(model.generate_target(prompt), model.generate_target(prompt, decoding=GREEDY))


def test_mean_codes_are_nearest_to_the_mean_of_the_codebook():
    model = tiny_model()
    prompt, _ = conditions(model.config, "v2m")
    vocabulary = model.config.vocabulary
    line = torch.arange(vocabulary.sizes["motion"], dtype=torch.float32)[:, None]
    logits = model(prompt).logits[:, -1, slice(*vocabulary.ranges["motion"])]
    mean = (logits.softmax(-1) * line[:, 0]).sum(-1)
    decoding = Decoding(do_sample=False, vectors={"motion": line})
    found = model.generate_target(prompt, decoding=decoding, max_target_ids=1)
    assert (found[:, 0] - vocabulary.ranges["motion"][0]).tolist() == mean.round().long().tolist()
    # Where every code is as far from every other, the nearest is the likeliest.
    greedy = model.generate_target(prompt, decoding=GREEDY)
    apart = torch.eye(vocabulary.sizes["motion"])
    for do_sample in (False, True):
        decoding = Decoding(do_sample, vectors={"motion": apart})
        assert torch.equal(model.generate_target(prompt, decoding=decoding), greedy)


def test_pictures_are_sampled_beside_mean_codes():
    model = tiny_model()
    prompt, _ = conditions(model.config, "i2vm")
    vocabulary = model.config.vocabulary
    decoding = Decoding(do_sample=True, top_p=0.8, vectors={"motion": torch.eye(vocabulary.sizes["motion"])})
    first, again, other = (
        model.generate_target(prompt, decoding=decoding, generator=torch.Generator().manual_seed(seed))
        for seed in (0, 0, 1)
    )
    is_visual = vocabulary.modality(first) == 1
    assert torch.equal(first, again)
    assert not torch.equal(first[is_visual], other[is_visual])
    # Each motion code is the likeliest behind what was sampled.
    rows = torch.cat([prompt, first], dim=1)
    logits = model(rows).logits[:, prompt.shape[1] - 1 : -1, slice(*vocabulary.ranges["motion"])]
    likeliest = logits.argmax(-1) + vocabulary.ranges["motion"][0]
    assert torch.equal(first[~is_visual], likeliest[~is_visual])


def test_a_task_may_take_mean_codes(tmp_path):
    model = tiny_model()
    assert not model.takes_mean_codes("v2m")
    model.generation_config.task_options = {"v2m": {"do_sample": False, "mean_codes": True}}
    model.save_pretrained(tmp_path)
    loaded = UniMoForConditionalGeneration.from_pretrained(tmp_path)
    assert loaded.takes_mean_codes("v2m")
    assert not loaded.takes_mean_codes("i2vm")
    prompt, _ = conditions(model.config, "v2m")
    assert torch.equal(loaded.generate(prompt), model.generate(prompt, do_sample=False))  # which has no codebook


def test_options_of_a_task_are_saved_with_a_new_model(tmp_path):
    model = tiny_model()
    model.generation_config.task_options = {"v2m": {"do_sample": False}}
    model.save_pretrained(tmp_path)
    loaded = UniMoForConditionalGeneration.from_pretrained(tmp_path)
    assert loaded.sampling_options("v2m") == {"do_sample": False, "top_p": 0.8, "temperature": 1.0}


@pytest.mark.parametrize("task", ["v2m", "i2vm"])
def test_a_target_that_is_ended_early_is_the_beginning_of_the_whole(task):
    model = tiny_model()
    prompt, _ = conditions(model.config, task)
    whole = model.generate_target(prompt, decoding=GREEDY)
    assert torch.equal(model.generate_target(prompt, decoding=GREEDY, max_target_ids=7), whole[:, :7])
    forced = whole[:, :4]
    ended = model.generate_target(prompt, decoding=GREEDY, forced_target_ids=forced, max_target_ids=7)
    assert torch.equal(ended, whole[:, :7])
    assert torch.equal(model.generate_target(prompt, forced_target_ids=forced, max_target_ids=4), forced)


def test_the_shipped_generation_configuration(repository):
    configuration = GenerationConfig.from_pretrained(repository / "configuration")
    assert (configuration.top_p, configuration.top_k, configuration.temperature) == (0.8, 0, 1.0)
    assert set(configuration.task_options) <= set(TASKS)


# --- What is not supported ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"prefill_chunk_size": 4},
        {"guidance_scale": 2.0},
        {"prompt_lookup_num_tokens": 2},
        {"cache_implementation": "paged"},
        {"assistant_model": "any"},
        {"assistant_early_exit": 1},
        {"use_mtp": True},
    ],
    ids=lambda options: next(iter(options)),
)
def test_an_option_that_would_give_a_wrong_result_is_refused(options):
    model = tiny_model()
    prompt, _ = conditions(model.config, "v2m")
    with pytest.raises(ValueError, match=next(iter(options))):
        model.generate(prompt, **options)
    if "assistant_model" not in options:
        with pytest.raises(ValueError, match=next(iter(options))):
            model.generate(prompt, generation_config=GenerationConfig(**options))
        model.generation_config.update(**options)
        with pytest.raises(ValueError, match=next(iter(options))):
            model.generate(prompt)


@pytest.mark.parametrize("way", ["generate_batch", "init_continuous_batching", "continuous_batching_context_manager"])
def test_continuous_batching_is_refused(way):
    with pytest.raises(NotImplementedError, match="Continuous batching"):
        getattr(tiny_model(), way)([[1, 2]])


def test_a_cache_without_the_ids_behind_it_is_refused():
    model = tiny_model()
    ids, _ = random_sequences(model.config, "v2m")
    cache = model(ids[:, :-2], use_cache=True).past_key_values
    with pytest.raises(ValueError, match="give the ids of the whole sequence"):
        model.generate(ids[:, -2:] % 20, past_key_values=cache, max_new_tokens=1)


def test_rows_that_differ_are_refused_by_the_fast_loop():
    model = tiny_model()
    prompt, _ = conditions(model.config, "v2m")
    padded = torch.nn.functional.pad(prompt, (2, 0), value=model.config.pad_token_id)
    rows = torch.cat([padded[:1], torch.nn.functional.pad(prompt[1:], (2, 0), value=0)])
    with pytest.raises(ValueError, match="Row 1"):
        model.generate_target(rows)
    other, _ = random_sequences(model.config, "v2m", 1, frames=9)
    short = torch.nn.functional.pad(other[:, :10], (4, 0), value=model.config.pad_token_id)
    with pytest.raises(ValueError, match="without padding"):
        model.generate_target(torch.cat([prompt[:1], short]))
    with pytest.raises(ValueError, match="`generate` needs `input_ids`"):
        model.generate()


def test_weights_beyond_their_type_are_said():
    model = tiny_model()
    with torch.no_grad():
        model.model.norm.weight.fill_(1e38)
        model.motion_head.weight.fill_(1e38)
    ids, sequence = random_sequences(model.config, "v2m")
    with pytest.raises(ValueError, match=r"logits are no finite numbers: its weights are beyond torch\.float32"):
        model.generate_target(ids[:, : sequence.condition_length])


def test_the_order_of_the_grammar_is_that_of_the_task():
    config = tiny_config()
    prompt, sequence = conditions(config, "i2vm", batch=1)
    grammar = TargetGrammar(config, prompt)
    assert grammar.task == "i2vm"
    assert torch.equal(grammar.next_modality[0], sequence.modality[0, sequence.condition_length :])
    assert grammar.modality_at(prompt.shape[1] + grammar.remaining).tolist() == [0]
    assert (len(sequence) - sequence.condition_length) == grammar.remaining
