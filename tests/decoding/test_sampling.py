# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import pytest
import torch

from unimo_hf.decoding.sampling import SIGMA_DATA, predict_in_windows, sample, two_windows


def perfect_network(clean):
    """What a network that knows the clean latent would say."""

    def predict(scaled, c_noise):
        sigma = torch.exp(4 * c_noise)
        norm = (sigma**2 + SIGMA_DATA**2).sqrt()
        noisy = scaled * norm
        return (clean - noisy * SIGMA_DATA**2 / norm**2) * norm / (sigma * SIGMA_DATA)

    return predict


def test_a_network_that_knows_the_latent_gives_it():
    clean, told = torch.randn(1, 2, 3, 4, 4), []
    found = sample(perfect_network(clean), torch.randn_like(clean), 5, lambda done, total: told.append((done, total)))
    torch.testing.assert_close(found, clean, atol=1e-4, rtol=1e-4)
    assert told == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]


def test_the_walk_is_in_float32_whatever_the_network_gives():
    found = sample(lambda scaled, c_noise: scaled.bfloat16(), torch.randn(1, 2, 3, 4, 4).bfloat16(), 3)
    assert found.dtype == torch.float32


def test_the_second_window_fades_in():
    start, weight = two_windows(9)
    assert start == 1
    torch.testing.assert_close(weight, torch.tensor([0, 0, 1, 2, 3, 4, 5, 6, 7]) / 7)
    start, weight = two_windows(14)
    assert start == 6
    assert weight.tolist() == [0] * 7 + [0.5] + [1] * 6


@pytest.mark.parametrize("frames", [1, 8, 15])
def test_clips_that_two_windows_do_not_fit(frames):
    with pytest.raises(ValueError, match=f"{frames} latent frames; two windows are for 9 to 14"):
        two_windows(frames)


@pytest.mark.parametrize("frames", [9, 11, 14])
def test_windows_see_8_frames_each_and_change_nothing_that_is_equal_in_both(frames):
    seen = []

    def predict(latents, c_noise, window):
        seen.append((latents.shape[2], range(frames)[window]))
        return 3 * latents + c_noise

    latents = torch.randn(2, 4, frames, 2, 2)
    found = predict_in_windows(predict, latents, torch.tensor(0.5))
    torch.testing.assert_close(found, 3 * latents + 0.5)
    assert seen == [(8, range(8)), (8, range(frames - 8, frames))]
