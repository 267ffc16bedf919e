# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.

import numpy as np
import pytest
from motion_files import memory_below

from unimo_hf.motion import Motion, MotionError

# Every column holds its own number, so that a wrong slice is seen.
COLUMNS = np.tile(np.arange(322) / 1000, (4, 1))


def write(path, array, **options):
    np.save(path, array, **options)
    return path


def test_hands_come_before_the_jaw(tmp_path):
    motion = Motion.load(write(tmp_path / "a.npy", COLUMNS))
    assert (motion.fps, motion.coordinates, motion.up, len(motion)) == (30, "world", "y", 4)
    np.testing.assert_allclose(motion.global_orient[0], np.arange(3) / 1000, atol=1e-7)
    np.testing.assert_allclose(motion.body_pose[0], np.arange(3, 66) / 1000, atol=1e-7)
    np.testing.assert_allclose(motion.transl[0], np.arange(309, 312) / 1000, atol=1e-7)
    np.testing.assert_allclose(motion.betas, np.arange(312, 322) / 1000, atol=1e-7)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((4, 263)), "these are HumanML3D features"),
        (np.zeros((4, 321)), r"shape \(4, 321\).*it must be \(frames, 322\)"),
        (np.zeros(322), r"shape \(322,\)"),
        (np.zeros((0, 322)), "0 frames|betas has shape"),
        (np.full((4, 322), np.nan), "holds .* that are NaN"),
        (np.zeros((4, 322), dtype=complex), "complex128"),
        (np.full((4, 322), 90.0), "Are these degrees"),
    ],
)
def test_bad_files(tmp_path, array, message):
    with pytest.raises(MotionError, match=message) as caught:
        Motion.load(write(tmp_path / "a.npy", array))
    assert "a.npy" in str(caught.value)


def test_objects_are_not_unpickled(tmp_path):
    write(tmp_path / "a.npy", np.array([{"poses": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(MotionError, match="pickled Python objects"):
        Motion.load(tmp_path / "a.npy")


@pytest.mark.parametrize("shape", [(2**23, 322), (2**40, 322), (-1, 322), (3, 322)])
def test_a_header_that_promises_what_is_not_there(tmp_path, shape):
    header = str({"descr": "<f4", "fortran_order": False, "shape": shape}).encode()
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + b"\x00" * 900)
    with memory_below(1_000_000), pytest.raises(MotionError, match=r"a\.npy declares shape .*but holds 900"):
        Motion.load(tmp_path / "a.npy")


@pytest.mark.parametrize(
    "header", [b"{'descr': (", b"{'descr': \x00 (", b"[" * 5000, b"(" * 90 + b"\n", b"{}", b"\xff"]
)
def test_a_header_that_is_none(tmp_path, header):
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(MotionError, match=r"a\.npy has no valid \.npy header"):
        Motion.load(tmp_path / "a.npy")
