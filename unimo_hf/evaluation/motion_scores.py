# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The paper's four motion metrics over a set of clips, added up batch by batch."""

import math
import warnings

import torch

from . import metrics
from .body_points import BodyPoints

MOTION_UNITS = {"mpjpe": "mm", "pa_mpjpe": "mm", "pve": "mm", "accel": "m/s²"}
ROOT_ALIGNMENT = "hip midpoint"


class MotionScores:
    """Frame-weighted means of MPJPE, PA-MPJPE, PVE and Accel on the 22 body joints of SMPL-X (motion.md §5).

    Args:
        accel_variant (`str`, *optional*, defaults to `"gvhmr"`): `gvhmr` or `wham`, as in [`metrics.accel`].
    """

    def __init__(self, accel_variant: str = "gvhmr"):
        self.accel_variant = accel_variant
        self.clips = 0
        self.vertices = 0
        # Metric -> sum and number of the values of each clip.
        self._clips: dict[str, list[tuple[float, int]]] = {name: [] for name in MOTION_UNITS}

    def add(self, predicted: BodyPoints, target: BodyPoints, fps: float) -> None:
        """Compare B clips; PVE only where both have vertices.

        Args:
            predicted ([`BodyPoints`]): What the model says.
            target ([`BodyPoints`]): What is true.
            fps (`float`): Frames per second of both; enters Accel.

        Raises:
            ValueError: If shapes differ or a coordinate is not finite.
        """
        values = {
            "mpjpe": metrics.mpjpe(predicted.joints, target.joints),
            "pa_mpjpe": metrics.pa_mpjpe(predicted.joints, target.joints),
            "accel": metrics.accel(predicted.joints, target.joints, fps, variant=self.accel_variant),
        }
        if predicted.vertices is not None and target.vertices is not None:
            values["pve"] = metrics.pve(predicted.vertices, target.vertices, predicted.joints, target.joints)
            self.vertices = target.vertices.shape[2]
        for name, rows in values.items():
            self._clips[name] += [(float(row.sum()), row.numel()) for row in rows]
        self.clips += len(predicted.joints)

    def means(self) -> dict[str, float | None]:
        """Mean over all frames; `None`, with a warning, for a metric that had frames but no value (clips too short).

        A metric that was never measured (PVE without vertices) is left out.
        """
        found: dict[str, float | None] = {}
        for name, clips in self._clips.items():
            count = sum(number for _, number in clips)
            if count:
                found[name] = math.fsum(total for total, _ in clips) / count
            elif clips:
                warnings.warn(f"There is no value of {name}: the clips are too short.", stacklevel=2)
                found[name] = None
        return found

    def standard_errors(self) -> dict[str, float]:
        """Standard error of the mean over clips, for metrics with at least two: how far chance may move a number."""
        found = {}
        for name, clips in self._clips.items():
            means = torch.tensor([total / count for total, count in clips if count], dtype=torch.float64)
            if len(means) > 1:
                found[name] = float(means.std() / math.sqrt(len(means)))
        return found

    def protocol(self) -> dict[str, dict[str, str]]:
        """What each metric compares and how: printed next to every number."""
        joints = {"points": "smplx22", "alignment": ROOT_ALIGNMENT, "variant": ""}
        return {
            "mpjpe": joints,
            "pa_mpjpe": joints | {"alignment": "Procrustes with scale"},
            "pve": joints | {"points": f"{self.vertices} vertices"},
            "accel": joints | {"variant": self.accel_variant},
        }
