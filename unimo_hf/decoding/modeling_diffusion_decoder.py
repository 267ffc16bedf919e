# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The diffusion decoder: visual codes in, good pictures out, in 15 evaluations of a large network.

It replaces the decoder of the discrete tokenizer, whose latent keeps little detail, by a diffusion model that makes a
latent of the continuous tokenizer for the same clip, and that tokenizer's decoder.

Source: NVIDIA Cosmos, the diffusion decoder DV8x16x16 to CV8x8x8 (arXiv 2501.03575, section 5.2).
"""

import math

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers import initialization as init

from unimo_hf.model.haar_patches import HaarPatches
from unimo_hf.model.modeling_video_fsq import FrameNorm, SpatialConv, TemporalConv

from .configuration_diffusion_decoder import DiffusionDecoderConfig
from .continuous_video_decoder import ContinuousVideoDecoder
from .denoiser import MAX_LATENTS, VisualCodeDenoiser
from .sampling import OnStep, predict_in_windows, sample


class DiffusionDecoder(PreTrainedModel):
    """Visual codes to video by diffusion.

    Example:
    ```python
    >>> decoder = DiffusionDecoder.from_pretrained("checkpoint", subfolder="diffusion_decoder", dtype=torch.bfloat16)
    >>> visual_codes = torch.randint(64_000, (1, 9, 32, 32))
    >>> decoder.to("cuda").decode(visual_codes).shape
    torch.Size([1, 3, 65, 512, 512])
    ```
    """

    config: DiffusionDecoderConfig
    main_input_name = "visual_codes"
    base_model_prefix = "diffusion_decoder"
    _supports_sdpa = True
    _no_split_modules = ["CosmosTransformerBlock", "ResidualBlock"]

    def __init__(self, config: DiffusionDecoderConfig):
        super().__init__(config)
        self.denoiser = VisualCodeDenoiser(config)
        # The embedded text that every clip is decoded with ("high quality, 4k, high definition, smooth video").
        self.text_context = nn.Buffer(torch.zeros(config.context_length, config.context_size))
        self.video_decoder = ContinuousVideoDecoder(config)
        self.post_init()

    @torch.no_grad()
    def _init_weights(self, module: nn.Module):
        super()._init_weights(module)
        if isinstance(module, SpatialConv | TemporalConv):
            init.kaiming_uniform_(module.weight, a=math.sqrt(5))
            init.zeros_(module.bias)
        elif isinstance(module, FrameNorm):
            init.ones_(module.weight)
            init.zeros_(module.bias)
        elif isinstance(module, HaarPatches):
            init.copy_(module.wavelets, module.compute_wavelets())
        elif isinstance(module, DiffusionDecoder):
            init.zeros_(module.text_context)

    @torch.no_grad()
    def decode(
        self,
        visual_codes: Tensor,
        *,
        steps: int = 15,
        guidance: float = 2.0,
        windows: int = 1,
        batch_branches: bool = True,
        generator: torch.Generator | None = None,
        on_step: OnStep | None = None,
    ) -> Tensor:
        """Codes to video.

        Args:
            visual_codes (`torch.LongTensor` of shape `[B, t, h, w]`):
                Indices into the codebook of the discrete tokenizer.
            steps (`int`, *optional*, defaults to 15):
                How often the network is asked.
            guidance (`float`, *optional*, defaults to 2.0):
                As Cosmos counts: conditional + guidance * (conditional - unconditional). What is elsewhere called the
                scale of classifier-free guidance is 1 + guidance. 0 is none, and takes half the time.
            windows (`int`, *optional*, defaults to 1):
                1 decodes the clip in one pass; 2 in two windows of 8 latent frames (what Cosmos was trained on) that
                are blended at every step, for 9 to 14 latent frames.
            batch_branches (`bool`, *optional*, defaults to `True`):
                Whether the conditional and the unconditional evaluation run as one batch, or one after the other,
                which needs less memory.
            generator (`torch.Generator`, *optional*):
                Source of the noise at the start; the noise is drawn on its device.
            on_step (`Callable[[int, int], None]`, *optional*):
                Called as `on_step(done, total)` after each step.

        Returns:
            `torch.FloatTensor` of shape `[B, 3, T, H, W]` with `T = 8 * (t - 1) + 1`, `H = 16 * h` and `W = 16 * w`:
            RGB, nominally in [-1, 1], not clamped, in float32.

        Raises:
            ValueError: If the codes are none that the decoder can take, or an option is out of range.
        """
        self._check_codes(visual_codes)
        _check_options(steps, guidance, windows)
        visual_codes = visual_codes.to(self.text_context.device)

        def predict(latents: Tensor, c_noise: Tensor, frames: slice = slice(None)) -> Tensor:
            return self._predict(latents, c_noise, visual_codes[:, frames], guidance, batch_branches)

        def predict_whole(latents: Tensor, c_noise: Tensor) -> Tensor:
            return predict(latents, c_noise) if windows == 1 else predict_in_windows(predict, latents, c_noise)

        latents = sample(predict_whole, self._noise(visual_codes, generator), steps, on_step)
        return self.video_decoder(self.video_decoder.denormalize(latents)).float()

    def offload_to_cpu(self, device: torch.device | str) -> "DiffusionDecoder":
        """Compute on a device that can't hold the transformer: each of its blocks is brought there for its turn.

        The embedding of the codes and the convolutional decoder, which are small, stay on the device. Do not move the
        decoder afterwards.

        Args:
            device (`torch.device` or `str`): Where to compute.

        Returns:
            [`DiffusionDecoder`]: Itself.
        """
        device = torch.device(device)
        self.denoiser.transformer.to("cpu").enable_group_offload(
            onload_device=device,
            offload_type="block_level",
            num_blocks_per_group=1,
            use_stream=device.type == "cuda",  # the next block is copied while one computes
            low_cpu_mem_usage=True,
        )
        self.denoiser.token_embedder.to(device)
        self.video_decoder.to(device)
        self.text_context = self.text_context.to(device)
        return self

    def _predict(
        self, latents: Tensor, c_noise: Tensor, visual_codes: Tensor, guidance: float, batch_branches: bool
    ) -> Tensor:
        """The guided output, float32."""
        context = self.text_context.expand(len(latents), -1, -1)
        if guidance == 0:
            return self.denoiser(latents, c_noise, visual_codes, context).float()
        # Unconditional is text of zeros, and codes that are all number 0 (not an embedding of zeros).
        nothing = torch.zeros_like(visual_codes), torch.zeros_like(context)
        if batch_branches:
            codes, contexts = torch.cat((visual_codes, nothing[0])), torch.cat((context, nothing[1]))
            conditional, unconditional = self.denoiser(latents.repeat(2, 1, 1, 1, 1), c_noise, codes, contexts).chunk(
                2
            )
        else:
            conditional = self.denoiser(latents, c_noise, visual_codes, context)
            unconditional = self.denoiser(latents, c_noise, *nothing)
        return conditional.float() + guidance * (conditional.float() - unconditional.float())

    def _noise(self, visual_codes: Tensor, generator: torch.Generator | None) -> Tensor:
        """Unit noise of the shape of the latent."""
        batch_size, frames, height, width = visual_codes.shape
        shape = (batch_size, self.config.latent_channels, frames, 2 * height, 2 * width)
        device = visual_codes.device if generator is None else generator.device
        return torch.randn(shape, generator=generator, device=device).to(visual_codes.device)

    def _check_codes(self, visual_codes: Tensor) -> None:
        if visual_codes.is_floating_point() or visual_codes.dtype == torch.bool:
            raise ValueError(f"`visual_codes` is {visual_codes.dtype}; it must hold integers.")
        shape = tuple(visual_codes.shape)
        if len(shape) != 4 or 0 in shape:
            raise ValueError(f"`visual_codes` has shape {shape}; it must be [batch, latent_frames, height, width].")
        most = (self.config.statistics_frames, MAX_LATENTS[1] // 2, MAX_LATENTS[2] // 2)
        if any(found > limit for found, limit in zip(shape[1:], most, strict=True)):
            raise ValueError(
                f"`visual_codes` has {shape[1:]} latent frames, rows and columns; this decoder takes at most {most}."
            )
        least, largest = visual_codes.min().item(), visual_codes.max().item()
        if least < 0 or largest >= self.config.codebook_size:
            allowed = f"0 to {self.config.codebook_size - 1}"
            raise ValueError(f"`visual_codes` holds {least} to {largest}; allowed is {allowed}.")


def _check_options(steps: int, guidance: float, windows: int) -> None:
    if steps < 1:
        raise ValueError(f"`steps` is {steps}; it must be at least 1.")
    if not 0 <= guidance < math.inf:
        raise ValueError(f"`guidance` is {guidance}; it must be 0 or more.")
    if windows not in (1, 2):
        raise ValueError(f"`windows` is {windows}; it must be 1 or 2.")


__all__ = ["DiffusionDecoder"]
