# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The autoregressive model over video and motion codes.

Around the blocks of Cosmos-1.0-Autoregressive UniMo has an embedding table and a head for each modality behind one id
space, a rotary embedding for each, an absolute embedding that all share, and attention that is full inside the
condition and causal on the target.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers import initialization as init
from transformers.cache_utils import Cache, DynamicCache
from transformers.masking_utils import create_causal_mask
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs, can_return_tuple, logging
from transformers.utils.generic import merge_with_config_defaults
from transformers.utils.output_capturing import capture_outputs

from .block_unimo import UniMoAttention, UniMoDecoderLayer, UniMoRMSNorm
from .configuration_unimo import UniMoConfig
from .embedding_unimo import UniMoPositionEmbedding, UniMoTokenEmbedding, starting_at
from .generation_unimo import UniMoGenerationMixin
from .sequences import Sequence, lay_out_codes, read_sequence

logger = logging.get_logger(__name__)


class UniMoPreTrainedModel(PreTrainedModel):
    """What both model classes share: weights, their start values, and what the library may do with them."""

    config: UniMoConfig
    base_model_prefix = "model"
    main_input_name = "input_ids"
    supports_gradient_checkpointing = True
    _input_embed_layer = "embed_tokens"
    _no_split_modules = ["UniMoDecoderLayer"]
    _skip_keys_device_placement = ["past_key_values"]
    _supports_sdpa = True
    _supports_flex_attn = True
    # The mask function of flash-attention ignores the full attention in the condition and would run causal in silence.
    _supports_flash_attn = False
    _supports_attention_backend = True
    _can_compile_fullgraph = True
    _can_record_outputs = {"hidden_states": UniMoDecoderLayer, "attentions": UniMoAttention}

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """Start values by Cosmos' rule: truncated normals, smaller with depth where the residual stream is written."""
        super()._init_weights(module)
        # Each projection and table carries its own standard deviation (see `starting_at`), because transformers hands
        # only modules that hold weights themselves to this method.
        std = getattr(module, "starting_std", None)
        if std is not None and isinstance(module, nn.Embedding):
            init.normal_(module.weight, std=std)
        elif std is not None:
            init.trunc_normal_(module.weight, std=std, a=-3 * std, b=3 * std)
        elif isinstance(module, UniMoPositionEmbedding):
            # Buffers that are not saved come back uninitialised from `from_pretrained`.
            for label, (time, space) in module.frequencies().items():
                init.copy_(getattr(module, f"{label}_time_frequencies"), time)
                init.copy_(getattr(module, f"{label}_space_frequencies"), space)

    def resize_token_embeddings(self, *args, **kwargs) -> nn.Module:
        """Refuse: the id space is several ranges, whose sizes the configuration gives."""
        raise NotImplementedError(
            "UniMo has one embedding table per modality; set `modalities` or `num_special_tokens` in its "
            "configuration and copy the rows."
        )


class UniMoModel(UniMoPreTrainedModel):
    """The backbone: embeddings, blocks, final norm."""

    def __init__(self, config: UniMoConfig) -> None:
        super().__init__(config)
        self.embed_tokens = UniMoTokenEmbedding(config)
        self.position_embedding = UniMoPositionEmbedding(config)
        self.layers = nn.ModuleList([UniMoDecoderLayer(config, i) for i in range(config.num_hidden_layers)])
        self.norm = UniMoRMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.gradient_checkpointing = False
        self.post_init()
        # CODEPATH: the one table of the Uni-Embed comparison is not split over devices.
        if config.ablation == "uni_embed":
            del self._tp_plan["embed_tokens.visual"]

    @merge_with_config_defaults
    @capture_outputs
    def forward(
        self,
        input_ids: torch.LongTensor | None = None,
        attention_mask: torch.Tensor | None = None,
        sequence: Sequence | None = None,
        position_ids: torch.LongTensor | None = None,
        past_key_values: Cache | None = None,
        inputs_embeds: torch.Tensor | None = None,
        use_cache: bool | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> BaseModelOutputWithPast:
        """Run the blocks.

        Args:
            input_ids (`torch.LongTensor` of shape `(batch, length)`): Unified ids; with a cache only the new ones.
            attention_mask (`torch.Tensor` of shape `(batch, total length)`, *optional*): 1 for tokens, 0 for padding.
            sequence ([`Sequence`], *optional*):
                What stands where, as the processor lays it out; with a cache that of the new ids, and needed. Read off
                the ids by default ([`read_sequence`]); `inputs_embeds` alone count as the codes of a video.
            position_ids (`torch.LongTensor`, *optional*): Not used; positions follow from the codes.
            past_key_values (`Cache`, *optional*): Keys and values of earlier tokens.
            inputs_embeds (`torch.Tensor` of shape `(batch, length, hidden_size)`, *optional*): Instead of `input_ids`.
            use_cache (`bool`, *optional*): Whether to return keys and values.
            **kwargs: Options of transformers for attention and outputs.

        Returns:
            [`~transformers.modeling_outputs.BaseModelOutputWithPast`].

        Raises:
            ValueError: If neither or both of `input_ids` and `inputs_embeds` are given, or positions can't be known.
        """
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("Give exactly one of `input_ids` and `inputs_embeds`.")
        has_past = _has_past(past_key_values)
        sequence = self._sequence(sequence, input_ids, inputs_embeds, has_past)
        if inputs_embeds is None:
            inputs_embeds = self.embed_tokens(input_ids, sequence)
        if use_cache and past_key_values is None:
            past_key_values = DynamicCache(config=self.config)
        rotary, absolute = self.position_embedding(sequence, inputs_embeds.dtype)
        prefix_length = None if has_past else self._prefix_length(sequence, attention_mask)
        mask = None
        if prefix_length is None:
            mask = create_causal_mask(
                config=self.config,
                inputs_embeds=inputs_embeds,
                attention_mask=attention_mask,
                past_key_values=past_key_values,
                block_sequence_ids=None if has_past else full_blocks(sequence, len(inputs_embeds)),
            )

        hidden_states = inputs_embeds
        for layer, offset in zip(self.layers, self.offsets(absolute), strict=True):
            in_attention = self.config.ape_mode == "qk"
            # CODEPATH: `hidden_each_layer` and `input_once` add the absolute embedding to the residual stream.
            if offset is not None and not in_attention:
                hidden_states = hidden_states + offset
            hidden_states = layer(
                hidden_states,
                position_embeddings=rotary,
                attention_mask=mask,
                past_key_values=past_key_values,
                query_key_offset=offset if in_attention else None,
                prefix_length=prefix_length,
                **kwargs,
            )
        return BaseModelOutputWithPast(last_hidden_state=self.norm(hidden_states), past_key_values=past_key_values)

    def offsets(self, absolute: torch.Tensor | None) -> list[torch.Tensor | None]:
        """Return the absolute embedding that each layer adds."""
        later = None if self.config.ape_mode == "input_once" else absolute
        return [absolute, *[later] * (len(self.layers) - 1)]

    def arrange(self, sequence: Sequence) -> Sequence:
        """Bring a whole sequence to the device of the model, and to its way of counting codes."""
        # CODEPATH: with one rotary embedding, all codes are counted together.
        is_unified = self.config.ablation == "uni_embed"
        return (sequence.counted_together() if is_unified else sequence).to(self.device)

    def _sequence(
        self,
        sequence: Sequence | None,
        input_ids: torch.LongTensor | None,
        inputs_embeds: torch.Tensor | None,
        has_past: bool,
    ) -> Sequence:
        """Return what stands where, read off the ids if nobody says it."""
        tokens: Any = input_ids if inputs_embeds is None else inputs_embeds
        if sequence is not None:
            if len(sequence) != tokens.shape[1] or sequence.modality.shape[0] not in (1, tokens.shape[0]):
                raise ValueError(
                    f"`sequence` is of {tuple(sequence.modality.shape)} tokens; there are {tuple(tokens.shape[:2])}."
                )
            return sequence if has_past else self.arrange(sequence)
        if has_past:
            raise ValueError(
                "The cache holds tokens, so the place of the new ones can't be read off their ids: pass `sequence`, "
                "or use `generate`."
            )
        if input_ids is not None:
            return self.arrange(read_sequence(input_ids, self.config.vocabulary, self.config.table))
        name, modality = next(iter(self.config.table.items()))
        logger.warning_once(f"`inputs_embeds` without `sequence` count as the {name} codes of one clip.")
        frames = modality.frames_in(-(-tokens.shape[1] // modality.codes))
        return self.arrange(lay_out_codes(name, self.config.table, frames)[: tokens.shape[1]])

    def _prefix_length(self, sequence: Sequence, attention_mask: torch.Tensor | None) -> int | None:
        """Return the length of the condition if all rows can be attended in parts, without a mask.

        Costs at most one synchronisation of the device; `None` where values can't be read (`meta`, `torch.compile`).
        """
        if self.config._attn_implementation != "sdpa" or (attention_mask is not None and attention_mask.ndim != 2):
            return None
        if attention_mask is None and sequence.condition_length is not None:
            return sequence.condition_length
        if sequence.modality.device.type == "meta" or torch.compiler.is_compiling():
            return None
        is_target = sequence.is_target
        differs = (is_target != is_target[:1]).any() | (is_target[0].long().diff() < 0).any()
        if attention_mask is not None:
            differs = differs | (attention_mask == 0).any()
        is_irregular, length = torch.stack([differs.long(), (~is_target[0]).sum()]).tolist()
        return None if is_irregular else length


def full_blocks(sequence: Sequence, batch: int) -> torch.LongTensor:
    """Return which positions attend to all of each other, as transformers' masks want it: 0 the condition, -1 none."""
    return torch.where(sequence.is_target, -1, 0).expand(batch, -1)


def _has_past(past_key_values: Cache | None) -> bool:
    """Tell whether the cache already holds tokens."""
    if past_key_values is None or not past_key_values.is_initialized:
        return False
    # Only decode steps are compiled, and reading the length of a static cache would break the graph.
    return torch.compiler.is_compiling() or int(past_key_values.get_seq_length()) > 0


@dataclass
class UniMoOutput(CausalLMOutputWithPast):
    """Output of [`UniMoForConditionalGeneration`].

    Args:
        losses (`dict[str, torch.FloatTensor]`, *optional*): Mean cross-entropy of the targets of each modality, nats.
    """

    losses: dict[str, torch.FloatTensor] | None = None


class UniMoForConditionalGeneration(UniMoPreTrainedModel, UniMoGenerationMixin):
    """The backbone with one head for each modality."""

    _tp_plan = {"lm_head": "colwise_gather_output", "motion_head": "colwise_gather_output"}
    _pp_plan = {"lm_head": (["hidden_states"], ["logits"])}
    _fsdp_plan = {"lm_head": "keep_full_weight", "motion_head": "keep_full_weight"}

    def __init__(self, config: UniMoConfig) -> None:
        super().__init__(config)
        self.model = UniMoModel(config)
        # CODEPATH: the Uni-Embed comparison keeps all rows of codes in one head, as it does with embeddings.
        self.is_unified = config.ablation == "uni_embed"
        vocabulary, std = config.vocabulary, config.hidden_size**-0.5
        # The first modality's is where transformers looks for a head.
        first, *others = vocabulary.sizes
        self.head_names = {first: "lm_head", **{name: f"{name}_head" for name in others}}
        sizes = {self.head_names[name]: size for name, size in vocabulary.sizes.items()}
        if self.is_unified:
            sizes = {"lm_head": vocabulary.special_offset}
        for name, size in sizes.items():
            setattr(self, name, starting_at(std, nn.Linear(config.hidden_size, size, bias=False)))
        self.post_init()
        if self.is_unified:
            # Nor is its head, whose rows are read outside of the call that a split hangs on.
            del self._tp_plan["lm_head"], self._tp_plan["motion_head"], self._fsdp_plan["motion_head"]
        self.set_default_sampling()

    def head(self, name: str) -> nn.Module:
        """The head of a modality."""
        return getattr(self, self.head_names[name])

    def modality_logits(self, hidden_states: torch.Tensor, name: str) -> torch.Tensor:
        """Return the logits over one codebook.

        Args:
            hidden_states (`torch.Tensor` of shape `(..., hidden_size)`): Output of the backbone.
            name (`str`): The modality.

        Returns:
            `torch.Tensor` of shape `(..., codes)`.
        """
        if self.is_unified:
            rows = self.lm_head.weight[slice(*self.config.vocabulary.ranges[name])]
            return nn.functional.linear(hidden_states, rows)
        return self.head(name)(hidden_states)

    def target_logits(
        self,
        hidden_states: torch.Tensor,
        labels: torch.LongTensor | None,
        shift_labels: torch.LongTensor | None = None,
    ) -> dict[str, tuple[torch.Tensor, torch.LongTensor]]:
        """Run each head on the positions that predict its own modality.

        Args:
            hidden_states (`torch.Tensor` of shape `(batch, length, hidden_size)`): Output of the backbone.
            labels (`torch.LongTensor` of shape `(batch, length)`):
                Unified ids, not shifted: position i is predicted from position i - 1. -100 is not counted.
            shift_labels (`torch.LongTensor` of shape `(batch, length)`, *optional*):
                Instead of `labels`: what each position itself predicts, as transformers' Trainer gives it when a
                sequence is split over devices.

        Returns:
            `dict[str, tuple[torch.Tensor, torch.LongTensor]]`: For each modality logits of shape `(targets, codes)`
            and codebook integers of shape `(targets,)`, in the order of the rows; both may be empty.

        Raises:
            ValueError: If a label is neither -100 nor a code.
        """
        vocabulary = self.config.vocabulary
        if shift_labels is None:
            hidden_states, labels = hidden_states[:, :-1], labels[:, 1:]  # type: ignore[index]
        else:
            labels = shift_labels
        is_known = labels == -100
        result = {}
        for name, (first, end) in vocabulary.ranges.items():
            is_target = (labels >= first) & (labels < end)
            is_known = is_known | is_target
            logits = self.modality_logits(hidden_states[is_target], name)
            result[name] = (logits, labels[is_target] - first)
        if not bool(is_known.all()):
            raise ValueError("`labels` must hold ids of codes, and -100 where nothing is counted.")
        return result

    @can_return_tuple
    def forward(
        self,
        input_ids: torch.LongTensor | None = None,
        attention_mask: torch.Tensor | None = None,
        sequence: Sequence | None = None,
        past_key_values: Cache | None = None,
        inputs_embeds: torch.Tensor | None = None,
        labels: torch.LongTensor | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int | torch.Tensor = 0,
        logits_modality: str | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> UniMoOutput:
        """Predict codes, or the loss of known ones.

        Args:
            input_ids (`torch.LongTensor`, *optional*): See [`UniMoModel.forward`], as for all down to `inputs_embeds`.
            attention_mask (`torch.Tensor`, *optional*): 1 for tokens, 0 for padding.
            sequence ([`Sequence`], *optional*): What stands where.
            past_key_values (`Cache`, *optional*): Keys and values of earlier tokens.
            inputs_embeds (`torch.Tensor`, *optional*): Instead of `input_ids`.
            use_cache (`bool`, *optional*): Whether to return keys and values.
            labels (`torch.LongTensor` of shape `(batch, length)`, *optional*):
                Unified ids, not shifted, -100 where nothing is counted (the condition). The output then holds losses
                and no logits, because a row of 64,000 logits for each of 11,558 positions is 3 GB.
            logits_to_keep (`int` or `torch.Tensor`, *optional*, defaults to 0):
                Keep the last positions only, 0 for all; or a tensor of positions.
            logits_modality (`str`, *optional*):
                Run only the head of this modality; the other ids get the lowest finite logit.
            **kwargs: Options of transformers, among them `num_items_in_batch` of its Trainer.

        Returns:
            [`UniMoOutput`]: `logits` of shape `(batch, kept, vocab_size)`. Special tokens are never predicted: they
            always have the lowest finite logit.
        """
        outputs = self.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            sequence=sequence,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            use_cache=use_cache,
            **kwargs,
        )
        hidden_states, losses, logits = outputs.last_hidden_state, {}, None
        shift_labels = kwargs.get("shift_labels")
        if labels is not None or shift_labels is not None:
            targets_of = self.target_logits(hidden_states, labels, shift_labels)
            losses = self._losses(targets_of, kwargs.get("num_items_in_batch"))
        else:
            keep = (
                slice(-logits_to_keep, None) if isinstance(logits_to_keep, int) and logits_to_keep else logits_to_keep
            )
            hidden_states = hidden_states if isinstance(keep, int) else hidden_states[:, keep]
            logits = self._logits(hidden_states, logits_modality)
        return UniMoOutput(
            **losses,
            logits=logits,
            past_key_values=outputs.past_key_values,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )

    def _logits(self, hidden_states: torch.Tensor, only: str | None) -> torch.Tensor:
        """Return logits over all ids, running only the head of modality `only` if it is given."""
        # The lowest finite value, not -inf: sums and differences of logits stay numbers.
        lowest = torch.finfo(hidden_states.dtype).min
        logits = hidden_states.new_full((*hidden_states.shape[:-1], self.config.vocab_size), lowest)
        parts, end = [], 0
        for name, (first, last) in self.config.vocabulary.ranges.items():
            parts.append(logits[..., end:first])
            is_wanted = only is None or name == only
            parts.append(self.modality_logits(hidden_states, name) if is_wanted else logits[..., first:last])
            end = last
        return torch.cat([*parts, logits[..., end:]], dim=-1)

    def _losses(
        self,
        targets_of: dict[str, tuple[torch.Tensor, torch.LongTensor]],
        num_items_in_batch: torch.Tensor | int | None,
    ) -> dict[str, Any]:
        """Return the mean cross-entropy over all targets, and that of each modality."""
        losses: dict[str, torch.Tensor] = {}
        total = next(iter(targets_of.values()))[0].new_zeros((), dtype=torch.float32)
        count = num_items_in_batch or max(1, sum(len(targets) for _, targets in targets_of.values()))
        for name, (logits, targets) in targets_of.items():
            logits = logits.float()
            cross_entropy = nn.functional.cross_entropy(logits, targets, reduction="sum")
            total = total + cross_entropy / count
            losses[name] = cross_entropy.detach() / max(1, len(targets))
        return {"loss": total, "losses": losses}


__all__ = ["UniMoForConditionalGeneration", "UniMoModel", "UniMoOutput", "UniMoPreTrainedModel"]
