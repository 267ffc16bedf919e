# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The commands, with a stand-in for the pipeline: what they pass on, write, print, and how they end."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from unimo_hf import Motion
from unimo_hf.cli import options
from unimo_hf.cli.app import app
from unimo_hf.video.reading import Video
from unimo_hf.video.writing import write_video

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
        write_video(folder / name, np.zeros((2, 32, 32, 3), np.uint8), fps=15)
    (folder / "three.mp4").touch()
    return folder


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "person.png"
    Image.new("RGB", (32, 32)).save(path)
    return path


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
    assert "three.mp4 is empty" in result.stderr
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


def test_picture_to_video_and_motion(pipeline, picture, tmp_path):
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
    assert "There is no video file" in result.stderr
    assert "gone.mp4" in result.stderr
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


def test_unknown_device_and_unknown_model_are_one_line(clips, tmp_path):
    for arguments, message in (
        (["--device", "quantum"], "no such device"),
        (["--model", str(tmp_path / "nothing")], "nothing"),
    ):
        result = unimo("v2m", clips / "one.mp4", "-o", tmp_path / "out", *arguments)
        assert result.exit_code == 1
        assert message in result.stderr
        assert result.stderr.startswith("Error:")


@pytest.fixture
def no_model(monkeypatch):
    """Loading one is a failure of the test."""
    monkeypatch.setattr(options, "load_pipeline", lambda *_, **__: pytest.fail("a model was loaded"))


@pytest.mark.usefixtures("no_model")
def test_what_is_given_to_the_wrong_command_is_told_by_its_content(clips, picture, tmp_path):
    still_motion().save(tmp_path / "walk.npz")
    (tmp_path / "walk.bvh").write_text("HIERARCHY\n")
    (tmp_path / "notes.txt").write_text("a walk")
    picture.rename(tmp_path / "picture.mp4")
    (clips / "one.mp4").rename(tmp_path / "video.png")
    for command, name, sentence in (
        ("v2m", "picture.mp4", "is a picture; `unimo i2vm` takes pictures."),
        ("v2m", "walk.npz", "is a motion file; `unimo data convert` takes motion files."),
        ("v2m", "walk.bvh", "is a motion file; `unimo data convert` takes motion files."),
        ("v2m", "notes.txt", "is text; a video is needed."),
        ("i2vm", "video.png", "is a video; `unimo v2m` takes videos."),
        ("i2vm", "walk.npz", "is a motion file; `unimo data convert` takes motion files."),
        ("i2vm", "notes.txt", "is text; a picture is needed."),
        ("data convert", "video.png", "is a video; `unimo v2m` takes videos."),
        ("data convert", "picture.mp4", "is a picture; `unimo i2vm` takes pictures."),
    ):
        result = unimo(*command.split(), tmp_path / name, "-o", tmp_path / "out")
        assert result.exit_code == 1
        assert result.stderr == f"1 of 1 inputs failed:\n  {tmp_path / name} {sentence}\n"
        assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("no_model")
def test_a_folder_of_the_wrong_things(clips, picture, tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    picture.rename(folder / "000.png")
    assert "; `unimo i2vm` takes pictures." in unimo("v2m", folder, "-o", tmp_path / "out").stderr
    assert "; `unimo v2m` takes videos." in unimo("i2vm", clips, "-o", tmp_path / "out").stderr


@pytest.mark.usefixtures("no_model")
def test_an_output_that_cannot_be_is_said_before_a_model_is_loaded(clips, picture, tmp_path):
    (tmp_path / "file").touch()
    still_motion().save(tmp_path / "walk.npz")
    for command in (
        ["v2m", clips / "one.mp4"],
        ["i2vm", picture],
        ["demo"],
        ["data", "redraw", tmp_path],
        ["data", "convert", tmp_path / "walk.npz"],
    ):
        for output in (tmp_path / "file", tmp_path / "file" / "deep"):
            result = unimo(*command, "-o", output)
            assert result.exit_code == 1
            assert f"{tmp_path / 'file'} is no folder" in result.stderr


@pytest.mark.usefixtures("no_model")
def test_shards_that_are_none_are_said_before_a_model_is_loaded(clips, tmp_path):
    assert "is no folder of code shards" in unimo("data", "redraw", clips, "-o", tmp_path / "out").stderr


def test_motions_that_cannot_be_read_are_said(clips):
    result = unimo("evaluate", "motion-vqvae", clips / "one.mp4")
    assert result.exit_code == 1
    assert "No motion could be read; the first error: " in result.stderr
    assert "one.mp4" in result.stderr
