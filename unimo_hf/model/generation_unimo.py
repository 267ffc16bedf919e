# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""`generate` of transformers under the grammar of a target, and a faster loop."""

from collections.abc import Callable
from typing import Any

import torch
from transformers.generation import GenerationConfig, GenerationMixin, LogitsProcessorList
from transformers.masking_utils import create_causal_mask
from transformers.utils import ModelOutput

from .code_choice import Decoding, nearest_to_mean, top_p_probabilities
from .modalities import SPECIAL
from .sequences import Sequence, read_sequence
from .target_grammar import GrammarLogitsProcessor, TargetGrammar
from .target_writer import TargetWriter

# Ways to generate from drafts, which are wrong where a task gives a grammar.
_DRAFTING = ("assistant_model", "prompt_lookup_num_tokens", "assistant_early_exit", "use_mtp")

# The paper's sampling: nucleus of 0.8 at temperature 1. Without this transformers would add a top-k of 50.
PAPER_SAMPLING = {"do_sample": True, "top_p": 0.8, "top_k": 0, "temperature": 1.0}


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
        writer = TargetWriter(self, input_ids, sequence)
        return writer.write(
            forced_target_ids=forced_target_ids,
            max_target_ids=max_target_ids,
            decoding=decoding,
            generator=generator,
            on_step=on_step,
        )


__all__ = [
    "Decoding",
    "GrammarLogitsProcessor",
    "TargetGrammar",
    "UniMoGenerationMixin",
    "nearest_to_mean",
    "top_p_probabilities",
]
