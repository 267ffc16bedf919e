# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Many motions at once: what folders, files and globs stand for, and which name each motion has."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from motion_files import gvhmr_results, make_motion

from unimo_hf.motion import MotionError, load_collection
from unimo_hf.motion.motion import Motion


def test_the_assets(assets):
    described = json.loads((assets / "motions" / "test" / "clips.json").read_text())
    motions = load_collection(assets / "motions" / "test")
    assert [name for name, _ in motions] == [clip["name"] for clip in described]
    assert [len(motion) for _, motion in motions] == [clip["frames"] for clip in described]
    assert {(motion.fps, motion.coordinates, motion.up) for _, motion in motions} == {(30, "world", "y")}


def test_folders_files_and_globs(tmp_path):
    for name in ("b", "a"):
        make_motion().save(tmp_path / "sub" / f"{name}.npz")
    np.savez(tmp_path / "sub" / "shape.npz", betas=np.zeros(10))
    np.savez(tmp_path / "sub" / "x_stagei.npz", betas=np.zeros(10))
    for paths in (
        tmp_path / "sub",
        str(tmp_path / "sub" / "[ab].npz"),
        [tmp_path / "sub" / "a.npz", tmp_path / "sub" / "b.npz"],
    ):
        assert [name for name, _ in load_collection(paths)] == ["a", "b"]
    for paths in (tmp_path, str(tmp_path / "*" / "[ab].npz"), str(tmp_path / "s*")):
        assert [name for name, _ in load_collection(paths)] == ["sub/a", "sub/b"]


def test_what_files_do_not_say_is_said_for_all_of_them(tmp_path):
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        torch.save(gvhmr_results(), tmp_path / folder / "hmr4d_results.pt")
    motions = load_collection(tmp_path, fps=24, coordinates="world")
    assert [name for name, _ in motions] == ["first/hmr4d_results", "second/hmr4d_results"]
    assert {(motion.fps, motion.coordinates, motion.up) for _, motion in motions} == {(24, "world", "y")}


def test_one_motion_of_a_folder_by_its_name(tmp_path):
    for folder, number in (("first", 1.0), ("second", 2.0)):
        make_motion(transl=np.full((5, 3), number)).save(tmp_path / folder / "walk.npz")
    (tmp_path / "first" / "bad.npz").write_bytes(b"no")  # is not looked at
    assert Motion.load(tmp_path, name="second/walk").transl[0, 0] == 2
    with pytest.raises(MotionError, match="holds 3 motions: 'first/bad', 'first/walk', 'second/walk'; 'walk' is"):
        Motion.load(tmp_path, name="walk")


def test_a_folder_of_every_format(tmp_path):
    for suffix in (".npz", ".NPZ", ".safetensors", ".bvh"):
        make_motion().save(tmp_path / f"own{suffix}")
    np.save(tmp_path / "motionx.npy", np.zeros((2, 322)))
    torch.save(gvhmr_results(), tmp_path / "gvhmr.pt")
    shutil.copy(Path(__file__).parent / "files" / "wham_output.pkl", tmp_path)
    (tmp_path / "notes.txt").write_text("no motion")
    own = ["own.NPZ", "own.bvh", "own.npz", "own.safetensors"]
    people = ["wham_output_0", "wham_output_1_frame000003", "wham_output_1_frame000009"]
    assert [name for name, _ in load_collection(tmp_path)] == ["gvhmr", "motionx", *own, *people]
    with pytest.raises(MotionError, match="is a folder with 7 motion files"):
        Motion.load(tmp_path)
    assert Motion.load(tmp_path, name="motionx").up == "y"


def test_one_bad_file_of_many(tmp_path):
    make_motion().save(tmp_path / "a.npz")
    (tmp_path / "b.npz").write_bytes(b"no")
    with pytest.raises(MotionError, match=r"b\.npz"):
        load_collection(tmp_path)
    skipped = []
    assert len(load_collection(tmp_path, skipped=skipped)) == 1
    assert [path.name for path, _ in skipped] == ["b.npz"]


def test_a_bad_file_of_a_kind_that_nobody_thought_of(tmp_path, monkeypatch):
    make_motion().save(tmp_path / "a.npz")
    make_motion().save(tmp_path / "b.safetensors")
    monkeypatch.setattr("unimo_hf.motion.formats.safetensors.MotionRecord", lambda **_: 1 / 0)
    skipped = []
    assert [name for name, _ in load_collection(tmp_path, skipped=skipped)] == ["a"]
    with pytest.raises(MotionError, match=r"b\.safetensors can't be read: ZeroDivisionError: division") as caught:
        load_collection(tmp_path)
    assert [str(error) for _, error in skipped] == [str(caught.value)]
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_nothing_there(tmp_path):
    with pytest.raises(MotionError, match="No motion was found"):
        load_collection(tmp_path)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_collection(tmp_path / "nowhere")
    with pytest.raises(MotionError, match="No motion"):
        load_collection(str(tmp_path / "*.npz"))


@pytest.mark.parametrize(
    "changes",
    [
        {"clip_length": np.array([99])},
        {"clip_start": np.array([-1])},
        {"clip_length": np.array([0])},
        {"clip_start": np.array([0.0])},
        {"clip_start": np.array([2**62]), "clip_length": np.array([2**62])},
        {"betas": np.zeros((2, 10))},
        {"fps": np.zeros(2)},
        {"fps": np.array("30")},
        {"clip_name": np.array([], dtype=str)},
        {"body_pose": np.full((5, 63), np.nan)},
    ],
)
def test_a_bad_collection(tmp_path, changes):
    arrays = {
        "body_pose": np.zeros((5, 63)),
        "global_orient": np.zeros((5, 3)),
        "transl": np.zeros((5, 3)),
        "betas": np.zeros((1, 10)),
        "clip_start": np.array([0]),
        "clip_length": np.array([5]),
        "clip_name": np.array(["a"]),
        "fps": np.array(30.0),
    }
    np.savez(tmp_path / "motions.npz", **arrays)
    assert len(load_collection(tmp_path / "motions.npz")[0][1]) == 5
    with pytest.raises(MotionError, match="load_collection"):
        Motion.load(tmp_path / "motions.npz")
    assert len(Motion.load(tmp_path / "motions.npz", name="a")) == 5
    np.savez(tmp_path / "motions.npz", **arrays | changes)
    with pytest.raises(MotionError, match=r"motions\.npz"):
        load_collection(tmp_path)
