# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""How a codebook is used, and how well its codes can be guessed from those before them."""

import math
import warnings
from dataclasses import dataclass

import torch

# How much a context trusts the shorter one, of which the best is taken.
STRENGTHS = (0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128)


@dataclass(frozen=True)
class CodebookUse:
    """How much of a codebook is used.

    Attributes:
        distinct (`int`): Different codes that occur.
        utilisation_percent (`float`): 100 · distinct / size of the codebook.
        perplexity (`float`): exp of the entropy of the codes' frequencies: how many equally frequent codes would be
            as varied.
    """

    distinct: int
    utilisation_percent: float
    perplexity: float


def codebook_use(codes: torch.Tensor, codebook_size: int) -> CodebookUse:
    """Count the codes in use (the paper's table 5 encodes 100 random test samples).

    Args:
        codes (`torch.Tensor` of integers, any shape): Codes of all samples.
        codebook_size (`int`): Number of codes that exist.

    Raises:
        ValueError: If there are no codes, or one is outside the codebook.
    """
    codes = torch.as_tensor(codes).flatten().long()
    if not codes.numel():
        raise ValueError("codes is empty; at least one code is needed.")
    _check_range(codes, codebook_size)
    counts = torch.unique(codes, return_counts=True)[1].double()
    share = counts / counts.sum()
    return CodebookUse(
        distinct=len(counts),
        utilisation_percent=100.0 * len(counts) / codebook_size,
        perplexity=math.exp(-float((share * share.log()).sum())),
    )


def next_code_entropy(codes: torch.Tensor, codebook_size: int, order: int = 2) -> float:
    """How hard the next code of a sequence is to guess: bits a code under a model that counts.

    The model knows the slot of a code in its frame, then (order 1) the code of that slot in the frame before, then
    (order 2) the code just before. Longer contexts are mixed with shorter ones as Witten and Bell (1991) do,
    p(x | h) = (n(h, x) + s t(h) p(x | shorter h)) / (n(h) + s t(h)), where t(h) is the number of different codes that
    followed h and s, one number an order, the best of `STRENGTHS`. Each half of the clips is predicted from the counts
    of the other.

    Args:
        codes (`torch.Tensor` of integers, of shape `(clips, frames, codes_per_frame)`): Clips that are alike stand
            together, so that the halves differ.
        codebook_size (`int`): Number of codes that exist.
        order (`int`, *optional*, defaults to 2): Codes before that count: 0, 1 or 2.

    Returns:
        `float`: Bits a code, log2(codebook_size) if nothing helps. One clip alone has nothing to count in: that number
        is given, with a warning.

    Raises:
        ValueError: If the shape is wrong, there are no codes, or one is outside the codebook.
    """
    if codes.ndim != 3 or not codes.numel():
        raise ValueError(f"codes has shape {tuple(codes.shape)}; it must be (clips, frames, codes_per_frame).")
    if order not in (0, 1, 2):
        raise ValueError(f"order is {order}; allowed are 0, 1 and 2.")
    _check_range(codes, codebook_size)
    if len(codes) < 2:
        warnings.warn("One clip alone has no next-code entropy; that of a uniform guess is given.", stacklevel=2)
        return math.log2(codebook_size)
    sequence = codes.long().cpu().flatten(1)
    contexts = _contexts(sequence, codes.shape[2], codebook_size)[: order + 1]
    half = len(codes) // 2
    first, second = slice(None, half), slice(half, None)
    bits = _bits(contexts, sequence, first, second, codebook_size)
    return (bits + _bits(contexts, sequence, second, first, codebook_size)) / codes.numel()


def _contexts(sequence: torch.Tensor, codes_per_frame: int, codebook_size: int) -> list[torch.Tensor]:
    """Number of the context of each code `(clips, frames * codes_per_frame)`, for each order."""
    clips, length = sequence.shape
    found = [torch.arange(codes_per_frame).repeat(length // codes_per_frame).expand(clips, -1)]
    for back in (codes_per_frame, 1):
        # Before the first code stands a symbol of its own.
        before = torch.nn.functional.pad(sequence, (back, 0), value=codebook_size)[:, :length]
        found.append(found[-1] * (codebook_size + 1) + before)
    return found


def _bits(contexts: list[torch.Tensor], sequence: torch.Tensor, counted: slice, predicted: slice, size: int) -> float:
    """Length in bits of the clips `predicted`, by the counts of the clips `counted`."""
    codes = sequence[predicted].flatten()
    probability = torch.full(codes.shape, 1 / size, dtype=torch.float64)
    for context in contexts:
        pairs, pair_counts = torch.unique(context[counted] * size + sequence[counted], return_counts=True)
        heads, position, kinds = torch.unique(pairs // size, return_inverse=True, return_counts=True)
        totals = torch.zeros_like(kinds).index_add_(0, position, pair_counts)
        head = context[predicted].flatten()
        seen = _look_up(pairs, pair_counts, head * size + codes)
        total, different = _look_up(heads, totals, head), _look_up(heads, kinds, head)
        # A context that never occurred leaves the probability as it is.
        known = total > 0
        mixtures = [
            torch.where(known, (seen + s * different * probability) / (total + s * different), probability)
            for s in STRENGTHS
        ]
        probability = max(mixtures, key=lambda mixture: float(mixture.log2().sum()))
    return -float(probability.log2().sum())


def _look_up(keys: torch.Tensor, values: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Values of sorted keys as float64, 0 for a key that is not there."""
    position = torch.searchsorted(keys, wanted).clamp(max=len(keys) - 1)
    return torch.where(keys[position] == wanted, values[position], 0).double()


def _check_range(codes: torch.Tensor, codebook_size: int) -> None:
    low, high = int(codes.min()), int(codes.max())
    if low < 0 or high >= codebook_size:
        raise ValueError(f"codes range from {low} to {high}; allowed are 0 to {codebook_size - 1}.")
