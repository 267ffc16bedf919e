# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Generation: the grammar of a target, `generate` of transformers under that grammar, and a faster loop.

Which modality stands at a position is known before the position is generated (see `sequences.py`). Only the head of
that modality runs, top-p sees only its codes, and the length of a target is fixed, but for a last segment without a
clock, which `<end>` ends.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers.generation import GenerationConfig, GenerationMixin, LogitsProcessor, LogitsProcessorList
from transformers.masking_utils import create_causal_mask
from transformers.utils import ModelOutput

from .configuration_unimo import UniMoConfig
from .decode_loop import CachedLoop, DecodeLoop
from .modalities import SPECIAL
from .sequences import Sequence, lay_out_codes, read_sequence, sequence_of_ids, stack_sequences

# Modality of a position that may be of any kind, and of an id that no position may get.
_ANY, _NEVER = -1, -2

# Ways to generate from drafts, which are wrong where a task gives a grammar.
_DRAFTING = ("assistant_model", "prompt_lookup_num_tokens", "assistant_early_exit", "use_mtp")

# The paper's sampling: nucleus of 0.8 at temperature 1. Without this transformers would add a top-k of 50.
PAPER_SAMPLING = {"do_sample": True, "top_p": 0.8, "top_k": 0, "temperature": 1.0}


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
            self._check(sequence, input_ids)
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

    def _check(self, sequence: Sequence, input_ids: torch.LongTensor) -> None:
        """Raise `ValueError` where ids are not those of the sequence."""
        length = input_ids.shape[1]
        found = self.vocabulary.modality(input_ids)
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


class UniMoGenerationMixin(GenerationMixin):
    """Hooks that give `generate` the grammar, the positions and the mask; and `generate_target`, which is faster."""

    def set_default_sampling(self) -> None:
        """Make the paper's sampling the default of a model that has no `generation_config.json`."""
        self.generation_config.update(**PAPER_SAMPLING, pad_token_id=self.config.pad_token_id)
        # What is marked as made from a model's configuration is loaded without `task_options`.
        self.generation_config._from_model_config = False

    def sampling_options(self, task: str | None, **overrides: Any) -> dict[str, Any]:
        """Return `do_sample`, `top_p` and `temperature` for a task.

        The generation configuration holds one set for all tasks, and may hold `task_options`, a dictionary of what
        differs for a task (estimation wants the likeliest motion, generation a varied one). `mean_codes` in those is
        for who has the codebook (see [`Decoding`]).

        Args:
            task (`str`, *optional*): Name of a task.
            overrides: Values that go before the defaults; `None` is ignored.
        """
        names = ("do_sample", "top_p", "temperature")
        configured = {name: getattr(self.generation_config, name, None) for name in names}
        options: dict[str, Any] = {name: PAPER_SAMPLING[name] for name in names}
        for source in (configured, self._task_options(task), overrides):
            options.update({name: source[name] for name in names if source.get(name) is not None})
        return options

    def takes_mean_codes(self, task: str) -> bool:
        """Whether the motion codes of a task are mean ones, not sampled or the likeliest, when nothing is said."""
        return bool(self._task_options(task).get("mean_codes"))

    def _task_options(self, task: str | None) -> dict[str, Any]:
        """Return what the generation configuration says for one task alone."""
        return (getattr(self.generation_config, "task_options", None) or {}).get(task, {})

    def generate(
        self,
        inputs: torch.LongTensor | None = None,
        generation_config: GenerationConfig | None = None,
        sequence: Sequence | None = None,
        **kwargs: Any,
    ) -> torch.LongTensor | ModelOutput:
        """Complete the target of every sequence; see [`~transformers.GenerationMixin.generate`].

        Args:
            inputs (`torch.LongTensor` of shape `(batch, length)`):
                `[task] condition [STG]`, left-padded with an `attention_mask` if lengths differ. Codes behind `[STG]`
                are the forced start of the target. Codes without a task go on freely (`max_new_tokens` says how far);
                so do `inputs_embeds` without ids, which count as the codes of a video.
            generation_config (`GenerationConfig`, *optional*): Options; else those of the model and of the task.
            sequence ([`Sequence`], *optional*):
                Layout of the whole, condition and target, as the processor gives it. Read off the ids by default.
            kwargs: As in transformers. The length defaults to the whole target.

        Returns:
            `torch.LongTensor` of shape `(batch, length + target)`, or a [`~transformers.utils.ModelOutput`]. Rows
            that are complete before others end in `<pad>`.

        Raises:
            ValueError: If a sequence has no valid form, or an option is not supported.
        """
        lengths = ("max_new_tokens", "max_length")
        has_length = any(
            kwargs.get(name) is not None or getattr(generation_config, name, None) is not None for name in lengths
        )
        input_ids = inputs if inputs is not None else kwargs.get("input_ids")
        grammar = self._grammar_of(input_ids, kwargs.get("inputs_embeds"), sequence, has_length)
        self._refuse_unsupported(generation_config, kwargs, input_ids, has_task=grammar.sequence is not None)
        if not has_length:
            if not grammar.remaining and input_ids is not None:
                return input_ids
            kwargs["max_new_tokens"] = grammar.remaining
        if generation_config is None:
            own = {name: value for name, value in self._task_options(grammar.task).items() if name != "mean_codes"}
            kwargs = {**own, **kwargs}
        if grammar.end_ids:
            kwargs.setdefault("eos_token_id", grammar.end_ids)
        # In assisted generation the arguments of the model, its grammar among them, come to its assistant too.
        kwargs["target_grammar"] = grammar
        return super().generate(inputs, generation_config, **kwargs)

    def init_continuous_batching(self, *args: Any, **kwargs: Any) -> None:
        """Refuse continuous batching, whichever way it is asked for (`generate_batch`, a manager, a server)."""
        raise NotImplementedError(
            "Continuous batching builds plain causal masks and running positions; UniMo needs its own: use `generate`."
        )

    generate_batch = continuous_batching_context_manager = init_continuous_batching

    def _grammar_of(
        self,
        input_ids: torch.LongTensor | None,
        inputs_embeds: torch.Tensor | None,
        sequence: Sequence | None,
        goes_on: bool,
    ) -> TargetGrammar:
        """Return the grammar of ids, or of embeddings that stand for the codes of a video."""
        if input_ids is not None:
            return TargetGrammar(self.config, input_ids, sequence, goes_on)
        if inputs_embeds is None:
            raise ValueError("`generate` needs `input_ids`: the grammar of the target is read off them.")
        first_ids = torch.zeros(inputs_embeds.shape[:2], dtype=torch.long, device=inputs_embeds.device)
        grammar = TargetGrammar(self.config, first_ids, sequence, goes_on)
        grammar.embedded_length, grammar.start_length = inputs_embeds.shape[1], 0
        return grammar

    def _refuse_unsupported(
        self,
        generation_config: GenerationConfig | None,
        kwargs: dict[str, Any],
        input_ids: torch.LongTensor | None,
        has_task: bool,
    ) -> None:
        """Raise for options that would give a wrong result."""
        for source in (kwargs, vars(generation_config or self.generation_config)):
            if source.get("prefill_chunk_size") is not None:
                raise ValueError(
                    "`prefill_chunk_size` is not supported: the condition attends to all of itself in one pass."
                )
            for option in _DRAFTING if has_task else ():
                if source.get(option):
                    raise ValueError(f"`{option}` is not supported: drafts do not know the grammar of the target.")
            if source.get("guidance_scale") not in (None, 1, 1.0):
                raise ValueError("`guidance_scale` is not supported: UniMo was trained without an empty condition.")
            if source.get("cache_implementation") == "paged":
                raise ValueError("`cache_implementation='paged'` is continuous batching, which is not supported.")
        cache = kwargs.get("past_key_values")
        if cache is not None and input_ids is not None and int(cache.get_seq_length()) >= input_ids.shape[1]:
            raise ValueError(
                f"`past_key_values` holds {int(cache.get_seq_length())} tokens and `input_ids` {input_ids.shape[1]}: "
                "give the ids of the whole sequence, from which positions are read, and not only the new ones."
            )

    def prepare_inputs_for_generation(
        self,
        input_ids: torch.LongTensor,
        next_sequence_length: int | None = None,
        inputs_embeds: torch.Tensor | None = None,
        target_grammar: TargetGrammar | None = None,
        is_first_iteration: bool = False,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Take the new positions out of the whole sequence."""
        sequence = self._whole_sequence(input_ids, target_grammar)
        model_inputs = super().prepare_inputs_for_generation(
            input_ids,
            next_sequence_length=next_sequence_length,
            inputs_embeds=inputs_embeds,
            is_first_iteration=is_first_iteration,
            sequence=sequence,
            **kwargs,
        )
        given = model_inputs.get("inputs_embeds")
        new = (model_inputs["input_ids"] if given is None else given).shape[1]
        model_inputs["sequence"] = sequence[len(sequence) - new :]
        if target_grammar is not None:
            following = target_grammar.modality_at(input_ids.shape[1]).unique().tolist()
            if len(following) == 1 and following[0] > SPECIAL:
                model_inputs["logits_modality"] = target_grammar.name_of(following[0])
        return model_inputs

    def _whole_sequence(self, input_ids: torch.LongTensor, grammar: TargetGrammar | None) -> Sequence:
        """What stands where in ids that were generated so far, and in embeddings in front of them."""
        in_front = 0 if grammar is None else grammar.embedded_length
        length = in_front + input_ids.shape[1]
        known = None if grammar is None else grammar.sequence
        if known is not None and length <= len(known):
            # Beams and several sequences per prompt repeat every row.
            rows = known.modality.shape[0]
            sequence = known[:length] if rows == 1 else known[:length].repeat(len(input_ids) // rows)
        else:
            ids = torch.nn.functional.pad(input_ids, (in_front, 0))  # codes of the first modality, as the embeddings
            sequence = read_sequence(ids, self.config.vocabulary, self.config.table)
        return self.model.arrange(sequence)

    @staticmethod
    def create_masks_for_generate(
        sequence: Sequence | None = None, is_first_iteration: bool = False, **kwargs: Any
    ) -> torch.Tensor | None:
        """Make the mask of a static cache: full in the condition on the first pass, causal afterwards."""
        blocks = None
        if is_first_iteration and sequence is not None:
            batch, length = kwargs["inputs_embeds"].shape[:2]
            blocks = torch.where(sequence.is_target, -1, 0)[:, -length:].expand(batch, -1)
        names = ("config", "inputs_embeds", "attention_mask", "past_key_values", "position_ids")
        return create_causal_mask(**{name: kwargs.get(name) for name in names}, block_sequence_ids=blocks)

    def _get_logits_processor(
        self,
        generation_config: GenerationConfig,
        logits_processor: LogitsProcessorList | None = None,
        model_kwargs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> LogitsProcessorList:
        """Put the grammar in front of every other processor, so that top-p renormalises over what is allowed."""
        own = LogitsProcessorList()
        if model_kwargs is not None and model_kwargs.get("target_grammar") is not None:
            own.append(GrammarLogitsProcessor(model_kwargs["target_grammar"]))
        own.extend(logits_processor or [])
        return super()._get_logits_processor(
            generation_config, logits_processor=own, model_kwargs=model_kwargs, **kwargs
        )

    @torch.no_grad()
    def generate_target(
        self,
        input_ids: torch.LongTensor,
        *,
        sequence: Sequence | None = None,
        forced_target_ids: torch.LongTensor | None = None,
        max_target_ids: int | None = None,
        decoding: Decoding | None = None,
        generator: torch.Generator | None = None,
        on_step: Callable[[int, int], None] | None = None,
    ) -> torch.LongTensor:
        """Complete the targets of a batch of like sequences, faster than `generate` and with the same greedy result.

        Args:
            input_ids (`torch.LongTensor` of shape `(batch, length)`):
                `[task] condition [STG]` and optionally the start of the target; rows of one task and one length, no
                padding.
            sequence ([`Sequence`], *optional*): Layout of the whole, as the processor gives it; read off the ids by
                default.
            forced_target_ids (`torch.LongTensor` of shape `(batch, forced)`, *optional*):
                Unified ids that the target starts with, for a clip that continues another.
            max_target_ids (`int`, *optional*): Stop when the target has so many ids, forced ones included.
            decoding ([`Decoding`], *optional*): How codes are chosen; the task's default.
            generator (`torch.Generator`, *optional*): Source of randomness, on the device of the model.
            on_step (`Callable[[int, int], None]`, *optional*): Called as `on_step(done, total)` after every code.

        Returns:
            `torch.LongTensor` of shape `(batch, target_length)`: Unified ids of the target, forced ones included; the
            whole target unless `max_target_ids` ends it.

        Raises:
            ValueError: If the rows differ in form; use `generate` for those.
        """
        prompt = (
            input_ids if forced_target_ids is None else torch.cat([input_ids, forced_target_ids.to(input_ids)], dim=1)
        )
        prompt = prompt.to(self.device)
        grammar = TargetGrammar(self.config, prompt, sequence)
        sequence = grammar.sequence
        if sequence is None or sequence.condition_length is None:
            raise ValueError(
                "`generate_target` needs rows of one task and one length without padding; use `generate`."
            )
        decoding = decoding or Decoding(**self.sampling_options(grammar.task))
        start = sequence.condition_length if grammar.task else prompt.shape[1]
        names = [grammar.name_of(number) for number in grammar.next_modality[0].tolist()]
        if max_target_ids is not None:
            names = names[: max(0, max_target_ids - (prompt.shape[1] - start))]
        target = prompt.new_full((prompt.shape[0], len(names)), self.config.pad_token_id)
        loop_class = DecodeLoop if DecodeLoop.can_run(self) else CachedLoop
        loop = loop_class(self, sequence, len(prompt))
        has_ended = torch.zeros(len(prompt), dtype=torch.bool, device=prompt.device)
        for step, name in enumerate(names):
            hidden_states = loop.prefill(prompt) if step == 0 else loop.step(target[:, step - 1], names[step - 1])
            logits = self.modality_logits(hidden_states, name)
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
        return torch.cat([prompt[:, start:], target], dim=1)


def nearest_to_mean(logits: torch.Tensor, vectors: torch.Tensor) -> torch.LongTensor:
    """Return the code nearest to the mean of `vectors` `(codes, D)` for every row of `logits` `(batch, codes)`."""
    vectors = vectors.to(logits.device, torch.float32)
    return torch.cdist(logits.float().softmax(-1) @ vectors, vectors).argmin(-1)


__all__ = ["Decoding", "GrammarLogitsProcessor", "TargetGrammar", "UniMoGenerationMixin", "top_p_probabilities"]
