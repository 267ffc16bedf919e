# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""`unimo evaluate v2m`: video to motion, scored greedily and with the paper's sampling, next to baselines."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from unimo_hf.model.pixel_range import to_model_range
from unimo_hf.model.tasks import Task
from unimo_hf.motion.motion import Motion

from .body_points import BodyModel, body_points
from .clip_batches import ClipFiles, ClipReader
from .evaluate_video_fsq import VideoTokenizer
from .motion_baselines import MotionBaselines
from .motion_scores import MOTION_UNITS, MotionScores
from .results import make_result
from .training_statistics import TrainingStatistics
from .world_scores import WORLD_UNITS, WorldScores

DECODINGS = {
    "greedy": {"do_sample": False, "mean_codes": False},
    "mean": {"do_sample": False, "mean_codes": True},
    "sampled": {"do_sample": True},
}


class VideoToMotion(Protocol):
    """What is scored: the parts of [`UniMoPipeline`] that turn batches of video into motion."""

    video_fsq: VideoTokenizer
    body: BodyModel

    def encode_video(self, video: torch.Tensor) -> torch.Tensor:
        """Videos `(B, 3, T, S, S)` in [-1, 1] to visual codes `(B, t, h, w)`."""

    def generate_codes(
        self,
        task: str | Task,
        codes: dict[Any, torch.Tensor],
        *,
        do_sample: bool | None = None,
        mean_codes: bool | None = None,
        seed: int | None = None,
    ) -> dict[Any, torch.Tensor]:
        """Codes of the condition of a task to codes `(B, ticks, …)` of the whole clip, by modality."""

    def decode_motion(self, motion_codes: torch.Tensor) -> list[Motion]:
        """Motion codes `(B, T, …)` to B motions in the camera frame."""


@torch.no_grad()
def evaluate_v2m(
    pipeline: VideoToMotion,
    clips: Sequence[ClipFiles],
    *,
    model: str,
    camera: str,
    default_decoding: str = "greedy",
    decodings: Sequence[str] = tuple(DECODINGS),
    statistics: TrainingStatistics | None = None,
    seed: int = 0,
    batch_size: int = 16,
    accel_variant: str = "gvhmr",
    progress: bool = True,
    read: Callable[[Path], np.ndarray] | None = None,
) -> dict[str, Any]:
    """Score video to motion on rendered clips.

    Their cameras stand still, so that the metrics of the path through the world hold for them as well.

    Args:
        pipeline ([`VideoToMotion`]): The model.
        clips (`Sequence[ClipFiles]`): Clips of the length, size and frame rate of the model, with true motion.
        model (`str`): Name of the checkpoint, for the report.
        camera (`str`): Kind of camera of the clips, `front` or `around`; chooses the constant baseline.
        default_decoding (`str`, *optional*, defaults to `"greedy"`): The model's own way, whose numbers are the
            `metrics`.
        decodings (`Sequence[str]`, *optional*): Which of `greedy`, `mean` and `sampled` to score; the default decoding
            must be among them.
        statistics ([`TrainingStatistics`], *optional*): For the baselines.
        seed (`int`, *optional*, defaults to 0): Of the sampling; the same seed and batch size give the same numbers.
        batch_size (`int`, *optional*, defaults to 16): Clips at a time.
        accel_variant (`str`, *optional*, defaults to `"gvhmr"`): `gvhmr` or `wham`.
        progress (`bool`, *optional*, defaults to `True`): Show a progress bar.
        read (`Callable`, *optional*): Reads the frames of a video file; default: `unimo_hf.video.reading.read_video`.

    Returns:
        `dict`: As [`make_result`], with `decodings`: the numbers of each way to decode.

    Raises:
        ValueError: If a decoding is unknown or no clip could be used.
    """
    unknown = sorted({default_decoding, *decodings} - DECODINGS.keys())
    if unknown or default_decoding not in decodings:
        raise ValueError(
            f"decodings are {list(decodings)}, the default {default_decoding!r}; allowed are {sorted(DECODINGS)}, and "
            "the default must be one of the decodings."
        )
    reader = ClipReader(clips, batch_size, description="video to motion", progress=progress, read=read)
    scores = {name: (MotionScores(accel_variant), WorldScores()) for name in decodings}
    baselines = MotionBaselines(statistics, camera, accel_variant, list(pipeline.video_fsq.config.levels))
    for number, batch in enumerate(reader):
        condition = {"visual": pipeline.encode_video(to_model_range(batch.video))}
        target = body_points(batch.motions, pipeline.body)
        for name in decodings:
            codes = pipeline.generate_codes("v2m", condition, **DECODINGS[name], seed=seed + number)
            predicted = body_points(pipeline.decode_motion(codes["motion"]), pipeline.body)
            for score in scores[name]:
                score.add(predicted, target, reader.fps)
        baselines.add(batch.motions, target, pipeline.body, condition["visual"])
    means = {name: motion.means() | world.means() for name, (motion, world) in scores.items()}
    motion, world = scores[default_decoding]
    return make_result(
        "v2m",
        metrics=means[default_decoding],
        units=MOTION_UNITS | WORLD_UNITS,
        protocol=motion.protocol() | world.protocol(),
        baselines=baselines.means(),
        clips=reader.used,
        model=model,
        seed=seed,
        failures=reader.failures,
        standard_errors=motion.standard_errors() | world.standard_errors(),
        decodings=means,
        default_decoding=default_decoding,
        camera=camera,
        frames=reader.total_frames,
        fps=reader.fps,
    )
