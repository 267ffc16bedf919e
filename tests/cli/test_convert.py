# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""`unimo data convert`: motion files of any form go in, files of one form come out."""

import json

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from unimo_hf.cli.app import app
from unimo_hf.motion import Motion


def convert(*arguments):
    return CliRunner().invoke(app, ["data", "convert", *map(str, arguments)])


def make(number=0.0):
    still = np.full((4, 3), number)
    return Motion(np.zeros((4, 63)), still, still, np.zeros(10), fps=30, coordinates="world", up="y")


def gvhmr(path):
    frames = {"body_pose": torch.zeros(4, 63), "global_orient": torch.zeros(4, 3), "transl": torch.zeros(4, 3)}
    parameters = {**frames, "betas": torch.zeros(4, 10)}
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({f"smpl_params_{frame}": parameters for frame in ("incam", "global")} | {"net_outputs": {}}, path)


def collection(folder, name):
    motion = make()
    arrays = {key: getattr(motion, key) for key in Motion.PARAMETERS} | {"betas": motion.betas[None], "fps": 30.0}
    clip = {"clip_start": np.array([0]), "clip_length": np.array([4]), "clip_name": np.array([name])}
    folder.mkdir()
    np.savez(folder / "motions.npz", **arrays, **clip)
    (folder / "clips.json").write_text("[]")


@pytest.mark.parametrize("form", ["npz", "safetensors", "bvh"])
def test_a_folder_keeps_its_tree(tmp_path, form):
    make(0.1).save(tmp_path / "in" / "a" / "walk.npz")
    gvhmr(tmp_path / "in" / "b" / "hmr4d_results.pt")
    options = ("--format", form, "--fps", 24, "--coordinates", "world", "--json")
    result = convert(tmp_path / "in", "-o", tmp_path / "out", *options)
    # What a file says itself stays: the rate that is given is for files that say none.
    assert result.exit_code == 1
    (failure,) = json.loads(result.stdout)["failures"]
    assert "says fps 30" in failure["error"]
    (row,) = json.loads(result.stdout)["results"]
    assert (row["motions"], row["frames"], row["fps"]) == (1, 4, 24)
    assert row["frame of reference"] == "world, y up"
    assert [path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")] == [
        f"b/hmr4d_results.{form}"
    ]
    assert Motion.load(row["output"]).up == "y"
    assert convert(tmp_path / "in" / "a", "-o", tmp_path / "out", "--format", form).exit_code == 0
    found = Motion.load(tmp_path / "out" / f"walk.{form}")
    np.testing.assert_allclose(found.transl, make(0.1).transl, atol=1e-5)


def test_a_bad_file_stops_nothing(tmp_path):
    make().save(tmp_path / "in" / "good.npz")
    (tmp_path / "in" / "bad.npz").write_bytes(b"no")
    result = convert(tmp_path / "in", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "1 of 2 inputs failed" in result.stderr
    assert "bad.npz" in result.stderr
    assert (tmp_path / "out" / "good.npz").exists()


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "..", "", "a\\b"])
def test_a_name_in_a_file_leads_nowhere_else(tmp_path, name):
    collection(tmp_path / "in", name)
    result = convert(tmp_path / "in", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "can't be that of a file" in result.stderr
    assert not list(tmp_path.glob("**/*evil*"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("two\nlines", "two_lines"),
        ("\x1b]0;title\x07walk", "_]0;title_walk"),
        ("walk\u202egpj", "walk_gpj"),
        ("-rf/.ssh/con", "_rf/_ssh/_con"),
        ("w" * 400, "w" * 200),
    ],
)
def test_a_name_in_a_file_is_no_raw_name_of_a_file(tmp_path, name, expected):
    collection(tmp_path / "in", name)
    result = convert(tmp_path / "in", "-o", tmp_path / "out", "--json")
    assert result.exit_code == 0, result.stderr
    (row,) = json.loads(result.stdout)["results"]
    assert row["output"] == str(tmp_path / "out" / f"{expected}.npz")
    assert len(Motion.load(row["output"])) == 4


def test_nothing_is_written_twice_or_over_its_input(tmp_path):
    for folder in ("a", "b"):
        make().save(tmp_path / folder / "walk.npz")
    result = convert(tmp_path / "a", tmp_path / "b", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "would be written twice" in result.stderr
    before = (tmp_path / "a" / "walk.npz").read_bytes()
    result = convert(tmp_path / "a", "-o", tmp_path / "a")
    assert result.exit_code == 1
    assert "exists beside its input" in result.stderr
    assert (tmp_path / "a" / "walk.npz").read_bytes() == before


def test_a_folder_without_motions(tmp_path):
    result = convert(tmp_path, "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "no motion file was found" in result.stderr
