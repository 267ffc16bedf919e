# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Safetensors files written tensor by tensor: nothing is in memory twice, and the umask decides who may read."""

import json
import os
import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

SAFETENSORS_DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
CHUNK = 1 << 20  # bytes: what a processor's cache holds between the check and the writing


def write_tensors(path: str | os.PathLike, like: Mapping[str, Tensor], tensor_of: Callable[[str], Tensor]) -> int:
    """Write a file in the format of safetensors: length of the header, header, numbers.

    `safetensors.torch.save_file` wants all tensors of a file at once; the format is simple enough to stream.

    Args:
        path (`str` or `os.PathLike`): The file; what stands there is written over.
        like (`Mapping[str, torch.Tensor]`): Tensors, on `meta` if need be, of the shapes and types to write: of
            `SAFETENSORS_DTYPES`.
        tensor_of (`Callable`): Gives the tensor of a name. Asked once for each name, in an order that depends on
            `like` alone.

    Returns:
        `int`: CRC-32 of the file.

    Raises:
        ValueError: If `tensor_of` gives another shape or type.
        OSError: If the file can't be written; names it.
    """
    # Wide types first: every tensor then begins at a multiple of the size of its numbers, which readers need.
    names = sorted(like, key=lambda name: -like[name].dtype.itemsize)
    header: dict[str, dict] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name in names:
        begin, end = end, end + like[name].numel() * like[name].dtype.itemsize
        kind = SAFETENSORS_DTYPES[like[name].dtype]
        header[name] = {"dtype": kind, "shape": list(like[name].shape), "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # numbers begin at a multiple of 8 bytes
    start = struct.pack("<Q", len(text)) + text
    checksum = zlib.crc32(start)
    try:
        with Path(path).open("wb") as file:
            file.write(start)
            for name in names:
                # Not kept in a variable, which would hold one tensor while the next is made.
                checksum = _write(file, _numbers(tensor_of(name), name, like[name]), checksum)
    except OSError as error:
        if error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    return checksum


def _write(file: BinaryIO, numbers: memoryview, checksum: int) -> int:
    for start in range(0, len(numbers), CHUNK):
        chunk = numbers[start : start + CHUNK]
        checksum = zlib.crc32(chunk, checksum)
        file.write(chunk)
    return checksum


def _numbers(tensor: Tensor, name: str, like: Tensor) -> memoryview:
    """Return the bytes of a tensor, row by row, after a look at its shape and type."""
    if tensor.shape != like.shape or tensor.dtype != like.dtype:
        found = f"{tensor.dtype} of shape {list(tensor.shape)}"
        raise ValueError(f"{name} is {found}; {like.dtype} of shape {list(like.shape)} is needed.")
    return tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().data
