# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Reading motions and writing them: which format is whose."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from unimo_hf.motion.formats.aist import is_aist, read_aist
from unimo_hf.motion.formats.amass import read_amass, save_amass
from unimo_hf.motion.formats.bedlam import is_bedlam_labels, read_bedlam_labels
from unimo_hf.motion.formats.collection import is_collection, read_collection
from unimo_hf.motion.formats.gvhmr import read_gvhmr
from unimo_hf.motion.formats.motionx import read_motionx
from unimo_hf.motion.formats.rich import is_rich, read_rich, read_rich_sequence
from unimo_hf.motion.formats.safetensors import read_safetensors, save_safetensors
from unimo_hf.motion.formats.threedpw import is_3dpw, read_3dpw
from unimo_hf.motion.formats.wham import is_wham, read_wham

from .containers import DESCRIPTIONS, check_container
from .errors import MotionError
from .npz import open_npz
from .pickles import read_pickle
from .record import MotionRecord
from .request import Request
from .sources import PathLike, Source, find_sources

if TYPE_CHECKING:
    from .body import Body

Named = list[tuple[str, MotionRecord]]
WRITTEN = (".npz", ".safetensors", ".bvh")


def read_motion(
    path: PathLike,
    fps: float | None = None,
    coordinates: str | None = None,
    up: str | None = None,
    name: str | None = None,
) -> MotionRecord:
    """Read one motion; see [`Motion.load`]."""
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no motion file {path}.")
    if is_collection(path) and name is None:
        raise MotionError(f"{path} holds many motions; name one of them, or read all with load_collection.")
    sources = find_sources([path])
    if not sources or (len(sources) > 1 and name is None):
        raise MotionError(
            f"{path} is a folder with {len(sources)} motion files ({', '.join(DESCRIPTIONS)}); name one of them "
            "(name=…), or read all with load_collection."
        )
    asked = [source for source in sources if name is None or source.may_hold(name)]
    motions = [motion for source in asked for motion in read_records(source, fps, coordinates, up)]
    chosen = [motion for found, motion in motions if name is None or found == name]
    if len(chosen) != 1:
        names = [found for found, _ in motions] or [source.name for source in sources]
        listed = ", ".join(map(repr, names[:10])) + (", …" if len(names) > 10 else "")
        asked_for = "name one of them (name=…)" if name is None else f"{name!r} is none of them"
        raise MotionError(
            f"{path} holds {len(names)} motions: {listed}; {asked_for}, or read all with load_collection."
        )
    return chosen[0]


def write_motion(motion: MotionRecord, path: PathLike, fps: float | None, unit: str, body: "Body | None") -> None:
    """Write a motion; see [`Motion.save`]."""
    suffix = Path(path).suffix.lower()
    if suffix == ".bvh":
        from unimo_hf.motion.formats.bvh import save_bvh

        save_bvh(motion, path, fps, unit, body)
    elif suffix == ".safetensors":
        save_safetensors(motion, path, fps)
    elif suffix == ".npz":
        save_amass(motion, path, fps)
    else:
        raise MotionError(f"A motion is written to a file that ends in {', '.join(WRITTEN)}; found {path}.")


def read_records(
    source: Source, fps: float | None = None, coordinates: str | None = None, up: str | None = None
) -> Named:
    """Read all records of a source, each under its full name; errors name the file."""
    request = Request(source.path, fps, coordinates, up)
    try:
        if source.frames:
            motions = read_rich_sequence(request, source.frames)
        elif is_collection(source.path):
            return read_collection(source.path)
        else:
            motions = _READERS[check_container(source.path)](request)
    except MotionError as error:
        if str(source.path) in str(error):
            raise
        raise MotionError(f"{source.path}: {error}") from error
    except OSError:
        raise
    except Exception as error:  # a file wrong in a way that nobody thought of must not stop the reading of many
        raise MotionError(f"{source.path} can't be read: {type(error).__name__}: {error}") from error
    return [(f"{source.name}_{name}" if name else source.name, motion) for name, motion in motions]


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
    from unimo_hf.motion.formats.bvh import read_bvh  # needs torch

    return read_bvh(request)


_READERS: dict[str, Callable[[Request], Named]] = {
    ".npz": _read_npz,
    ".npy": read_motionx,
    ".pt": read_gvhmr,
    ".pkl": _read_pickle,
    ".bvh": _read_bvh,
    ".safetensors": read_safetensors,
}
