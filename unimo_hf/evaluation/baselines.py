# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What a model has to beat: predictions that need no network, as pure functions of what the training set was like."""

import math
from collections.abc import Sequence

import torch

from unimo_hf.metrics.alignment import root_align
from unimo_hf.metrics.points import JOINT_SETS
from unimo_hf.model.motion_features import axis_angle_to_matrix

NUM_JOINTS = JOINT_SETS["smplx22"].count
# Code vectors are compared in blocks of so many queries times so many training clips.
QUERY_CHUNK, BANK_CHUNK = 64, 1024
BY_DIFFERENCES = "donot_use_mm_for_euclid_dist"


def constant_joints(mean_joints: torch.Tensor, frames: int) -> torch.Tensor:
    """The best constant: the mean root-aligned joints of the training set, in every frame.

    Args:
        mean_joints (`torch.Tensor` of shape `(22, 3)`): Metres, camera frame, the midpoint of the hips at the origin.
        frames (`int`): T.

    Returns:
        `torch.Tensor` of shape `(T, 22, 3)`: Metres; to be compared with root alignment.

    Raises:
        ValueError: If the shape is wrong.
    """
    return _check_mean(mean_joints).expand(frames, -1, -1)


def mean_pose_joints(mean_body_joints: torch.Tensor, global_orient: torch.Tensor) -> torch.Tensor:
    """The mean pose, turned by the true orientation of the root: everything but the limbs is given away.

    Args:
        mean_body_joints (`torch.Tensor` of shape `(22, 3)`): Metres, in the frame of the pelvis, midpoint of the hips
            at the origin.
        global_orient (`torch.Tensor` of shape `(..., T, 3)`): True rotation of the pelvis, axis-angle, radians.

    Returns:
        `torch.Tensor` of shape `(..., T, 22, 3)`: Metres, in the frame of `global_orient`; to be compared with root
        alignment.

    Raises:
        ValueError: If a shape is wrong.
    """
    if global_orient.shape[-1:] != (3,):
        raise ValueError(f"global_orient has shape {tuple(global_orient.shape)}; it must be (..., T, 3).")
    rotation = axis_angle_to_matrix(global_orient.double())  # (..., T, 3, 3)
    return _check_mean(mean_body_joints).double() @ rotation.mT


def joints_in_pelvis_frame(joints: torch.Tensor, global_orient: torch.Tensor) -> torch.Tensor:
    """Joints `(..., T, 22, 3)` in metres as the pelvis sees them, midpoint of the hips at the origin."""
    return root_align(joints, joints).double() @ axis_angle_to_matrix(global_orient.double())


def nearest_clips(
    visual_codes: torch.Tensor, bank: torch.Tensor, levels: Sequence[int]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Find the training clips that look most alike: L2 distance between the FSQ code vectors of whole clips.

    Args:
        visual_codes (`torch.LongTensor` of shape `(Q, t, h, w)`): Clips to look for.
        bank (`torch.LongTensor` of shape `(N, t, h, w)`): Training clips.
        levels (`Sequence[int]`): Number of values of each latent channel of the video tokenizer.

    Returns:
        `tuple`: indices into the bank `(Q,)`, int64, the first one where several are equally near; distances `(Q,)`.

    Raises:
        ValueError: If the bank is empty, clips differ in shape, or a code is outside the codebook.
    """
    if not len(bank) or visual_codes.shape[1:] != bank.shape[1:]:
        raise ValueError(
            f"visual_codes has shape {tuple(visual_codes.shape)}, the bank {tuple(bank.shape)}; it needs at least "
            "one clip, and clips must have the same shape."
        )
    indices, distances = [], []
    for queries in visual_codes.split(QUERY_CHUNK):
        vectors = code_vectors(queries, levels).flatten(1)
        best = torch.full((len(queries),), math.inf)
        index = torch.zeros(len(queries), dtype=torch.long)
        for start in range(0, len(bank), BANK_CHUNK):
            chunk = code_vectors(bank[start : start + BANK_CHUNK], levels).flatten(1)
            # By differences, so that clips that look alike are at one distance and the first of them is taken.
            distance, position = torch.cdist(vectors, chunk, compute_mode=BY_DIFFERENCES).min(dim=1)
            nearer = distance < best
            best, index = torch.where(nearer, distance, best), torch.where(nearer, position + start, index)
        indices.append(index)
        distances.append(best)
    if not indices:
        return torch.zeros(0, dtype=torch.long), torch.zeros(0)
    return torch.cat(indices), torch.cat(distances)


def code_vectors(visual_codes: torch.Tensor, levels: Sequence[int]) -> torch.Tensor:
    """FSQ codes `(...)` to their vectors `(..., C)` in [-1, 1]; the first channel counts fastest.

    Raises:
        ValueError: If a code is outside the codebook.
    """
    size = math.prod(levels)
    if visual_codes.numel():
        low, high = int(visual_codes.min()), int(visual_codes.max())
        if low < 0 or high >= size:
            raise ValueError(f"visual_codes range from {low} to {high}; allowed are 0 to {size - 1}.")
    sizes = torch.tensor(levels)
    basis = torch.tensor([math.prod(levels[:channel]) for channel in range(len(levels))])
    digits = visual_codes.long().cpu().unsqueeze(-1) // basis % sizes
    return (digits - sizes // 2) / (sizes // 2)


def mean_colour_video(video: torch.Tensor) -> torch.Tensor:
    """Each video `(..., T, H, W, 3)`, uint8, painted in its own mean colour."""
    mean = video.double().mean(dim=(-4, -3, -2), keepdim=True)
    return mean.round().to(video.dtype).expand_as(video)


def first_frame_video(video: torch.Tensor) -> torch.Tensor:
    """Each video `(..., T, H, W, 3)` stopped at its first frame."""
    return video[..., :1, :, :, :].expand_as(video)


def _check_mean(mean_joints: torch.Tensor) -> torch.Tensor:
    if mean_joints.shape != (NUM_JOINTS, 3):
        raise ValueError(f"Mean joints of shape {tuple(mean_joints.shape)}; the shape must be ({NUM_JOINTS}, 3).")
    return mean_joints
