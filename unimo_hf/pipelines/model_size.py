# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""How large the network of a configuration is, told without making a single weight."""

import math

import torch
from transformers import PreTrainedConfig, PreTrainedModel

from unimo_hf.decoding.configuration_diffusion_decoder import DiffusionDecoderConfig
from unimo_hf.memory import check_memory
from unimo_hf.model.configuration_motion_vqvae import MotionVQVAEConfig
from unimo_hf.model.configuration_unimo import UniMoConfig
from unimo_hf.model.configuration_video_fsq import VideoFSQConfig
from unimo_hf.model.number_ranges import shown

MOST_LAYERS = 1000  # of one network: making an empty one takes a second or two
# Fields whose product, of lists their length, is a number of layers.
_LAYERS: dict[type, list[tuple[str, ...]]] = {
    UniMoConfig: [("num_hidden_layers",)],
    MotionVQVAEConfig: [("widths", "depth")],
    VideoFSQConfig: [("channel_multipliers", "num_res_blocks")],
    DiffusionDecoderConfig: [("num_hidden_layers",), ("decoder_widths",)],
}


def count_parameters(network: type[PreTrainedModel], config: PreTrainedConfig, where: str) -> int:
    """Count the parameters and stored buffers of a network that is not made.

    Args:
        network (`type`): Class of the network.
        config (`PreTrainedConfig`): Its configuration.
        where (`str`): Begins the message.

    Raises:
        ValueError: If even counting them would take long, or they are more than can be counted.
    """
    for names in _LAYERS[type(config)]:
        values = [getattr(config, name) for name in names]
        layers = math.prod(len(value) if isinstance(value, list | tuple) else value for value in values)
        if layers > MOST_LAYERS:
            fields = " and ".join(f"`{name}` is {shown(value)}" for name, value in zip(names, values, strict=True))
            raise ValueError(f"{where} {fields}, which makes {layers} layers; at most {MOST_LAYERS} are allowed.")
    try:
        with torch.device("meta"):  # shapes without numbers
            return sum(weight.numel() for weight in network(config).state_dict().values())
    except RuntimeError as error:  # torch counts bytes in 64 bits
        raise ValueError(f"{where} a network of more than 2^63 bytes; no machine has them.") from error


def check_weights_fit(parameters: int, bytes_each: float, where: str) -> None:
    """Raise `ValueError` if the weights of a network, each of so many bytes, are more than this machine's memory."""
    check_memory(parameters * bytes_each, f"{where} a network of {parameters:.3g} parameters")
