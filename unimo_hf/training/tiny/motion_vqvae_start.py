# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""A start for the motion tokenizer: encoder, codes and decoders are solved for, not drawn.

A new tokenizer needs thousands of steps to find out which turns of which joints move a body far, and that is linear
algebra: the principal components of the channels, weighed by how far they move the body. The first components and the
root have a code each, the others share one in pairs, k-means makes the codebook, and the decoders begin with least
squares.
"""

import numpy as np
import torch
import torch.nn.functional as F
from scipy.cluster.vq import kmeans2
from torch import Tensor, nn

from unimo_hf.model.modeling_motion_vqvae import Encoder, ExpertDecoder, MotionVQVAE
from unimo_hf.model.motion_features import frames_to_matrices
from unimo_hf.motion.body import NUM_BODY_JOINTS, Body

ROOT = 3  # channels, the last ones
SHARE_ALONE = 0.37  # of a frame's codes that hold one number, which they tell in hundreds of levels
SPREAD = 0.05  # standard deviation of a number on the sphere of codes, which is flat that far
ROOT_SPREAD = 0.3  # of the others: steps of the root are rare and large, and codes are dense in the middle
FIRST_ROOT_SPREAD = 0.35  # the same of its first position, whose tail is long: few people are far from the camera
SMALLER = 0.1  # deviation of the second number of a pair, of that of the first
SAMPLES = 128  # frames at which places are differentiated
SKIN = 0.2  # weight of a vertex, of that of a joint
STEP = 1e-3  # of the differences, in deviations of a channel
FLOOR = 1e-7  # square metres that a channel is worth which moves nothing
STILL = 1e-10  # square metres: a component that moves the body less is none
SHARE_OF_LINE = 0.4  # of the codebook, for codes of one number
CODEBOOK_STEPS = 30
CODEBOOK_POINTS = 120_000
RARE = 1e-4  # share of the numbers that a code must tell; one that tells fewer is put elsewhere
RESTARTS = 8


@torch.no_grad()
def fit_start(model: MotionVQVAE, motion: Tensor, body: Body) -> None:
    """Set the start of a new model from some clips, by which its statistics were fitted.

    Args:
        model ([`MotionVQVAE`]): Newly made; changed in place.
        motion (`torch.FloatTensor` of shape `(clips, frames, channels)`): Physical channels.
        body ([`Body`]): Says how far a channel moves joints and skin.

    Raises:
        ValueError: If the codes are not of three numbers and length one, if more than the last factor stretches time,
            or if the network is too narrow for all numbers.
    """
    config = model.config
    codes = config.codes_per_frame
    if not config.unit_codes or config.code_width != 3 or len(config.factors) < 2 or config.factors[-1] != codes:
        raise ValueError(
            f"fit_start needs unit_codes, codebook_dim 3 and factors [1, ..., n]; found {config.unit_codes}, "
            f"{config.code_width} and {list(config.factors)}."
        )
    if min(config.widths[:-1]) <= 2 * codes or config.widths[-1] < 3:
        raise ValueError(f"fit_start needs widths above {2 * codes}, the last 3 or more; found {config.widths}.")
    # All codes together hold no more numbers than a frame has channels.
    alone = max(int(SHARE_ALONE * codes), 2 * codes - config.motion_channels)
    model.first_root_std.mul_(ROOT_SPREAD / FIRST_ROOT_SPREAD)
    _set_encoder(model.encoder, _numbers(model, motion, body, alone), alone)
    latents = model.encode_latents(motion)
    _fit_codebook(model, latents, alone)
    quantized = model.codebook.codes[model.codebook.nearest(latents)].unflatten(1, (-1, codes))
    numbers = torch.stack([quantized[:, :, code, axis] for code, axis in _places(codes, alone)], dim=2)
    targets = model.normalize(motion)
    channels = [decoder.conv_out.out_channels for decoder in model.decoders.values()]
    for decoder, target in zip(model.decoders.values(), targets.split(channels, dim=-1), strict=True):
        _fit_decoder(decoder, numbers, target, alone)


def _places(codes: int, alone: int) -> list[tuple[int, int]]:
    """Code and axis of each number: the first codes have one, the others two."""
    return [(code, axis) for code in range(codes) for axis in range(1 if code < alone else 2)]


def _numbers(model: MotionVQVAE, motion: Tensor, body: Body, alone: int) -> Tensor:
    """Rows that make the numbers of the codes, in their order, from normalised channels, `(numbers, C)`.

    The root comes after the components that have a code each: it is told as finely, and says less of the pose. A pair
    is a larger component and a smaller one, which is written smaller, so that most of the code says the larger. Where
    few codes stand alone, the root is written as such smaller numbers; where there are hardly any, it is left out.
    """
    pairs = model.config.codes_per_frame - alone
    count = alone + 2 * pairs
    root_alone = alone > ROOT
    rooted = ROOT if count > 2 * ROOT else 0
    components = _components(model, motion, body, count - rooted)
    components = torch.cat((components, torch.zeros(len(components), ROOT)), dim=1)
    root = torch.eye(components.shape[1])[-ROOT:][:rooted] * (ROOT_SPREAD if root_alone else 1.0)
    before = alone - ROOT if root_alone else alone + pairs
    lone, larger, smaller = torch.cat((components[:before], root, components[before:])).split((alone, pairs, pairs))
    return torch.cat((lone, torch.stack((larger, SMALLER * smaller), dim=1).flatten(0, 1)))


def _components(model: MotionVQVAE, motion: Tensor, body: Body, count: int) -> Tensor:
    """Rows that make numbers of deviation 1 from normalised channels, `(count, C - 3)`.

    They are principal components in the metric where the length of a difference is how far it moves the body. Numbers
    behind the last component that moves at all are zero.
    """
    values = model.normalize(motion)[:, :, :-ROOT].flatten(0, 1)
    metric = _body_metric(model, motion, body)
    scale, axes = torch.linalg.eigh(metric)
    root_of_metric = axes * scale.sqrt() @ axes.T
    covariance = root_of_metric @ torch.cov(values.T).double() @ root_of_metric
    variance, directions = (part.flip(-1)[..., :count] for part in torch.linalg.eigh(covariance))
    moving = variance > STILL
    components = (directions.T[moving] @ root_of_metric / variance[moving].sqrt()[:, None]).float()
    return F.pad(components, (0, 0, 0, count - len(components)))


def _body_metric(model: MotionVQVAE, motion: Tensor, body: Body) -> Tensor:
    """Mean of JᵀJ, J the derivatives of joints and skin by the normalised channels; square metres."""
    frames = model.normalize(motion).flatten(0, 1)
    frames = frames[torch.linspace(0, len(frames) - 1, SAMPLES).long(), None]
    channels = frames.shape[-1] - ROOT
    steps = STEP * torch.eye(channels, frames.shape[-1])
    points = _points(model, frames, body)
    columns = [(_points(model, frames + step, body) - points) / STEP for step in steps]
    jacobian = torch.stack([column.flatten() for column in columns]).double()  # (C - 3, samples * points * 3)
    return jacobian @ jacobian.T / points[..., 0].numel() + FLOOR * torch.eye(channels, dtype=torch.float64)


def _points(model: MotionVQVAE, frames: Tensor, body: Body) -> Tensor:
    """Joints of normalised frames `(samples, 1, C)`, and as many vertices, which count less; the pelvis stays."""
    rotations, betas, _ = frames_to_matrices(model.denormalize(frames)[:, 0], model.config.rotation)
    places = body.posed_joints(rotations, betas, every_vertex=len(body.v_template) // NUM_BODY_JOINTS)
    joints, vertices = places.tensor_split((NUM_BODY_JOINTS,), dim=1)
    return torch.cat((joints, SKIN**0.5 * vertices), dim=1)


def _set_encoder(encoder: Encoder, numbers: Tensor, alone: int) -> None:
    """Pairs of numbers come to lie round one pole of the sphere of codes, lone numbers on an arc round another."""
    stretches = [block[0] for block in encoder.blocks]
    count = len(numbers)
    for layer in stretches:
        layer.weight.zero_()  # (in, out, kernel)
        layer.bias.zero_()
    first, *between, last = stretches
    _centre(first)[: numbers.shape[1], :count] = numbers.T
    first.bias[count] = 1.0  # what the poles are made of
    for layer in between:
        _centre(layer)[: count + 1, : count + 1] = torch.eye(count + 1)
    start = last.padding[0]
    for number, (code, axis) in enumerate(_places(last.stride[0], alone)):
        last.weight[number, axis, start + code] = SPREAD
        last.weight[count, 1 if code < alone else 2, start + code] = 1.0
    _set_copy(encoder.conv_out, 3)


def _fit_codebook(model: MotionVQVAE, latents: Tensor, alone: int) -> None:
    """k-means, of lone numbers and of pairs by themselves."""
    codes, size = model.config.codes_per_frame, model.config.codebook_size
    frames = latents.unflatten(1, (-1, codes)).flatten(0, 1)
    on_line = int(SHARE_OF_LINE * size) if alone else 0
    parts = ((frames[:, :alone], on_line), (frames[:, alone:], size - on_line))
    model.codebook.start_from(torch.cat([_k_means(part.flatten(0, 1), count) for part, count in parts if count]))


def _k_means(points: Tensor, count: int) -> Tensor:
    """Centres of k-means, of which rare ones move to random points, as in training, until none is rare."""
    chosen = points[torch.randperm(len(points))[:CODEBOOK_POINTS]].numpy()
    generator = np.random.default_rng(int(torch.randint(2**31, ())))
    centres, nearest = kmeans2(chosen, count, iter=CODEBOOK_STEPS, minit="++", rng=generator)
    for _ in range(RESTARTS):
        rare = np.bincount(nearest, minlength=count) < RARE * len(chosen)
        if not rare.any():
            break
        centres[rare] = generator.choice(chosen, rare.sum(), replace=False)
        centres, nearest = kmeans2(chosen, centres, iter=CODEBOOK_STEPS // 3, minit="matrix")
    return F.normalize(torch.from_numpy(centres), dim=-1)


def _fit_decoder(decoder: ExpertDecoder, numbers: Tensor, target: Tensor, alone: int) -> None:
    """The numbers of the codes reach the last layer, which is least squares over a frame and its neighbours.

    Neighbours take off some of what quantisation adds. What the poles add to a code is left out, so that a missing
    code is one of mean numbers (`decode_prefix`).

    Args:
        decoder ([`ExpertDecoder`]): Changed in place.
        numbers (`torch.Tensor` of shape `(clips, frames, numbers)`): As the codebook has them.
        target (`torch.Tensor` of shape `(clips, frames, channels)`): Normalised channels.
        alone (`int`): Codes of one number.
    """
    _set_copy(decoder.conv_in, 2)
    first, *others = (block[0] for block in decoder.blocks)
    first.weight.zero_()  # (out, in, kernel)
    first.bias.zero_()
    for number, (code, axis) in enumerate(_places(first.stride[0], alone)):
        first.weight[number, axis, first.padding[0] + code] = 1 / SPREAD
    count = numbers.shape[2]
    for layer in others:
        _set_copy(layer, count)
    last = decoder.conv_out
    (kernel,), (padding,) = last.kernel_size, last.padding
    context = F.pad(numbers / SPREAD, (0, 0, padding, padding)).unfold(1, kernel, 1).flatten(0, 1).flatten(1)
    # In float64: numbers of neighbouring frames are nearly the same, and float32 loses what tells them apart.
    context, target = context.double(), target.flatten(0, 1).double()
    mean, target_mean = context.mean(dim=0), target.mean(dim=0)
    weight = torch.linalg.lstsq(context - mean, target - target_mean).solution.T
    last.weight.zero_()
    last.weight[:, :count] = weight.unflatten(1, (count, kernel))
    last.bias.copy_(target_mean - weight @ mean)


def _centre(layer: nn.Conv1d | nn.ConvTranspose1d) -> Tensor:
    """The part of a kernel that sees the frame itself."""
    return layer.weight[:, :, layer.padding[0]]


def _set_copy(layer: nn.Module, channels: int) -> None:
    """The first channels pass as they are, the others stop; `nn.Identity` does the first by itself."""
    if isinstance(layer, nn.Conv1d):
        layer.weight.zero_()
        _centre(layer)[:channels, :channels] = torch.eye(channels)
        layer.bias.zero_()
