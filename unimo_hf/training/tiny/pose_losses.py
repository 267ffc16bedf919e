# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Losses in metres beside the cross-entropy of codes: of the pose that is said, and of what a probe reads off."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from unimo_hf.model.modalities import Modality
from unimo_hf.model.modeling_motion_vqvae import MotionVQVAE
from unimo_hf.model.sequences import Sequence
from unimo_hf.motion.body import NUM_BODY_JOINTS
from unimo_hf.training.joints import CodeJoints
from unimo_hf.training.recipe import Section, Weight


@dataclass(frozen=True)
class Auxiliary(Section):
    """Weights of mean absolute errors of joints, in metres.

    Attributes:
        pose (`float`): Of those that the frozen decoder makes of the expected code vectors.
        probe (`float`): Of those that a linear map reads off the video of the condition half-way up (see
            [`ConditionReader`]).
    """

    pose: Weight = 0.0
    probe: Weight = 0.0


class ConditionReader(nn.Module):
    """Joints of the frames of each tick of the condition's video, read off its hidden states half-way up.

    Only for training: what a linear map reads from the mean over the codes of a tick, attention has at hand from the
    start. Codes alone teach it slowly, since most of what tells them apart can't be seen in a picture.

    Args:
        modality ([`Modality`]): Of the video, whose ticks begin with the clip.
        width (`int`): Of the hidden states.
    """

    def __init__(self, modality: Modality, width: int):
        super().__init__()
        self.modality = modality
        self.linear = nn.Linear(width, modality.frames * NUM_BODY_JOINTS * 3)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, hidden_states: Tensor, sequence: Sequence) -> Tensor:
        """Hidden states `(B, length, width)` to joints `(B, frames of the condition's video, 22, 3)`."""
        is_seen = (sequence.holds(self.modality.name) & ~sequence.is_target)[0].to(hidden_states.device)
        hidden_states = hidden_states[:, is_seen].float()
        hidden_states = F.rms_norm(hidden_states, hidden_states.shape[-1:])
        joints = self.linear(hidden_states.unflatten(1, (-1, self.modality.codes)).mean(dim=2))
        frames = self.modality.frames
        return joints.unflatten(2, (frames, NUM_BODY_JOINTS, 3)).flatten(1, 2)[:, frames - 1 :]


class PoseLosses:
    """The errors of [`Auxiliary`].

    Args:
        weights ([`Auxiliary`]): Those of 0 are not computed.
        motion_vqvae ([`MotionVQVAE`]): Frozen.
        joints ([`CodeJoints`]): By the same.
    """

    def __init__(self, weights: Auxiliary, motion_vqvae: MotionVQVAE, joints: CodeJoints):
        self.weights, self.motion_vqvae, self.joints = weights, motion_vqvae, joints

    def __call__(
        self, codes: dict[str, Tensor], targets: dict[str, tuple[Tensor, Tensor]], read: Tensor | None
    ) -> dict[str, tuple[float, Tensor]]:
        """Weight and error of each loss that a batch has.

        Args:
            codes (`dict[str, torch.LongTensor]`): Codes of the whole clips, by modality.
            targets (`dict`): Logits and codes of the targets of each modality.
            read (`torch.Tensor` of shape `(B, T', 22, 3)`, *optional*): What a [`ConditionReader`] has read.
        """
        name = self.motion_vqvae.modality.name
        errors: dict[str, tuple[float, Tensor]] = {}
        if name not in codes or not (self.weights.pose or self.weights.probe):
            return errors
        truth = self.joints(codes[name])
        logits, said = targets[name]
        if self.weights.pose and len(said):
            expected = logits.float().softmax(dim=-1) @ self.motion_vqvae.code_vectors()
            joints = self.joints.of_latents(expected.view(len(truth), -1, expected.shape[-1]))
            # A part alone is decoded without its neighbours, so its truth is too.
            is_whole = said.numel() == codes[name].numel()
            target = truth if is_whole else self.joints(said.view(len(truth), -1, codes[name].shape[-1]))
            errors["pose"] = self.weights.pose, (joints - target).abs().mean()
        if read is not None:
            # A condition without video has a loss of 0, which leaves no weight of the reader without a gradient.
            missed = (read - truth[:, : read.shape[1]]).abs()
            errors["probe"] = self.weights.probe, missed.sum() / max(1, missed.numel())
        return errors
