# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Cosmos' discrete video tokenizer by NVIDIA's names, written out in plain operations: what ours is held against."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from unimo_hf.model.haar_patches import HaarPatches


class CosmosTokenizer:
    """The networks around the quantiser, float32; tensors are `[batch, channels, frames, height, width]`.

    Args:
        weights (`Mapping[str, Tensor]`): By the names of `encoder.jit` and `decoder.jit`.
        patches ([`HaarPatches`]): The wavelets, which have no weights.

    Source: NVIDIA Cosmos-Tokenizer (arXiv 2501.03575).
    """

    def __init__(self, weights: Mapping[str, Tensor], patches: HaarPatches) -> None:
        self.weights, self.patches = weights, patches

    @torch.no_grad()
    def encode(self, video: Tensor) -> Tensor:
        """Video `[B, 3, T, H, W]` in [-1, 1] to the latent in front of the quantiser, `[B, 6, t, h, w]`."""
        hidden = self._factorized("encoder.conv_in", self.patches(video))
        for level in self._indices("encoder.down"):
            hidden = self._blocks(f"encoder.down.{level}", hidden)
            hidden = self._downsample(f"encoder.down.{level}.downsample", hidden)
        hidden = self._middle("encoder.mid", hidden)
        hidden = self._factorized("encoder.conv_out", F.silu(self._norm("encoder.norm_out.norm", hidden)))
        return self._conv("quant_conv", hidden)

    @torch.no_grad()
    def decode(self, quantized: Tensor) -> Tensor:
        """Rounded latent `[B, 6, t, h, w]` to video `[B, 3, T, H, W]`."""
        hidden = self._factorized("decoder.conv_in", self._conv("post_quant_conv", quantized))
        hidden = self._middle("decoder.mid", hidden)
        for level in reversed(self._indices("decoder.up")):
            hidden = self._blocks(f"decoder.up.{level}", hidden)
            hidden = self._upsample(f"decoder.up.{level}.upsample", hidden)
        hidden = F.silu(self._norm("decoder.norm_out.norm", hidden))
        return self.patches.inverse(self._factorized("decoder.conv_out", hidden))

    def _indices(self, name: str) -> list[int]:
        """Return the numbers that follow a name: levels, or blocks of a level."""
        return sorted({int(key[len(name) + 1 :].split(".")[0]) for key in self.weights if key.startswith(f"{name}.")})

    def _weight(self, name: str) -> Tensor:
        return self.weights[name].float()

    def _has(self, name: str) -> bool:
        return f"{name}.conv3d.weight" in self.weights

    def _conv(self, name: str, hidden: Tensor, **options: object) -> Tensor:
        return F.conv3d(hidden, self._weight(f"{name}.conv3d.weight"), self._weight(f"{name}.conv3d.bias"), **options)

    def _in_space(self, name: str, hidden: Tensor) -> Tensor:
        return self._conv(name, hidden, padding=(0, 1, 1))

    def _in_time(self, name: str, hidden: Tensor) -> Tensor:
        return self._conv(name, torch.cat([hidden[:, :, :1]] * 2 + [hidden], dim=2))

    def _factorized(self, name: str, hidden: Tensor) -> Tensor:
        return self._in_time(f"{name}.1", self._in_space(f"{name}.0", hidden))

    def _norm(self, name: str, hidden: Tensor) -> Tensor:
        """One group, each frame by itself."""
        weight, bias = self._weight(f"{name}.weight"), self._weight(f"{name}.bias")
        frames = [F.group_norm(frame, 1, weight, bias, 1e-6) for frame in hidden.unbind(2)]
        return torch.stack(frames, dim=2)

    def _blocks(self, name: str, hidden: Tensor) -> Tensor:
        for index in self._indices(f"{name}.block"):
            hidden = self._block(f"{name}.block.{index}", hidden)
        return hidden

    def _block(self, name: str, hidden: Tensor) -> Tensor:
        shortcut = f"{name}.nin_shortcut"
        residual = self._conv(shortcut, hidden) if self._has(shortcut) else hidden
        for part in ("1", "2"):
            hidden = F.silu(self._norm(f"{name}.norm{part}.norm", hidden))
            hidden = self._factorized(f"{name}.conv{part}", hidden)
        return residual + hidden

    def _middle(self, name: str, hidden: Tensor) -> Tensor:
        hidden = self._block(f"{name}.block_1", hidden)
        hidden = self._attention(f"{name}.attn_1.0", hidden, over_time=False)
        hidden = self._attention(f"{name}.attn_1.1", hidden, over_time=True)
        return self._block(f"{name}.block_2", hidden)

    def _attention(self, name: str, hidden: Tensor, over_time: bool) -> Tensor:
        normed = self._norm(f"{name}.norm.norm", hidden)
        query, key, value = (self._conv(f"{name}.{part}", normed) for part in "qkv")
        # Tokens are the frames of a pixel, or the pixels of a frame.
        form = "bcthw->bhwtc" if over_time else "bcthw->bthwc"
        tokens = [torch.einsum(form, each) for each in (query, key, value)]
        shape = tokens[0].shape
        tokens = [each if over_time else each.flatten(2, 3) for each in tokens]
        mixed = F.scaled_dot_product_attention(*tokens, is_causal=over_time).view(shape)
        mixed = torch.einsum("bhwtc->bcthw" if over_time else "bthwc->bcthw", mixed)
        return hidden + self._conv(f"{name}.proj_out", mixed)

    def _downsample(self, name: str, hidden: Tensor) -> Tensor:
        if self._has(f"{name}.conv1"):
            padded = F.pad(hidden, (0, 1, 0, 1))
            pooled = F.avg_pool3d(padded, (1, 2, 2), (1, 2, 2))
            hidden = self._conv(f"{name}.conv1", padded, stride=(1, 2, 2)) + pooled
        if self._has(f"{name}.conv2"):
            padded = torch.cat([hidden[:, :, :1], hidden], dim=2)
            pooled = F.avg_pool3d(padded, (2, 1, 1), (2, 1, 1))
            further = torch.cat([padded[:, :, :1], padded], dim=2)
            hidden = self._conv(f"{name}.conv2", further, stride=(2, 1, 1)) + pooled
        return self._conv(f"{name}.conv3", hidden) if self._has(f"{name}.conv3") else hidden

    def _upsample(self, name: str, hidden: Tensor) -> Tensor:
        if self._has(f"{name}.conv1"):
            hidden = hidden.repeat_interleave(2, dim=2)[:, :, 1:]
            hidden = hidden + self._in_time(f"{name}.conv1", hidden)
        if self._has(f"{name}.conv2"):
            hidden = F.interpolate(hidden, scale_factor=(1.0, 2.0, 2.0), mode="nearest")
            hidden = hidden + self._in_space(f"{name}.conv2", hidden)
        return self._conv(f"{name}.conv3", hidden) if self._has(f"{name}.conv3") else hidden
