# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The grammar of a target: which modality stands at each position that is still to come, and what that leaves of ids.

Which modality stands at a position is known before the position is generated (see `sequences.py`). Only the head of
that modality runs, top-p sees only its codes, and the length of a target is fixed, but for a last segment without a
clock, which `<end>` ends.
"""

import torch
from transformers.generation import LogitsProcessor

from .configuration_unimo import UniMoConfig
from .modalities import SPECIAL
from .sequences import Sequence, lay_out_codes, sequence_of_ids, stack_sequences
from .vocabulary import Vocabulary

# Modality of a position that may be of any kind, and of an id that no position may get.
_ANY, _NEVER = -1, -2


class TargetGrammar:
    """The modality of every position that a batch of sequences still has to get.

    Args:
        config (`UniMoConfig`): Gives the id layout, the interleaving and the length of a clip.
        input_ids (`torch.LongTensor` of shape `(batch, length)`):
            Left-padded sequences: `[task] condition [STG]`, and optionally the start of the target. Rows of codes of
            the first modality alone, without a task, go on with such until the clip is full, as in Cosmos.
        sequence ([`Sequence`], *optional*): The whole of what is to come to be, when the caller knows it.
        goes_on (`bool`, *optional*, defaults to `False`):
            Whether rows without a task have no end: rows of codes of the first modality get such, others codes of any
            kind.

    Attributes:
        sequence ([`Sequence`], *optional*): What stands where, of 1 or `batch` rows, as far as it is known.
        next_modality (`torch.LongTensor` of shape `(batch, remaining)`): 0 where a row is complete.
        embedded_length (`int`): How many codes in front of the ids are given as embeddings.

    Raises:
        ValueError: If a row has no valid form. The message names the row.
    """

    def __init__(
        self,
        config: UniMoConfig,
        input_ids: torch.LongTensor,
        sequence: Sequence | None = None,
        goes_on: bool = False,
    ) -> None:
        self.vocabulary, self.table = config.vocabulary, config.table
        self.start_length, self.embedded_length = input_ids.shape[1], 0
        self.sequence, beyond = sequence, [SPECIAL] * len(input_ids)
        if sequence is None:
            rows, beyond = self._read_rows(config, input_ids, goes_on)
            if len({kind == SPECIAL for kind in beyond}) > 1:
                raise ValueError("`input_ids` has rows with a task and rows of codes alone; give them one by one.")
            if beyond[0] == SPECIAL:
                in_front = [int((ids == self.vocabulary.pad_id).sum()) for ids in input_ids]
                self.sequence = stack_sequences(rows, in_front)
        else:
            check_start(sequence, input_ids, self.vocabulary)
        self.task = None if self.sequence is None else self.sequence.task
        self.beyond = torch.tensor(beyond, device=input_ids.device)
        if self.sequence is None:
            remaining = self.beyond.new_empty(len(input_ids), 0)
        else:
            remaining = self.sequence.modality[:, self.start_length :].to(input_ids.device)
        self.next_modality = remaining.expand(len(input_ids), -1)

    @property
    def remaining(self) -> int:
        """`int`: Number of positions to generate until every row is complete."""
        return self.next_modality.shape[1]

    @property
    def end_ids(self) -> list[int]:
        """`list[int]`: Ids that end a row before its length does."""
        numbers = self.next_modality.unique().tolist()
        return [
            self.vocabulary.ranges[name][0] + kind.end
            for number, (name, kind) in enumerate(self.table.items(), start=1)
            if not kind.has_clock and number in numbers
        ]

    def modality_at(self, length: int) -> torch.LongTensor:
        """Return the modality, `(batch,)`, of the position behind `length` tokens.

        0 where a row is complete, -1 where any kind may stand.
        """
        step = length - self.start_length
        return self.next_modality[:, step] if step < self.remaining else self.beyond

    def name_of(self, number: int) -> str:
        """Return the name of a modality."""
        return list(self.table)[number - 1]

    def _read_rows(
        self, config: UniMoConfig, input_ids: torch.LongTensor, goes_on: bool
    ) -> tuple[list[Sequence], list[int]]:
        """Return what every row begins, and the modality of all positions behind that."""
        rows, beyond = [], []
        for row, ids in enumerate(input_ids.cpu()):
            try:
                ids = ids[ids != self.vocabulary.pad_id]
                kind = SPECIAL
                sequence = sequence_of_ids(ids, self.vocabulary, self.table, config.frames, config.interleaving)
                if sequence is None:
                    sequence, kind = self._read_codes(config, ids, goes_on)
                rows.append(sequence)
                beyond.append(kind)
            except ValueError as error:
                raise ValueError(f"Row {row} of `input_ids`: {error}") from error
        return rows, beyond

    def _read_codes(self, config: UniMoConfig, ids: torch.LongTensor, goes_on: bool) -> tuple[Sequence, int]:
        """Return the clip that codes without a task begin, and the modality of all positions behind that."""
        first, modality = next(iter(self.table)), self.vocabulary.modality(ids)
        is_of_first = bool((modality == 1).all())
        if bool((modality == SPECIAL).any()) or not (goes_on or is_of_first):
            raise ValueError(
                f"holds codes without a task, and not of {first!r} alone; such go on freely if `max_new_tokens` says "
                "how far."
            )
        beyond = (1 if is_of_first else _ANY) if goes_on else SPECIAL
        return lay_out_codes(first, self.table, config.frames), beyond


def check_start(sequence: Sequence, input_ids: torch.LongTensor, vocabulary: Vocabulary) -> None:
    """Raise `ValueError` where ids `(batch, length)` do not begin a sequence."""
    length, found = input_ids.shape[1], vocabulary.modality(input_ids)
    if length > len(sequence) or bool((found != sequence.modality[:, :length].to(found.device)).any()):
        raise ValueError(f"`input_ids` of {length} tokens are not those of `sequence`, of {len(sequence)}.")


class GrammarLogitsProcessor(LogitsProcessor):
    """Leave each row only the codes of this position, as log-probabilities, and `<pad>` when it is complete."""

    def __init__(self, grammar: TargetGrammar) -> None:
        self.grammar = grammar
        vocabulary = grammar.vocabulary
        ids = torch.arange(vocabulary.size, device=grammar.next_modality.device)
        modality = vocabulary.modality(ids)
        # `<pad>` is the one special token that may ever be written.
        self.modality_of_id = modality.masked_fill((modality == SPECIAL) & (ids != vocabulary.pad_id), _NEVER)

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """Mask `scores` of shape `(batch, vocab_size)`."""
        modality = self.grammar.modality_at(input_ids.shape[1])
        # Beams and several sequences per prompt repeat every row.
        modality = modality.repeat_interleave(scores.shape[0] // modality.shape[0]).to(scores.device)[:, None]
        modality_of_id = self.modality_of_id.to(scores.device)
        is_allowed = (modality_of_id == modality) | ((modality == _ANY) & (modality_of_id > SPECIAL))
        # Log-probabilities among what is allowed: beam search adds them up over steps, whatever stood beside them.
        return scores.masked_fill(~is_allowed, float("-inf")).log_softmax(-1)


__all__ = ["GrammarLogitsProcessor", "TargetGrammar"]
