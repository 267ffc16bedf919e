# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""`unimo evaluate TASK` on code shards: any task, scored by what it has to produce."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from tqdm.auto import tqdm

from unimo_hf.data.shards import CodeShards
from unimo_hf.metrics.video import psnr
from unimo_hf.model.modalities import Table
from unimo_hf.model.pixel_range import to_pixels
from unimo_hf.model.processing_unimo import UniMoProcessor, key_of
from unimo_hf.model.tasks import Segment, Task, get_task

from .body_points import BodyPoints, body_points
from .evaluate_v2m import VideoToMotion
from .motion_scores import MOTION_UNITS, MotionScores
from .results import make_result
from .scores import Scores
from .world_scores import WORLD_UNITS, WorldScores


class AnyTask(VideoToMotion, Protocol):
    """What is scored: the parts of [`UniMoPipeline`] that take codes to codes, and codes to motion and video."""

    processor: UniMoProcessor

    @property
    def fps(self) -> float:
        """Frames per second of the clips."""

    def default_decoding(self, task: str) -> str:
        """How codes are chosen when nothing is said."""

    def decode_video(self, visual_codes: torch.Tensor) -> torch.Tensor:
        """Visual codes `(B, t, h, w)` to videos `(B, 3, T, S, S)`, nominally in [-1, 1]."""


class TargetScores:
    """Scores of the target of one segment: how many of its codes are those of the clip.

    Args:
        pipeline ([`AnyTask`]): The model.
        segment ([`Segment`]): The target.
        accel_variant (`str`): `gvhmr` or `wham`.
    """

    units: dict[str, str] = {"code_accuracy": "%"}

    def __init__(self, pipeline: AnyTask, segment: Segment, accel_variant: str):
        self.pipeline, self.segment = pipeline, segment
        self.accuracy = Scores(TargetScores.units)
        self.scores: list[Scores] = [self.accuracy]

    def add(self, made: torch.Tensor, true: torch.Tensor) -> None:
        """Add B clips: codes `(B, ticks, …)` of whole clips; of a modality without a clock with -1 behind its end."""
        first, last = self.segment.start, self.segment.stop
        made, true = (codes[:, first:last].flatten(1).cpu() for codes in (made, true))
        length = max(made.shape[1], true.shape[1])
        made, true = (torch.nn.functional.pad(part, (0, length - part.shape[1]), value=-1) for part in (made, true))
        hits = [100.0 * (one == other)[other >= 0].double() for one, other in zip(made, true, strict=True)]
        self.accuracy.add_values({"code_accuracy": hits})

    def means(self) -> dict[str, float | None]:
        """Numbers of the model."""
        return {name: value for score in self.scores for name, value in score.means().items()}

    def standard_errors(self) -> dict[str, float]:
        """How far chance may move them."""
        return {name: value for score in self.scores for name, value in score.standard_errors().items()}

    def protocol(self) -> dict[str, dict[str, str]]:
        """What each number compares and how."""
        return {"code_accuracy": {"points": f"{self.segment.modality} codes", "alignment": "", "variant": "targets"}}


class MotionTarget(TargetScores):
    """The motion scores too: against the clip as the tokenizer gives it back."""

    units = TargetScores.units | MOTION_UNITS | WORLD_UNITS

    def __init__(self, pipeline: AnyTask, segment: Segment, accel_variant: str):
        super().__init__(pipeline, segment, accel_variant)
        self.motion, self.world = MotionScores(accel_variant), WorldScores()
        self.scores += [self.motion, self.world]

    def add(self, made: torch.Tensor, true: torch.Tensor) -> None:
        """Add B clips: codes `(B, T, …)` of whole clips."""
        super().add(made, true)
        predicted, target = self._points(made), self._points(true)
        self.motion.add(predicted, target, self.pipeline.fps)
        self.world.add(predicted, target, self.pipeline.fps)

    def protocol(self) -> dict[str, dict[str, str]]:
        """What each number compares and how."""
        return super().protocol() | self.motion.protocol() | self.world.protocol()

    def _points(self, codes: torch.Tensor) -> BodyPoints:
        """The body in the frames of the target."""
        whole = body_points(self.pipeline.decode_motion(codes.flatten(2)), self.pipeline.body)
        frames = slice(self.segment.start, self.segment.stop)
        vertices, feet = (None if part is None else part[:, frames] for part in (whole.vertices, whole.feet))
        return BodyPoints(whole.joints[:, frames], vertices, feet)


class VisualTarget(TargetScores):
    """PSNR of the frames too: against the clip as the tokenizer gives it back."""

    units = TargetScores.units | {"psnr": "dB"}

    def __init__(self, pipeline: AnyTask, segment: Segment, accel_variant: str):
        super().__init__(pipeline, segment, accel_variant)
        self.frames = Scores(["psnr"])
        self.scores.append(self.frames)

    def add(self, made: torch.Tensor, true: torch.Tensor) -> None:
        """Add B clips: codes `(B, t, h, w)` of whole clips."""
        super().add(made, true)
        predicted, target = (to_pixels(self.pipeline.decode_video(codes)).cpu() for codes in (made, true))
        self.frames.add_values({"psnr": psnr(predicted, target)[:, None]})

    def protocol(self) -> dict[str, dict[str, str]]:
        """What each number compares and how."""
        video = {"points": "RGB, 8 bit", "alignment": "", "variant": "one mean squared error a clip"}
        return super().protocol() | {"psnr": video}


TARGETS: dict[str, type[TargetScores]] = {"motion": MotionTarget, "visual": VisualTarget}


@torch.no_grad()
def evaluate_task(
    pipeline: AnyTask,
    task: str | Task,
    clips: Sequence[Mapping[Any, torch.Tensor]] | CodeShards,
    *,
    model: str,
    seed: int = 0,
    batch_size: int = 16,
    accel_variant: str = "gvhmr",
    progress: bool = True,
) -> dict[str, Any]:
    """Score a task on clips of codes.

    Args:
        pipeline ([`AnyTask`]): The model.
        task (`str` or [`Task`]): The task.
        clips ([`CodeShards`] or `Sequence[Mapping[str, torch.LongTensor]]`): Codes `(ticks, …)` of each clip by
            modality, all of one length.
        model (`str`): Name of the checkpoint, for the report.
        seed (`int`, *optional*, defaults to 0): Of the sampling; the same seed and batch size give the same numbers.
        batch_size (`int`, *optional*, defaults to 16): Clips at a time.
        accel_variant (`str`, *optional*, defaults to `"gvhmr"`): `gvhmr` or `wham`.
        progress (`bool`, *optional*, defaults to `True`): Show a progress bar.

    Returns:
        `dict`: As [`make_result`]. Where a task has several targets the numbers carry the name of theirs.

    Raises:
        ValueError: If there are no clips, or they lack a modality of the task.
    """
    task = get_task(task)
    if not len(clips):
        raise ValueError("There are no clips to evaluate.")
    _check_modalities(task, clips[0], pipeline.processor.table)
    targets = {
        segment: TARGETS.get(segment.modality, TargetScores)(pipeline, segment, accel_variant)
        for segment in task.target
    }
    keys = dict.fromkeys(map(key_of, task.condition))
    with tqdm(total=len(clips), desc=task.name, unit="clip", disable=None if progress else True) as bar:
        for number, first in enumerate(range(0, len(clips), batch_size)):
            chosen = range(first, min(first + batch_size, len(clips)))
            batch: list[Mapping[Any, torch.Tensor]] = [clips[index] for index in chosen]
            codes = {key: torch.stack([clip[key] for clip in batch]) for key in (*keys, *map(key_of, task.target))}
            made = pipeline.generate_codes(task, {key: codes[key] for key in keys}, seed=seed + number)
            for segment, target in targets.items():
                target.add(made[key_of(segment)], codes[key_of(segment)])
            bar.update(len(batch))
    metrics: dict[str, float | None] = {}
    errors: dict[str, float] = {}
    units: dict[str, str] = {}
    protocol: dict[str, dict[str, str]] = {}
    for segment, target in targets.items():
        # Of several targets `motion_mpjpe`, of the second person `motion_1_mpjpe`.
        of_person = f"{segment.stream}_" if segment.stream else ""
        prefix = f"{segment.modality}_{of_person}" if len(targets) > 1 else ""
        metrics |= {prefix + name: value for name, value in target.means().items()}
        errors |= {prefix + name: value for name, value in target.standard_errors().items()}
        units |= {prefix + name: unit for name, unit in target.units.items()}
        protocol |= {prefix + name: how for name, how in target.protocol().items()}
    return make_result(
        task.name,
        metrics=metrics,
        units=units,
        protocol=protocol,
        standard_errors=errors,
        baselines={},
        clips=len(clips),
        model=model,
        seed=seed,
        default_decoding=pipeline.default_decoding(task.name),
        fps=pipeline.fps,
        target="the clip as its tokenizers give it back",
    )


def _check_modalities(task: Task, clip: Mapping[str, torch.Tensor], table: Table) -> None:
    for segment in (*task.condition, *task.target):
        if segment.modality not in table:
            raise ValueError(
                f"The task {task.name!r} needs the modality {segment.modality!r}; the model has {list(table)}."
            )
        if key_of(segment) not in clip:
            raise ValueError(
                f"The task {task.name!r} needs the codes of {key_of(segment)!r}; the clips have {list(clip)}."
            )
