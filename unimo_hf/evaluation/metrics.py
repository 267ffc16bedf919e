# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Errors of motion, codebook use and picture quality: one value a frame, computed in float64.

The motion metrics are those of WHAM and GVHMR (motion.md §5): before points are compared, both bodies are shifted so
that the midpoint of their hips is the origin ("root alignment"). Leading dimensions are batch dimensions everywhere.
"""

import math
import warnings
from dataclasses import dataclass

import torch

MILLIMETRES = 1000.0
ACCEL_VARIANTS = ("gvhmr", "wham")
# Identical pictures have an infinite PSNR; 8-bit pictures that differ at all stay far below this.
PSNR_CEILING = 100.0


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
    predicted, target = _check_joints(predicted, target, joint_set)
    return _distance(root_align(predicted, predicted, joint_set), root_align(target, target, joint_set))


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
    predicted, target = _check_points(predicted, target)
    return _distance(procrustes_align(predicted, target), target)


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
    predicted_vertices, target_vertices = _check_points(predicted_vertices, target_vertices)
    predicted_joints, target_joints = _check_joints(predicted_joints, target_joints, joint_set)
    return _distance(
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
    _check_fps(fps)
    predicted, target = _check_joints(predicted, target, joint_set)
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
    values = _distance(_second_difference(predicted), _second_difference(target)) / MILLIMETRES * fps**2
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
    _check_fps(fps)
    joints, _ = _check_joints(joints, joints, joint_set)
    if aligned:
        joints = root_align(joints, joints, joint_set)
    return _distance(joints[..., 1:, :, :], joints[..., :-1, :, :]) / MILLIMETRES * fps


def root_align(points: torch.Tensor, joints: torch.Tensor, joint_set: str = "smplx22") -> torch.Tensor:
    """Shift `points` `(..., P, 3)` so that the midpoint of the hips of `joints` `(..., J, 3)` is the origin."""
    hips = list(_joint_set(joint_set).hips)
    return points - joints[..., hips, :].mean(dim=-2, keepdim=True)


def procrustes_align(predicted: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Map each frame onto the target by the similarity of least squares; it never mirrors (Umeyama, 1991).

    Args:
        predicted (`torch.Tensor` of shape `(..., P, 3)`): Points.
        target (`torch.Tensor` of shape `(..., P, 3)`): Points.

    Returns:
        `torch.Tensor` of shape `(..., P, 3)`: float64. Where all predicted points coincide there is no scale: they
        are put on the target's centre, with a warning.
    """
    predicted, target = predicted.double(), target.double()
    target_centre = target.mean(dim=-2, keepdim=True)
    centred, target = predicted - predicted.mean(dim=-2, keepdim=True), target - target_centre
    left, singular, right = torch.linalg.svd(target.mT @ centred)
    # The last axis is turned over where the best orthogonal map would mirror the body.
    sign = torch.ones_like(singular)
    sign[..., 2] = torch.where(torch.linalg.det(left) * torch.linalg.det(right) < 0, -1.0, 1.0)
    rotation = left @ (sign.unsqueeze(-1) * right)
    spread = centred.square().sum(dim=(-2, -1))
    if (spread == 0).any():
        warnings.warn(
            "All predicted points of a frame coincide: the Procrustes alignment has no scale there.", stacklevel=2
        )
    scale = (singular * sign).sum(dim=-1) / torch.where(spread == 0, 1.0, spread)
    return scale[..., None, None] * (centred @ rotation.mT) + target_centre


@dataclass(frozen=True)
class CodebookUse:
    """How much of a codebook is used.

    Attributes:
        distinct (`int`): Different codes that occur.
        utilisation_percent (`float`): 100 · distinct / size of the codebook.
        perplexity (`float`): exp of the entropy of the codes' frequencies: how many equally frequent codes would be
            as varied.
    """

    distinct: int
    utilisation_percent: float
    perplexity: float


def codebook_use(codes: torch.Tensor, codebook_size: int) -> CodebookUse:
    """Count the codes in use (motion.md §4.8; the paper encodes 100 random test samples).

    Args:
        codes (`torch.Tensor` of integers, any shape): Codes of all samples.
        codebook_size (`int`): Number of codes that exist.

    Raises:
        ValueError: If there are no codes, or one is outside the codebook.
    """
    codes = torch.as_tensor(codes).flatten().long()
    if not codes.numel():
        raise ValueError("codes is empty; at least one code is needed.")
    low, high = int(codes.min()), int(codes.max())
    if low < 0 or high >= codebook_size:
        raise ValueError(f"codes range from {low} to {high}; allowed are 0 to {codebook_size - 1}.")
    counts = torch.unique(codes, return_counts=True)[1].double()
    share = counts / counts.sum()
    return CodebookUse(
        distinct=len(counts),
        utilisation_percent=100.0 * len(counts) / codebook_size,
        perplexity=math.exp(-float((share * share.log()).sum())),
    )


def psnr(predicted: torch.Tensor, target: torch.Tensor, *, peak: float = 255.0, dimensions: int = 4) -> torch.Tensor:
    """Peak signal-to-noise ratio, 10 log10(peak² / mean squared error).

    Args:
        predicted (`torch.Tensor` of shape `(..., T, H, W, 3)`, or any other order of dimensions): Pictures or videos.
        target (`torch.Tensor`): Of the same shape.
        peak (`float`, *optional*, defaults to 255): Distance from black to white.
        dimensions (`int`, *optional*, defaults to 4): How many of the last dimensions share one mean squared error: 4
            gives one value a video, 3 one value a frame.

    Returns:
        `torch.Tensor`, float64: dB, at most `PSNR_CEILING`, which identical pictures get with a warning.

    Raises:
        ValueError: If the shapes differ, are empty or have too few dimensions.
    """
    if predicted.shape != target.shape:
        raise ValueError(
            f"predicted has shape {tuple(predicted.shape)}, target {tuple(target.shape)}; they must be equal."
        )
    if predicted.ndim < dimensions or not predicted.numel():
        raise ValueError(
            f"predicted has shape {tuple(predicted.shape)}; at least {dimensions} dimensions, none empty, are needed."
        )
    error = (predicted.double() - target.double()).square().flatten(-dimensions).mean(dim=-1)
    floor = peak**2 * 10 ** (-PSNR_CEILING / 10)
    if (error < floor).any():
        warnings.warn(f"Two pictures are equal; their infinite PSNR is counted as {PSNR_CEILING:g} dB.", stacklevel=2)
    return 10 * torch.log10(peak**2 / error.clamp(min=floor))


def _joint_set(name: str) -> JointSet:
    if name not in JOINT_SETS:
        raise ValueError(f"joint_set is {name!r}; allowed are {sorted(JOINT_SETS)}.")
    return JOINT_SETS[name]


def _check_joints(predicted: torch.Tensor, target: torch.Tensor, joint_set: str) -> tuple[torch.Tensor, torch.Tensor]:
    predicted, target = _check_points(predicted, target)
    count = _joint_set(joint_set).count
    if predicted.ndim < 3 or predicted.shape[-2] != count:
        raise ValueError(
            f"Joints of shape {tuple(predicted.shape)}; joint set {joint_set!r} has shape (..., T, {count}, 3)."
        )
    return predicted, target


def _check_points(predicted: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
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


def _check_fps(fps: float) -> None:
    if not (fps > 0 and math.isfinite(fps)):
        raise ValueError(f"fps is {fps}; it must be a positive number of frames per second.")


def _distance(predicted: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Mean distance over the points of each frame, metres to millimetres: (..., P, 3) -> (...)."""
    return torch.linalg.vector_norm(predicted - target, dim=-1).mean(dim=-1) * MILLIMETRES


def _second_difference(points: torch.Tensor) -> torch.Tensor:
    return points[..., 2:, :, :] - 2 * points[..., 1:-1, :, :] + points[..., :-2, :, :]
