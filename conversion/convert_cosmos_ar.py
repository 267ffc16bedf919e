# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Turn NVIDIA's Cosmos-1.0-Autoregressive-4B into a UniMo checkpoint, ready for stage 2.

Example: python conversion/convert_cosmos_ar.py --checkpoint model.pt --config config.json --output runs/cosmos_ar_4b
"""

import argparse
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from checkpoint_reading import finite, read_tensors, without_prefix
from checkpoint_writing import new_folder, read_weights, total_bytes, write_weights
from cosmos_ar_forward import cosmos_logits, seeded_prompt, unimo_logits
from huggingface_hub.errors import StrictDataclassError
from key_matching import match_keys
from one_line_errors import one_line_errors
from torch import Tensor
from transformers import GenerationConfig

from unimo_hf.atomic import follow_umask
from unimo_hf.json_files import read_json_object
from unimo_hf.model.configuration_motion_vqvae import MotionVQVAEConfig
from unimo_hf.model.configuration_unimo import UniMoConfig
from unimo_hf.model.modalities import squarest_grid
from unimo_hf.model.modeling_motion_vqvae import MotionVQVAE
from unimo_hf.model.modeling_unimo import UniMoForConditionalGeneration
from unimo_hf.model.processing_unimo import UniMoProcessor
from unimo_hf.model.tokenization_unimo import UniMoTokenizer
from unimo_hf.pipelines.checkpoint import load_network, locate_network

REPOSITORY = Path(__file__).resolve().parents[1]
GENERATION_SETTINGS = REPOSITORY / "configuration" / "generation_config.json"
CARD = REPOSITORY / "model_cards" / "cosmos-ar-4b.md"
NEEDED = "Cosmos-1.0-Autoregressive-4B (or Cosmos-Predict1-4B) is needed"
DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}

# Cosmos' names on the left, ours on the right; the prefix `model.` is off on the left.
NAMES = {"tok_embeddings": "model.embed_tokens.visual", "norm": "model.norm", "output": "lm_head"}
BLOCK_NAMES = {
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
# What Cosmos does not have: motion and special tokens.
VISUAL_TABLE = "model.embed_tokens.visual.weight"
NEW_TABLES = ("model.embed_tokens.motion.weight", "model.embed_tokens.special.weight")
NEW_HEAD = "motion_head.weight"
NEW_ROWS_SEED = 0

# The tensors that sizes are read off, and how many dimensions each has.
DIMENSIONS = {
    "tok_embeddings.weight": 2,
    "output.weight": 2,
    "layers.0.attention.wq.weight": 2,
    "layers.0.attention.wk.weight": 2,
    "layers.0.attention.q_norm.weight": 1,
    "layers.0.feed_forward.w1.weight": 2,
}
# Cosmos' config.json -> our config.
CONFIG_FIELDS = {
    "dim": "hidden_size",
    "n_layers": "num_hidden_layers",
    "n_heads": "num_attention_heads",
    "n_kv_heads": "num_key_value_heads",
    "head_dim": "head_dim",
    "vocab_size": "visual codes",
    "ffn_hidden_size": "intermediate_size",
}


def main(arguments: list[str] | None = None) -> None:
    """Convert what the command line names; a user's mistake ends it with one message and code 1."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, required=True, help="model.pt as NVIDIA publishes it")
    parser.add_argument("--config", type=Path, help="config.json beside it; checked against the tensors")
    parser.add_argument("--output", type=Path, required=True, help="folder to make")
    parser.add_argument(
        "--motion-vqvae", type=Path, help="a trained motion tokenizer (or a checkpoint that has one), copied"
    )
    parser.add_argument("--dtype", choices=sorted(DTYPES), default="bfloat16", help="of the weights (bfloat16)")
    parser.add_argument(
        "--new-rows",
        choices=("visual", "normal"),
        default="visual",
        help="start of motion and special embeddings: mean and deviation of the visual table, or Cosmos' own N(0, 1)",
    )
    options = parser.parse_args(arguments)
    with one_line_errors(parser.prog):
        convert(
            options.checkpoint,
            options.output,
            options.config,
            options.motion_vqvae,
            DTYPES[options.dtype],
            options.new_rows,
        )


def convert(
    checkpoint: Path,
    output: Path,
    config_file: Path | None = None,
    motion_vqvae: Path | None = None,
    dtype: torch.dtype = torch.bfloat16,
    new_rows: str = "visual",
) -> None:
    """Write a UniMo folder with the weights of Cosmos, new rows, processor and generation settings.

    The result is Cosmos (`ape_mode="none"`) until it is trained further: visual codes alone continue as they do there.

    Args:
        checkpoint (`Path`): NVIDIA's `model.pt`, or the same tensors as safetensors.
        output (`Path`): Folder to make.
        config_file (`Path`, *optional*): NVIDIA's `config.json`.
        motion_vqvae (`Path`, *optional*): Folder of a [`MotionVQVAE`], which gives the number of motion codes; the
            paper's by default.
        dtype (`torch.dtype`, *optional*): Of the written weights.
        new_rows (`str`, *optional*): `visual` or `normal`; see [`new_weights`].

    Raises:
        OSError: If a file can't be read or the folder can't be made.
        ValueError: If the checkpoint is not that of the 4B model; names the file, the key and what was expected.
    """
    weights = read_tensors(checkpoint)
    for prefix in ("net.", "model."):
        weights = without_prefix(weights, prefix)
    tokenizer = (
        None if motion_vqvae is None else load_network(MotionVQVAE, Path(locate_network(MotionVQVAE, motion_vqvae)))
    )
    motion_config = MotionVQVAEConfig() if tokenizer is None else tokenizer.config
    settings = {} if config_file is None else read_json_object(config_file)
    config = config_of(weights, checkpoint, settings, motion_config)
    config.architectures, config.dtype = [UniMoForConditionalGeneration.__name__], dtype
    with torch.device("meta"):
        shapes = {name: weight.shape for name, weight in UniMoForConditionalGeneration(config).state_dict().items()}
    try:
        source_of = match_keys(
            {key: weight.shape for key, weight in weights.items()}, shapes, target_name, {*NEW_TABLES, NEW_HEAD}
        )
    except ValueError as error:
        raise ValueError(f"{checkpoint} does not hold the tensors of its model; {NEEDED}.\n{error}") from error

    with new_folder(output, total_bytes(shapes, dtype)) as folder:
        new = new_weights(config, weights[source_of[VISUAL_TABLE]], new_rows)

        def weight_of(name: str) -> Tensor:
            if name in new:
                return new[name].to(dtype)
            return finite(weights[source_of[name]], dtype, f"{checkpoint}: {source_of[name]}")

        write_weights(folder, shapes, weight_of, dtype)
        config.save_pretrained(folder)
        settings = json.loads(GENERATION_SETTINGS.read_text(encoding="utf-8"))
        GenerationConfig(**settings, pad_token_id=config.pad_token_id).save_pretrained(folder)
        processor_of(config, motion_config).save_pretrained(folder)
        shutil.copyfile(CARD, folder / "README.md")
        if tokenizer is not None:
            tokenizer.save_pretrained(folder / "motion_vqvae")
            follow_umask(*(folder / "motion_vqvae").glob("model*.safetensors"))
        check_logits(weights, folder, config, dtype)


def target_name(key: str) -> str | None:
    """Return our name for a key of Cosmos (without `model.`); `None` if it has no place here."""
    name, _, kind = key.rpartition(".")
    if kind != "weight":
        return None
    if name in NAMES:
        return f"{NAMES[name]}.weight"
    block = re.fullmatch(r"layers\.(\d+)\.(.+)", name)
    if block is None or block[2] not in BLOCK_NAMES:
        return None
    return f"model.layers.{block[1]}.{BLOCK_NAMES[block[2]]}.weight"


def config_of(
    weights: Mapping[str, Tensor], checkpoint: Path, settings: dict[str, Any], motion_config: MotionVQVAEConfig
) -> UniMoConfig:
    """Read the sizes off the tensors and hold NVIDIA's config.json against them.

    Raises:
        ValueError: If the tensors are those of another model, or the settings contradict them.
    """
    sizes = sizes_of(weights, checkpoint)
    for field, ours in CONFIG_FIELDS.items():
        if settings.get(field) not in (None, sizes[ours]):
            raise ValueError(
                f"config.json contradicts {checkpoint}: `{field}` is {settings[field]}, the tensors say {sizes[ours]}."
            )
    try:
        slots = squarest_grid(motion_config.codes_per_frame)
        motion = {"name": "motion", "size": motion_config.codebook_size, "grid": slots}
        visual = {"name": "visual", "size": sizes.pop("visual codes"), "grid": [32, 32], "frames": 8}
        return UniMoConfig(
            **sizes,
            modalities=[visual, motion],
            rms_norm_eps=settings.get("norm_eps", UniMoConfig.rms_norm_eps),
            # The released 4B model has none; Cosmos' loader reads this switch, off when it is missing.
            ape_mode="hidden_each_layer" if settings.get("apply_abs_pos_emb") else "none",
        )
    except (StrictDataclassError, ValueError) as error:
        reason = str(error.__cause__ or error)
        raise ValueError(f"{checkpoint} and its config.json describe no model: {reason} {NEEDED}.") from error


def sizes_of(weights: Mapping[str, Tensor], checkpoint: Path) -> dict[str, int]:
    """Return the sizes of the model that these tensors are of, as fields of [`UniMoConfig`].

    Raises:
        ValueError: If they are not of an autoregressive Cosmos model, or of another than the 4B.
    """
    cross_attention = [key for key in weights if "cross_attention" in key]
    if cross_attention:
        raise ValueError(
            f"{checkpoint} is a text-conditioned Cosmos model (5B or 13B Video2World): it holds {cross_attention[0]}. "
            f"{NEEDED}."
        )
    for key, dimensions in DIMENSIONS.items():
        found = weights.get(key)
        if found is None or found.ndim != dimensions:
            shape = "there is none" if found is None else f"its shape is {list(found.shape)}"
            raise ValueError(
                f"{checkpoint} is no autoregressive Cosmos model: {key} must have {dimensions} dimensions, {shape}. "
                f"{NEEDED}."
            )
    width = weights["tok_embeddings.weight"].shape[1]
    head_dim = len(weights["layers.0.attention.q_norm.weight"])
    query_size = len(weights["layers.0.attention.wq.weight"])
    if query_size != width:
        raise ValueError(
            f"{checkpoint} is the 12B or 13B Cosmos model or another: layers.0.attention.wq.weight maps a width of "
            f"{width} to {query_size}; in the 4B model both are 4096. {NEEDED}."
        )
    layers = [int(found[1]) for key in weights if (found := re.match(r"layers\.(\d+)\.", key))]
    return {
        "visual codes": len(weights["output.weight"]),
        "hidden_size": width,
        "intermediate_size": len(weights["layers.0.feed_forward.w1.weight"]),
        "num_hidden_layers": max(layers) + 1,
        "num_attention_heads": query_size // head_dim,
        "num_key_value_heads": len(weights["layers.0.attention.wk.weight"]) // head_dim,
        "head_dim": head_dim,
    }


@torch.no_grad()
def new_weights(config: UniMoConfig, visual_table: Tensor, rule: str) -> dict[str, Tensor]:
    """Make the rows that Cosmos does not have; the same every time.

    Args:
        config ([`UniMoConfig`]): Sizes.
        visual_table (`Tensor` of shape `(visual codes, hidden_size)`): Cosmos' embedding.
        rule (`str`): Embeddings of motion and special tokens are drawn with the mean and deviation that each channel
            has in the visual table (`visual`), or from N(0, 1) as Cosmos draws new rows (`normal`).

    Returns:
        `dict[str, Tensor]`: float32. The motion head is a truncated normal of deviation `hidden_size ** -0.5`, Cosmos'
        rule for heads.
    """
    generator = torch.Generator().manual_seed(NEW_ROWS_SEED)
    width = config.hidden_size
    mean, deviation = torch.zeros(width), torch.ones(width)
    if rule == "visual":
        # Channel by channel in parts, so that no float32 copy of the table is made.
        parts = [torch.std_mean(columns.float(), dim=0) for columns in visual_table.split(256, dim=1)]
        deviation, mean = (torch.cat(values) for values in zip(*parts, strict=True))
    rows = {NEW_TABLES[0]: config.table["motion"].size, NEW_TABLES[1]: config.num_special_tokens}
    new = {name: mean + deviation * torch.randn(count, width, generator=generator) for name, count in rows.items()}
    head, std = torch.empty(config.table["motion"].size, width), width**-0.5
    new[NEW_HEAD] = torch.nn.init.trunc_normal_(head, std=std, a=-3 * std, b=3 * std, generator=generator)
    return new


def processor_of(config: UniMoConfig, motion_config: MotionVQVAEConfig) -> UniMoProcessor:
    """Return the processor for clips of the full size, 16 pixels to a visual code."""
    return UniMoProcessor(
        UniMoTokenizer(list(config.vocabulary.sizes.items()), config.num_special_tokens),
        size=16 * config.table["visual"].grid[0],
        frames=config.frames,
        fps=motion_config.fps,
        modalities=config.modalities,
        interleaving=config.interleaving,
    )


def check_logits(weights: dict[str, Tensor], folder: Path, config: UniMoConfig, dtype: torch.dtype) -> None:
    """Run a seeded prompt through the checkpoint and through what was written; `weights` is emptied.

    Raises:
        ValueError: If the results are not numbers.
        RuntimeError: If they differ, which would be a mistake of this converter.
    """
    prompt = seeded_prompt(config.table["visual"].size)
    expected = cosmos_logits(weights, config, prompt, dtype=dtype)
    weights.clear()  # lets go of the checkpoint: two mapped files would count twice
    if not bool(expected.isfinite().all()):
        raise ValueError("The checkpoint gives logits that are not finite; its weights are damaged.")
    found = unimo_logits(read_weights(folder), config, prompt)
    error, scale = float((found - expected).abs().max()), float(expected.abs().max())
    if not error <= 1e-4 * scale:
        raise RuntimeError(f"The converted model gives other logits than the checkpoint, by {error:g} of {scale:g}.")


if __name__ == "__main__":
    main()
