# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""BEDLAM: the labels of a scene (`.npz`, one row for each picture and person) and its motions (`motion_seq.npz`).

Labels: `imgname`, `sub`, `pose_cam` and `pose_world` (M, 165), `trans_cam` and `trans_world` (M, 3), `cam_ext`
(M, 4, 4), `shape` (M, 10 or 11). Rows are no sequence: they are put in order by the number of the picture, for each
folder and person. Pictures are numbered at 30 fps; labels at 6 fps have every fifth. In the camera frame
`cam_ext[:3, 3]` is added to `trans_cam`. The shape is that of the neutral body, whatever `gender` says. Pictures of
"closeup" scenes are stored lying on their side; the labels are those of the upright picture.
"""

import re
from collections import defaultdict
from pathlib import PurePosixPath

import numpy as np

from unimo_hf.motion.errors import MotionError
from unimo_hf.motion.npz import NpzFile
from unimo_hf.motion.parameters import check_numbers, part_name, runs_without_gaps, ten_betas
from unimo_hf.motion.record import MotionRecord
from unimo_hf.motion.request import Request

FPS = 30.0
LABEL_NAMES = frozenset({"imgname", "sub", "pose_cam", "trans_cam", "cam_ext", "shape"})
SMPLX_COLUMNS = 165


def is_bedlam_labels(names: frozenset[str]) -> bool:
    """Say whether arrays of these names are labels of a scene."""
    return names >= LABEL_NAMES


def is_bedlam_motion(names: frozenset[str]) -> bool:
    """Say whether arrays of these names are a motion of BEDLAM, which is 30 fps and y up without saying so."""
    return {"poses", "trans", "gender_sub"} <= names


def read_bedlam_labels(request: Request, arrays: NpzFile) -> list[tuple[str, MotionRecord]]:
    """Give (sequence and person, motion) pairs; raises `MotionError` where the file is wrong."""
    # The world of the labels turns with the heading of the camera: it is at rest where the camera is.
    coordinates, up = request.settle_frame({"camera": "-y", "world": "-y"})
    poses, transl = _root(arrays, coordinates)
    shape, people = arrays.read("shape"), arrays.read("sub")
    check_numbers("shape", shape, (len(poses), "coefficients"))
    rows = _rows(arrays.read("imgname"), people, len(poses))
    steps = [int(np.diff(numbers).min()) for numbers, _ in rows.values() if len(numbers) > 1]
    step = min(steps, default=1)
    if step < 1:
        raise MotionError("a person has two rows for one picture.")
    fps = request.settle_fps(FPS / step if steps else None, FPS)
    motions = []
    for name, (numbers, order) in rows.items():
        parts = runs_without_gaps(numbers, step)
        for part in parts:
            chosen = order[part]
            motion = MotionRecord(
                global_orient=poses[chosen, :3],
                body_pose=poses[chosen, 3:66],
                transl=transl[chosen],
                betas=ten_betas(shape[chosen], len(chosen)),
                fps=fps,
                coordinates=coordinates,
                up=up,
            )
            motions.append((part_name(name, part, len(parts), numbers), motion))
    return motions


def _root(arrays: NpzFile, coordinates: str) -> tuple[np.ndarray, np.ndarray]:
    """Give poses `(M, 165)` and positions `(M, 3)` in a frame of reference."""
    short = {"camera": "cam", "world": "world"}[coordinates]
    poses, transl = arrays.read(f"pose_{short}"), arrays.read(f"trans_{short}")
    check_numbers(f"pose_{short}", poses, ("rows", SMPLX_COLUMNS))
    check_numbers(f"trans_{short}", transl, (len(poses), 3))
    if coordinates == "camera":
        cameras = arrays.read("cam_ext")
        check_numbers("cam_ext", cameras, (len(poses), 4, 4))
        transl = transl + cameras[:, :3, 3]
    return poses, transl


def _rows(pictures: np.ndarray, people: np.ndarray, rows: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Give for each sequence and person the numbers of the pictures, rising, and the rows that belong to them."""
    if pictures.shape != (rows,) or people.shape != (rows,) or not rows:
        raise MotionError(
            f"imgname {pictures.shape} and sub {people.shape} must have an entry for each of {rows} poses."
        )
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for row, (picture, person) in enumerate(zip(pictures.tolist(), people.tolist(), strict=True)):
        path = PurePosixPath(str(picture))
        number = re.search(r"(\d+)$", path.stem)
        if number is None:
            raise MotionError(f"imgname {str(picture)!r} has no number at its end.")
        found["_".join((*path.parent.parts, str(person)))].append((int(number[1]), row))
    return {name: tuple(np.array(sorted(pairs)).T) for name, pairs in sorted(found.items())}
