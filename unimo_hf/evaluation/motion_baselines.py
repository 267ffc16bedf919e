# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The motion baselines, scored next to a model on the same clips."""

import warnings
from collections.abc import Sequence

import torch

from unimo_hf.motion.motion import Motion

from .baselines import constant_joints, mean_pose_joints, nearest_clips
from .body_points import BodyModel, BodyPoints, body_points, stack_global_orient
from .motion_scores import MotionScores
from .training_statistics import ClipBank, TrainingStatistics


class MotionBaselines:
    """Scores of the best constant, the mean pose with the true root orientation, and the nearest training clip.

    A baseline whose statistics are missing is left out, with a warning.

    Args:
        statistics ([`TrainingStatistics`], *optional*): Of the training set of the model under test.
        camera (`str`): Kind of camera of the clips; chooses the constant.
        accel_variant (`str`, *optional*, defaults to `"gvhmr"`): As in [`metrics.pose.accel`].
        levels (`Sequence[int]`, *optional*, defaults to `()`):
            Levels of the video tokenizer; without them there is no nearest clip.
    """

    def __init__(
        self,
        statistics: TrainingStatistics | None,
        camera: str,
        accel_variant: str = "gvhmr",
        levels: Sequence[int] = (),
    ):
        self.statistics, self.camera, self.levels = statistics, camera, levels
        self.bank = statistics.bank if statistics is not None and levels else None
        names: list[str] = []
        if statistics is None:
            warnings.warn("There are no statistics of the training set, so there are no baselines.", stacklevel=2)
        else:
            names = ["constant", "mean_pose"]
            if camera not in statistics.mean_joints:
                known = sorted(statistics.mean_joints)
                warnings.warn(f"The statistics know no camera {camera!r}, only {known}: no constant.", stacklevel=2)
                names.remove("constant")
            if self.bank is not None:
                names.append("nearest_clip")
        self.scores = {name: MotionScores(accel_variant) for name in names}

    def add(
        self,
        motions: Sequence[Motion],
        target: BodyPoints,
        body: BodyModel,
        visual_codes: torch.Tensor | None = None,
    ) -> None:
        """Score the baselines on B clips.

        Args:
            motions (`Sequence[Motion]`): True motions, in the camera frame.
            target ([`BodyPoints`]): Their points.
            body ([`BodyModel`]): The body that moves.
            visual_codes (`torch.LongTensor` of shape `(B, t, h, w)`, *optional*): Their codes, for the nearest clip.
        """
        if self.statistics is None:
            return
        clips, frames = target.joints.shape[:2]
        fps = motions[0].fps
        if "constant" in self.scores:
            joints = constant_joints(self.statistics.mean_joints[self.camera], frames)
            self.scores["constant"].add(BodyPoints(joints.expand(clips, -1, -1, -1)), target, fps)
        joints = mean_pose_joints(self.statistics.mean_body_joints, stack_global_orient(motions))
        self.scores["mean_pose"].add(BodyPoints(joints), target, fps)
        if "nearest_clip" in self.scores and self.bank is not None and visual_codes is not None:
            self._add_nearest(self.bank, motions, target, body, visual_codes)

    def means(self) -> dict[str, dict[str, float | None]]:
        """Numbers of each baseline."""
        return {name: score.means() for name, score in self.scores.items()}

    def _add_nearest(
        self,
        bank: ClipBank,
        motions: Sequence[Motion],
        target: BodyPoints,
        body: BodyModel,
        visual_codes: torch.Tensor,
    ) -> None:
        frames, fps = bank.parameters["transl"].shape[1], bank.fps
        if frames != len(motions[0]) or fps != motions[0].fps:
            warnings.warn(
                f"The bank holds clips of {frames} frames at {fps:g} fps, these clips have {len(motions[0])} at "
                f"{motions[0].fps:g}; there is no nearest clip.",
                stacklevel=3,
            )
            del self.scores["nearest_clip"]
            return
        indices, _ = nearest_clips(visual_codes, bank.visual_codes, self.levels)
        found = body_points([bank.motion(int(index)) for index in indices], body, target.vertices is not None)
        self.scores["nearest_clip"].add(found, target, fps)
