# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What several readers do with parameters: SMPL to SMPL-X, shapes to ten coefficients, gaps between frames."""

import itertools
from typing import Any

import numpy as np

from .errors import MotionError
from .record import NUM_BETAS, MotionRecord

# Rest position of the pelvis of SMPL and SMPL-H, metres, for betas 0; it moves with the shape by a few centimetres.
SMPL_REST_PELVIS = {
    "male": np.array([-0.0022, -0.2408, 0.0286]),
    "female": np.array([-0.0009, -0.2114, 0.0278]),
    "neutral": np.array([-0.0018, -0.2233, 0.0282]),
}
GENDERS = {"m": "male", "f": "female", "n": "neutral"}
NUM_SMPL_CHANNELS = 72
# Kinds of NumPy types that are real numbers: not complex, not text, not dates.
REAL = "fiu"


def smpl_to_smplx(poses: np.ndarray, trans: np.ndarray, gender: str) -> dict[str, Any]:
    """Carry the motion of an SMPL or SMPL-H body over to SMPL-X.

    The rotations of the 21 body joints are taken as they are, which is approximately right. The shape is dropped,
    since its coefficients mean something else: `betas` are 0. The two bodies have their pelvis at another place at
    rest: `transl` is corrected, so that the pelvis stays where it was.

    Args:
        poses (`np.ndarray` of shape `(T, 72)` or more columns):
            Axis-angle, radians, pelvis first; checked by [`check_numbers`], as `trans`.
        trans (`np.ndarray` of shape `(T, 3)`): Metres.
        gender (`str`): Of the body; one that is not known counts as neutral.

    Returns:
        `dict`: `global_orient`, `body_pose`, `transl` and `betas`.
    """
    shift = smpl_rest_pelvis(gender) - smplx_rest_pelvis()
    return {
        "global_orient": poses[:, :3],
        "body_pose": poses[:, 3:66],
        "transl": trans + shift,
        "betas": np.zeros(NUM_BETAS),
    }


def smpl_rest_pelvis(gender: str) -> np.ndarray:
    """Rest pelvis of the SMPL body of a gender, metres, for betas 0; one that is not known counts as neutral."""
    return SMPL_REST_PELVIS.get(gender, SMPL_REST_PELVIS["neutral"])


def smplx_rest_pelvis() -> np.ndarray:
    """Rest pelvis of the SMPL-X body in use, metres, for betas 0 (see [`Body.load`])."""
    from .body import Body

    return Body.load().rest_pelvis(np.zeros(NUM_BETAS)).double().numpy()


def ten_betas(betas: np.ndarray, frames: int) -> np.ndarray:
    """Give the first 10 shape coefficients of a motion of some frames, averaged over time, filled up with zeros.

    Raises:
        MotionError: If `betas` is not `(n,)`, `(1, n)` or `(frames, n)` real numbers.
    """
    rows = np.atleast_2d(betas)
    if betas.dtype.kind not in REAL or betas.ndim not in (1, 2) or not betas.size or len(rows) not in (1, frames):
        raise MotionError(
            f"betas has shape {betas.shape} of {betas.dtype}; it must be (n,), (1, n) or ({frames}, n) real numbers, "
            "one row for the motion or for each frame."
        )
    mean = rows[:, :NUM_BETAS].mean(axis=0, dtype=np.float64)
    return np.pad(mean, (0, NUM_BETAS - len(mean)))


def gender_name(value: Any) -> str:
    """Give `male`, `female`, `neutral` for what a file says (`b"male"`, `"b'male'"`, `"m"`); others as they are."""
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    text = text.removeprefix("b'").removesuffix("'").lower()
    return GENDERS.get(text, text)


def check_numbers(name: str, array: np.ndarray, shape: tuple[int | str, ...]) -> None:
    """Check an array of a file before anything is computed from it.

    Args:
        name (`str`): What the file calls it.
        array (`np.ndarray`): The array.
        shape (`tuple[int | str, ...]`): What it must be, such as `("frames", 72)`; a word stands for any length.

    Raises:
        MotionError: If it has another shape, or holds anything but real numbers.
    """
    fits = array.ndim == len(shape) and all(
        isinstance(length, str) or length == found for length, found in zip(shape, array.shape, strict=True)
    )
    if not fits or array.dtype.kind not in REAL:
        allowed = str(shape).replace("'", "")
        raise MotionError(f"{name} has shape {array.shape} of {array.dtype}; it must be {allowed} real numbers.")


def check_parameters(parameters: dict[str, np.ndarray]) -> None:
    """Raise `MotionError` unless each parameter of SMPL-X is `(frames, channels)` real numbers."""
    for name, channels in MotionRecord.PARAMETERS.items():
        check_numbers(name, parameters[name], ("frames", channels))


def one_number(name: str, array: np.ndarray) -> float:
    """Give the number that an array of one element holds; raises `MotionError` where it holds anything else."""
    if array.size != 1 or array.dtype.kind not in REAL:
        raise MotionError(f"{name} is an array of shape {array.shape} of {array.dtype}; it must be one number.")
    return float(array.item())


def runs_without_gaps(frames: np.ndarray, step: int = 1) -> list[slice]:
    """Cut a sequence where frames are missing.

    Args:
        frames (`np.ndarray` of shape `(T,)`): Frame numbers, rising.
        step (`int`, *optional*, defaults to 1): What one frame is from the next.

    Returns:
        `list[slice]`: The parts without a gap, in order.

    Raises:
        MotionError: If the numbers are not whole or do not rise.
    """
    if frames.ndim != 1 or frames.dtype.kind not in "iu" or (np.diff(frames.astype(np.int64)) <= 0).any():
        raise MotionError(f"The frame numbers ({frames.dtype}, shape {frames.shape}) must be whole and rise.")
    cuts = np.flatnonzero(np.diff(frames.astype(np.int64)) != step) + 1
    edges = [0, *cuts.tolist(), len(frames)]
    return [slice(start, stop) for start, stop in itertools.pairwise(edges)]


def part_name(name: str, part: slice, parts: int, frames: np.ndarray) -> str:
    """Name a part of a sequence: that of the sequence if it is whole, else with its first frame."""
    return name if parts == 1 else f"{name}_frame{int(frames[part.start]):06d}"
