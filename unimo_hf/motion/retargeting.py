# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""From another skeleton to the 22 body joints of SMPL-X: which joint is which, and what its zero pose means.

Rotations mean something only together with the pose that they start from. A skeleton with the joints and the zero
pose of SMPL-X has its rotations taken as they are. Of any other one the directions of the limbs in the world are
kept: a constant turn for each joint makes up for the zero pose.
"""

import re
from dataclasses import dataclass

import numpy as np

from .body import BODY_PARENTS, NUM_BODY_JOINTS
from .errors import MotionError

JOINT_NAMES = (
    *("pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle", "right_ankle"),
    *("spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head", "left_shoulder"),
    *("right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist"),
)
# What programs call the joints of one side; the first that a skeleton has counts.
SIDE_NAMES = {
    "hip": ("hip", "upleg", "thigh", "upperleg", "femur"),
    "knee": ("knee", "leg", "lowleg", "lowerleg", "shin", "calf", "tibia"),
    "ankle": ("ankle", "foot"),
    "foot": ("toebase", "toe", "toes", "ball"),
    "collar": ("collar", "clavicle", "shoulder"),
    "shoulder": ("arm", "uparm", "upperarm", "shldr", "humerus"),
    "elbow": ("elbow", "forearm", "lowarm", "lowerarm", "radius"),
    "wrist": ("wrist", "hand"),
}
ROOT_NAMES = ("pelvis", "hips", "hip", "root")
NEEDED = (
    "head",
    *(f"{side}_{joint}" for side in ("left", "right") for joint in ("hip", "knee", "ankle", "shoulder", "elbow")),
)
# Joints whose limb keeps its direction, and the joint at the other end of it.
LIMBS = {1: 4, 2: 5, 4: 7, 5: 8, 7: 10, 8: 11, 16: 18, 17: 19, 18: 20, 19: 21}
# The joint that one turns with when its own limb is not known.
LEADERS = {4: 1, 5: 2, 7: 4, 8: 5, 10: 7, 11: 8, 18: 16, 19: 17, 20: 18, 21: 19}
SPINE = (3, 6, 9)
# Degrees between limbs up to which two zero poses are the same, and up to which a zero pose stands upright.
SAME_POSE, UPRIGHT = 20.0, 45.0
AXES = {"x": np.eye(3)[0], "y": np.eye(3)[1], "z": np.eye(3)[2]}


@dataclass(frozen=True)
class Match:
    """A skeleton seen as the body of SMPL-X.

    Args:
        joints (`dict[int, int]`): Joint of the skeleton for each SMPL-X body joint that it has.
        turns (`np.ndarray` of shape `(22, 3, 3)`): What stands between the two zero poses, at each SMPL-X joint.
        up (`str`): The axis that points up in the zero pose: `"y"`, `"-y"` or `"z"`.
        same_pose (`bool`): Whether joints and zero pose are those of SMPL-X.
    """

    joints: dict[int, int]
    turns: np.ndarray
    up: str
    same_pose: bool

    def local_rotations(self, rotations: np.ndarray) -> np.ndarray:
        """Carry rotations in the world `(T, J, 3, 3)` over to those of SMPL-X from the parent `(T, 22, 3, 3)`."""
        world = np.empty((len(rotations), NUM_BODY_JOINTS, 3, 3))
        for joint, parent in enumerate(BODY_PARENTS):
            if joint in self.joints:
                world[:, joint] = rotations[:, self.joints[joint]] @ self.turns[joint]
            else:
                world[:, joint] = world[:, parent]
        local = world.copy()
        local[:, 1:] = world[:, BODY_PARENTS[1:]].swapaxes(-1, -2) @ world[:, 1:]
        return local


def match_skeleton(names: list[str], parents: list[int], places: np.ndarray, smplx_rest: np.ndarray) -> Match:
    """Find the SMPL-X body joints in a skeleton.

    Args:
        names (`list[str]`): Joints, parents before children.
        parents (`list[int]`): Parent of each joint; the root has -1.
        places (`np.ndarray` of shape `(J, 3)`): Joints in the zero pose, any unit.
        smplx_rest (`np.ndarray` of shape `(22, 3)`): Those of the SMPL-X body.

    Raises:
        MotionError: If joints are missing, or the zero pose is not a person standing upright along an axis.
    """
    joints = _find_joints(names, parents)
    axes, up = _axes(places, joints)
    turns = np.broadcast_to(axes, (NUM_BODY_JOINTS, 3, 3)).copy()
    limbs = {}
    for joint, end in LIMBS.items():
        if joint in joints and end in joints:
            limb = places[joints[end]] - places[joints[joint]]
            if limb.any():
                limbs[joint] = limb
    angles = []
    for joint, source in limbs.items():
        target = axes @ (smplx_rest[LIMBS[joint]] - smplx_rest[joint])
        turns[joint] = _shortest_turn(target, source) @ axes
        angles.append(_angle(target, source))
        if joint in (1, 2, 4, 5) and _angle(source, -axes[:, 1]) > UPRIGHT:
            raise MotionError(
                f"its zero pose has {names[joints[joint]]!r} {_angle(source, -axes[:, 1]):.0f} degrees off downwards; "
                "a zero pose that is a standing person is needed."
            )
    if not limbs:
        raise MotionError("its limbs have no length in the zero pose.")
    same_pose = len(joints) == NUM_BODY_JOINTS and max(angles) < SAME_POSE and _has_smpl_names(names, joints)
    if same_pose:
        turns[:] = axes
    else:
        for joint, leader in LEADERS.items():
            if joint not in limbs:
                turns[joint] = turns[leader]
    return Match(joints, turns, up, same_pose)


def _find_joints(names: list[str], parents: list[int]) -> dict[int, int]:
    plain = {_plain(name): index for index, name in reversed(list(enumerate(names)))}
    found = {"head": plain["head"]} if "head" in plain else {}
    found["pelvis"] = next((plain[name] for name in ROOT_NAMES if name in plain), 0)
    for side in ("left", "right"):
        found |= _side_joints(plain, side)
    missing = [name for name in NEEDED if name not in found]
    if missing:
        raise MotionError(
            f"it has no joints for {', '.join(missing)} among {', '.join(names[:40])}; joints are known by the names "
            "of SMPL, CMU and Mixamo."
        )
    joints = {JOINT_NAMES.index(name): index for name, index in found.items()}
    trunk = [joint for joint in _ancestors(parents, found["head"]) if joint > found["pelvis"]]
    chest = set(_ancestors(parents, found["left_shoulder"])) & set(_ancestors(parents, found["right_shoulder"]))
    neck = [joint for joint in trunk if joint not in chest]
    spine = [joint for joint in reversed(trunk) if joint in chest]
    if neck:
        joints[12] = neck[-1]
    if len(spine) >= len(SPINE):
        joints |= {target: spine[i * (len(spine) - 1) // 2] for i, target in enumerate(SPINE)}
    else:
        joints |= dict(zip((SPINE[0], SPINE[-1]), spine, strict=False))
    return joints


def _side_joints(plain: dict[str, int], side: str) -> dict[str, int]:
    """Find the joints of one side; SMPL's `foot` is past the ankle, its `shoulder` past the collar."""

    def first(*names: str) -> int | None:
        found = [plain[start + name] for name in names for start in (side, side[0]) if start + name in plain]
        return found[0] if found else None

    found = {joint: first(*names) for joint, names in SIDE_NAMES.items()}
    if first("ankle") is not None and found["foot"] is None:
        found["foot"] = first("foot")
    if first("collar", "clavicle") is not None and found["shoulder"] is None:
        found["shoulder"] = first("shoulder")
    return {f"{side}_{joint}": index for joint, index in found.items() if index is not None}


def _plain(name: str) -> str:
    """`mixamorig:LeftUpLeg` and `Left_up_leg` to `leftupleg`."""
    return re.sub(r"[^a-z0-9]", "", name.split(":")[-1].lower().removeprefix("mixamorig"))


def _has_smpl_names(names: list[str], joints: dict[int, int]) -> bool:
    return all(_plain(names[index]) == JOINT_NAMES[joint].replace("_", "") for joint, index in joints.items())


def _ancestors(parents: list[int], joint: int) -> list[int]:
    """The joints above one, the nearest first."""
    found = []
    while (joint := parents[joint]) >= 0:
        found.append(joint)
    return found


def _axes(places: np.ndarray, joints: dict[int, int]) -> tuple[np.ndarray, str]:
    """Give the axes left, up and forward of the zero pose as columns, and the name of the one up."""
    up_name, up = _nearest_axis(places[joints[15]] - places[joints[0]], "head")
    _, left = _nearest_axis(places[joints[1]] - places[joints[2]], "left hip")
    if up_name not in ("y", "-y", "z") or abs(up @ left) > 0:
        raise MotionError(f"its zero pose has the head in direction {up_name}; y, -y or z must point up.")
    return np.stack((left, up, np.cross(left, up)), axis=1), up_name


def _nearest_axis(direction: np.ndarray, what: str) -> tuple[str, np.ndarray]:
    axes = {sign + name: axis if not sign else -axis for name, axis in AXES.items() for sign in ("", "-")}
    name = max(axes, key=lambda name: axes[name] @ direction)
    if not direction.any() or _angle(axes[name], direction) > UPRIGHT:
        raise MotionError(
            f"its zero pose has the {what} in no direction along an axis: {direction.round(3).tolist()}."
        )
    return name, axes[name]


def _angle(first: np.ndarray, second: np.ndarray) -> float:
    lengths = np.linalg.norm(first) * np.linalg.norm(second)
    return float(np.degrees(np.arccos(np.clip(first @ second / max(lengths, 1e-12), -1, 1))))


def _shortest_turn(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Give the rotation by the smallest angle that carries one direction into another."""
    before, after = before / np.linalg.norm(before), after / np.linalg.norm(after)
    axis, cosine = np.cross(before, after), before @ after
    if cosine < -1 + 1e-9:
        raise MotionError("a limb of its zero pose points the opposite way.")
    x, y, z = axis
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + skew + skew @ skew / (1 + cosine)
