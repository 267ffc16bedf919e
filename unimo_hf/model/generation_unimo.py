# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Generation: the grammar of a target, `generate` of transformers under that grammar, and a faster loop.

Which modality stands at a position is known before the position is generated (see `tasks.py`). Only the head of that
modality runs, top-p sees only its codes, and the length of a target is fixed, so nothing has to stop it.
"""

from collections.abc import Callable
from typing import Any

import torch
from transformers.generation import GenerationConfig, GenerationMixin, LogitsProcessor, LogitsProcessorList
from transformers.masking_utils import create_causal_mask
from transformers.utils import ModelOutput

from .configuration_unimo import UniMoConfig
from .decode_loop import CachedLoop, DecodeLoop
from .tasks import TASKS, SequenceLayout, TaskSchedule
from .vocabulary import MOTION, SPECIAL, VISUAL

# Modality of a position that may be of either kind, and of an id that no position may get.
_ANY, _NEVER = -1, -2

# Ways to generate from drafts, which are wrong where a task gives a grammar.
_DRAFTING = ("assistant_model", "prompt_lookup_num_tokens", "assistant_early_exit", "use_mtp")

# The paper's sampling: nucleus of 0.8 at temperature 1. Without this transformers would add a top-k of 50.
PAPER_SAMPLING = {"do_sample": True, "top_p": 0.8, "top_k": 0, "temperature": 1.0}


class TargetGrammar:
    """The modality of every position that a batch of sequences still has to get.

    Args:
        config (`UniMoConfig`): Gives the id layout, the interleaving and the full layout.
        input_ids (`torch.LongTensor` of shape `(batch, length)`):
            Left-padded sequences: `[task] condition [STG]`, and optionally the start of the target. Rows of visual ids
            alone, without a task, go on with visual codes until the clip is full, as in Cosmos.
        layout (`SequenceLayout`, *optional*):
            Size of the clip. By default that of the configuration, with as many latent frames as the condition of a
            video-to-motion row has.
        goes_on (`bool`, *optional*, defaults to `False`):
            Whether rows without a task have no end: rows of visual ids get visual codes, rows that hold motion ids
            codes of both kinds.

    Attributes:
        tasks (`list[str | None]`): Name of the task of every row.
        next_modality (`torch.LongTensor` of shape `(batch, remaining)`): 0 where a row is complete.
        embedded_length (`int`): How many visual codes in front of the ids are given as embeddings.

    Raises:
        ValueError: If a row has no valid form. The message names the row.
    """

    def __init__(
        self,
        config: UniMoConfig,
        input_ids: torch.LongTensor,
        layout: SequenceLayout | None = None,
        goes_on: bool = False,
    ) -> None:
        self.vocabulary = config.vocabulary
        self.start_length, self.embedded_length = input_ids.shape[1], 0
        self.tasks, remaining, beyond = [], [], []
        for row, ids in enumerate(input_ids.cpu()):
            try:
                task, modality, last = self._read_row(config, ids, layout, goes_on)
            except ValueError as error:
                raise ValueError(f"Row {row} of `input_ids`: {error}") from error
            self.tasks.append(task)
            remaining.append(modality)
            beyond.append(last)
        length = max(len(modality) for modality in remaining)
        rows = [
            torch.cat([row, row.new_full((length - len(row),), last)])
            for row, last in zip(remaining, beyond, strict=True)
        ]
        self.next_modality = torch.stack(rows).to(input_ids.device)
        self.beyond = torch.tensor(beyond, device=input_ids.device)

    @property
    def remaining(self) -> int:
        """`int`: Number of positions to generate until every row is complete."""
        return self.next_modality.shape[1]

    def modality_at(self, length: int) -> torch.LongTensor:
        """Return the modality, `(batch,)`, of the position behind `length` tokens.

        0 where a row is complete, -1 where either kind may stand.
        """
        step = length - self.start_length
        return self.next_modality[:, step] if step < self.remaining else self.beyond

    def _read_row(
        self, config: UniMoConfig, ids: torch.LongTensor, layout: SequenceLayout | None, goes_on: bool
    ) -> tuple[str | None, torch.LongTensor, int]:
        """Return the task of a row, the modality of every position that it still lacks, and that of all behind."""
        vocabulary, layout_is_given = self.vocabulary, layout is not None
        layout = layout or config.layout
        ids = ids[ids != vocabulary.pad_id]
        modality = vocabulary.modality(ids)
        task_of = {vocabulary.v2m_id: TASKS["v2m"], vocabulary.i2vm_id: TASKS["i2vm"]}
        task = task_of.get(int(ids[0])) if len(ids) else None
        if task is None:
            is_visual = bool((modality == VISUAL).all())
            if not len(ids) or bool((modality == SPECIAL).any()) or not (is_visual or goes_on):
                raise ValueError(
                    f"must start with one of the task tokens {sorted(task_of)}, found {ids[:1].tolist()}; codes "
                    "without a task go on freely if `max_new_tokens` says how far."
                )
            if goes_on:
                return None, modality[:0], VISUAL if is_visual else _ANY
            return None, torch.full((max(0, layout.num_visual_codes - len(ids)),), VISUAL), SPECIAL
        starts = (ids == vocabulary.start_of_target_id).nonzero()
        if len(starts) != 1:
            raise ValueError(f"must hold one [STG] ({vocabulary.start_of_target_id}), found {len(starts)}.")
        num_condition = int(starts) - 1
        if task.condition_latents is None and not layout_is_given:
            latent_frames = max(1, -(-num_condition // layout.visual_codes_per_latent))
            layout = SequenceLayout(
                latent_frames, layout.height, layout.width, layout.codes_per_frame, layout.temporal_compression
            )
        schedule = TaskSchedule(task, layout, config.interleaving)
        if num_condition != schedule.condition_length - 2:
            raise ValueError(
                f"the condition of task {task.name!r} must hold {schedule.condition_length - 2} visual codes for "
                f"{layout}, found {num_condition}."
            )
        if len(ids) > schedule.length or bool((modality != schedule.modality[: len(ids)]).any()):
            raise ValueError(f"the modalities do not follow the schedule of task {task.name!r}.")
        return task.name, schedule.modality[len(ids) :], SPECIAL


class GrammarLogitsProcessor(LogitsProcessor):
    """Leave each row only the codes that its schedule allows at this position, and `<pad>` when it is complete.

    The scores of what is left become log-probabilities.
    """

    def __init__(self, grammar: TargetGrammar) -> None:
        self.grammar = grammar
        vocabulary = grammar.vocabulary
        ids = torch.arange(vocabulary.size, device=grammar.next_modality.device)
        # `<pad>` is the one special token that may ever be written.
        is_reserved = (ids >= vocabulary.special_offset) & (ids != vocabulary.pad_id)
        self.modality_of_id = vocabulary.modality(ids).masked_fill(is_reserved, _NEVER)

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
        for who has the codebook (see [`UniMoGenerationMixin.generate_target`]).

        Args:
            task (`str`, *optional*): `"v2m"` or `"i2vm"`.
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
        layout: SequenceLayout | None = None,
        **kwargs: Any,
    ) -> torch.LongTensor | ModelOutput:
        """Complete the target of every sequence; see [`~transformers.GenerationMixin.generate`].

        Args:
            inputs (`torch.LongTensor` of shape `(batch, length)`):
                `[task] condition [STG]`, left-padded with an `attention_mask` if lengths differ. Codes behind `[STG]`
                are the forced start of the target. Codes without a task go on freely (`max_new_tokens` says how far);
                so do `inputs_embeds` without ids, which count as visual codes.
            generation_config (`GenerationConfig`, *optional*): Options; else those of the model and of the task.
            layout (`SequenceLayout`, *optional*): Size of the clip, when it isn't that of the configuration.
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
        grammar = self._grammar_of(input_ids, kwargs.get("inputs_embeds"), layout, has_length)
        self._refuse_unsupported(generation_config, kwargs, input_ids, has_task=any(grammar.tasks))
        if not has_length:
            if not grammar.remaining and input_ids is not None:
                return input_ids
            kwargs["max_new_tokens"] = grammar.remaining
        if generation_config is None and len(set(grammar.tasks)) == 1:
            own = {name: value for name, value in self._task_options(grammar.tasks[0]).items() if name != "mean_codes"}
            kwargs = {**own, **kwargs}
        # In assisted generation the arguments of the model, its grammar among them, come to its assistant too.
        kwargs["target_grammar"] = grammar
        return super().generate(inputs, generation_config, layout=layout, **kwargs)

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
        layout: SequenceLayout | None,
        goes_on: bool,
    ) -> TargetGrammar:
        """Return the grammar of ids, or of embeddings that stand for visual codes."""
        if input_ids is not None:
            return TargetGrammar(self.config, input_ids, layout, goes_on)
        if inputs_embeds is None:
            raise ValueError("`generate` needs `input_ids`: the grammar of the target is read off them.")
        visual_ids = torch.zeros(inputs_embeds.shape[:2], dtype=torch.long, device=inputs_embeds.device)
        grammar = TargetGrammar(self.config, visual_ids, layout, goes_on)
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
        """Read positions and condition off the full ids, then cut to the new ones."""
        modality, token_types = self.config.vocabulary.modality(input_ids), self.model.token_types_of(input_ids)
        if target_grammar is not None and target_grammar.embedded_length:
            in_front = (target_grammar.embedded_length, 0)
            modality = torch.nn.functional.pad(modality, in_front, value=VISUAL)
            token_types = torch.nn.functional.pad(token_types, in_front, value=1)
        index = self.model.index_of(modality)
        if kwargs.get("token_type_ids") is None:
            kwargs["token_type_ids"] = token_types
        model_inputs = super().prepare_inputs_for_generation(
            input_ids,
            next_sequence_length=next_sequence_length,
            inputs_embeds=inputs_embeds,
            is_first_iteration=is_first_iteration,
            **kwargs,
        )
        given = model_inputs.get("inputs_embeds")
        new = slice(-(model_inputs["input_ids"] if given is None else given).shape[1], None)
        # Copies: strides that grow with the sequence would make a compiled model compile again at every token.
        model_inputs.update(modality_ids=modality[:, new].clone(), modality_index=index[:, new].clone())
        if target_grammar is not None:
            following = target_grammar.modality_at(input_ids.shape[1]).unique().tolist()
            if following in ([VISUAL], [MOTION]):
                model_inputs["logits_modality"] = following[0]
        return model_inputs

    def _update_model_kwargs_for_generation(
        self,
        outputs: ModelOutput,
        model_kwargs: dict[str, Any],
        is_encoder_decoder: bool = False,
        num_new_tokens: int = 1,
    ) -> dict[str, Any]:
        """As in transformers, but what is generated is target, whatever stood last."""
        model_kwargs = super()._update_model_kwargs_for_generation(
            outputs, model_kwargs, is_encoder_decoder, num_new_tokens
        )
        if (token_type_ids := model_kwargs.get("token_type_ids")) is not None:
            token_type_ids[:, -num_new_tokens:] = 1
        return model_kwargs

    @staticmethod
    def create_masks_for_generate(
        token_type_ids: torch.LongTensor | None = None, is_first_iteration: bool = False, **kwargs: Any
    ) -> torch.Tensor | None:
        """Make the mask of a static cache: full in the condition on the first pass, causal afterwards."""
        blocks = None
        if is_first_iteration and token_type_ids is not None:
            blocks = torch.where(token_type_ids == 0, 0, -1)
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
        layout: SequenceLayout | None = None,
        forced_target_ids: torch.LongTensor | None = None,
        max_target_ids: int | None = None,
        do_sample: bool | None = None,
        top_p: float | None = None,
        temperature: float | None = None,
        motion_vectors: torch.Tensor | None = None,
        generator: torch.Generator | None = None,
        on_step: Callable[[int, int], None] | None = None,
    ) -> torch.LongTensor:
        """Complete the targets of a batch of like sequences, faster than `generate` and with the same greedy result.

        Args:
            input_ids (`torch.LongTensor` of shape `(batch, length)`):
                `[task] condition [STG]` and optionally the start of the target; rows of one task and one length, no
                padding.
            layout (`SequenceLayout`, *optional*): Size of the clip, when it isn't that of the configuration.
            forced_target_ids (`torch.LongTensor` of shape `(batch, forced)`, *optional*):
                Unified ids that the target starts with, for a clip that continues another.
            max_target_ids (`int`, *optional*): Stop when the target has so many ids, forced ones included.
            do_sample (`bool`, *optional*): Draw from the nucleus, or take the likeliest code; the task's default.
            top_p (`float`, *optional*): Mass of the nucleus; the task's default.
            temperature (`float`, *optional*): Divides the logits; the task's default. 0 takes the likeliest code.
            motion_vectors (`torch.Tensor` of shape `(codes, D)`, *optional*):
                The motion codebook. With it a motion code is neither sampled nor the likeliest, but the one nearest
                to the mean vector, whose expected error is the least.
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
        grammar = TargetGrammar(self.config, prompt, layout)
        vocabulary, schedule = grammar.vocabulary, grammar.next_modality[0].tolist()
        modality = vocabulary.modality(prompt)
        if bool((modality != modality[:1]).any() | (grammar.next_modality != grammar.next_modality[:1]).any()):
            raise ValueError(
                "`generate_target` needs rows of one task and one length without padding; use `generate`."
            )
        options = self.sampling_options(grammar.tasks[0], do_sample=do_sample, top_p=top_p, temperature=temperature)
        start = (
            int((prompt[0] == vocabulary.start_of_target_id).nonzero()[0]) + 1 if grammar.tasks[0] else prompt.shape[1]
        )
        if max_target_ids is not None:
            schedule = schedule[: max(0, max_target_ids - (prompt.shape[1] - start))]
        offsets = {VISUAL: 0, MOTION: vocabulary.motion_offset}
        target = prompt.new_empty(prompt.shape[0], len(schedule))
        loop_class = DecodeLoop if DecodeLoop.can_run(self) else CachedLoop
        loop = loop_class(self, prompt, grammar.next_modality[0], layout or self.config.layout)
        for step, following in enumerate(schedule):
            hidden_states = loop.prefill(prompt) if step == 0 else loop.step(target[:, step - 1])
            logits = self.modality_logits(hidden_states, following)
            if step == 0 and not bool(logits.isfinite().all()):
                raise ValueError(f"The model's logits are no finite numbers: its weights are beyond {logits.dtype}.")
            if motion_vectors is not None and following == MOTION:
                codes = nearest_to_mean(logits, motion_vectors)
            else:
                codes = _choose(logits, generator, **options)
            target[:, step] = codes + offsets[following]
            if on_step is not None:
                on_step(step + 1, len(schedule))
        return torch.cat([prompt[:, start:], target], dim=1)


def _choose(
    logits: torch.Tensor, generator: torch.Generator | None, do_sample: bool, top_p: float, temperature: float
) -> torch.LongTensor:
    """Return one code for every row of `logits` of shape `(batch, codes)`."""
    if not do_sample or temperature == 0:
        return logits.argmax(-1)
    probabilities = top_p_probabilities(logits, top_p, temperature)
    return torch.multinomial(probabilities, 1, generator=generator)[:, 0]


def nearest_to_mean(logits: torch.Tensor, vectors: torch.Tensor) -> torch.LongTensor:
    """Return the code nearest to the mean of `vectors` `(codes, D)` for every row of `logits` `(batch, codes)`."""
    vectors = vectors.to(logits.device, torch.float32)
    return torch.cdist(logits.float().softmax(-1) @ vectors, vectors).argmin(-1)


__all__ = ["GrammarLogitsProcessor", "TargetGrammar", "UniMoGenerationMixin", "top_p_probabilities"]
