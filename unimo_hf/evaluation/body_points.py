# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""From motions to the points that are compared: joints and vertices of the body, for a batch of clips at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from unimo_hf.motion.motion import Motion

from .baselines import NUM_JOINTS


class BodyModel(Protocol):
    """What evaluation needs of [`unimo_hf.motion.body.Body`]."""

    @property
    def foot_vertices(self) -> tuple[int, int, int, int] | None:
        """Vertices of the left toe and heel and of the right, where the body's are known."""

    def joints(
        self, body_pose: torch.Tensor, global_orient: torch.Tensor, transl: torch.Tensor, betas: torch.Tensor
    ) -> torch.Tensor:
        """Joints `(T, 55, 3)`, metres."""

    def vertices(
        self, body_pose: torch.Tensor, global_orient: torch.Tensor, transl: torch.Tensor, betas: torch.Tensor
    ) -> torch.Tensor:
        """Vertices `(T, V, 3)`, metres."""


@dataclass(frozen=True)
class BodyPoints:
    """Points of B clips of T frames, metres, in the frame of reference of the motions.

    Attributes:
        joints (`torch.Tensor` of shape `(B, T, 22, 3)`): The body joints of SMPL-X.
        vertices (`torch.Tensor` of shape `(B, T, V, 3)`, *optional*): The mesh.
        feet (`torch.Tensor` of shape `(B, T, 4, 3)`, *optional*): Left toe and heel, right toe and heel.
    """

    joints: torch.Tensor
    vertices: torch.Tensor | None = None
    feet: torch.Tensor | None = None

    def __getitem__(self, clips: slice) -> "BodyPoints":
        """Some of the clips."""
        return BodyPoints(
            self.joints[clips],
            None if self.vertices is None else self.vertices[clips],
            None if self.feet is None else self.feet[clips],
        )


def body_points(motions: Sequence[Motion], body: BodyModel, with_vertices: bool = True) -> BodyPoints:
    """Put the body into the poses of clips of equal length.

    Args:
        motions (`Sequence[Motion]`): At least one; all of T frames.
        body ([`BodyModel`]): The body.
        with_vertices (`bool`, *optional*, defaults to `True`): The mesh takes 12 bytes a vertex and frame.

    Returns:
        [`BodyPoints`].

    Raises:
        ValueError: If there are no motions or they differ in length.
    """
    parameters, shape = stack_parameters(motions)
    joints = body.joints(**parameters)[:, :NUM_JOINTS].unflatten(0, shape)
    if not with_vertices:
        return BodyPoints(joints)
    vertices = body.vertices(**parameters).unflatten(0, shape)
    feet = body.foot_vertices
    return BodyPoints(joints, vertices, None if feet is None else vertices[:, :, list(feet)])


def stack_parameters(motions: Sequence[Motion]) -> tuple[dict[str, torch.Tensor], tuple[int, int]]:
    """Parameters of B clips of T frames, one after the other `(B T, ...)`, and (B, T).

    Raises:
        ValueError: If there are no motions or they differ in length.
    """
    lengths = sorted({len(motion) for motion in motions})
    if len(lengths) != 1:
        raise ValueError(f"Motions of {lengths or 'no'} frames; at least one is needed and all must be equally long.")
    parameters = {
        name: torch.as_tensor(np.concatenate([getattr(motion, name) for motion in motions]))
        for name in Motion.PARAMETERS
    }
    betas = torch.as_tensor(np.stack([motion.betas for motion in motions]))
    return parameters | {"betas": betas.repeat_interleave(lengths[0], dim=0)}, (len(motions), lengths[0])


def stack_global_orient(motions: Sequence[Motion]) -> torch.Tensor:
    """Rotations of the pelvis of clips of equal length: (B, T, 3), axis-angle, radians."""
    return torch.as_tensor(np.stack([motion.global_orient for motion in motions]))
