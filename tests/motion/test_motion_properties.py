# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What holds for every motion: files give back what they got, and resampling changes the rate and nothing else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from motion_files import degrees_between, matrices

from unimo_hf.motion import Motion
from unimo_hf.motion.body import Body
from unimo_hf.motion.reference_frames import UPS


@pytest.fixture(scope="module")
def body():
    return Body.load()


few = settings(max_examples=10)  # where a file is written or a body is moved


@st.composite
def motions(draw, ups=UPS):
    """Angles up to pi and beyond it, positions up to 100 m."""
    frames, betas = draw(st.integers(1, 5)), st.floats(-3, 3, width=32)
    angles, metres = st.floats(-2.5, 2.5, width=32), st.floats(-100, 100, width=32)
    coordinates = draw(st.sampled_from(["camera", "world"]))
    return Motion(
        body_pose=draw(arrays(np.float32, (frames, 63), elements=angles, fill=st.just(0.25))),
        global_orient=draw(arrays(np.float32, (frames, 3), elements=angles)),
        transl=draw(arrays(np.float32, (frames, 3), elements=metres)),
        betas=draw(arrays(np.float32, 10, elements=betas)),
        fps=draw(st.one_of(st.sampled_from([23.98, 24, 25, 29.97, 30, 59.94, 60]), st.floats(1, 240))),
        coordinates=coordinates,
        up="-y" if coordinates == "camera" else draw(st.sampled_from(ups)),
        gender=draw(st.sampled_from(["neutral", "male", "female"])),
    )


def assert_same_turns(left, right, degrees):
    assert degrees_between(left.body_pose, right.body_pose) < degrees
    assert degrees_between(left.global_orient, right.global_orient) < degrees


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
@few
@given(motion=motions())
def test_files_give_back_every_bit(tmp_path_factory, suffix, motion):
    path = tmp_path_factory.mktemp("motion") / f"a{suffix}"
    motion.save(path)
    back = Motion.load(path)
    for name in (*Motion.PARAMETERS, "betas", "fps", "coordinates", "up", "gender"):
        np.testing.assert_array_equal(getattr(back, name), getattr(motion, name), err_msg=name)


@few
@given(motion=motions(ups=("y",)), unit=st.sampled_from(["cm", "m"]))
def test_bvh_gives_back_rotations_and_the_pelvis(tmp_path_factory, body, motion, unit):
    path = tmp_path_factory.mktemp("motion") / "a.bvh"
    motion.save(path, unit=unit)
    back, expected = Motion.load(path), motion.to_world_up("y", body)
    assert_same_turns(back, expected, 0.01)
    pelvis = expected.transl + body.rest_pelvis(motion.betas).numpy()
    np.testing.assert_allclose(back.transl + body.rest_pelvis(back.betas).numpy(), pelvis, atol=2e-5)
    assert back.fps == pytest.approx(motion.fps, rel=3e-5)


@given(motion=motions(), fps=st.floats(1, 240))
def test_resampling_keeps_what_stands_still_and_where_it_starts(motion, fps):
    other = motion.resample(fps)
    assert other.fps == fps
    assert other.duration <= motion.duration - 1 / motion.fps + 1 / fps + 1e-3
    np.testing.assert_allclose(other.transl[0], motion.transl[0], atol=1e-4)
    assert_same_turns(other[:1], motion[:1], 0.01)
    still = motion[:1].resample(fps)
    assert len(still) == 1


@given(motion=motions(), times=st.integers(2, 5))
def test_resampling_to_a_multiple_goes_back(motion, times):
    fps = min(motion.fps, 200)
    motion = Motion(**{name: getattr(motion, name) for name in Motion.PARAMETERS}, betas=motion.betas, fps=fps)
    finer = motion.resample(fps * times)
    assert len(finer) == (len(motion) - 1) * times + 1
    back = finer[::times]
    assert back.fps == pytest.approx(fps)
    np.testing.assert_allclose(back.transl, motion.transl, atol=1e-4)
    assert_same_turns(back, motion, 0.05)


@given(motion=motions(), fps=st.floats(1, 240))
def test_no_turn_is_longer_than_the_one_it_is_part_of(motion, fps):
    """Slerp goes the short way: between two frames nothing turns further than from one to the other."""
    times = np.arange(len(motion.resample(fps))) * motion.fps / fps
    whole = matrices(motion.body_pose)
    found = matrices(motion.resample(fps).body_pose)
    for index, time in enumerate(times):
        before, after = int(time + 1e-6), min(int(time + 1e-6) + 1, len(motion) - 1)

        def angle(left, right):
            return np.arccos(np.clip((np.einsum("jab,jab->j", left, right) - 1) / 2, -1, 1))

        assert (angle(whole[before], found[index]) <= angle(whole[before], whole[after]) + 2e-3).all()


@few
@given(motion=motions(), vector=arrays(np.float64, 3, elements=st.floats(-3, 3)))
def test_a_change_of_frame_moves_the_joints_rigidly(body, motion, vector):
    rotation = matrices(vector[None])[0, 0]
    moved = motion.change_frame(rotation, [1, -2, 3], body.rest_pelvis(motion.betas), "world", "y")
    np.testing.assert_allclose(moved.joints(body), motion.joints(body) @ rotation.T + [1, -2, 3], atol=2e-4)
