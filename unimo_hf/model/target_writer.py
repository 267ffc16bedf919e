# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Writing the targets of a batch of like sequences, several behind one pass over the condition if need be."""

from collections.abc import Callable

import torch
from transformers import PreTrainedModel

from .code_choice import Decoding
from .decode_loop import CachedLoop, DecodeLoop
from .sequences import Sequence
from .target_grammar import TargetGrammar, check_start


class TargetWriter:
    """A prompt whose keys and values are computed once, and the targets that are written behind it.

    Args:
        model (`UniMoForConditionalGeneration`): The model.
        input_ids (`torch.LongTensor` of shape `(batch, length)`): As `generate_target` takes them.
        sequence ([`Sequence`], *optional*): Layout of the whole; read off the ids by default.

    Raises:
        ValueError: If the rows differ in form; use `generate` for those.
    """

    def __init__(self, model: PreTrainedModel, input_ids: torch.LongTensor, sequence: Sequence | None = None) -> None:
        self.model, self.prompt = model, input_ids.to(model.device)
        self.grammar = TargetGrammar(model.config, self.prompt, sequence)
        sequence = self.grammar.sequence
        if sequence is None or sequence.condition_length is None:
            raise ValueError(
                "`generate_target` needs rows of one task and one length without padding; use `generate`."
            )
        self.sequence = sequence
        self.start = sequence.condition_length if self.grammar.task else self.prompt.shape[1]
        loop_class = DecodeLoop if DecodeLoop.can_run(model) else CachedLoop
        self.loop = loop_class(model, sequence, len(self.prompt))
        self._behind_prompt: torch.Tensor | None = None  # hidden state of its last position, `(batch, hidden_size)`

    @torch.no_grad()
    def write(
        self,
        *,
        forced_target_ids: torch.LongTensor | None = None,
        max_target_ids: int | None = None,
        decoding: Decoding | None = None,
        generator: torch.Generator | None = None,
        on_step: Callable[[int, int], None] | None = None,
    ) -> torch.LongTensor:
        """Write one target, as `generate_target` does; the next call writes another behind the same prompt.

        The prompt is run with the first call, in one pass with what that call forces. What a later one forces is run
        code by code.

        Returns:
            `torch.LongTensor` of shape `(batch, target_length)`: Unified ids, the target's start in the prompt and the
            forced ones included.
        """
        model, grammar = self.model, self.grammar
        decoding = decoding or Decoding(**model.sampling_options(grammar.task))
        forced = self.prompt[:, :0] if forced_target_ids is None else forced_target_ids.to(self.prompt)
        written = torch.cat([self.prompt[:, self.start :], forced], dim=1)
        names = [grammar.name_of(number) for number in grammar.next_modality[0].tolist()]
        if forced.shape[1]:
            check_start(self.sequence, torch.cat([self.prompt, forced], dim=1), grammar.vocabulary)
        forced_names, names = names[: forced.shape[1]], names[forced.shape[1] :]
        if max_target_ids is not None:
            names = names[: max(0, max_target_ids - written.shape[1])]
        if not names:
            return written
        target = self.prompt.new_full((len(self.prompt), len(names)), model.config.pad_token_id)
        hidden_states = self._run(forced, forced_names)
        has_ended = torch.zeros(len(self.prompt), dtype=torch.bool, device=self.prompt.device)
        for step, name in enumerate(names):
            if step:
                hidden_states = self.loop.step(target[:, step - 1], names[step - 1])
            logits = model.modality_logits(hidden_states, name)
            if step == 0 and not bool(logits.isfinite().all()):
                raise ValueError(f"The model's logits are no finite numbers: its weights are beyond {logits.dtype}.")
            codes = decoding.choose(name, logits, generator)
            target[:, step] = codes + grammar.vocabulary.ranges[name][0]
            if not grammar.table[name].has_clock:
                # What stands behind the end of a row is thrown away when all rows have ended.
                has_ended |= codes == grammar.table[name].end
                if bool(has_ended.all()):
                    break
            if on_step is not None:
                on_step(step + 1, len(names))
        return torch.cat([written, target], dim=1)

    def _run(self, forced: torch.LongTensor, names: list[str]) -> torch.Tensor:
        """Run the prompt, or go back to its end, and then what is forced; returns the last hidden state."""
        end = self.prompt.shape[1]
        if self._behind_prompt is None:
            states = self.loop.prefill(torch.cat([self.prompt, forced], dim=1))
            self._behind_prompt = states[:, end - 1].clone()
            return states[:, -1]
        self.loop.go_back(end)
        hidden_states = self._behind_prompt
        for ids, name in zip(forced.unbind(1), names, strict=True):
            hidden_states = self.loop.step(ids, name)
        return hidden_states


__all__ = ["TargetWriter"]
