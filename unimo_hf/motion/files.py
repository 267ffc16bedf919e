# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Reading motions from files, folders and globs."""

import glob
import os
from collections.abc import Iterable
from pathlib import Path

from .errors import MotionError
from .files_amass import read_amass
from .files_collection import is_collection, read_collection
from .files_gvhmr import read_gvhmr
from .motion import Motion

READERS = {".npz": read_amass, ".pt": read_gvhmr}
# Files of the AMASS archives that hold no motion.
NO_MOTION = ("shape.npz", "*_stagei.npz")

PathLike = str | os.PathLike


def load_motion(
    path: PathLike, fps: float | None = None, coordinates: str | None = None, up: str | None = None
) -> Motion:
    """Read one motion file; see [`Motion.load`]."""
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no motion file {path}.")
    if path.is_dir():
        raise MotionError(f"{path} is a folder; a motion is one file ({', '.join(READERS)}).")
    if path.suffix not in READERS:
        raise MotionError(f"{path}: motion files end in {' or '.join(READERS)}; found {path.suffix or 'no suffix'!r}.")
    if is_collection(path):
        raise MotionError(f"{path} holds many motions; read it with load_collection.")
    try:
        return READERS[path.suffix](path, fps=fps, coordinates=coordinates, up=up)
    except MotionError as error:
        if str(path) in str(error):
            raise
        raise MotionError(f"{path}: {error}") from error


def load_collection(
    paths: PathLike | Iterable[PathLike], skipped: list[tuple[Path, Exception]] | None = None
) -> list[tuple[str, Motion]]:
    """Read many motions.

    Args:
        paths (`str`, `os.PathLike` or an iterable of them):
            Each a motion file, a glob of files, a folder of motion files (sub-folders included), or a folder with
            `motions.npz` and `clips.json`.
        skipped (`list`, *optional*):
            When given, a bad file stops nothing: it is left out, and (file, error) is appended here.

    Returns:
        `list[tuple[str, Motion]]`: Names and motions, in the order of the paths, within a folder by name.

    Raises:
        MotionError: If a file is bad (without `skipped`), or no motion is found at all.
        FileNotFoundError: If a path does not exist.
    """
    paths = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    motions: list[tuple[str, Motion]] = []
    for path in paths:
        for file in _files(Path(path)):
            try:
                motions += read_collection(file) if is_collection(file) else [(file.stem, load_motion(file))]
            except (MotionError, OSError) as error:
                if skipped is None:
                    raise
                skipped.append((file, error))
    if not motions and not skipped:
        raise MotionError(
            f"No motion was found in {', '.join(map(str, paths)) or 'no paths'}; motions are .npz or .pt files."
        )
    return motions


def _files(path: Path) -> list[Path]:
    """Give the motion files that a file, folder or glob stands for; a collection stands for itself."""
    if is_collection(path) or path.is_file():
        return [path]
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.suffix in READERS and file.is_file())
        return [file for file in found if not any(file.match(pattern) for pattern in NO_MOTION)]
    if glob.has_magic(str(path)):
        found = [Path(name) for name in sorted(glob.glob(str(path), recursive=True))]
        return [file for entry in found for file in ([entry] if entry.is_file() else _files(entry))]
    raise FileNotFoundError(f"There is no motion file or folder {path}.")
