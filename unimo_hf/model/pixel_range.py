# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Frames as files hold them, 8-bit numbers, to the numbers of networks, and back."""

import torch


def to_model_range(frames: torch.Tensor) -> torch.Tensor:
    """Frames `(…, T, H, W, 3)` with numbers of 0 to 255 to video `(…, 3, T, H, W)`, float32 in [-1, 1]."""
    return frames.movedim(-1, -4).float() / 127.5 - 1


def to_pixels(video: torch.Tensor) -> torch.Tensor:
    """Inverse of [`to_model_range`]: cut to [-1, 1] and rounded, frames `(…, T, H, W, 3)`, uint8."""
    return ((video.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).movedim(-4, -1)
