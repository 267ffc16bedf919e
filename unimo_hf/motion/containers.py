# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What kind of file it is, by its first bytes: a name may lie."""

import zipfile
from pathlib import Path

from .errors import MotionError
from .npz import check_members

DESCRIPTIONS = {
    ".npz": "NumPy arrays (.npz)",
    ".npy": "one NumPy array (.npy)",
    ".pt": "a PyTorch file (.pt)",
    ".pkl": "a pickle (.pkl)",
    ".bvh": "BVH text (.bvh)",
    ".safetensors": "safetensors (.safetensors)",
}
# PyTorch before 1.6 wrote pickles one after the other; the first is this number.
OLD_TORCH = (0x1950A86A20F9469CFC6C).to_bytes(10, "little")


def check_container(path: Path) -> str:
    """Give the suffix of a motion file, lower case.

    Raises:
        MotionError: If no motion file ends so, the file holds something else than its name says, or it is of the
            form that PyTorch left behind.
    """
    suffix = path.suffix.lower()
    if suffix not in DESCRIPTIONS:
        found = repr(path.suffix) if path.suffix else "no suffix"
        raise MotionError(f"{path}: motion files end in {', '.join(DESCRIPTIONS)}; found {found}.")
    if _is_old_torch(path):
        raise MotionError(
            f"{path} was saved by torch before 1.6, or without its zip format; save it again with "
            f'torch.save(torch.load("{path.name}", weights_only=True), "{path.stem}.pt") to read it.'
        )
    held = container_of(path)
    if held is not None and held != suffix:
        raise MotionError(
            f"{path} is named {suffix} but is not an {suffix} file: it holds {DESCRIPTIONS[held]}. Rename it to "
            f"{path.stem}{held} to read it as that."
        )
    return suffix


def container_of(path: Path) -> str | None:
    """Give the suffix that the content of a file calls for, `None` where the first bytes do not tell."""
    with path.open("rb") as file:
        start = file.read(512)
    if start.startswith(b"PK\x03\x04"):
        return _zip_kind(path)
    if start.startswith(b"\x93NUMPY"):
        return ".npy"
    if len(start) > 2 and start[0] == 0x80 and start[1] <= 5:
        return ".pkl"
    if start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"HIERARCHY"):
        return ".bvh"
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= path.stat().st_size:
        return ".safetensors"
    return None


def _is_old_torch(path: Path) -> bool:
    with path.open("rb") as file:
        return OLD_TORCH in file.read(32)


def _zip_kind(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            check_members(path, archive)
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return None
    return ".pt" if any(name.endswith("data.pkl") for name in names) else ".npz"
