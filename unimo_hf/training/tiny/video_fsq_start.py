# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""A start for the video tokenizer: the layers at both sides of the codes and the last one are solved for, not drawn.

A new network rounds nearly everything to the middle code, and Adam, which moves a weight by no more than the learning
rate, takes thousands of steps to find out that colours can pass. Here the random layers stay, and linear ones are
fitted by least squares: to write the principal components of the colours of a patch into its code, and to paint from
codes what can be painted linearly.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unimo_hf.model.haar_patches import repeat_first_frame
from unimo_hf.model.modeling_video_fsq import FactorizedConv, SpatialConv, VideoFSQ, own_weight

QUADRANTS = 2  # along each side of a patch: what its code can say of where colours are
SPREAD = 0.9  # standard deviation of a component in front of the quantiser, whose range is about -2 to 2
RIDGE = 1e-3  # of the mean square of the features


@torch.no_grad()
def fit_start(model: VideoFSQ, video: Tensor) -> None:
    """Set the start of a new model from some clips.

    Args:
        model ([`VideoFSQ`]): Newly made; changed in place.
        video (`torch.FloatTensor` of shape `(B, 3, T, H, W)`): RGB in [-1, 1].
    """
    features = _input_of(model.encoder.conv_out, lambda: model.encoder(video))
    components = _colour_components(model, video)
    _set_linear(model.encoder.conv_out, *_least_squares(features, components))
    _set_identity(model.quant_conv, components.shape[1])
    quantized = model.quantizer(model.quant_conv(model.encoder(video)))
    features = _input_of(model.decoder.conv_out, lambda: model.decode_features(quantized))
    _set_linear(model.decoder.conv_out, *_least_squares(features, model.encoder.patcher3d(video)))


def _colour_components(model: VideoFSQ, video: Tensor) -> Tensor:
    """Principal components of the mean colours of a patch's quadrants, one a number of the code, `(B, D, t, h, w)`."""
    config = model.config
    means = model.encoder.patcher3d(video)[:, : video.shape[1]]  # (B, 3, (T - 1) / p + 1, H / p, W / p)
    depth = config.temporal_compression // config.patch_size
    cell = config.spatial_compression // config.patch_size // QUADRANTS
    # The first frame is a latent frame by itself.
    quadrants = F.avg_pool3d(repeat_first_frame(means, depth - 1), (depth, cell, cell))
    quadrants = quadrants.unflatten(4, (-1, QUADRANTS)).unflatten(3, (-1, QUADRANTS))  # (B, 3, t, h, 2, w, 2)
    vectors = quadrants.permute(0, 2, 3, 5, 1, 4, 6).flatten(4)
    flat = vectors.flatten(0, 3)
    mean = flat.mean(dim=0)
    _, scale, directions = torch.linalg.svd(flat - mean, full_matrices=False)
    count = len(config.levels)
    whitened = (vectors - mean) @ directions[:count].T / (scale[:count] / len(flat) ** 0.5)
    return SPREAD * whitened.movedim(-1, 1)


def _input_of(layer: nn.Module, run: Callable[[], Tensor]) -> Tensor:
    seen = []
    handle = layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    run()
    handle.remove()
    return seen[0]


def _least_squares(features: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Ridge regression: weight `(out, in)` and bias `(out,)`, from features and targets `(B, channels, t, h, w)`."""
    features, targets = (values.movedim(1, -1).flatten(0, 3).double() for values in (features, targets))
    mean, target_mean = features.mean(dim=0), targets.mean(dim=0)
    centred = features - mean
    gram = centred.T @ centred
    gram += RIDGE * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
    weight = torch.linalg.solve(gram, centred.T @ (targets - target_mean)).T
    return weight.float(), (target_mean - weight @ mean).float()


def _set_linear(conv: FactorizedConv, weight: Tensor, bias: Tensor) -> None:
    """The first outputs of a convolution become a linear map of each pixel of each frame."""
    spatial, temporal = conv
    outputs = len(weight)
    spatial.weight[:outputs] = 0
    own_weight(spatial.weight)[:outputs] = weight
    spatial.bias[:outputs] = bias
    temporal.weight.zero_()
    own_weight(temporal.weight).copy_(torch.eye(len(temporal.weight)))
    temporal.bias.zero_()


def _set_identity(conv: SpatialConv, outputs: int) -> None:
    conv.weight.zero_()
    own_weight(conv.weight)[:, :outputs] = torch.eye(outputs)
    conv.bias.zero_()
