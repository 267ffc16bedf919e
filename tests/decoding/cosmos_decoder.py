# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The diffusion decoder that the goldens were made with, under our names, and a random one of the same size."""

import sys
from pathlib import Path

import torch

from unimo_hf.decoding.configuration_diffusion_decoder import DiffusionDecoderConfig
from unimo_hf.decoding.modeling_diffusion_decoder import DiffusionDecoder

sys.path.insert(0, str(Path(__file__).parents[2] / "conversion"))  # scripts, which nothing installs

from convert_cosmos_diffusion_decoder import read_network, read_video_decoder, target_name

# Sizes of tests/goldens/cosmos/dd.json and cv.json.
SIZES = {
    "codebook_size": 512,
    "code_embedding_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "attention_head_dim": 32,
    "adaln_lora_dim": 16,
    "context_size": 24,
    "context_length": 6,
    "decoder_widths": [16, 32, 32],
}


def random_decoder() -> DiffusionDecoder:
    """A decoder in which every layer matters."""
    torch.manual_seed(0)
    statistics = {"latents_mean": torch.randn(16, 10).tolist(), "latents_std": (torch.rand(16, 10) + 0.5).tolist()}
    model = DiffusionDecoder(DiffusionDecoderConfig(**SIZES, **statistics)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
        model.text_context.normal_()
    return model


def golden_weights(goldens: Path) -> dict[str, torch.Tensor]:
    """All tensors of both files of weights but buffers, float32, under our names."""
    parts = {
        "network": read_network(goldens / "cosmos" / "dd_weights.safetensors"),
        "decoder": read_video_decoder(goldens / "cosmos" / "cv_decoder.safetensors"),
    }
    named = {f"{part}:{key}": tensor for part, tensors in parts.items() for key, tensor in tensors.items()}
    return {target_name(key): tensor.float() for key, tensor in named.items()}
