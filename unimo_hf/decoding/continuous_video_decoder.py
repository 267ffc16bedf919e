# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The decoder half of Cosmos' continuous video tokenizer CV8x8x8: what the diffusion made becomes pictures."""

import torch
from torch import Tensor, nn

from unimo_hf.model.modeling_video_fsq import Decoder, SpatialConv

from .configuration_diffusion_decoder import DiffusionDecoderConfig
from .sampling import SIGMA_DATA


class ContinuousVideoDecoder(nn.Module):
    """Undoes the normalisation of the latent, then decodes it with the blocks of `VideoFSQ`.

    The latent of the diffusion has the standard deviation 0.5. Mean and standard deviation of the tokenizer's latent
    differ by channel *and* by latent frame: the first stands for one frame of the video, the others for eight.

    Args:
        config ([`DiffusionDecoderConfig`]): Sizes.
    """

    def __init__(self, config: DiffusionDecoderConfig):
        super().__init__()
        self.post_quant_conv = SpatialConv(config.latent_channels, config.latent_channels, 1)
        self.decoder = Decoder(config.video_decoder)
        self.latents_mean, self.latents_std = config.latents_mean, config.latents_std

    def denormalize(self, latents: Tensor) -> Tensor:
        """Latent of the diffusion, `[B, C, T, H, W]`, to that of the tokenizer, in float32."""
        frames = latents.shape[2]
        mean, std = (
            torch.tensor(statistic, device=latents.device)[:, :frames, None, None]
            for statistic in (self.latents_mean, self.latents_std)
        )
        return latents.float() / SIGMA_DATA * std + mean

    def forward(self, latents: Tensor) -> Tensor:
        """Latent of the tokenizer `[B, C, T, H, W]` to video `[B, 3, 8T - 7, 8H, 8W]`, not clamped."""
        latents = latents.to(self.post_quant_conv.weight.dtype).contiguous(memory_format=torch.channels_last_3d)
        return self.decoder(self.post_quant_conv(latents))


__all__ = ["ContinuousVideoDecoder"]
