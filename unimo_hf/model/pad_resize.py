# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Pad-resize: fit a picture of any size into a square, and carry points back from the square to the picture."""

from dataclasses import dataclass

import torch
from torch.nn import functional


@dataclass(frozen=True)
class PadResize:
    """The geometry that fits pictures of one size into a square: scale the longer side to it, centre, pad.

    Points are continuous pixel coordinates: the first pixel reaches from 0 to 1, its centre is 0.5.

    Args:
        height (`int`): Height of the source, pixels.
        width (`int`): Width of the source, pixels.
        size (`int`): Side of the square, pixels.

    Raises:
        ValueError: If a number is below 1.
    """

    height: int
    width: int
    size: int

    def __post_init__(self):
        for name in ("height", "width", "size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1 pixel.")

    @property
    def resized(self) -> tuple[int, int]:
        """Height and width of the picture within the square, pixels."""
        longer = max(self.height, self.width)
        return max(round(self.height * self.size / longer), 1), max(round(self.width * self.size / longer), 1)

    @property
    def scale(self) -> tuple[float, float]:
        """Pixels of the square per pixel of the source, along x and y; they differ by rounding only."""
        height, width = self.resized
        return width / self.width, height / self.height

    @property
    def offset(self) -> tuple[int, int]:
        """Place (x, y) of the picture's first pixel in the square."""
        height, width = self.resized
        return (self.size - width) // 2, (self.size - height) // 2

    def apply(self, frames: torch.Tensor, fill: float = 0) -> torch.Tensor:
        """Scale and pad frames.

        Args:
            frames (`torch.Tensor` of shape `(..., C, height, width)`): uint8 or floating point.
            fill (`float`, *optional*, defaults to 0): Value of the padding.

        Returns:
            `torch.Tensor` of shape `(..., C, size, size)`: Of the same type.

        Raises:
            ValueError: If the frames are of another size.
        """
        if frames.ndim < 3 or frames.shape[-2:] != (self.height, self.width):
            raise ValueError(
                f"frames has shape {tuple(frames.shape)}; it must be (..., channels, {self.height}, {self.width})."
            )
        height, width = self.resized
        if (height, width) != (self.height, self.width):
            stacked = frames.reshape(-1, *frames.shape[-3:])
            stacked = functional.interpolate(stacked, (height, width), mode="bilinear", antialias=True)
            frames = stacked.reshape(*frames.shape[:-2], height, width)
        left, top = self.offset
        return functional.pad(frames, (left, self.size - width - left, top, self.size - height - top), value=fill)

    def points(self, xy: torch.Tensor) -> torch.Tensor:
        """Carry points `(..., 2)` from the source into the square."""
        return xy * self._as(xy, self.scale) + self._as(xy, self.offset)

    def inverse_points(self, xy: torch.Tensor) -> torch.Tensor:
        """Carry points `(..., 2)` from the square back to the source."""
        return (xy - self._as(xy, self.offset)) / self._as(xy, self.scale)

    @staticmethod
    def _as(xy: torch.Tensor, pair: tuple[float, float]) -> torch.Tensor:
        return torch.tensor(pair, dtype=xy.dtype, device=xy.device)
