# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Reading motions from files, folders and globs, and writing them: which format is whose."""

import glob
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from .containers import DESCRIPTIONS, check_container
from .errors import MotionError
from .files_3dpw import is_3dpw, read_3dpw
from .files_aist import is_aist, read_aist
from .files_amass import read_amass, save_amass
from .files_bedlam import is_bedlam_labels, read_bedlam_labels
from .files_collection import is_collection, read_collection
from .files_gvhmr import read_gvhmr
from .files_motionx import read_motionx
from .files_rich import is_rich, read_rich, read_rich_sequence, rich_sequences
from .files_safetensors import read_safetensors, save_safetensors
from .files_wham import is_wham, read_wham
from .motion import Motion
from .npz import open_npz
from .pickles import read_pickle
from .request import Request

if TYPE_CHECKING:
    from .body import Body

PathLike = str | os.PathLike
Named = list[tuple[str, Motion]]
# Files of the AMASS archives that hold no motion.
NO_MOTION = ("shape.npz", "*_stagei.npz")
WRITTEN = (".npz", ".safetensors", ".bvh")


def load_motion(
    path: PathLike,
    fps: float | None = None,
    coordinates: str | None = None,
    up: str | None = None,
    name: str | None = None,
) -> Motion:
    """Read one motion; see [`Motion.load`]."""
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no motion file {path}.")
    if is_collection(path) and name is None:
        raise MotionError(f"{path} holds many motions; name one of them, or read all with load_collection.")
    request = Request(path, fps, coordinates, up)
    sources = _sources(path)
    if not sources or (len(sources) > 1 and name is None):
        raise MotionError(
            f"{path} is a folder with {len(sources)} motion files ({', '.join(DESCRIPTIONS)}); read one of them, or "
            "all with load_collection."
        )
    motions = [motion for source in sources for motion in _read(source, request)]
    chosen = [motion for found, motion in motions if name is None or found == name]
    if len(chosen) != 1:
        listed = ", ".join(repr(found) for found, _ in motions[:10]) + (", …" if len(motions) > 10 else "")
        asked = "name one of them (name=…)" if name is None else f"{name!r} is none of them"
        raise MotionError(f"{path} holds {len(motions)} motions: {listed}; {asked}, or read all with load_collection.")
    return chosen[0]


def load_collection(
    paths: PathLike | Iterable[PathLike], skipped: list[tuple[Path, Exception]] | None = None
) -> list[tuple[str, Motion]]:
    """Read many motions.

    Args:
        paths (`str`, `os.PathLike` or an iterable of them):
            Each a motion file, a glob of files, a folder of motion files (sub-folders included), or a folder with
            `motions.npz` and `clips.json`. A file of several people, or with frames missing, gives several motions.
        skipped (`list`, *optional*):
            When given, a bad file stops nothing: it is left out, and (file, error) is appended here.

    Returns:
        `list[tuple[str, Motion]]`: Names and motions, in the order of the paths, within a folder by name.

    Raises:
        MotionError: If a file is bad (without `skipped`), or no motion is found at all.
        FileNotFoundError: If a path does not exist.
    """
    paths = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    motions: Named = []
    for path in paths:
        for source in _sources(Path(path)):
            try:
                motions += _read(source, Request(source[0]))
            except (MotionError, OSError) as error:
                if skipped is None:
                    raise
                skipped.append((source[0], error))
    if not motions and not skipped:
        raise MotionError(
            f"No motion was found in {', '.join(map(str, paths)) or 'no paths'}; motions end in "
            f"{', '.join(DESCRIPTIONS)}."
        )
    return motions


def save_motion(motion: Motion, path: PathLike, fps: float | None, unit: str, body: "Body | None") -> None:
    """Write a motion; see [`Motion.save`]."""
    suffix = Path(path).suffix.lower()
    if suffix == ".bvh":
        from .files_bvh import save_bvh

        save_bvh(motion, path, fps, unit, body)
    elif suffix == ".safetensors":
        save_safetensors(motion, path, fps)
    elif suffix == ".npz":
        save_amass(motion, path, fps)
    else:
        raise MotionError(f"A motion is written to a file that ends in {', '.join(WRITTEN)}; found {path}.")


# What is read as one: a file, or the folder of a sequence of RICH and its files of one person.
Source = tuple[Path, list[Path]]


def _read(source: Source, request: Request) -> Named:
    """Read all motions of a source, each under its full name; errors name the file."""
    path, frames = source
    request = Request(path, request.fps, request.coordinates, request.up)
    try:
        if frames:
            motions = read_rich_sequence(request, frames)
        elif is_collection(path):
            return read_collection(path)
        else:
            motions = _READERS[check_container(path)](request)
    except MotionError as error:
        if str(path) in str(error):
            raise
        raise MotionError(f"{path}: {error}") from error
    except OSError:
        raise
    except Exception as error:  # a file wrong in a way that nobody thought of must not stop the reading of many
        raise MotionError(f"{path} can't be read: {type(error).__name__}: {error}") from error
    stem = path.name if frames else path.stem
    return [(f"{stem}_{name}" if name else stem, motion) for name, motion in motions]


def _read_npz(request: Request) -> Named:
    with open_npz(request.path) as arrays:
        reader = read_bedlam_labels if is_bedlam_labels(arrays.names) else read_amass
        return reader(request, arrays)


def _read_pickle(request: Request) -> Named:
    content = read_pickle(request.path)
    for recognises, read in ((is_3dpw, read_3dpw), (is_aist, read_aist), (is_rich, read_rich), (is_wham, read_wham)):
        if recognises(content):
            return read(request, content)
    found = ", ".join(map(str, list(content)[:20])) if isinstance(content, dict) else type(content).__name__
    raise MotionError(f"{request.path} holds no motion of WHAM, 3DPW, AIST++ or RICH; found {found or 'nothing'}.")


def _read_bvh(request: Request) -> Named:
    from .files_bvh import read_bvh  # needs torch

    return read_bvh(request)


_READERS: dict[str, Callable[[Request], Named]] = {
    ".npz": _read_npz,
    ".npy": read_motionx,
    ".pt": read_gvhmr,
    ".pkl": _read_pickle,
    ".bvh": _read_bvh,
    ".safetensors": read_safetensors,
}


def _sources(path: Path) -> list[Source]:
    """Give what a file, folder or glob stands for, in order; a collection stands for itself."""
    if path.is_file():
        return [(path, [])]
    files = list(dict.fromkeys(_files(path)))  # a glob may name a file and its folder
    sequences = {frame: sequence for sequence in rich_sequences(files) for frame in sequence[1]}
    sources = [sequences.get(file, (file, [])) for file in files]
    # A sequence stands where its first frame does.
    return [source for file, source in zip(files, sources, strict=True) if source[1][:1] in ([], [file])]


def _files(path: Path) -> list[Path]:
    if is_collection(path) or path.is_file():
        return [path]
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.suffix.lower() in DESCRIPTIONS and file.is_file())
        return [file for file in found if not any(file.match(pattern) for pattern in NO_MOTION)]
    if glob.has_magic(str(path)):
        return [file for name in sorted(glob.glob(str(path), recursive=True)) for file in _files(Path(name))]
    raise FileNotFoundError(f"There is no motion file or folder {path}.")
