# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""A task as a value: the token that opens it, what it is given, and what it has to produce.

* video to motion:            `[T1] V0 V1 ... Vn [STG] M0 M1 ... Mn`
* image to video and motion:  `[T2] V0 [STG] V1 (M0 M1) V2 M2 ... Vn Mn`

(UniMo paper, eq. 1 and 2.) `Vk` are the codes of a tick of video, `Mk` those of the frames of motion that it covers.
A new task is a new value in [`TASKS`]; `sequences.py` says where its codes stand.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Segment:
    """A slice of the ticks of a modality.

    Args:
        modality (`str`): Its name.
        start (`int`, *optional*, defaults to 0): First tick, counted from the end if negative.
        stop (`int`, *optional*): The tick to stop before; all by default.
        stream (`int`, *optional*, defaults to 0): Which person.
    """

    modality: str
    start: int = 0
    stop: int | None = None
    stream: int = 0


@dataclass(frozen=True)
class Task:
    """What opens a sequence, what it is given, and what it has to produce.

    Args:
        name (`str`): Key of [`TASKS`].
        token (`str`): Special token that opens it: `[T1]`, `[T2]`, ...
        condition (`tuple[Segment, ...]`): What is given, in the order of the sequence.
        target (`tuple[Segment, ...]`): What is produced; interleaved in time, in this order within a tick.

    Raises:
        ValueError: If there is no target.
    """

    name: str
    token: str
    condition: tuple[Segment, ...]
    target: tuple[Segment, ...]

    def __post_init__(self) -> None:
        if not self.target:
            raise ValueError(f"The task {self.name!r} has no target; it must produce something.")


TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task("v2m", "[T1]", condition=(Segment("visual"),), target=(Segment("motion"),)),
        Task(
            "i2vm",
            "[T2]",
            condition=(Segment("visual", stop=1),),
            target=(Segment("visual", start=1), Segment("motion")),
        ),
    )
}


def get_task(task: str | Task) -> Task:
    """Return the task of that name, or the given task unchanged; an unknown name raises `ValueError`."""
    if isinstance(task, Task):
        return task
    if task not in TASKS:
        raise ValueError(f"`task` must be one of {sorted(TASKS)}, found {task!r}.")
    return TASKS[task]


def tasks_by_token() -> dict[str, Task]:
    """The tasks by the token that opens them; raises `ValueError` if two have the same."""
    found: dict[str, Task] = {}
    for task in TASKS.values():
        if task.token in found:
            raise ValueError(f"The tasks {found[task.token].name!r} and {task.name!r} both open with {task.token}.")
        found[task.token] = task
    return found
