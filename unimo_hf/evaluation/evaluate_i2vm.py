# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""`unimo evaluate i2vm`: does a generated motion fit its video, and does it move as much as real people do?"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from unimo_hf.metrics import pose as metrics_pose
from unimo_hf.metrics import video as metrics_video
from unimo_hf.model.pixel_range import to_model_range, to_pixels

from .body_points import BodyPoints, body_points
from .clip_batches import ClipFiles, ClipReader
from .evaluate_v2m import VideoToMotion
from .motion_distribution import DISTRIBUTION_UNITS, MotionDistribution
from .motion_scores import MOTION_UNITS, ROOT_ALIGNMENT, MotionScores
from .results import make_result
from .scores import Scores

SPEEDS = ("speed", "speed_in_place")
UNITS = (
    MOTION_UNITS
    | DISTRIBUTION_UNITS
    | dict.fromkeys(SPEEDS, "m/s")
    | {f"{name}_ratio": "× real clips" for name in SPEEDS}
    | {"temporal_flickering": "–"}
)


class ImageToVideoAndMotion(VideoToMotion, Protocol):
    """What is scored: the parts of [`UniMoPipeline`] that continue batches of pictures."""

    def decode_video(self, visual_codes: torch.Tensor) -> torch.Tensor:
        """Visual codes `(B, t, h, w)` to videos `(B, 3, T, S, S)`, nominally in [-1, 1]."""


@torch.no_grad()
def evaluate_i2vm(
    pipeline: ImageToVideoAndMotion,
    clips: Sequence[ClipFiles],
    *,
    model: str,
    camera: str,
    seed: int = 0,
    batch_size: int = 16,
    do_sample: bool | None = None,
    v2m_do_sample: bool | None = None,
    accel_variant: str = "gvhmr",
    progress: bool = True,
    read: Callable[[Path], np.ndarray] | None = None,
) -> dict[str, Any]:
    """Generate from the first frame of each clip and score the result.

    MPJPE and its kin compare the generated motion with the model's own V2M of the generated video, which is decoded
    to 8-bit frames and encoded anew, as a user would do it. The speeds, the features of the motions (FID, diversity)
    and the flickering of the videos are compared with those of the real clips.

    Args:
        pipeline ([`ImageToVideoAndMotion`]): The model.
        clips (`Sequence[ClipFiles]`): Clips of the length, size and frame rate of the model, with true motion.
        model (`str`): Name of the checkpoint, for the report.
        camera (`str`): Kind of camera of the clips, for the report.
        seed (`int`, *optional*, defaults to 0): Of the sampling; the same seed and batch size give the same numbers.
        batch_size (`int`, *optional*, defaults to 16): Clips at a time.
        do_sample (`bool`, *optional*): Whether generation samples; the model's own way if left out.
        v2m_do_sample (`bool`, *optional*): Whether V2M of the generated video samples; the model's own way if left
            out.
        accel_variant (`str`, *optional*, defaults to `"gvhmr"`): `gvhmr` or `wham`.
        progress (`bool`, *optional*, defaults to `True`): Show a progress bar.
        read (`Callable`, *optional*): Reads the frames of a video file; default: `unimo_hf.video.reading.read_video`.

    Returns:
        `dict`: As [`make_result`]. Baselines: `other_clip` compares a generated motion with V2M of another clip's
        generated video (what a motion that ignores its video would score), `real_clips` is what real clips have.

    Raises:
        ValueError: If no clip could be used.
    """
    reader = ClipReader(clips, batch_size, description="image to video and motion", progress=progress, read=read)
    consistency, other = MotionScores(accel_variant), MotionScores(accel_variant)
    distribution = MotionDistribution()
    real_clips = RealAndMade()
    before: BodyPoints | None = None
    for number, batch in enumerate(reader):
        first = pipeline.encode_video(to_model_range(batch.video[:, :1]))
        codes = pipeline.generate_codes("i2vm", {"visual": first}, do_sample=do_sample, seed=seed + number)
        motions = pipeline.decode_motion(codes["motion"])
        made = body_points(motions, pipeline.body)
        video = to_pixels(pipeline.decode_video(codes["visual"])).cpu()
        shown = {"visual": pipeline.encode_video(to_model_range(video))}
        codes = pipeline.generate_codes("v2m", shown, do_sample=v2m_do_sample, seed=seed + number)
        seen = body_points(pipeline.decode_motion(codes["motion"]), pipeline.body)
        consistency.add(made, seen, reader.fps)
        distribution.add(motions, batch.motions, pipeline.body)
        real_clips.add(video, batch.video, made, body_points(batch.motions, pipeline.body, False), reader.fps)
        # Each motion against the video of the clip before it.
        if before is not None:
            other.add(made[:1], before, reader.fps)
        if len(batch.motions) > 1:
            other.add(made[1:], seen[:-1], reader.fps)
        before = seen[-1:]
    baselines = {"real_clips": distribution.real_metrics() | real_clips.means("real")}
    if other.clips:
        baselines["other_clip"] = other.means()
    return make_result(
        "i2vm",
        metrics=consistency.means() | distribution.metrics() | real_clips.means("made"),
        units=UNITS,
        protocol=consistency.protocol() | distribution.protocol() | real_clips.protocol(),
        baselines=baselines,
        clips=reader.used,
        model=model,
        seed=seed,
        failures=reader.failures,
        standard_errors=consistency.standard_errors(),
        camera=camera,
        frames=reader.total_frames,
        fps=reader.fps,
        target="V2M of the generated video",
    )


class RealAndMade:
    """How fast people move and how much videos flicker, in generated and in real clips."""

    def __init__(self) -> None:
        self._scores = {kind: Scores((*SPEEDS, "temporal_flickering")) for kind in ("made", "real")}

    def add(
        self, made_video: torch.Tensor, real_video: torch.Tensor, made: BodyPoints, real: BodyPoints, fps: float
    ) -> None:
        """Add B clips: videos `(B, T, H, W, 3)`, uint8, and the points of their motions."""
        for kind, video, points in (("made", made_video, made), ("real", real_video, real)):
            speeds = {
                name: metrics_pose.joint_speed(points.joints, fps, aligned=aligned)
                for name, aligned in zip(SPEEDS, (False, True), strict=True)
            }
            self._scores[kind].add_values(speeds | {"temporal_flickering": metrics_video.temporal_flickering(video)})

    def means(self, kind: str) -> dict[str, float | None]:
        """Means of the `made` or the `real` clips; speeds also as a share of the real ones (`None` for no speed)."""
        means, real = self._scores[kind].means(), self._scores["real"].means()
        found: dict[str, float | None] = {}
        for name in SPEEDS:
            speed, real_speed = means[name], real[name]
            found |= {name: speed, f"{name}_ratio": speed / real_speed if speed is not None and real_speed else None}
        return found | {"temporal_flickering": means["temporal_flickering"]}

    @staticmethod
    def protocol() -> dict[str, dict[str, str]]:
        """What each number compares and how: printed next to it."""
        free = {"points": "smplx22", "alignment": "none (camera frame)", "variant": "mean joint speed"}
        in_place = free | {"alignment": ROOT_ALIGNMENT}
        video = {"points": "RGB, 8 bit", "alignment": "", "variant": "VBench; 1 is a still video"}
        return {
            "speed": free,
            "speed_ratio": free,
            "speed_in_place": in_place,
            "speed_in_place_ratio": in_place,
            "temporal_flickering": video,
        }
