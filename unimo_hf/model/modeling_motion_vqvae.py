# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The motion tokenizer: a VQ-VAE that stretches time, so that a frame becomes several codes, with four decoders.

The encoder is made of transposed convolutions (a frame of 145 channels becomes `codes_per_frame` latent steps), each
decoder of strided ones. Tensors of the network are `[batch, channels, time]`, those of the interface `[batch, frames,
channels]`.

Sources: UniMo paper, section 3.1 and appendix A; residual units and codebook update as in Duolando (arXiv 2403.18811),
which has them from Jukebox (arXiv 2005.00341).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers import initialization as init
from transformers.utils import ModelOutput, can_return_tuple

from .configuration_motion_vqvae import MotionVQVAEConfig
from .modalities import Modality, ModalityTokenizer
from .motion_features import expert_channels, parameters_to_frames

KERNELS = (3, 3)  # of the two convolutions of a residual unit
COMMITMENT_WEIGHT = 0.02  # of the term that holds the encoder near its code
ROWS_AT_ONCE = 2**16  # whose distances to all codes are in memory: 128 MB for 512 codes


@dataclass
class MotionVQVAEOutput(ModelOutput):
    """What [`MotionVQVAE`] returns.

    Args:
        loss (`torch.FloatTensor` of shape `()`, *optional*):
            Reconstruction (UniMo paper, equation 5; per expert: L1, velocity and acceleration) and codebook terms.
        reconstruction (`torch.FloatTensor` of shape `(batch, frames, channels)`):
            The decoded frames.
        motion_codes (`torch.LongTensor` of shape `(batch, frames, codes_per_frame)`):
            Indices into the codebook.
        codebook_loss (`torch.FloatTensor` of shape `()`):
            The commitment term, weighted.
    """

    loss: torch.FloatTensor | None = None
    reconstruction: torch.FloatTensor | None = None
    motion_codes: torch.LongTensor | None = None
    codebook_loss: torch.FloatTensor | None = None


class ResidualUnit(nn.Module):
    """`x + conv(ReLU(dilated conv(ReLU(x))))`, length unchanged."""

    def __init__(self, width: int, dilation: int, kernels: Sequence[int]):
        super().__init__()
        first, second = kernels
        self.conv1 = nn.Conv1d(width, width, first, padding=dilation * (first // 2), dilation=dilation)
        self.conv2 = nn.Conv1d(width, width, second, padding=second // 2)
        self.conv2.start = "zero"  # a new network is linear, which learns faster

    def forward(self, hidden: Tensor) -> Tensor:
        return hidden + self.conv2(F.relu(self.conv1(F.relu(hidden))))


class ResidualStack(nn.Sequential):
    """Residual units of growing dilation; in reverse order in the decoders."""

    def __init__(self, width: int, config: MotionVQVAEConfig, kernels: Sequence[int], reverse: bool):
        dilations = [config.dilation_growth**unit for unit in range(config.depth)]
        dilations = dilations[::-1] if reverse else dilations
        super().__init__(*(ResidualUnit(width, dilation, kernels) for dilation in dilations))


def kernel_and_padding(stride: int) -> tuple[int, int]:
    """Kernel and padding that change the length by `stride` exactly, both ways: kernel - 2 * padding = stride."""
    kernel = 2 * stride + stride % 2
    return kernel, (kernel - stride) // 2


class Encoder(nn.Module):
    """Frames `[B, C, T]` to latents `[B, codebook_dim, T * codes_per_frame]`."""

    def __init__(self, config: MotionVQVAEConfig):
        super().__init__()
        # Kernels as long as a frame see that frame alone.
        kernels = (1, 1) if config.frame_encoder else KERNELS
        self.blocks = nn.ModuleList()
        width_before = config.motion_channels
        for factor, width in zip(config.factors, config.widths, strict=True):
            kernel, padding = (factor, 0) if config.frame_encoder else kernel_and_padding(factor)
            stretch = nn.ConvTranspose1d(width_before, width, kernel, stride=factor, padding=padding)
            self.blocks.append(nn.Sequential(stretch, ResidualStack(width, config, kernels, reverse=False)))
            width_before = width
        self.conv_out = _projection(width_before, config.code_width)

    def forward(self, hidden: Tensor) -> Tensor:
        for block in self.blocks:
            hidden = block(hidden)
        return self.conv_out(hidden)


class StridedConv(nn.Conv1d):
    """A strided convolution as one without stride, over blocks of `stride` steps: the same numbers, parameters too.

    oneDNN's bfloat16 kernels for processors with AMX return wrong numbers for many strided convolutions of few
    channels (PyTorch issue 169688, oneDNN pull request 5494).
    """

    def forward(self, hidden: Tensor) -> Tensor:
        (kernel,), (stride,), padding = self.kernel_size, self.stride, int(self.padding[0])
        blocks = -(-kernel // stride)
        missing = blocks * stride - kernel  # steps that the kernel lacks of whole blocks
        hidden = F.pad(hidden, (padding, padding + missing)).unflatten(2, (-1, stride))
        weight = F.pad(self.weight, (0, missing)).unflatten(2, (blocks, stride))
        return F.conv1d(hidden.transpose(2, 3).flatten(1, 2), weight.transpose(2, 3).flatten(1, 2), self.bias)


class ExpertDecoder(nn.Module):
    """Latents `[B, codebook_dim, T * codes_per_frame]` to the channels of one expert `[B, C_expert, T]`."""

    def __init__(self, config: MotionVQVAEConfig, channels: int):
        super().__init__()
        self.conv_in = _projection(config.code_width, config.widths[-1])
        self.blocks = nn.ModuleList()
        width_before = config.widths[-1]
        widths = [*reversed(config.widths[:-1]), config.widths[0]]
        for factor, width in zip(reversed(config.factors), widths, strict=True):
            kernel, padding = kernel_and_padding(factor)
            shrink = StridedConv(width_before, width, kernel, stride=factor, padding=padding)
            self.blocks.append(nn.Sequential(shrink, ResidualStack(width, config, KERNELS, reverse=True)))
            width_before = width
        self.conv_out = nn.Conv1d(width_before, channels, 3, padding=1)

    def forward(self, hidden: Tensor) -> Tensor:
        hidden = self.conv_in(hidden)
        for block in self.blocks:
            hidden = block(hidden)
        return self.conv_out(hidden)


def _projection(channels_in: int, channels_out: int) -> nn.Module:
    """Between the blocks and the codebook: nothing where widths are the same."""
    return nn.Conv1d(channels_in, channels_out, 1) if channels_in != channels_out else nn.Identity()


class Codebook(nn.Module):
    """Nearest of `codebook_size` vectors, learnt by moving averages, with restart of unused codes."""

    frozen = False  # in training too
    decay = 0.99  # of the moving averages
    restart_threshold = 1.0  # a code whose moving count is below is replaced by an output of the encoder

    def __init__(self, config: MotionVQVAEConfig):
        super().__init__()
        self.config = config
        shape = (config.codebook_size, config.code_width)
        self.codes = nn.Buffer(torch.zeros(shape))
        self.sums = nn.Buffer(torch.zeros(shape))
        self.counts = nn.Buffer(torch.zeros(config.codebook_size))
        self.initialized = nn.Buffer(torch.zeros((), dtype=torch.bool))

    def nearest(self, latents: Tensor) -> Tensor:
        """Index of the code nearest to each vector `(..., D)`; the lowest index wins a tie. Computed in float32."""
        flat = latents.detach().float().reshape(-1, latents.shape[-1])
        codes = self.codes.detach().float()
        with torch.autocast(flat.device.type, enabled=False):  # bfloat16 can't tell neighbouring codes apart
            # Squared distances but for the length of the vector itself, which is the same for all codes.
            lengths = codes.square().sum(1)
            nearest = [torch.addmm(lengths, part, codes.T, alpha=-2).argmin(1) for part in flat.split(ROWS_AT_ONCE)]
        return torch.cat(nearest).view(latents.shape[:-1])

    def forward(self, latents: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Latents `(B, N, D)` to codes with the latents' gradient, indices `(B, N)`, and the loss."""
        if self.training and not self.initialized:
            self.start_from(latents)
        indices = self.nearest(latents)
        quantized = F.embedding(indices, self.codes)
        loss = COMMITMENT_WEIGHT * F.mse_loss(latents.float(), quantized.detach().float())
        if self.training and not self.frozen:
            self.update(latents, indices)
        return latents + (quantized - latents).detach(), indices, loss

    @torch.no_grad()
    def update(self, latents: Tensor, indices: Tensor) -> None:
        """Moving averages over all processes, then new places for codes that fell out of use."""
        flat, indices = latents.float().reshape(-1, latents.shape[-1]), indices.reshape(-1)
        count = torch.zeros_like(self.counts).index_add_(0, indices, torch.ones_like(flat[:, 0]))
        total = torch.zeros_like(self.sums).index_add_(0, indices, flat)
        _sum_over_processes(count, total)
        self.counts.mul_(self.decay).add_(count, alpha=1 - self.decay)
        self.sums.mul_(self.decay).add_(total, alpha=1 - self.decay)
        codes = self.sums / self.counts.clamp_min(1e-12)[:, None]
        self.codes.copy_(F.normalize(codes, dim=-1) if self.config.unit_codes else codes)
        unused = self.counts < self.restart_threshold
        if unused.any():
            self.codes.data = torch.where(unused[:, None], self._sample(flat), self.codes)

    @torch.no_grad()
    def start_from(self, latents: Tensor) -> None:
        """Take random latents `(..., D)` for codes."""
        codes = self._sample(latents.float().reshape(-1, latents.shape[-1]))
        self.codes.copy_(codes)
        self.sums.copy_(codes)
        self.counts.fill_(1.0)
        self.initialized.fill_(True)

    def _sample(self, flat: Tensor) -> Tensor:
        """As many random outputs of the encoder as there are codes, the same on every process."""
        size = self.config.codebook_size
        if len(flat) < size:  # tiled, with noise so that no two are equal
            flat = flat.repeat(-(-size // len(flat)), 1)
            flat = flat + torch.randn_like(flat) * 0.01 / flat.shape[1] ** 0.5
        chosen = flat[torch.randperm(len(flat), device=flat.device)[:size]].to(self.codes.dtype)
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.broadcast(chosen, 0)
        return chosen


def _sum_over_processes(*tensors: Tensor) -> None:
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        for tensor in tensors:
            torch.distributed.all_reduce(tensor)


class MotionVQVAE(ModalityTokenizer, PreTrainedModel):
    """Motion tokenizer.

    Motion is `[batch, frames, channels]` as `motion_features.parameters_to_frames` packs it (145 channels for 6D
    rotations); codes are integers `[batch, frames, codes_per_frame]`. Any number of frames goes in.

    Example:

    ```python
    >>> model = MotionVQVAE(MotionVQVAEConfig(widths=[32, 32, 32, 32])).eval()
    >>> motion_codes = model.encode(torch.zeros(1, 65, 145))
    >>> motion_codes.shape
    torch.Size([1, 65, 36])
    >>> model.decode(motion_codes).shape
    torch.Size([1, 65, 145])
    ```
    """

    config: MotionVQVAEConfig
    main_input_name = "motion"
    base_model_prefix = "motion_vqvae"
    input_modalities = ("motion",)
    _keep_in_fp32_modules_strict = {"codebook"}

    def __init__(self, config: MotionVQVAEConfig):
        super().__init__(config)
        self.channels = expert_channels(config.rotation)
        # Fitted by the training script; 0 and 1 is the paper, which states no normalisation. Frame 0 of the root code
        # is a position and not a step, so it has statistics of its own.
        for name in ("mean", "first_root_mean", "std", "first_root_std"):
            size = 3 if "root" in name else config.motion_channels
            self.register_buffer(name, torch.ones(size) if "std" in name else torch.zeros(size))
        self.encoder = Encoder(config)
        self.codebook = Codebook(config)
        outputs = self.channels if config.experts else {"all": config.motion_channels}
        self.decoders = nn.ModuleDict({name: ExpertDecoder(config, channels) for name, channels in outputs.items()})
        self.post_init()

    @property
    def modality(self) -> Modality:
        """The codes of a frame."""
        return self.config.modality

    def data_of(self, clips: Mapping[str, Tensor]) -> Tensor:
        """Their SMPL-X parameters (B, T, …), which are in the camera frame, as [`encode`] takes them.

        Raises:
            ValueError: If the tokenizer was trained in the world: of a clip only its camera is known.
        """
        if self.config.coordinates != "camera":
            raise ValueError(
                f"The motion tokenizer's coordinates is {self.config.coordinates!r}; clips of video and motion are in "
                "the camera frame, so it must be 'camera'."
            )
        parameters = {key: clips[key].to(self.device) for key in ("body_pose", "betas", "global_orient", "transl")}
        return parameters_to_frames(**parameters, rotation=self.config.rotation)

    def code_vectors(self) -> Tensor:
        """The codebook, `(codes, codebook_dim)`."""
        return self.codebook.codes

    @torch.no_grad()
    def _init_weights(self, module: nn.Module):
        super()._init_weights(module)
        if isinstance(module, nn.Conv1d | nn.ConvTranspose1d):
            if getattr(module, "start", "random") == "zero":
                init.zeros_(module.weight)
            else:
                init.kaiming_uniform_(module.weight, a=5**0.5)  # torch's own start of a convolution
            init.zeros_(module.bias)
        elif isinstance(module, Codebook):
            init.normal_(module.codes, std=module.config.code_width**-0.5)
            init.zeros_(module.sums)
            init.zeros_(module.counts)
            init.zeros_(module.initialized)
        elif isinstance(module, MotionVQVAE):
            for name in ("mean", "first_root_mean"):
                init.zeros_(getattr(module, name))
            for name in ("std", "first_root_std"):
                init.ones_(getattr(module, name))

    def encode(self, motion: Tensor) -> Tensor:
        """Frames to codes.

        Args:
            motion (`torch.FloatTensor` of shape `(batch, frames, channels)`):
                As `motion_features.parameters_to_frames` packs it.

        Returns:
            `torch.LongTensor` of shape `(batch, frames, codes_per_frame)`: Indices into the codebook.

        Raises:
            ValueError: If there are no frames, or another number of channels than the config says.
        """
        return self.codebook.nearest(self.encode_latents(motion)).unflatten(1, (-1, self.config.codes_per_frame))

    def encode_latents(self, motion: Tensor) -> Tensor:
        """Frames to what is quantised, `(batch, frames * codes_per_frame, codebook_dim)`."""
        if motion.ndim != 3 or motion.shape[1] < 1 or motion.shape[2] != self.config.motion_channels:
            raise ValueError(
                f"`motion` has shape {tuple(motion.shape)}; it must be [batch, at least 1 frame, "
                f"{self.config.motion_channels}]."
            )
        latents = self.encoder(self.normalize(motion).transpose(1, 2).to(self.dtype)).transpose(1, 2)
        return F.normalize(latents.float(), dim=-1) if self.config.unit_codes else latents

    def decode(self, motion_codes: Tensor) -> Tensor:
        """Codes to frames.

        Args:
            motion_codes (`torch.LongTensor` of shape `(batch, frames, codes_per_frame)`):
                Indices into the codebook.

        Returns:
            `torch.FloatTensor` of shape `(batch, frames, channels)`: For `motion_features.frames_to_parameters`.

        Raises:
            ValueError: If the shape is another, or an index is not in the codebook.
        """
        if motion_codes.ndim != 3 or 0 in motion_codes.shape or motion_codes.shape[2] != self.config.codes_per_frame:
            raise ValueError(
                f"`motion_codes` has shape {tuple(motion_codes.shape)}; it must be [batch, frames, "
                f"{self.config.codes_per_frame}]."
            )
        least, most = int(motion_codes.min()), int(motion_codes.max())
        if least < 0 or most >= self.config.codebook_size:
            raise ValueError(
                f"`motion_codes` holds {least} to {most}; allowed is 0 to {self.config.codebook_size - 1}."
            )
        return self.decode_latents(F.embedding(motion_codes.flatten(1), self.codebook.codes))

    def decode_latents(self, quantized: Tensor) -> Tensor:
        """Codes as vectors `(batch, frames * codes_per_frame, codebook_dim)` to frames; differentiable."""
        hidden = quantized.to(self.dtype).transpose(1, 2)
        frames = torch.cat([decoder(hidden) for decoder in self.decoders.values()], dim=1).transpose(1, 2)
        return self.denormalize(frames.float())

    @can_return_tuple
    def forward(self, motion: Tensor, return_loss: bool = True) -> MotionVQVAEOutput:
        """Frames through the codebook and back.

        Args:
            motion (`torch.FloatTensor` of shape `(batch, frames, channels)`):
                As `motion_features.parameters_to_frames` packs it.
            return_loss (`bool`, *optional*, defaults to `True`):
                Whether to compute the loss.
        """
        quantized, indices, codebook_loss = self.codebook(self.encode_latents(motion))
        if self.training and self.config.ordered_codes:
            quantized = self._keep_prefix(quantized)
        reconstruction = self.decode_latents(quantized)
        loss = None
        if return_loss:
            terms = reconstruction_terms(self.normalize(reconstruction), self.normalize(motion), self.channels)
            loss = sum(terms.values()) + codebook_loss
        return MotionVQVAEOutput(
            loss=loss,
            reconstruction=reconstruction,
            motion_codes=indices.unflatten(1, (-1, self.config.codes_per_frame)),
            codebook_loss=codebook_loss,
        )

    def normalize(self, motion: Tensor) -> Tensor:
        """Physical channels to those of the network."""
        mean, std = self._statistics(motion)
        return (motion - mean) / std

    def denormalize(self, motion: Tensor) -> Tensor:
        """Channels of the network to physical ones."""
        mean, std = self._statistics(motion)
        return motion * std + mean

    @torch.no_grad()
    def fit_statistics(self, motion: Tensor) -> None:
        """Set the normalisation from clips `(clips, frames, channels)`; channels that never vary keep their scale."""
        first, rest = motion[:, 0, -3:], motion[:, 1:, -3:].flatten(0, 1)
        frames = motion.flatten(0, 1)
        self.mean.copy_(torch.cat((frames[:, :-3].mean(0), rest.mean(0))))
        self.std.copy_(torch.cat((frames[:, :-3].std(0), rest.std(0))))
        self.first_root_mean.copy_(first.mean(0))
        self.first_root_std.copy_(first.std(0))
        for std in (self.std, self.first_root_std):
            std.masked_fill_(std < 1e-4, 1.0)

    def _statistics(self, motion: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation, `(frames, channels)`."""
        frames = motion.shape[1]
        first_mean = torch.cat((self.mean[:-3], self.first_root_mean))
        first_std = torch.cat((self.std[:-3], self.first_root_std))
        is_first = (torch.arange(frames, device=motion.device) == 0)[:, None]
        return torch.where(is_first, first_mean, self.mean), torch.where(is_first, first_std, self.std)

    def _keep_prefix(self, quantized: Tensor) -> Tensor:
        """Nested dropout (Rippel et al., 2014): some clips keep the first k codes of each frame, the rest is zero."""
        codes = self.config.codes_per_frame
        batch, device = len(quantized), quantized.device
        # The square prefers short prefixes: the first codes are those that the AR model must get right.
        kept = (torch.rand(batch, device=device).square() * codes).floor() + 1
        kept = torch.where(torch.rand(batch, device=device) < self.config.ordered_codes, kept, codes)
        slots = torch.arange(quantized.shape[1], device=device) % codes
        return quantized * (slots < kept[:, None]).unsqueeze(-1)


def decode_prefix(model: MotionVQVAE, motion_codes: Tensor, kept: int) -> Tensor:
    """Decode the first `kept` codes of each frame; in place of the others stand zeros, as in nested dropout."""
    vectors = F.embedding(motion_codes, model.codebook.codes)  # (B, T, codes, D)
    slots = torch.arange(vectors.shape[2], device=vectors.device)[:, None]
    return model.decode_latents((vectors * (slots < kept)).flatten(1, 2))


def reconstruction_terms(prediction: Tensor, target: Tensor, channels: dict[str, int]) -> dict[str, Tensor]:
    """Mean absolute error of each expert plus that of its velocity and acceleration.

    The root is a velocity already: it has the L1 term and that of its first difference (an acceleration), without
    frame 0 (a position).

    Args:
        prediction (`torch.Tensor` of shape `(batch, frames, channels)`): Decoded frames.
        target (`torch.Tensor` of shape `(batch, frames, channels)`): True frames.
        channels (`dict[str, int]`): Channels of each expert, in order.

    Returns:
        `dict[str, torch.Tensor]`: A scalar an expert.
    """
    terms = {}
    parts = (prediction - target).split(list(channels.values()), dim=-1)
    for name, difference in zip(channels, parts, strict=True):
        if name == "transl":
            orders = [difference, difference[:, 1:].diff(dim=1)]
        else:
            orders = [difference, difference.diff(dim=1), difference.diff(n=2, dim=1)]
        terms[name] = sum(order.abs().mean() for order in orders if order.numel())
    return terms


__all__ = ["MotionVQVAE", "MotionVQVAEOutput"]
