# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What a token is and where it stands: the embedding tables, and the position tables of a sequence."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

from .configuration_unimo import UniMoConfig, checked_rope
from .modalities import SPECIAL
from .positions import absolute_table, coordinates_of, rotary_angles, rotary_frequencies, rotary_table
from .sequences import Sequence

Layer = TypeVar("Layer", nn.Linear, nn.Embedding)
EMBEDDING_STD = 1.0  # of the start values of a table, as in Cosmos


def starting_at(std: float, module: Layer) -> Layer:
    """Note on a projection or table the standard deviation of its start values, which `_init_weights` reads."""
    module.starting_std = std
    return module


class UniMoTokenEmbedding(nn.Module):
    """A table for each modality and one for special tokens behind one id space, and one of persons."""

    def __init__(self, config: UniMoConfig) -> None:
        super().__init__()
        self.vocabulary = config.vocabulary
        # CODEPATH: the paper's Uni-Embed comparison holds all ids in one table.
        self.is_unified = config.ablation == "uni_embed"
        width, std = config.hidden_size, EMBEDDING_STD
        sizes = {"unified": config.vocab_size}
        if not self.is_unified:
            sizes = {**self.vocabulary.sizes, "special": self.vocabulary.num_special}
        for name, size in sizes.items():
            setattr(self, name, starting_at(std, nn.Embedding(size, width)))
        # CODEPATH: the paper has one person in a sequence.
        self.stream = starting_at(std, nn.Embedding(config.streams, width)) if config.streams > 1 else None

    def forward(self, input_ids: torch.LongTensor, sequence: Sequence | None = None) -> torch.Tensor:
        """Look up ids `(batch, length)`, of the first person if nobody says whose; `(batch, length, hidden_size)`."""
        modality = self.vocabulary.modality(input_ids) if sequence is None else sequence.modality
        embedded = self.unified(input_ids) if self.is_unified else self._look_up(input_ids, modality)
        if self.stream is not None:
            stream = torch.zeros_like(modality) if sequence is None else sequence.stream
            embedded = embedded + self.stream(stream).masked_fill((modality == SPECIAL)[..., None], 0.0)
        return embedded

    def codes_of(self, name: str, input_ids: torch.LongTensor, stream: torch.LongTensor) -> torch.Tensor:
        """Look up ids that are all of one modality, `(batch,)`, of persons that broadcast to them."""
        first, _ = self.vocabulary.ranges[name]
        embedded = self.unified(input_ids) if self.is_unified else getattr(self, name)(input_ids - first)
        return embedded if self.stream is None else embedded + self.stream(stream)

    def _look_up(self, input_ids: torch.LongTensor, modality: torch.LongTensor) -> torch.Tensor:
        """Read every table at every position, with ids of other modalities clamped to a valid row and then dropped.

        Cheap look-ups, and no shape that depends on the data.
        """
        vocabulary = self.vocabulary
        embedded = self.special((input_ids - vocabulary.special_offset).clamp(0, vocabulary.num_special - 1))
        for number, (name, (first, end)) in enumerate(vocabulary.ranges.items(), start=1):
            codes = (input_ids - first).clamp(0, end - first - 1)
            embedded = torch.where((modality == number)[..., None], getattr(self, name)(codes), embedded)
        return embedded


class UniMoPositionEmbedding(nn.Module):
    """Rotary table and absolute table of a sequence, made once for all layers."""

    def __init__(self, config: UniMoConfig) -> None:
        super().__init__()
        self.config = config
        for label, (time, space) in self.frequencies().items():
            setattr(self, f"{label}_time_frequencies", nn.Buffer(time, persistent=False))
            setattr(self, f"{label}_space_frequencies", nn.Buffer(space, persistent=False))

    def frequencies(self) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
        """Return the inverse frequencies of every modality: `{name: (time, space)}`."""
        frequencies = {}
        for label, given in (self.config.rope_parameters or {}).items():
            parameters = checked_rope(label, given)  # they may have changed since the configuration was made
            yarn = parameters if parameters["rope_type"] == "cosmos_yarn" else None
            frequencies[label] = rotary_frequencies(self.config.head_dim, parameters["rope_theta"], yarn)
        return frequencies

    def _apply(self, fn: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> "UniMoPositionEmbedding":
        """As in torch, but a model that is cast (`model.half()`) keeps frequencies that are not rounded."""
        super()._apply(fn, recurse)
        for label, (time, space) in self.frequencies().items():
            for name, exact in ((f"{label}_time_frequencies", time), (f"{label}_space_frequencies", space)):
                if getattr(self, name).dtype != exact.dtype:
                    setattr(self, name, exact.to(getattr(self, name).device))
        return self

    @torch.no_grad()
    def forward(
        self, sequence: Sequence, dtype: torch.dtype
    ) -> tuple[tuple[torch.Tensor, torch.Tensor], torch.Tensor | None]:
        """Return the tables of the positions.

        Args:
            sequence ([`Sequence`]): What stands where.
            dtype (`torch.dtype`): Of the result.

        Returns:
            `((cos, sin), absolute)`: cos and sin of shape `(batch, length, head_dim)`; the absolute embedding of shape
            `(batch, length, hidden_size)`, `(batch, length, head_dim)` for `ape_mode="qk"`, or `None`. Special tokens
            stand nowhere.
        """
        config, index = self.config, sequence.index
        angles: torch.Tensor | float = 0.0
        places: torch.Tensor | float = 0.0
        for number, (name, modality) in enumerate(sequence.table.items(), start=1):
            is_here = (sequence.modality == number)[..., None]
            # CODEPATH: with one rotary embedding, all codes go on counting along the grid of the first modality.
            if config.ablation == "uni_embed":
                name, modality = next(iter(sequence.table.items()))
            angles = torch.where(is_here, self._angles(coordinates_of(index, modality), name), angles)
            places = torch.where(is_here, coordinates_of(index, modality, config.absolute_clock(name)), places)
        cos, sin = rotary_table(angles)
        is_special = (sequence.modality == SPECIAL)[..., None]
        return (cos.to(dtype), sin.to(dtype)), self._absolute(places, is_special, dtype)

    def _angles(self, coordinates: torch.Tensor, label: str) -> torch.Tensor:
        """Return rotation angles with the frequencies of one modality."""
        time = getattr(self, f"{label}_time_frequencies").float()
        return rotary_angles(coordinates, time, getattr(self, f"{label}_space_frequencies").float())

    def _absolute(self, places: torch.Tensor, is_special: torch.Tensor, dtype: torch.dtype) -> torch.Tensor | None:
        """Return the absolute embedding, zero at special tokens."""
        config = self.config
        if config.ape_mode == "none":
            return None
        dim = config.head_dim if config.ape_mode == "qk" else config.hidden_size
        table = absolute_table(places, dim, config.ape_theta)
        return table.masked_fill(is_special, 0.0).to(dtype)
