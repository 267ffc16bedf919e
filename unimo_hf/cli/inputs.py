# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""From what the user typed (files, folders, globs) to files, and from those to names of outputs."""

import errno
import glob
import os
from collections.abc import Collection, Sequence
from pathlib import Path, PurePosixPath

from ..names import file_name
from .kinds import TAKEN_BY, kinds_in

VIDEO_SUFFIXES = (".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v")
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
LOOKED_AT = 100  # files of a folder in which nothing is right, to say what is there


def find_inputs(names: Sequence[str], suffixes: Collection[str]) -> list[Path]:
    """List the files that the arguments of a command mean.

    Args:
        names (`Sequence[str]`): Files of any name, folders (the files right in them with one of `suffixes`), or
            globs, with `**` for any depth.
        suffixes (`Collection[str]`): Lower-case endings that count inside folders.

    Returns:
        `list[Path]`: In the order given, sorted within a folder or glob, each once. A file that does not exist is
        kept: it is reported with the other failures when its turn comes.

    Raises:
        ValueError: If a folder holds no such file, or a glob matches none.
    """
    found: list[Path] = []
    for name in names:
        path = Path(name)
        if path.is_dir():
            files = sorted(entry for entry in path.iterdir() if entry.is_file())
            matches = [entry for entry in files if entry.suffix.lower() in suffixes]
            if not matches:
                others = "".join(f"; {TAKEN_BY[kind]}" for kind in kinds_in(files[:LOOKED_AT]))
                raise ValueError(f"{name}: the folder holds no file that ends in {', '.join(suffixes)}{others}.")
        elif path.exists() or not glob.has_magic(name):
            matches = [path]
        else:
            matches = sorted(Path(match) for match in glob.glob(name, recursive=True) if Path(match).is_file())
            if not matches:
                raise ValueError(f"{name}: no file matches.")
        found.extend(matches)
    return list(dict.fromkeys(found))


def output_stems(inputs: Sequence[Path], folder: Path) -> dict[Path, Path]:
    """Give every input a path in a folder, without ending, that no other input has.

    It is the name of the input as [`file_name`] has it; two of the same name (`a/clip.mp4`, `b/clip.mov`) become
    `clip` and `clip-2`.
    """
    stems: dict[Path, Path] = {}
    taken: set[str] = set()
    for path in inputs:
        stem, number = file_name(path.stem), 1
        name = stem
        while name.lower() in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name.lower())
        stems[path] = folder / name
    return stems


def with_endings(stem: Path, endings: Sequence[str]) -> list[Path]:
    """Give the files of a path without ending, which may hold dots."""
    return [stem.with_name(stem.name + ending) for ending in endings]


def output_of(name: str, folder: Path, suffix: str) -> Path:
    """Give the file in a folder for something whose name a file says, `/` between its parts; see [`file_name`].

    Raises:
        ValueError: If the name leads out of the folder.
    """
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts or Path(name).is_absolute() or "\\" in name:
        raise ValueError(f"a motion has the name {name!r}, which can't be that of a file.")
    *folders, last = map(file_name, parts)
    return folder.joinpath(*folders, f"{last}.{suffix}")


def check_folder(folder: Path) -> None:
    """Look, before the work, whether a folder is one that can be written or made.

    Raises:
        ValueError: If a file stands in its place or on the way to it.
        OSError: If it can't be written; names it.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
    if not there.is_dir():
        raise ValueError(f"{folder} can't be the folder for what is made: {there} is no folder.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))


def check_outputs(outputs: Sequence[Path], source: Path, overwrite: bool) -> None:
    """Protect the files that stand beside an input: they are the user's own, and may be the truth that belongs to it.

    Raises:
        ValueError: If an output exists in the folder of its input and `overwrite` is not set.
    """
    for output in outputs:
        if not overwrite and output.exists() and output.parent.resolve() == source.parent.resolve():
            raise ValueError(f"{output} exists beside its input; choose another folder, or allow it with --overwrite.")
