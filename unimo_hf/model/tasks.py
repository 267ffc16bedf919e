# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""A task as data: its opening token, its condition, its target, and the schedule that follows from them.

A sequence is `[task] condition [STG] target` (UniMo paper, eq. 1 and 2). Which modality stands at which position is a
pure function of the task, the clip's layout and the interleaving, so that a new task is a new value and no new code:

* video to motion:            `[T1] V0 V1 ... Vn [STG] M0 M1 ... Mn`
* image to video and motion:  `[T2] V0 [STG] V1 (M0 M1) V2 M2 ... Vn Mn`

where `Vk` are the visual codes of latent frame `k` and `Mk` the motion codes of the frames that latent frame covers:
frame 0 for `k = 0`, frames `8k-7 ... 8k` for `k >= 1`.
"""

from dataclasses import dataclass
from functools import cached_property

import torch

from .vocabulary import MOTION, SPECIAL, VISUAL

INTERLEAVINGS = ("eq2", "aligned", "blocked")


@dataclass(frozen=True)
class SequenceLayout:
    """The size of one clip in codes.

    Args:
        latent_frames (`int`): Latent frames of the clip; `1 + temporal_compression * (latent_frames - 1)` frames.
        height (`int`): Rows of visual codes of a latent frame.
        width (`int`): Columns of visual codes of a latent frame.
        codes_per_frame (`int`, *optional*, defaults to 36): Motion codes of a frame.
        temporal_compression (`int`, *optional*, defaults to 8): Frames of a latent frame after the first.

    Raises:
        ValueError: If a size is not positive.
    """

    latent_frames: int
    height: int
    width: int
    codes_per_frame: int = 36
    temporal_compression: int = 8

    def __post_init__(self):
        for name in ("latent_frames", "height", "width", "codes_per_frame", "temporal_compression"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` of a sequence layout must be at least 1, found {getattr(self, name)}.")

    @property
    def frames(self) -> int:
        """`int`: Frames of video and of motion."""
        return 1 + self.temporal_compression * (self.latent_frames - 1)

    @property
    def visual_codes_per_latent(self) -> int:
        """`int`: Visual codes of one latent frame."""
        return self.height * self.width

    @property
    def num_visual_codes(self) -> int:
        """`int`: Visual codes of the clip."""
        return self.latent_frames * self.visual_codes_per_latent

    @property
    def num_motion_codes(self) -> int:
        """`int`: Motion codes of the clip."""
        return self.frames * self.codes_per_frame

    def frames_of_latent(self, latent_frame: int) -> range:
        """Return the frames that a latent frame covers: only frame 0 for the first, `temporal_compression` later."""
        if latent_frame == 0:
            return range(0, 1)
        last = self.temporal_compression * latent_frame
        return range(last - self.temporal_compression + 1, last + 1)


@dataclass(frozen=True)
class Task:
    """What opens a sequence, what it is given, and what it has to produce.

    Args:
        name (`str`): Key of [`TASKS`].
        token (`str`): Name of the opening special token.
        condition_latents (`int`, *optional*): How many latent frames of video are the condition; `None` means all.
        generates_video (`bool`): Whether the remaining latent frames are part of the target.
    """

    name: str
    token: str
    condition_latents: int | None
    generates_video: bool

    def condition_latent_frames(self, layout: SequenceLayout) -> int:
        """Return the number of latent frames of video in the condition."""
        return layout.latent_frames if self.condition_latents is None else self.condition_latents


TASKS: dict[str, Task] = {
    "v2m": Task("v2m", "[T1]", condition_latents=None, generates_video=False),
    "i2vm": Task("i2vm", "[T2]", condition_latents=1, generates_video=True),
}


def get_task(task: str | Task) -> Task:
    """Return the task of that name, or the given task unchanged; an unknown name raises `ValueError`."""
    if isinstance(task, Task):
        return task
    if task not in TASKS:
        raise ValueError(f"`task` must be one of {sorted(TASKS)}, found {task!r}.")
    return TASKS[task]


@dataclass(frozen=True)
class TaskSchedule:
    """The modality of every position of a sequence, and its index inside that modality.

    Args:
        task (`Task`): The task.
        layout (`SequenceLayout`): The clip's size in codes.
        interleaving (`str`, *optional*, defaults to `"eq2"`):
            Order of the target when it holds both modalities. `eq2`: `V1 M0 M1 V2 M2 ...` (first target is visual, as
            in eq. 2 of the paper). `aligned`: `M0 V1 M1 V2 M2 ...`. `blocked`: all visual codes, then all motion
            codes.

    Raises:
        ValueError: If `interleaving` is unknown, or the task leaves nothing to generate.
    """

    task: Task
    layout: SequenceLayout
    interleaving: str = "eq2"

    def __post_init__(self):
        if self.interleaving not in INTERLEAVINGS:
            raise ValueError(f"`interleaving` must be one of {INTERLEAVINGS}, found {self.interleaving!r}.")
        if self.task.condition_latent_frames(self.layout) > self.layout.latent_frames:
            raise ValueError(
                f"Task {self.task.name!r} needs at least {self.task.condition_latents} latent frames, "
                f"found {self.layout.latent_frames}."
            )

    @property
    def condition_length(self) -> int:
        """`int`: Length of the condition, the task token and `[STG]` included."""
        return 2 + self.task.condition_latent_frames(self.layout) * self.layout.visual_codes_per_latent

    @property
    def target_length(self) -> int:
        """`int`: Length of the target."""
        return sum(length for _, length in self._target_segments())

    @property
    def length(self) -> int:
        """`int`: Length of the whole sequence."""
        return self.condition_length + self.target_length

    @cached_property
    def target_modality(self) -> torch.Tensor:
        """`torch.LongTensor` of shape `(target_length,)`: Modality of every target position."""
        segments = [torch.full((length,), modality, dtype=torch.long) for modality, length in self._target_segments()]
        return torch.cat(segments)

    @cached_property
    def modality(self) -> torch.Tensor:
        """`torch.LongTensor` of shape `(length,)`: 0 special, 1 visual, 2 motion."""
        condition = torch.full((self.condition_length,), VISUAL, dtype=torch.long)
        condition[0] = condition[-1] = SPECIAL
        return torch.cat([condition, self.target_modality])

    @cached_property
    def modality_index(self) -> torch.Tensor:
        """`torch.LongTensor` of shape `(length,)`: Index of every code inside its modality; 0 for specials."""
        return modality_index(self.modality)

    def _target_segments(self) -> list[tuple[int, int]]:
        """Return `(modality, length)` of the runs of the target, in order; the data that defines the interleaving."""
        layout, first = self.layout, self.task.condition_latent_frames(self.layout)
        motion = [
            (MOTION, len(layout.frames_of_latent(k)) * layout.codes_per_frame) for k in range(layout.latent_frames)
        ]
        if not self.task.generates_video:
            return motion
        visual = [(VISUAL, layout.visual_codes_per_latent) for _ in range(first, layout.latent_frames)]
        if self.interleaving == "blocked" or not visual:
            return visual + motion
        # Motion of the latent frames that are in the condition has no visual neighbour in the target: it stands before
        # the first generated latent frame (aligned) or right after it (eq2).
        given, generated = motion[:first], motion[first:]
        pairs = [segment for pair in zip(visual, generated, strict=True) for segment in pair]
        return given + pairs if self.interleaving == "aligned" else [pairs[0], *given, *pairs[1:]]


def modality_index(modality: torch.Tensor) -> torch.Tensor:
    """Count every code inside its own modality, along the last axis.

    Visual codes stand in the order of the latent grid and motion codes in the order of time in every task, so a
    running count is the place of a code in its clip. This works on a sequence that is padded, unfinished, or of any
    length.

    Args:
        modality (`torch.LongTensor` of shape `(..., length)`): 0 special, 1 visual, 2 motion.

    Returns:
        `torch.LongTensor` of the same shape: 0, 1, 2, ... for each modality; 0 for special tokens.
    """
    is_visual, is_motion = modality == VISUAL, modality == MOTION
    visual_index = is_visual.long().cumsum(-1) - 1
    motion_index = is_motion.long().cumsum(-1) - 1
    return torch.where(is_visual, visual_index, torch.where(is_motion, motion_index, 0))
