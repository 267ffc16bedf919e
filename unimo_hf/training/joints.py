# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The body's joints as the losses and validations of training see them."""

import torch
from torch import Tensor

from unimo_hf.model.motion_features import frames_to_matrices
from unimo_hf.motion.body import NUM_BODY_JOINTS, Body

HIPS = [1, 2]


def joints_of_frames(
    body: Body, frames: Tensor, rotation: str, joints: int = NUM_BODY_JOINTS
) -> tuple[Tensor, Tensor]:
    """Joints of tokenizer frames; differentiable.

    Args:
        body ([`Body`]): The body that moves.
        frames (`torch.Tensor` of shape `(B, T, C)`): As `motion_features.parameters_to_frames` packs them.
        rotation (`str`): Their rotation format.
        joints (`int`, *optional*, defaults to 22): How many of SMPL-X; jaw, eyes and fingers go with head and hands.

    Returns:
        `tuple`: joints `(B, T, joints, 3)`, the midpoint of the hips at the origin, and `transl` `(B, T, 3)`; metres.
    """
    rotations, betas, transl = frames_to_matrices(frames.float(), rotation)
    rotations, betas = rotations.flatten(0, 1), betas.flatten(0, 1)
    still = torch.eye(3, device=rotations.device).expand(len(rotations), joints - NUM_BODY_JOINTS, 3, 3)
    places = body.posed_joints(torch.cat((rotations, still), dim=1), betas).unflatten(0, frames.shape[:2])
    return places - places[..., HIPS, :].mean(dim=-2, keepdim=True), transl


def joints_of_clips(body: Body, batch: dict[str, Tensor]) -> Tensor:
    """Joints `(B, T, 22, 3)` of a batch of clips (SMPL-X parameters `(B, T, ...)`), metres, camera frame."""
    flat = {key: batch[key].flatten(0, 1).cpu() for key in ("body_pose", "global_orient", "transl", "betas")}
    joints = body.joints(**flat)[:, :NUM_BODY_JOINTS]
    return joints.unflatten(0, batch["transl"].shape[:2]).to(batch["transl"].device)


def mpjpe_mm(joints: Tensor, true_joints: Tensor) -> Tensor:
    """Mean distance between joints `(B, T, 22, 3)` that are aligned already: one figure a clip, millimetres."""
    return 1000 * (joints - true_joints).norm(dim=-1).mean(dim=(1, 2))
