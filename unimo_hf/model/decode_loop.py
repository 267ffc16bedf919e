# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""One token at a time through the backbone, with keys and values in memory that is laid out beforehand.

The same arithmetic as `UniMoModel.forward` on one new token, without what makes that slow for a single token: a
growing cache, a mask, position tables for every step, and, on a processor, small matrix products one after the other.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.cache_utils import DynamicCache

from .block_unimo import UniMoDecoderLayer
from .sequences import Sequence

# Joined copies of projections are made below this size; larger models keep their weights once.
_JOINED_BYTES = 512 * 2**20


class DecodeLoop:
    """Keys, values and position tables of a batch of like sequences.

    Args:
        model (`UniMoForConditionalGeneration`): The model; its backbone is used.
        sequence ([`Sequence`]): Of one row: the whole of it, prompt and target.
        batch (`int`): Number of sequences.
    """

    def __init__(self, model: PreTrainedModel, sequence: Sequence, batch: int) -> None:
        self.backbone: Any = model.model
        self.config = model.config
        self.sequence = sequence = self.backbone.arrange(sequence)
        dtype = self.backbone.norm.weight.dtype
        (cos, sin), absolute = self.backbone.position_embedding(sequence, dtype)
        # rotate(x) = x cos + swap(x) sin', where swap exchanges the halves and sin' carries the sign.
        half = self.config.head_dim // 2
        self.cos, self.sin = cos[0], torch.cat([-sin[0, :, :half], sin[0, :, half:]], dim=-1)
        self.offsets = [None if offset is None else offset[0] for offset in self.backbone.offsets(absolute)]
        self.joins = [self._join(layer) for layer in self.backbone.layers]
        # Queries and keys are normalised together: one weight for each head, `(heads + kv_heads, head_dim)`.
        counts = (self.config.num_attention_heads, self.config.num_key_value_heads)
        self.norm_weights = [
            torch.cat([norm.weight.expand(count, -1) for norm, count in zip(norms, counts, strict=True)])
            for norms in ((layer.self_attn.q_norm, layer.self_attn.k_norm) for layer in self.backbone.layers)
        ]
        shape = (batch, self.config.num_key_value_heads, len(sequence), self.config.head_dim)
        self.keys = [torch.empty(shape, dtype=dtype, device=model.device) for _ in self.backbone.layers]
        self.values = [torch.empty_like(keys) for keys in self.keys]
        self.length = 0

    @staticmethod
    def can_run(model: PreTrainedModel) -> bool:
        """Tell whether the blocks run as they are written and with their weights in place.

        Not so where a model is spread over devices or offloaded (`device_map`), or split by tensor or data
        parallelism: what moves or joins the weights then hangs on the calls of the modules, which this loop skips.
        """
        blocks = model.model.layers.modules()
        return not any("forward" in vars(module) or module._forward_pre_hooks for module in blocks)

    def prefill(self, prompt: torch.LongTensor) -> torch.Tensor:
        """Run the prompt in one pass; returns the last hidden state, of shape `(batch, hidden_size)`."""
        outputs = self.backbone(prompt, sequence=self.sequence[: prompt.shape[1]], use_cache=True)
        self.length = prompt.shape[1]
        for layer, (keys, values) in enumerate(zip(self.keys, self.values, strict=True)):
            cached = outputs.past_key_values.layers[layer]
            keys[:, :, : self.length], values[:, :, : self.length] = cached.keys, cached.values
        return outputs.last_hidden_state[:, -1]

    def step(self, input_ids: torch.LongTensor, name: str) -> torch.Tensor:
        """Run one new code of a modality per row, ids `(batch,)`; returns its hidden state, `(batch, hidden_size)`."""
        stream = self.sequence.stream[0, self.length]
        hidden_states = self.backbone.embed_tokens.codes_of(name, input_ids, stream)
        in_attention = self.config.ape_mode == "qk"
        for index, layer in enumerate(self.backbone.layers):
            offset = self.offsets[index]
            if offset is not None and not in_attention:
                hidden_states = hidden_states + offset[self.length]
            hidden_states = self._layer(index, layer, hidden_states, offset if in_attention else None)
        self.length += 1
        return self.backbone.norm(hidden_states)

    def _layer(
        self, index: int, layer: UniMoDecoderLayer, hidden_states: torch.Tensor, offset: torch.Tensor | None
    ) -> torch.Tensor:
        """Run one block on one token."""
        config, attention, now = self.config, layer.self_attn, self.length
        project_attention, project_gate = self.joins[index]
        heads, kv_heads, batch = config.num_attention_heads, config.num_key_value_heads, hidden_states.shape[0]
        states = project_attention(layer.input_layernorm(hidden_states)).view(batch, heads + 2 * kv_heads, -1)
        rotated, value = states.split([heads + kv_heads, kv_heads], dim=1)
        rotated = self.norm_weights[index] * nn.functional.rms_norm(
            rotated, rotated.shape[-1:], eps=config.rms_norm_eps
        )
        rotated = rotated * self.cos[now] + rotated.roll(config.head_dim // 2, -1) * self.sin[now]
        if offset is not None:
            rotated = rotated + offset[now]
        keys, values = self.keys[index], self.values[index]
        keys[:, :, now], values[:, :, now] = rotated[:, heads:], value
        # The query heads of a key head stand as rows of one small matrix, so keys are read once and never repeated.
        query = rotated[:, :heads].view(batch, kv_heads, heads // kv_heads, -1)
        attended = nn.functional.scaled_dot_product_attention(query, keys[:, :, : now + 1], values[:, :, : now + 1])
        hidden_states = hidden_states + attention.o_proj(attended.reshape(batch, -1))
        gate, up = project_gate(layer.post_attention_layernorm(hidden_states)).chunk(2, dim=-1)
        return hidden_states + layer.mlp.down_proj(nn.functional.silu(gate) * up)

    def _join(self, layer: UniMoDecoderLayer) -> tuple[Callable, Callable]:
        """Return the joined query-key-value and gate-up projections of a block."""
        attention, mlp = layer.self_attn, layer.mlp
        is_small = sum(weight.nbytes for weight in self.backbone.layers.parameters()) < _JOINED_BYTES
        return (
            _joined([attention.q_proj, attention.k_proj, attention.v_proj], is_small),
            _joined([mlp.gate_proj, mlp.up_proj], is_small),
        )


class CachedLoop:
    """[`DecodeLoop`] through `UniMoModel.forward` and a cache, for models whose modules must be called one by one."""

    def __init__(self, model: PreTrainedModel, sequence: Sequence, batch: int) -> None:
        self.backbone: Any = model.model
        self.sequence = self.backbone.arrange(sequence)
        self.cache, self.length = DynamicCache(config=model.config), 0

    def prefill(self, prompt: torch.LongTensor) -> torch.Tensor:
        """Run the prompt in one pass; returns the last hidden state, of shape `(batch, hidden_size)`."""
        return self._run(prompt)

    def step(self, input_ids: torch.LongTensor, name: str) -> torch.Tensor:
        """Run one new code of a modality per row, ids `(batch,)`; returns its hidden state, `(batch, hidden_size)`."""
        return self._run(input_ids[:, None])

    def _run(self, input_ids: torch.LongTensor) -> torch.Tensor:
        now = slice(self.length, self.length + input_ids.shape[1])
        self.length = now.stop
        outputs = self.backbone(input_ids, sequence=self.sequence[now], past_key_values=self.cache, use_cache=True)
        return outputs.last_hidden_state[:, -1]


def _joined(projections: list[nn.Module], is_small: bool) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return one function that gives the outputs of all projections side by side."""
    # Quantised or adapted layers, and layers with a bias, keep their own forward.
    is_plain = all(
        type(projection) is nn.Linear and type(projection.weight) is nn.Parameter and projection.bias is None
        for projection in projections
    )
    if not (is_plain and is_small):
        return lambda hidden_states: torch.cat([projection(hidden_states) for projection in projections], dim=-1)
    weight = torch.cat([projection.weight for projection in projections]).t().contiguous()
    return lambda hidden_states: torch.mm(hidden_states, weight)
