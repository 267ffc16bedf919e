# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""How large the network of a configuration is at least, told by arithmetic before anything is made of it."""

import math
from collections.abc import Callable
from typing import Any

from transformers import PreTrainedConfig

from unimo_hf.decoding.configuration_diffusion_decoder import DiffusionDecoderConfig
from unimo_hf.memory import check_memory
from unimo_hf.model.configuration_motion_vqvae import MotionVQVAEConfig
from unimo_hf.model.configuration_unimo import UniMoConfig
from unimo_hf.model.configuration_video_fsq import VideoFSQConfig
from unimo_hf.model.number_ranges import shown

MOST_LAYERS = 1000  # of one network: making an empty one takes a second or two


def check_layers(config: PreTrainedConfig, where: str) -> None:
    """Raise `ValueError` if making the network, even without weights, would take long; `where` begins the message."""
    for names in _LAYERS[type(config)]:
        values = [getattr(config, name) for name in names]
        layers = math.prod(len(value) if isinstance(value, list | tuple) else value for value in values)
        if layers > MOST_LAYERS:
            fields = " and ".join(f"`{name}` is {shown(value)}" for name, value in zip(names, values, strict=True))
            raise ValueError(f"{where} {fields}, which makes {layers} layers; at most {MOST_LAYERS} are allowed.")


def check_weights_fit(config: PreTrainedConfig, bytes_each: float, where: str) -> None:
    """Raise `ValueError` if the weights of a network, each of so many bytes, are more than this machine's memory."""
    parameters = least_parameters(config)
    check_memory(parameters * bytes_each, f"{where} a network of at least {parameters:.3g} parameters")


def least_parameters(config: PreTrainedConfig) -> int:
    """At least so many numbers has a network: its large matrices and kernels, half of all or more."""
    return _PARAMETERS[type(config)](config)


def _unimo(config: UniMoConfig) -> int:
    width = config.hidden_size
    heads = 2 * (config.num_attention_heads + config.num_key_value_heads) * config.head_dim
    tables = 2 * sum(config.vocabulary.sizes.values())
    return width * (tables + config.num_hidden_layers * (heads + 3 * config.intermediate_size))


def _motion_vqvae(config: MotionVQVAEConfig) -> int:
    decoders = 4 if config.experts else 1
    kernels = decoders * sum(config.residual_kernels) + (2 if config.frame_encoder else sum(config.residual_kernels))
    units = config.depth * kernels * sum(width**2 for width in config.widths)
    # Of the encoder's convolutions that stretch time all but the first, of the decoders' that shrink it all.
    kinds = zip(config.factors, (config.widths[0], *config.widths[:-1]), config.widths, strict=True)
    sizes = [factor * before * width for factor, before, width in kinds]
    stretches = sum(sizes[1:]) + decoders * sum(sizes)
    return units + stretches + 2 * config.codebook_size * config.code_width


def _video_fsq(config: VideoFSQConfig) -> int:
    return 2 * _video_decoder(config, config.num_res_blocks)


def _video_decoder(config: VideoFSQConfig, blocks: int) -> int:
    # A block has two convolutions of 3 x 3 pixels and 3 frames; the first of a level may take in fewer channels.
    widths = [config.channels * multiplier for multiplier in config.channel_multipliers]
    return sum((24 * blocks - 9) * width**2 for width in widths) + 56 * widths[-1] ** 2


def _diffusion_decoder(config: DiffusionDecoderConfig) -> int:
    width = config.hidden_size
    attention = 6 * width + 2 * config.context_size
    layer = width * (attention + 2 * config.mlp_ratio * width + 12 * config.adaln_lora_dim)
    pictures = _video_decoder(config.video_decoder, config.decoder_num_res_blocks + 1)
    return int(config.num_hidden_layers * layer) + config.codebook_size * config.code_embedding_size + pictures


_PARAMETERS: dict[type, Callable[[Any], int]] = {
    UniMoConfig: _unimo,
    MotionVQVAEConfig: _motion_vqvae,
    VideoFSQConfig: _video_fsq,
    DiffusionDecoderConfig: _diffusion_decoder,
}
# Fields whose product, of lists their length, is a number of layers.
_LAYERS: dict[type, list[tuple[str, ...]]] = {
    UniMoConfig: [("num_hidden_layers",)],
    MotionVQVAEConfig: [("widths", "depth")],
    VideoFSQConfig: [("channel_multipliers", "num_res_blocks")],
    DiffusionDecoderConfig: [("num_hidden_layers",), ("decoder_widths", "decoder_num_res_blocks")],
}
