# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Configuration of the motion tokenizer."""

import math
from typing import Any

from huggingface_hub.dataclasses import strict
from transformers import PreTrainedConfig

from .modalities import Modality, squarest_grid
from .motion_features import ROTATION_FORMATS, expert_channels
from .number_ranges import FPS, SHARE, SIZE, Range, check_fields
from .saved_fields import ANY, refuse_unknown_keys, take_former_fields

# Parts of a size of which there may be many: products and powers of them are taken.
_SOME = Range(1, 1000, whole=True)
_RANGES = {
    "factors": _SOME,
    "widths": SIZE,
    "depth": _SOME,
    "dilation_growth": _SOME,
    "codebook_size": SIZE,
    "codebook_dim": SIZE,
    "ordered_codes": SHARE,
    "fps": FPS,
}
# Fields of before: what the code does in their place.
_FORMER: dict[str, Any] = {
    "residual_kernels": [3, 3],
    "kernel_rule": "double",
    "io_convs": False,
    "codebook_update": "ema",
    "codebook_decay": 0.99,
    "restart_threshold": 1.0,
    "commitment_weight": ANY,  # a weight of training, which the codes of a trained network don't need
    "velocity_weight": 1.0,
    "acceleration_weight": 1.0,
}


@strict
class MotionVQVAEConfig(PreTrainedConfig):
    """Shape and rules of a [`MotionVQVAE`].

    The defaults are the reading of the paper's tokenizer that comes nearest to its size: 123.01 M parameters (paper:
    123.13 M).

    Args:
        rotation (`str`, *optional*, defaults to `"6d"`):
            How a rotation is written: `6d` (first two rows of the matrix, as PyTorch3D and GVHMR write them),
            `6d_columns` (first two columns), `matrix`, `axis_angle`, or `axis_angle_6d` (joints as axis-angle, the
            whole body as `6d`).
        factors (`list[int]`, *optional*, defaults to `[2, 2, 3, 3]`):
            How much each encoder block stretches time; the product is the number of codes a frame. Decoders mirror
            them.
        widths (`list[int]`, *optional*, defaults to `[512, 512, 512, 512]`):
            Channels of each encoder block; decoders mirror them.
        depth (`int`, *optional*, defaults to 3):
            Residual units a block.
        dilation_growth (`int`, *optional*, defaults to 3):
            Unit i of a block has dilation `dilation_growth ** i`, in the decoders in reverse order.
        codebook_size (`int`, *optional*, defaults to 512):
            Number of codes.
        codebook_dim (`int`, *optional*):
            Width of a code. Another width than the last of `widths` is reached by a projection. Default: that width.
        unit_codes (`bool`, *optional*, defaults to `False`):
            Whether latents and codes are vectors of length one (ViT-VQGAN, arXiv 2110.04627), so that the encoder
            can't run away from its codes when the losses behind them are strong. `False` is the paper's tokenizer.
        frame_encoder (`bool`, *optional*, defaults to `False`):
            Whether the encoder sees one frame at a time, so that the codes of a frame are a function of that frame and
            only the decoders join frames. `False` is the paper's tokenizer.
        experts (`bool`, *optional*, defaults to `True`):
            Four decoders (pose, shape, orientation, root) instead of one.
        ordered_codes (`float`, *optional*, defaults to 0.0):
            Share of training clips that keep only a random prefix of each frame's codes (nested dropout), which orders
            the codes by importance. 0 is the paper's tokenizer.
        fps (`float`, *optional*, defaults to 24.0):
            Frames per second of the motions it was trained on.
        coordinates (`str`, *optional*, defaults to `"camera"`):
            Frame of reference of the motions it was trained on: `camera` or `world`.
    """

    model_type = "unimo_motion_vqvae"

    rotation: str = "6d"
    factors: list[int] | tuple[int, ...] = (2, 2, 3, 3)
    widths: list[int] | tuple[int, ...] = (512, 512, 512, 512)
    depth: int = 3
    dilation_growth: int = 3
    codebook_size: int = 512
    codebook_dim: int | None = None
    unit_codes: bool = False
    frame_encoder: bool = False
    experts: bool = True
    ordered_codes: float = 0.0
    fps: float = 24.0
    coordinates: str = "camera"

    def __post_init__(self, **kwargs):
        take_former_fields(self, kwargs, _FORMER)
        refuse_unknown_keys(self, kwargs)
        if self.codebook_dim is None and self.widths:
            self.codebook_dim = self.widths[-1]
        super().__post_init__(**kwargs)

    def validate_architecture(self):
        """Checks across fields; each error names the field, what was found and what is allowed."""
        allowed = {
            "rotation": sorted(ROTATION_FORMATS),
            "coordinates": ["camera", "world"],
        }
        for field, values in allowed.items():
            if getattr(self, field) not in values:
                raise ValueError(f"{field} is {getattr(self, field)!r}; allowed are {values}.")
        check_fields(self, _RANGES)
        if len(self.factors) != len(self.widths):
            raise ValueError(
                f"`factors` has {len(self.factors)} numbers and `widths` {len(self.widths)}; they must be equally "
                "long lists."
            )
        SIZE.check("the product of `factors`", self.codes_per_frame)
        SIZE.check("the largest dilation, `dilation_growth` to the power of `depth` - 1,", self._largest_dilation)

    @property
    def modality(self) -> Modality:
        """The codes of a frame, in the squarest grid that holds them."""
        return Modality("motion", self.codebook_size, squarest_grid(self.codes_per_frame))

    @property
    def codes_per_frame(self) -> int:
        """Codes of one frame: the product of the factors."""
        return math.prod(self.factors)

    @property
    def _largest_dilation(self) -> int:
        return self.dilation_growth ** (self.depth - 1)

    @property
    def code_width(self) -> int:
        """Width of a code."""
        return self.codebook_dim or self.widths[-1]

    @property
    def motion_channels(self) -> int:
        """Channels of a frame."""
        return sum(expert_channels(self.rotation).values())


__all__ = ["MotionVQVAEConfig"]
