# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Configuration of `DiffusionDecoder`, the diffusion decoder with the structure of Cosmos' DV8x16x16 to CV8x8x8."""

from dataclasses import field
from typing import Any

from huggingface_hub.dataclasses import strict
from transformers import PreTrainedConfig

from unimo_hf.model.configuration_video_fsq import VideoFSQConfig
from unimo_hf.model.number_ranges import POSITIVE, SIZE, Range, check_fields
from unimo_hf.model.saved_fields import refuse_unknown_keys, take_former_fields

_RANGES = {
    "codebook_size": SIZE,
    "code_embedding_size": SIZE,
    "num_hidden_layers": SIZE,
    "num_attention_heads": SIZE,
    # Rotary positions split a head into time, height and width, each of two channels or more.
    "attention_head_dim": Range(16, 2**31 - 1, whole=True),
    "adaln_lora_dim": SIZE,
    "context_size": SIZE,
    "context_length": SIZE,
    "decoder_widths": SIZE,
}


@strict
class DiffusionDecoderConfig(PreTrainedConfig):
    r"""Sizes of a `DiffusionDecoder`.

    The defaults are those of `nvidia/Cosmos-1.0-Diffusion-7B-Decoder-DV8x16x16ToCV8x8x8` (7.24 billion parameters) and
    of the decoder of `nvidia/Cosmos-1.0-Tokenizer-CV8x8x8` (62.7 million).

    Args:
        codebook_size (`int`, *optional*, defaults to 64000):
            Number of visual codes.
        code_embedding_size (`int`, *optional*, defaults to 32):
            Channels that a visual code adds to the noisy latent.
        num_hidden_layers (`int`, *optional*, defaults to 28):
            Blocks of the transformer.
        num_attention_heads (`int`, *optional*, defaults to 32):
            Heads of its attention.
        attention_head_dim (`int`, *optional*, defaults to 128):
            Width of a head. The product of the two is the width of the transformer.
        adaln_lora_dim (`int`, *optional*, defaults to 256):
            Rank of the layers that turn the noise level into shift, scale and gate.
        context_size (`int`, *optional*, defaults to 1024):
            Channels of the text that the cross-attention sees.
        context_length (`int`, *optional*, defaults to 512):
            Tokens of that text.
        latents_mean (`list[list[float]]`, *optional*):
            Mean of the continuous latent, by channel and latent frame; default: 0 for 16 latent frames. As many latent
            frames as stand here is the most that a clip may have.
        latents_std (`list[list[float]]`, *optional*):
            Its standard deviation; default: 1.
        decoder_widths (`list[int]`, *optional*, defaults to `[256, 512, 512]`):
            Channels of each level of the convolutional decoder, the one next to the video first.

    Raises:
        ValueError: If a size is out of range.

    Example:
    ```python
    >>> config = DiffusionDecoderConfig(num_hidden_layers=2, num_attention_heads=2, attention_head_dim=32)
    >>> model = DiffusionDecoder(config)
    ```
    """

    model_type = "unimo_diffusion_decoder"
    latent_channels = VideoFSQConfig.z_channels
    mlp_ratio = 4.0  # width between the two layers of an MLP, over the width of the transformer
    decoder_num_res_blocks = 2  # one less than the residual blocks of a level (the encoder's number, as Cosmos counts)

    codebook_size: int = 64_000
    code_embedding_size: int = 32
    num_hidden_layers: int = 28
    num_attention_heads: int = 32
    attention_head_dim: int = 128
    adaln_lora_dim: int = 256
    context_size: int = 1024
    context_length: int = 512
    latents_mean: list[list[float]] = field(default_factory=list)
    latents_std: list[list[float]] = field(default_factory=list)
    decoder_widths: list[int] | tuple[int, ...] = (256, 512, 512)

    def __post_init__(self, **kwargs: Any) -> None:
        """Fills what follows from the other fields."""
        constants = ("latent_channels", "mlp_ratio", "decoder_num_res_blocks")
        take_former_fields(self, kwargs, {name: getattr(self, name) for name in constants})
        refuse_unknown_keys(self, kwargs)
        # JSON gives lists; lists everywhere make a reloaded configuration equal to the one that was saved.
        self.decoder_widths = list(self.decoder_widths)
        if not self.latents_mean:
            self.latents_mean = [[0.0] * 16] * self.latent_channels
        if not self.latents_std:
            self.latents_std = [[1.0] * self.statistics_frames] * self.latent_channels
        super().__post_init__(**kwargs)

    def validate_architecture(self) -> None:
        """Checks what the types of the fields cannot say.

        Raises:
            ValueError: if a size is out of range.
        """
        check_fields(self, _RANGES)
        if self.attention_head_dim % 2:
            raise ValueError(f"`attention_head_dim` is {self.attention_head_dim}; it must be even")
        for name in ("latents_mean", "latents_std"):
            shape = {len(channel) for channel in getattr(self, name)}
            if len(getattr(self, name)) != self.latent_channels or shape != {self.statistics_frames} or 0 in shape:
                raise ValueError(
                    f"`{name}` holds {len(getattr(self, name))} lists of {sorted(shape)} numbers; it must hold "
                    f"{self.latent_channels}, one a channel, all of one length, and that of `latents_mean`"
                )
        for mean, std in zip(self.latents_mean, self.latents_std, strict=True):
            Range().check_each("`latents_mean`", mean)
            POSITIVE.check_each("`latents_std`", std)

    @property
    def hidden_size(self) -> int:
        """Width of the transformer."""
        return self.num_attention_heads * self.attention_head_dim

    @property
    def statistics_frames(self) -> int:
        """Latent frames that the statistics of the continuous latent are known for."""
        return len(self.latents_mean[0])

    @property
    def video_decoder(self) -> VideoFSQConfig:
        """The convolutional decoder, CV8x8x8, which has the blocks of `VideoFSQ` and one spatial step less."""
        return VideoFSQConfig(
            channels=1,
            channel_multipliers=self.decoder_widths,
            num_res_blocks=self.decoder_num_res_blocks,
            spatial_compression=8,
            temporal_compression=8,
        )

    @property
    def spatial_compression(self) -> int:
        """Pixels along an edge for each position of the grid of visual codes, which is half as fine as the latent."""
        return 2 * self.video_decoder.spatial_compression

    @property
    def temporal_compression(self) -> int:
        """Frames for each latent frame after the first."""
        return self.video_decoder.temporal_compression


__all__ = ["DiffusionDecoderConfig"]
