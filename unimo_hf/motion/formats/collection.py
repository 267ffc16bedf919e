# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Many motions in one folder: `motions.npz`, all frames one after the other, with `clips.json` beside it.

`motions.npz`: `body_pose` (N, 63), `global_orient` (N, 3), `transl` (N, 3), `betas` (C, 10), `clip_start` and
`clip_length` (C,), `clip_name` (C,), `fps`; the world frame, y up, floor at y = 0. `clips.json` describes the clips
and is not read here.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np

from unimo_hf.motion.errors import MotionError
from unimo_hf.motion.npz import open_npz
from unimo_hf.motion.parameters import one_number
from unimo_hf.motion.record import MotionRecord

FILE = "motions.npz"
CLIP_ARRAYS = ("clip_start", "clip_length", "clip_name")
ARRAYS = (*MotionRecord.PARAMETERS, "betas", *CLIP_ARRAYS, "fps")


def is_collection(path: str | os.PathLike) -> bool:
    """Say whether a folder, or a file, is of this form: its name is not enough, any motion may be called so."""
    path = Path(path)
    file = path / FILE if path.is_dir() else path
    if file.name != FILE or not file.is_file():
        return False
    try:
        with open_npz(file) as archive:
            return archive.names >= set(CLIP_ARRAYS)
    except (MotionError, OSError):  # said where the file is read
        return False


def read_collection(path: str | os.PathLike) -> list[tuple[str, MotionRecord]]:
    """Read a folder, or its `motions.npz`: (name, motion) pairs; raises `MotionError` where the file is wrong."""
    path = Path(path)
    path = path / FILE if path.is_dir() else path
    with open_npz(path) as archive:
        missing = [name for name in ARRAYS if name not in archive.names]
        if missing:
            raise MotionError(f"{path} is no collection of motions: it lacks {', '.join(missing)}.")
        arrays = {name: archive.read(name) for name in ARRAYS}
    _check(path, arrays)
    fps = one_number(f"{path}: fps", arrays["fps"])
    motions = []
    for clip, name in enumerate(arrays["clip_name"]):
        start = int(arrays["clip_start"][clip])
        frames = slice(start, start + int(arrays["clip_length"][clip]))
        parameters: dict[str, Any] = {key: arrays[key][frames] for key in MotionRecord.PARAMETERS}
        try:
            motion = MotionRecord(**parameters, betas=arrays["betas"][clip], fps=fps, coordinates="world", up="y")
        except MotionError as error:
            raise MotionError(f"{path}, clip {name}: {error}") from error
        motions.append((str(name), motion))
    return motions


def _check(path: Path, arrays: dict[str, np.ndarray]) -> None:
    clips = len(arrays["clip_name"]) if arrays["clip_name"].ndim == 1 else -1
    if clips < 1:
        raise MotionError(f"{path}: clip_name has shape {arrays['clip_name'].shape}; it must be (clips,), at least 1.")
    for name in ("clip_start", "clip_length"):
        if arrays[name].shape != (clips,) or arrays[name].dtype.kind not in "iu":
            raise MotionError(
                f"{path}: {name} has shape {arrays[name].shape} of {arrays[name].dtype}; "
                f"it must be ({clips},) integers."
            )
    if arrays["betas"].shape[:1] != (clips,):
        raise MotionError(f"{path}: betas has shape {arrays['betas'].shape}; it must be ({clips}, 10).")
    frames = min(arrays[name].shape[0] if arrays[name].ndim else 0 for name in MotionRecord.PARAMETERS)
    start, length = arrays["clip_start"].astype(np.int64), arrays["clip_length"].astype(np.int64)
    if (start < 0).any() or (length < 1).any() or (start > frames - length).any():
        raise MotionError(f"{path}: a clip reaches outside the {frames} frames, or has none.")
