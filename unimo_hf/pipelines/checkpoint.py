# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Where a checkpoint is, whether it is whole, and whether its parts were made for each other."""

import os
from pathlib import Path
from typing import Any, TypeVar

import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import PreTrainedConfig, PreTrainedModel

from unimo_hf.decoding.configuration_diffusion_decoder import DiffusionDecoderConfig
from unimo_hf.decoding.diffusers_classes import import_diffusers
from unimo_hf.decoding.modeling_diffusion_decoder import DiffusionDecoder
from unimo_hf.json_files import check_plain_name, read_json_object
from unimo_hf.model.configuration_motion_vqvae import MotionVQVAEConfig
from unimo_hf.model.configuration_unimo import UniMoConfig
from unimo_hf.model.configuration_video_fsq import VideoFSQConfig
from unimo_hf.model.number_ranges import shown
from unimo_hf.model.processing_unimo import UniMoProcessor
from unimo_hf.model.sampling_options import check_generation_config
from unimo_hf.pipelines.hub import download_checkpoint, download_part
from unimo_hf.pipelines.model_size import check_layers, check_weights_fit, least_parameters

Network = TypeVar("Network", bound=PreTrainedModel)

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
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
VOCABULARY_SIZES = ("visual_vocab_size", "motion_vocab_size", "num_special_tokens")
GENERATION_CONFIG = "generation_config.json"
MOST_HEADER = 2**24  # bytes of the table of contents of a file of weights; the 4B's has 30,000
LEAST_BYTES = 0.5  # of a stored parameter: 4 bits


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
    folder = Path(name)
    embedded = sorted(path.parent.name for path in EMBEDDED.glob("*/config.json"))
    if not folder.is_dir():
        if str(name) in embedded:
            folder = EMBEDDED / str(name)
        elif is_on_the_hub(name):
            folder = download_checkpoint(str(name), without=[DIFFUSION_DECODER], **hub_options)
        else:
            raise ValueError(
                f"There is no checkpoint {str(name)!r}: it is no folder, none that ships "
                f"({', '.join(embedded) or 'none does'}), and no repository of the Hub (organisation/name)."
            )
    check_parts(folder)
    return folder


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
        _read_config(config, model_type)
        if not list((folder / part).glob("model*.safetensors")):
            raise ValueError(f"{folder} is no whole UniMo checkpoint: {Path(part) / WEIGHTS} is missing.")
    for name in PROCESSOR_FILES:
        if not (folder / name).exists():
            raise ValueError(f"{folder} is no whole UniMo checkpoint: {name} is missing.")


def open_network(
    network: type[Network], place: Path, config: PreTrainedConfig | None = None, **options: Any
) -> tuple[Network, dict[str, Any]]:
    """Load a network from its folder; weights that are missing start anew.

    Nothing is made that the files can't fill or the memory can't hold, and no weight is other than a finite number:
    for the 4B model that check takes 3 seconds in bfloat16, for `unimo-tiny` 10 milliseconds.

    Args:
        network (`type`): Class of the network.
        place (`Path`): Its folder.
        config (`PreTrainedConfig`, *optional*): Another configuration than the folder's.
        options: Of `from_pretrained`.

    Returns:
        `tuple`: The network, and the `missing_keys` and `unexpected_keys` of transformers.

    Raises:
        ValueError: If the configuration or the weights are damaged or were made by another version; names the file.
    """
    path = place / "config.json"
    saved = make_config(network.config_class, _read_config(path, network.config_class.model_type), f"{path}:")
    check_layers(saved, f"{path}:")
    _check_weights(saved, place)
    check_weights_fit(config or saved, _item_size(options.get("dtype")), f"{path}:")
    if network.can_generate() and (place / GENERATION_CONFIG).exists():
        read_json_object(place / GENERATION_CONFIG)  # transformers would take a damaged one for none
    if config is not None:
        options["config"] = config
    try:
        loaded, report = network.from_pretrained(
            place,
            output_loading_info=True,
            local_files_only=True,
            use_safetensors=True,
            ignore_mismatched_sizes=True,  # they are named below
            **options,
        )
    except ModuleNotFoundError:
        raise  # an extra is missing, nothing is damaged
    except Exception as error:  # safetensors, the configurations and torch raise errors of every kind
        raise ValueError(
            f"{place} can't be loaded as {network.__name__}; it is damaged or was made by another version: "
            f"{_one_line(error)}"
        ) from error
    for name, found, expected in sorted(report["mismatched_keys"]):
        raise ValueError(
            f"{place} can't be loaded as {network.__name__}: {name} has the shape {tuple(found)}, and by config.json "
            f"{tuple(expected)}."
        )
    if loaded.can_generate():
        try:
            check_generation_config(loaded.generation_config)
        except ValueError as error:
            raise ValueError(f"{place / GENERATION_CONFIG}: {error}") from error
    _check_finite(place, loaded)
    return loaded, report


def make_config(kind: type[PreTrainedConfig], values: dict[str, Any], where: str) -> Any:
    """Make a configuration of fields that somebody else gave.

    Args:
        kind (`type`): Class of the configuration.
        values (`dict`): Its fields.
        where (`str`): Begins the message: the file.

    Raises:
        ValueError: If a field is unknown or its value is not allowed; names it.
    """
    dtype = values.get("dtype")
    if dtype is not None and not isinstance(getattr(torch, str(dtype).removeprefix("torch."), None), torch.dtype):
        raise ValueError(f"{where} `dtype` is {shown(dtype)}; a type of torch is needed, such as 'float32'.")
    if not isinstance(quantization := values.get("quantization_config"), dict | None):
        raise ValueError(f"{where} `quantization_config` is {shown(quantization)}; an object is needed.")
    try:
        return kind.from_dict(values)
    except Exception as error:  # transformers looks up types, layers and keys by what stands there
        reason = _one_line(error.__cause__ if isinstance(error, StrictDataclassError) and error.__cause__ else error)
        raise ValueError(f"{where} can't be loaded as {kind.__name__}: {reason}") from error


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
    sizes = [files["tokenizer_config.json"].get(name) for name in VOCABULARY_SIZES]
    stored = (folder / "tokenizer.json").stat().st_size
    if all(isinstance(size, int) for size in sizes) and sum(sizes) > stored:
        found = ", ".join(f"`{name}` {size}" for name, size in zip(VOCABULARY_SIZES, sizes, strict=True))
        raise ValueError(
            f"{folder / 'tokenizer_config.json'} has {found}; so many names can't stand in the {stored} bytes of "
            "tokenizer.json."
        )
    try:
        processor = UniMoProcessor.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # tokenizers raises bare exceptions
        raise ValueError(
            f"{folder / PROCESSOR_FILES[0]} or its tokenizer can't be loaded; it is damaged: {_one_line(error)}"
        ) from error
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


def _read_config(path: Path, model_type: str) -> dict[str, Any]:
    values = read_json_object(path)
    if (found := values.get("model_type")) != model_type:
        raise ValueError(f"{path} has the model_type {shown(found)}; {model_type!r} is needed here.")
    return values


def _check_weights(config: PreTrainedConfig, place: Path) -> None:
    """Raise `ValueError` if the files of weights are missing, lie elsewhere, or can't hold what the config says."""
    size = 0
    for path in _weight_files(place):
        if not path.is_file():
            raise ValueError(f"{path} is missing.")
        with path.open("rb") as file:
            header = int.from_bytes(file.read(8), "little")
        if header > MOST_HEADER:
            raise ValueError(f"{path} can't be loaded: its header has {header} bytes; at most {MOST_HEADER} are read.")
        size += path.stat().st_size
    parameters = least_parameters(config)
    if parameters * LEAST_BYTES > size:
        raise ValueError(
            f"{place / WEIGHTS} can't be loaded: it has {size} bytes; by config.json there are at least "
            f"{parameters:.2g} parameters."
        )


def _weight_files(place: Path) -> list[Path]:
    if (place / WEIGHTS).exists() or not (place / INDEX).exists():
        return [place / WEIGHTS]
    weight_map = read_json_object(place / INDEX).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise ValueError(f"{place / INDEX} has the weight_map {shown(weight_map)}; an object is needed.")
    for key, name in weight_map.items():
        check_plain_name(name, f"{place / INDEX}: the file of {shown(key)}")
    return [place / name for name in sorted(set(weight_map.values()))]


def _check_finite(place: Path, network: PreTrainedModel) -> None:
    """Raise `ValueError` naming the first weight that is no finite number; what is offloaded is not looked at."""
    for name, weight in (*network.named_parameters(), *network.named_buffers()):
        if weight.is_floating_point() and weight.numel() and not weight.is_meta:
            ends = torch.stack(weight.detach().aminmax())  # one pass and no copy; NaN is both
            if not bool(ends.isfinite().all()):
                raise ValueError(f"The weights in {place} are damaged: {name} holds {ends.tolist()}.")


def _item_size(dtype: torch.dtype | str | None) -> int:
    """Bytes of a number of a type; where nothing is said, of the smallest that networks are computed in."""
    if isinstance(dtype, str):
        dtype = getattr(torch, dtype, None)
    return dtype.itemsize if isinstance(dtype, torch.dtype) else 2


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
