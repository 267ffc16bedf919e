# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Motion as BVH.

We write the 22 body joints under their SMPL-X names, the zero pose that of the body (its T-pose), y up, in
centimetres or metres; the position of the root is that of the pelvis in the world. We read skeletons that have the
body joints under a name that is known (`retargeting.py`). A BVH file has no shape: `betas` are 0. Nor has it a place
for a comment that every program passes over: the provenance stands in a file beside it.
"""

import os
from pathlib import Path

import numpy as np
import roma
import torch

from unimo_hf.atomic import replace_when_done
from unimo_hf.motion.body import BODY_PARENTS, NUM_BODY_JOINTS, Body
from unimo_hf.motion.errors import MotionError
from unimo_hf.motion.provenance_record import read_record_beside, write_record_beside
from unimo_hf.motion.record import NUM_BETAS, MotionRecord
from unimo_hf.motion.request import Request
from unimo_hf.motion.retargeting import JOINT_NAMES, Match, match_skeleton

from .bvh_text import WRITTEN_ROTATION, Bvh, read_bvh_text, write_bvh_text

METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001}
WRITTEN_UNITS = ("cm", "m")
# Length of the leg of a grown person, metres: tells the unit of a file.
LEG = (0.6, 1.2)
FRAMES_AT_A_TIME = 4096


def save_bvh(motion: MotionRecord, path: str | os.PathLike, fps: float | None, unit: str, body: Body | None) -> None:
    """Write a motion; see [`Motion.save`]."""
    if unit not in WRITTEN_UNITS:
        raise MotionError(f"unit is {unit!r}; it must be one of {', '.join(WRITTEN_UNITS)}.")
    body = body or Body.load()
    motion = motion.to_world_up("y", body)
    motion = motion if fps is None else motion.resample(fps)
    rest = _rest(body, torch.from_numpy(motion.betas)) / METRES[unit]
    offsets = rest - rest[list(BODY_PARENTS)]
    offsets[0] = 0
    axes = "".join(name[0] for name in WRITTEN_ROTATION)
    # The file names a joint, then all that hangs on it; its values stand in the same order.
    order = _depth_first(0)
    values = np.empty((len(motion), 3 + 3 * len(order)))
    values[:, :3] = motion.transl.astype(np.float64) / METRES[unit] + rest[0]
    for start in range(0, len(motion), FRAMES_AT_A_TIME):
        part = slice(start, start + FRAMES_AT_A_TIME)
        vectors = np.concatenate((motion.global_orient[part], motion.body_pose[part]), axis=1)
        values[part, 3:] = _euler_angles(axes, _matrices(vectors))[:, order].reshape(len(vectors), -1)
    bvh = Bvh(
        names=[JOINT_NAMES[joint] for joint in order],
        parents=[-1] + [order.index(BODY_PARENTS[joint]) for joint in order[1:]],
        offsets=offsets[order],
        channels=[("Xposition", "Yposition", "Zposition", *WRITTEN_ROTATION)] + [WRITTEN_ROTATION] * len(order[1:]),
        ends={place: offsets[joint] / 2 for place, joint in enumerate(order) if joint not in BODY_PARENTS},
        frame_time=1 / motion.fps,
        values=values,
    )
    with replace_when_done(path) as aside:
        write_bvh_text(aside, bvh)
        if motion.provenance is not None:  # first, so that the file never stands without it
            write_record_beside(Path(path), aside, motion.provenance)


def read_bvh(request: Request) -> list[tuple[str, MotionRecord]]:
    """Give the motion, with an empty name; raises `MotionError` where the file is wrong."""
    bvh = read_bvh_text(request.path)
    if not len(bvh.values):
        raise MotionError("it has 0 frames; at least 1 is needed.")
    rest = _rest(Body.load(), torch.zeros(NUM_BETAS))
    places = _places(bvh)
    match = match_skeleton(bvh.names, bvh.parents, places, rest)
    metres = _metres(places, match, rest)
    vectors = np.empty((len(bvh.values), NUM_BODY_JOINTS, 3), dtype=np.float32)
    pelvis = np.empty((len(bvh.values), 3))
    for start in range(0, len(bvh.values), FRAMES_AT_A_TIME):
        part = slice(start, start + FRAMES_AT_A_TIME)
        rotations, positions = _pose(bvh, part)
        local = match.local_rotations(rotations)
        vectors[part], pelvis[part] = _axis_angles(local), _pelvis(positions * metres, match, local[:, 0], rest)
    coordinates, up = request.settle_frame({"world": match.up})
    motion = MotionRecord(
        global_orient=vectors[:, 0],
        body_pose=vectors[:, 1:].reshape(len(vectors), -1),
        transl=pelvis - rest[0],
        betas=np.zeros(NUM_BETAS),
        fps=request.settle_fps(_fps(bvh.frame_time)),
        coordinates=coordinates,
        up=up,
        provenance=read_record_beside(request.path),
    )
    return [("", motion)]


def _depth_first(joint: int) -> list[int]:
    """A body joint and all that hang on it."""
    children = [child for child, parent in enumerate(BODY_PARENTS) if parent == joint]
    return [joint] + [below for child in children for below in _depth_first(child)]


def _fps(frame_time: float) -> float:
    """Give the rate that a rounded frame time means: 0.0333333 s is 30 fps."""
    fps = 1 / frame_time
    return round(fps, 2) if abs(round(fps, 2) - fps) < 2e-5 * fps else fps


def _rest(body: Body, betas: torch.Tensor) -> np.ndarray:
    """Body joints of a body at rest, `(22, 3)`, metres, y up."""
    return body.rest(betas)[:NUM_BODY_JOINTS].double().numpy()


def _places(bvh: Bvh) -> np.ndarray:
    """Joints in the zero pose, `(J, 3)`."""
    places = bvh.offsets.copy()
    for joint, parent in enumerate(bvh.parents):
        if parent >= 0:
            places[joint] += places[parent]
    return places


def _pose(bvh: Bvh, frames: slice) -> tuple[np.ndarray, np.ndarray]:
    """Rotations `(T, J, 3, 3)` and positions `(T, J, 3)` of the joints in the world, in the unit of the file."""
    count = len(bvh.values[frames])
    rotations, positions = np.empty((count, len(bvh.names), 3, 3)), np.empty((count, len(bvh.names), 3))
    for joint, parent in enumerate(bvh.parents):
        axes, angles = bvh.joint_values(joint, frames, "rotation")
        rotation = np.broadcast_to(np.eye(3), (count, 3, 3))
        if axes:
            rotation = roma.euler_to_rotmat(axes, torch.from_numpy(angles), degrees=True).numpy()
        # Where a joint has positions they stand in the place of its offset.
        place = np.tile(bvh.offsets[joint], (count, 1))
        axes, values = bvh.joint_values(joint, frames, "position")
        place[:, ["XYZ".index(axis) for axis in axes]] = values
        if parent >= 0:
            rotation = rotations[:, parent] @ rotation
            place = positions[:, parent] + np.einsum("tij,tj->ti", rotations[:, parent], place)
        rotations[:, joint], positions[:, joint] = rotation, place
    return rotations, positions


def _metres(places: np.ndarray, match: Match, rest: np.ndarray) -> float:
    """Metres that a length of 1 in the file is.

    It is in metres, centimetres or millimetres if a grown person's leg is so long; else the leg is that of SMPL-X.
    """

    def leg(joints: np.ndarray) -> float:
        hips, knees, ankles = (joints[list(pair)].mean(axis=0) for pair in ((1, 2), (4, 5), (7, 8)))
        return float(np.linalg.norm(hips - knees) + np.linalg.norm(knees - ankles))

    body = np.zeros_like(rest)
    body[list(match.joints)] = places[list(match.joints.values())]
    length = leg(body)
    if not length > 0:
        raise MotionError("its legs have no length.")
    return next((unit for unit in METRES.values() if LEG[0] <= length * unit <= LEG[1]), leg(rest) / length)


def _pelvis(positions: np.ndarray, match: Match, orient: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Position of the SMPL-X pelvis, `(T, 3)`, from the joints in metres and its rotations.

    The middle of the hips of another skeleton becomes that of SMPL-X, since programs put the root at many heights.
    """
    if match.same_pose:
        return positions[:, match.joints[0]]
    hips = positions[:, [match.joints[1], match.joints[2]]].mean(axis=1)
    return hips - np.einsum("tij,j->ti", orient, rest[[1, 2]].mean(axis=0) - rest[0])


def _matrices(axis_angles: np.ndarray) -> np.ndarray:
    vectors = torch.from_numpy(axis_angles.astype(np.float64)).unflatten(1, (-1, 3))
    return roma.rotvec_to_rotmat(vectors).numpy()


def _axis_angles(matrices: np.ndarray) -> np.ndarray:
    return roma.rotmat_to_rotvec(torch.from_numpy(matrices)).numpy()


def _euler_angles(axes: str, matrices: np.ndarray) -> np.ndarray:
    return roma.rotmat_to_euler(axes, torch.from_numpy(matrices), degrees=True).numpy()
