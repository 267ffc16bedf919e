# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Where a checkpoint is, whether it is whole, and whether its parts were made for each other."""

import os
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from unimo_hf.decoding.configuration_diffusion_decoder import DiffusionDecoderConfig
from unimo_hf.decoding.diffusers_classes import import_diffusers
from unimo_hf.decoding.modeling_diffusion_decoder import DiffusionDecoder
from unimo_hf.json_files import read_json_object
from unimo_hf.memory import check_memory
from unimo_hf.model.configuration_motion_vqvae import MotionVQVAEConfig
from unimo_hf.model.configuration_unimo import UniMoConfig
from unimo_hf.model.configuration_video_fsq import VideoFSQConfig
from unimo_hf.model.number_ranges import Range, shown
from unimo_hf.model.processing_unimo import UniMoProcessor
from unimo_hf.pipelines.hub import download_checkpoint, download_part
from unimo_hf.pipelines.network_files import WEIGHTS, Network, one_line, open_network, read_config

EMBEDDED = Path(__file__).parents[1] / "checkpoints"
# Sub-folder of each network -> the model type its config.json must name.
PARTS = {
    "": UniMoConfig.model_type,
    "motion_vqvae": MotionVQVAEConfig.model_type,
    "video_fsq": VideoFSQConfig.model_type,
}
# The part that not every checkpoint has; some 15 GB, so it is fetched from the Hub only when it is asked for.
DIFFUSION_DECODER = "diffusion_decoder"
PROCESSOR_FILES = ("processor_config.json", "tokenizer_config.json")
VOCABULARY_SIZES = {"visual_vocab_size", "motion_vocab_size", "num_special_tokens"}


def resolve_checkpoint(name: str | os.PathLike, **hub_options: Any) -> Path:
    """Find a checkpoint folder, fetching it from the Hub if it is neither a folder nor embedded.

    A diffusion decoder stays on the Hub; see [`load_diffusion_decoder`].

    Args:
        name (`str` or `os.PathLike`): A folder, `unimo-tiny`, or `organisation/repository`.
        hub_options: Options of `huggingface_hub.snapshot_download`.

    Returns:
        `Path`: A folder with all parts.

    Raises:
        ValueError: If there is no such checkpoint, or a part is missing or of another kind; names the file.
    """
    folder = folder_here(name)
    if not folder.is_dir():
        if not is_on_the_hub(name):
            raise ValueError(
                f"There is no checkpoint {str(name)!r}: it is no folder, none that ships "
                f"({', '.join(_embedded()) or 'none does'}), and no repository of the Hub (organisation/name)."
            )
        folder = download_checkpoint(str(name), without=[DIFFUSION_DECODER], **hub_options)
    check_parts(folder)
    return folder


def folder_here(name: str | os.PathLike) -> Path:
    """Give the folder that a name means, that of a checkpoint that ships included; it need not exist."""
    is_embedded = not Path(name).is_dir() and str(name) in _embedded()
    return EMBEDDED / str(name) if is_embedded else Path(name)


def locate_network(network: type[PreTrainedModel], name: str | os.PathLike) -> str:
    """Say what `from_pretrained` of a network has to be given to load it by name.

    Args:
        network (`type`): Class of the AR model or of a tokenizer.
        name (`str` or `os.PathLike`): A folder of the network or of a checkpoint with it, `unimo-tiny`, or a
            repository of the Hub with the network.

    Returns:
        `str`: Its folder; a name that is none here stays as it is.
    """
    folder = folder_here(name)
    for part, model_type in PARTS.items():
        if model_type == network.config_class.model_type and (folder / part / "config.json").exists():
            folder /= part
    return str(folder if folder.is_dir() else name)


def _embedded() -> list[str]:
    return sorted(path.parent.name for path in EMBEDDED.glob("*/config.json"))


def is_on_the_hub(name: str | os.PathLike) -> bool:
    """Whether [`resolve_checkpoint`] would look for this checkpoint on the Hub."""
    is_name = isinstance(name, str) and name.count("/") == 1 and not name.startswith((".", "/", "~"))
    return is_name and not Path(name).is_dir()


def check_parts(folder: Path) -> None:
    """Raise `ValueError` naming the first part of a checkpoint folder that is missing, damaged or of another kind."""
    for part, model_type in PARTS.items():
        config = folder / part / "config.json"
        if not config.exists():
            raise ValueError(f"{folder} is no whole UniMo checkpoint: {config.relative_to(folder)} is missing.")
        read_config(config, model_type)
        if not list((folder / part).glob("model*.safetensors")):
            raise ValueError(f"{folder} is no whole UniMo checkpoint: {Path(part) / WEIGHTS} is missing.")
    for name in PROCESSOR_FILES:
        if not (folder / name).exists():
            raise ValueError(f"{folder} is no whole UniMo checkpoint: {name} is missing.")


def load_network(network: type[Network], folder: Path, part: str = "", **options: Any) -> Network:
    """Load one network of a checkpoint folder, all of its weights and no others, as [`open_network`] does.

    Args:
        network (`type`): Class of the network.
        folder (`Path`): The checkpoint.
        part (`str`, *optional*, defaults to `""`): Sub-folder of the network.
        options: Of `from_pretrained`.

    Raises:
        ValueError: If the configuration or the weights are damaged or were made by another version; names the folder.
    """
    place = folder / part
    loaded, report = open_network(network, place, **options)
    for kind in ("missing_keys", "unexpected_keys"):
        if keys := sorted(report[kind]):
            raise ValueError(
                f"The weights in {place} are not those of a {network.__name__} with this config.json: "
                f"{len(keys)} {kind.replace('_', ' ')}, such as {keys[0]}."
            )
    # Names the code in a repository, which was not what was loaded and will not be saved with this network.
    vars(loaded.config).pop("auto_map", None)
    return loaded


def load_diffusion_decoder(
    folder: Path | None, video_fsq: VideoFSQConfig, name: str | os.PathLike | None = None, **hub_options: Any
) -> DiffusionDecoder:
    """Load the diffusion decoder of a checkpoint, a part that not every checkpoint has.

    Args:
        folder (`Path`, *optional*): The checkpoint, as [`resolve_checkpoint`] gave it.
        video_fsq ([`VideoFSQConfig`]): Of the video tokenizer, whose codes it shall decode.
        name (`str` or `os.PathLike`, *optional*): What was given to [`resolve_checkpoint`]; if that is a repository,
            the decoder is fetched from there.
        hub_options: What was given to [`resolve_checkpoint`].

    Raises:
        ValueError: If it is missing, damaged, can't be fetched, or was made for the codes of another tokenizer.
        ModuleNotFoundError: If diffusers is not installed.
    """
    if folder is not None and name is not None and is_on_the_hub(name):
        import_diffusers()  # before 15 GB are fetched in vain
        download_part(str(name), folder, DIFFUSION_DECODER, **hub_options)
    if folder is None or not (folder / DIFFUSION_DECODER / "config.json").exists():
        raise ValueError(
            f"{folder or 'The pipeline'} has no diffusion decoder: {DIFFUSION_DECODER}/config.json is missing. "
            "conversion/convert_cosmos_diffusion_decoder.py makes one of NVIDIA's; the decoder `fsq` is always there."
        )
    decoder = load_network(DiffusionDecoder, folder, DIFFUSION_DECODER)
    check_codes_of_diffusion_decoder(folder, decoder.config, video_fsq)
    return decoder.eval()


def check_codes_of_diffusion_decoder(
    folder: Path | str, decoder: DiffusionDecoderConfig, video_fsq: VideoFSQConfig
) -> None:
    """Raise `ValueError` if a diffusion decoder was made for other codes than those of the video tokenizer."""
    for name in ("codebook_size", "spatial_compression", "temporal_compression"):
        found, expected = getattr(decoder, name), getattr(video_fsq, name)
        if found != expected:
            raise ValueError(
                f"The parts of {folder} were not made for each other: `{name}` of {DIFFUSION_DECODER} is {found}, "
                f"that of video_fsq {expected}; they must be equal."
            )


def load_processor(folder: Path) -> UniMoProcessor:
    """Load the processor of a checkpoint folder; raises `ValueError` that names the file if it is damaged."""
    files = {name: read_json_object(folder / name) for name in (*PROCESSOR_FILES, "tokenizer.json")}
    # As many names are made as it says; each has 8 bytes or more in tokenizer.json.
    found, most = files["tokenizer_config.json"], (folder / "tokenizer.json").stat().st_size // 8
    sizes = {name: found[name] for name in VOCABULARY_SIZES & found.keys()}
    if not isinstance(found.get("sizes", []), list):
        raise ValueError(f"{folder / 'tokenizer_config.json'}: sizes is {shown(found['sizes'])}; a list is needed.")
    for entry in found.get("sizes", []):
        if not (isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str)):
            needed = "a name and a number of rows are needed"
            raise ValueError(f"{folder / 'tokenizer_config.json'}: sizes holds {shown(entry)}; {needed}.")
        sizes[f"sizes: {shown(entry[0])}"] = entry[1]
    for name, size in sizes.items():
        what = f"{folder / 'tokenizer_config.json'}: {name}, whose names tokenizer.json can hold,"
        Range(1, most, whole=True).check(what, size)
    try:
        processor = UniMoProcessor.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # tokenizers raises bare exceptions
        names = ", ".join(str(folder / name) for name in files)
        raise ValueError(f"The processor can't be loaded ({names}); it is damaged: {one_line(error)}") from error
    size, frames = processor.size, processor.frames
    clip = f"{folder / PROCESSOR_FILES[0]}: `size` is {size} and `frames` {frames}; a clip"
    check_memory(4 * 3 * frames * size**2, clip)
    processor.tokenizer.init_kwargs.pop("auto_map", None)  # as for networks
    return processor


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
    visual = unimo.table[video_fsq.modality.name]
    facts = [
        *(
            (what, root, found, part, expected)
            for part, kind in ((video, video_fsq.modality), (motion, motion_vqvae.modality))
            for what, (found, expected) in unimo.table[kind.name].differences(kind).items()
        ),
        ("vocabulary", root, unimo.vocabulary, "the tokenizer", processor.tokenizer.vocabulary),
        ("table of modalities", root, unimo.table, "the processor", processor.table),
        ("number of frames", root, unimo.frames, "the processor", processor.frames),
        ("interleaving", root, unimo.interleaving, "the processor", processor.interleaving),
        ("size of a picture", video, video_fsq.spatial_compression * visual.grid[0], "the processor", processor.size),
        ("fps", motion, motion_vqvae.fps, "the processor", processor.fps),
    ]
    for what, one, found, other, expected in facts:
        if found != expected:
            raise ValueError(
                f"The parts of {folder} were not made for each other: the {what} of {one} is {found}, that of {other} "
                f"{expected}; they must be equal."
            )
