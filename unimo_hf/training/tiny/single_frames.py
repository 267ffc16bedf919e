# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Sequences whose target is one tick of a clip: what is right can only be read off the condition."""

import torch
from torch import Tensor

from unimo_hf.model.modalities import Table
from unimo_hf.model.sequences import Sequence
from unimo_hf.model.tasks import Task
from unimo_hf.training.corruption import IGNORED, draw_for_clips


def check_task(task: Task, table: Table) -> None:
    """Raise `ValueError` if the target of a task is not one modality in time."""
    names = [segment.modality for segment in task.target]
    if len(names) > 1 or not table[names[0]].has_clock:
        raise ValueError(f"single_frames is for a target of one modality that has frames; {task.name!r} has {names}.")


def keep_tick(
    tick: int, input_ids: Tensor, labels: Tensor, sequence: Sequence, codes: int
) -> tuple[Tensor, Tensor, Sequence]:
    """Cut sequences down to the condition, the tick of the target before `tick`, and `tick`, which alone has labels.

    Without the tick before, the first code would not know which frame it is of. It is that of another clip half of the
    time.

    Args:
        tick (`int`): Number of the tick in the target.
        input_ids (`torch.LongTensor` of shape `(B, length)`): Whole sequences.
        labels (`torch.LongTensor` of that shape): What is predicted.
        sequence ([`Sequence`]): Their layout.
        codes (`int`): Of a tick.

    Returns:
        `tuple`: The same three, shorter.
    """
    condition = int((~sequence.is_target[0]).sum())
    start = condition + tick * codes
    kept = [*range(condition), *range(max(condition, start - codes), start + codes)]
    input_ids, labels, sequence = input_ids[:, kept], labels[:, kept].clone(), sequence.at(kept)
    before = slice(condition, len(kept) - codes)
    labels[:, before] = IGNORED
    is_foreign = draw_for_clips(input_ids) < 0.5
    input_ids[:, before] = torch.where(is_foreign, input_ids[:, before].roll(1, dims=0), input_ids[:, before])
    return input_ids, labels, sequence
