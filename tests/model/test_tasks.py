# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""A task is a value: where its codes stand follows from it, for the paper's two and for those to come."""

import pytest
import torch

from unimo_hf.model import tasks
from unimo_hf.model.modalities import Modality, make_table, plain_table
from unimo_hf.model.sequences import Sequence, lay_out, read_sequence, sequence_of_ids, stack_sequences
from unimo_hf.model.tasks import TASKS, Segment, Task, get_task, tasks_by_token
from unimo_hf.model.vocabulary import Vocabulary

PAPER = make_table([Modality("visual", 64000, (32, 32), 8), Modality("motion", 512, (6, 6))])
SMALL = make_table([Modality("visual", 20, (1, 2), 2), Modality("motion", 10, (1, 1))])
MORE = SMALL | make_table(
    [
        Modality("text", 30, (1, 1), 0),
        Modality("keypoints", 40, (1, 2)),
        Modality("music", 50, (1, 1), 4),
    ]
)


def letters(sequence: Sequence) -> str:
    """Tick by tick: V1 is the second tick of video, M0b that of a second person, | a special token, E an end."""
    text = []
    table = list(sequence.table.values())
    rows = zip(*(part[0].tolist() for part in (sequence.modality, sequence.index, sequence.stream)), strict=True)
    for number, index, stream in rows:
        kind = table[number - 1]
        tick = f"{kind.name[0].upper()}{index // kind.codes}{'b' * stream}" if number else "|"
        if not text or text[-1] != tick or number == 0:
            text.append(tick)
    return " ".join(text)


@pytest.mark.parametrize("task", ["v2m", "i2vm"])
@pytest.mark.parametrize("interleaving", ["eq2", "aligned", "blocked"])
def test_a_full_clip_has_the_length_of_table_4(task, interleaving):
    sequence = lay_out(TASKS[task], PAPER, 65, interleaving=interleaving)
    assert len(sequence) == 11_558
    assert sequence.holds("visual").sum() == 9216
    assert sequence.holds("motion").sum() == 2340
    assert sequence.condition_length == (9218 if task == "v2m" else 1026)
    assert sequence.is_target.sum() == (2340 if task == "v2m" else 10532)
    assert sequence.task == task


@pytest.mark.parametrize(
    ("task", "interleaving", "expected"),
    [
        ("v2m", "eq2", "| V0 V1 V2 | M0 M1 M2 M3 M4"),
        ("i2vm", "eq2", "| V0 | V1 M0 M1 M2 V2 M3 M4"),
        ("i2vm", "aligned", "| V0 | M0 V1 M1 M2 V2 M3 M4"),
        ("i2vm", "blocked", "| V0 | V1 V2 M0 M1 M2 M3 M4"),
    ],
)
def test_the_order_of_a_sequence(task, interleaving, expected):
    assert letters(lay_out(TASKS[task], SMALL, 5, interleaving=interleaving)) == expected


MOTION, VISUAL, TEXT = Segment("motion"), Segment("visual"), Segment("text")
TEN = [
    (
        Task("m2v", "[T3]", (Segment("visual", stop=1), MOTION), (Segment("visual", start=1),)),
        "| V0 M0 M1 M2 M3 M4 | V1 V2",
    ),
    (Task("t2m", "[T4]", (TEXT,), (MOTION,)), "| T0 T1 T2 T3 | M0 M1 M2 M3 M4"),
    (Task("m2t", "[T5]", (MOTION,), (TEXT,)), "| M0 M1 M2 M3 M4 | T0 T1 T2 T3"),
    (Task("k2m", "[T6]", (Segment("keypoints"),), (MOTION,)), "| K0 K1 K2 K3 K4 | M0 M1 M2 M3 M4"),
    (Task("vk2m", "[T7]", (VISUAL, Segment("keypoints")), (MOTION,)), "| V0 V1 V2 K0 K1 K2 K3 K4 | M0 M1 M2 M3 M4"),
    (Task("music2m", "[T8]", (Segment("music"),), (MOTION,)), "| M0 M1 | M0 M1 M2 M3 M4"),
    (Task("continue", "[T9]", (Segment("motion", stop=2),), (Segment("motion", start=2),)), "| M0 M1 | M2 M3 M4"),
    (
        Task(
            "between", "[T10]", (Segment("motion", stop=2), Segment("motion", start=-2)), (Segment("motion", 2, -2),)
        ),
        "| M0 M1 M3 M4 | M2",
    ),
    (
        Task("edit", "[T11]", (MOTION, TEXT), (Segment("motion", stream=1),)),
        "| M0 M1 M2 M3 M4 T0 T1 T2 T3 | M0b M1b M2b M3b M4b",
    ),
    (
        Task("two people", "[T12]", (VISUAL,), (MOTION, Segment("motion", stream=1))),
        "| V0 V1 V2 | M0 M0b M1 M1b M2 M2b M3 M3b M4 M4b",
    ),
    (
        Task("mixed", "[T13]", (Segment("visual", stop=1), TEXT), (Segment("visual", start=1), MOTION)),
        "| V0 T0 T1 T2 T3 | V1 M0 M1 M2 V2 M3 M4",
    ),
]


@pytest.mark.parametrize(("task", "expected"), TEN, ids=[task.name for task, _ in TEN])
def test_a_new_task_is_a_new_value(task, expected):
    """Text of three words has four codes: `<end>` is the last."""
    assert letters(lay_out(task, MORE, 5, {"text": 3})) == expected


def test_a_single_frame():
    table = make_table([Modality("visual", 20, (2, 2), 8), Modality("motion", 10, (1, 3))])
    assert len(lay_out(TASKS["v2m"], table, 1)) == 1 + 4 + 1 + 3
    assert letters(lay_out(TASKS["i2vm"], table, 1)) == "| V0 | M0"


def test_ticks_cover_frames():
    assert [PAPER["visual"].ticks(frames) for frames in (1, 2, 9, 10, 65)] == [1, 2, 2, 3, 9]
    assert [PAPER["visual"].frames_in(ticks) for ticks in (1, 2, 9)] == [1, 9, 65]


def test_what_ids_say_alone():
    """Codes are counted in their order, padding counts for nothing, and up to [STG] is condition."""
    vocabulary = Vocabulary({name: kind.rows for name, kind in SMALL.items()}, 6)
    ids = torch.tensor([[33, 30, 1, 2, 32, 21, 3, 22]])
    sequence = read_sequence(ids, vocabulary, SMALL)
    assert sequence.modality.tolist() == [[0, 0, 1, 1, 0, 2, 1, 2]]
    assert sequence.index.tolist() == [[0, 0, 0, 1, 0, 0, 2, 1]]
    assert sequence.is_target.tolist() == [[False] * 5 + [True] * 3]
    assert read_sequence(ids[:, 5:], vocabulary, SMALL).is_target.all()


@pytest.mark.parametrize("task", ["v2m", "i2vm"])
def test_a_row_of_ids_says_which_sequence_it_begins(task):
    vocabulary = Vocabulary({name: kind.rows for name, kind in SMALL.items()}, 6)
    expected = lay_out(TASKS[task], SMALL, 5)
    first = torch.tensor([vocabulary.ranges[name][0] for name in SMALL])
    ids = first[(expected.modality[0] - 1).clamp(min=0)]
    ids[0], ids[expected.condition_length - 1] = (
        vocabulary.special_id(TASKS[task].token),
        vocabulary.special_id("[STG]"),
    )
    for length in (expected.condition_length, len(expected)):
        found = sequence_of_ids(ids[:length], vocabulary, SMALL, 5, "eq2")
        assert letters(found) == letters(expected)
    assert sequence_of_ids(ids[1:3], vocabulary, SMALL, 5, "eq2") is None
    with pytest.raises(ValueError, match="do not follow the layout"):
        sequence_of_ids(torch.cat([ids, ids[-1:]]), vocabulary, SMALL, 5, "eq2")


def test_sequences_of_several_forms_are_padded():
    long, short = (lay_out(TASKS["v2m"], SMALL, frames) for frames in (5, 3))
    both = stack_sequences([long, short], [0, 4])
    assert both.modality.shape == (2, len(long))
    assert torch.equal(both.modality[1, 4 : 4 + len(short)], short.modality[0])
    assert both.condition_length is None
    alike = stack_sequences([long, long], [0, 0])
    assert (alike.modality.shape[0], alike.condition_length) == (1, long.condition_length)


def test_a_part_of_a_sequence():
    whole = lay_out(TASKS["v2m"], SMALL, 5)
    assert len(whole[3:]) == len(whole) - 3
    assert [whole[:stop].condition_length for stop in (2, 9)] == [2, whole.condition_length]
    assert whole[4:].condition_length == whole.condition_length - 4
    together = whole.counted_together()
    assert together.index[0, -1] == (whole.modality > 0).sum() - 1
    assert together.counted_together() is together


def test_a_table_is_read_from_what_json_holds():
    assert make_table(plain_table(MORE)) == MORE
    assert list(make_table(plain_table(MORE))) == list(MORE)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: get_task("text"), "`task` must be one of"),
        (lambda: Task("nothing", "[T3]", (), ()), "has no target"),
        (lambda: Modality("sound", 0, (1, 1)), "size of the modality 'sound' is 0"),
        (lambda: Modality("sound", 5, (0, 1)), "grid of the modality 'sound' holds 0"),
        (lambda: Modality("sound", 5, (1, 1), -1), "frames of the modality 'sound' is -1"),
        (lambda: Modality("a sound", 5, (1, 1)), "name of a modality"),
        (lambda: make_table([]), "0 modalities"),
        (lambda: make_table([SMALL["visual"], SMALL["visual"]]), "'visual' stands twice"),
        (lambda: make_table([{"name": "sound", "size": 3, "grid": [1, 1], "colour": 1}]), "is no modality"),
        (lambda: lay_out(TASKS["v2m"], SMALL, 5, interleaving="mixed"), "`interleaving` must be one of"),
        (lambda: lay_out(TASKS["v2m"], SMALL, 0), "frames of a clip is 0"),
        (lambda: lay_out(Task("x", "[T3]", (Segment("sound"),), (MOTION,)), SMALL, 5), "names the modality 'sound'"),
        (
            lambda: lay_out(Task("x", "[T3]", (Segment("motion", stop=9),), (MOTION,)), SMALL, 5),
            "ticks 0 to 9 of 'motion'",
        ),
    ],
)
def test_bad_values_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_two_tasks_with_one_token_are_refused(monkeypatch):
    monkeypatch.setitem(tasks.TASKS, "other", Task("other", "[T1]", (VISUAL,), (MOTION,)))
    with pytest.raises(ValueError, match=r"'v2m' and 'other' both open with \[T1\]"):
        tasks_by_token()


def test_one_position_has_the_same_strides_wherever_it_is_cut():
    """A compiled forward pass is compiled once."""
    sequence = lay_out(TASKS["i2vm"], SMALL, 5).counted_together()
    strides = {sequence[:length][length - 1 :].index.stride() for length in (5, 6, 7)}
    assert strides == {(1, 1)}
