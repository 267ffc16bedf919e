# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What a token is and where it stands: the embedding tables, and the position tables of a sequence."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

from .configuration_unimo import UniMoConfig
from .positions import (
    absolute_table,
    by_modality,
    motion_coordinates,
    rotary_angles,
    rotary_frequencies,
    rotary_table,
    visual_coordinates,
)
from .tasks import SequenceLayout
from .vocabulary import MOTION, SPECIAL, VISUAL

Layer = TypeVar("Layer", nn.Linear, nn.Embedding)


def starting_at(std: float, module: Layer) -> Layer:
    """Note on a projection or table the standard deviation of its start values, which `_init_weights` reads."""
    module.starting_std = std
    return module


class UniMoTokenEmbedding(nn.Module):
    """Embedding tables for visual, motion and special tokens behind one id space."""

    def __init__(self, config: UniMoConfig) -> None:
        super().__init__()
        self.vocabulary = config.vocabulary
        # CODEPATH: the paper's Uni-Embed comparison holds all ids in one table.
        self.is_unified = config.ablation == "uni_embed"
        width, std = config.hidden_size, config.embedding_initializer_range
        if self.is_unified:
            self.unified = starting_at(std, nn.Embedding(config.vocab_size, width))
        else:
            self.visual = starting_at(std, nn.Embedding(config.visual_vocab_size, width))
            self.motion = starting_at(std, nn.Embedding(config.motion_vocab_size, width))
            self.special = starting_at(std, nn.Embedding(config.num_special_tokens, width))

    def forward(self, input_ids: torch.LongTensor) -> torch.Tensor:
        """Look up `input_ids` of any shape; returns `(..., hidden_size)`."""
        if self.is_unified:
            return self.unified(input_ids)
        vocabulary = self.vocabulary
        modality = vocabulary.modality(input_ids)[..., None]
        # Every table is read at every position, with ids of other modalities clamped to a valid row and then dropped:
        # three cheap look-ups, and no shape that depends on the data.
        visual = self.visual(input_ids.clamp(max=vocabulary.visual_size - 1))
        motion = self.motion((input_ids - vocabulary.motion_offset).clamp(0, vocabulary.motion_size - 1))
        special = self.special((input_ids - vocabulary.special_offset).clamp(min=0))
        return torch.where(modality == VISUAL, visual, torch.where(modality == MOTION, motion, special))


class UniMoPositionEmbedding(nn.Module):
    """Rotary table and absolute table of a sequence, made once for all layers."""

    def __init__(self, config: UniMoConfig) -> None:
        super().__init__()
        self.config = config
        for label, (time, space) in self.frequencies().items():
            setattr(self, f"{label}_time_frequencies", nn.Buffer(time, persistent=False))
            setattr(self, f"{label}_space_frequencies", nn.Buffer(space, persistent=False))

    def frequencies(self) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
        """Return the inverse frequencies of both modalities: `{label: (time, space)}`."""
        frequencies = {}
        for label, parameters in (self.config.rope_parameters or {}).items():
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
        self, modality: torch.LongTensor, index: torch.LongTensor, layout: SequenceLayout, dtype: torch.dtype
    ) -> tuple[tuple[torch.Tensor, torch.Tensor], torch.Tensor | None]:
        """Return the tables of the positions.

        Args:
            modality (`torch.LongTensor` of shape `(batch, length)`): 0 special, 1 visual, 2 motion.
            index (`torch.LongTensor` of shape `(batch, length)`): Index of a code inside its modality.
            layout (`SequenceLayout`): Gives the grid of visual codes and the codes of a frame.
            dtype (`torch.dtype`): Of the result.

        Returns:
            `((cos, sin), absolute)`: cos and sin of shape `(batch, length, head_dim)`; the absolute embedding of shape
            `(batch, length, hidden_size)`, `(batch, length, head_dim)` for `ape_mode="qk"`, or `None`.
        """
        config = self.config
        visual = visual_coordinates(index, layout.height, layout.width)
        # CODEPATH: with one rotary embedding, motion codes go on counting along the visual grid.
        if config.ablation == "uni_embed":
            rotary_motion, absolute_motion, motion_label = visual, visual, "visual"
        else:
            frames = layout.temporal_compression
            slots = (index, layout.codes_per_frame, config.motion_grid[1])
            rotary_unit = frames if config.motion_time_unit == "latent" else 1
            absolute_unit = frames if config.ape_time_unit == "latent" else 1
            rotary_motion = motion_coordinates(*slots, config.motion_rope_layout, rotary_unit)
            absolute_motion = motion_coordinates(*slots, "grid", absolute_unit)
            motion_label = "motion"
        angles = by_modality(modality, self._angles(visual, "visual"), self._angles(rotary_motion, motion_label))
        cos, sin = rotary_table(angles)
        return (cos.to(dtype), sin.to(dtype)), self._absolute(modality, visual, absolute_motion, dtype)

    def _angles(self, coordinates: torch.Tensor, label: str) -> torch.Tensor:
        """Return rotation angles with the frequencies of one modality."""
        time = getattr(self, f"{label}_time_frequencies").float()
        return rotary_angles(coordinates, time, getattr(self, f"{label}_space_frequencies").float())

    def _absolute(
        self, modality: torch.LongTensor, visual: torch.Tensor, motion: torch.Tensor, dtype: torch.dtype
    ) -> torch.Tensor | None:
        """Return the absolute embedding, scaled, zero at special tokens."""
        config = self.config
        if config.ape_mode == "none":
            return None
        dim = config.head_dim if config.ape_mode == "qk" else config.hidden_size
        table = absolute_table(torch.where((modality == VISUAL)[..., None], visual, motion), dim, config.ape_theta)
        return (table.masked_fill((modality == SPECIAL)[..., None], 0.0) * config.ape_scale).to(dtype)
