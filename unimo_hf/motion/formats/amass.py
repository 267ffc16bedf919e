# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Motion files in AMASS / SMPL-X names (`.npz`): AMASS itself, the SMPL-X Blender add-on, and our own.

Our own files hold what the Blender add-on reads: `trans` (F, 3), `poses` (F, 165), `betas` (10), `gender`,
`mocap_frame_rate`, and beside it `coordinates`, `up`, `format` and `format_version`; `provenance` (JSON) if there is
one. The add-on plays at 30 (or 60) frames per second: it refuses a slower file and takes every n-th frame of a faster
one, so these arrays stand at a multiple of 30 fps. The frames of a motion at another rate are kept as
`native_body_pose`, `native_global_orient`, `native_transl` and `native_fps`; our reader prefers them.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np

from unimo_hf.atomic import replace_when_done
from unimo_hf.motion.errors import MotionError
from unimo_hf.motion.npz import NpzFile, listed
from unimo_hf.motion.parameters import (
    check_numbers,
    check_parameters,
    gender_name,
    one_number,
    smpl_to_smplx,
    ten_betas,
)
from unimo_hf.motion.provenance_record import read_record
from unimo_hf.motion.record import NUM_BETAS, MotionRecord
from unimo_hf.motion.request import Request

from .bedlam import FPS as BEDLAM_FPS
from .bedlam import is_bedlam_motion

FORMAT, FORMAT_VERSION = "unimo_hf.motion", 1
BLENDER_FPS = 30
FPS_NAMES = ("mocap_frame_rate", "mocap_framerate", "fps")
# Columns of `poses` -> are its shape coefficients those of SMPL-X?
POSE_COLUMNS = {165: True, 156: False, 72: False}
SMPLX_COLUMNS = 165
MAX_TEXT_BYTES = 1_000_000


def save_amass(motion: MotionRecord, path: str | os.PathLike, fps: float | None = None) -> None:
    """Write a motion; see [`Motion.save`]."""
    written = motion.resample(blender_fps(motion.fps) if fps is None else fps)
    poses = np.zeros((len(written), SMPLX_COLUMNS), dtype=np.float32)
    poses[:, :3], poses[:, 3:66] = written.global_orient, written.body_pose
    arrays: dict[str, Any] = {
        "trans": written.transl,
        "poses": poses,
        "betas": written.betas,
        "gender": np.array(written.gender),
        "mocap_frame_rate": np.array(written.fps),
        "surface_model_type": np.array("smplx"),
        "coordinates": np.array(motion.coordinates),
        "up": np.array(motion.up),
        "format": np.array(FORMAT),
        "format_version": np.array(FORMAT_VERSION),
    }
    if fps is None and written is not motion:
        arrays |= {f"native_{name}": getattr(motion, name) for name in MotionRecord.PARAMETERS}
        arrays["native_fps"] = np.array(motion.fps)
    if motion.provenance is not None:
        arrays["provenance"] = np.array(motion.provenance.to_json())
    with replace_when_done(path) as aside, aside.open("wb") as file:
        np.savez_compressed(file, **arrays)


def blender_fps(fps: float) -> float:
    """Give the multiple of 30 nearest to `fps`, at least 30: a rate that the add-on plays at its true speed."""
    return float(BLENDER_FPS * max(1, round(fps / BLENDER_FPS)))


def read_amass(request: Request, arrays: NpzFile) -> list[tuple[str, MotionRecord]]:
    """Give the motion, with an empty name; see [`Motion.load`]."""
    path, names = request.path, arrays.names
    is_ours = _check_format(path, arrays)
    gender = gender_name(_text(arrays, "gender")) if "gender" in names else "neutral"
    if "native_fps" in names:
        parameters = {name: arrays.read(f"native_{name}") for name in MotionRecord.PARAMETERS}
        smplx, fps_name = True, "native_fps"
    else:
        parameters, smplx = _read_parameters(path, arrays)
        fps_name = next((name for name in FPS_NAMES if name in names), "")
    check_parameters(parameters)
    if smplx:
        betas = arrays.read("betas") if "betas" in names else np.zeros(NUM_BETAS)
        parameters |= {"betas": ten_betas(betas, len(parameters["transl"]))}
    found = {name: _text(arrays, name) for name in ("coordinates", "up") if name in names}
    usual_fps, usual_up = None, "z"
    if is_bedlam_motion(names):
        usual_fps, usual_up = BEDLAM_FPS, "y"
    coordinates = request.settle("coordinates", found.get("coordinates"), request.coordinates) or "world"
    motion = MotionRecord(
        **parameters,
        fps=request.settle_fps(
            one_number(fps_name, arrays.read(fps_name)) if fps_name else None,
            usual_fps,
            f" (none of {', '.join(FPS_NAMES)})",
        ),
        coordinates=coordinates,
        up=request.settle("up", found.get("up"), request.up) or ("-y" if coordinates == "camera" else usual_up),
        gender=gender if smplx else "neutral",
        provenance=read_record(_text(arrays, "provenance")) if is_ours and "provenance" in names else None,
    )
    return [("", motion)]


def _check_format(path: Path, arrays: NpzFile) -> bool:
    """Say whether the file is one of ours; raises `MotionError` if it is of another version."""
    if "format_version" not in arrays.names or "format" not in arrays.names:
        return False
    version = one_number("format_version", arrays.read("format_version"))
    is_ours = _text(arrays, "format") == FORMAT
    if is_ours and version != FORMAT_VERSION:
        raise MotionError(f"{path} has format version {version:g}; this program reads version {FORMAT_VERSION}.")
    return is_ours


def _read_parameters(path: Path, arrays: NpzFile) -> tuple[dict[str, np.ndarray], bool]:
    """Give the parameters of an AMASS or SMPL-X file without its shape, and whether they are SMPL-X.

    Those of SMPL-H and SMPL are carried over to SMPL-X, the shape 0 included.
    """
    names = arrays.names
    if {"poses", "trans"} <= names:
        poses, trans = arrays.read("poses"), arrays.read("trans")
        if poses.ndim != 2 or poses.shape[1] not in POSE_COLUMNS:
            raise MotionError(
                f"{path}: poses has shape {poses.shape}; it must be (frames, 165) for SMPL-X, "
                "(frames, 156) for SMPL-H or (frames, 72) for SMPL."
            )
        check_numbers("poses", poses, ("frames", poses.shape[1]))
        check_numbers("trans", trans, (len(poses), 3))
        if not POSE_COLUMNS[poses.shape[1]]:
            return smpl_to_smplx(
                poses, trans, gender_name(_text(arrays, "gender")) if "gender" in names else ""
            ), False
        # Copies, so that hands and face are let go.
        return {"global_orient": poses[:, :3].copy(), "body_pose": poses[:, 3:66].copy(), "transl": trans}, True
    for pose, root, transl in (("pose_body", "root_orient", "trans"), ("body_pose", "global_orient", "transl")):
        if {pose, root, transl} <= names:
            parameters = {
                "body_pose": arrays.read(pose),
                "global_orient": arrays.read(root),
                "transl": arrays.read(transl),
            }
            return parameters, True
    raise MotionError(
        f"{path} holds no motion: found {listed(names) or 'no arrays'}; it must hold poses and trans, or "
        "pose_body, root_orient and trans, or body_pose, global_orient and transl."
    )


def _text(arrays: NpzFile, name: str) -> str:
    array = arrays.read(name)
    short = array.size == 1 and array.dtype.kind in "US" and array.nbytes <= MAX_TEXT_BYTES
    value = array.item() if short else None
    if not value:
        raise MotionError(f"{name} has shape {array.shape} of {array.dtype}; it must be one text that is not empty.")
    return value.decode(errors="replace") if isinstance(value, bytes) else value
