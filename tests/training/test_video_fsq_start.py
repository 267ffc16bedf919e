# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The fitted start of the video tokenizer: colours pass before anything was learned."""

import pytest
import torch

from unimo_hf import VideoFSQ, VideoFSQConfig
from unimo_hf.training.tiny.video_fsq_start import SPREAD, fit_start


@pytest.fixture(scope="module")
def video():
    """Clips of coloured patches that change from clip to clip and, a little, with time."""
    generator = torch.Generator().manual_seed(0)
    patches = torch.rand(24, 3, 1, 3, 3, generator=generator) * 1.6 - 0.8
    video = patches.repeat_interleave(16, dim=3).repeat_interleave(16, dim=4).expand(-1, -1, 9, -1, -1)
    return video + 0.1 * torch.linspace(-1, 1, 9).view(1, 1, 9, 1, 1)


@pytest.fixture(scope="module")
def models(video):
    torch.manual_seed(0)
    new = VideoFSQ(
        VideoFSQConfig(channels=16, channel_multipliers=[1, 2, 2], num_res_blocks=1, levels=[8, 8, 8, 5, 5])
    )
    fitted = VideoFSQ(new.config)
    fitted.load_state_dict(new.state_dict())
    fit_start(fitted, video[:16])
    return new.eval(), fitted.eval()


@torch.no_grad()
def test_a_fitted_start_shows_colours_that_a_new_network_does_not(models, video):
    held_out = video[16:]
    new, fitted = ((model(held_out).reconstruction - held_out).square().mean() for model in models)
    best_constant = (held_out - held_out.mean(dim=(0, 2, 3, 4), keepdim=True)).square().mean()
    assert new > 0.95 * best_constant
    assert fitted < 0.8 * best_constant


@torch.no_grad()
def test_the_codes_are_spread(models, video):
    new, fitted = models
    # Patches of one colour have three components; the others are rounding, which differs from processor to processor.
    deviation = fitted.encode_features(video)[0].std(dim=(0, 2, 3, 4))[:3]
    # Held-out colours among them, and not every component can be predicted: near what was asked for, not equal.
    assert deviation.min() > 0.5 * SPREAD
    assert deviation.max() < 1.5 * SPREAD
    assert fitted.encode(video).unique().numel() > new.encode(video).unique().numel()


def test_the_start_depends_on_nothing_random(models, video):
    new, fitted = models
    again = VideoFSQ(new.config)
    again.load_state_dict(new.state_dict())
    fit_start(again, video[:16])
    assert all(torch.equal(value, fitted.state_dict()[key]) for key, value in again.state_dict().items())
