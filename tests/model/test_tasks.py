# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import dataclasses

import pytest
import torch

from unimo_hf.model.tasks import TASKS, SequenceLayout, Task, TaskSchedule, get_task, modality_index
from unimo_hf.model.vocabulary import MOTION, SPECIAL, VISUAL

PAPER = SequenceLayout(9, 32, 32)
SMALL = SequenceLayout(3, 1, 2, codes_per_frame=1, temporal_compression=2)


def letters(schedule: TaskSchedule) -> str:
    """Write a schedule as `sv` (condition) and letters with numbers: V1a is visual code of latent 1, M0 of frame 0."""
    text = []
    for modality, index in zip(schedule.modality.tolist(), schedule.modality_index.tolist(), strict=True):
        if modality == SPECIAL:
            text.append("|")
        elif modality == VISUAL:
            text.append(f"V{index // 2}")
        else:
            text.append(f"M{index}")
    return " ".join(text)


@pytest.mark.parametrize("task", ["v2m", "i2vm"])
@pytest.mark.parametrize("interleaving", ["eq2", "aligned", "blocked"])
def test_a_full_clip_has_the_length_of_table_4(task, interleaving):
    schedule = TaskSchedule(TASKS[task], PAPER, interleaving)
    assert schedule.length == 11_558
    assert len(schedule.modality) == len(schedule.modality_index) == 11_558
    assert (schedule.modality == VISUAL).sum() == 9216
    assert (schedule.modality == MOTION).sum() == 2340
    assert schedule.condition_length == (9218 if task == "v2m" else 1026)
    assert schedule.target_length == (2340 if task == "v2m" else 10532)


def test_frames_of_latent_frames():
    assert PAPER.frames == 65
    assert [list(SMALL.frames_of_latent(k)) for k in range(3)] == [[0], [1, 2], [3, 4]]
    covered = [frame for k in range(9) for frame in PAPER.frames_of_latent(k)]
    assert covered == list(range(65))


@pytest.mark.parametrize(
    ("task", "interleaving", "expected"),
    [
        ("v2m", "eq2", "| V0 V0 V1 V1 V2 V2 | M0 M1 M2 M3 M4"),
        ("i2vm", "eq2", "| V0 V0 | V1 V1 M0 M1 M2 V2 V2 M3 M4"),
        ("i2vm", "aligned", "| V0 V0 | M0 V1 V1 M1 M2 V2 V2 M3 M4"),
        ("i2vm", "blocked", "| V0 V0 | V1 V1 V2 V2 M0 M1 M2 M3 M4"),
    ],
)
def test_the_order_of_a_sequence(task, interleaving, expected):
    assert letters(TaskSchedule(TASKS[task], SMALL, interleaving)) == expected


def test_a_single_frame():
    layout = SequenceLayout(1, 2, 2, codes_per_frame=3)
    assert TaskSchedule(TASKS["v2m"], layout).length == 1 + 4 + 1 + 3
    picture = TaskSchedule(TASKS["i2vm"], layout)
    assert picture.target_modality.tolist() == [MOTION] * 3


def test_a_new_task_is_a_new_value():
    """Prediction from two latent frames needs no new code."""
    task = Task("prediction", "[T3]", condition_latents=2, generates_video=True)
    assert letters(TaskSchedule(task, SMALL)) == "| V0 V0 V1 V1 | V2 V2 M0 M1 M2 M3 M4"


def test_index_counts_each_modality_apart_and_ignores_padding():
    modality = torch.tensor([[0, 0, 0, 1, 1, 0, 2, 1, 2]])
    assert modality_index(modality).tolist() == [[0, 0, 0, 0, 1, 0, 0, 2, 1]]


def test_bad_values_are_refused():
    with pytest.raises(ValueError, match="`task` must be one of"):
        get_task("text")
    with pytest.raises(ValueError, match="`interleaving` must be one of"):
        TaskSchedule(TASKS["v2m"], SMALL, "mixed")
    with pytest.raises(ValueError, match="`height` of a sequence layout"):
        SequenceLayout(3, 0, 2)
    with pytest.raises(ValueError, match="needs at least 2 latent frames"):
        TaskSchedule(dataclasses.replace(TASKS["i2vm"], condition_latents=2), SequenceLayout(1, 2, 2))
