# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Where a checkpoint is, whether it is whole, and whether its parts were made for each other."""

import json
import os
from pathlib import Path
from typing import Any, TypeVar

from transformers import PreTrainedModel

from unimo_hf.decoding.modeling_diffusion_decoder import DiffusionDecoder
from unimo_hf.model.configuration_motion_vqvae import MotionVQVAEConfig
from unimo_hf.model.configuration_unimo import UniMoConfig
from unimo_hf.model.configuration_video_fsq import VideoFSQConfig
from unimo_hf.model.processing_unimo import UniMoProcessor

Network = TypeVar("Network", bound=PreTrainedModel)

EMBEDDED = Path(__file__).parents[1] / "checkpoints"
# Sub-folder of each network -> the model type its config.json must name.
PARTS = {
    "": UniMoConfig.model_type,
    "motion_vqvae": MotionVQVAEConfig.model_type,
    "video_fsq": VideoFSQConfig.model_type,
}
PROCESSOR_FILES = ("processor_config.json", "tokenizer_config.json")


def resolve_checkpoint(name: str | os.PathLike, **hub_options: Any) -> Path:
    """Find a checkpoint folder, fetching it from the Hub if it is neither a folder nor embedded.

    Args:
        name (`str` or `os.PathLike`): A folder, `unimo-tiny`, or `organisation/repository`.
        hub_options: Options of `huggingface_hub.snapshot_download`.

    Returns:
        `Path`: A folder with all parts.

    Raises:
        ValueError: If there is no such checkpoint, or a part is missing or of another kind; names the file.
    """
    folder = Path(name)
    embedded = sorted(path.parent.name for path in EMBEDDED.glob("*/config.json"))
    if not folder.is_dir():
        if str(name) in embedded:
            folder = EMBEDDED / str(name)
        elif isinstance(name, str) and name.count("/") == 1 and not name.startswith((".", "/", "~")):
            folder = _download(name, **hub_options)
        else:
            raise ValueError(
                f"There is no checkpoint {str(name)!r}: it is no folder, none that ships "
                f"({', '.join(embedded) or 'none does'}), and no repository of the Hub (organisation/name)."
            )
    check_parts(folder)
    return folder


def check_parts(folder: Path) -> None:
    """Raise `ValueError` naming the first part of a checkpoint folder that is missing, damaged or of another kind."""
    for part, model_type in PARTS.items():
        config = folder / part / "config.json"
        if not config.exists():
            raise ValueError(f"{folder} is no whole UniMo checkpoint: {config.relative_to(folder)} is missing.")
        try:
            found = json.loads(config.read_text(encoding="utf-8")).get("model_type")
        except (ValueError, AttributeError) as error:
            raise ValueError(f"{config} is not a JSON object: {error}") from error
        if found != model_type:
            raise ValueError(f"{config} has the model_type {found!r}; {model_type!r} is needed here.")
        if not list((folder / part).glob("model*.safetensors")):
            weights = Path(part) / "model.safetensors"
            raise ValueError(f"{folder} is no whole UniMo checkpoint: {weights} is missing.")
    for name in PROCESSOR_FILES:
        if not (folder / name).exists():
            raise ValueError(f"{folder} is no whole UniMo checkpoint: {name} is missing.")


def load_network(network: type[Network], folder: Path, part: str = "", **options: Any) -> Network:
    """Load one network of a checkpoint folder, all of its weights and no others.

    Args:
        network (`type`): Class of the network.
        folder (`Path`): The checkpoint.
        part (`str`, *optional*, defaults to `""`): Sub-folder of the network.
        options: Of `from_pretrained`.

    Raises:
        ValueError: If the configuration or the weights are damaged or were made by another version; names the folder.
    """
    place = folder / part
    try:
        loaded, report = network.from_pretrained(
            folder, subfolder=part, output_loading_info=True, local_files_only=True, **options
        )
    except ModuleNotFoundError:
        raise  # an extra is missing, nothing is damaged
    except Exception as error:  # safetensors, the configurations and torch raise errors of every kind
        raise ValueError(
            f"{place} can't be loaded as {network.__name__}; it is damaged or was made by another version: "
            f"{_first_line(error)}"
        ) from error
    for kind in ("missing_keys", "unexpected_keys"):
        if keys := sorted(report[kind]):
            raise ValueError(
                f"The weights in {place} are not those of a {network.__name__} with this config.json: "
                f"{len(keys)} {kind.replace('_', ' ')}, such as {keys[0]}."
            )
    return loaded


def load_diffusion_decoder(folder: Path | None, video_fsq: VideoFSQConfig) -> DiffusionDecoder:
    """Load the diffusion decoder of a checkpoint folder, a part that not every checkpoint has.

    Args:
        folder (`Path`, *optional*): The checkpoint.
        video_fsq ([`VideoFSQConfig`]): Of the video tokenizer, whose codes it shall decode.

    Raises:
        ValueError: If it is missing, damaged, or was made for the codes of another tokenizer.
        ModuleNotFoundError: If diffusers is not installed.
    """
    part = "diffusion_decoder"
    if folder is None or not (folder / part / "config.json").exists():
        raise ValueError(
            f"{folder or 'The pipeline'} has no diffusion decoder: {part}/config.json is missing. "
            "conversion/convert_cosmos_diffusion_decoder.py makes one of NVIDIA's; the decoder `fsq` is always there."
        )
    decoder = load_network(DiffusionDecoder, folder, part)
    for name in ("codebook_size", "spatial_compression", "temporal_compression"):
        found, expected = getattr(decoder.config, name), getattr(video_fsq, name)
        if found != expected:
            raise ValueError(
                f"The parts of {folder} were not made for each other: `{name}` of {part} is {found}, that of "
                f"video_fsq {expected}; they must be equal."
            )
    return decoder.eval()


def load_processor(folder: Path) -> UniMoProcessor:
    """Load the processor of a checkpoint folder; raises `ValueError` that names the folder if it is damaged."""
    try:
        return UniMoProcessor.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # tokenizers raises bare exceptions
        raise ValueError(f"The processor of {folder} can't be loaded; it is damaged: {_first_line(error)}") from error


def check_fit(
    folder: Path | str,
    unimo: UniMoConfig,
    motion_vqvae: MotionVQVAEConfig,
    video_fsq: VideoFSQConfig,
    processor: UniMoProcessor,
) -> None:
    """Raise `ValueError` naming the first number in which the parts of a checkpoint contradict each other.

    Args:
        folder (`Path` or `str`): Name of the checkpoint, for the message.
        unimo ([`UniMoConfig`]): Of the AR model.
        motion_vqvae ([`MotionVQVAEConfig`]): Of the motion tokenizer.
        video_fsq ([`VideoFSQConfig`]): Of the video tokenizer.
        processor ([`UniMoProcessor`]): The processor.
    """
    root, motion, video = "the AR model", "motion_vqvae", "video_fsq"
    facts = [
        ("number of visual codes", root, unimo.visual_vocab_size, video, video_fsq.codebook_size),
        ("number of motion codes", root, unimo.motion_vocab_size, motion, motion_vqvae.codebook_size),
        ("motion codes a frame", root, unimo.codes_per_frame, motion, motion_vqvae.codes_per_frame),
        ("temporal compression", root, unimo.temporal_compression, video, video_fsq.temporal_compression),
        ("vocabulary", root, unimo.vocabulary, "the tokenizer", processor.tokenizer.vocabulary),
        ("layout of a clip", root, unimo.layout, "the processor", processor.layout),
        ("interleaving", root, unimo.interleaving, "the processor", processor.interleaving),
        ("spatial compression", video, video_fsq.spatial_compression, "the processor", processor.spatial_compression),
        ("fps", motion, motion_vqvae.fps, "the processor", processor.fps),
    ]
    for what, one, found, other, expected in facts:
        if found != expected:
            raise ValueError(
                f"The parts of {folder} were not made for each other: the {what} of {one} is {found}, that of {other} "
                f"{expected}; they must be equal."
            )


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _download(name: str, **hub_options: Any) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, **hub_options))
    # Errors of the Hub, of the network and of the cache; OSError is what those of the Hub have in common.
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{name} is no folder here and could not be fetched from the Hub: {_first_line(error)}"
        ) from error
