# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Configuration of `VideoFSQ`, the discrete video tokenizer with the structure of Cosmos DV8x16x16."""

import math
from typing import Any

from huggingface_hub.dataclasses import strict
from transformers import PreTrainedConfig

from .modalities import Modality
from .number_ranges import SIZE, Range, check_fields
from .saved_fields import refuse_unknown_keys, take_former_fields

_RANGES = {
    "channels": SIZE,
    "channel_multipliers": SIZE,
    "num_res_blocks": SIZE,
    "levels": Range(2, 2**31 - 1, whole=True),
    "spatial_compression": SIZE,
    "temporal_compression": SIZE,
}


@strict
class VideoFSQConfig(PreTrainedConfig):
    r"""Sizes of a `VideoFSQ`.

    The defaults are those of `nvidia/Cosmos-1.0-Tokenizer-DV8x16x16` (110.9 million parameters, 64,000 codes).

    Args:
        channels (`int`, *optional*, defaults to 128):
            Width of the first convolution of the encoder; the unit of `channel_multipliers`.
        channel_multipliers (`list[int]`, *optional*, defaults to `[2, 4, 4]`):
            Width of each level of the encoder, in units of `channels`. The decoder has the same levels in reverse.
        num_res_blocks (`int`, *optional*, defaults to 2):
            Residual blocks of a level of the encoder. A level of the decoder has one more.
        levels (`list[int]`, *optional*, defaults to `[8, 8, 8, 5, 5, 5]`):
            Number of values that each latent channel is rounded to. Their product is the size of the codebook.
        spatial_compression (`int`, *optional*, defaults to 16):
            Pixels along an edge for each position of the latent grid, `patch_size` included. A power of two.
        temporal_compression (`int`, *optional*, defaults to 8):
            Frames for each latent frame after the first, `patch_size` included. A power of two.

    Raises:
        TypeError: If a key is unknown.
        ValueError: If a size is out of range or two sizes do not fit together.

    Example:
    ```python
    >>> from unimo_hf import VideoFSQ, VideoFSQConfig

    >>> config = VideoFSQConfig(channels=32, levels=[8, 8, 8, 8])
    >>> config.codebook_size
    4096
    >>> model = VideoFSQ(config)
    ```
    """

    model_type = "unimo_video_fsq"
    in_channels = 3  # of a frame, read and written
    patch_size = 4  # edge, in frames and pixels, of the cubes that the Haar transform turns into channels
    z_channels = 16  # between encoder or decoder and the convolution next to the quantiser

    channels: int = 128
    channel_multipliers: list[int] | tuple[int, ...] = (2, 4, 4)
    num_res_blocks: int = 2
    levels: list[int] | tuple[int, ...] = (8, 8, 8, 5, 5, 5)
    spatial_compression: int = 16
    temporal_compression: int = 8

    def __post_init__(self, **kwargs: Any) -> None:
        """Fills what follows from the other fields."""
        former = {name: getattr(self, name) for name in ("in_channels", "patch_size", "z_channels")}
        take_former_fields(self, kwargs, former | {"dropout": 0.0, "latent_channels": len(self.levels)})
        refuse_unknown_keys(self, kwargs)
        # JSON gives lists; lists everywhere make a reloaded configuration equal to the one that was saved.
        self.channel_multipliers, self.levels = list(self.channel_multipliers), list(self.levels)
        super().__post_init__(**kwargs)

    def validate_architecture(self) -> None:
        """Checks what the types of the fields cannot say.

        Raises:
            ValueError: if a size is out of range or two sizes do not fit together.
        """
        check_fields(self, _RANGES)
        SIZE.check("`codebook_size`, the product of `levels`,", self.codebook_size)
        for name in ("spatial_compression", "temporal_compression"):
            if getattr(self, name).bit_count() != 1:
                raise ValueError(f"`{name}` is {getattr(self, name)}; it must be a power of two")
        for name in ("spatial_compression", "temporal_compression"):
            most = self.patch_size * 2 ** (len(self.channel_multipliers) - 1)
            if not self.patch_size <= getattr(self, name) <= most:
                raise ValueError(
                    f"`{name}` is {getattr(self, name)}; a patch size of {self.patch_size} and "
                    f"{len(self.channel_multipliers)} levels allow {self.patch_size} to {most}"
                )

    @property
    def modality(self) -> Modality:
        """The codes of a latent frame; its grid follows the size of the pictures."""
        return Modality("visual", self.codebook_size, (1, 1), self.temporal_compression)

    @property
    def codebook_size(self) -> int:
        """Number of different visual codes: the product of `levels`."""
        return math.prod(self.levels)

    @property
    def num_spatial_steps(self) -> int:
        """How many levels halve height and width after the patches."""
        return (self.spatial_compression // self.patch_size).bit_length() - 1

    @property
    def num_temporal_steps(self) -> int:
        """How many levels halve time after the patches."""
        return (self.temporal_compression // self.patch_size).bit_length() - 1


__all__ = ["VideoFSQConfig"]
