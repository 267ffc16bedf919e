# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import numpy as np
import pytest

from unimo_hf.motion import Motion, MotionError, load_collection


def labels(frames=(0, 5, 10, 20), people=("rp_anna", "rp_ben"), sequences=("seq_000000", "seq_000003"), **changes):
    """Rows in no order, as the labels are."""
    rows = [(f"{seq}/{seq}_{number:04d}.png", person) for number in frames for person in people for seq in sequences]
    order = np.random.default_rng(0).permutation(len(rows))
    rows = [rows[i] for i in order]
    generator = np.random.default_rng(3)
    cameras = np.tile(np.eye(4), (len(rows), 1, 1))
    cameras[:, :3, 3] = generator.normal(0, 5, (len(rows), 3))
    return {
        "imgname": np.array([name for name, _ in rows]),
        "sub": np.array([person for _, person in rows]),
        "pose_cam": generator.normal(0, 0.3, (len(rows), 165)),
        "pose_world": generator.normal(0, 0.3, (len(rows), 165)),
        "trans_cam": generator.normal(0, 1, (len(rows), 3)),
        "trans_world": generator.normal(0, 1, (len(rows), 3)),
        "cam_ext": cameras,
        "shape": np.tile(np.arange(11.0), (len(rows), 1)),
        "gender": np.array(["female"] * len(rows)),
        "gtkps": np.zeros((len(rows), 127, 3)),
    } | changes


def write(path, arrays):
    np.savez(path, **arrays)
    return path


def test_rows_become_motions(tmp_path):
    arrays = labels()
    motions = dict(load_collection(write(tmp_path / "gym_6fps.npz", arrays)))
    name = "gym_6fps_seq_000003_rp_ben_frame000000"
    assert len(motions) == 8, "two people in two sequences, each with a gap"
    motion = motions[name]
    assert (len(motion), motion.fps, motion.coordinates, motion.up) == (3, 6, "camera", "-y")
    assert (motion.betas.tolist(), motion.gender) == (list(range(10)), "neutral")
    for frame, number in enumerate((0, 5, 10)):
        picture = f"seq_000003/seq_000003_{number:04d}.png"
        (row,) = np.flatnonzero((arrays["imgname"] == picture) & (arrays["sub"] == "rp_ben"))
        expected = arrays["trans_cam"][row] + arrays["cam_ext"][row, :3, 3]
        np.testing.assert_allclose(motion.transl[frame], expected, atol=1e-6)
        np.testing.assert_allclose(motion.global_orient[frame], arrays["pose_cam"][row, :3], atol=1e-6)
        np.testing.assert_allclose(motion.body_pose[frame], arrays["pose_cam"][row, 3:66], atol=1e-6)


def test_all_frames_at_30_fps_in_the_world(tmp_path):
    arrays = labels(frames=range(4), people=("anna",), sequences=("seq_000001",))
    motion = Motion.load(write(tmp_path / "a.npz", arrays), coordinates="world")
    assert (len(motion), motion.fps, motion.coordinates, motion.up) == (4, 30, "world", "-y")
    order = np.argsort(arrays["imgname"])
    np.testing.assert_allclose(motion.transl, arrays["trans_world"][order], atol=1e-6)
    with pytest.raises(MotionError, match=r"says fps 30\.0, the call says 6"):
        Motion.load(tmp_path / "a.npz", fps=6)


def test_a_motion_of_the_people(tmp_path):
    generator = np.random.default_rng(5)
    arrays = {"poses": generator.normal(0, 0.3, (4, 165)), "trans": np.zeros((4, 3)), "betas": np.ones(11)}
    path = write(tmp_path / "motion_seq.npz", arrays | {"gender": "neutral", "gender_sub": "female"})
    motion = Motion.load(path)
    assert (motion.fps, motion.coordinates, motion.up, motion.gender) == (30, "world", "y", "neutral")
    assert motion.betas.tolist() == [1] * 10


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pose_cam": np.zeros((16, 156))}, r"pose_cam has shape \(16, 156\)"),
        ({"trans_cam": np.zeros((16, 2))}, r"trans_cam has shape \(16, 2\)"),
        ({"cam_ext": np.zeros((16, 3, 4))}, r"cam_ext has shape \(16, 3, 4\)"),
        ({"cam_ext": np.full((16, 4, 4), "1")}, "cam_ext has shape .* of <U1; it must be .* real numbers"),
        ({"trans_cam": np.zeros((1, 3))}, r"trans_cam has shape \(1, 3\) of float64; it must be \(16, 3\)"),
        ({"shape": np.zeros((15, 11))}, r"shape has shape \(15, 11\) of float64; it must be \(16, coefficients\)"),
        ({"shape": np.zeros(11)}, r"shape has shape \(11,\)"),
        ({"shape": np.full((16, 11), 1j)}, "shape has shape .* of complex128; it must be .* real numbers"),
        ({"sub": np.array(["a"] * 15)}, "must have an entry for each of 16 poses"),
        ({"sub": np.array([{}] * 16, dtype=object)}, "pickled Python objects"),
        ({"imgname": np.array(["a.png"] * 16)}, "has no number at its end"),
        ({"imgname": np.array(["s/s_1.png"] * 16)}, "two rows for one picture"),
        ({"trans_cam": np.full((16, 3), np.nan)}, "transl holds"),
    ],
)
def test_bad_files(tmp_path, changes, message):
    with pytest.raises(MotionError, match=message) as caught:
        load_collection(write(tmp_path / "bad.npz", labels() | changes))
    assert "bad.npz" in str(caught.value)
