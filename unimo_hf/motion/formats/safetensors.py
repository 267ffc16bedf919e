# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Our own interchange format (`.safetensors`): the parameters as they are, and what they mean in the header.

`body_pose` (T, 63), `global_orient` (T, 3), `transl` (T, 3), `betas` (10), float32; strings `fps`, `coordinates`,
`up`, `model` (smplx), `gender`, `rotation` (axis_angle), `format`, `format_version`; and `provenance` (JSON) if there
is one.
"""

import os
from pathlib import Path

from unimo_hf.atomic import replace_when_done
from unimo_hf.motion.errors import MotionError
from unimo_hf.motion.npz import MAX_BYTES
from unimo_hf.motion.provenance_record import read_record
from unimo_hf.motion.record import MotionRecord
from unimo_hf.motion.request import Request

FIXED = {"format": "unimo_hf.motion", "format_version": "1", "model": "smplx", "rotation": "axis_angle"}
SAID = ("fps", "coordinates", "up", "gender")
# Ours take about 800 bytes.
MAX_HEADER = 1_000_000
ARRAYS = (*MotionRecord.PARAMETERS, "betas")


def save_safetensors(motion: MotionRecord, path: str | os.PathLike, fps: float | None = None) -> None:
    """Write a motion; see [`Motion.save`]."""
    from safetensors.numpy import save_file

    written = motion if fps is None else motion.resample(fps)
    header = FIXED | {name: str(getattr(written, name)) for name in SAID}
    if written.provenance is not None:
        header["provenance"] = written.provenance.to_json()
    with replace_when_done(path) as aside:
        save_file({name: getattr(written, name) for name in ARRAYS}, aside, metadata=header)


def read_safetensors(request: Request) -> list[tuple[str, MotionRecord]]:
    """Give the motion, with an empty name; raises `MotionError` where the file is wrong."""
    from safetensors import SafetensorError, safe_open

    size = Path(request.path).stat().st_size
    if size > MAX_BYTES:
        raise MotionError(f"it has {size} bytes; at most {MAX_BYTES} are allowed.")
    with open(request.path, "rb") as start:
        header_bytes = int.from_bytes(start.read(8), "little")
    if header_bytes > MAX_HEADER:
        raise MotionError(
            f"{request.path} ({size} bytes) is not a safetensors file, or it is damaged: its header has "
            f"{header_bytes} bytes; at most {MAX_HEADER} are allowed."
        )
    try:
        with safe_open(request.path, framework="pt") as file:  # NumPy has no bfloat16
            header = file.metadata() or {}
            _check_header(header, set(file.keys()))
            arrays = {name: file.get_tensor(name) for name in ARRAYS}
    except SafetensorError as error:
        raise MotionError(
            f"{request.path} ({size} bytes) is not a safetensors file, or it is damaged: {error}"
        ) from error
    return [
        (
            "",
            MotionRecord(
                **arrays,
                fps=request.settle_fps(header["fps"]),
                coordinates=request.settle("coordinates", header["coordinates"], request.coordinates),
                up=request.settle("up", header["up"], request.up),
                gender=header["gender"],
                provenance=read_record(header["provenance"]) if "provenance" in header else None,
            ),
        )
    ]


def _check_header(header: dict[str, str], tensors: set[str]) -> None:
    missing = [name for name in ARRAYS if name not in tensors] + [
        name for name in (*FIXED, *SAID) if not header.get(name)
    ]
    if missing:
        raise MotionError(f"it holds no motion: it lacks {', '.join(missing)}.")
    for name, value in FIXED.items():
        if header[name] != value:
            raise MotionError(f"its {name} is {header[name]!r}; this program reads {value!r}.")
