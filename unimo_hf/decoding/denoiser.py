# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The network that the diffusion decoder asks at every step: diffusers' Cosmos transformer, told the visual codes.

Source: NVIDIA Cosmos, the diffusion decoder DV8x16x16 to CV8x8x8 (arXiv 2501.03575, section 5.2).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .configuration_diffusion_decoder import DiffusionDecoderConfig
from .diffusers_classes import import_diffusers

# The largest grid of latents that the rotary positions were made for: frames, height, width.
MAX_LATENTS = (128, 240, 240)
FPS = 24  # what Cosmos says to the network whatever the video's own rate is


class VisualCodeDenoiser(nn.Module):
    """A Cosmos transformer whose input is the noisy latent, the embedded visual codes and a padding mask.

    Every visual code becomes `code_embedding_size` channels, which are enlarged to the grid of the latent, twice as
    fine in height and width.

    Args:
        config ([`DiffusionDecoderConfig`]): Sizes.

    Raises:
        ModuleNotFoundError: If diffusers is not installed.
    """

    def __init__(self, config: DiffusionDecoderConfig):
        super().__init__()
        self.transformer = import_diffusers().CosmosTransformer3DModel(
            # The padding mask is one of the channels here: diffusers would resize it with torchvision.
            in_channels=config.latent_channels + config.code_embedding_size + 1,
            concat_padding_mask=False,
            out_channels=config.latent_channels,
            num_layers=config.num_hidden_layers,
            num_attention_heads=config.num_attention_heads,
            attention_head_dim=config.attention_head_dim,
            mlp_ratio=config.mlp_ratio,
            adaln_lora_dim=config.adaln_lora_dim,
            text_embed_dim=config.context_size,
            max_size=MAX_LATENTS,
            patch_size=(1, 2, 2),
            rope_scale=(1.0, 1.5, 1.5),
            extra_pos_embed_type=None,
        )
        for block in self.transformer.transformer_blocks:
            for attention in (block.attn1, block.attn2):
                attention.norm_q.eps = attention.norm_k.eps = 1e-6  # diffusers has 1e-5, the original 1e-6
        self.token_embedder = nn.Embedding(config.codebook_size, config.code_embedding_size)

    def forward(
        self,
        latents: Tensor,
        c_noise: Tensor,
        visual_codes: Tensor,
        context: Tensor,
        padding_mask: Tensor | None = None,
        fps: float = FPS,
    ) -> Tensor:
        """One evaluation of the network.

        Args:
            latents (`torch.FloatTensor` of shape `[B, C, T, H, W]`):
                The noisy latent times c_in; H and W even.
            c_noise (`torch.FloatTensor` of shape `[]`):
                A quarter of the logarithm of sigma.
            visual_codes (`torch.LongTensor` of shape `[B, T, H / 2, W / 2]`):
                Indices into the codebook.
            context (`torch.FloatTensor` of shape `[B, context_length, context_size]`):
                The embedded text.
            padding_mask (`torch.FloatTensor` of shape `[1, 1, height, width]`, *optional*):
                1 where the picture is padding, at any resolution. Cosmos decodes without.
            fps (`float`, *optional*, defaults to 24):
                Frames per second; 24 makes the position in time the index of the latent frame.

        Returns:
            `torch.FloatTensor` of shape `[B, C, T, H, W]`: the raw output, in the type of the weights.
        """
        dtype, size = self.token_embedder.weight.dtype, latents.shape[3:]
        embedded = self.token_embedder(visual_codes).movedim(-1, 2).flatten(0, 1)  # [B*T, E, H/2, W/2]
        enlarged = F.interpolate(embedded, size=size, mode="bilinear", align_corners=False)
        enlarged = enlarged.unflatten(0, visual_codes.shape[:2]).transpose(1, 2)  # [B, E, T, H, W]
        if padding_mask is None:
            mask = enlarged.new_zeros(1)
        else:
            mask = F.interpolate(padding_mask.to(dtype), size=size, mode="nearest").unsqueeze(2)
        mask = mask.expand(len(latents), 1, *latents.shape[2:])
        return self.transformer(
            torch.cat((latents.to(dtype), enlarged, mask), dim=1),
            timestep=c_noise.float().expand(len(latents)),
            encoder_hidden_states=context.to(dtype),
            fps=fps,
            return_dict=False,
        )[0]


__all__ = ["FPS", "MAX_LATENTS", "VisualCodeDenoiser"]
