# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The commands, with a stand-in for the pipeline: what they pass on, write, print, and how they end."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from unimo_hf import Motion
from unimo_hf.cli import options
from unimo_hf.cli.app import app
from unimo_hf.video.reading import Video

FRAMES = 17


def still_motion():
    return Motion(
        body_pose=np.zeros((FRAMES, 63)),
        global_orient=np.zeros((FRAMES, 3)),
        transl=np.tile([0.0, 0.0, 3.0], (FRAMES, 1)),
        betas=np.zeros(10),
        fps=15.0,
    )


class PipelineStandIn:
    """Answers as `UniMoPipeline` does, at once, and keeps what it was asked."""

    def __init__(self):
        self.calls = []

    def video_to_motion(self, path, **settings):
        self.calls.append(("v2m", Path(path).name, settings))
        settings.pop("on_frames", None)
        if Path(path).stat().st_size == 0:
            raise ValueError(f"{path}: the file is empty; it must be a video.")
        return still_motion()

    def image_to_video_and_motion(self, path, **settings):
        self.calls.append(("i2vm", Path(path).name, settings))
        return Video(np.zeros((FRAMES, 64, 64, 3), dtype=np.uint8), 15.0), still_motion()

    def draw(self, video, motion, path):
        self.calls.append(("draw", Path(video).name, len(motion)))
        Path(path).write_bytes(b"drawn")


@pytest.fixture
def pipeline(monkeypatch):
    stand_in = PipelineStandIn()
    monkeypatch.setattr(options, "load_pipeline", lambda model, device="auto": stand_in)
    return stand_in


@pytest.fixture
def clips(tmp_path):
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in ("one.mp4", "two.mov"):
        (folder / name).write_bytes(b"video")
    (folder / "three.mp4").touch()
    return folder


def unimo(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


COMMANDS = [
    [],
    ["demo"],
    ["v2m"],
    ["i2vm"],
    ["info"],
    ["data"],
    ["data", "render"],
    ["data", "encode"],
    ["data", "redraw"],
    ["train"],
    ["train", "motion-vqvae"],
    ["train", "video-fsq"],
    ["train", "unimo"],
    ["evaluate"],
    ["evaluate", "motion-vqvae"],
    ["evaluate", "video-fsq"],
    ["evaluate", "v2m"],
    ["evaluate", "i2vm"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help(command):
    result = unimo(*command, "--help")
    assert result.exit_code == 0
    if command not in (["data"], ["train"], ["evaluate"]):
        assert f"Example:  unimo {' '.join(command)}".rstrip() in result.output


def test_help_is_quick():
    """No network library is loaded for it."""
    code = (
        "import sys; from unimo_hf.cli.app import app\n"
        "try: app(['--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "assert not {'torch', 'transformers', 'numba'} & set(sys.modules), 'heavy'"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_video_to_motion_of_many_with_one_bad(pipeline, clips, tmp_path):
    out = tmp_path / "new" / "out"
    result = unimo("v2m", clips, "-o", out, "--greedy", "--seed", 3, "--json")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert [Path(row["input"]).name for row in report["results"]] == ["one.mp4", "two.mov"]
    assert [Path(failure["input"]).name for failure in report["failures"]] == ["three.mp4"]
    assert "the file is empty" in result.stderr
    assert sorted(path.name for path in out.iterdir()) == ["one.npz", "one.overlay.mp4", "two.npz", "two.overlay.mp4"]
    assert len(Motion.load(out / "one.npz")) == FRAMES
    expected = {"do_sample": False, "top_p": None, "temperature": None, "seed": 3}
    assert ("v2m", "one.mp4", expected) in pipeline.calls


def test_video_to_motion_as_a_table(pipeline, clips, tmp_path):
    result = unimo("v2m", clips / "one.mp4", "-o", tmp_path / "out", "--no-overlay")
    assert result.exit_code == 0
    assert "Video to motion" in result.stdout
    assert not any(call[0] == "draw" for call in pipeline.calls)


def test_a_file_beside_the_input_is_safe(pipeline, clips):
    truth = clips / "one.npz"
    truth.write_bytes(b"truth")
    result = unimo("v2m", clips / "one.mp4", "-o", clips)
    assert result.exit_code == 1
    assert "--overwrite" in result.stderr
    assert truth.read_bytes() == b"truth"
    assert unimo("v2m", clips / "one.mp4", "-o", clips, "--overwrite").exit_code == 0


def test_picture_to_video_and_motion(pipeline, tmp_path):
    picture = tmp_path / "person.png"
    picture.write_bytes(b"picture")
    result = unimo("i2vm", picture, "-o", tmp_path / "out", "--json", "--top-p", "0.9")
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)["results"]
    assert row["frames"] == FRAMES
    assert all(Path(row[name]).exists() for name in ("video", "motion", "overlay"))


def test_demo_says_what_it_made(pipeline, tmp_path):
    result = unimo("demo", "-o", tmp_path / "made", "--json")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)["results"]
    made = {Path(path).name for row in rows[1:] for path in row["where"]}
    assert made == {"clip.npz", "clip.overlay.mp4", "person.mp4", "person.npz", "person.overlay.mp4"}
    assert made == {path.name for path in (tmp_path / "made").iterdir()}


def test_missing_file_is_one_line(pipeline, tmp_path):
    result = unimo("v2m", tmp_path / "gone.mp4", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "gone.mp4: No such file" in result.stderr.replace("\n", " ")
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "arguments", [["v2m"], ["v2m", "a.mp4"], ["data", "render", ".", "-o", "x", "--camera", "top"]]
)
def test_wrong_arguments_end_with_2(arguments):
    assert unimo(*arguments).exit_code == 2


def test_an_error_of_ours_keeps_its_traceback(pipeline, clips, tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "video_to_motion", lambda path, **settings: 1 / 0)
    result = unimo("v2m", clips / "one.mp4", "-o", tmp_path / "out")
    assert isinstance(result.exception, ZeroDivisionError)


def test_interruption_ends_with_130(pipeline, clips, tmp_path, monkeypatch):
    def interrupted(path, **settings):
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "video_to_motion", interrupted)
    result = unimo("v2m", clips / "one.mp4", "-o", tmp_path / "out")
    assert result.exit_code == 130
    assert result.stderr.strip() == "Interrupted."


def test_unknown_device_and_unknown_model_are_one_line(tmp_path):
    for arguments, message in (
        (["--device", "quantum"], "no such device"),
        (["--model", str(tmp_path / "nothing")], "nothing"),
    ):
        result = unimo("v2m", "clip.mp4", "-o", tmp_path / "out", *arguments)
        assert result.exit_code == 1
        assert message in result.stderr
        assert result.stderr.startswith("Error:")
