# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The autoregressive model over video and motion codes.

Around the blocks of Cosmos-1.0-Autoregressive UniMo has two embedding tables and two heads behind one id space, a
rotary embedding per modality, an absolute embedding that both share, and attention that is full inside the condition
and causal on the target.
"""

from dataclasses import dataclass

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
from .sequence_structure import SequenceStructure
from .tasks import SequenceLayout, modality_index
from .vocabulary import MOTION, SPECIAL, VISUAL

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
        elif isinstance(module, UniMoModel) and module.ape_gates is not None:
            init.zeros_(module.ape_gates)

    def resize_token_embeddings(self, *args, **kwargs) -> nn.Module:
        """Refuse: the id space is three ranges, whose sizes the configuration gives."""
        raise NotImplementedError(
            "UniMo has one embedding table per modality; set `visual_vocab_size`, `motion_vocab_size` or "
            "`num_special_tokens` in the configuration and copy the rows."
        )


class UniMoModel(UniMoPreTrainedModel):
    """The backbone: embeddings, blocks, final norm."""

    def __init__(self, config: UniMoConfig) -> None:
        super().__init__(config)
        self.embed_tokens = UniMoTokenEmbedding(config)
        self.position_embedding = UniMoPositionEmbedding(config)
        self.layers = nn.ModuleList([UniMoDecoderLayer(config, i) for i in range(config.num_hidden_layers)])
        self.norm = UniMoRMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        # CODEPATH: without `ape_gate` the absolute embedding has no weights at all.
        gated = config.ape_gate and config.ape_mode != "none"
        self.ape_gates = nn.Parameter(torch.zeros(config.num_hidden_layers)) if gated else None
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
        token_type_ids: torch.LongTensor | None = None,
        modality_ids: torch.LongTensor | None = None,
        modality_index: torch.LongTensor | None = None,
        layout: SequenceLayout | None = None,
        prefix_length: int | None = None,
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
            token_type_ids (`torch.LongTensor` of shape `(batch, length)`, *optional*):
                0 condition (attends to all of itself), 1 target (causal). By default everything up to `[STG]` is
                condition; ids without `[STG]` are causal throughout, as in Cosmos.
            modality_ids (`torch.LongTensor` of shape `(batch, length)`, *optional*):
                0 special, 1 visual, 2 motion. By default read off the ids; `inputs_embeds` alone count as visual.
            modality_index (`torch.LongTensor` of shape `(batch, length)`, *optional*):
                Index of a code inside its modality, which gives its coordinates. Counted from the ids by default;
                needed when
                the cache already holds tokens (`generate` passes it).
            layout (`SequenceLayout`, *optional*): Grid of the visual codes, when it isn't that of the configuration.
            prefix_length (`int`, *optional*):
                A promise that all rows have this condition length, the same modalities, and no padding; found out by
                itself otherwise, except under `torch.compile`.
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
        if inputs_embeds is None:
            inputs_embeds = self.embed_tokens(input_ids)
        if use_cache and past_key_values is None:
            past_key_values = DynamicCache(config=self.config)
        if modality_ids is None:
            modality_ids = self._modality_of(input_ids, inputs_embeds)
        structure = self._structure(
            input_ids, attention_mask, token_type_ids, modality_ids, modality_index, prefix_length, past_key_values
        )
        rotary, absolute = self.position_embedding(
            structure.modality, structure.modality_index, layout or self.config.layout, inputs_embeds.dtype
        )
        if structure.prefix_length is None:
            mask = self._mask(inputs_embeds, attention_mask, structure, past_key_values)
        else:
            mask = None

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
                prefix_length=structure.prefix_length,
                **kwargs,
            )
        return BaseModelOutputWithPast(last_hidden_state=self.norm(hidden_states), past_key_values=past_key_values)

    def offsets(self, absolute: torch.Tensor | None) -> list[torch.Tensor | None]:
        """Return the absolute embedding that each layer adds, gated."""
        offsets = [absolute] * len(self.layers)
        if self.config.ape_mode == "input_once":
            offsets[1:] = [None] * (len(self.layers) - 1)
        if self.ape_gates is None:
            return offsets
        return [
            offset if offset is None else offset * gate for offset, gate in zip(offsets, self.ape_gates, strict=True)
        ]

    def index_of(self, modality_ids: torch.LongTensor) -> torch.LongTensor:
        """Return the index of every code inside its modality, for modalities of shape `(batch, length)`."""
        # CODEPATH: with one rotary embedding, all codes are counted together.
        if self.config.ablation == "uni_embed":
            modality_ids = (modality_ids != SPECIAL).long()
        return modality_index(modality_ids)

    def token_types_of(self, input_ids: torch.LongTensor) -> torch.LongTensor:
        """Return 0 up to the first `[STG]` of a row and 1 behind it; 1 throughout in a row without one (causal)."""
        is_start = (input_ids == self.config.vocabulary.start_of_target_id).long()
        after = (is_start.cumsum(-1) - is_start).clamp(max=1)
        return torch.where(is_start.any(-1, keepdim=True), after, 1)

    def _modality_of(self, input_ids: torch.LongTensor | None, inputs_embeds: torch.Tensor) -> torch.LongTensor:
        """Return the modality of every id; embeddings alone are read as the visual codes of a clip, as in Cosmos."""
        if input_ids is not None:
            return self.config.vocabulary.modality(input_ids)
        logger.warning_once(
            "`inputs_embeds` without `modality_ids` (0 special, 1 visual, 2 motion) count as visual codes of one clip."
        )
        return torch.full(inputs_embeds.shape[:2], VISUAL, device=inputs_embeds.device)

    def _structure(
        self,
        input_ids: torch.LongTensor | None,
        attention_mask: torch.Tensor | None,
        token_type_ids: torch.LongTensor | None,
        modality_ids: torch.LongTensor,
        index: torch.LongTensor | None,
        prefix_length: int | None,
        past_key_values: Cache | None,
    ) -> SequenceStructure:
        """Read index and condition off the tokens, as far as the caller doesn't give them."""
        has_past = _has_past(past_key_values)
        if index is None:
            if has_past:
                raise ValueError(
                    "The cache holds tokens, so the place of the new ones can't be read off their ids: pass "
                    "`modality_index`, or use `generate`."
                )
            index = self.index_of(modality_ids)
        if token_type_ids is None:
            is_causal = has_past or input_ids is None
            token_type_ids = torch.ones_like(modality_ids) if is_causal else self.token_types_of(input_ids)
        structure = SequenceStructure(modality_ids, index, token_type_ids, None if has_past else prefix_length)
        if prefix_length is None and not has_past:
            structure.find_common(attention_mask, can_attend_in_parts=self.config._attn_implementation == "sdpa")
        return structure

    def _mask(
        self,
        inputs_embeds: torch.Tensor,
        attention_mask: torch.Tensor | None,
        structure: SequenceStructure,
        past_key_values: Cache | None,
    ) -> torch.Tensor | None:
        """Return the mask in the form that the chosen attention wants: full in the condition, else causal."""
        is_first_pass = not _has_past(past_key_values)
        blocks = torch.where(structure.token_type_ids == 0, 0, -1) if is_first_pass else None
        return create_causal_mask(
            config=self.config,
            inputs_embeds=inputs_embeds,
            attention_mask=attention_mask,
            past_key_values=past_key_values,
            block_sequence_ids=blocks,
        )


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
        visual_loss (`torch.FloatTensor` of shape `()`, *optional*): Mean cross-entropy of the visual targets, in nats.
        motion_loss (`torch.FloatTensor` of shape `()`, *optional*): Mean cross-entropy of the motion targets, in nats.
        motion_logits (`torch.FloatTensor` of shape `(targets, codes)`, *optional*): At the motion targets, row by row.
    """

    visual_loss: torch.FloatTensor | None = None
    motion_loss: torch.FloatTensor | None = None
    motion_logits: torch.FloatTensor | None = None


class UniMoForConditionalGeneration(UniMoPreTrainedModel, UniMoGenerationMixin):
    """The backbone with one head for each modality."""

    _tp_plan = {"lm_head": "colwise_gather_output", "motion_head": "colwise_gather_output"}
    _pp_plan = {"lm_head": (["hidden_states"], ["logits"])}
    _fsdp_plan = {"lm_head": "keep_full_weight", "motion_head": "keep_full_weight"}

    def __init__(self, config: UniMoConfig) -> None:
        super().__init__(config)
        self.model = UniMoModel(config)
        vocabulary = config.vocabulary
        # CODEPATH: the Uni-Embed comparison keeps visual and motion rows in one head, as it does with embeddings.
        is_unified = config.ablation == "uni_embed"
        rows = vocabulary.special_offset if is_unified else vocabulary.visual_size
        width, std = config.hidden_size, config.hidden_size**-0.5
        self.lm_head = starting_at(std, nn.Linear(width, rows, bias=False))
        motion_rows = vocabulary.motion_size
        self.motion_head = None if is_unified else starting_at(std, nn.Linear(width, motion_rows, bias=False))
        self.post_init()
        if is_unified:
            # Nor is its head, whose rows are read outside of the call that a split hangs on.
            del self._tp_plan["lm_head"], self._tp_plan["motion_head"], self._fsdp_plan["motion_head"]
        self.set_default_sampling()

    def modality_logits(self, hidden_states: torch.Tensor, modality: int) -> torch.Tensor:
        """Return the logits over one codebook.

        Args:
            hidden_states (`torch.Tensor` of shape `(..., hidden_size)`): Output of the backbone.
            modality (`int`): 1 visual, 2 motion.

        Returns:
            `torch.Tensor` of shape `(..., codes)`.
        """
        if self.motion_head is None:
            return nn.functional.linear(
                hidden_states, self.lm_head.weight[slice(*self.config.vocabulary.id_range(modality))]
            )
        return self.lm_head(hidden_states) if modality == VISUAL else self.motion_head(hidden_states)

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
            `dict[str, tuple[torch.Tensor, torch.LongTensor]]`: For `"visual"` and `"motion"` logits of shape
            `(targets, codes)` and codebook integers of shape `(targets,)`, in the order of the rows; both may be
            empty.

        Raises:
            ValueError: If a label is neither -100 nor a code.
        """
        vocabulary = self.config.vocabulary
        if shift_labels is None:
            hidden_states, labels = hidden_states[:, :-1], labels[:, 1:]  # type: ignore[index]
        else:
            labels = shift_labels
        counted = labels != -100
        if bool((counted & ((labels < 0) | (labels >= vocabulary.special_offset))).any()):
            raise ValueError("`labels` must hold visual and motion ids, and -100 where nothing is counted.")
        result = {}
        for name, modality in (("visual", VISUAL), ("motion", MOTION)):
            first, end = vocabulary.id_range(modality)
            is_target = (labels >= first) & (labels < end)
            logits = self.modality_logits(hidden_states[is_target], modality)
            result[name] = (logits, labels[is_target] - first)
        return result

    @can_return_tuple
    def forward(
        self,
        input_ids: torch.LongTensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.LongTensor | None = None,
        modality_ids: torch.LongTensor | None = None,
        modality_index: torch.LongTensor | None = None,
        layout: SequenceLayout | None = None,
        prefix_length: int | None = None,
        past_key_values: Cache | None = None,
        inputs_embeds: torch.Tensor | None = None,
        labels: torch.LongTensor | None = None,
        motion_targets: torch.Tensor | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int | torch.Tensor = 0,
        logits_modality: int | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> UniMoOutput:
        """Predict codes, or the loss of known ones.

        Args:
            input_ids (`torch.LongTensor`, *optional*): See [`UniMoModel.forward`], as for all down to `inputs_embeds`.
            attention_mask (`torch.Tensor`, *optional*): 1 for tokens, 0 for padding.
            token_type_ids (`torch.LongTensor`, *optional*): 0 condition, 1 target.
            modality_ids (`torch.LongTensor`, *optional*): 0 special, 1 visual, 2 motion.
            modality_index (`torch.LongTensor`, *optional*): Index of a code inside its modality.
            layout (`SequenceLayout`, *optional*): Grid of the visual codes.
            prefix_length (`int`, *optional*): Condition length that all rows share.
            past_key_values (`Cache`, *optional*): Keys and values of earlier tokens.
            inputs_embeds (`torch.Tensor`, *optional*): Instead of `input_ids`.
            use_cache (`bool`, *optional*): Whether to return keys and values.
            labels (`torch.LongTensor` of shape `(batch, length)`, *optional*):
                Unified ids, not shifted, -100 where nothing is counted (the condition). The output then holds losses
                and no logits, because a row of 64,000 logits for each of 11,558 positions is 3 GB.
            motion_targets (`torch.Tensor` of shape `(codes, codes)`, *optional*):
                Row i is the distribution that a motion label i stands for; by default all of it on i.
            logits_to_keep (`int` or `torch.Tensor`, *optional*, defaults to 0):
                Keep the last positions only, 0 for all; or a tensor of positions.
            logits_modality (`int`, *optional*):
                Run only the head of this modality (1 visual, 2 motion); the other ids get the lowest finite logit.
            **kwargs: Options of transformers, among them `num_items_in_batch` of its Trainer.

        Returns:
            [`UniMoOutput`]: `logits` of shape `(batch, kept, vocab_size)`. Special tokens are never predicted: they
            always have the lowest finite logit.
        """
        outputs = self.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            modality_ids=modality_ids,
            modality_index=modality_index,
            layout=layout,
            prefix_length=prefix_length,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            use_cache=use_cache,
            **kwargs,
        )
        hidden_states, losses, logits = outputs.last_hidden_state, {}, None
        shift_labels = kwargs.get("shift_labels")
        if labels is not None or shift_labels is not None:
            targets_of = self.target_logits(hidden_states, labels, shift_labels)
            losses = self._losses(targets_of, motion_targets, kwargs.get("num_items_in_batch"))
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

    def _logits(self, hidden_states: torch.Tensor, only: int | None) -> torch.Tensor:
        """Return logits over all ids, running only the head of modality `only` if it is given."""
        config, parts = self.config, []
        sizes = {
            VISUAL: config.visual_vocab_size,
            MOTION: config.motion_vocab_size,
            SPECIAL: config.num_special_tokens,
        }
        for modality, size in sizes.items():
            if modality == SPECIAL or (only is not None and modality != only):
                # The lowest finite value, not -inf: sums and differences of logits stay numbers.
                lowest = torch.finfo(hidden_states.dtype).min
                parts.append(hidden_states.new_full((*hidden_states.shape[:-1], size), lowest))
            else:
                parts.append(self.modality_logits(hidden_states, modality))
        return torch.cat(parts, dim=-1)

    def _losses(
        self,
        targets_of: dict[str, tuple[torch.Tensor, torch.LongTensor]],
        motion_targets: torch.Tensor | None,
        num_items_in_batch: torch.Tensor | int | None,
    ) -> dict[str, torch.Tensor]:
        """Return the mean cross-entropy over all targets (plus the z-loss), and that of each modality."""
        losses, total = {}, targets_of["motion"][0].new_zeros((), dtype=torch.float32)
        count = num_items_in_batch or max(1, sum(len(targets) for _, targets in targets_of.values()))
        for name, (logits, targets) in targets_of.items():
            logits = logits.float()
            is_spread = name == "motion" and motion_targets is not None
            goals = motion_targets[targets] if is_spread else targets  # type: ignore[index]
            cross_entropy = nn.functional.cross_entropy(logits, goals, reduction="sum")
            total = total + cross_entropy / count
            # CODEPATH: Cosmos' z-loss, off in the paper.
            if self.config.z_loss_weight:
                total = total + self.config.z_loss_weight * logits.logsumexp(-1).square().sum() / count
            losses[f"{name}_loss"] = cross_entropy.detach() / max(1, len(targets))
        motion_logits = targets_of["motion"][0]
        return {"loss": total, "motion_logits": motion_logits if len(motion_logits) else None, **losses}


__all__ = ["UniMoForConditionalGeneration", "UniMoModel", "UniMoOutput", "UniMoPreTrainedModel"]
