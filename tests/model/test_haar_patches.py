# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import pytest
import torch
from torch import nn

from unimo_hf.model.haar_patches import HaarPatches


@pytest.mark.parametrize("patch_size", [1, 2, 4])
@torch.no_grad()
def test_patches_come_back_and_the_first_band_is_the_mean(patch_size):
    patches = HaarPatches(patch_size, 3)
    patches.wavelets.copy_(patches.compute_wavelets())
    video = torch.randn(2, 3, 2 * patch_size + 1, 2 * patch_size, 3 * patch_size)
    bands = patches(video)
    assert bands.shape == (2, 3 * patch_size**3, 3, 2, 3)
    torch.testing.assert_close(patches.inverse(bands), video, atol=1e-5, rtol=1e-5)
    means = nn.functional.avg_pool3d(video[:, :, 1:], patch_size)
    torch.testing.assert_close(bands[:, :3, 1:], means, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_a_picture_is_a_video_of_one_frame():
    patches = HaarPatches(4, 3)
    patches.wavelets.copy_(patches.compute_wavelets())
    video = torch.randn(2, 3, 5, 8, 8)
    torch.testing.assert_close(patches(video[:, :, :1]), patches(video)[:, :, :1])
    torch.testing.assert_close(patches.inverse(patches(video[:, :, :1])), video[:, :, :1])
