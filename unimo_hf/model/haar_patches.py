# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The wavelet transform at both ends of the video tokenizer (source: NVIDIA Cosmos-Tokenizer, arXiv 2501.03575)."""

import torch
from torch import Tensor, nn


def repeat_first_frame(hidden: Tensor, times: int) -> Tensor:
    """Puts the first frame `times` times in front of the video: [B, C, T, H, W] -> [B, C, T + times, H, W]."""
    return torch.cat([hidden[:, :, :1]] * times + [hidden], dim=2)


class HaarPatches(nn.Module):
    """3-D Haar wavelets of cubes with edge p, [B, C, T, H, W] <-> [B, p^3 * C, (T - 1)/p + 1, H/p, W/p].

    Channels are ordered band by band, the coarser level of the transform first, and inside a band as they came. The
    first band is the mean of the cube. The first frame fills a cube by itself, as if it were repeated p times.

    Args:
        patch_size (`int`): Edge p of the cubes, a power of two.
        channels (`int`): Channels C of the video.
    """

    def __init__(self, patch_size: int, channels: int):
        super().__init__()
        self.patch_size, self.channels = patch_size, channels
        # [(channel, frame, row, column) inside the cube, (band, channel)]: one product does all channels
        self.wavelets = nn.Buffer(self.compute_wavelets(), persistent=False)

    def compute_wavelets(self) -> Tensor:
        """The matrix of all levels and channels at once."""
        step = torch.tensor([[1.0, 1.0], [1.0, -1.0]]) / 2
        bands = torch.ones(1, 1, 1, 1)  # [band, frame, row, column]
        for _ in range(self.patch_size.bit_length() - 1):
            # The next level works on the means of the one before: its band and its position are the outer digits.
            bands = torch.einsum("nijk,ax,by,cz->abcnxiyjzk", bands, step, step, step)
            size = 2 * bands.shape[5]
            bands = bands.reshape(-1, size, size, size)
        size = self.channels * self.patch_size**3
        return torch.einsum("ij,cd->cjid", bands.flatten(1), torch.eye(self.channels)).reshape(size, size)

    def forward(self, video: Tensor) -> Tensor:
        """Video to bands."""
        first, rest = video[:, :, :1], video[:, :, 1:]
        bands = self._to_cubes(first, 1) @ self._by_frame().sum(dim=1).flatten(0, 1)
        if rest.shape[2]:
            bands = torch.cat((bands, self._to_cubes(rest, self.patch_size) @ self.wavelets), dim=1)
        return bands.permute(0, 4, 1, 2, 3)

    def inverse(self, bands: Tensor) -> Tensor:
        """Bands to video; of the first cube, the last frame is the video's first."""
        bands = bands.permute(0, 2, 3, 4, 1)  # [B, t, h, w, (band, C)]
        scale = self.patch_size**3  # the rows of the transform are orthogonal, each as long as 1 / scale
        last = self._by_frame()[:, -1].flatten(0, 1)
        video = self._from_cubes(bands[:, :1] @ (last.T * scale), 1)
        if bands.shape[1] > 1:
            rest = self._from_cubes(bands[:, 1:] @ (self.wavelets.T * scale), self.patch_size)
            video = torch.cat((video, rest), dim=2)
        return video

    def _by_frame(self) -> Tensor:
        """The matrix as [C, p, p * p, bands], the frames of a cube on an axis of their own."""
        p = self.patch_size
        return self.wavelets.view(self.channels, p, p * p, -1)

    def _to_cubes(self, video: Tensor, depth: int) -> Tensor:
        """[B, C, T, H, W] to [B, T / depth, H / p, W / p, (C, depth, p, p)]."""
        p = self.patch_size
        cubes = video.unflatten(4, (-1, p)).unflatten(3, (-1, p)).unflatten(2, (-1, depth))
        return cubes.permute(0, 2, 4, 6, 1, 3, 5, 7).flatten(4)

    def _from_cubes(self, cubes: Tensor, depth: int) -> Tensor:
        """[B, t, h, w, (C, depth, p, p)] to [B, C, t * depth, h * p, w * p]."""
        p = self.patch_size
        cubes = cubes.unflatten(4, (self.channels, depth, p, p)).permute(0, 4, 1, 5, 2, 6, 3, 7)
        return cubes.flatten(6).flatten(4, 5).flatten(2, 3)


__all__ = ["HaarPatches", "repeat_first_frame"]
