# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Read the tensors of a published checkpoint, and nothing else: no code of a file is ever run."""

import io
import os
import pickle
import re
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

# How a pickle of PyTorch names the type of the numbers of a tensor.
STORAGE_DTYPES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
PART = 2**24  # numbers looked at in one go
# What the libraries raise for a file that is cut short or of another kind.
DAMAGE = (OSError, RuntimeError, EOFError, TypeError, KeyError, AttributeError, zipfile.BadZipFile, SafetensorError)


def read_tensors(path: str | os.PathLike) -> dict[str, Tensor]:
    """Read a checkpoint.

    Tensors of `.pt` and `.safetensors` files stay on disk until they are used (they are mapped into memory); those of
    a TorchScript archive, which are small, are read at once.

    Args:
        path (`str` or `os.PathLike`): A file that `torch.save`, `torch.jit.save` or safetensors wrote. From
            `{"model": {…}}` the inner dictionary is taken, and entries whose name contains `_extra_state` (Transformer
            Engine) are dropped.

    Returns:
        `dict[str, Tensor]`: The tensors by their name in the file, on the CPU.

    Raises:
        OSError: If the file is missing or can't be opened.
        ValueError: If it is damaged, of no known kind, or holds something else than tensors; names the file.
    """
    path = Path(path)
    path.open("rb").close()  # the libraries behind word a missing file in different ways
    try:
        if path.suffix == ".safetensors":
            loaded: Any = load_file(path)
        elif (folder := _torchscript_folder(path)) is not None:
            loaded = _read_torchscript(path, folder)
        else:
            # Transformer Engine keeps its extra state in a `BytesIO`, which holds bytes and runs nothing.
            with torch.serialization.safe_globals([io.BytesIO]):
                loaded = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(f"{path} holds more than tensors and is not read: {_reason(error)}") from error
    except DAMAGE as error:
        raise ValueError(
            f"{path} can't be read as a checkpoint; it is truncated, damaged, or no file of torch.save, "
            f"torch.jit.save or safetensors: {_reason(error)}"
        ) from error
    if isinstance(loaded, dict) and isinstance(loaded.get("model"), dict):
        loaded = loaded["model"]
    if not isinstance(loaded, dict) or not loaded:
        raise ValueError(f"{path} holds {type(loaded).__name__}; a dictionary of tensors is needed.")
    tensors = {str(key): value for key, value in loaded.items() if "_extra_state" not in str(key)}
    for key, value in tensors.items():
        if not isinstance(value, Tensor):
            raise ValueError(f"{path}: {key} is {type(value).__name__}; only tensors are allowed.")
    return tensors


def without_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Take `prefix` off every name, if every name has it; else return the tensors as they are."""
    if not all(key.startswith(prefix) for key in tensors):
        return tensors
    return {key.removeprefix(prefix): tensor for key, tensor in tensors.items()}


def finite(tensor: Tensor, dtype: torch.dtype, what: str) -> Tensor:
    """Return a tensor as `dtype` after a look at every number.

    Args:
        tensor (`Tensor`): Weights as they stand in the file.
        dtype (`torch.dtype`): A floating type.
        what (`str`): File and name, for the message.

    Raises:
        ValueError: If they are no floating point numbers (a quantised copy), or one is NaN, infinite, or does not fit
            into `dtype`.
    """
    if not tensor.is_floating_point():
        raise ValueError(f"{what} holds {tensor.dtype}; weights in floating point are needed.")
    if not _is_finite(tensor):
        count = int((~tensor.isfinite()).sum())
        raise ValueError(f"{what} holds {count} numbers that are NaN or infinite; weights must be finite.")
    if tensor.dtype == dtype:
        return tensor
    converted = tensor.to(dtype)
    if not _is_finite(converted):
        largest = float(tensor.abs().max())
        raise ValueError(f"{what} holds {largest:g}, which does not fit into {dtype}; choose another type.")
    return converted


def _is_finite(tensor: Tensor) -> bool:
    """Look at every number, a part at a time: `isfinite` makes copies of what it is given."""
    return all(bool(part.isfinite().all()) for part in tensor.reshape(-1).split(PART))


def _reason(error: Exception) -> str:
    """First line of what a library says, without the advice to load the file in an unsafe way."""
    found = re.search(r"Unsupported global: GLOBAL \S+|GLOBAL \S+", str(error))
    return found.group() if found else (str(error).strip() or type(error).__name__).splitlines()[0]


def _torchscript_folder(path: Path) -> str | None:
    """Return the folder inside a TorchScript archive; `None` for files of `torch.save`, which have no constants."""
    if not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as archive:
        folders = [
            name.removesuffix("/constants.pkl") for name in archive.namelist() if name.endswith("/constants.pkl")
        ]
    return folders[0] if folders else None


def _read_torchscript(path: Path, folder: str) -> dict[str, Tensor]:
    """Return parameters and buffers of a TorchScript archive, named as in its `state_dict`."""
    with zipfile.ZipFile(path) as archive:
        return dict(_named_tensors(_TensorUnpickler(archive, f"{folder}/data").load()))


class _Module:
    """Stands for every class of a TorchScript archive: a record of attributes without any behaviour."""


class _TensorUnpickler(pickle.Unpickler):
    """Rebuilds the tree of modules in a TorchScript archive; names nothing but the few things a tensor is made of."""

    def __init__(self, archive: zipfile.ZipFile, folder: str) -> None:
        super().__init__(io.BytesIO(archive.read(f"{folder}.pkl")))
        self.archive, self.folder = archive, folder

    def find_class(self, module: str, name: str) -> Any:
        """Return what a name in the pickle stands for; refuse every name that tensors do not need."""
        if module.split(".")[0] == "__torch__":
            return _Module
        if module == "torch" and name in STORAGE_DTYPES:
            return STORAGE_DTYPES[name]
        if module == "torch.jit._pickle":
            return lambda value, *types: value  # lists and dictionaries with a note of their type
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda numbers, offset, size, stride, *rest: numbers.as_strided(size, stride, offset)
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        raise pickle.UnpicklingError(f"GLOBAL {module}.{name}")

    def persistent_load(self, reference: tuple[str, torch.dtype, str, str, int]) -> Tensor:
        """Return the numbers of one tensor, flat."""
        _, dtype, name, _, count = reference
        numbers = bytearray(self.archive.read(f"{self.folder}/{name}"))
        return torch.frombuffer(numbers, dtype=dtype)[:count] if numbers else torch.empty(0, dtype=dtype)


def _named_tensors(module: _Module, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of a module and of the modules inside it with their dotted names."""
    for name, value in vars(module).items():
        if isinstance(value, Tensor):
            yield prefix + name, value
        elif isinstance(value, _Module):
            yield from _named_tensors(value, f"{prefix}{name}.")
