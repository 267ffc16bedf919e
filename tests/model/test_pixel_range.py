# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Pixels to the range of networks and back: every byte stays, and what lies outside is cut."""

import pytest
import torch

from unimo_hf.model.pixel_range import to_model_range, to_pixels


@pytest.mark.parametrize("clips", [(), (1,), (2, 1)])
def test_every_byte_comes_back(clips):
    frames = torch.arange(256, dtype=torch.uint8).reshape(4, 8, 8, 1).expand(*clips, -1, -1, -1, 3)
    video = to_model_range(frames)
    assert video.shape == (*clips, 3, 4, 8, 8)
    assert (video.min(), video.max()) == (-1, 1)
    assert torch.equal(to_pixels(video), frames)


def test_what_lies_outside_is_cut_and_what_lies_between_rounded():
    video = torch.tensor([-3.0, -1 + 0.4 / 127.5, -1 + 0.6 / 127.5, 3.0], requires_grad=True).reshape(1, 4, 1, 1)
    assert to_pixels(video).flatten().tolist() == [0, 0, 1, 255]
