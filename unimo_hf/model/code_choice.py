# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""How one code is chosen among the logits of its modality: sampled, the likeliest, or the nearest to the mean."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch


@dataclass(frozen=True)
class Decoding:
    """How codes are chosen.

    Args:
        do_sample (`bool`): Draw from the nucleus, or take the likeliest code.
        top_p (`float`, *optional*, defaults to 1.0): Mass of the nucleus.
        temperature (`float`, *optional*, defaults to 1.0): Divides the logits. 0 takes the likeliest code.
        vectors (`Mapping[str, torch.Tensor]`, *optional*):
            Vectors `(codes, D)` of modalities whose codes are neither sampled nor the likeliest, but the one nearest
            to the mean vector, whose expected error is the least.
    """

    do_sample: bool
    top_p: float = 1.0
    temperature: float = 1.0
    vectors: Mapping[str, torch.Tensor] = field(default_factory=dict)

    def choose(self, name: str, logits: torch.Tensor, generator: torch.Generator | None) -> torch.LongTensor:
        """Choose one code of a modality for every row of `logits` of shape `(batch, codes)`."""
        if name in self.vectors:
            return nearest_to_mean(logits, self.vectors[name])
        if not self.do_sample or self.temperature == 0:
            return logits.argmax(-1)
        probabilities = top_p_probabilities(logits, self.top_p, self.temperature)
        return torch.multinomial(probabilities, 1, generator=generator)[:, 0]


def top_p_probabilities(logits: torch.Tensor, top_p: float = 1.0, temperature: float = 1.0) -> torch.Tensor:
    """Return the renormalised nucleus distribution.

    Args:
        logits (`torch.Tensor` of shape `(..., codes)`): Logits.
        top_p (`float`, *optional*, defaults to 1.0): A code stays if the mass strictly before it is at most `top_p`.
        temperature (`float`, *optional*, defaults to 1.0): Divides the logits.

    Returns:
        `torch.FloatTensor` of shape `(..., codes)`.

    Source: `sample_top_p` of Cosmos.
    """
    probabilities = (logits.float() / temperature).softmax(-1)
    if top_p >= 1.0:
        return probabilities
    descending, order = probabilities.sort(dim=-1, descending=True)
    before = descending.cumsum(-1) - descending
    kept = descending.masked_fill(before > top_p, 0.0)
    return torch.zeros_like(probabilities).scatter(-1, order, kept / kept.sum(-1, keepdim=True))


def nearest_to_mean(logits: torch.Tensor, vectors: torch.Tensor) -> torch.LongTensor:
    """Return the code nearest to the mean of `vectors` `(codes, D)` for every row of `logits` `(batch, codes)`."""
    vectors = vectors.to(logits.device, torch.float32)
    return nearest_rows(logits.float().softmax(-1) @ vectors, vectors)


def nearest_rows(points: torch.Tensor, rows: torch.Tensor) -> torch.LongTensor:
    """Return the row of `rows` `(N, D)` nearest to each of `points` `(batch, D)`; the first of equally near ones.

    By differences: the product form, `|a|² - 2ab + |b|²`, has lost the digits that tell near rows apart.
    """
    return torch.cdist(points, rows, compute_mode="donot_use_mm_for_euclid_dist").argmin(-1)


__all__ = ["Decoding", "nearest_rows", "nearest_to_mean", "top_p_probabilities"]
