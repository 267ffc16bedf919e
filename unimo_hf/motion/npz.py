# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Reading `.npz` and `.npy` files from strangers.

Nothing is unpickled, and no header is believed before the file bears it out.
"""

import io
import lzma
import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from typing import IO

import numpy as np

from .errors import MotionError

# An hour of AMASS in float64 at 120 fps takes 0.58 GB; what is computed from it takes as much again.
MAX_BYTES = 600_000_000
# NumPy itself believes no longer one.
MAX_HEADER = 16_384
# A motion has about ten arrays, a file of PyTorch a part for each tensor.
MAX_MEMBERS = 10_000
CHUNK = 1024**2
# Deflate can't shrink data more than 1032-fold: a file that says so lies.
MAX_EXPANSION = 1100
# What reading a damaged member raises: each compression has errors of its own.
DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError)
_HEADER_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


class NpzFile:
    """The arrays of an open `.npz` file, read one at a time.

    Attributes:
        names (`frozenset[str]`): Names of the arrays.
    """

    def __init__(self, path: Path, archive: zipfile.ZipFile):
        self._path, self._archive = path, archive
        check_members(path, archive)
        self._members = {info.filename[:-4]: info for info in archive.infolist() if info.filename.endswith(".npy")}
        self.names = frozenset(self._members)
        self._bytes_left = MAX_BYTES

    def read(self, name: str) -> np.ndarray:
        """Read one array.

        Args:
            name (`str`): One of `names`.

        Returns:
            `np.ndarray`.

        Raises:
            MotionError: If the array is missing, damaged, too large, or holds pickled Python objects.
        """
        if name not in self._members:
            raise MotionError(f"{self._path} has no array {name!r}; it has {listed(self.names) or 'none'}.")
        try:
            return self._read(name, self._members[name])
        except DAMAGE as error:
            raise MotionError(f"{self._path}: the array {name!r} is damaged: {error}.") from error

    def _read(self, name: str, info: zipfile.ZipInfo) -> np.ndarray:
        where = f"{self._path}: the array {name!r}"
        if info.file_size > MAX_EXPANSION * info.compress_size + 1024:
            raise MotionError(f"{where} claims {info.file_size} bytes packed in {info.compress_size}; that can't be.")
        self._bytes_left -= info.file_size
        if self._bytes_left < 0:
            raise MotionError(f"{where} brings the file over the {MAX_BYTES} bytes that are allowed.")
        with self._archive.open(info) as member:
            return _read_array(member, info.file_size, where)


@contextmanager
def open_npz(path: str | os.PathLike) -> Iterator[NpzFile]:
    """Open an `.npz` file.

    Raises:
        MotionError: If it is not an `.npz` file.
        FileNotFoundError: If there is no such file.
    """
    path = Path(path)
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        size = path.stat().st_size
        raise MotionError(f"{path} ({size} bytes) is not an .npz file, or it is cut short: {error}.") from error
    with archive:
        yield NpzFile(path, archive)


def check_members(path: Path, archive: zipfile.ZipFile) -> None:
    """Raise `MotionError` if an archive has more parts than any motion."""
    if len(archive.infolist()) > MAX_MEMBERS:
        raise MotionError(f"{path} has {len(archive.infolist())} parts; at most {MAX_MEMBERS} are allowed.")


def listed(names: Iterable[str]) -> str:
    """Name what was found, up to 20."""
    names = sorted(names)
    return ", ".join(name[:80] for name in names[:20]) + (", …" if len(names) > 20 else "")


def read_npy(path: str | os.PathLike) -> np.ndarray:
    """Read an `.npy` file.

    Raises:
        MotionError: If it is not an `.npy` file, is damaged, too large, or holds pickled Python objects.
        FileNotFoundError: If there is no such file.
    """
    path = Path(path)
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise MotionError(f"{path} has {size} bytes; at most {MAX_BYTES} are allowed.")
    with path.open("rb") as file:
        return _read_array(file, size, str(path))


def _read_array(stream: IO[bytes], stream_size: int, where: str) -> np.ndarray:
    """Read one array in `.npy` form that takes up the whole stream."""
    start = io.BytesIO(stream.read(min(stream_size, MAX_HEADER)))
    try:
        version = np.lib.format.read_magic(start)
        shape, fortran, dtype = _HEADER_READERS[version](start)
    except (ValueError, KeyError, TypeError, SyntaxError, RecursionError, MemoryError, TokenError) as error:
        raise MotionError(f"{where} has no valid .npy header.") from error
    if dtype.hasobject:
        raise MotionError(f"{where} holds pickled Python objects ({dtype}), which are never loaded.")
    # Python integers: a product of hostile dimensions must not wrap round.
    size = dtype.itemsize
    for length in shape:
        size *= length
    left = stream_size - start.tell()
    if size != left or any(length < 0 for length in shape):
        raise MotionError(f"{where} declares shape {shape} of {dtype}, {size} bytes, but holds {left}.")
    # In float32, which small integers become.
    if dtype.kind in "biuf" and size // dtype.itemsize * 4 > MAX_BYTES:
        raise MotionError(f"{where} declares shape {shape}; at most {MAX_BYTES // 4} numbers are allowed.")
    data = bytearray(size)
    held = start.readinto(data)
    with memoryview(data) as view:
        while held < size and (count := stream.readinto(view[held : held + CHUNK])):  # type: ignore[attr-defined]
            held += count
    if held != size:
        raise MotionError(f"{where} is cut short: {held} of {size} bytes.")
    try:
        return np.ndarray(shape, dtype=dtype, buffer=data, order="F" if fortran else "C")
    except ValueError as error:  # an empty array with absurd dimensions
        raise MotionError(f"{where} declares shape {shape}: {error}.") from error
