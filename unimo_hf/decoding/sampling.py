# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""How noise becomes a latent: EDM's Euler steps, and two windows for a long clip.

Sources: Karras et al. (arXiv 2206.00364) for the steps; NVIDIA Cosmos for the constants; MultiDiffusion (arXiv
2302.08113) for windows that agree at every step.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from .diffusers_classes import import_diffusers

# Noise at the start and in front of the last step, and the standard deviation of the data, as the decoder was trained.
SIGMA_MAX, SIGMA_MIN, SIGMA_DATA = 80.0, 0.02, 0.5
# Latent frames of a clip of Cosmos' training (57 frames).
WINDOW = 8
# Latent frames that two windows share at least, as in the original.
OVERLAP = 2

Predict = Callable[[Tensor, Tensor], Tensor]
OnStep = Callable[[int, int], None]


def sample(predict: Predict, noise: Tensor, steps: int, on_step: OnStep | None = None) -> Tensor:
    """Walk from noise to a latent by EDM's deterministic Euler steps.

    Args:
        predict (`Callable[[Tensor, Tensor], Tensor]`):
            The network: takes the noisy latent times c_in and c_noise, gives its raw output.
        noise (`torch.FloatTensor`):
            Unit noise. The walk is done in float32, whatever the network computes in.
        steps (`int`):
            How often the network is asked.
        on_step (`Callable[[int, int], None]`, *optional*):
            Called as `on_step(done, total)` after each step.

    Returns:
        `torch.FloatTensor` of the shape of `noise`: the latent, with the standard deviation 0.5 of the data.
    """
    scheduler = import_diffusers().EDMEulerScheduler(
        sigma_min=SIGMA_MIN, sigma_max=SIGMA_MAX, sigma_data=SIGMA_DATA, prediction_type="epsilon"
    )
    scheduler.set_timesteps(steps, device=noise.device)
    latents = noise.float() * scheduler.init_noise_sigma
    for done, c_noise in enumerate(scheduler.timesteps, start=1):
        output = predict(scheduler.scale_model_input(latents, c_noise), c_noise)
        latents = scheduler.step(output.float(), c_noise, latents).prev_sample
        if on_step is not None:
            on_step(done, steps)
    return latents


def two_windows(frames: int) -> tuple[int, Tensor]:
    """Where the second of two windows of 8 latent frames begins, and how much it counts.

    Both windows are full: the second ends with the clip. It fades in over what they share, from 0 at its own first
    frame, which the network takes for the first of a clip.

    Args:
        frames (`int`): Latent frames of the clip, more than a window has.

    Returns:
        `tuple[int, torch.FloatTensor]`: the latent frame at which the second window begins, and the weight of the
        second window for each latent frame of the clip.

    Raises:
        ValueError: If two windows can't cover the clip and share two latent frames.
    """
    most = 2 * WINDOW - OVERLAP
    if not WINDOW < frames <= most:
        raise ValueError(f"The clip has {frames} latent frames; two windows are for {WINDOW + 1} to {most}.")
    start = frames - WINDOW
    return start, ((torch.arange(frames) - start) / (WINDOW - start)).clamp(0, 1)


def predict_in_windows(predict: Callable[[Tensor, Tensor, slice], Tensor], latents: Tensor, c_noise: Tensor) -> Tensor:
    """Ask the network for both windows of a clip and blend what it says.

    As this happens at every step and the step is linear in the output, the windows walk together and agree.

    Args:
        predict (`Callable[[Tensor, Tensor, slice], Tensor]`):
            The network: as in `sample`, and which latent frames these are.
        latents (`torch.FloatTensor` of shape `[B, C, T, H, W]`):
            The noisy latent times c_in, of a whole clip.
        c_noise (`torch.FloatTensor` of shape `[]`):
            As in `sample`.

    Returns:
        `torch.FloatTensor` of shape `[B, C, T, H, W]`: the raw output.
    """
    start, weight = two_windows(latents.shape[2])
    weight = weight.to(latents).view(-1, 1, 1)
    first, second = slice(0, WINDOW), slice(start, None)
    blended = torch.zeros_like(latents)
    blended[:, :, first] += (1 - weight[first]) * predict(latents[:, :, first], c_noise, first)
    blended[:, :, second] += weight[second] * predict(latents[:, :, second], c_noise, second)
    return blended


__all__ = ["SIGMA_DATA", "WINDOW", "predict_in_windows", "sample", "two_windows"]
