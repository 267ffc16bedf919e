# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The block of Cosmos-1.0-Autoregressive: pre-norm, q/k-norm, grouped-query attention, SwiGLU, no biases."""

from collections.abc import Callable

import torch
from torch import nn
from transformers.cache_utils import Cache
from transformers.integrations import use_kernel_forward_from_hub
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs

from .configuration_unimo import UniMoConfig
from .embedding_unimo import starting_at
from .prefix_attention import attend_with_prefix


@use_kernel_forward_from_hub("RMSNorm")
class UniMoRMSNorm(nn.Module):
    """Root-mean-square norm: statistics in float32, cast back, then the weight."""

    def __init__(self, size: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.variance_epsilon = eps

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """Normalise the last axis."""
        return self.weight * nn.functional.rms_norm(hidden_states, hidden_states.shape[-1:], eps=self.variance_epsilon)


def depth_std(config: UniMoConfig, layer_idx: int) -> float:
    """Return the standard deviation of projections that Cosmos starts smaller the deeper they lie."""
    return config.initializer_range / (2 * (layer_idx + 1)) ** 0.5


def rotate(states: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Rotate the two halves of every head (half-split convention); `cos` and `sin` broadcast to `states`."""
    first, second = states.chunk(2, dim=-1)
    return states * cos + torch.cat([-second, first], dim=-1) * sin


def eager_attention_forward(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float,
    **kwargs: Unpack[TransformersKwargs],
) -> tuple[torch.Tensor, torch.Tensor]:
    """Attention in plain operations; the one that can return its weights."""
    # Each key head serves as many query heads in a row.
    key, value = (states.repeat_interleave(module.num_key_value_groups, dim=1) for states in (key, value))
    weights = torch.matmul(query, key.transpose(2, 3)) * scaling
    if attention_mask is not None:
        weights = weights + attention_mask
    weights = nn.functional.softmax(weights, dim=-1, dtype=torch.float32).to(query.dtype)
    return torch.matmul(weights, value).transpose(1, 2).contiguous(), weights


class UniMoAttention(nn.Module):
    """Grouped-query attention with q/k-norm and rotary embedding."""

    def __init__(self, config: UniMoConfig, layer_idx: int) -> None:
        super().__init__()
        self.config = config
        self.layer_idx = layer_idx
        self.head_dim = config.head_dim
        self.num_key_value_groups = config.num_attention_heads // config.num_key_value_heads
        self.scaling = self.head_dim**-0.5
        self.is_causal = True
        query_size, key_size = config.num_attention_heads * self.head_dim, config.num_key_value_heads * self.head_dim
        width, std = config.hidden_size, config.initializer_range
        self.q_proj = starting_at(std, nn.Linear(width, query_size, bias=False))
        self.k_proj = starting_at(std, nn.Linear(width, key_size, bias=False))
        self.v_proj = starting_at(std, nn.Linear(width, key_size, bias=False))
        self.o_proj = starting_at(depth_std(config, layer_idx), nn.Linear(query_size, width, bias=False))
        self.q_norm = UniMoRMSNorm(self.head_dim, eps=config.rms_norm_eps)
        self.k_norm = UniMoRMSNorm(self.head_dim, eps=config.rms_norm_eps)

    def forward(
        self,
        hidden_states: torch.Tensor,
        position_embeddings: tuple[torch.Tensor, torch.Tensor],
        attention_mask: torch.Tensor | None = None,
        past_key_values: Cache | None = None,
        query_key_offset: torch.Tensor | None = None,
        prefix_length: int | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Attend; `prefix_length` selects the form without a mask, `query_key_offset` is the `qk` absolute term."""
        heads = (*hidden_states.shape[:-1], -1, self.head_dim)
        query = self.q_norm(self.q_proj(hidden_states).view(heads)).transpose(1, 2)
        key = self.k_norm(self.k_proj(hidden_states).view(heads)).transpose(1, 2)
        value = self.v_proj(hidden_states).view(heads).transpose(1, 2)
        cos, sin = (table[:, None] for table in position_embeddings)
        query, key = rotate(query, cos, sin), rotate(key, cos, sin)
        # CODEPATH: `ape_mode="qk"` adds the absolute term to every head.
        if query_key_offset is not None:
            query, key = query + query_key_offset[:, None], key + query_key_offset[:, None]
        # Under autocast the norm leaves float32 while projections are bfloat16; attention wants one type.
        query, key = query.to(value.dtype), key.to(value.dtype)
        if past_key_values is not None:
            key, value = past_key_values.update(key, value, self.layer_idx)

        attention_interface: Callable = ALL_ATTENTION_FUNCTIONS.get_interface(
            self.config._attn_implementation, eager_attention_forward
        )
        kwargs["scaling"] = self.scaling
        if prefix_length is None:
            output, weights = attention_interface(self, query, key, value, attention_mask, **kwargs)
        else:
            output = attend_with_prefix(attention_interface, self, query, key, value, prefix_length, **kwargs)
            weights = None
        return self.o_proj(output.flatten(-2)), weights


class UniMoMLP(nn.Module):
    """SwiGLU feed-forward block."""

    def __init__(self, config: UniMoConfig, layer_idx: int) -> None:
        super().__init__()
        width, inner = config.hidden_size, config.intermediate_size
        self.gate_proj = starting_at(config.initializer_range, nn.Linear(width, inner, bias=False))
        self.up_proj = starting_at(depth_std(config, layer_idx), nn.Linear(width, inner, bias=False))
        self.down_proj = starting_at(depth_std(config, layer_idx), nn.Linear(inner, width, bias=False))

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """Map `(..., hidden_size)` to itself."""
        return self.down_proj(nn.functional.silu(self.gate_proj(hidden_states)) * self.up_proj(hidden_states))


class UniMoDecoderLayer(GradientCheckpointingLayer):
    """One block: attention, then feed-forward, each after a norm and around a residual."""

    def __init__(self, config: UniMoConfig, layer_idx: int) -> None:
        super().__init__()
        self.self_attn = UniMoAttention(config, layer_idx)
        self.mlp = UniMoMLP(config, layer_idx)
        self.input_layernorm = UniMoRMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.post_attention_layernorm = UniMoRMSNorm(config.hidden_size, eps=config.rms_norm_eps)

    def forward(self, hidden_states: torch.Tensor, **kwargs: Unpack[TransformersKwargs]) -> torch.Tensor:
        """Map `(batch, length, hidden_size)` to itself."""
        attention, _ = self.self_attn(self.input_layernorm(hidden_states), **kwargs)
        hidden_states = hidden_states + attention
        return hidden_states + self.mlp(self.post_attention_layernorm(hidden_states))
