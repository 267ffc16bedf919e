# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What stands where in a sequence `[task] condition [STG] target`: the one record that all others read.

The processor lays it out, and model, loss, generation, training and evaluation take it from there. Ids that come
without it are read by [`read_sequence`] and [`sequence_of_ids`], here and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch.nn import functional

from .modalities import SPECIAL, Table
from .number_ranges import Range
from .tasks import Segment, Task, tasks_by_token
from .vocabulary import START_OF_TARGET, Vocabulary

# Orders of a target that holds several modalities, as keys to sort its ticks by: (tick of the coarsest clock, that
# tick or the first one that the leading segment generates, place of the segment in the task, tick of its own).
INTERLEAVINGS = {
    # V1 M0 M1 V2 M2 ...: what the condition covers already stands behind the first generated tick (paper, eq. 2).
    "eq2": lambda shared, raised, segment, tick: (raised, segment, tick),
    "aligned": lambda shared, raised, segment, tick: (shared, segment, tick),  # M0 V1 M1 V2 M2 ...
    "blocked": lambda shared, raised, segment, tick: (segment, tick),  # V1 V2 ... M0 M1 M2 ...
}
# Ticks of a target without a clock, when nothing is said: it may end before.
OPEN_TICKS = 64
FRAMES = Range(1, 2**20, whole=True)
MOST_CODES = 2**22  # 340 times the paper's; more would be laid out for minutes, and no attention could take them


@dataclass(frozen=True, eq=False)
class Sequence:
    """Modality, place, person and role of every position of a batch.

    Attributes:
        table (`Mapping[str, Modality]`): The modalities, numbered from 1 in this order.
        modality (`torch.LongTensor` of shape `(batch or 1, length)`): Number of the modality; 0 is special. One row
            when all are alike.
        index (`torch.LongTensor` of that shape): Place of a code in its clip, in codes of its modality.
        stream (`torch.LongTensor` of that shape): Which person.
        is_target (`torch.BoolTensor` of that shape): The target is causal, the condition attends to all of itself.
        condition_length (`int`, *optional*): Positions in front of the target, the task's token and `[STG]` included,
            when all rows have as many.
        task (`str`, *optional*): Name of the task, when all rows have the same.
        is_counted_together (`bool`): Whether `index` counts the codes of all modalities in one row.
    """

    table: Table
    modality: torch.LongTensor
    index: torch.LongTensor
    stream: torch.LongTensor
    is_target: torch.BoolTensor
    condition_length: int | None = None
    task: str | None = None
    is_counted_together: bool = False

    def __len__(self) -> int:
        return self.modality.shape[1]

    def __getitem__(self, positions: slice) -> "Sequence":
        """The same positions of every row. Copies, so that strides do not depend on what was cut."""
        start, stop, _ = positions.indices(len(self))
        fresh = torch.contiguous_format
        parts = {name: getattr(self, name)[:, positions].clone(memory_format=fresh) for name in _TENSORS}
        condition_length = self.condition_length
        if condition_length is not None:
            condition_length = max(0, min(condition_length, stop) - start)
        return replace(self, **parts, condition_length=condition_length)

    def at(self, positions: list[int]) -> "Sequence":
        """Some positions of every row; those of the condition have to stand in front."""
        parts = {name: getattr(self, name)[:, positions] for name in _TENSORS}
        return replace(self, **parts, condition_length=int((~parts["is_target"][0]).sum()))

    def repeat(self, times: int) -> "Sequence":
        """Every row so many times, one after the other."""
        return replace(self, **{name: getattr(self, name).repeat_interleave(times, dim=0) for name in _TENSORS})

    def to(self, device: torch.device | str) -> "Sequence":
        """The same on a device."""
        return replace(self, **{name: getattr(self, name).to(device) for name in _TENSORS})

    def holds(self, name: str, stream: int | None = None) -> torch.BoolTensor:
        """Which positions hold codes of a modality, `(batch or 1, length)`, of one person or of all."""
        found = self.modality == number_of(name, self.table)
        return found if stream is None else found & (self.stream == stream)

    def counted_together(self) -> "Sequence":
        """The same with codes of all modalities counted in one row, as one table and one rotary embedding see them."""
        index = _count((self.modality != SPECIAL).long())
        return self if self.is_counted_together else replace(self, index=index, is_counted_together=True)


_TENSORS = ("modality", "index", "stream", "is_target")


def number_of(name: str, table: Table) -> int:
    """Number of a modality in its table."""
    return 1 + list(table).index(name)


def lay_out(
    task: Task,
    table: Table,
    frames: int,
    lengths: Mapping[str, int] | None = None,
    interleaving: str = "eq2",
) -> Sequence:
    """Lay out the sequence of a task.

    Args:
        task ([`Task`]): The task.
        table (`Mapping[str, Modality]`): The modalities of the model.
        frames (`int`): Frames of the clip.
        lengths (`Mapping[str, int]`, *optional*): Ticks of each modality without a clock, its end not counted.
        interleaving (`str`, *optional*, defaults to `"eq2"`): One of [`INTERLEAVINGS`].

    Returns:
        [`Sequence`]: Of one row.

    Raises:
        ValueError: If the task names a modality that is not in the table, or ticks that the clip lacks.
    """
    if interleaving not in tuple(INTERLEAVINGS):
        raise ValueError(f"`interleaving` must be one of {tuple(INTERLEAVINGS)}, found {interleaving!r}.")
    FRAMES.check("The number of frames of a clip", frames)
    segments = (*task.condition, *task.target)
    codes = [len(_ticks(one, task, table, frames, lengths or {})) * table[one.modality].codes for one in segments]
    if sum(codes) > MOST_CODES:
        raise ValueError(f"Task {task.name!r} on {frames} frames has {sum(codes)} codes; at most {MOST_CODES} may be.")
    opening = start_of_target = (SPECIAL, 0, 1, 0)
    runs = [opening]
    for segment in task.condition:
        runs += _runs(segment, _ticks(segment, task, table, frames, lengths or {}), table)
    runs.append(start_of_target)
    condition_length = sum(count for _, _, count, _ in runs)
    runs += _ordered_target(task, table, frames, lengths or {}, interleaving)
    counts = torch.tensor([count for _, _, count, _ in runs])
    modality, first, stream = (
        torch.tensor([run[column] for run in runs]).repeat_interleave(counts)[None] for column in (0, 1, 3)
    )
    starts = (counts.cumsum(0) - counts).repeat_interleave(counts)[None]
    position = torch.arange(modality.shape[1])[None]
    is_target = position >= condition_length
    return Sequence(table, modality, first + position - starts, stream, is_target, condition_length, task.name)


def lay_out_codes(name: str, table: Table, frames: int) -> Sequence:
    """Lay out the codes of one modality alone, without a task and all of them causal, as Cosmos has them."""
    length = table[name].ticks(frames) * table[name].codes
    index = torch.arange(length)[None]
    number = torch.full_like(index, number_of(name, table))
    return Sequence(table, number, index, torch.zeros_like(index), torch.ones_like(index, dtype=torch.bool), 0)


def read_sequence(input_ids: torch.LongTensor, vocabulary: Vocabulary, table: Table) -> Sequence:
    """Read modality and role off ids, and count codes in their order: right where every modality is in order.

    Works on sequences that are padded, unfinished, or of any length. Up to the first `[STG]` of a row is condition;
    a row without one is causal throughout.

    Args:
        input_ids (`torch.LongTensor` of shape `(batch, length)`): Unified ids.
        vocabulary ([`Vocabulary`]): The id layout.
        table (`Mapping[str, Modality]`): The modalities.
    """
    modality = vocabulary.modality(input_ids)
    index = torch.zeros_like(modality)
    for number in range(1, 1 + len(table)):
        index = torch.where(modality == number, _count((modality == number).long()), index)
    is_start = (input_ids == vocabulary.special_id(START_OF_TARGET)).long()
    is_target = (is_start.cumsum(-1) - is_start > 0) | ~is_start.any(-1, keepdim=True)
    return Sequence(table, modality, index, torch.zeros_like(modality), is_target)


def stack_sequences(sequences: list[Sequence], in_front: list[int]) -> Sequence:
    """Put sequences of one row each under each other, padded: `in_front` positions before each, the rest behind."""
    length = max(space + len(sequence) for space, sequence in zip(in_front, sequences, strict=True))
    parts = {
        name: torch.cat(
            [
                functional.pad(getattr(sequence, name), (space, length - space - len(sequence)), value=padding)
                for space, sequence in zip(in_front, sequences, strict=True)
            ]
        )
        for name, padding in zip(_TENSORS, (SPECIAL, 0, 0, False), strict=True)
    }
    first, tasks = sequences[0], {sequence.task for sequence in sequences}
    condition_length, task = None, first.task if len(tasks) == 1 else None
    if all((part == part[:1]).all() for part in parts.values()):
        parts = {name: part[:1] for name, part in parts.items()}
        condition_length = None if in_front[0] else first.condition_length
    return replace(first, **parts, condition_length=condition_length, task=task)


def sequence_of_ids(
    ids: torch.LongTensor, vocabulary: Vocabulary, table: Table, frames: int, interleaving: str
) -> Sequence | None:
    """Lay out the whole sequence that a row of ids begins; `None` where codes begin at once, without a task.

    Args:
        ids (`torch.LongTensor` of shape `(length,)`): `[task] condition [STG]`, perhaps the start of the target, no
            padding.
        vocabulary ([`Vocabulary`]): The id layout.
        table (`Mapping[str, Modality]`): The modalities.
        frames (`int`): Of the clip, where no condition covers all of it.
        interleaving (`str`): One of [`INTERLEAVINGS`].

    Raises:
        ValueError: If no task opens the row, there is not one `[STG]`, or the codes are not those of the task.
    """
    modality = vocabulary.modality(ids)
    if len(ids) and int(modality[0]) != SPECIAL:
        return None
    opening = {vocabulary.special_id(token): task for token, task in tasks_by_token().items()}
    task = opening.get(int(ids[0])) if len(ids) else None
    if task is None:
        raise ValueError(f"must start with one of the task tokens {sorted(opening)}, found {ids[:1].tolist()}.")
    start_id = vocabulary.special_id(START_OF_TARGET)
    starts = (ids == start_id).nonzero()
    if len(starts) != 1:
        raise ValueError(f"must hold one {START_OF_TARGET} ({start_id}), found {len(starts)}.")
    given = modality[1 : int(starts)]
    lengths = {}
    for segment in task.condition:
        kind = table.get(segment.modality)
        if kind is None or sum(other.modality == kind.name for other in task.condition) > 1:
            continue
        codes = int((given == number_of(kind.name, table)).sum())
        if not kind.has_clock:
            lengths[kind.name] = max(0, codes - 1) // kind.codes
        elif (segment.start, segment.stop) == (0, None):
            frames = kind.frames_in(max(1, -(-codes // kind.codes)))
    sequence = lay_out(task, table, frames, lengths, interleaving)
    follows = len(ids) <= len(sequence) and bool((modality == sequence.modality[0, : len(ids)].to(ids.device)).all())
    if not follows or int(starts) + 1 != sequence.condition_length:
        raise ValueError(
            f"the modalities do not follow the layout of task {task.name!r}: a clip of {frames} frames has "
            f"{sequence.condition_length} ids up to [STG] of {len(sequence)}; found {int(starts) + 1} of {len(ids)}."
        )
    return sequence


def _ticks(segment: Segment, task: Task, table: Table, frames: int, lengths: Mapping[str, int]) -> range:
    """Ticks of a segment; raises `ValueError` where the clip or the model lacks them."""
    if segment.modality not in table:
        raise ValueError(f"Task {task.name!r} names the modality {segment.modality!r}; the model has {list(table)}.")
    kind = table[segment.modality]
    count = kind.ticks(frames) if kind.has_clock else lengths.get(segment.modality, OPEN_TICKS)
    if max(segment.start, segment.stop or 0) > count or min(segment.start, segment.stop or 0) < -count:
        raise ValueError(
            f"Task {task.name!r} asks for the ticks {segment.start} to {segment.stop} of {segment.modality!r}; a clip "
            f"of {frames} frames has {count}."
        )
    return range(*slice(segment.start, segment.stop).indices(count))


def _runs(segment: Segment, ticks: range, table: Table) -> list[tuple[int, int, int, int]]:
    """Number of the modality, first index, count and stream of the codes of some ticks, and of the end, if any."""
    kind, number = table[segment.modality], number_of(segment.modality, table)
    codes = len(ticks) * kind.codes + (not kind.has_clock)
    return [(number, ticks.start * kind.codes, codes, segment.stream)] if codes else []


def _ordered_target(
    task: Task, table: Table, frames: int, lengths: Mapping[str, int], interleaving: str
) -> list[tuple[int, int, int, int]]:
    """The runs of the target in their order; what has no clock comes last, since nobody knows where it ends."""
    ticks = [_ticks(segment, task, table, frames, lengths) for segment in task.target]
    has_clock = [table[segment.modality].has_clock for segment in task.target]
    clock = max((table[segment.modality].frames for segment in task.target), default=1)

    def shared(place: int, tick: int) -> int:
        """The tick of the coarsest clock that holds the last frame of a tick."""
        return -(-tick * table[task.target[place].modality].frames // clock)

    first = min((shared(0, tick) for tick in ticks[0]), default=0) if has_clock[0] else 0

    def order(item: tuple[int, int]) -> tuple[int, ...]:
        now = shared(*item)
        return INTERLEAVINGS[interleaving](now, max(now, first), *item)

    timed = [(place, tick) for place, some in enumerate(ticks) if has_clock[place] for tick in some]
    parts = [(place, range(tick, tick + 1)) for place, tick in sorted(timed, key=order)]
    parts += [(place, some) for place, some in enumerate(ticks) if not has_clock[place]]
    return [run for place, some in parts for run in _runs(task.target[place], some, table)]


def _count(is_one: torch.LongTensor) -> torch.LongTensor:
    """Running number of the ones along the last axis; 0 elsewhere."""
    return torch.where(is_one.bool(), is_one.cumsum(-1) - 1, 0)
