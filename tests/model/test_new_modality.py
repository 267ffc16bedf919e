# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""A modality and a task that nobody has thought of: one value each, and nothing else changes."""

import re

import pytest
import torch
from unimo_cases import tiny_config

from unimo_hf.model import tasks
from unimo_hf.model.generation_unimo import Decoding
from unimo_hf.model.modalities import Modality
from unimo_hf.model.modeling_unimo import UniMoForConditionalGeneration
from unimo_hf.model.processing_unimo import UniMoProcessor
from unimo_hf.model.tasks import Segment, Task
from unimo_hf.model.tokenization_unimo import UniMoTokenizer

SOUND = {"name": "sound", "size": 16, "grid": [1, 2], "frames": 4}
WORDS = {"name": "words", "size": 12, "grid": [1, 1], "frames": 0}
GREEDY = Decoding(do_sample=False)


@pytest.fixture(autouse=True)
def new_tasks(monkeypatch):
    for task in (
        Task("sound to motion", "[T7]", condition=(Segment("sound"),), target=(Segment("motion"),)),
        Task("words", "[T8]", condition=(Segment("motion"),), target=(Segment("words"),)),
        Task("words to motion", "[T9]", condition=(Segment("words"),), target=(Segment("motion"),)),
        Task("two people", "[T10]", (Segment("visual"),), (Segment("motion"), Segment("motion", stream=1))),
        Task("fill", "[T11]", (Segment("motion", stop=1), Segment("motion", 16)), (Segment("motion", 1, 16),)),
    ):
        monkeypatch.setitem(tasks.TASKS, task.name, task)


@pytest.fixture
def config():
    plain = tiny_config()
    return tiny_config(modalities=[*plain.modalities, SOUND, WORDS], num_special_tokens=16, streams=2)


@pytest.fixture
def model(config):
    torch.manual_seed(0)
    return UniMoForConditionalGeneration(config).eval()


@pytest.fixture
def processor(config):
    tokenizer = UniMoTokenizer(list(config.vocabulary.sizes.items()), config.num_special_tokens)
    return UniMoProcessor(tokenizer, size=32, frames=17, fps=15.0, modalities=config.modalities)


def codes_of(*names):
    drawn = {
        "sound": torch.randint(16, (2, 5, 1, 2)),
        "motion": torch.randint(10, (2, 17, 2, 2)),
        ("motion", 1): torch.randint(10, (2, 17, 2, 2)),
        "visual": torch.randint(20, (2, 3, 2, 2)),
        "words": torch.randint(12, (2, 3)),
    }
    return {name: drawn[name] for name in names}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "../x"}, "The name of a modality is '../x'"),
        ({"name": "forward"}, "The name of a modality is 'forward'"),  # what a dictionary of modules has itself
        ({"name": "x" * 100}, "The name of a modality"),
        ({"size": 10**11}, "size of the modality 'sound' is 100000000000"),
        ({"grid": [10**6, 1]}, "grid of the modality 'sound' holds 1000000"),
        ({"grid": "x"}, "grid of the modality 'sound' is 'x'"),
        ({"grid": [2]}, "must hold rows and columns"),
        ({"frames": -1}, "frames of the modality 'sound' is -1"),
    ],
)
def test_a_modality_that_cannot_be(changes, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Modality(**(SOUND | changes))


def test_a_sequence_that_no_attention_could_take_is_refused_before_it_is_laid_out(config):
    with pytest.raises(ValueError, match="codes; at most 4194304 may be"):
        config.lay_out("v2m", 2**20 - 1000)


def test_it_has_a_table_a_head_and_ids_of_its_own(config, model):
    assert config.vocabulary.ranges["sound"] == (46, 62)
    assert config.vocabulary.ranges["words"] == (62, 75)  # and the end
    names = {name for name, _ in model.named_parameters()}
    assert {"model.embed_tokens.sound.weight", "sound_head.weight", "words_head.weight"} <= names


@pytest.mark.parametrize(
    ("task", "names"),
    [
        ("sound to motion", ("sound", "motion")),
        ("words", ("motion", "words")),
        ("words to motion", ("words", "motion")),
        ("two people", ("visual", "motion", ("motion", 1))),
    ],
)
def test_it_learns_and_comes_back(model, processor, task, names):
    codes = codes_of(*names)
    whole = processor.build_sequence(task, codes)
    loss = model(**whole).loss
    loss.backward()
    assert loss.isfinite()
    head = model.head("words" if task == "words" else "motion")
    assert head.weight.grad.abs().sum() > 0
    back = processor.post_process(whole["input_ids"], whole["sequence"])
    for name, given in codes.items():
        expected = torch.nn.functional.pad(given, (0, 1), value=-1) if name == "words" else given
        assert torch.equal(back[name], expected)


@pytest.mark.parametrize(
    ("task", "names"),
    [
        ("sound to motion", ("sound", "motion")),
        ("two people", ("visual", "motion", ("motion", 1))),
        ("fill", ("motion",)),
    ],
)
def test_ids_alone_say_where_codes_stand(model, processor, task, names):
    """Frame 16 of a condition is frame 16, not the one behind frame 0; and each person counts for themselves."""
    whole = processor.build_sequence(task, codes_of(*names))
    padded = torch.nn.functional.pad(whole["input_ids"], (2, 0), value=model.config.pad_token_id)
    with torch.no_grad():
        expected = model(whole["input_ids"], sequence=whole["sequence"]).logits
        assert torch.equal(model(whole["input_ids"]).logits, expected)
        unfinished = model(whole["input_ids"][:, :-5]).logits
        torch.testing.assert_close(unfinished, expected[:, :-5])
        logits = model(padded, attention_mask=(padded != model.config.pad_token_id).long()).logits
    torch.testing.assert_close(logits[:, 2:], expected)


def test_a_whole_sequence_comes_back_as_the_clip(processor):
    codes = codes_of("motion")
    whole = processor.build_sequence("fill", codes)
    assert torch.equal(processor.post_process(whole["input_ids"], whole["sequence"])["motion"], codes["motion"])


def test_it_is_heard(model, processor):
    """Motion behind another sound is another, and every way to generate gives the same."""
    condition = processor(sound_codes=codes_of("sound")["sound"], task="sound to motion")
    target = model.generate_target(condition["input_ids"], sequence=condition["sequence"], decoding=GREEDY)
    assert torch.equal(model.generate(**condition, do_sample=False)[:, condition["input_ids"].shape[1] :], target)
    alone = model.generate(condition["input_ids"], do_sample=False)  # the ids say it, too
    assert torch.equal(alone[:, condition["input_ids"].shape[1] :], target)
    assert processor.post_process(target, condition["sequence"])["motion"].shape == (2, 17, 2, 2)
    with torch.no_grad():
        logits = [
            model(ids, sequence=condition["sequence"][: ids.shape[1]]).logits[:, -1]
            for ids in (condition["input_ids"], condition["input_ids"].flip(0))
        ]
    assert (logits[0] - logits[1]).abs().max() > 1e-4


@pytest.mark.parametrize(("likeliest", "count"), [(12, 1), (0, 65)])
def test_words_end_when_they_end(model, processor, monkeypatch, likeliest, count):
    """A head that always says the end, a code of their own table, gives it once; one that never does gives all."""

    def logits(states):
        return torch.nn.functional.one_hot(torch.full(states.shape[:-1], likeliest), 13).float()

    monkeypatch.setattr(model.words_head, "forward", logits)
    condition = processor(motion_codes=codes_of("motion")["motion"], task="words")
    target = model.generate_target(condition["input_ids"], sequence=condition["sequence"], decoding=GREEDY)
    words = processor.post_process(target[:, :count], condition["sequence"])["words"]
    assert words.shape == (2, count)
    assert (words == (-1 if likeliest == 12 else 0)).all()


def test_saved_and_loaded_it_is_the_same(model, processor, tmp_path):
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    loaded = UniMoForConditionalGeneration.from_pretrained(tmp_path).eval()
    again = UniMoProcessor.from_pretrained(tmp_path)
    assert loaded.config.table == model.config.table
    assert list(again.table) == ["visual", "motion", "sound", "words"]
    whole = again.build_sequence("sound to motion", codes_of("sound", "motion"))
    with torch.no_grad():
        assert torch.equal(loaded(**whole).loss, model(**whole).loss)
