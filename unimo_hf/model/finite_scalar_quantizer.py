# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Finite scalar quantisation (arXiv 2309.15505): a code is a few rounded numbers, and no codebook is learned."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class FiniteScalarQuantizer(nn.Module):
    """Rounds each channel to one of `levels[channel]` values in [-1, 1]; the digits of all channels are the index."""

    def __init__(self, levels: Sequence[int]):
        super().__init__()
        self.levels = list(levels)
        self.level_sizes = nn.Buffer(torch.tensor(self.levels), persistent=False)
        self.basis = nn.Buffer(self.compute_basis(), persistent=False)

    def compute_basis(self) -> Tensor:
        """Place value of each channel's digit; the first channel counts fastest."""
        return torch.tensor([math.prod(self.levels[:i]) for i in range(len(self.levels))])

    def forward(self, pre_quant: Tensor) -> Tensor:
        """[B, C, t, h, w] -> rounded values in [-1, 1], float32, with a straight-through gradient."""
        levels = self.level_sizes.view(-1, 1, 1, 1)
        half = (levels - 1) * 1.001 / 2  # a little wide, so that finite inputs round to the outer values
        offset = (levels % 2 == 0) * 0.5
        bounded = torch.tanh(pre_quant.float() + torch.atanh(offset / half)) * half - offset
        rounded = bounded + (bounded.round() - bounded).detach()
        return rounded / (levels // 2)

    def codes_to_indices(self, quantized: Tensor) -> Tensor:
        """Rounded values [B, C, t, h, w] -> indices [B, t, h, w], int64."""
        half = (self.level_sizes // 2).view(-1, 1, 1, 1)
        digits = (quantized.float() * half).round().long() + half
        return (digits * self.basis.view(-1, 1, 1, 1)).sum(dim=1)

    def indices_to_codes(self, indices: Tensor) -> Tensor:
        """Indices [B, t, h, w] -> rounded values [B, C, t, h, w], float32."""
        digits = indices.long().unsqueeze(-1) // self.basis % self.level_sizes
        half = self.level_sizes // 2
        return ((digits - half) / half).movedim(-1, 1)
