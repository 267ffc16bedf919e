# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Do generated motions move as real ones do, taken together: FID and diversity of their features, in float64."""

import warnings
from typing import NamedTuple

import torch

# Added to standard deviations by the original programs (AIST++, Duolando).
STD_OFFSET = 1e-10


class NormalisedFeatures(NamedTuple):
    """Features in units of the real set.

    Attributes:
        generated (`torch.Tensor` of shape `(N, F)`): Of generated motions.
        real (`torch.Tensor` of shape `(M, F)`): Of real ones.
    """

    generated: torch.Tensor
    real: torch.Tensor


def normalise_features(generated: torch.Tensor, real: torch.Tensor, drop_constant: bool = False) -> NormalisedFeatures:
    """Subtract the mean of the real set and divide by its (population) standard deviation.

    A feature that is the same in all real motions but not in the generated ones is divided by next to nothing and
    outweighs all others; this gives a warning.

    Args:
        generated (`torch.Tensor` of shape `(N, F)`): Features of generated motions.
        real (`torch.Tensor` of shape `(M, F)`): Features of real motions.
        drop_constant (`bool`, *optional*, defaults to `False`): Leave out features that are constant in the real set.

    Returns:
        [`NormalisedFeatures`]: float64.

    Raises:
        ValueError: If a shape is wrong or a value is not finite.
    """
    generated, real = _check_features("generated", generated), _check_features("real", real)
    if generated.shape[1] != real.shape[1]:
        raise ValueError(f"{generated.shape[1]} generated features and {real.shape[1]} real ones; must be equal.")
    mean, std = real.mean(dim=0), real.std(dim=0, correction=0)
    # A computed deviation of equal numbers is that of their rounding.
    constant = std <= 1e-12 * mean.abs()
    if drop_constant:
        generated, real, mean, std = generated[:, ~constant], real[:, ~constant], mean[~constant], std[~constant]
    elif (differs := constant & (generated != mean).any(dim=0)).any():
        warnings.warn(
            f"Features {differs.nonzero().flatten().tolist()} are the same in all {len(real)} real motions but not in "
            "the generated ones: they decide the numbers. They can be left out (drop_constant=True).",
            stacklevel=2,
        )
    return NormalisedFeatures((generated - mean) / (std + STD_OFFSET), (real - mean) / (std + STD_OFFSET))


def frechet_distance(generated: torch.Tensor, real: torch.Tensor) -> float:
    """FID: |μ1 - μ2|² + tr(Σ1 + Σ2 - 2 (Σ1 Σ2)^½), of covariances with N - 1.

    With centred features X, the trace of (Σ1 Σ2)^½ is the sum of the singular values of X1 X2ᵀ over the root of
    (N - 1)(M - 1): no square root of a matrix is needed, and ranks do not matter.

    Args:
        generated (`torch.Tensor` of shape `(N, F)`): Features of generated motions.
        real (`torch.Tensor` of shape `(M, F)`): Features of real motions.

    Returns:
        `float`: Without unit. With fewer than F + 1 motions on one side covariances are singular and the number is too
        large, which gives a warning.

    Raises:
        ValueError: If a shape is wrong, a value is not finite, or a side has fewer than 2 motions.
    """
    generated, real = _check_features("generated", generated), _check_features("real", real)
    fewest, features = min(len(generated), len(real)), real.shape[1]
    if fewest < 2:
        raise ValueError(f"There are {len(generated)} generated and {len(real)} real motions; FID needs 2 of each.")
    if fewest <= features:
        warnings.warn(
            f"FID of {features} features from {fewest} motions is too large; it needs {features + 1} at the least.",
            stacklevel=2,
        )
    means = [part.mean(dim=0) for part in (generated, real)]
    scaled = [
        (part - mean) / (len(part) - 1) ** 0.5 for part, mean in zip((generated, real), means, strict=True)
    ]  # scaledᵀ scaled = Σ
    triangles = [torch.linalg.qr(part, mode="r").R for part in scaled]
    cross = torch.linalg.matrix_norm(triangles[0] @ triangles[1].mT, "nuc")
    spread = sum(part.square().sum() for part in scaled)
    return float((means[0] - means[1]).square().sum() + spread - 2 * cross)


def diversity(features: torch.Tensor) -> float:
    """DIV: mean Euclidean distance of all pairs; 0, with a warning, where there is no pair.

    Args:
        features (`torch.Tensor` of shape `(N, F)`): Normalised features.

    Raises:
        ValueError: If the shape is wrong or a value is not finite.
    """
    features = _check_features("features", features)
    if len(features) < 2:
        warnings.warn("One motion alone has no diversity; 0 is given.", stacklevel=2)
        return 0.0
    return float(torch.pdist(features).mean())


def _check_features(name: str, features: torch.Tensor) -> torch.Tensor:
    if features.ndim != 2 or not len(features):
        raise ValueError(f"{name} has shape {tuple(features.shape)}; it must be (at least 1 motion, features).")
    if not torch.isfinite(features).all():
        raise ValueError(f"{name} holds values that are not finite; all must be.")
    return features.double()
