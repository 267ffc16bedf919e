# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The same prompt through both key layouts: NVIDIA's names in plain operations, and ours in the classes of the model.

Both read one block at a time and compute in float32, so that a model larger than memory can be compared.
"""

import math
from collections.abc import Mapping
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import functional_call

from unimo_hf.model.configuration_unimo import UniMoConfig
from unimo_hf.model.embedding_unimo import UniMoPositionEmbedding
from unimo_hf.model.modeling_unimo import UniMoForConditionalGeneration
from unimo_hf.model.sequences import Sequence, lay_out_codes

PROMPT_TICKS, PROMPT_GRID = 4, (2, 3)
HEAD_ROWS = 8192  # rows of an output head in float32 at a time
SEED = 0


def seeded_prompt(num_codes: int) -> Tensor:
    """Return visual codes of shape `(24,)`, the same every time, that move along all three axes."""
    generator = torch.Generator().manual_seed(SEED)
    return torch.randint(num_codes, (PROMPT_TICKS * math.prod(PROMPT_GRID),), generator=generator)


@torch.no_grad()
def cosmos_logits(
    weights: Mapping[str, Tensor],
    config: UniMoConfig,
    visual_codes: Tensor,
    grid: tuple[int, int] = PROMPT_GRID,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Run Cosmos' autoregressive model, written out, on its own names.

    Args:
        weights (`Mapping[str, Tensor]`): By NVIDIA's names without the prefix `model.`.
        config ([`UniMoConfig`]): Sizes and positions.
        visual_codes (`Tensor` of shape `(length,)`): The prompt.
        grid (`tuple[int, int]`, *optional*): Rows and columns of a latent frame.
        dtype (`torch.dtype`, *optional*): Type that weights are rounded to first.

    Returns:
        `Tensor` of shape `(length, visual codes)`, float32.

    Source: Cosmos-1.0-Autoregressive-4B.
    """

    def weight(name: str) -> Tensor:
        return weights[f"{name}.weight"].to(dtype).float()

    def norm(states: Tensor, name: str) -> Tensor:
        return F.rms_norm(states, states.shape[-1:], weight(name), config.rms_norm_eps)

    def heads(states: Tensor, name: str) -> Tensor:
        return F.linear(states, weight(name)).unflatten(-1, (-1, config.head_dim)).transpose(0, 1)  # [heads, L, d]

    (cos, sin), absolute = _positions(config, len(visual_codes), grid)

    def rotated(states: Tensor) -> Tensor:
        first, second = states.chunk(2, dim=-1)
        return states * cos + torch.cat([-second, first], dim=-1) * sin

    hidden = weights["tok_embeddings.weight"][visual_codes].to(dtype).float()  # [L, D]
    for layer in range(config.num_hidden_layers):
        block, attention = f"layers.{layer}", f"layers.{layer}.attention"
        hidden = hidden if absolute is None else hidden + absolute[0]
        states = norm(hidden, f"{block}.attention_norm")
        query = rotated(norm(heads(states, f"{attention}.wq"), f"{attention}.q_norm"))
        key = rotated(norm(heads(states, f"{attention}.wk"), f"{attention}.k_norm"))
        value = heads(states, f"{attention}.wv")
        key, value = (each.repeat_interleave(len(query) // len(key), dim=0) for each in (key, value))
        attended = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        hidden = hidden + F.linear(attended.transpose(0, 1).flatten(1), weight(f"{attention}.wo"))
        states, feed = norm(hidden, f"{block}.ffn_norm"), f"{block}.feed_forward"
        gate = F.silu(F.linear(states, weight(f"{feed}.w1"))) * F.linear(states, weight(f"{feed}.w3"))
        hidden = hidden + F.linear(gate, weight(f"{feed}.w2"))
    return _head(norm(hidden, "norm"), weights["output.weight"].to(dtype))


@torch.no_grad()
def unimo_logits(
    weights: Mapping[str, Tensor], config: UniMoConfig, visual_codes: Tensor, grid: tuple[int, int] = PROMPT_GRID
) -> Tensor:
    """Run the same prompt through the modules of [`UniMoForConditionalGeneration`], with weights by our names.

    Args:
        weights (`Mapping[str, Tensor]`): By the names of `model.safetensors`.
        config ([`UniMoConfig`]): Of that checkpoint.
        visual_codes (`Tensor` of shape `(length,)`): The prompt.
        grid (`tuple[int, int]`, *optional*): Rows and columns of a latent frame.

    Returns:
        `Tensor` of shape `(length, visual codes)`, float32.
    """
    with torch.device("meta"):
        model = UniMoForConditionalGeneration(config)

    def run(name: str, *args: Tensor, **kwargs: object) -> Tensor:
        """Call a module of the model with its weights, which live as long as the call."""
        own = {key.removeprefix(f"{name}."): value for key, value in weights.items() if key.startswith(f"{name}.")}
        if not name.endswith("embed_tokens"):  # a look-up needs no float32
            own = {key: value.float() for key, value in own.items()}
        return functional_call(model.get_submodule(name), own, args, kwargs)

    rotary, absolute = _positions(config, len(visual_codes), grid)
    sequence = _prompt_sequence(config, len(visual_codes), grid)
    hidden = run("model.embed_tokens", visual_codes[None], sequence).float()
    for layer in range(config.num_hidden_layers):
        hidden = hidden if absolute is None else hidden + absolute
        tables = tuple(table[None] for table in rotary)
        hidden = run(f"model.layers.{layer}", hidden, position_embeddings=tables)
    return _head(run("model.norm", hidden)[0], weights["lm_head.weight"])


def _positions(config: UniMoConfig, length: int, grid: tuple[int, int]) -> tuple[tuple[Tensor, Tensor], Tensor | None]:
    """Return (cos, sin), each `(length, head_dim)`, and the absolute embedding `(1, length, hidden_size)`, if any."""
    (cos, sin), absolute = UniMoPositionEmbedding(config)(_prompt_sequence(config, length, grid), torch.float32)
    return (cos[0], sin[0]), absolute


def _prompt_sequence(config: UniMoConfig, length: int, grid: tuple[int, int]) -> Sequence:
    table = config.table
    table["visual"] = visual = replace(table["visual"], grid=grid)
    return lay_out_codes("visual", table, visual.frames_in(-(-length // visual.codes)))[:length]


def _head(hidden: Tensor, table: Tensor) -> Tensor:
    """Return logits, with a part of the table in float32 at a time."""
    return torch.cat([F.linear(hidden, rows.float()) for rows in table.split(HEAD_ROWS)], dim=-1)
