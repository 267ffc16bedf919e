# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Turn a UniMo checkpoint into a Hub repository that loads without this package, and push it.

Example: python conversion/export_hub.py runs/unimo_tiny --output runs/unimo_tiny_hub --push-to-hub me/unimo-tiny
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from checkpoint_reading import finite, read_tensors
from checkpoint_writing import MAX_SHARD_BYTES, SAFETENSORS_DTYPES, new_folder, write_weights
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id
from key_matching import match_keys
from model_card import write_card
from one_line_errors import one_line_errors
from remote_code import CONFIGURATIONS, NETWORKS, write_remote_code
from torch import Tensor
from transformers import GenerationConfig, PreTrainedConfig
from transformers.utils.hub import convert_file_size_to_int

from unimo_hf.json_files import read_json_object
from unimo_hf.pipelines.checkpoint import (
    DIFFUSION_DECODER,
    check_codes_of_diffusion_decoder,
    check_fit,
    check_parts,
    folder_here,
    load_processor,
)
from unimo_hf.pipelines.checkpoint_files import copy_file, files_inside
from unimo_hf.pipelines.hub import upload_checkpoint
from unimo_hf.pipelines.network_files import read_generation_config, weight_files

GENERATION_SETTINGS = Path(__file__).resolve().parents[1] / "configuration" / "generation_config.json"
SETTINGS = ("processor_config.json", "tokenizer_config.json", "tokenizer.json")
OF_A_PART = ("config.json", "model*.safetensors*")
# What else belongs to a checkpoint; logs, optimiser states and the like stay behind.
OPTIONAL_FILES = ("LICENSE*", "NOTICE*", "evaluation_statistics.safetensors", "examples/*")
# Notes of transformers on where a tokenizer was loaded from.
NOTES_ON_LOADING = ("is_local", "local_files_only")


def main(arguments: list[str] | None = None) -> None:
    """Export what the command line names; a user's mistake ends it with one message and code 1."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", help="folder of a whole checkpoint, or unimo-tiny")
    parser.add_argument("--output", type=Path, required=True, help="folder to make")
    parser.add_argument("--push-to-hub", metavar="ORG/NAME", help="repository to make or update on the Hub")
    parser.add_argument("--max-shard-size", default=MAX_SHARD_BYTES, help="size of a file of weights at most (5GB)")
    parser.add_argument("--license", metavar="ID", help="as the Hub writes it, such as apache-2.0 (the card's)")
    parser.add_argument(
        "--base-model", metavar="ORG/NAME", action="append", default=[], help="what the weights were made from"
    )
    options = parser.parse_args(arguments)
    with one_line_errors(parser.prog):
        max_shard_bytes = parse_size(options.max_shard_size)
        for name in filter(None, [options.push_to_hub, *options.base_model]):
            check_repository_name(name)
        export(
            folder_here(options.checkpoint),
            options.output,
            max_shard_bytes,
            options.push_to_hub,
            options.license,
            options.base_model,
        )
        if options.push_to_hub is not None:
            sys.stdout.write(f"{push(options.output, options.push_to_hub)}\n")


def export(
    checkpoint: Path,
    output: Path,
    max_shard_bytes: int = MAX_SHARD_BYTES,
    repository: str | None = None,
    license_id: str | None = None,
    base_models: Sequence[str] = (),
) -> None:
    """Write a folder that is a Hub repository: weights in shards, remote code, settings and a card.

    Everything is checked before it is written: parts, settings, names, shapes and numbers of all weights.

    Args:
        checkpoint (`Path`): A folder with the AR model, `motion_vqvae/`, `video_fsq/` and perhaps
            `diffusion_decoder/`.
        output (`Path`): Folder to make.
        max_shard_bytes (`int`, *optional*): A file of weights is not larger, unless it holds one tensor.
        repository (`str`, *optional*): Its name on the Hub, for the examples of the card.
        license_id (`str`, *optional*): Licence of the weights; the card's by default.
        base_models (`Sequence[str]`, *optional*): Repositories that the weights were made from; the card's by default.

    Raises:
        OSError: If a file can't be read or the folder can't be made.
        ValueError: If a part is missing, damaged, or does not fit the others, or a file is a link that leads out of
            the checkpoint; names the file and the key.
    """
    others = files_inside(checkpoint, (*SETTINGS, *OPTIONAL_FILES))
    files_inside(checkpoint, ("generation_config.json", "README.md"))
    files_inside(checkpoint, [f"{part}/{name}".lstrip("/") for part in NETWORKS for name in OF_A_PART])
    check_parts(checkpoint)
    for name in SETTINGS:
        if not (checkpoint / name).exists():
            raise ValueError(f"{checkpoint} is no whole UniMo checkpoint: {name} is missing.")
    parts = [part for part in NETWORKS if (checkpoint / part / "config.json").exists()]
    configs = {part: read_config(checkpoint, part) for part in parts}
    processor = load_processor(checkpoint)
    check_fit(checkpoint, configs[""], configs["motion_vqvae"], configs["video_fsq"], processor)
    if DIFFUSION_DECODER in parts:
        check_codes_of_diffusion_decoder(checkpoint, configs[DIFFUSION_DECODER], configs["video_fsq"])
    generation_config = generation_config_of(checkpoint, configs[""])
    weights = {part: read_weights_of(checkpoint, part, configs[part]) for part in parts}

    num_bytes = sum(tensor.nbytes for tensors in weights.values() for tensor in tensors.values())
    with new_folder(output, num_bytes) as folder:
        for part, tensors in weights.items():
            (folder / part).mkdir(exist_ok=True)
            write_part(tensors, folder / part, checkpoint / part, max_shard_bytes)
            copy_file(checkpoint / part / "config.json", folder / part / "config.json")
        generation_config.save_pretrained(folder)
        copy_files(others, checkpoint, folder)
        requirements = write_remote_code(folder, parts)
        metadata = write_card(
            folder,
            checkpoint,
            title=(repository or output.name).rpartition("/")[2],
            name=repository or output.name,
            requirements=requirements,
            fps=processor.fps,
            license_id=license_id,
            base_models=base_models,
        )
    if metadata["license"] == "unknown":
        sys.stderr.write("The card names no licence, so it says `unknown`; name one with --license.\n")


def push(folder: Path, repository: str) -> str:
    """Upload the folder and return the address of the commit.

    Raises:
        ValueError: If that fails; says that the folder is whole and how to go on.
    """
    try:
        return upload_checkpoint(folder, repository)
    except Exception as error:  # of the Hub, of the network and of the token, which have no class in common
        raise ValueError(
            f"{folder} is written, but can't be pushed to {repository}: {' '.join(str(error).split())} "
            f"When that is mended, push it with: hf upload {repository} {folder}"
        ) from error


def parse_size(text: str | int) -> int:
    """Return a size such as `5GB` in bytes; raises `ValueError` that says what is allowed."""
    try:
        size = convert_file_size_to_int(text)
    except ValueError as error:
        raise ValueError(f"--max-shard-size is {text!r}; a number and a unit are needed, such as 5GB.") from error
    if size < 1:
        raise ValueError(f"--max-shard-size is {text!r}; it must be above 0.")
    return size


def check_repository_name(name: str) -> None:
    """Raise `ValueError` if the Hub would refuse the name of a repository."""
    try:
        validate_repo_id(name)
    except HFValidationError as error:
        raise ValueError(f"{name!r} is no name of a repository, such as me/unimo-tiny: {error}") from error


def read_config(checkpoint: Path, part: str) -> PreTrainedConfig:
    """Read the configuration of a part; raises `ValueError` that names its file."""
    try:
        return CONFIGURATIONS[part].from_pretrained(checkpoint, subfolder=part, local_files_only=True)
    except Exception as error:  # strict configurations raise errors of several kinds
        reason = " ".join(str(error.__cause__ or error).split())
        raise ValueError(f"{checkpoint / part / 'config.json'} is no configuration of a UniMo: {reason}") from error


def generation_config_of(checkpoint: Path, config: PreTrainedConfig) -> GenerationConfig:
    """Read how the checkpoint generates, or take the repository's settings (the paper's sampling).

    Raises:
        ValueError: If the file is damaged; names it.
    """
    path = checkpoint / "generation_config.json"
    if path.exists():
        return read_generation_config(path)
    settings = json.loads(GENERATION_SETTINGS.read_text(encoding="utf-8"))
    return GenerationConfig(**settings, pad_token_id=config.pad_token_id)


def read_weights_of(checkpoint: Path, part: str, config: PreTrainedConfig) -> dict[str, Tensor]:
    """Map the weights of a part into memory and hold names and shapes against its configuration.

    Returns:
        `dict[str, Tensor]`: They stay on disk until they are used.

    Raises:
        ValueError: If a file is damaged, or the weights are not those of this configuration; names the files.
    """
    folder, tensors = checkpoint / part, {}
    for file in weight_files(folder):
        for name, tensor in read_tensors(file).items():
            if name in tensors:
                raise ValueError(f"{file} holds {name}, which an earlier file of {folder} holds too.")
            if tensor.dtype not in SAFETENSORS_DTYPES:
                raise ValueError(f"{file}: {name} is {tensor.dtype}; quantised weights can't be exported.")
            tensors[name] = tensor
    with torch.device("meta"):
        network = NETWORKS[part](config)
    expected = {name: weight.shape for name, weight in network.state_dict().items()}
    try:
        match_keys({name: tensor.shape for name, tensor in tensors.items()}, expected, lambda name: name)
    except ValueError as error:
        raise ValueError(f"The weights in {folder} are not those of its config.json.\n{error}") from error
    return {name: tensors[name] for name in expected}


def write_part(tensors: dict[str, Tensor], folder: Path, source: Path, max_shard_bytes: int) -> None:
    """Write the weights of a part, each in its type, one in memory at a time.

    Raises:
        ValueError: If one is NaN or infinite; names it.
    """

    def weight_of(name: str) -> Tensor:
        tensor = tensors[name]
        return finite(tensor, tensor.dtype, f"{source}: {name}") if tensor.is_floating_point() else tensor

    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    dtypes = {name: tensor.dtype for name, tensor in tensors.items()}
    write_weights(folder, shapes, weight_of, dtypes, max_shard_bytes)


def copy_files(files: Sequence[Path], checkpoint: Path, folder: Path) -> None:
    """Copy settings and what else belongs to a checkpoint."""
    for path in files:
        copy_file(path, folder / path.relative_to(checkpoint))
    settings = read_json_object(folder / "tokenizer_config.json")
    kept = {name: value for name, value in settings.items() if name not in NOTES_ON_LOADING}
    (folder / "tokenizer_config.json").write_text(json.dumps(kept), encoding="utf-8")


if __name__ == "__main__":
    main()
