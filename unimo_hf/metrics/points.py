# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Points in space: which joints are compared, checks of what comes in, and the mean distance of two sets."""

import math
from dataclasses import dataclass

import torch

MILLIMETRES = 1000.0


@dataclass(frozen=True)
class JointSet:
    """Which joints are compared.

    Attributes:
        name (`str`): Printed next to every number.
        count (`int`): Number of joints.
        hips (`tuple[int, int]`): Their midpoint is the root.
    """

    name: str
    count: int
    hips: tuple[int, int]


JOINT_SETS = {
    "smplx22": JointSet("smplx22", 22, (1, 2)),  # the 22 body joints of SMPL-X
    "smpl24": JointSet("smpl24", 24, (1, 2)),  # SMPL, as for RICH and EMDB
    "lsp14": JointSet("lsp14", 14, (2, 3)),  # Human3.6M regressor in LSP order, as for 3DPW
}


def joint_set_named(name: str) -> JointSet:
    """Look up a joint set; raises `ValueError` on an unknown name."""
    if name not in JOINT_SETS:
        raise ValueError(f"joint_set is {name!r}; allowed are {sorted(JOINT_SETS)}.")
    return JOINT_SETS[name]


def check_points(predicted: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Give two equally shaped, finite sets of points `(..., P, 3)` in float64.

    Raises:
        ValueError: If a shape is wrong or a coordinate is not finite.
    """
    if predicted.shape != target.shape:
        raise ValueError(
            f"predicted has shape {tuple(predicted.shape)}, target {tuple(target.shape)}; they must be equal."
        )
    if predicted.ndim < 2 or predicted.shape[-1] != 3 or not predicted.shape[-2]:
        raise ValueError(f"Points of shape {tuple(predicted.shape)}; the shape must be (..., P, 3), P at least 1.")
    for name, points in (("predicted", predicted), ("target", target)):
        if not torch.isfinite(points).all():
            raise ValueError(
                f"{name} holds {int((~torch.isfinite(points)).sum())} values that are not finite; all must be."
            )
    return predicted.double(), target.double()


def check_sequences(predicted: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Give two sequences of points `(..., T, P, 3)` in float64; raises `ValueError` as [`check_points`]."""
    predicted, target = check_points(predicted, target)
    if predicted.ndim < 3:
        raise ValueError(f"Points of shape {tuple(predicted.shape)}; the shape must be (..., T, P, 3).")
    return predicted, target


def check_joints(predicted: torch.Tensor, target: torch.Tensor, joint_set: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Give two sequences of the joints of a set, `(..., T, J, 3)`, in float64; raises as [`check_points`]."""
    predicted, target = check_points(predicted, target)
    count = joint_set_named(joint_set).count
    if predicted.ndim < 3 or predicted.shape[-2] != count:
        raise ValueError(
            f"Joints of shape {tuple(predicted.shape)}; joint set {joint_set!r} has shape (..., T, {count}, 3)."
        )
    return predicted, target


def check_fps(fps: float) -> None:
    """Raise `ValueError` unless `fps` is a positive number."""
    if not (fps > 0 and math.isfinite(fps)):
        raise ValueError(f"fps is {fps}; it must be a positive number of frames per second.")


def mean_distance(predicted: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Mean distance over the points of each frame, metres to millimetres: `(..., P, 3)` to `(...)`."""
    return torch.linalg.vector_norm(predicted - target, dim=-1).mean(dim=-1) * MILLIMETRES
