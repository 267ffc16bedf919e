# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""3DPW's `sequenceFiles/*.pkl`: SMPL motion of one or two people, in a world frame, with a moving camera.

Lists with an entry a person: `poses` (F, 72), `trans` (F, 3), `genders` ('m' or 'f'), `campose_valid` (F,);
`cam_poses` (F, 4, 4) carries the world into the camera. Pickles of Python 2, 30 fps. In the camera frame only those
frames count whose camera was found: each part without a gap becomes a motion of its own.
"""

from typing import Any

import numpy as np

from unimo_hf.motion.errors import MotionError
from unimo_hf.motion.parameters import (
    NUM_SMPL_CHANNELS,
    REAL,
    check_numbers,
    gender_name,
    part_name,
    runs_without_gaps,
    smpl_rest_pelvis,
    smpl_to_smplx,
)
from unimo_hf.motion.pickles import as_array
from unimo_hf.motion.record import MotionRecord
from unimo_hf.motion.reference_frames import change_frame
from unimo_hf.motion.request import Request

FPS = 30.0
LISTS = ("poses", "trans", "genders")


def is_3dpw(content: Any) -> bool:
    """Say whether the content of a pickle is of this form."""
    return isinstance(content, dict) and {*LISTS, "cam_poses"} <= content.keys()


def read_3dpw(request: Request, content: dict) -> list[tuple[str, MotionRecord]]:
    """Give (person, motion) pairs; raises `MotionError` where the file is wrong."""
    # The file does not write down which axis of its world points up: y does, by custom.
    coordinates, up = request.settle_frame({"camera": "-y", "world": "y"}, up_is_known=request.coordinates != "world")
    fps = request.settle_fps(None, FPS)
    for name in LISTS:
        if not isinstance(content[name], list) or len(content[name]) != len(content["poses"]):
            raise MotionError(f"{name} is no list with an entry a person, as poses is.")
    motions = []
    for person, gender in enumerate(map(gender_name, content["genders"])):
        poses = as_array("poses", content["poses"][person])
        trans = as_array("trans", content["trans"][person])
        check_numbers("poses", poses, ("frames", NUM_SMPL_CHANNELS))
        check_numbers("trans", trans, (len(poses), 3))
        frames = np.arange(len(poses))
        if coordinates == "camera":
            frames = np.flatnonzero(_valid(content, person, len(poses)))
            if not len(frames):
                continue
            poses, trans = _seen(content, poses, trans, frames, gender)
        parameters = smpl_to_smplx(poses, trans, gender)
        parts = runs_without_gaps(frames)
        for part in parts:
            motion = MotionRecord(
                **{key: parameters[key][part] for key in MotionRecord.PARAMETERS},
                betas=parameters["betas"],
                fps=fps,
                coordinates=coordinates,
                up=up,
            )
            motions.append((part_name(str(person), part, len(parts), frames), motion))
    if not motions:
        raise MotionError("it has no frame whose camera is known; read the motion in the world frame.")
    return motions


def _valid(content: dict, person: int, frames: int) -> np.ndarray:
    """Say for each frame whether its camera was found."""
    if "campose_valid" not in content:
        return np.ones(frames, dtype=bool)
    valid = content["campose_valid"]
    valid = as_array("campose_valid", valid[person] if isinstance(valid, list) and person < len(valid) else valid)
    if valid.shape != (frames,) or valid.dtype.kind not in REAL + "b" or not np.isin(valid, (0, 1)).all():
        raise MotionError(f"campose_valid has shape {valid.shape} of {valid.dtype}; it must be ({frames},) of 0 or 1.")
    return valid.astype(bool)


def _seen(
    content: dict, poses: np.ndarray, trans: np.ndarray, frames: np.ndarray, gender: str
) -> tuple[np.ndarray, np.ndarray]:
    """Carry the root of an SMPL body into the camera frame, at those frames whose camera was found."""
    cameras = as_array("cam_poses", content["cam_poses"])
    check_numbers("cam_poses", cameras, (len(poses), 4, 4))
    poses, trans, cameras = poses[frames], trans[frames], cameras[frames]
    root, trans = change_frame(poses[:, :3], trans, cameras[:, :3, :3], cameras[:, :3, 3], smpl_rest_pelvis(gender))
    return np.concatenate((root, poses[:, 3:]), axis=1), trans
