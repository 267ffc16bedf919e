# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import copy
import pickle
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
import roma
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from motion_files import make_motion, matrices

from unimo_hf.motion import MotionError, load_collection
from unimo_hf.motion.body import Body
from unimo_hf.motion.motion import Motion
from unimo_hf.motion.reference_frames import up_rotation


@pytest.fixture(scope="module")
def body():
    return Body.load()


class TestChecks:
    def test_a_good_motion(self):
        motion = make_motion(frames=1, fps=24)
        assert (motion.coordinates, motion.up, motion.fps, len(motion)) == ("camera", "-y", 24.0, 1)
        assert {getattr(motion, name).dtype for name in ("body_pose", "transl", "betas")} == {np.dtype("float32")}

    def test_whatever_is_read_copied_and_cut_is_a_motion(self, tmp_path):
        motion = make_motion()
        for ending in ("npz", "safetensors", "bvh"):
            motion.save(tmp_path / f"a.{ending}")
        read = [Motion.load(tmp_path / "a.npz"), *(found for _, found in load_collection(tmp_path))]
        made = [motion[1:], motion.resample(60), Motion.concatenate([motion, motion])]
        copies = [copy.deepcopy(motion), pickle.loads(pickle.dumps(motion)), replace(motion, fps=24)]
        assert [type(one) for one in (*read, *made, *copies)] == [Motion] * 10
        assert all(np.array_equal(one.transl, motion.transl) for one in copies)
        with pytest.raises(FrozenInstanceError):
            read[0].fps = 24.0

    def test_tensors_and_lists_are_taken_and_copied(self):
        transl = torch.zeros(5, 3, dtype=torch.bfloat16)
        motion = make_motion(transl=transl, betas=[0] * 10)
        transl += 1
        assert not motion.transl.any()

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"body_pose": np.zeros((5, 66))}, r"body_pose has shape \(5, 66\); it must be \(frames, 63\)"),
            ({"transl": np.zeros((4, 3))}, "numbers of frames differ: .*'transl': 4"),
            ({"transl": np.zeros(3)}, "transl has shape"),
            ({"betas": np.zeros((5, 10))}, r"betas has shape \(5, 10\)"),
            ({"betas": np.full(10, np.nan)}, r"betas holds 10 of 10 values that are NaN.* at \(0,\)"),
            ({"transl": np.full((5, 3), np.inf)}, "transl holds 15 of 15"),
            ({"transl": np.full((5, 3), 1e39)}, "beyond float32"),
            ({"transl": np.full((5, 3), "a")}, "must hold real numbers"),
            ({"transl": [[1, 2, 3], [4]]}, "transl is not an array"),
            ({"transl": np.zeros((5, 3), dtype=complex)}, "must hold real numbers"),
            ({"fps": None}, "fps is None; it must be a number from 0.1 to 1000"),
            ({"fps": 0}, "fps is 0.0"),
            ({"fps": float("nan")}, "fps is nan"),
            ({"fps": 1e9}, "fps is"),
            ({"coordinates": "image"}, "coordinates is 'image'; it must be one of camera, world"),
            ({"coordinates": "world"}, "a world frame must name one of y, -y, z"),
            ({"coordinates": "world", "up": "x"}, "up is 'x'"),
            ({"up": "y"}, "in the camera frame"),
            ({"gender": "other"}, "gender is 'other'; it must be one of neutral, male, female"),
            ({"body_pose": np.full((5, 63), 30.0)}, r"holds an angle of 52.0 \(frame 0, joint 0\).*Are these degrees"),
        ],
    )
    def test_a_bad_motion(self, changes, message):
        with pytest.raises(MotionError, match=message):
            make_motion(**changes)

    def test_no_frames(self):
        with pytest.raises(MotionError, match="0 frames; it needs at least 1"):
            make_motion(frames=0)

    def test_angles_above_pi_mean_the_same_rotations(self, body):
        """Optimised motion capture has them: they are kept, and mean what they mean below pi."""
        given = np.array([[0, 3 * np.pi / 2, 0], [2 * np.pi, 0, 0], [0, 0, 5.0], [1, 2, 0], [12, 0, 9]])
        motion = make_motion(global_orient=given)
        np.testing.assert_array_equal(motion.global_orient, np.float32(given))
        below = make_motion(global_orient=roma.rotmat_to_rotvec(torch.from_numpy(matrices(given)[:, 0])))
        np.testing.assert_allclose(motion.joints(body), below.joints(body), atol=1e-5)
        finer = [matrices(each.resample(60).global_orient) for each in (motion, below)]
        np.testing.assert_allclose(*finer, atol=1e-5)

    def test_it_is_unchangeable(self):
        with pytest.raises(AttributeError):
            make_motion().fps = 3


class TestTime:
    def test_slices(self):
        motion = make_motion(frames=7, fps=30)
        assert len(motion[2:5]) == 3
        assert motion[::2].fps == 15
        np.testing.assert_array_equal(motion[-1:].transl, motion.transl[-1:])
        assert motion.duration == pytest.approx(7 / 30)
        with pytest.raises(MotionError, match="0 frames"):
            motion[5:5]
        with pytest.raises(MotionError, match="step"):
            motion[::-1]
        with pytest.raises(TypeError, match="slice"):
            motion[0]

    def test_upsampling_keeps_the_frames_and_halves_the_steps(self):
        motion = make_motion(frames=6, fps=15)
        finer = motion.resample(30)
        assert (len(finer), finer.fps) == (11, 30)
        np.testing.assert_allclose(matrices(finer.body_pose[::2]), matrices(motion.body_pose), atol=1e-6)
        np.testing.assert_allclose(finer.transl[1::2], (motion.transl[1:] + motion.transl[:-1]) / 2, atol=1e-6)
        before, middle, after = (
            matrices(part) for part in (motion.body_pose[:-1], finer.body_pose[1::2], motion.body_pose[1:])
        )
        turn = middle @ before.swapaxes(-1, -2)
        np.testing.assert_allclose(turn @ turn @ before, after, atol=1e-5)

    def test_the_wrap_at_pi_is_a_small_turn(self):
        orient = np.array([[0, 3.1, 0], [0, -3.1, 0]])
        middle = make_motion(frames=2, global_orient=orient).resample(60).global_orient[1]
        assert abs(middle[1]) == pytest.approx(np.pi, abs=1e-4)

    @given(frames=st.integers(1, 40), fps=st.sampled_from([10, 15, 24, 25, 29.97, 30, 60, 120]), new=st.floats(5, 120))
    def test_resampling_stays_within_the_motion(self, frames, fps, new):
        motion = make_motion(
            frames=frames, fps=fps, body_pose=np.zeros((frames, 63)), transl=np.arange(3 * frames).reshape(-1, 3)
        )
        other = motion.resample(new)
        assert len(other) == int((frames - 1) * new / fps + 1e-6) + 1
        np.testing.assert_allclose(other.transl[:, 0], np.arange(len(other)) * 3 * fps / new, rtol=1e-4, atol=1e-4)

    @pytest.mark.parametrize("fps", [0, -1, float("nan"), 1e7, "fast"])
    def test_resampling_to_nonsense(self, fps):
        with pytest.raises(MotionError, match="fps"):
            make_motion().resample(fps)

    def test_concatenation(self):
        motion = make_motion(frames=6)
        joined = Motion.concatenate([motion[:2], motion[2:]])
        np.testing.assert_array_equal(joined.body_pose, motion.body_pose)
        other = make_motion(frames=2, seed=1)
        with pytest.raises(MotionError, match="differ in betas"):
            Motion.concatenate([motion, other])
        assert len(Motion.concatenate([motion, other], betas=np.zeros(10))) == 8
        with pytest.raises(MotionError, match=r"differ in fps: \[15.0, 30.0\]"):
            Motion.concatenate([motion, motion[::2]])
        with pytest.raises(MotionError, match="0 motions"):
            Motion.concatenate([])
        with pytest.raises(MotionError, match="differ in gender"):
            Motion.concatenate([motion, make_motion(frames=6, gender="male")])


class TestFrames:
    def test_the_goldens(self, goldens):
        gold = np.load(goldens / "motion" / "frames.npz")
        root = {"global_orient": gold["global_orient"], "transl": gold["transl"]}
        motion = make_motion(frames=23, body_pose=np.zeros((23, 63)), coordinates="world", up="z", **root)
        for name in ("az_to_ay", "any_to_ay"):  # plain turns of transl: no pelvis
            turned = motion.change_frame(gold[f"exp_{name}_R"], np.zeros(3), np.zeros(3), "world", "y")
            np.testing.assert_allclose(turned.transl, gold[f"exp_{name}_transl"], atol=1e-5)
            found = matrices(turned.global_orient)[:, 0]
            np.testing.assert_allclose(found, gold[f"exp_{name}_orient_matrix"], atol=1e-4)
        np.testing.assert_array_equal(up_rotation("z", "y"), gold["exp_az_to_ay_R"])
        to_camera = gold["T_w2c"]
        seen = motion.change_frame(to_camera[:, :3, :3], to_camera[:, :3, 3], gold["pelvis_offset"], "camera")
        assert seen.up == "-y"
        np.testing.assert_allclose(seen.transl, gold["exp_cam_transl"], atol=1e-5)
        np.testing.assert_allclose(matrices(seen.global_orient)[:, 0], gold["exp_cam_orient_matrix"], atol=1e-4)

    def test_the_joints_follow_the_frame(self, body):
        motion = make_motion()
        rotation = roma.random_rotmat(dtype=torch.float64).numpy()
        moved = motion.change_frame(rotation, [1, 2, 3], body.rest_pelvis(motion.betas), "world", "y")
        np.testing.assert_allclose(moved.joints(body), motion.joints(body) @ rotation.T + [1, 2, 3], atol=1e-5)
        np.testing.assert_allclose(moved.vertices(body), motion.vertices(body) @ rotation.T + [1, 2, 3], atol=1e-5)

    @pytest.mark.parametrize("up", ["y", "-y", "z"])
    def test_up_stays_up(self, body, up):
        motion = make_motion(
            frames=1, body_pose=np.zeros((1, 63)), global_orient=[[np.pi, 0, 0]]
        )  # upright in the camera frame
        turned = motion.to_world_up(up, body)
        assert (turned.coordinates, turned.up) == ("world", up)
        axis, sign = {"y": (1, 1), "-y": (1, -1), "z": (2, 1)}[up]
        joints = turned.joints(body)[0]
        assert sign * (joints[15, axis] - joints[0, axis]) > 0.4
        back = turned.to_world_up("-y", body)
        np.testing.assert_allclose(back.joints(body), motion.joints(body), atol=1e-5)

    def test_nonsense(self, body):
        pelvis = np.zeros(3)
        with pytest.raises(MotionError, match="not a rotation"):
            make_motion().change_frame(2 * np.eye(3), pelvis, pelvis, "camera")
        with pytest.raises(MotionError, match="not a rotation"):
            make_motion().change_frame(np.diag([1, 1, -1]), pelvis, pelvis, "camera")
        with pytest.raises(MotionError, match=r"rotation has shape \(2, 3, 3\)"):
            make_motion().change_frame(np.zeros((2, 3, 3)), pelvis, pelvis, "camera")
        with pytest.raises(MotionError, match="up is 'x'"):
            make_motion().to_world_up("x", body)


@given(arrays(np.float64, (3, 3), elements=st.floats(-10, 10)), arrays(np.float64, 3, elements=st.floats(-5, 5)))
def test_a_change_of_frame_goes_back(root, transl):
    motion = make_motion(frames=3, global_orient=root)
    rotation = roma.rotvec_to_rotmat(torch.tensor([0.3, -1.2, 2.0], dtype=torch.float64)).numpy()
    pelvis = np.array([0.0, -0.35, 0.01])
    there = motion.change_frame(rotation, transl, pelvis, "world", "y")
    back = there.change_frame(rotation.T, -rotation.T @ transl, pelvis, "camera")
    np.testing.assert_allclose(back.transl, motion.transl, atol=1e-4)
    np.testing.assert_allclose(matrices(back.global_orient), matrices(motion.global_orient), atol=1e-5)
