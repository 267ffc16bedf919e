# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Small models, sequences and goldens that the tests of the autoregressive model share."""

import json
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import load_file

from unimo_hf.model.configuration_unimo import UniMoConfig
from unimo_hf.model.modeling_unimo import UniMoForConditionalGeneration
from unimo_hf.model.sequences import Sequence, lay_out
from unimo_hf.model.tasks import get_task

GOLDENS = Path(__file__).resolve().parents[1] / "goldens" / "cosmos"

# Names of Cosmos' checkpoint on the left, ours on the right (spec of the released 4B model).
COSMOS_NAMES = {
    "attention_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attention.wq": "self_attn.q_proj",
    "attention.wk": "self_attn.k_proj",
    "attention.wv": "self_attn.v_proj",
    "attention.wo": "self_attn.o_proj",
    "attention.q_norm": "self_attn.q_norm",
    "attention.k_norm": "self_attn.k_norm",
    "feed_forward.w1": "mlp.gate_proj",
    "feed_forward.w3": "mlp.up_proj",
    "feed_forward.w2": "mlp.down_proj",
}


def tiny_config(**changes) -> UniMoConfig:
    """Both tasks in 82 tokens: 3 latent frames of 2x2 codes, 17 frames of 4 codes, 2 special tokens."""
    settings = {
        "modalities": [
            {"name": "visual", "size": 20, "grid": [2, 2], "frames": 8},
            {"name": "motion", "size": 10, "grid": [2, 2]},
        ],
        "frames": 17,
        "num_special_tokens": 6,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 12,
    }
    return UniMoConfig(**{**settings, **changes})


def tiny_model(**changes) -> UniMoForConditionalGeneration:
    """A model with random weights, in evaluation mode."""
    torch.manual_seed(0)
    return UniMoForConditionalGeneration(tiny_config(**changes)).eval()


def random_sequences(
    config: UniMoConfig, task: str, batch: int = 2, frames: int | None = None, seed: int = 0, grid=None
) -> tuple[torch.LongTensor, Sequence]:
    """Whole sequences of random codes, and their layout."""
    generator, vocabulary, table = torch.Generator().manual_seed(seed), config.vocabulary, config.table
    if grid is not None:
        table["visual"] = replace(table["visual"], grid=grid)
    sequence = lay_out(get_task(task), table, frames or config.frames, interleaving=config.interleaving)
    shape = (batch, len(sequence))
    visual, motion = (torch.randint(*vocabulary.ranges[name], shape, generator=generator) for name in table)
    ids = torch.where(sequence.holds("visual"), visual, motion)
    ids[:, 0] = vocabulary.special_id(get_task(task).token)
    ids[:, sequence.condition_length - 1] = vocabulary.special_id("[STG]")
    return ids, sequence


def name_at(sequence: Sequence, place: int) -> str:
    """The modality of a position."""
    return list(sequence.table)[int(sequence.modality[0, place]) - 1]


def golden_config(**changes) -> UniMoConfig:
    """The configuration of the Cosmos goldens, with a motion vocabulary beside it."""
    golden = json.loads((GOLDENS / "ar.json").read_text())
    settings = {
        "modalities": [
            {"name": "visual", "size": golden["vocab_size"], "grid": golden["video_latent_shape"][1:], "frames": 8},
            {"name": "motion", "size": 16, "grid": [6, 6]},
        ],
        "frames": 8 * golden["video_latent_shape"][0] - 7,
        "num_special_tokens": 8,
        "hidden_size": golden["dim"],
        "intermediate_size": golden["ffn_hidden_size"],
        "num_hidden_layers": golden["n_layers"],
        "num_attention_heads": golden["n_heads"],
        "num_key_value_heads": golden["n_kv_heads"],
        "head_dim": golden["dim"] // golden["n_heads"],
        "ape_mode": "none",
    }
    return UniMoConfig(**{**settings, **changes})


def golden_model(**changes) -> UniMoForConditionalGeneration:
    """Our model with the weights of `ar_base`; only the motion and special rows are our own."""
    torch.manual_seed(0)
    model = UniMoForConditionalGeneration(golden_config(**changes)).eval()
    weights = {}
    for name, weight in load_file(GOLDENS / "ar_base.safetensors").items():
        if not name.startswith("weights.model."):
            continue
        name = name.removeprefix("weights.model.")
        for old, new in COSMOS_NAMES.items():
            name = name.replace(f".{old}.", f".{new}.")
        name = name.replace("tok_embeddings", "embed_tokens.visual")
        name = name.replace("output.", "lm_head.") if name.startswith("output.") else f"model.{name}"
        weights[name] = weight.float()
    missing, unexpected = model.load_state_dict(weights, strict=False)
    own = {"model.embed_tokens.motion.weight", "model.embed_tokens.special.weight", "motion_head.weight"}
    assert set(missing) == own
    assert not unexpected
    return model
