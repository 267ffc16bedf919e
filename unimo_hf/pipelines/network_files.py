# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""One network of a checkpoint: its files are looked through before anything is made of them."""

from pathlib import Path
from typing import Any, TypeVar

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import safe_open
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.generation import GenerationConfig

from unimo_hf.json_files import check_plain_name, read_json_object
from unimo_hf.model.number_ranges import Range, shown
from unimo_hf.model.sampling_options import check_generation_config
from unimo_hf.pipelines.model_size import check_weights_fit, count_parameters

Network = TypeVar("Network", bound=PreTrainedModel)

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
GENERATION_CONFIG = "generation_config.json"
ADAPTER = "adapter_config.json"
MOST_HEADER = 2**24  # bytes of the table of contents of a file of weights; the 4B's has 30,000
ATTENTIONS = ("eager", "sdpa", "flex_attention", "flash_attention_2", "flash_attention_3")
FLOATS = ("F64", "F32", "F16", "BF16")
LEAST_BYTES = 0.5  # of a stored parameter: 4 bits


def open_network(
    network: type[Network], place: Path, config: PreTrainedConfig | None = None, **options: Any
) -> tuple[Network, dict[str, Any]]:
    """Load a network from its folder; weights that are missing start anew.

    Nothing is made that the files can't fill or the memory can't hold, and no weight is other than a finite number:
    for the 4B model that check takes 3 seconds in bfloat16, for `unimo-tiny` some tens of milliseconds.

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
    saved = make_config(network.config_class, read_config(path, network.config_class.model_type), f"{path}:")
    parameters = count_parameters(network, saved, f"{path}:")
    _check_weights(parameters, place)
    if config is not None:
        parameters = count_parameters(network, config, f"{path}:")
    check_weights_fit(parameters, _item_size(options.get("dtype")), f"{path}:")
    if (place / ADAPTER).exists():
        raise ValueError(f"{place / ADAPTER} names other weights to load; merge the adapter into the model first.")
    if network.can_generate() and (place / GENERATION_CONFIG).exists():
        read_generation_config(place / GENERATION_CONFIG)
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
            f"{one_line(error)}"
        ) from error
    for name, found, expected in sorted(report["mismatched_keys"]):
        raise ValueError(
            f"{place} can't be loaded as {network.__name__}: {name} has the shape {tuple(found)}, and by config.json "
            f"{tuple(expected)}."
        )
    _check_numbers(place, loaded)
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
    for name in ("attn_implementation", "_attn_implementation"):
        if (found := values.get(name)) not in (None, *ATTENTIONS):  # others are kernels of the Hub: code
            raise ValueError(f"{where} `{name}` is {shown(found)}; allowed are {list(ATTENTIONS)}.")
    if "num_labels" in values:  # as many names are made
        Range(0, 1000, whole=True).check(f"{where} `num_labels`", values["num_labels"])
    if not isinstance(quantization := values.get("quantization_config"), dict | None):
        raise ValueError(f"{where} `quantization_config` is {shown(quantization)}; an object is needed.")
    try:
        return kind.from_dict(values)
    except Exception as error:  # transformers looks up types, layers and keys by what stands there
        reason = one_line(error.__cause__ if isinstance(error, StrictDataclassError) and error.__cause__ else error)
        raise ValueError(f"{where} can't be loaded as {kind.__name__}: {reason}") from error


def read_config(path: Path, model_type: str) -> dict[str, Any]:
    """The fields of a configuration file; raises `ValueError` naming it if it is damaged or of another kind."""
    values = read_json_object(path)
    if (found := values.get("model_type")) != model_type:
        raise ValueError(f"{path} has the model_type {shown(found)}; {model_type!r} is needed here.")
    return values


def read_generation_config(path: Path) -> GenerationConfig:
    """Read how a checkpoint generates; raises `ValueError` naming the file if it is damaged or a value not allowed."""
    values = read_json_object(path)
    try:
        config = GenerationConfig.from_dict(values)
        check_generation_config(config)
    except Exception as error:  # transformers compares what stands there
        raise ValueError(f"{path}: {one_line(error)}") from error
    return config


def weight_files(place: Path) -> list[Path]:
    """The files of weights of a network, there or not; raises `ValueError` naming the index if that is damaged."""
    if (place / WEIGHTS).exists() or not (place / INDEX).exists():
        return [place / WEIGHTS]
    weight_map = read_json_object(place / INDEX).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise ValueError(f"{place / INDEX} has the weight_map {shown(weight_map)}; an object is needed.")
    for key, name in weight_map.items():
        check_plain_name(name, f"{place / INDEX}: the file of {shown(key)}")
    return [place / name for name in sorted(set(weight_map.values()))]


def one_line(error: BaseException) -> str:
    """What an error of a library says, for a message."""
    said = "".join(letter if letter.isprintable() else " " for letter in str(error)[:10_000])
    return " ".join(said.split())[:300] or type(error).__name__


def _check_weights(parameters: int, place: Path) -> None:
    """Raise `ValueError` if the files of weights are missing, lie elsewhere, or can't hold so many parameters."""
    size = 0
    for path in weight_files(place):
        if not path.is_file():
            raise ValueError(f"{path} is missing.")
        with path.open("rb") as file:
            header = int.from_bytes(file.read(8), "little")
        if header > MOST_HEADER:
            raise ValueError(f"{path} can't be loaded: its header has {header} bytes; at most {MOST_HEADER} are read.")
        size += path.stat().st_size
    if parameters * LEAST_BYTES > size:
        raise ValueError(
            f"{place / WEIGHTS} can't be loaded: it has {size} bytes; by config.json there are "
            f"{parameters:.3g} parameters."
        )


def _check_numbers(place: Path, network: PreTrainedModel) -> None:
    """Raise `ValueError` naming the first weight that is no finite number; what is offloaded is not looked at."""
    stored: dict[str, str] = {}
    for path in weight_files(place):
        with safe_open(path, framework="pt") as file:
            stored |= {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
    for name, weight in (*network.named_parameters(), *network.named_buffers()):
        if not weight.is_floating_point() or weight.is_meta or not weight.numel():
            continue
        if (kind := stored.get(name, "F32")) not in FLOATS:
            raise ValueError(f"The weights in {place} are damaged: {name} is stored as {kind}; {FLOATS} are allowed.")
        ends = torch.stack(weight.detach().aminmax())  # one pass and no copy; NaN is both
        if not bool(ends.isfinite().all()):
            raise ValueError(f"The weights in {place} are damaged: {name} holds {ends.tolist()}.")


def _item_size(dtype: torch.dtype | str | None) -> int:
    """Bytes of a number of a type; where nothing is said, of the smallest that networks are computed in."""
    if isinstance(dtype, str):
        dtype = getattr(torch, dtype, None)
    return dtype.itemsize if isinstance(dtype, torch.dtype) else 2
