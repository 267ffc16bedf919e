# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Errors of the path through the world, computed in float64.

The metrics are those of WHAM (arXiv 2312.07531) and GVHMR (arXiv 2409.06662). The frame must stand still: a world, or
a camera that does not move. Leading dimensions are batch dimensions everywhere.
"""

import warnings

import torch

from .alignment import fit_similarity
from .points import MILLIMETRES, check_fps, check_points, check_sequences, mean_distance

CHUNK = 100  # frames that are aligned together: the 100 of W-MPJPE100
FIRST_FRAMES = 2  # frames of a chunk that W-MPJPE is aligned on
CONTACT_THRESHOLD = 0.01  # metres per frame, whatever the frame rate
# A path shorter than this (metres) has no percentage worth the name; it counts as this long.
SHORTEST_PATH = 1e-3


def wa_mpjpe(predicted: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """WA-MPJPE100: mean per-joint error after one similarity a chunk of 100 frames, over all of its frames.

    Args:
        predicted (`torch.Tensor` of shape `(..., T, J, 3)`): Joints, metres.
        target (`torch.Tensor` of shape `(..., T, J, 3)`): Joints, metres; T at least 1, the last chunk may be short.

    Returns:
        `torch.Tensor` of shape `(..., T)`, float64: Millimetres.

    Raises:
        ValueError: If a shape is wrong or a coordinate is not finite.
    """
    return _chunked(predicted, target, CHUNK)


def w_mpjpe(predicted: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """W-MPJPE100: as [`wa_mpjpe`], with the similarity of the first 2 frames of each chunk."""
    return _chunked(predicted, target, FIRST_FRAMES)


def rte(predicted: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Root translation error: distance after one rigid alignment (no scale), in percent of the true path's length.

    Args:
        predicted (`torch.Tensor` of shape `(..., T, 3)`): Path of the root (joint 0), metres.
        target (`torch.Tensor` of shape `(..., T, 3)`): True path, metres.

    Returns:
        `torch.Tensor` of shape `(..., T)`, float64: Percent. A true path below `SHORTEST_PATH` is taken for that long,
        with a warning.

    Raises:
        ValueError: If a shape is wrong or a coordinate is not finite.
    """
    predicted, target = check_points(predicted, target)
    aligned = fit_similarity(predicted, target, with_scale=False).apply(predicted)
    length = torch.linalg.vector_norm(target.diff(dim=-2), dim=-1).sum(dim=-1, keepdim=True)
    if (length < SHORTEST_PATH).any():
        warnings.warn(
            f"A true path is shorter than {SHORTEST_PATH:g} m; its error is given in percent of {SHORTEST_PATH:g} m.",
            stacklevel=2,
        )
    error = torch.linalg.vector_norm(aligned - target, dim=-1)
    return 100 * error / length.clamp(min=SHORTEST_PATH)


def jitter(joints: torch.Tensor, fps: float) -> torch.Tensor:
    """Mean size of the third derivative of the joints: how much a motion trembles, without regard to the truth.

    Args:
        joints (`torch.Tensor` of shape `(..., T, J, 3)`): Metres.
        fps (`float`): Frames per second.

    Returns:
        `torch.Tensor` of shape `(..., T - 3)`, float64: In 10 m/s³. Clips of fewer than 4 frames give none, with a
        warning.

    Raises:
        ValueError: If the shape or `fps` is wrong, or a coordinate is not finite.
    """
    check_fps(fps)
    joints, _ = check_sequences(joints, joints)
    if joints.shape[-3] < 4:
        warnings.warn(f"A clip of {joints.shape[-3]} frames has no jitter; it needs 4 frames.", stacklevel=2)
        return joints.new_zeros((*joints.shape[:-3], 0))
    third = joints.diff(n=3, dim=-3)
    return torch.linalg.vector_norm(third, dim=-1).mean(dim=-1) * fps**3 / 10


def foot_contacts(target: torch.Tensor, threshold: float = CONTACT_THRESHOLD) -> torch.Tensor:
    """Where points of the true feet stand still from one frame to the next.

    Args:
        target (`torch.Tensor` of shape `(..., T, P, 3)`): Points of the feet, metres.
        threshold (`float`, *optional*, defaults to 0.01): A point in contact moves less, metres per frame.

    Returns:
        `torch.BoolTensor` of shape `(..., T - 1, P)`.
    """
    return torch.linalg.vector_norm(target.double().diff(dim=-3), dim=-1) < threshold


def foot_sliding(predicted: torch.Tensor, target: torch.Tensor, threshold: float = CONTACT_THRESHOLD) -> torch.Tensor:
    """How far predicted feet move from one frame to the next where the true ones stand.

    Args:
        predicted (`torch.Tensor` of shape `(..., T, P, 3)`): Points of the feet (toes and heels), metres.
        target (`torch.Tensor` of shape `(..., T, P, 3)`): The same of the truth.
        threshold (`float`, *optional*, defaults to 0.01): As in [`foot_contacts`].

    Returns:
        `torch.Tensor` of shape `(contacts,)`, float64: Millimetres, one value a contact, frame after frame. Where the
        feet never stand there is none, with a warning.

    Raises:
        ValueError: If a shape is wrong or a coordinate is not finite.
    """
    predicted, target = check_sequences(predicted, target)
    contacts = foot_contacts(target, threshold)
    if not contacts.any():
        warnings.warn("The true feet never stand still, so there is no foot sliding.", stacklevel=2)
    return torch.linalg.vector_norm(predicted.diff(dim=-3), dim=-1)[contacts] * MILLIMETRES


def _chunked(predicted: torch.Tensor, target: torch.Tensor, fitted_frames: int) -> torch.Tensor:
    """Error `(..., T)` in millimetres, each chunk mapped by the similarity of its first `fitted_frames` frames."""
    predicted, target = check_sequences(predicted, target)
    errors = []
    for points, truth in zip(predicted.split(CHUNK, dim=-3), target.split(CHUNK, dim=-3), strict=True):
        first, first_truth = (part[..., :fitted_frames, :, :].flatten(-3, -2) for part in (points, truth))
        aligned = fit_similarity(first, first_truth).apply(points.flatten(-3, -2))
        errors.append(mean_distance(aligned.unflatten(-2, points.shape[-3:-1]), truth))
    return torch.cat(errors, dim=-1)
