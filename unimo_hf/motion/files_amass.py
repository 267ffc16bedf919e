# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Motion files in AMASS / SMPL-X names (`.npz`): AMASS itself, the SMPL-X Blender add-on, and our own.

Our own files hold what the Blender add-on reads: `trans` (F, 3), `poses` (F, 165), `betas` (10), `gender`,
`mocap_frame_rate`, and beside it `coordinates`, `up`, `format` and `format_version`. The add-on plays at 30 (or 60)
frames per second: it refuses a slower file and takes every n-th frame of a faster one, so these arrays stand at a
multiple of 30 fps. The frames of a motion at another rate are kept as `native_body_pose`, `native_global_orient`,
`native_transl` and `native_fps`; our reader prefers them.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np

from unimo_hf.atomic import replace_when_done

from .errors import MotionError
from .motion import NUM_BETAS, Motion, check_fps
from .npz import NpzFile, open_npz

FORMAT, FORMAT_VERSION = "unimo_hf.motion", 1
BLENDER_FPS = 30
FPS_NAMES = ("mocap_frame_rate", "mocap_framerate", "fps")
# Columns of `poses` -> are its shape coefficients those of SMPL-X?
POSE_COLUMNS = {165: True, 156: False, 72: False}
SMPLX_COLUMNS = 165


def save_amass(motion: Motion, path: str | os.PathLike, fps: float | None = None) -> None:
    """Write a motion; see [`Motion.save`]."""
    path = Path(path)
    if path.suffix != ".npz":
        raise MotionError(f"A motion is written to a file that ends in .npz; found {path}.")
    written = motion.resample(blender_fps(motion.fps) if fps is None else fps)
    poses = np.zeros((len(written), SMPLX_COLUMNS), dtype=np.float32)
    poses[:, :3], poses[:, 3:66] = written.global_orient, written.body_pose
    arrays: dict[str, Any] = {
        "trans": written.transl,
        "poses": poses,
        "betas": written.betas,
        "gender": np.array("neutral"),
        "mocap_frame_rate": np.array(written.fps),
        "surface_model_type": np.array("smplx"),
        "coordinates": np.array(motion.coordinates),
        "up": np.array(motion.up),
        "format": np.array(FORMAT),
        "format_version": np.array(FORMAT_VERSION),
    }
    if fps is None and written is not motion:
        arrays |= {f"native_{name}": getattr(motion, name) for name in Motion.PARAMETERS}
        arrays["native_fps"] = np.array(motion.fps)
    with replace_when_done(path) as aside:
        np.savez_compressed(aside, **arrays)


def blender_fps(fps: float) -> float:
    """Give the multiple of 30 nearest to `fps`, at least 30: a rate that the add-on plays at its true speed."""
    return float(BLENDER_FPS * max(1, round(fps / BLENDER_FPS)))


def read_amass(
    path: str | os.PathLike, fps: float | None = None, coordinates: str | None = None, up: str | None = None
) -> Motion:
    """Read a motion; see [`Motion.load`]."""
    path = Path(path)
    found_fps: float | None
    with open_npz(path) as arrays:
        _check_format(path, arrays)
        if "native_fps" in arrays.names:
            parameters = {name: arrays.read(f"native_{name}") for name in Motion.PARAMETERS}
            smplx_shape, found_fps = True, _number(path, arrays, "native_fps")
        else:
            parameters, smplx_shape = _read_parameters(path, arrays)
            fps_name = next((name for name in FPS_NAMES if name in arrays.names), None)
            found_fps = None if fps_name is None else _number(path, arrays, fps_name)
        betas = _read_betas(arrays) if smplx_shape and "betas" in arrays.names else np.zeros(NUM_BETAS)
        found = {name: _text(arrays, name) for name in ("coordinates", "up") if name in arrays.names}
    if found_fps is None and fps is None:
        raise MotionError(f"{path} does not say its fps (none of {', '.join(FPS_NAMES)}); give it as fps=….")
    coordinates = _agree(path, "coordinates", found.get("coordinates"), coordinates) or "world"
    default_up = "-y" if coordinates == "camera" else "z"
    return Motion(
        **parameters,
        betas=betas,
        fps=_agree(path, "fps", found_fps, fps),
        coordinates=coordinates,
        up=_agree(path, "up", found.get("up"), up) or default_up,
    )


def _check_format(path: Path, arrays: NpzFile) -> None:
    if "format_version" not in arrays.names or "format" not in arrays.names:
        return
    version = _number(path, arrays, "format_version")
    if _text(arrays, "format") == FORMAT and version != FORMAT_VERSION:
        raise MotionError(f"{path} has format version {version:g}; this program reads version {FORMAT_VERSION}.")


def _read_parameters(path: Path, arrays: NpzFile) -> tuple[dict[str, np.ndarray], bool]:
    """Give pose and position of an AMASS or SMPL-X file, and whether its shape coefficients are those of SMPL-X."""
    names = arrays.names
    if {"poses", "trans"} <= names:
        poses = arrays.read("poses")
        if poses.ndim != 2 or poses.shape[1] not in POSE_COLUMNS:
            raise MotionError(
                f"{path}: poses has shape {poses.shape}; it must be (frames, 165) for SMPL-X, "
                "(frames, 156) for SMPL-H or (frames, 72) for SMPL."
            )
        parameters = {"global_orient": poses[:, :3], "body_pose": poses[:, 3:66], "transl": arrays.read("trans")}
        return parameters, POSE_COLUMNS[poses.shape[1]]
    for pose, root, transl in (("pose_body", "root_orient", "trans"), ("body_pose", "global_orient", "transl")):
        if {pose, root, transl} <= names:
            parameters = {
                "body_pose": arrays.read(pose),
                "global_orient": arrays.read(root),
                "transl": arrays.read(transl),
            }
            return parameters, True
    raise MotionError(
        f"{path} holds no motion: found {', '.join(sorted(names)) or 'no arrays'}; it must hold poses and trans, or "
        "pose_body, root_orient and trans, or body_pose, global_orient and transl."
    )


def _read_betas(arrays: NpzFile) -> np.ndarray:
    """Give the first 10 shape coefficients, averaged over time, filled up with zeros."""
    betas = arrays.read("betas")
    if betas.dtype.kind not in "fiu" or betas.ndim not in (1, 2) or not betas.shape[0]:
        raise MotionError(f"betas has shape {betas.shape} of {betas.dtype}; it must be (n,) or (frames, n) numbers.")
    if betas.ndim == 2:
        betas = betas.mean(axis=0, dtype=np.float64)
    betas = betas[:NUM_BETAS]
    return np.pad(betas, (0, NUM_BETAS - len(betas)))


def _number(path: Path, arrays: NpzFile, name: str) -> float:
    array = arrays.read(name)
    if array.size != 1 or array.dtype.kind not in "fiu":
        raise MotionError(
            f"{path}: {name} is an array of shape {array.shape} of {array.dtype}; it must be one number."
        )
    return float(array.reshape(()))


def _text(arrays: NpzFile, name: str) -> str:
    value = arrays.read(name).reshape(-1)[:1].tolist()
    return value[0].decode(errors="replace") if value and isinstance(value[0], bytes) else str(*value)


def _agree(path: Path, name: str, found: str | float | None, given: str | float | None) -> Any:
    """Give what the file says, else what the caller says; raises `MotionError` where they contradict each other."""
    if found is not None and given is not None and found != given:
        raise MotionError(
            f"{path} says {name} {found!r}, the call says {given!r}; leave {name} out to take the file's."
        )
    if name == "fps":
        return check_fps(found if found is not None else given)
    return found if found is not None else given
