# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import json

import numpy as np
import pytest
import safetensors.torch
import torch

from unimo_hf.motion import Motion, MotionError

HEADER = {
    "fps": "24.0",
    "coordinates": "world",
    "up": "z",
    "model": "smplx",
    "gender": "female",
    "rotation": "axis_angle",
    "format": "unimo_hf.motion",
    "format_version": "1",
}
GENERATOR = np.random.default_rng(4)
SHAPES = {"body_pose": (3, 63), "global_orient": (3, 3), "transl": (3, 3), "betas": (10,)}
ARRAYS = {name: GENERATOR.normal(0, 0.5, shape).astype(np.float32) for name, shape in SHAPES.items()}


def write(path, arrays=ARRAYS, header=HEADER, size=None):
    """The format by its description: a length, JSON, the numbers."""
    described, place = {"__metadata__": header}, 0
    for name, array in arrays.items():
        described[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [place, place + array.nbytes]}
        place += array.nbytes
    text = json.dumps(described).encode()
    numbers = b"".join(array.tobytes() for array in arrays.values())
    path.write_bytes((len(text) if size is None else size).to_bytes(8, "little") + text + numbers)
    return path


def test_a_file_of_another_writer(tmp_path):
    motion = Motion.load(write(tmp_path / "a.safetensors"))
    assert (motion.fps, motion.coordinates, motion.up, motion.gender) == (24, "world", "z", "female")
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(getattr(motion, name), array)


def test_what_is_saved_is_this_form(tmp_path):
    Motion(**ARRAYS, fps=29.97).save(tmp_path / "a.safetensors")
    content = (tmp_path / "a.safetensors").read_bytes()
    described = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    own = {"fps": "29.97", "coordinates": "camera", "up": "-y", "gender": "neutral"}
    assert described.pop("__metadata__") == HEADER | own
    assert {name: tuple(entry["shape"]) for name, entry in described.items()} == SHAPES
    assert Motion.load(tmp_path / "a.safetensors").fps == 29.97
    Motion(**ARRAYS, fps=30).save(tmp_path / "a.safetensors", fps=15)
    assert len(Motion.load(tmp_path / "a.safetensors")) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fps": "fast"}, "fps is 'fast'"),
        ({"fps": "0"}, r"fps is 0\.0; it must be a number from .* Give the right one as fps=…\."),
        ({"up": "x"}, "up is 'x'"),
        ({"up": ""}, "it lacks up"),
        ({"gender": "robot"}, "gender is 'robot'; it must be one of neutral, male, female"),
        ({"rotation": "6d"}, "rotation is '6d'; this program reads 'axis_angle'"),
        ({"format_version": "2"}, "format_version is '2'"),
        ({"model": "smpl"}, "model is 'smpl'"),
    ],
)
def test_bad_headers(tmp_path, changes, message):
    with pytest.raises(MotionError, match=message) as caught:
        Motion.load(write(tmp_path / "a.safetensors", header=HEADER | changes))
    assert "a.safetensors" in str(caught.value)


@pytest.mark.parametrize("fps", ["fast", "0", "nan"])
def test_the_call_knows_better_than_no_rate(tmp_path, fps):
    path = write(tmp_path / "a.safetensors", header=HEADER | {"fps": fps})
    assert Motion.load(path, fps=25).fps == 25


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e4m3fn", "float16", "float64"])
def test_numbers_of_other_sizes(tmp_path, dtype):
    tensors = {name: torch.from_numpy(array).to(getattr(torch, dtype)) for name, array in ARRAYS.items()}
    safetensors.torch.save_file(tensors, tmp_path / "a.safetensors", HEADER)
    motion = Motion.load(tmp_path / "a.safetensors")
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(getattr(motion, name), tensor.float().numpy())


def test_weights_are_no_motion(tmp_path):
    with pytest.raises(MotionError, match=r"holds no motion: it lacks body_pose, .*format_version"):
        Motion.load(write(tmp_path / "a.safetensors", {"weight": np.zeros(3, np.float32)}, {}))


def test_a_header_without_end(tmp_path):
    header = json.dumps({f"t{number}": {} for number in range(100_000)}).encode()
    (tmp_path / "a.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(MotionError, match=rf"damaged: its header has {len(header)} bytes; at most 1000000"):
        Motion.load(tmp_path / "a.safetensors")


def test_damaged(tmp_path):
    whole = write(tmp_path / "a.safetensors").read_bytes()
    for length in range(0, len(whole), len(whole) // 10):
        (tmp_path / "b.safetensors").write_bytes(whole[:length])
        with pytest.raises(MotionError, match=r"b\.safetensors"):
            Motion.load(tmp_path / "b.safetensors")
    with pytest.raises(MotionError, match="not a safetensors file, or it is damaged"):
        Motion.load(write(tmp_path / "c.safetensors", size=10**10))
    bad = ARRAYS | {"transl": np.full((3, 3), np.inf, np.float32)}
    with pytest.raises(MotionError, match="transl holds 9 of 9"):
        Motion.load(write(tmp_path / "d.safetensors", bad))
    with pytest.raises(MotionError, match=r"body_pose has shape \(3, 66\)"):
        Motion.load(write(tmp_path / "e.safetensors", ARRAYS | {"body_pose": np.zeros((3, 66), np.float32)}))
