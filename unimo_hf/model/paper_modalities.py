# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The paper's two modalities, video and motion, and what version 0.1 saved in the place of a list of modalities."""

import math
from collections.abc import Mapping
from typing import Any

from .modalities import Modality, squarest_grid
from .number_ranges import SIZE, shown

SIZES = {"visual": 64000, "motion": 512}
SHORT_NAMES = {"visual": "v", "motion": "m"}  # in the names of their ids

# Fields of a configuration of version 0.1, with the paper's values.
FORMER_FIELDS: dict[str, Any] = {
    "visual_vocab_size": SIZES["visual"],
    "motion_vocab_size": SIZES["motion"],
    "latent_grid": [9, 32, 32],
    "codes_per_frame": 36,
    "temporal_compression": 8,
    "motion_grid": [6, 6],
}
_AXES = {"latent_grid": 3, "motion_grid": 2}


def paper_modalities(sizes: Mapping[str, int], grid: Any, compression: int, slots: Any) -> list[Modality]:
    """Video, `compression` frames a tick of `grid`, and motion, a tick of `slots` a frame."""
    places = {"visual": (grid, compression), "motion": (slots, 1)}
    return [Modality(name, sizes[name], *place) for name, place in places.items()]


def modalities_of_fields(former: Mapping[str, Any]) -> tuple[list[Modality], int]:
    """The modalities and the frames of a clip that the fields of a configuration of version 0.1 say.

    Raises:
        ValueError: If a field is no size, or two do not fit together; names it.
    """
    values = FORMER_FIELDS | dict(former)
    for name, value in values.items():
        if name not in _AXES:
            SIZE.check(f"`{name}`", value)
            continue
        SIZE.check_each(f"`{name}`", value)
        if len(value) != _AXES[name]:
            raise ValueError(f"`{name}` must hold {_AXES[name]} sizes, found {shown(value)}.")
    latent_frames, *grid = values["latent_grid"]
    codes, slots, compression = values["codes_per_frame"], values["motion_grid"], values["temporal_compression"]
    if math.prod(slots) != codes:
        raise ValueError(f"`motion_grid` {slots} must hold `codes_per_frame` ({codes}) slots.")
    sizes = {name: values[f"{name}_vocab_size"] for name in SIZES}
    return paper_modalities(sizes, grid, compression, slots), 1 + compression * (latent_frames - 1)


def modalities_of_pictures(
    sizes: Mapping[str, int],
    size: int,
    spatial_compression: int = 16,
    temporal_compression: int = 8,
    codes_per_frame: int = 36,
) -> list[Modality]:
    """The modalities that a processor of version 0.1 made of its fields; raises `ValueError` if they do not fit."""
    if size % spatial_compression:
        raise ValueError(f"`size` must be a multiple of {spatial_compression} pixels, found {size}.")
    side = size // spatial_compression
    return paper_modalities(sizes, (side, side), temporal_compression, squarest_grid(codes_per_frame))


def name_of_codes(name: str) -> str:
    """How the names of ids begin: `v` of `<v:17>`."""
    return SHORT_NAMES.get(name, name)
