# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Where a token stands: coordinates (t, h, w) of every code, rotary angles and absolute sin-cos vectors.

Pure functions of the modality of a token and of its index inside that modality; nothing is stored. Rotary embedding:
Cosmos' three-axis split (44/42/42 of 128 channels), theta 500,000, half-split rotation, built in float32. Absolute
embedding: fixed sin-cos of the three axes side by side, built in float64. Special tokens stand nowhere: zero angles
and a zero vector, which is Cosmos' rule for its own begin token.
"""

import math

import torch

from .modalities import Modality


def axis_split(dim: int) -> tuple[int, int, int]:
    """Split a channel count over time, height and width as Cosmos does: 128 → (44, 42, 42), 4096 → (1368, 1364, 1364).

    Raises:
        ValueError: If `dim` is odd or too small to give every axis two channels.
    """
    space = 2 * (dim // 6)
    if dim % 2 or space < 2:
        raise ValueError(f"The dimension of a position embedding must be even and at least 6, found {dim}.")
    return dim - 2 * space, space, space


def coordinates_of(index: torch.Tensor, modality: Modality, ticks_per_unit: float = 1) -> torch.Tensor:
    """Place codes in time and on the grid of a tick, in the order t, h, w: (tick, row, column).

    Args:
        index (`torch.LongTensor` of shape `(...)`): Index of the code in its clip.
        modality ([`Modality`]): Of the codes.
        ticks_per_unit (`float`, *optional*, defaults to 1):
            Ticks of a unit of t. With 8 the frames of motion stand on the clock of the visual codes: t is then
            fractional, and its ceiling is the latent frame that holds the frame.

    Returns:
        `torch.FloatTensor` of shape `(..., 3)`.
    """
    tick, place = index // modality.codes, index % modality.codes
    columns = modality.grid[1]
    coordinates = [tick / ticks_per_unit, place // columns, place % columns]
    return torch.stack([axis.float() for axis in coordinates], dim=-1)


def rotary_frequencies(
    head_dim: int, theta: float = 500_000.0, yarn: dict | None = None, device: torch.device | str | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the inverse frequencies of the time axis and of the two space axes.

    Args:
        head_dim (`int`): Channels of an attention head.
        theta (`float`, *optional*, defaults to 500000): Base of the frequencies.
        yarn (`dict`, *optional*):
            `factor`, `beta_fast`, `beta_slow` and `original_latent_grid` of a YaRN extension (Cosmos 12B and 13B).
            Both space axes use the second entry of the grid, as the original does.
        device (`torch.device`, *optional*): Where to build them.

    Returns:
        Two `torch.FloatTensor` of shapes `(d_t / 2,)` and `(d_h / 2,)`: radians per unit of the coordinate.
    """
    time_dim, space_dim, _ = axis_split(head_dim)
    frequencies = []
    for axis, dim in enumerate((time_dim, space_dim)):
        exponents = torch.arange(0, dim, 2, dtype=torch.float32, device=device) / dim
        frequency = 1.0 / (theta**exponents)
        if yarn is not None:
            length = yarn["original_latent_grid"][axis]
            low, high = 2 * math.pi * yarn["beta_slow"] / length, 2 * math.pi * yarn["beta_fast"] / length
            keep = ((frequency - low) / (high - low)).clamp(0, 1)
            frequency = frequency * ((1 - keep) / yarn["factor"] + keep)
        frequencies.append(frequency)
    return frequencies[0], frequencies[1]


def rotary_angles(
    coordinates: torch.Tensor, time_frequencies: torch.Tensor, space_frequencies: torch.Tensor
) -> torch.Tensor:
    """Turn coordinates into rotation angles.

    Args:
        coordinates (`torch.FloatTensor` of shape `(..., 3)`): t, h, w.
        time_frequencies (`torch.FloatTensor` of shape `(d_t / 2,)`): See [`rotary_frequencies`].
        space_frequencies (`torch.FloatTensor` of shape `(d_h / 2,)`): See [`rotary_frequencies`].

    Returns:
        `torch.FloatTensor` of shape `(..., head_dim / 2)`: Radians, in the order t, h, w.
    """
    time, height, width = coordinates.float().unbind(-1)
    return torch.cat(
        [
            time[..., None] * time_frequencies,
            height[..., None] * space_frequencies,
            width[..., None] * space_frequencies,
        ],
        dim=-1,
    )


def rotary_table(angles: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return cos and sin of the angles, repeated for both halves of a head: shape `(..., head_dim)` each."""
    angles = torch.cat([angles, angles], dim=-1)
    return angles.cos(), angles.sin()


def absolute_table(coordinates: torch.Tensor, dim: int, theta: float = 10_000.0) -> torch.Tensor:
    """Return the absolute embedding of every position: sin-cos of t, h and w side by side.

    For an axis of `d` channels and position `p` the vector is `[sin(p w), cos(p w)]`, `w_k = theta^(-k / (d / 2))`. It
    is built in float64 and rounded once (Cosmos' code; there the table is then kept in bfloat16).

    Args:
        coordinates (`torch.FloatTensor` of shape `(..., 3)`): t, h, w; fractions are allowed.
        dim (`int`): Width of the vectors.
        theta (`float`, *optional*, defaults to 10000): Base of the frequencies.

    Returns:
        `torch.FloatTensor` of shape `(..., dim)`: float32, root mean square 0.707.
    """
    # MPS has no float64; the table is small, so the processor builds it.
    place = torch.device("cpu") if coordinates.device.type == "mps" else coordinates.device
    axes = []
    for axis, axis_dim in enumerate(axis_split(dim)):
        exponents = torch.arange(axis_dim // 2, dtype=torch.float64, device=place) / (axis_dim / 2)
        angles = coordinates[..., axis, None].to(place, torch.float64) * (1.0 / theta**exponents)
        axes += [angles.sin(), angles.cos()]
    return torch.cat(axes, dim=-1).to(torch.float32).to(coordinates.device)
