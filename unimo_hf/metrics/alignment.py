# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Alignment of two sets of points before they are compared: by the root, by a similarity, by a rigid motion."""

import warnings
from dataclasses import dataclass

import torch

from .points import joint_set_named


@dataclass(frozen=True)
class Similarity:
    """The map x' = scale · rotation x + translation; leading dimensions are batch dimensions.

    Attributes:
        scale (`torch.Tensor` of shape `(...)`): Of what is mapped.
        rotation (`torch.Tensor` of shape `(..., 3, 3)`): Determinant +1; acts on column vectors.
        translation (`torch.Tensor` of shape `(..., 3)`): Metres.
    """

    scale: torch.Tensor
    rotation: torch.Tensor
    translation: torch.Tensor

    def apply(self, points: torch.Tensor) -> torch.Tensor:
        """Map points `(..., P, 3)`."""
        turned = points.double() @ self.rotation.mT
        return self.scale[..., None, None] * turned + self.translation.unsqueeze(-2)


def root_align(points: torch.Tensor, joints: torch.Tensor, joint_set: str = "smplx22") -> torch.Tensor:
    """Shift `points` `(..., P, 3)` so that the midpoint of the hips of `joints` `(..., J, 3)` is the origin."""
    hips = list(joint_set_named(joint_set).hips)
    return points - joints[..., hips, :].mean(dim=-2, keepdim=True)


def fit_similarity(predicted: torch.Tensor, target: torch.Tensor, with_scale: bool = True) -> Similarity:
    """Find the map of least squares from `predicted` onto `target`, which never mirrors (Umeyama, 1991).

    Args:
        predicted (`torch.Tensor` of shape `(..., P, 3)`): Points.
        target (`torch.Tensor` of shape `(..., P, 3)`): Points.
        with_scale (`bool`, *optional*, defaults to `True`): A similarity; otherwise a rigid motion.

    Returns:
        [`Similarity`]: float64. Where all predicted points coincide no scale is the best: it is 0, with a warning.
    """
    predicted, target = predicted.double(), target.double()
    centre, target_centre = predicted.mean(dim=-2, keepdim=True), target.mean(dim=-2, keepdim=True)
    centred = predicted - centre
    left, singular, right = torch.linalg.svd((target - target_centre).mT @ centred)
    # The last axis is turned over where the best orthogonal map would mirror the body.
    sign = torch.ones_like(singular)
    sign[..., 2] = torch.where(torch.linalg.det(left) * torch.linalg.det(right) < 0, -1.0, 1.0)
    rotation = left @ (sign.unsqueeze(-1) * right)
    scale = torch.ones_like(singular[..., 0])
    if with_scale:
        spread = centred.square().sum(dim=(-2, -1))
        if (spread == 0).any():
            warnings.warn(
                "All predicted points of a frame coincide: the Procrustes alignment has no scale there.", stacklevel=2
            )
        scale = (singular * sign).sum(dim=-1) / torch.where(spread == 0, 1.0, spread)
    translation = target_centre - scale[..., None, None] * (centre @ rotation.mT)
    return Similarity(scale, rotation, translation.squeeze(-2))


def procrustes_align(predicted: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Map each frame `(..., P, 3)` onto the target by [`fit_similarity`]; float64."""
    return fit_similarity(predicted, target).apply(predicted)
