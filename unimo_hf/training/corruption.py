# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Codes that are replaced at the input, so that a model can't trust its history; labels stay."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from unimo_hf.model.generation_unimo import Decoding
from unimo_hf.model.sequences import Sequence
from unimo_hf.model.vocabulary import Vocabulary
from unimo_hf.training.unimo_recipe import Corruption

IGNORED = -100  # label of what isn't predicted


def corrupt(
    input_ids: Tensor, sequence: Sequence, corruption: Mapping[str, Corruption], vocabulary: Vocabulary
) -> Tensor:
    """Replace some codes by those of another clip and by random ones.

    Args:
        input_ids (`torch.LongTensor` of shape `(B, length)`): Whole sequences.
        sequence ([`Sequence`]): Their layout.
        corruption (`Mapping[str, Corruption]`): What is replaced, by modality.
        vocabulary ([`Vocabulary`]): Whose ids are which.

    Returns:
        `torch.LongTensor`: Of the same shape.
    """
    for name, shares in corruption.items():
        if shares.foreign:
            is_foreign = in_target(sequence, name) & (draw_for_clips(input_ids) < shares.foreign)
            input_ids = torch.where(is_foreign, input_ids.roll(1, dims=0), input_ids)
    for name, shares in corruption.items():
        if shares.noise:
            is_here = in_target(sequence, name)
            is_here = is_here if bool(is_here.any()) else sequence.holds(name)
            share = draw_for_clips(input_ids) * shares.noise
            is_noise = is_here & (torch.rand(input_ids.shape, device=input_ids.device) < share)
            first, size = vocabulary.ranges[name][0], sequence.table[name].size
            input_ids = torch.where(is_noise, torch.randint_like(input_ids, size) + first, input_ids)
    return input_ids


@torch.no_grad()
def scheduled_sampling(
    input_ids: Tensor,
    labels: Tensor,
    sequence: Sequence,
    corruption: Mapping[str, Corruption],
    vocabulary: Vocabulary,
    say: Callable[[Tensor, Tensor, Sequence], dict[str, tuple[Tensor, Tensor]]],
    decoding: Decoding,
) -> Tensor:
    """Replace the targets of some clips by what the model says to that input.

    Args:
        input_ids (`torch.LongTensor` of shape `(B, length)`): Whole sequences.
        labels (`torch.LongTensor` of that shape): Where the targets are.
        sequence ([`Sequence`]): Their layout.
        corruption (`Mapping[str, Corruption]`): What is replaced, by modality.
        vocabulary ([`Vocabulary`]): Whose ids are which.
        say (`Callable`): Gives logits and codes of the targets of each modality for ids, labels and layout.
        decoding ([`Decoding`]): How a code is chosen.

    Returns:
        `torch.LongTensor`: Of the same shape.
    """
    shares = {name: one.scheduled_sampling for name, one in corruption.items() if one.scheduled_sampling}
    if not shares:
        return input_ids
    drawn = {
        name: (labels != IGNORED) & sequence.holds(name) & (draw_for_clips(input_ids) < share)
        for name, share in shares.items()
    }
    is_drawn = torch.stack(list(drawn.values())).any(dim=0)
    # Only the clips that are drawn. One at least, whatever the task: weights that are spread over processes are
    # gathered in all of them or in none.
    clips = is_drawn.any(dim=1).nonzero()[:, 0] if bool(is_drawn.any()) else torch.zeros_like(labels[:1, 0])
    # Labels of those codes alone spare the heads of others.
    said = say(input_ids[clips], labels.masked_fill(~is_drawn, IGNORED)[clips], sequence)
    for name, is_own in drawn.items():
        codes = decoding.choose(name, said[name][0], None)
        input_ids = input_ids.masked_scatter(is_own, codes + vocabulary.ranges[name][0])
    return input_ids


def in_target(sequence: Sequence, name: str) -> Tensor:
    """Where the codes of a modality have to be produced, `(1, length)`."""
    return sequence.holds(name) & sequence.is_target


def draw_for_clips(sequences: Tensor) -> Tensor:
    """A uniform number for each clip, `(B, 1)`."""
    return torch.rand(len(sequences), 1, device=sequences.device)
