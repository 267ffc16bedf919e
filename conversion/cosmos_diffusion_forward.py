# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""One evaluation of the diffusion decoder's network by both key layouts: NVIDIA's, written out, and ours.

Both read one block at a time and compute in float32, so that a network larger than memory can be compared.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unimo_hf.decoding.configuration_diffusion_decoder import DiffusionDecoderConfig
from unimo_hf.decoding.denoiser import VisualCodeDenoiser

GRID = (2, 4, 6)  # frames, height and width of the latent
SEED = 0


class Prompt(NamedTuple):
    """Latents [1, C, T, H, W], c_noise [], visual codes [1, T, H/2, W/2] and text [1, length, channels]."""

    latents: Tensor
    c_noise: Tensor
    visual_codes: Tensor
    context: Tensor


def seeded_prompt(config: DiffusionDecoderConfig) -> Prompt:
    """Return a prompt that is the same every time and moves along all three axes."""
    generator = torch.Generator().manual_seed(SEED)
    frames, height, width = GRID
    return Prompt(
        torch.randn(1, config.latent_channels, *GRID, generator=generator),
        torch.tensor(0.3),
        torch.randint(config.codebook_size, (1, frames, height // 2, width // 2), generator=generator),
        torch.randn(1, 4, config.context_size, generator=generator),
    )


@torch.no_grad()
def cosmos_output(
    weights: Mapping[str, Tensor], config: DiffusionDecoderConfig, prompt: Prompt, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Run Cosmos' network, written out, on its own names.

    Args:
        weights (`Mapping[str, Tensor]`): By NVIDIA's names without the prefix `net.`.
        config ([`DiffusionDecoderConfig`]): Sizes.
        prompt ([`Prompt`]): What to ask.
        dtype (`torch.dtype`, *optional*): Type that weights are rounded to first.

    Returns:
        `Tensor` of shape `[1, C, T, H, W]`, float32.

    Source: Cosmos-1.0-Diffusion-7B-Decoder-DV8x16x16ToCV8x8x8.
    """

    def linear(name: str, states: Tensor) -> Tensor:
        return F.linear(states, weights[f"{name}.weight"].to(dtype).float())

    def norm(name: str, states: Tensor) -> Tensor:
        return F.rms_norm(states, states.shape[-1:], weights[f"{name}.weight"].to(dtype).float(), 1e-6)

    def modulation(name: str) -> Tensor:
        return linear(f"{name}.2", linear(f"{name}.1", F.silu(level)))

    def modulated(states: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        return F.layer_norm(states, states.shape[-1:], eps=1e-6) * (1 + scale) + shift

    def attention(name: str, states: Tensor, context: Tensor, rotate: bool) -> Tensor:
        query, key, value = (
            linear(f"{name}.to_{part}.0", source).unflatten(-1, (-1, config.attention_head_dim)).transpose(0, 1)
            for part, source in (("q", states), ("k", context), ("v", context))
        )
        query, key = norm(f"{name}.to_q.1", query), norm(f"{name}.to_k.1", key)
        if rotate:
            query, key = (each * angles.cos() + _half_turned(each) * angles.sin() for each in (query, key))
        attended = F.scaled_dot_product_attention(query, key, value)
        return linear(f"{name}.to_out.0", attended.transpose(0, 1).flatten(1))

    angles = _angles(config.attention_head_dim)
    half = config.hidden_size // 2
    phases = prompt.c_noise * torch.exp(-math.log(10_000) * torch.arange(half) / half)
    sinusoid = torch.cat((phases.cos(), phases.sin()))
    lora = linear("t_embedder.1.linear_2", F.silu(linear("t_embedder.1.linear_1", sinusoid)))
    level = norm("affline_norm", sinusoid)

    codes = F.embedding(prompt.visual_codes[0], weights["token_embedder.weight"].to(dtype)).float()  # [T, h, w, E]
    states = linear("x_embedder.proj.1", _patches(prompt.latents[0], codes))
    for index in range(config.num_hidden_layers):
        for part in range(3):
            name = f"blocks.block{index}.blocks.{part}"
            shift, scale, gate = (modulation(f"{name}.adaLN_modulation") + lora).chunk(3)
            given = modulated(states, shift, scale)
            if part == 2:
                out = linear(f"{name}.block.layer2", F.gelu(linear(f"{name}.block.layer1", given)))
            else:
                out = attention(f"{name}.block.attn", given, (given, prompt.context[0])[part], rotate=part == 0)
            states = states + gate * out
    shift, scale = (modulation("final_layer.adaLN_modulation") + lora[: 2 * config.hidden_size]).chunk(2)
    return _pixels(linear("final_layer.linear", modulated(states, shift, scale)))[None]


@torch.no_grad()
def our_output(weights: Mapping[str, Tensor], config: DiffusionDecoderConfig, prompt: Prompt) -> Tensor:
    """Ask the same of [`VisualCodeDenoiser`], with weights by our names.

    Args:
        weights (`Mapping[str, Tensor]`): By the names of `model.safetensors`.
        config ([`DiffusionDecoderConfig`]): Of that checkpoint.
        prompt ([`Prompt`]): What to ask.

    Returns:
        `Tensor` of shape `[1, C, T, H, W]`, float32.
    """
    with torch.device("meta"):
        denoiser = VisualCodeDenoiser(config)

    def read_weights_of(name: str, module: nn.Module) -> None:
        """Let a module have its weights as long as it runs."""

        def before(module: nn.Module, arguments: Any) -> None:
            own = {key: weights[f"denoiser.{name}.{key}"].float() for key in module.state_dict()}
            module.load_state_dict(own, assign=True)

        def after(module: nn.Module, arguments: Any, output: Any) -> None:
            module.to("meta")

        module.register_forward_pre_hook(before)
        module.register_forward_hook(after)

    for name, module in denoiser.named_modules():
        parent, _, child = name.rpartition(".")
        if parent == "transformer.transformer_blocks" or (parent == "transformer" and child != "transformer_blocks"):
            read_weights_of(name, module)
    read_weights_of("token_embedder", denoiser.token_embedder)
    return denoiser(*prompt)


def _patches(latents: Tensor, codes: Tensor) -> Tensor:
    """Latents [C, T, H, W], codes [T, h, w, E] and a padding mask of zeros to patches [N, (C + E + 1) * 4]."""
    codes = F.interpolate(codes.movedim(-1, 1), scale_factor=2.0, mode="bilinear").transpose(0, 1)  # [E, T, H, W]
    pixels = torch.cat((latents, codes, torch.zeros(1, *GRID)))
    patches = pixels.unflatten(3, (-1, 2)).unflatten(2, (-1, 2)).permute(1, 2, 4, 0, 3, 5)  # [T, h, w, C, 2, 2]
    return patches.flatten(3).flatten(0, 2)


def _pixels(patches: Tensor) -> Tensor:
    """Patches [N, 4 * C], which have the channels last on the way out, to [C, T, H, W]."""
    frames, height, width = GRID
    patches = patches.view(frames, height // 2, width // 2, 2, 2, -1)
    return patches.permute(5, 0, 1, 3, 2, 4).flatten(4).flatten(2, 3)


def _angles(head_dim: int) -> Tensor:
    """Angles of the rotary positions of every patch, [N, head_dim]; both halves are the same."""
    space = head_dim // 6 * 2
    axes = []
    for length, ratio, dim in zip(
        (GRID[0], GRID[1] // 2, GRID[2] // 2), (1.0, 1.5, 1.5), (head_dim - 2 * space, space, space), strict=True
    ):
        theta = 10_000 * ratio ** (dim / (dim - 2))
        axes.append(torch.outer(torch.arange(length), theta ** (-torch.arange(0, dim, 2) / dim)))
    time, height, width = axes
    shape = (len(time), len(height), len(width), -1)
    parts = (time[:, None, None], height[None, :, None], width[None, None])
    half = torch.cat([part.expand(shape) for part in parts], dim=-1).flatten(0, 2)
    return torch.cat((half, half), dim=-1)


def _half_turned(states: Tensor) -> Tensor:
    first, second = states.chunk(2, dim=-1)
    return torch.cat((-second, first), dim=-1)
