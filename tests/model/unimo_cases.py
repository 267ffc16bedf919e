# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Small models, sequences and goldens that the tests of the autoregressive model share."""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file

from unimo_hf.model.configuration_unimo import UniMoConfig
from unimo_hf.model.modeling_unimo import UniMoForConditionalGeneration
from unimo_hf.model.tasks import SequenceLayout, TaskSchedule, get_task

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
        "visual_vocab_size": 20,
        "motion_vocab_size": 10,
        "num_special_tokens": 6,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 12,
        "latent_grid": [3, 2, 2],
        "codes_per_frame": 4,
        "motion_grid": [2, 2],
    }
    return UniMoConfig(**{**settings, **changes})


def tiny_model(**changes) -> UniMoForConditionalGeneration:
    """A model with random weights, in evaluation mode."""
    torch.manual_seed(0)
    return UniMoForConditionalGeneration(tiny_config(**changes)).eval()


def random_sequences(
    config: UniMoConfig, task: str, batch: int = 2, layout: SequenceLayout | None = None, seed: int = 0
) -> tuple[torch.LongTensor, TaskSchedule]:
    """Whole sequences of random codes, and their schedule."""
    generator, vocabulary = torch.Generator().manual_seed(seed), config.vocabulary
    schedule = TaskSchedule(get_task(task), layout or config.layout, config.interleaving)
    shape = (batch, schedule.length)
    visual = torch.randint(0, vocabulary.visual_size, shape, generator=generator)
    motion = torch.randint(vocabulary.motion_offset, vocabulary.special_offset, shape, generator=generator)
    ids = torch.where(schedule.modality == 1, visual, motion)
    ids[:, 0] = vocabulary.v2m_id if task == "v2m" else vocabulary.i2vm_id
    ids[:, schedule.condition_length - 1] = vocabulary.start_of_target_id
    return ids, schedule


def golden_config(**changes) -> UniMoConfig:
    """The configuration of the Cosmos goldens, with a motion vocabulary beside it."""
    golden = json.loads((GOLDENS / "ar.json").read_text())
    settings = {
        "visual_vocab_size": golden["vocab_size"],
        "motion_vocab_size": 16,
        "num_special_tokens": 8,
        "hidden_size": golden["dim"],
        "intermediate_size": golden["ffn_hidden_size"],
        "num_hidden_layers": golden["n_layers"],
        "num_attention_heads": golden["n_heads"],
        "num_key_value_heads": golden["n_kv_heads"],
        "head_dim": golden["dim"] // golden["n_heads"],
        "latent_grid": golden["video_latent_shape"],
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
