# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""A discrete video tokenizer: the causal factorised autoencoder and finite scalar quantiser of Cosmos DV8x16x16.

Every tensor of the network is `[batch, channels, frames, height, width]` and lies channels-last in memory
(`torch.channels_last_3d`). In that layout frames fold into the batch, and pixels into one axis, without a copy, so
that each 3-D convolution of the original runs as one 2-D convolution, which is several times as fast on a CPU.
Parameter names are those of the published checkpoint without `.conv3d` and without the `.norm` that ends the name of
a norm.

A new model is a chain of turned copies, its residual branches and its output zero, which learns several times as fast.

Sources: NVIDIA Cosmos-Tokenizer (arXiv 2501.03575); FSQ (arXiv 2309.15505).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers import initialization as init
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.utils import ModelOutput, can_return_tuple

from .configuration_video_fsq import VideoFSQConfig
from .finite_scalar_quantizer import FiniteScalarQuantizer
from .haar_patches import HaarPatches, repeat_first_frame
from .modalities import Modality, ModalityTokenizer
from .pixel_range import to_model_range

DETAIL_GAIN = 4.0  # a new encoder sees the details of pictures, which are small, a little better


@dataclass
class VideoFSQOutput(ModelOutput):
    """What `VideoFSQ` returns. `b t h w` is the latent grid.

    Args:
        loss (`torch.FloatTensor` of shape `()`, *optional*):
            Mean absolute difference of reconstruction and video.
        reconstruction (`torch.FloatTensor` of shape `[B, 3, T, H, W]`):
            The decoded video, nominally in [-1, 1], not clamped.
        visual_codes (`torch.LongTensor` of shape `[B, t, h, w]`):
            Indices into the codebook.
        quantized (`torch.FloatTensor` of shape `[B, latent_channels, t, h, w]`):
            The rounded latent, in [-1, 1], with the gradient of the latent that was rounded.
        pre_quant (`torch.FloatTensor` of shape `[B, latent_channels, t, h, w]`):
            The unbounded latent in front of the quantiser.
    """

    loss: torch.FloatTensor | None = None
    reconstruction: torch.FloatTensor | None = None
    visual_codes: torch.LongTensor | None = None
    quantized: torch.FloatTensor | None = None
    pre_quant: torch.FloatTensor | None = None


def fold_frames(hidden: Tensor) -> Tensor:
    """[B, C, T, H, W] -> [B*T, C, H, W], a view."""
    return hidden.transpose(1, 2).flatten(0, 1)


def unfold_frames(hidden: Tensor, batch_size: int) -> Tensor:
    """[B*T, C, H, W] -> [B, C, T, H, W], a view."""
    return hidden.unflatten(0, (batch_size, -1)).transpose(1, 2)


def own_weight(weight: Tensor) -> Tensor:
    """What a pixel of a frame brings to itself, [out, in], of a weight [out, in, t, h, w] that is causal in time."""
    return weight[:, :, -1, weight.shape[3] // 2, weight.shape[4] // 2]


class SpatialConv(nn.Module):
    """Convolution over height and width of each frame; the weight is that of a Conv3d, [out, in, 1, k, k]."""

    start = "random"  # or "zero", or "orthogonal": the pixel itself, turned
    details_from: int | None = None  # the first input that is a detail of a picture, and so small

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1, padded: bool = True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, 1, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.empty(out_channels))
        self.stride = stride
        self.padding = kernel_size // 2 if padded else 0

    def forward(self, hidden: Tensor) -> Tensor:
        out = F.conv2d(fold_frames(hidden), self.weight.squeeze(2), self.bias, self.stride, self.padding)
        return unfold_frames(out, len(hidden))


class TemporalConv(nn.Module):
    """Causal convolution over time at each pixel; the weight is that of a Conv3d, [out, in, 3, 1, 1].

    The first frame is repeated in front: twice, or once where the stride is two (`Downsample` has repeated it before).
    """

    start = "orthogonal"  # the frame itself, turned; or "zero"

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, 3, 1, 1))
        self.bias = nn.Parameter(torch.empty(out_channels))
        self.stride = stride

    def forward(self, hidden: Tensor) -> Tensor:
        if hidden.shape[2] == self.stride == 1:  # a picture: all three frames of the kernel see the same
            return unfold_frames(F.conv2d(fold_frames(hidden), self.weight.sum(dim=2), self.bias), len(hidden))
        height = hidden.shape[3]
        hidden = repeat_first_frame(hidden, 3 - self.stride).flatten(3)
        out = F.conv2d(hidden, self.weight.squeeze(4), self.bias, (self.stride, 1))
        return out.unflatten(3, (height, -1))


class FactorizedConv(nn.Sequential):
    """3x3x3 causal convolution as a spatial one and a temporal one, with nothing between."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__(SpatialConv(in_channels, out_channels, 3), TemporalConv(out_channels, out_channels))
        self[0].start = "orthogonal"


class FrameNorm(nn.Module):
    """GroupNorm with one group over channels and pixels of each frame; causal, as nothing crosses time."""

    def __init__(self, channels: int, eps: float = 1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels))
        self.bias = nn.Parameter(torch.empty(channels))
        self.eps = eps

    def forward(self, hidden: Tensor) -> Tensor:
        out = F.group_norm(fold_frames(hidden), 1, self.weight, self.bias, self.eps)
        return unfold_frames(out, len(hidden))


class ResidualBlock(GradientCheckpointingLayer):
    """Twice norm, SiLU and convolution, plus the input."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.norm1 = FrameNorm(in_channels)
        self.conv1 = FactorizedConv(in_channels, out_channels)
        self.norm2 = FrameNorm(out_channels)
        self.conv2 = FactorizedConv(out_channels, out_channels)
        self.conv1[0].start = self.conv2[0].start = "random"
        self.conv2[1].start = "zero"
        if in_channels != out_channels:
            self.nin_shortcut = SpatialConv(in_channels, out_channels, 1)
            self.nin_shortcut.start = "orthogonal"

    def forward(self, hidden: Tensor) -> Tensor:
        residual = self.nin_shortcut(hidden) if hasattr(self, "nin_shortcut") else hidden
        hidden = self.conv1(F.silu(self.norm1(hidden)))
        return residual + self.conv2(F.silu(self.norm2(hidden)))


class SingleHeadAttention(nn.Module):
    """Attention with one head, over the pixels of a frame or, causally, over the frames of a pixel."""

    def __init__(self, channels: int, over_time: bool):
        super().__init__()
        self.norm = FrameNorm(channels)
        self.q = SpatialConv(channels, channels, 1)
        self.k = SpatialConv(channels, channels, 1)
        self.v = SpatialConv(channels, channels, 1)
        self.proj_out = SpatialConv(channels, channels, 1)
        self.proj_out.start = "zero"
        self.over_time = over_time

    def forward(self, hidden: Tensor) -> Tensor:
        normed = self.norm(hidden)
        # [B, H*W, T, C] over time, [B, T, H*W, C] over pixels
        order = (0, 3, 2, 1) if self.over_time else (0, 2, 3, 1)
        query, key, value = (layer(normed).flatten(3).permute(order) for layer in (self.q, self.k, self.v))
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=self.over_time)
        mixed = mixed.permute((0, 3, 2, 1) if self.over_time else (0, 3, 1, 2)).unflatten(3, hidden.shape[3:])
        return hidden + self.proj_out(mixed.contiguous(memory_format=torch.channels_last_3d))


class Middle(nn.Module):
    """The narrowest part of encoder and decoder."""

    def __init__(self, channels: int):
        super().__init__()
        self.block_1 = ResidualBlock(channels, channels)
        self.attn_1 = nn.Sequential(SingleHeadAttention(channels, False), SingleHeadAttention(channels, True))
        self.block_2 = ResidualBlock(channels, channels)

    def forward(self, hidden: Tensor) -> Tensor:
        return self.block_2(self.attn_1(self.block_1(hidden)))


class Downsample(nn.Module):
    """Halves space, then time; each a strided convolution plus the average of the same neighbours."""

    def __init__(self, channels: int, spatial: bool, temporal: bool):
        super().__init__()
        if spatial:
            self.conv1 = SpatialConv(channels, channels, 3, stride=2, padded=False)
            self.conv1.start = "zero"
        if temporal:
            self.conv2 = TemporalConv(channels, channels, stride=2)
            self.conv2.start = "zero"
        self.conv3 = SpatialConv(channels, channels, 1)
        self.conv3.start = "orthogonal"

    def forward(self, hidden: Tensor) -> Tensor:
        if hasattr(self, "conv1"):
            padded = F.pad(hidden, (0, 1, 0, 1))  # one zero column to the right, one zero row at the bottom
            hidden = self.conv1(padded) + unfold_frames(F.avg_pool2d(fold_frames(padded), 2), len(hidden))
        if hasattr(self, "conv2"):
            padded = repeat_first_frame(hidden, 1)
            hidden = self.conv2(padded) + (padded[:, :, 0:-1:2] + padded[:, :, 1::2]) / 2
        return self.conv3(hidden)


class Upsample(nn.Module):
    """Doubles time, then space; each by repetition plus a convolution. The first frame stays one frame."""

    def __init__(self, channels: int, spatial: bool, temporal: bool):
        super().__init__()
        if temporal:
            self.conv1 = TemporalConv(channels, channels)
            self.conv1.start = "zero"
        if spatial:
            self.conv2 = SpatialConv(channels, channels, 3)
            self.conv2.start = "zero"
        self.conv3 = SpatialConv(channels, channels, 1)
        self.conv3.start = "orthogonal"

    def forward(self, hidden: Tensor) -> Tensor:
        if hasattr(self, "conv1"):
            hidden = hidden.repeat_interleave(2, dim=2)[:, :, 1:].contiguous(memory_format=torch.channels_last_3d)
            hidden = hidden + self.conv1(hidden)
        if hasattr(self, "conv2"):
            hidden = unfold_frames(F.interpolate(fold_frames(hidden), scale_factor=2.0, mode="nearest"), len(hidden))
            hidden = hidden + self.conv2(hidden)
        return self.conv3(hidden)


class Level(nn.Module):
    """Residual blocks of one width and, where the resolution changes, the step to the next level."""

    def __init__(self, in_channels: int, out_channels: int, num_blocks: int):
        super().__init__()
        widths = [in_channels] + [out_channels] * num_blocks
        self.block = nn.ModuleList(ResidualBlock(widths[i], widths[i + 1]) for i in range(num_blocks))

    def forward(self, hidden: Tensor) -> Tensor:
        for block in self.block:
            hidden = block(hidden)
        if hasattr(self, "downsample"):
            hidden = self.downsample(hidden)
        if hasattr(self, "upsample"):
            hidden = self.upsample(hidden)
        return hidden


class Encoder(nn.Module):
    """Video [B, 3, T, H, W] -> features [B, z_channels, t, h, w]."""

    def __init__(self, config: VideoFSQConfig):
        super().__init__()
        widths = [config.channels * multiplier for multiplier in (1, *config.channel_multipliers)]
        self.patcher3d = HaarPatches(config.patch_size, config.in_channels)
        self.conv_in = FactorizedConv(config.in_channels * config.patch_size**3, widths[0])
        self.conv_in[0].details_from = config.in_channels  # the means come first
        self.down = nn.ModuleList()
        for i in range(len(config.channel_multipliers)):
            level = Level(widths[i], widths[i + 1], config.num_res_blocks)
            spatial, temporal = i < config.num_spatial_steps, i < config.num_temporal_steps
            if spatial or temporal:
                level.downsample = Downsample(widths[i + 1], spatial, temporal)
            self.down.append(level)
        self.mid = Middle(widths[-1])
        self.norm_out = FrameNorm(widths[-1])
        self.conv_out = FactorizedConv(widths[-1], config.z_channels)

    def forward(self, video: Tensor) -> Tensor:
        hidden = self.conv_in(self.patcher3d(video))
        for level in self.down:
            hidden = level(hidden)
        return self.conv_out(F.silu(self.norm_out(self.mid(hidden))))


class Decoder(nn.Module):
    """Features [B, z_channels, t, h, w] -> video [B, 3, T, H, W]; `up[i].upsample` undoes `down[i - 1].downsample`."""

    def __init__(self, config: VideoFSQConfig):
        super().__init__()
        widths = [config.channels * multiplier for multiplier in config.channel_multipliers]
        widths.append(widths[-1])
        self.conv_in = FactorizedConv(config.z_channels, widths[-1])
        self.mid = Middle(widths[-1])
        self.up = nn.ModuleList()
        for i in range(len(config.channel_multipliers)):
            level = Level(widths[i + 1], widths[i], config.num_res_blocks + 1)
            spatial, temporal = 0 < i <= config.num_spatial_steps, 0 < i <= config.num_temporal_steps
            if spatial or temporal:
                level.upsample = Upsample(widths[i], spatial, temporal)
            self.up.append(level)
        self.norm_out = FrameNorm(widths[0])
        self.conv_out = FactorizedConv(widths[0], config.in_channels * config.patch_size**3)
        self.conv_out[1].start = "zero"
        self.unpatcher3d = HaarPatches(config.patch_size, config.in_channels)

    def forward(self, features: Tensor) -> Tensor:
        hidden = self.mid(self.conv_in(features))
        for level in reversed(self.up):
            hidden = level(hidden)
        hidden = self.conv_out(F.silu(self.norm_out(hidden)))
        with torch.autocast(hidden.device.type, enabled=False):
            return self.unpatcher3d.inverse(hidden.to(self.unpatcher3d.wavelets.dtype))


class VideoFSQ(ModalityTokenizer, PreTrainedModel):
    """Discrete video tokenizer.

    Video is RGB in [-1, 1], `[B, 3, T, H, W]`, with `T = temporal_compression * k + 1` (1 is a picture) and with `H`
    and `W` multiples of `spatial_compression`. Codes are integers `[B, t, h, w]` with `t = k + 1`, and `h` and `w` the
    height and width over `spatial_compression`. Both ways are causal: a prefix of the frames gives a prefix of the
    latent frames, and back.

    Example:
    ```python
    >>> model = VideoFSQ(VideoFSQConfig(channels=32, channel_multipliers=[2, 3, 4], levels=[8, 8, 8, 8]))
    >>> visual_codes = model.encode(torch.zeros(1, 3, 17, 128, 128))
    >>> visual_codes.shape
    torch.Size([1, 3, 8, 8])
    >>> model.decode(visual_codes).shape
    torch.Size([1, 3, 17, 128, 128])
    ```
    """

    config: VideoFSQConfig
    main_input_name = "video"
    input_modalities = ("video",)
    base_model_prefix = "video_fsq"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _no_split_modules = ["ResidualBlock"]

    def __init__(self, config: VideoFSQConfig):
        super().__init__(config)
        self.encoder = Encoder(config)
        self.quant_conv = SpatialConv(config.z_channels, len(config.levels), 1)
        self.quantizer = FiniteScalarQuantizer(config.levels)
        self.post_quant_conv = SpatialConv(len(config.levels), config.z_channels, 1)
        self.quant_conv.start = self.post_quant_conv.start = "orthogonal"
        self.decoder = Decoder(config)
        self.gradient_checkpointing = False
        self.post_init()

    @property
    def modality(self) -> Modality:
        """The codes of a latent frame."""
        return self.config.modality

    def data_of(self, clips: Mapping[str, Tensor]) -> Tensor:
        """Their `video` (B, T, S, S, 3), uint8, as [`encode`] takes it."""
        return to_model_range(clips["video"].to(self.device))

    def code_vectors(self) -> Tensor:
        """The levels of every code, `(codes, channels)`."""
        indices = torch.arange(self.config.codebook_size, device=self.device).view(1, -1, 1, 1)
        return self.quantizer.indices_to_codes(indices)[0].flatten(1).T

    @torch.no_grad()
    def _init_weights(self, module: nn.Module):
        super()._init_weights(module)
        if isinstance(module, SpatialConv | TemporalConv):
            if module.start == "random":
                init.kaiming_uniform_(module.weight, a=math.sqrt(5))  # torch's own start of a convolution
            else:
                weight = torch.zeros_like(module.weight)
                if module.start == "orthogonal":
                    init.orthogonal_(own_weight(weight))
                init.copy_(module.weight, weight)
            init.zeros_(module.bias)
            if getattr(module, "details_from", None) is not None:
                gain = torch.ones(module.weight.shape[1], 1, 1, 1)
                gain[module.details_from :] = DETAIL_GAIN
                init.copy_(module.weight, module.weight * gain)
        elif isinstance(module, FrameNorm):
            init.ones_(module.weight)
            init.zeros_(module.bias)
        elif isinstance(module, HaarPatches):
            init.copy_(module.wavelets, module.compute_wavelets())
        elif isinstance(module, FiniteScalarQuantizer):
            init.copy_(module.level_sizes, torch.tensor(module.levels))
            init.copy_(module.basis, module.compute_basis())

    def encode_features(self, video: Tensor) -> tuple[Tensor, Tensor]:
        """The latent in front of and behind the quantiser.

        Args:
            video (`torch.FloatTensor` of shape `[B, 3, T, H, W]`):
                RGB in [-1, 1].

        Returns:
            `tuple[torch.FloatTensor, torch.FloatTensor]`: `pre_quant` and `quantized`, both
            `[B, latent_channels, t, h, w]`; the gradient of the second passes straight through the rounding.

        Raises:
            ValueError: If the shape or the type is none that the tokenizer can take.
        """
        self._check_video(video)
        pre_quant = self.quant_conv(self.encoder(video.to(self.dtype)))
        return pre_quant, self.quantizer(pre_quant)

    def encode(self, video: Tensor) -> Tensor:
        """Video to codes.

        Args:
            video (`torch.FloatTensor` of shape `[B, 3, T, H, W]`):
                RGB in [-1, 1].

        Returns:
            `torch.LongTensor` of shape `[B, t, h, w]`: indices into the codebook.
        """
        return self.quantizer.codes_to_indices(self.encode_features(video)[1])

    def decode_features(self, quantized: Tensor) -> Tensor:
        """Rounded latent `[B, latent_channels, t, h, w]` to video `[B, 3, T, H, W]`, not clamped; differentiable."""
        return self.decoder(self.post_quant_conv(quantized.to(self.dtype)))

    def decode(self, visual_codes: Tensor) -> Tensor:
        """Codes to video.

        Args:
            visual_codes (`torch.LongTensor` of shape `[B, t, h, w]`):
                Indices into the codebook.

        Returns:
            `torch.FloatTensor` of shape `[B, 3, T, H, W]`: RGB, nominally in [-1, 1], not clamped.
        """
        self._check_codes(visual_codes)
        return self.decode_features(self.quantizer.indices_to_codes(visual_codes))

    @can_return_tuple
    def forward(self, video: Tensor, return_loss: bool = True) -> VideoFSQOutput:
        """Video through the bottleneck and back.

        Args:
            video (`torch.FloatTensor` of shape `[B, 3, T, H, W]`):
                RGB in [-1, 1].
            return_loss (`bool`, *optional*, defaults to `True`):
                Whether to compute the mean absolute difference of reconstruction and video.
        """
        pre_quant, quantized = self.encode_features(video)
        reconstruction = self.decode_features(quantized)
        return VideoFSQOutput(
            loss=F.l1_loss(reconstruction, video.to(reconstruction.dtype)) if return_loss else None,
            reconstruction=reconstruction,
            visual_codes=self.quantizer.codes_to_indices(quantized.detach()),
            quantized=quantized,
            pre_quant=pre_quant,
        )

    def _check_video(self, video: Tensor):
        config, shape = self.config, tuple(video.shape)
        if not video.is_floating_point():
            raise ValueError(f"`video` is {video.dtype}; it must be floating point, RGB in [-1, 1]")
        if video.ndim != 5 or shape[1] != config.in_channels:
            allowed = f"[batch, {config.in_channels}, frames, height, width]"
            raise ValueError(f"`video` has shape {shape}; it must be {allowed}")
        batch_size, _, frames, height, width = shape
        step, edge = config.temporal_compression, config.spatial_compression
        if frames < 1 or (frames - 1) % step:
            allowed = f"{step} * k + 1: 1, {step + 1}, {2 * step + 1}, ..."
            raise ValueError(f"`video` has {frames} frames; it must have {allowed}")
        if height < 1 or width < 1 or height % edge or width % edge:
            raise ValueError(f"`video` is {height} x {width} pixels; both must be positive multiples of {edge}")
        if batch_size < 1:
            raise ValueError("`video` is an empty batch; it must hold at least one clip")

    def _check_codes(self, visual_codes: Tensor):
        if visual_codes.is_floating_point() or visual_codes.dtype == torch.bool:
            raise ValueError(f"`visual_codes` is {visual_codes.dtype}; it must hold integers")
        if visual_codes.ndim != 4 or 0 in visual_codes.shape:
            shape = tuple(visual_codes.shape)
            raise ValueError(f"`visual_codes` has shape {shape}; it must be [batch, latent_frames, height, width]")
        least, most = visual_codes.min().item(), visual_codes.max().item()
        limit = self.config.codebook_size
        if least < 0 or most >= limit:
            raise ValueError(f"`visual_codes` holds {least} to {most}; allowed is 0 to {limit - 1}")


__all__ = ["VideoFSQ", "VideoFSQOutput"]
