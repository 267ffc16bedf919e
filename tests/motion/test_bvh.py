# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What we write we read back, a public reader agrees, and skeletons of other programs keep their limbs' directions."""

import bvhio
import glm
import numpy as np
import pytest
import torch
from motion_files import degrees_between, matrices
from scipy.spatial.transform import Rotation

from unimo_hf.motion import Motion, MotionError, load_collection
from unimo_hf.motion.body import BODY_PARENTS, Body
from unimo_hf.motion.formats.bvh import FRAMES_AT_A_TIME
from unimo_hf.motion.retargeting import JOINT_NAMES


@pytest.fixture(scope="module")
def body():
    return Body.load()


@pytest.fixture(scope="module")
def walk(assets):
    return load_collection(assets / "motions" / "test")[3][1][:40:4]


def random_motion(frames=6, **changes):
    generator = np.random.default_rng(0)
    fields = {
        "body_pose": generator.normal(0, 0.8, (frames, 63)),
        "global_orient": generator.normal(0, 1.5, (frames, 3)),
        "transl": generator.normal(0, 2, (frames, 3)),
        "betas": np.zeros(10),
        "fps": 30,
        "coordinates": "world",
        "up": "y",
    }
    return Motion(**fields | changes)


class TestOwn:
    @pytest.mark.parametrize("unit", ["cm", "m"])
    @pytest.mark.parametrize("fps", [15, 23.98, 29.97, 30, 120])
    def test_what_we_write_we_read_back(self, tmp_path, unit, fps):
        motion = random_motion(fps=fps)
        motion.save(tmp_path / "a.bvh", unit=unit)
        back = Motion.load(tmp_path / "a.bvh")
        assert (back.fps, back.coordinates, back.up) == (pytest.approx(fps, rel=1e-9), "world", "y")
        assert degrees_between(back.body_pose, motion.body_pose) < 0.001
        assert degrees_between(back.global_orient, motion.global_orient) < 0.001
        np.testing.assert_allclose(back.transl, motion.transl, atol=2e-6)

    def test_more_frames_than_are_read_at_a_time(self, tmp_path):
        motion = random_motion(frames=FRAMES_AT_A_TIME + 3)
        motion.save(tmp_path / "a.bvh")
        back = Motion.load(tmp_path / "a.bvh")
        np.testing.assert_allclose(back.transl, motion.transl, atol=2e-6)
        assert degrees_between(back.body_pose[-9:], motion.body_pose[-9:]) < 0.001

    def test_turns_where_euler_angles_are_not_unique(self, tmp_path):
        quarter = np.pi / 2
        orient = [[quarter, 0, 0], [-quarter, 0, 0], [0, np.pi, 0], [quarter - 1e-6, 0, 0], [0, 0, np.pi], [0, 0, 0]]
        motion = random_motion(global_orient=np.array(orient))
        motion.save(tmp_path / "a.bvh")
        assert degrees_between(Motion.load(tmp_path / "a.bvh").global_orient, motion.global_orient) < 0.001

    def test_real_motion(self, tmp_path, walk, body):
        walk.save(tmp_path / "a.bvh")
        back = Motion.load(tmp_path / "a.bvh")
        np.testing.assert_allclose(back.joints(body), walk.joints(body), atol=1e-5)

    def test_the_shape_is_in_the_skeleton_and_the_pelvis_stays(self, tmp_path, body):
        motion = random_motion(betas=np.linspace(-1, 1, 10))
        motion.save(tmp_path / "a.bvh", unit="m")
        back = Motion.load(tmp_path / "a.bvh")
        assert not back.betas.any()
        np.testing.assert_allclose(back.joints(body)[:, 0], motion.joints(body)[:, 0], atol=1e-5)
        assert degrees_between(back.body_pose, motion.body_pose) < 0.001

    @pytest.mark.parametrize(("coordinates", "up"), [("camera", "-y"), ("world", "z"), ("world", "-y")])
    def test_y_is_up_in_the_file(self, tmp_path, body, coordinates, up):
        motion = random_motion(coordinates=coordinates, up=up)
        motion.save(tmp_path / "a.bvh")
        expected = motion.to_world_up("y", body)
        np.testing.assert_allclose(Motion.load(tmp_path / "a.bvh").joints(body), expected.joints(body), atol=1e-5)

    def test_a_rate_of_choice(self, tmp_path):
        random_motion(frames=5, fps=60).save(tmp_path / "a.bvh", fps=30)
        back = Motion.load(tmp_path / "a.bvh")
        assert (len(back), back.fps) == (3, 30)

    def test_other_units(self, tmp_path):
        with pytest.raises(MotionError, match="unit is 'inch'; it must be one of cm, m"):
            random_motion().save(tmp_path / "a.bvh", unit="inch")
        assert not list(tmp_path.iterdir())


class TestPublicReader:
    """bvhio reads the file by itself and poses the skeleton by itself."""

    @pytest.mark.parametrize(("unit", "metres"), [("cm", 0.01), ("m", 1.0)])
    def test_joints_stand_where_the_body_has_them(self, tmp_path, body, unit, metres):
        motion = random_motion(betas=np.linspace(-1, 1, 10))
        motion.save(tmp_path / "a.bvh", unit=unit)
        expected = motion.joints(body)
        root = bvhio.readAsHierarchy(str(tmp_path / "a.bvh"))
        for frame in range(len(motion)):
            found = {joint.Name: joint.PositionWorld for joint, _, _ in root.loadPose(frame).layout()}
            assert set(found) == set(JOINT_NAMES)
            for joint, name in enumerate(JOINT_NAMES):
                np.testing.assert_allclose(np.array(found[name]) * metres, expected[frame, joint], atol=2e-5)

    def test_rotations_and_rest(self, tmp_path, body):
        motion = random_motion()
        motion.save(tmp_path / "a.bvh", unit="m")
        found = bvhio.readAsBvh(str(tmp_path / "a.bvh"))
        assert found.FrameCount == len(motion)
        assert pytest.approx(1 / 30) == found.FrameTime
        expected = matrices(np.concatenate((motion.global_orient, motion.body_pose), axis=1))
        rest = body.rest(torch.zeros(10)).numpy()
        for joint, _, _ in found.Root.layout():
            index = JOINT_NAMES.index(joint.Name)
            if index:
                np.testing.assert_allclose(joint.Offset, rest[index] - rest[BODY_PARENTS[index]], atol=1e-6)
            for frame, key in enumerate(joint.Keyframes):
                np.testing.assert_allclose(quaternion_matrix(key.Rotation), expected[frame, index], atol=2e-6)


def quaternion_matrix(quaternion):
    w, x, y, z = quaternion.w, quaternion.x, quaternion.y, quaternion.z
    return [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]


MIXAMO = {
    **{"pelvis": "Hips", "spine1": "Spine", "spine2": "Spine1", "spine3": "Spine2", "neck": "Neck", "head": "Head"},
    **{
        f"{side}_{ours}": f"{side.capitalize()}{theirs}"
        for side in ("left", "right")
        for ours, theirs in {
            "hip": "UpLeg",
            "knee": "Leg",
            "ankle": "Foot",
            "foot": "ToeBase",
            "collar": "Shoulder",
            "shoulder": "Arm",
            "elbow": "ForeArm",
            "wrist": "Hand",
        }.items()
    },
}
IDENTITY = np.eye(3)
SWAP_YZ = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # y up to z up


def foreign_bvh(path, motion, body, names, scale, turn=IDENTITY, arm_turn=0.0):
    """Write the motion of our body on a skeleton of another program; returns its joints in the file's frame.

    The zero pose has the arms turned down by `arm_turn` degrees and all of it turned by `turn`; a joint that SMPL-X
    does not have stands between the pelvis and the left hip.
    """
    rest = body.rest(torch.zeros(10)).double().numpy()[:22]
    lowered = [np.eye(3)] * 22
    for joint in range(22):
        name = JOINT_NAMES[joint]
        if any(part in name for part in ("shoulder", "elbow", "wrist")):
            angle = np.radians(-arm_turn if "left" in name else arm_turn)
            cosine, sine = np.cos(angle), np.sin(angle)
            lowered[joint] = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
    local = matrices(np.concatenate((motion.global_orient, motion.body_pose), axis=1))
    world = np.empty_like(local)
    for joint, parent in enumerate(BODY_PARENTS):
        world[:, joint] = local[:, joint] if parent < 0 else world[:, parent] @ local[:, joint]
    # In the zero pose of the file a joint already is turned by `turn lowered`: the rest is its rotation.
    theirs = np.stack([turn @ world[:, joint] @ lowered[joint].T @ turn.T for joint in range(22)], axis=1)
    lines, values = ["HIERARCHY"], []

    def offset(joint):
        parent = BODY_PARENTS[joint]
        start = np.zeros(3) if parent < 0 else rest[joint] - rest[parent]
        return scale * turn @ (np.eye(3) if parent < 0 else lowered[parent]) @ start

    def euler(matrix):  # X Y Z: R = Rx Ry Rz
        y = np.arcsin(np.clip(matrix[:, 0, 2], -1, 1))
        x = np.arctan2(-matrix[:, 1, 2], matrix[:, 2, 2])
        z = np.arctan2(-matrix[:, 0, 1], matrix[:, 0, 0])
        return np.degrees(np.stack((x, y, z), axis=1))

    def write(joint, parent_rotation):
        name = names.get(JOINT_NAMES[joint], JOINT_NAMES[joint])
        place = " ".join(map(str, offset(joint)))
        if JOINT_NAMES[joint] == "left_hip":
            lines.extend(["JOINT LHipJoint", "{", "OFFSET 0 0 0", "CHANNELS 3 Xrotation Yrotation Zrotation"])
            values.append(np.zeros((len(motion), 3)))
        lines.extend([f"{'JOINT' if joint else 'ROOT'} {name}", "{", f"OFFSET {place if joint else '0 0 0'}"])
        rotation = "Xrotation Yrotation Zrotation"
        if joint:
            lines.append(f"CHANNELS 3 {rotation}")
        else:
            lines.append(f"CHANNELS 6 Xposition Yposition Zposition {rotation}")
            values.append(scale * (motion.transl + rest[0]) @ turn.T)
        values.append(euler(parent_rotation.swapaxes(-1, -2) @ theirs[:, joint]))
        children = [child for child, parent in enumerate(BODY_PARENTS) if parent == joint]
        for child in children:
            write(child, theirs[:, joint])
        if not children:
            lines.extend(["End Site", "{", "OFFSET 0 0 0", "}"])
        lines.extend(["}"] * (2 if JOINT_NAMES[joint] == "left_hip" else 1))

    write(0, np.broadcast_to(np.eye(3), (len(motion), 3, 3)))
    lines.extend(["MOTION", f"Frames: {len(motion)}", "Frame Time: 0.0333333"])
    lines.extend(" ".join(f"{value:.6f}" for value in row) for row in np.concatenate(values, axis=1))
    path.write_text("\n".join(lines) + "\n")
    return motion.joints(body)[:, :22] @ turn.T


class TestOtherSkeletons:
    @pytest.mark.parametrize(
        ("prefix", "arms", "turn", "up", "scale"),
        [
            ("", 0.0, IDENTITY, "y", 1.0),
            ("mixamorig:", 45.0, IDENTITY, "y", 100.0),
            ("", 80.0, SWAP_YZ, "z", 100.0),
            ("Character1:", 45.0, SWAP_YZ @ SWAP_YZ, "-y", 1000.0),
        ],
    )
    def test_joints_stay_where_they_were(self, tmp_path, walk, body, prefix, arms, turn, up, scale):
        names = {ours: prefix + theirs for ours, theirs in MIXAMO.items()}
        expected = foreign_bvh(tmp_path / "a.bvh", walk, body, names, scale, turn, arms)
        motion = Motion.load(tmp_path / "a.bvh")
        assert (motion.fps, motion.coordinates, motion.up, len(motion)) == (30, "world", up, len(walk))
        np.testing.assert_allclose(motion.joints(body)[:, :22], expected, atol=2e-4)

    def test_a_skeleton_in_no_known_unit_is_scaled_by_its_legs(self, tmp_path, walk, body):
        expected = foreign_bvh(tmp_path / "a.bvh", walk, body, MIXAMO, 17.3)
        np.testing.assert_allclose(Motion.load(tmp_path / "a.bvh").joints(body)[:, :22], expected, atol=2e-4)

    def test_smpl_names_with_another_zero_pose(self, tmp_path, walk, body):
        """Copied rotations would be wrong by the angle of the arms."""
        expected = foreign_bvh(tmp_path / "a.bvh", walk, body, {}, 1.0, arm_turn=60.0)
        np.testing.assert_allclose(Motion.load(tmp_path / "a.bvh").joints(body)[:, :22], expected, atol=2e-4)

    def test_no_body(self, tmp_path, walk, body):
        names = MIXAMO | {"left_knee": "Tail", "head": "Snout"}
        foreign_bvh(tmp_path / "a.bvh", walk, body, names, 1.0)
        with pytest.raises(MotionError, match=r"a\.bvh: it has no joints for head, left_knee among Hips, LHipJoint, "):
            Motion.load(tmp_path / "a.bvh")

    def test_a_zero_pose_that_does_not_stand(self, tmp_path, walk, body):
        foreign_bvh(tmp_path / "a.bvh", walk, body, MIXAMO, 1.0)
        text = (tmp_path / "a.bvh").read_text().splitlines()
        place = text.index("JOINT LeftLeg") + 2
        text[place] = "OFFSET 0.4 0 0"
        (tmp_path / "a.bvh").write_text("\n".join(text))
        with pytest.raises(MotionError, match=r"zero pose has 'LeftUpLeg' 90 degrees off downwards"):
            Motion.load(tmp_path / "a.bvh")

    @pytest.mark.parametrize("names", [{}, MIXAMO])
    def test_limbs_without_length(self, tmp_path, walk, body, names):
        foreign_bvh(tmp_path / "a.bvh", walk, body, names, 1.0)
        lines = (tmp_path / "a.bvh").read_text().splitlines()
        for place, line in enumerate(lines):
            limb = any(part in line.lower() for part in ("knee", "ankle", "foot", "elbow", "wrist"))
            limb |= line.endswith(("Leg", "ForeArm", "Hand", "ToeBase")) and not line.endswith("UpLeg")
            if line.startswith("JOINT") and limb:
                lines[place + 2] = "OFFSET 0 0 0"
        (tmp_path / "a.bvh").write_text("\n".join(lines))
        with pytest.raises(MotionError, match=r"a\.bvh: its limbs have no length"):
            Motion.load(tmp_path / "a.bvh")

    def test_no_frames(self, tmp_path, walk, body):
        foreign_bvh(tmp_path / "a.bvh", walk[:1], body, MIXAMO, 1.0)
        text = (tmp_path / "a.bvh").read_text().replace("Frames: 1", "Frames: 0").splitlines()[:-1]
        (tmp_path / "a.bvh").write_text("\n".join(text))
        with pytest.raises(MotionError, match="0 frames"):
            Motion.load(tmp_path / "a.bvh")


# A skeleton of CMU's kind in the T-pose, centimetres: each joint, its parent and its place from there.
CMU = {
    "Hips": (None, (0, 0, 0)),
    "LHipJoint": ("Hips", (0, 0, 0)),
    "LeftUpLeg": ("LHipJoint", (9, -7, 1)),
    "LeftLeg": ("LeftUpLeg", (0, -41, 0)),
    "LeftFoot": ("LeftLeg", (1, -43, -2)),
    "LeftToeBase": ("LeftFoot", (1, -5, 13)),
    "RHipJoint": ("Hips", (0, 0, 0)),
    "RightUpLeg": ("RHipJoint", (-9, -7, 1)),
    "RightLeg": ("RightUpLeg", (0, -41, 0)),
    "RightFoot": ("RightLeg", (-1, -43, -2)),
    "RightToeBase": ("RightFoot", (-1, -5, 13)),
    "LowerBack": ("Hips", (0, 3, 0)),
    "Spine": ("LowerBack", (0, 12, -1)),
    "Spine1": ("Spine", (0, 12, 0)),
    "Neck": ("Spine1", (0, 14, 1)),
    "Neck1": ("Neck", (0, 6, 1)),
    "Head": ("Neck1", (0, 7, 1)),
    "LeftShoulder": ("Spine1", (2, 10, 0)),
    "LeftArm": ("LeftShoulder", (16, 0, -1)),
    "LeftForeArm": ("LeftArm", (28, -2, 0)),
    "LeftHand": ("LeftForeArm", (24, 1, 1)),
    "RightShoulder": ("Spine1", (-2, 10, 0)),
    "RightArm": ("RightShoulder", (-16, 0, -1)),
    "RightForeArm": ("RightArm", (-28, -2, 0)),
    "RightHand": ("RightForeArm", (-24, 1, 1)),
}
# Both ends of each limb, and the numbers that SMPL-X gives them.
LIMBS = {
    ("LeftUpLeg", "LeftLeg"): (1, 4),
    ("LeftLeg", "LeftFoot"): (4, 7),
    ("LeftFoot", "LeftToeBase"): (7, 10),
    ("RightUpLeg", "RightLeg"): (2, 5),
    ("RightLeg", "RightFoot"): (5, 8),
    ("RightFoot", "RightToeBase"): (8, 11),
    ("LeftArm", "LeftForeArm"): (16, 18),
    ("LeftForeArm", "LeftHand"): (18, 20),
    ("RightArm", "RightForeArm"): (17, 19),
    ("RightForeArm", "RightHand"): (19, 21),
}
POSITION = ["Xposition", "Yposition", "Zposition"]


def by_bvhio(path, prefix, orders, frames=5):
    """Have bvhio write a random motion; joint after joint takes the next of the orders.

    Returns:
        `tuple[dict, dict]`: Of each joint its rotations in the world `(T, 3, 3)`, by SciPy from what was written, and
        its positions `(T, 3)`, metres, where bvhio sees them when it reads the file.
    """
    generator = np.random.default_rng(6)
    joints, turns = {}, {}
    for place, (name, (parent, offset)) in enumerate(CMU.items()):
        joint = joints[name] = bvhio.BvhJoint(prefix + name, offset)
        order = orders[place % len(orders)]
        turn = Rotation.from_rotvec(generator.normal(0, 0.5, (frames, 3)))
        positions = generator.normal(0, 100, (frames, 3)) if parent is None else np.tile(offset, (frames, 1))
        joint.Channels = (POSITION if parent is None else []) + [f"{axis}rotation" for axis in order]
        for position, quaternion in zip(positions, turn.as_quat(), strict=True):
            pose = bvhio.Pose(position.tolist(), glm.quat(*quaternion[[3, 0, 1, 2]]))
            joint.Keyframes.append(pose)
        if parent is not None:
            joints[parent].Children.append(joint)
            turn = turns[parent] * turn
        turns[name] = turn
    bvhio.writeBvh(str(path), bvhio.BvhContainer(joints["Hips"], frames, 1 / 120))
    root = bvhio.readAsHierarchy(str(path))
    seen = [{joint.Name: joint.PositionWorld for joint, _, _ in root.loadPose(i).layout()} for i in range(frames)]
    positions = {name: np.array([found[prefix + name] for found in seen]) / 100 for name in CMU}
    return {name: turn.as_matrix() for name, turn in turns.items()}, positions


class TestWrittenByBvhio:
    """Files of another program's writer, and what that program and SciPy make of them."""

    @pytest.mark.parametrize("prefix", ["", "mixamorig:"])
    @pytest.mark.parametrize(
        "orders", [["ZXY"], ["XYZ"], ["ZYX"], ["YXZ"], ["YZX"], ["XZY"], ["XYZ", "ZXY", "YZX", "ZYX", "XZY", "YXZ"]]
    )
    def test_the_body_stands_as_it_does_there(self, tmp_path, body, prefix, orders):
        turns, positions = by_bvhio(tmp_path / "a.bvh", prefix, orders)
        motion = Motion.load(tmp_path / "a.bvh")
        assert (motion.fps, motion.coordinates, motion.up, len(motion)) == (120, "world", "y", 5)
        local = matrices(np.concatenate((motion.global_orient, motion.body_pose), axis=1))
        np.testing.assert_allclose(local[:, 0], turns["Hips"], atol=1e-5)
        head = local[:, 0]
        for joint in (3, 6, 9, 12, 15):
            head = head @ local[:, joint]
        np.testing.assert_allclose(head, turns["Head"], atol=1e-5)
        joints = motion.joints(body)
        hips = (positions["LeftUpLeg"] + positions["RightUpLeg"]) / 2
        np.testing.assert_allclose(joints[:, 1:3].mean(axis=1), hips, atol=1e-4)
        for (start, end), (first, last) in LIMBS.items():
            np.testing.assert_allclose(
                direction(joints[:, first], joints[:, last]), direction(positions[start], positions[end]), atol=1e-4
            )


def direction(start, end):
    return (end - start) / np.linalg.norm(end - start, axis=-1, keepdims=True)
