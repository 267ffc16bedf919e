# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What paths mean: files, folders and globs become sources, each of which is read as one, under a name of its own."""

import glob
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from unimo_hf.motion.formats.collection import is_collection
from unimo_hf.motion.formats.rich import rich_sequences

from .containers import DESCRIPTIONS

PathLike = str | os.PathLike
# Files of the AMASS archives that hold no motion.
NO_MOTION = ("shape.npz", "*_stagei.npz")


@dataclass(frozen=True)
class Source:
    """A file, or the folder of a sequence of RICH and its files of one person.

    Attributes:
        path (`Path`): The file or folder.
        name (`str`):
            The way to it from the folder that was asked for, without the ending, as `subject/walk`. Its motion has
            this name; those of several people add theirs.
        frames (`tuple[Path, ...]`): The files of a sequence of RICH.
    """

    path: Path
    name: str
    frames: tuple[Path, ...] = ()

    def may_hold(self, name: str) -> bool:
        """Whether a motion of this name may be in it; the clips of a collection have names of their own."""
        return is_collection(self.path) or name == self.name or name.startswith(f"{self.name}_")


def find_sources(paths: Iterable[PathLike]) -> list[Source]:
    """Give what files, folders and globs stand for, in order, within a folder by name; a collection is one.

    Raises:
        FileNotFoundError: If a path does not exist.
    """
    sources = [source for path in paths for source in _sources_of(Path(path))]
    repeated = {name for name, count in Counter(source.name for source in sources).items() if count > 1}
    return [
        replace(source, name=source.name + source.path.suffix) if source.name in repeated else source
        for source in sources
    ]


def _sources_of(path: Path) -> list[Source]:
    if path.is_file():
        return [Source(path, path.stem)]
    root = _root(path)
    files = list(dict.fromkeys(_files(path)))  # a glob may name a file and its folder
    sequences = {
        frames[0]: Source(folder, _name(folder, root), tuple(frames)) for folder, frames in rich_sequences(files)
    }
    others = {frame for source in sequences.values() for frame in source.frames[1:]}
    # A sequence stands where its first frame does.
    return [
        sequences.get(file) or Source(file, _name(file.with_suffix(""), root)) for file in files if file not in others
    ]


def _root(path: Path) -> Path:
    """The folder itself, or the part of a glob that names one."""
    while not path.exists() and glob.has_magic(str(path)):
        path = path.parent
    return path


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path != root else path.name


def _files(path: Path) -> list[Path]:
    if is_collection(path) or path.is_file():
        return [path]
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.suffix.lower() in DESCRIPTIONS and file.is_file())
        return [file for file in found if not any(file.match(pattern) for pattern in NO_MOTION)]
    if glob.has_magic(str(path)):
        return [file for name in sorted(glob.glob(str(path), recursive=True)) for file in _files(Path(name))]
    raise FileNotFoundError(f"There is no motion file or folder {path}.")
