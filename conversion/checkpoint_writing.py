# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Write a checkpoint folder aside, tensor by tensor, and let it take its place when it is whole."""

import errno
import json
import math
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from tqdm.auto import tqdm

from unimo_hf.tensor_files import SAFETENSORS_DTYPES as SAFETENSORS_DTYPES  # for those who write shards
from unimo_hf.tensor_files import write_tensors

Shapes = Mapping[str, Sequence[int]]
# One type for all weights, or the type of each.
Dtypes = torch.dtype | Mapping[str, torch.dtype]

MAX_SHARD_BYTES = 5_000_000_000  # what transformers asks for when it pushes to the Hub


@contextmanager
def new_folder(path: str | os.PathLike, num_bytes: int) -> Iterator[Path]:
    """Give a folder to write into; it becomes `path` when the block ends well and is removed when it does not.

    Args:
        path (`str` or `os.PathLike`): The folder to make.
        num_bytes (`int`): What will be written into it; so much must be free.

    Yields:
        `Path`: An empty folder beside `path`, so that the renaming is atomic.

    Raises:
        OSError: If `path` exists, can't be made, or the disk has too little space; names `path`.
    """
    path = Path(path)
    if path.exists() or path.is_symlink():
        raise FileExistsError(errno.EEXIST, "exists already; name a folder that is still to be made", str(path))
    parents = path.absolute().parents
    missing_parents = [parent for parent in parents if not parent.exists()]
    nearest = parents[len(missing_parents)]
    if not nearest.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, f"can't be made, because {nearest} is no folder", str(path))
    aside = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(path.parent).free
        if free < num_bytes:
            reason = f"{num_bytes / 1e9:.2f} GB are needed and {free / 1e9:.2f} GB are free"
            raise OSError(errno.ENOSPC, reason, str(path))
        aside = path.with_name(f".{path.name[:40]}-{secrets.token_hex(4)}")
        aside.mkdir()
        yield aside
        aside.rename(path)
    except OSError as error:
        if error.filename is None or str(aside) in str(error.filename):
            raise OSError(error.errno, error.strerror or str(error), str(path)) from error
        raise
    finally:
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)
        for parent in missing_parents:
            if parent.is_dir() and not any(parent.iterdir()):
                parent.rmdir()


def write_weights(
    folder: Path,
    shapes: Shapes,
    tensor_of: Callable[[str], Tensor],
    dtype: Dtypes,
    max_shard_bytes: int = MAX_SHARD_BYTES,
) -> None:
    """Write `model.safetensors`, or shards with an index, with one tensor in memory at a time.

    Args:
        folder (`Path`): An existing folder.
        shapes (`Mapping[str, Sequence[int]]`): Shape of every weight, known before any of them is made.
        tensor_of (`Callable[[str], Tensor]`): Makes the weight of a name, of that shape, as `dtype`.
        dtype (`torch.dtype` or `Mapping[str, torch.dtype]`): One of `SAFETENSORS_DTYPES`.
        max_shard_bytes (`int`, *optional*): A new shard begins before this size is passed.

    Raises:
        ValueError: If `tensor_of` raises it, or gives another shape or type.
    """
    shards: list[list[str]] = [[]]
    size = 0
    for name in shapes:
        num_bytes = _num_bytes(name, shapes, dtype)
        if shards[-1] and size + num_bytes > max_shard_bytes:
            shards.append([])
            size = 0
        shards[-1].append(name)
        size += num_bytes
    files = [f"model-{number:05}-of-{len(shards):05}.safetensors" for number in range(1, len(shards) + 1)]
    if len(shards) == 1:
        files = ["model.safetensors"]
    with tqdm(total=len(shapes), desc="writing", unit="tensor", dynamic_ncols=True, leave=False, disable=None) as bar:
        for file, names in zip(files, shards, strict=True):
            _write_shard(folder / file, {name: shapes[name] for name in names}, tensor_of, dtype, bar)
    if len(shards) > 1:
        weight_map = {name: file for file, names in zip(files, shards, strict=True) for name in names}
        index = {"metadata": {"total_size": total_bytes(shapes, dtype)}, "weight_map": weight_map}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


def read_weights(folder: Path) -> dict[str, Tensor]:
    """Return the weights that [`write_weights`] wrote; they stay on disk until they are used."""
    return {
        name: tensor for file in sorted(folder.glob("model*.safetensors")) for name, tensor in load_file(file).items()
    }


def total_bytes(shapes: Shapes, dtype: Dtypes) -> int:
    """Return the size of weights of these shapes."""
    return sum(_num_bytes(name, shapes, dtype) for name in shapes)


def _dtype_of(name: str, dtype: Dtypes) -> torch.dtype:
    return dtype if isinstance(dtype, torch.dtype) else dtype[name]


def _num_bytes(name: str, shapes: Shapes, dtype: Dtypes) -> int:
    return math.prod(shapes[name]) * _dtype_of(name, dtype).itemsize


def _write_shard(path: Path, shapes: Shapes, tensor_of: Callable[[str], Tensor], dtype: Dtypes, bar: tqdm) -> None:
    def next_tensor(name: str) -> Tensor:
        bar.update()
        return tensor_of(name)

    like = {name: torch.empty(shape, dtype=_dtype_of(name, dtype), device="meta") for name, shape in shapes.items()}
    write_tensors(path, like, next_tensor)
