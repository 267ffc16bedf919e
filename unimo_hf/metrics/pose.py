# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Errors of the pose: one value a frame, computed in float64.

The metrics are those of WHAM and GVHMR: before points are compared, both bodies are shifted so that the
midpoint of their hips is the origin ("root alignment"). Leading dimensions are batch dimensions everywhere.
"""

import warnings

import torch

from .alignment import procrustes_align, root_align
from .points import MILLIMETRES, check_fps, check_joints, check_points, mean_distance

ACCEL_VARIANTS = ("gvhmr", "wham")


def mpjpe(predicted: torch.Tensor, target: torch.Tensor, joint_set: str = "smplx22") -> torch.Tensor:
    """Mean per-joint position error after root alignment.

    Args:
        predicted (`torch.Tensor` of shape `(..., T, J, 3)`): Joints, metres.
        target (`torch.Tensor` of shape `(..., T, J, 3)`): Joints, metres, in the same frame of reference.
        joint_set (`str`, *optional*, defaults to `"smplx22"`): A key of `JOINT_SETS`.

    Returns:
        `torch.Tensor` of shape `(..., T)`, float64: Millimetres.

    Raises:
        ValueError: If the shapes differ or do not fit the joint set, or a coordinate is not finite.
    """
    predicted, target = check_joints(predicted, target, joint_set)
    return mean_distance(root_align(predicted, predicted, joint_set), root_align(target, target, joint_set))


def pa_mpjpe(predicted: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Mean per-point position error after the best similarity of each frame, which never mirrors.

    Args:
        predicted (`torch.Tensor` of shape `(..., T, J, 3)`): Points, metres.
        target (`torch.Tensor` of shape `(..., T, J, 3)`): Points, metres.

    Returns:
        `torch.Tensor` of shape `(..., T)`, float64: Millimetres.

    Raises:
        ValueError: If the shapes differ, or a coordinate is not finite.
    """
    predicted, target = check_points(predicted, target)
    return mean_distance(procrustes_align(predicted, target), target)


def pve(
    predicted_vertices: torch.Tensor,
    target_vertices: torch.Tensor,
    predicted_joints: torch.Tensor,
    target_joints: torch.Tensor,
    joint_set: str = "smplx22",
) -> torch.Tensor:
    """Mean per-vertex error; the vertices are shifted by the root of the joints, not by a root of their own.

    Args:
        predicted_vertices (`torch.Tensor` of shape `(..., T, V, 3)`): Metres.
        target_vertices (`torch.Tensor` of shape `(..., T, V, 3)`): Metres.
        predicted_joints (`torch.Tensor` of shape `(..., T, J, 3)`): Metres.
        target_joints (`torch.Tensor` of shape `(..., T, J, 3)`): Metres.
        joint_set (`str`, *optional*, defaults to `"smplx22"`): A key of `JOINT_SETS`.

    Returns:
        `torch.Tensor` of shape `(..., T)`, float64: Millimetres.

    Raises:
        ValueError: If shapes differ or do not fit the joint set, or a coordinate is not finite.
    """
    predicted_vertices, target_vertices = check_points(predicted_vertices, target_vertices)
    predicted_joints, target_joints = check_joints(predicted_joints, target_joints, joint_set)
    return mean_distance(
        root_align(predicted_vertices, predicted_joints, joint_set),
        root_align(target_vertices, target_joints, joint_set),
    )


def accel(
    predicted: torch.Tensor,
    target: torch.Tensor,
    fps: float,
    *,
    joint_set: str = "smplx22",
    variant: str = "gvhmr",
    aligned: bool = True,
    visible: torch.Tensor | None = None,
) -> torch.Tensor:
    """Error of the acceleration, from second differences of the joints.

    Args:
        predicted (`torch.Tensor` of shape `(..., T, J, 3)`): Joints, metres.
        target (`torch.Tensor` of shape `(..., T, J, 3)`): Joints, metres.
        fps (`float`): Frames per second of both.
        joint_set (`str`, *optional*, defaults to `"smplx22"`): A key of `JOINT_SETS`.
        variant (`str`, *optional*, defaults to `"gvhmr"`): `gvhmr` keeps all T - 2 values; `wham` drops the first and
            the last of them.
        aligned (`bool`, *optional*, defaults to `True`): Whether to align the roots first.
        visible (`torch.Tensor` of shape `(..., T)`, *optional*): Frames that count; a value needs all three of its
            frames.

    Returns:
        `torch.Tensor`, float64, m/s²: of shape `(..., T - 2)` (`wham`: T - 4), or one row of the values that count if
        `visible` is given. Clips too short for one value give 0 of them, with a warning.

    Raises:
        ValueError: If shapes, `fps`, `joint_set` or `variant` are wrong, or a coordinate is not finite.
    """
    if variant not in ACCEL_VARIANTS:
        raise ValueError(f"variant is {variant!r}; allowed are {list(ACCEL_VARIANTS)}.")
    check_fps(fps)
    predicted, target = check_joints(predicted, target, joint_set)
    frames = predicted.shape[-3]
    trim = 1 if variant == "wham" else 0
    if frames < 3 + 2 * trim:
        warnings.warn(
            f"A clip of {frames} frames has no acceleration of the {variant} variant; it needs {3 + 2 * trim} frames.",
            stacklevel=2,
        )
        return predicted.new_zeros(0) if visible is not None else predicted.new_zeros((*predicted.shape[:-3], 0))
    if aligned:
        predicted, target = root_align(predicted, predicted, joint_set), root_align(target, target, joint_set)
    values = mean_distance(_second_difference(predicted), _second_difference(target)) / MILLIMETRES * fps**2
    values = values[..., trim : values.shape[-1] - trim]
    if visible is None:
        return values
    if visible.shape != predicted.shape[:-2]:
        raise ValueError(f"visible has shape {tuple(visible.shape)}; it must be {tuple(predicted.shape[:-2])}.")
    counted = (visible[..., :-2] & visible[..., 1:-1] & visible[..., 2:])[..., trim : frames - 2 - trim]
    if not counted.any():
        warnings.warn("No three frames in a row are visible, so there is no acceleration.", stacklevel=2)
    return values[counted]


def joint_speed(
    joints: torch.Tensor, fps: float, *, aligned: bool = False, joint_set: str = "smplx22"
) -> torch.Tensor:
    """Speed of the joints, averaged over them.

    Args:
        joints (`torch.Tensor` of shape `(..., T, J, 3)`): Metres.
        fps (`float`): Frames per second.
        aligned (`bool`, *optional*, defaults to `False`): Measure relative to the midpoint of the hips.
        joint_set (`str`, *optional*, defaults to `"smplx22"`): A key of `JOINT_SETS`.

    Returns:
        `torch.Tensor` of shape `(..., T - 1)`, float64: m/s.

    Raises:
        ValueError: If the shape, `fps` or `joint_set` is wrong, or a coordinate is not finite.
    """
    check_fps(fps)
    joints, _ = check_joints(joints, joints, joint_set)
    if aligned:
        joints = root_align(joints, joints, joint_set)
    return mean_distance(joints[..., 1:, :, :], joints[..., :-1, :, :]) / MILLIMETRES * fps


def _second_difference(points: torch.Tensor) -> torch.Tensor:
    return points[..., 2:, :, :] - 2 * points[..., 1:-1, :, :] + points[..., :-2, :, :]
