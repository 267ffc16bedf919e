# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The paper's four motion metrics over a set of clips, added up batch by batch."""

from unimo_hf.metrics import pose as metrics_pose

from .body_points import BodyPoints
from .scores import Scores

MOTION_UNITS = {"mpjpe": "mm", "pa_mpjpe": "mm", "pve": "mm", "accel": "m/s²"}
ROOT_ALIGNMENT = "hip midpoint"


class MotionScores(Scores):
    """Frame-weighted means of MPJPE, PA-MPJPE, PVE and Accel on the 22 body joints of SMPL-X.

    Args:
        accel_variant (`str`, *optional*, defaults to `"gvhmr"`): `gvhmr` or `wham`, as in [`metrics.pose.accel`].
    """

    def __init__(self, accel_variant: str = "gvhmr"):
        super().__init__(MOTION_UNITS)
        self.accel_variant = accel_variant
        self.vertices, self.fps = 0, 0.0

    def add(self, predicted: BodyPoints, target: BodyPoints, fps: float) -> None:
        """Compare B clips; PVE only where both have vertices.

        Args:
            predicted ([`BodyPoints`]): What the model says.
            target ([`BodyPoints`]): What is true.
            fps (`float`): Frames per second of both and of all clips; enters Accel.

        Raises:
            ValueError: If shapes differ or a coordinate is not finite.
        """
        values = {
            "mpjpe": metrics_pose.mpjpe(predicted.joints, target.joints),
            "pa_mpjpe": metrics_pose.pa_mpjpe(predicted.joints, target.joints),
            "accel": metrics_pose.accel(predicted.joints, target.joints, fps, variant=self.accel_variant),
        }
        if predicted.vertices is not None and target.vertices is not None:
            values["pve"] = metrics_pose.pve(predicted.vertices, target.vertices, predicted.joints, target.joints)
            self.vertices = target.vertices.shape[2]
        self.fps = fps
        self.add_values(values)

    def protocol(self) -> dict[str, dict[str, str]]:
        """What each metric compares and how: printed next to every number."""
        joints = {"points": "smplx22", "alignment": ROOT_ALIGNMENT, "variant": ""}
        return {
            "mpjpe": joints,
            "pa_mpjpe": joints | {"alignment": "Procrustes with scale"},
            "pve": joints | {"points": f"{self.vertices} vertices"},
            "accel": joints | {"variant": f"{self.accel_variant}, at {self.fps:g} fps"},
        }
