# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""GVHMR's `hmr4d_results.pt`: motion in the camera frame and in a world with y up."""

import zipfile
from pathlib import Path
from typing import Any

from unimo_hf.motion.errors import MotionError
from unimo_hf.motion.npz import MAX_BYTES
from unimo_hf.motion.parameters import check_parameters, ten_betas
from unimo_hf.motion.record import MotionRecord
from unimo_hf.motion.request import Request

# GVHMR writes its input again at a nominal 30 fps without resampling: the true rate is the source video's.
NOMINAL_FPS = 30.0
# How often the numbers of a file may stand in its tensors: one shape may be repeated for all frames.
MAX_REPEATS = 16
KEYS = {"camera": "smpl_params_incam", "world": "smpl_params_global"}


def read_gvhmr(request: Request) -> list[tuple[str, MotionRecord]]:
    """Give the motion, with an empty name; see [`Motion.load`]."""
    coordinates, up = request.settle_frame({"camera": "-y", "world": "y"})
    parameters = _parameters(request.path, KEYS[coordinates])
    check_parameters(parameters)
    betas = ten_betas(parameters.pop("betas"), len(parameters["transl"]))
    fps = request.settle_fps(None, NOMINAL_FPS)
    return [("", MotionRecord(**parameters, betas=betas, fps=fps, coordinates=coordinates, up=up))]


def _parameters(path: Path, key: str) -> dict[str, Any]:
    import torch

    size = path.stat().st_size
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(info.file_size for info in archive.infolist())
        if unpacked > size:  # PyTorch packs nothing
            raise ValueError(f"it claims {unpacked} bytes in {size}")
        results = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # bytes from a stranger make PyTorch's reader raise nearly anything
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise MotionError(f"{path} is not a PyTorch file of tensors, or it is damaged: {reason}") from error
    names = ("body_pose", "global_orient", "transl", "betas")
    group = results.get(key) if isinstance(results, dict) else None
    if not isinstance(group, dict) or any(not _is_plain(group.get(name)) for name in names):
        found = ", ".join(map(str, results)) if isinstance(results, dict) else type(results).__name__
        raise MotionError(
            f"{path} is no GVHMR result: found {found}; it must hold {key} with tensors {', '.join(names)}."
        )
    # A tensor that repeats itself (stride 0) may be far larger than the file: look before it is copied.
    taken = sum(group[name].numel() * group[name].element_size() for name in names)
    allowed = min(MAX_REPEATS * size, MAX_BYTES)
    if taken > allowed:
        raise MotionError(f"{path}: {key} takes {taken} bytes; at most {allowed} are allowed for this file.")
    return {name: group[name].detach().float().numpy() for name in names}


def _is_plain(value: Any) -> bool:
    """Say whether a value is a tensor of real numbers that are all there: not sparse, not quantised, not empty."""
    import torch

    return (
        isinstance(value, torch.Tensor)
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and not (value.is_quantized or value.is_complex())
    )
