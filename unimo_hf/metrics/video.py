# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Quality of pictures and videos: PSNR, and the six VBench dimensions that the paper reports.

What VBench computes with networks of others (features, flow, interpolated frames) is an argument: the networks are
the caller's, the rules of aggregation stand here.
"""

import warnings
from dataclasses import dataclass

import torch

# Identical pictures have an infinite PSNR; 8-bit pictures that differ at all stay far below this.
PSNR_CEILING = 100.0


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


def temporal_flickering(frames: torch.Tensor) -> torch.Tensor:
    """VBench's temporal flickering (arXiv 2311.17982): how little consecutive frames differ.

    Args:
        frames (`torch.Tensor` of shape `(..., T, H, W, 3)`, uint8): RGB.

    Returns:
        `torch.Tensor` of shape `(...)`, float64: In [0, 1], 1 for a video that stands still. A single frame does not
        flicker: 1, with a warning.
    """
    if frames.shape[-4] < 2:
        warnings.warn("A video of one frame can't flicker; 1 is given.", stacklevel=2)
        return torch.ones(frames.shape[:-4], dtype=torch.float64)
    return _likeness(frames[..., 1:, :, :, :], frames[..., :-1, :, :, :])


def motion_smoothness(frames: torch.Tensor, interpolated: torch.Tensor) -> torch.Tensor:
    """VBench's motion smoothness: how near frames 1, 3, 5, … are to what their neighbours foretell.

    Args:
        frames (`torch.Tensor` of shape `(..., T, H, W, 3)`, uint8): RGB; T at least 3.
        interpolated (`torch.Tensor` of shape `(..., (T - 1) // 2, H, W, 3)`, uint8): Frames 1, 3, 5, … as a frame
            interpolator (AMT-S in the original) makes them of their neighbours; a last frame without a right
            neighbour is not scored.

    Returns:
        `torch.Tensor` of shape `(...)`, float64: In [0, 1].

    Raises:
        ValueError: If the number of interpolated frames is another.
    """
    dropped = frames[..., 1:-1:2, :, :, :]
    if interpolated.shape != dropped.shape or not dropped.numel():
        raise ValueError(f"interpolated has shape {tuple(interpolated.shape)}; it must be {tuple(dropped.shape)}.")
    return _likeness(interpolated, dropped)


def feature_consistency(features: torch.Tensor) -> torch.Tensor:
    """VBench's subject consistency (features of DINO ViT-B/16) and background consistency (CLIP ViT-B/32).

    Args:
        features (`torch.Tensor` of shape `(..., T, D)`): One vector a frame, of any length; T at least 2.

    Returns:
        `torch.Tensor` of shape `(..., T - 1)`, float64: For each frame but the first the mean of its likeness (cosine,
        at least 0) to the frame before and to the first. VBench averages over all frames of all videos.
    """
    unit = torch.nn.functional.normalize(features.double(), dim=-1)
    before = (unit[..., 1:, :] * unit[..., :-1, :]).sum(dim=-1).clamp(min=0)
    first = (unit[..., 1:, :] * unit[..., :1, :]).sum(dim=-1).clamp(min=0)
    return (before + first) / 2


def aesthetic_quality(features: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """VBench's aesthetic quality: LAION's linear head on unit features of CLIP ViT-L/14, a tenth of its marks.

    Args:
        features (`torch.Tensor` of shape `(..., T, D)`): One vector a frame, of any length.
        weight (`torch.Tensor` of shape `(D,)`): Of the head.
        bias (`torch.Tensor` of shape `(1,)` or `()`): Of the head.

    Returns:
        `torch.Tensor` of shape `(...)`, float64.
    """
    unit = torch.nn.functional.normalize(features.double(), dim=-1)
    return ((unit @ weight.double() + bias.double().squeeze()) / 10).mean(dim=-1)


@dataclass(frozen=True)
class DynamicDegree:
    """Whether a video moves.

    Attributes:
        scores (`torch.Tensor` of shape `(T - 1,)`): Mean length of the longest 5 % of the flow, pixels.
        threshold (`float`): A pair of frames moves above this, pixels.
        needed (`int`): So many pairs must move.
        moves (`bool`): Whether they do; the dynamic degree of a set is the share of videos that move.
    """

    scores: torch.Tensor
    threshold: float
    needed: int
    moves: bool


def dynamic_degree(flow: torch.Tensor) -> DynamicDegree:
    """VBench's dynamic degree of one video.

    Args:
        flow (`torch.Tensor` of shape `(T - 1, 2, H, W)`): Optical flow between consecutive frames (RAFT in the
            original, of frames at about 8 fps), pixels.

    Raises:
        ValueError: If the shape is wrong.
    """
    if flow.ndim != 4 or flow.shape[1] != 2 or not flow.numel():
        raise ValueError(f"flow has shape {tuple(flow.shape)}; it must be (T - 1, 2, H, W), none empty.")
    lengths = torch.linalg.vector_norm(flow.double(), dim=1).flatten(1)
    longest = max(int(lengths.shape[1] * 0.05), 1)
    scores = lengths.topk(longest, dim=1).values.mean(dim=1)
    threshold = 6.0 * min(flow.shape[-2:]) / 256
    needed = round(4 * (len(flow) + 1) / 16)
    return DynamicDegree(scores, threshold, needed, int((scores > threshold).sum()) >= needed)


def _likeness(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """1 for equal 8-bit videos `(..., T, H, W, 3)`, 0 for black and white."""
    return 1 - (one.double() - other.double()).abs().flatten(-4).mean(dim=-1) / 255
