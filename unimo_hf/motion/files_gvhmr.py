# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""GVHMR's `hmr4d_results.pt`: motion in the camera frame and in a world with y up."""

import os
import pickle
import zipfile
from pathlib import Path

import numpy as np

from .errors import MotionError
from .motion import Motion
from .npz import MAX_BYTES

# GVHMR writes its input again at a nominal 30 fps without resampling: the true rate is the source video's.
NOMINAL_FPS = 30.0
KEYS = {"camera": "smpl_params_incam", "world": "smpl_params_global"}


def read_gvhmr(
    path: str | os.PathLike, fps: float | None = None, coordinates: str | None = None, up: str | None = None
) -> Motion:
    """Read a motion; see [`Motion.load`]."""
    coordinates = coordinates or "camera"
    if coordinates not in KEYS:
        raise MotionError(f"coordinates is {coordinates!r}; it must be one of {', '.join(KEYS)}.")
    true_up = {"camera": "-y", "world": "y"}[coordinates]
    if up not in (None, true_up):
        raise MotionError(f"up is {up!r}; in GVHMR's {coordinates} frame it is {true_up!r}.")
    path = Path(path)
    parameters = _parameters(path, KEYS[coordinates])
    betas = parameters.pop("betas")
    if betas.ndim == 2 and len(betas):
        betas = betas.mean(axis=0, dtype=np.float64)
    return Motion(
        **parameters, betas=betas, fps=NOMINAL_FPS if fps is None else fps, coordinates=coordinates, up=true_up
    )


def _parameters(path: Path, key: str) -> dict[str, np.ndarray]:
    import torch

    try:
        results = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise MotionError(f"{path} is not a PyTorch file of tensors, or it is damaged: {reason}") from error
    names = ("body_pose", "global_orient", "transl", "betas")
    group = results.get(key) if isinstance(results, dict) else None
    if not isinstance(group, dict) or any(not isinstance(group.get(name), torch.Tensor) for name in names):
        found = ", ".join(map(str, results)) if isinstance(results, dict) else type(results).__name__
        raise MotionError(
            f"{path} is no GVHMR result: found {found}; it must hold {key} with tensors {', '.join(names)}."
        )
    # A tensor with stride 0 may be far larger than the file: look before it is copied.
    size = sum(group[name].numel() * group[name].element_size() for name in names)
    if size > MAX_BYTES:
        raise MotionError(f"{path}: {key} takes {size} bytes; at most {MAX_BYTES} are allowed.")
    return {name: group[name].float().numpy() for name in names}
