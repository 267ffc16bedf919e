# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The body's joints as the losses and validations of training see them."""

from torch import Tensor

from unimo_hf.model.modeling_motion_vqvae import MotionVQVAE
from unimo_hf.model.motion_features import frames_to_matrices
from unimo_hf.motion.body import NUM_BODY_JOINTS, Body

HIPS = [1, 2]


def joints_of_frames(
    body: Body, frames: Tensor, rotation: str, every_vertex: int | None = None
) -> tuple[Tensor, Tensor]:
    """Joints of tokenizer frames, and vertices behind them if asked for; differentiable.

    Args:
        body ([`Body`]): The body that moves.
        frames (`torch.Tensor` of shape `(B, T, C)`): As `motion_features.parameters_to_frames` packs them.
        rotation (`str`): Their rotation format.
        every_vertex (`int`, *optional*): Each `every_vertex`-th follows the 22 joints. Default: none does.

    Returns:
        `tuple`: places `(B, T, 22 + V', 3)`, the midpoint of the hips at the origin, and `transl` `(B, T, 3)`; metres.
    """
    rotations, betas, transl = frames_to_matrices(frames.float(), rotation)
    places = body.posed_joints(rotations.flatten(0, 1), betas.flatten(0, 1), every_vertex)
    places = places.unflatten(0, frames.shape[:2])
    return places - places[..., HIPS, :].mean(dim=-2, keepdim=True), transl


class CodeJoints:
    """Root-aligned joints of motion codes, by the decoder of their tokenizer; differentiable in latents.

    Args:
        motion_vqvae ([`MotionVQVAE`]): The tokenizer.
    """

    def __init__(self, motion_vqvae: MotionVQVAE):
        self.motion_vqvae, self.body = motion_vqvae, Body.load()

    def __call__(self, codes: Tensor) -> Tensor:
        """Codes `(B, T, codes a frame)` to joints `(B, T, 22, 3)`, metres."""
        return self._of_frames(self.motion_vqvae.decode(codes))

    def of_latents(self, latents: Tensor) -> Tensor:
        """Code vectors `(B, T * codes a frame, D)`, or means of such, to joints `(B, T, 22, 3)`, metres."""
        return self._of_frames(self.motion_vqvae.decode_latents(latents))

    def _of_frames(self, frames: Tensor) -> Tensor:
        return joints_of_frames(self.body, frames, self.motion_vqvae.config.rotation)[0]


def joints_of_clips(body: Body, batch: dict[str, Tensor]) -> Tensor:
    """Joints `(B, T, 22, 3)` of a batch of clips (SMPL-X parameters `(B, T, ...)`), metres, camera frame."""
    flat = {key: batch[key].flatten(0, 1).cpu() for key in ("body_pose", "global_orient", "transl", "betas")}
    joints = body.joints(**flat)[:, :NUM_BODY_JOINTS]
    return joints.unflatten(0, batch["transl"].shape[:2]).to(batch["transl"].device)


def mpjpe_mm(joints: Tensor, true_joints: Tensor) -> Tensor:
    """Mean distance between joints `(B, T, 22, 3)` that are aligned already: one figure a clip, millimetres."""
    return 1000 * (joints - true_joints).norm(dim=-1).mean(dim=(1, 2))
