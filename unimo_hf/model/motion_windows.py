# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Motion of any length through the motion tokenizer in windows: bounded memory, and the numbers of a single pass.

All layers are convolutions, so a frame depends on its neighbours only: each window brings along as many of them on
either side as its own frames can see, and their results are thrown away. The first frame of a window, which the
tokenizer takes for the first of a clip (a position and not a step), is among those.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from .configuration_motion_vqvae import MotionVQVAEConfig
from .modeling_motion_vqvae import KERNELS, MotionVQVAE, kernel_and_padding

WINDOW = 1024  # frames


@torch.no_grad()
def encode_in_windows(model: MotionVQVAE, motion: Tensor, window: int = WINDOW) -> Tensor:
    """As [`MotionVQVAE.encode`], in windows.

    Args:
        model ([`MotionVQVAE`]): The tokenizer.
        motion (`torch.FloatTensor` of shape `(batch, frames, channels)`): Any number of frames.
        window (`int`, *optional*, defaults to 1024): New frames of a window.

    Returns:
        `torch.LongTensor` of shape `(batch, frames, codes_per_frame)`.

    Raises:
        ValueError: If `window` is below 1, or as [`MotionVQVAE.encode`].
    """
    return _in_windows(model.encode, motion, window, encoder_reach(model.config))


@torch.no_grad()
def decode_in_windows(model: MotionVQVAE, motion_codes: Tensor, window: int = WINDOW) -> Tensor:
    """As [`MotionVQVAE.decode`], in windows.

    Args:
        model ([`MotionVQVAE`]): The tokenizer.
        motion_codes (`torch.LongTensor` of shape `(batch, frames, codes_per_frame)`): Any number of frames.
        window (`int`, *optional*, defaults to 1024): New frames of a window.

    Returns:
        `torch.FloatTensor` of shape `(batch, frames, channels)`.

    Raises:
        ValueError: If `window` is below 1, or as [`MotionVQVAE.decode`].
    """
    return _in_windows(model.decode, motion_codes, window, decoder_reach(model.config))


def encoder_reach(config: MotionVQVAEConfig) -> int:
    """Frames on either side that the codes of a frame can depend on."""
    if config.frame_encoder:
        return 0
    reach, rate = 0.0, 1  # in frames; steps a frame
    for factor in config.factors:
        kernel, padding = kernel_and_padding(factor)
        reach += max(padding, kernel - 1 - padding) / factor / rate
        rate *= factor
        reach += _stack_reach(config) / rate
    return math.ceil(reach + 1 / rate)


def decoder_reach(config: MotionVQVAEConfig) -> int:
    """Frames on either side that a decoded frame can depend on."""
    rate = config.codes_per_frame
    reach = 1 / rate
    for factor in reversed(config.factors):
        kernel, padding = kernel_and_padding(factor)
        reach += max(padding, kernel - 1 - padding) / rate
        rate //= factor
        reach += _stack_reach(config) / rate
    return math.ceil(reach) + 1


def _stack_reach(config: MotionVQVAEConfig) -> int:
    """Steps on either side that a residual stack sees."""
    first, second = (kernel // 2 for kernel in KERNELS)
    return sum(first * config.dilation_growth**unit + second for unit in range(config.depth))


def _in_windows(work: Callable[[Tensor], Tensor], frames: Tensor, window: int, reach: int) -> Tensor:
    if window < 1:
        raise ValueError(f"window is {window}; it must be at least 1 frame.")
    length = frames.shape[1] if frames.ndim > 1 else 0
    if length <= window:
        return work(frames)
    margin = reach + 1  # the first frame of a window is read as the first of a clip
    parts = []
    for start in range(0, length, window):
        begin, end = max(start - margin, 0), min(start + window + margin, length)
        parts.append(work(frames[:, begin:end])[:, start - begin : start - begin + window])
    return torch.cat(parts, dim=1)
