# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Turn NVIDIA's Cosmos-1.0-Diffusion-7B-Decoder-DV8x16x16ToCV8x8x8 into the folder of a `DiffusionDecoder`.

Example:
    python conversion/convert_cosmos_diffusion_decoder.py --checkpoint model.pt --aux aux_vars.pt \
        --vae Cosmos-1.0-Tokenizer-CV8x8x8 --output runs/cosmos_ar_4b/diffusion_decoder
"""

import argparse
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from checkpoint_reading import finite, read_tensors, without_prefix
from checkpoint_writing import new_folder, read_weights, total_bytes, write_weights
from cosmos_diffusion_forward import cosmos_output, our_output, seeded_prompt
from huggingface_hub.errors import StrictDataclassError
from key_matching import match_keys
from one_line_errors import one_line_errors
from torch import Tensor

from unimo_hf.decoding.configuration_diffusion_decoder import DiffusionDecoderConfig
from unimo_hf.decoding.modeling_diffusion_decoder import DiffusionDecoder
from unimo_hf.json_files import read_json_object

NEEDED = "Cosmos-1.0-Diffusion-7B-Decoder-DV8x16x16ToCV8x8x8 (or its Predict1 twin) is needed"
NEEDED_VAE = "Cosmos-1.0-Tokenizer-CV8x8x8 (or Cosmos-Tokenize1-CV8x8x8-720p) is needed"
DTYPE = torch.bfloat16  # what the decoder was trained and is run in

# What may stand beside the network in a checkpoint.
PARTS_OF_TRAINING = ("logvar.", "conditioner.")
# Of the tokenizer: the half that encodes, and buffers that follow from the sizes.
NOT_OF_THE_DECODER = ("encoder.", "quant_conv.", "decoder.unpatcher3d.")
# Files of a tokenizer's folder, the first that is there is read.
VAE_FILES = ("diffusion_pytorch_model.safetensors", "decoder.jit", "autoencoder.jit")

# Cosmos' names on the left, ours on the right; the prefix `net.` is off on the left.
NAMES = {
    "token_embedder": "token_embedder",
    "x_embedder.proj.1": "transformer.patch_embed.proj",
    "t_embedder.1.linear_1": "transformer.time_embed.t_embedder.linear_1",
    "t_embedder.1.linear_2": "transformer.time_embed.t_embedder.linear_2",
    "affline_norm": "transformer.time_embed.norm",
    "final_layer.adaLN_modulation.1": "transformer.norm_out.linear_1",
    "final_layer.adaLN_modulation.2": "transformer.norm_out.linear_2",
    "final_layer.linear": "transformer.proj_out",
}
BLOCK_NAMES = {
    f"{part}.block.attn.{theirs}": f"attn{part + 1}.{ours}"
    for part in (0, 1)
    for theirs, ours in {
        "to_q.0": "to_q",
        "to_q.1": "norm_q",
        "to_k.0": "to_k",
        "to_k.1": "norm_k",
        "to_v.0": "to_v",
        "to_out.0": "to_out.0",
    }.items()
} | {
    "2.block.layer1": "ff.net.0.proj",
    "2.block.layer2": "ff.net.2",
    **{f"{part}.adaLN_modulation.{layer}": f"norm{part + 1}.linear_{layer}" for part in range(3) for layer in (1, 2)},
}
# diffusers' names of the tokenizer on the left, Cosmos' on the right; levels are counted the other way round besides.
DIFFUSERS_NAMES = (
    (r"\.conv_s\.", ".0."),
    (r"\.conv_t\.", ".1."),
    (r"\.mid_block\.resnets\.0\.", ".mid.block_1."),
    (r"\.mid_block\.resnets\.1\.", ".mid.block_2."),
    (r"\.mid_block\.attentions\.0\.", ".mid.attn_1.0."),
    (r"\.mid_block\.temp_attentions\.0\.", ".mid.attn_1.1."),
    (r"\.resnets\.", ".block."),
    (r"\.upsamplers\.0\.", ".upsample."),
    (r"\.conv_shortcut\.", ".nin_shortcut."),
    (r"\.to_([qkv])\.", r".\1."),
    (r"\.to_out\.0\.", ".proj_out."),
)


def main(arguments: list[str] | None = None) -> None:
    """Convert what the command line names; a user's mistake ends it with one message and code 1."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, required=True, help="model.pt as NVIDIA publishes it")
    parser.add_argument("--aux", type=Path, required=True, help="aux_vars.pt beside it, which holds the text")
    parser.add_argument(
        "--vae",
        type=Path,
        required=True,
        help="the tokenizer CV8x8x8: its folder, or decoder.jit, autoencoder.jit or diffusers' safetensors; "
        "mean_std.pt or diffusers' config.json must lie beside the file",
    )
    parser.add_argument("--output", type=Path, required=True, help="folder to make, as CHECKPOINT/diffusion_decoder")
    options = parser.parse_args(arguments)
    with one_line_errors(parser.prog):
        convert(options.checkpoint, options.aux, options.vae, options.output)


def convert(checkpoint: Path, aux: Path, vae: Path, output: Path) -> None:
    """Write the folder of a [`DiffusionDecoder`] in bfloat16.

    Args:
        checkpoint (`Path`): NVIDIA's `model.pt`, or the same tensors as safetensors.
        aux (`Path`): NVIDIA's `aux_vars.pt`.
        vae (`Path`): Folder or file of the continuous tokenizer.
        output (`Path`): Folder to make.

    Raises:
        OSError: If a file can't be read or the folder can't be made.
        ValueError: If a file is not the one that is needed; names the file, the key and what was expected.
        ModuleNotFoundError: If diffusers is not installed.
    """
    vae_file = file_of_vae(vae)
    network = read_network(checkpoint)
    decoder = read_video_decoder(vae_file)
    context = read_context(aux)
    statistics = read_statistics(vae_file)
    sizes: dict[str, Any] = {
        **sizes_of_network(network, checkpoint),
        **sizes_of_decoder(decoder, vae_file),
        **dict(zip(("context_length", "context_size"), context.shape, strict=True)),
    }
    sizes |= statistics_by_channel(statistics, sizes["latent_channels"], vae_file)
    try:
        config = DiffusionDecoderConfig(**sizes)
    except (StrictDataclassError, ValueError) as error:
        raise ValueError(f"{checkpoint} and {vae_file} are of no diffusion decoder: {error}. {NEEDED}.") from error
    config.architectures, config.dtype = [DiffusionDecoder.__name__], DTYPE
    with torch.device("meta"):
        shapes = {name: weight.shape for name, weight in DiffusionDecoder(config).state_dict().items()}
    # All three files together, each key with its file in front, so that one message says all that does not fit.
    files = {"network": (checkpoint, network), "decoder": (vae_file, decoder), "text": (aux, {"context": context})}
    sources = {f"{part}:{key}": tensor for part, (_, tensors) in files.items() for key, tensor in tensors.items()}
    try:
        source_of = match_keys({key: tensor.shape for key, tensor in sources.items()}, shapes, target_name)
    except ValueError as error:
        raise ValueError(
            f"{checkpoint} (network), {vae_file} (decoder) and {aux} (text) do not hold the tensors of a diffusion "
            f"decoder; {NEEDED}, and {NEEDED_VAE}.\n{error}"
        ) from error

    def weight_of(name: str) -> Tensor:
        part, _, key = source_of[name].partition(":")
        return finite(sources[source_of[name]], DTYPE, f"{files[part][0]}: {key}")

    with new_folder(output, total_bytes(shapes, DTYPE)) as folder:
        write_weights(folder, shapes, weight_of, DTYPE)
        config.save_pretrained(folder)
        expected = cosmos_output(network, config, seeded_prompt(config), DTYPE)
        for tensors in (sources, network):
            tensors.clear()  # lets go of the checkpoint: two mapped files would count twice
        check_output(folder, config, expected)


def check_output(folder: Path, config: DiffusionDecoderConfig, expected: Tensor) -> None:
    """Hold what the written network says to a seeded prompt against what the checkpoint said.

    Raises:
        ValueError: If that is not finite.
        RuntimeError: If they differ, which would be a mistake of this converter.
    """
    if not bool(expected.isfinite().all()):
        raise ValueError("The checkpoint gives numbers that are not finite; its weights are damaged.")
    found = our_output(read_weights(folder), config, seeded_prompt(config))
    error, scale = float((found - expected).abs().max()), float(expected.abs().max())
    if not error <= 1e-4 * scale:
        raise RuntimeError(
            f"The converted network gives other numbers than the checkpoint, by {error:g} of {scale:g}."
        )


def target_name(source: str) -> str | None:
    """Return our name for a key with its part in front (`network:`, `decoder:` or `text:`); `None` if it has none."""
    part, _, key = source.partition(":")
    if part == "text":
        return "text_context" if key == "context" else None
    if part == "decoder":
        return f"video_decoder.{key}"
    name, _, kind = key.rpartition(".")
    if kind != "weight":
        return None
    if name in NAMES:
        return f"denoiser.{NAMES[name]}.weight"
    block = re.fullmatch(r"blocks\.block(\d+)\.blocks\.(.+)", name)
    if block is None or block[2] not in BLOCK_NAMES:
        return None
    return f"denoiser.transformer.transformer_blocks.{block[1]}.{BLOCK_NAMES[block[2]]}.weight"


def read_network(checkpoint: Path) -> dict[str, Tensor]:
    """Return the weights of the transformer, without the prefix `net.` and without what is no weight of it."""
    tensors = read_tensors(checkpoint)
    weights = {key: weight for key, weight in tensors.items() if not key.startswith(PARTS_OF_TRAINING)}
    weights = without_prefix(weights, "net.")
    weights.pop("pos_embedder.seq", None)  # a buffer that follows from the sizes
    return weights


def read_context(aux: Path) -> Tensor:
    """Return the embedded text, [length, channels].

    Raises:
        ValueError: If the file holds something else.
    """
    tensors = read_tensors(aux)
    unknown = sorted(set(tensors) - {"context", "context_mask"})
    context = tensors.get("context")
    if unknown or context is None or context.ndim != 3 or len(context) != 1:
        found = ", ".join(f"{key} {list(tensor.shape)}" for key, tensor in tensors.items())
        raise ValueError(
            f"{aux} holds {found}; the aux_vars.pt of the diffusion decoder holds context [1, length, channels] and "
            "context_mask."
        )
    return context[0]


def file_of_vae(vae: Path) -> Path:
    """Return the file of weights of a tokenizer, which is given itself or as its folder."""
    if not vae.is_dir():
        return vae
    for folder in (vae, vae / "vae"):
        for name in VAE_FILES:
            if (folder / name).exists():
                return folder / name
    raise ValueError(f"{vae} holds no tokenizer: none of {', '.join(VAE_FILES)} is there, nor in vae/.")


def read_video_decoder(file: Path) -> dict[str, Tensor]:
    """Return the weights of the tokenizer's decoder under our names; the file has Cosmos' names or diffusers'."""
    weights = {key: weight for key, weight in read_tensors(file).items() if not key.startswith(NOT_OF_THE_DECODER)}
    levels = len({found[1] for key in weights if (found := re.match(r"decoder\.up_blocks\.(\d+)\.", key))})
    renamed = {}
    for key, weight in weights.items():
        name = key.replace(".conv3d", "")
        if levels:
            for pattern, ours in DIFFUSERS_NAMES:
                name = re.sub(pattern, ours, name)
            name = re.sub(r"\.up_blocks\.(\d+)\.", lambda found: f".up.{levels - 1 - int(found[1])}.", name)
        name = re.sub(r"\.norm(\.\w+)$", r"\1", name)
        if name in renamed:
            raise ValueError(f"{file} holds {key} a second time under another name.")
        renamed[name] = weight
    return renamed


def read_statistics(file: Path) -> dict[str, Tensor]:
    """Return mean and deviation of the latent as they stand beside the tokenizer, in diffusers' config or mean_std.pt.

    Raises:
        ValueError: If neither is there, or a file is damaged.
    """
    names = ("latents_mean", "latents_std")
    config_file, pair_file = file.with_name("config.json"), file.with_name("mean_std.pt")
    if config_file.exists():
        try:
            settings = read_json_object(config_file)
            if all(settings.get(name) for name in names):
                return {name: torch.tensor(settings[name], dtype=torch.float32) for name in names}
        except (ValueError, TypeError) as error:
            raise ValueError(f"{config_file} is no configuration of a tokenizer: {error}") from error
    if not pair_file.exists():
        raise ValueError(
            f"Mean and deviation of the latent of {file} are missing: {pair_file}, or latents_mean and latents_std in "
            f"{config_file}, must be there."
        )
    try:
        pair = torch.load(pair_file, map_location="cpu", weights_only=True)
        mean, std = (part.float() for part in pair)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{pair_file} is no pair of tensors, mean and standard deviation.") from error
    return dict(zip(names, (mean, std), strict=True))


def statistics_by_channel(statistics: Mapping[str, Tensor], channels: int, file: Path) -> dict[str, list[list[float]]]:
    """Return mean and deviation as lists, by channel and latent frame.

    Raises:
        ValueError: If they do not fit the channels of the tokenizer, or are no statistics.
    """
    mean, std = statistics["latents_mean"], statistics["latents_std"]
    usable = bool(mean.isfinite().all() and std.isfinite().all() and (std > 0).all())
    if not usable or mean.numel() != std.numel() or mean.numel() == 0 or mean.numel() % channels:
        raise ValueError(
            f"The statistics beside {file} are {mean.numel()} means and {std.numel()} deviations; a finite mean and a "
            f"deviation above 0 are needed for each of {channels} channels and each latent frame."
        )
    return {name: values.reshape(channels, -1).tolist() for name, values in statistics.items()}


def sizes_of_network(weights: Mapping[str, Tensor], checkpoint: Path) -> dict[str, int | float]:
    """Return the sizes of the transformer that these tensors are of, as fields of [`DiffusionDecoderConfig`].

    Raises:
        ValueError: If they are not of a Cosmos diffusion decoder.
    """
    block = "blocks.block0.blocks"
    codes = _shape_of(weights, "token_embedder.weight", 2, checkpoint, NEEDED)
    (width,) = _shape_of(weights, "affline_norm.weight", 1, checkpoint, NEEDED)
    (head_dim,) = _shape_of(weights, f"{block}.0.block.attn.to_q.1.weight", 1, checkpoint, NEEDED)
    rank, _ = _shape_of(weights, f"{block}.0.adaLN_modulation.1.weight", 2, checkpoint, NEEDED)
    inner, _ = _shape_of(weights, f"{block}.2.block.layer1.weight", 2, checkpoint, NEEDED)
    patch, _ = _shape_of(weights, "final_layer.linear.weight", 2, checkpoint, NEEDED)
    return {
        "codebook_size": codes[0],
        "code_embedding_size": codes[1],
        "latent_channels": patch // 4,  # a patch has 2 x 2 positions
        "num_hidden_layers": len({found[1] for key in weights if (found := re.match(r"blocks\.block(\d+)\.", key))}),
        "num_attention_heads": width // head_dim,
        "attention_head_dim": head_dim,
        "mlp_ratio": inner / width,
        "adaln_lora_dim": rank,
    }


def sizes_of_decoder(weights: Mapping[str, Tensor], file: Path) -> dict[str, int | list[int]]:
    """Return the sizes of the convolutional decoder that these tensors are of, as fields of the configuration.

    Raises:
        ValueError: If they are not of the decoder of a continuous Cosmos tokenizer.
    """
    _shape_of(weights, "post_quant_conv.weight", 5, file, NEEDED_VAE)
    blocks = [re.match(r"decoder\.up\.(\d+)\.block\.(\d+)\.", key) for key in weights]
    levels = max((int(found[1]) for found in blocks if found), default=-1) + 1
    names = [f"decoder.up.{level}.block.0.conv1.0.weight" for level in range(max(levels, 1))]
    return {
        "decoder_widths": [_shape_of(weights, name, 5, file, NEEDED_VAE)[0] for name in names],
        "decoder_num_res_blocks": max(int(found[2]) for found in blocks if found),
    }


def _shape_of(weights: Mapping[str, Tensor], key: str, dimensions: int, file: Path, needed: str) -> list[int]:
    """Return the shape of a tensor that must be there."""
    found = weights.get(key)
    if found is None or found.ndim != dimensions:
        shape = "there is none" if found is None else f"its shape is {list(found.shape)}"
        raise ValueError(f"{file}: {key} must have {dimensions} dimensions; {shape}. {needed}.")
    return list(found.shape)


if __name__ == "__main__":
    main()
