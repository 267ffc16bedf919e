# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import pickle

import numpy as np
import pytest

from unimo_hf.motion import Motion, MotionError, load_collection

# Of subjects 0 to 21, as resource/gender.json of github.com/paulchhuang/rich_toolkit has it.
GENDERS = "mmmmmmmmmffmffmmffffmf"
SHAPES = {"transl": 3, "global_orient": 3, "body_pose": 63, "betas": 10, "expression": 10, "left_hand_pose": 12}


def frame(seed, **changes):
    generator = np.random.default_rng(seed)
    arrays = {name: generator.normal(0, 0.5, (1, columns)).astype(np.float32) for name, columns in SHAPES.items()}
    return arrays | changes


def write(folder, number, subject="013", **changes):
    path = folder / f"{number:05d}" / f"{subject}.pkl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(frame(number, **changes)))
    return path


def test_frames_become_a_motion(tmp_path):
    sequence = tmp_path / "Gym_013_burpee4"
    for number in (12, 9, 10, 11, 100):
        write(sequence, number)
    write(sequence, 10, subject="002")
    motions = dict(load_collection(tmp_path))
    assert list(motions) == [
        "Gym_013_burpee4_013_frame000009",
        "Gym_013_burpee4_013_frame000100",
        "Gym_013_burpee4_002",
    ]
    motion = motions["Gym_013_burpee4_013_frame000009"]
    assert (len(motion), motion.fps, motion.coordinates, motion.up) == (4, 30, "world", "-y")
    assert (motion.gender, motions["Gym_013_burpee4_002"].gender) == ("female", "male")
    for name in Motion.PARAMETERS:
        expected = np.concatenate([frame(number)[name] for number in (9, 10, 11, 12)])
        np.testing.assert_array_equal(getattr(motion, name), expected)
    expected = np.mean([frame(number)["betas"][0] for number in (9, 10, 11, 12)], axis=0)
    np.testing.assert_allclose(motion.betas, expected, atol=1e-6)


def test_a_folder_of_one_motion_and_a_single_frame(tmp_path):
    path = write(tmp_path / "s", 3)
    assert len(Motion.load(path)) == 1
    write(tmp_path / "s", 4)
    assert len(Motion.load(tmp_path / "s", fps=60)) == 2
    assert Motion.load(tmp_path / "s", fps=60).fps == 60


def test_frames_side_by_side(tmp_path):
    for number in (1, 2, 3):
        (tmp_path / f"{number:05d}_005.pkl").write_bytes(pickle.dumps(frame(number)))
    motion = Motion.load(tmp_path)
    assert (len(motion), motion.gender) == (3, "male")


def test_the_gender_of_every_subject(tmp_path):
    found = [Motion.load(write(tmp_path / "s", 1, subject=f"{subject:03d}")).gender for subject in range(23)]
    assert found == [{"m": "male", "f": "female"}[letter] for letter in GENDERS] + ["neutral"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"body_pose": np.zeros((1, 69))}, r"body_pose has shape \(1, 69\)"),
        ({"betas": np.zeros((1, 16))}, "betas has different shapes"),
        ({"transl": np.full((1, 3), "1")}, "transl has shape .* of <U1; it must be .* real numbers"),
        ({"transl": np.full((1, 3), np.nan)}, "transl holds 3 of 6"),
        ({"transl": "no"}, "transl is str; it must be an array"),
    ],
)
def test_bad_frames(tmp_path, changes, message):
    write(tmp_path / "s", 1)
    write(tmp_path / "s", 2, **changes)
    with pytest.raises(MotionError, match=message):
        Motion.load(tmp_path / "s")


def test_a_frame_that_is_none(tmp_path):
    write(tmp_path / "s", 1)
    (tmp_path / "s" / "00001" / "013.pkl").write_bytes(pickle.dumps({"transl": np.zeros(3)}))
    with pytest.raises(MotionError, match=r"013\.pkl holds no motion of WHAM, 3DPW, AIST\+\+ or RICH; found transl"):
        load_collection(tmp_path)
    write(tmp_path / "s", 0)
    with pytest.raises(MotionError, match=r"013\.pkl is no frame of RICH"):
        load_collection(tmp_path)


def test_a_damaged_first_frame_does_not_hide_the_sequence(tmp_path):
    write(tmp_path / "s", 1).write_bytes(b"no")
    write(tmp_path / "s", 2)
    write(tmp_path / "s", 2, subject="002")
    skipped = []
    assert [name for name, _ in load_collection(tmp_path, skipped=skipped)] == ["s_002"]
    ((path, error),) = skipped
    assert path == tmp_path / "s"
    assert "013.pkl is not an uncompressed pickle" in str(error)


def test_files_of_others_that_have_numbers_for_names(tmp_path):
    """They are read one by one, in the order of their names, and a bad one stops no other."""
    dance = {"smpl_poses": np.zeros((2, 72)), "smpl_trans": np.zeros((2, 3)), "smpl_scaling": np.array([90.0])}
    people = {0: {"pose": np.zeros((2, 72)), "trans": np.zeros((2, 3))}}
    (tmp_path / "001").mkdir()
    for name, content in (("001/002", people), ("01_02", dance), ("02_01", dance), ("03_02", dance)):
        (tmp_path / f"{name}.pkl").write_bytes(pickle.dumps(content))
    assert [name for name, _ in load_collection(tmp_path)] == ["001/002_0", "01_02", "02_01", "03_02"]
    assert len(Motion.load(tmp_path / "001")) == 2
    (tmp_path / "01_02.pkl").write_bytes(b"no")
    skipped = []
    assert [name for name, _ in load_collection(tmp_path, skipped=skipped)] == ["001/002_0", "02_01", "03_02"]
    assert [path.name for path, _ in skipped] == ["01_02.pkl"]
