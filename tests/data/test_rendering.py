# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Folders of clips: the same whatever the number of workers, whole or without a list."""

import json
import math
import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

from unimo_hf.data import rendering
from unimo_hf.data.clips import LIST, load_clips
from unimo_hf.data.rendering import render_clips
from unimo_hf.motion.motion import Motion
from unimo_hf.provenance import Provenance
from unimo_hf.video.reading import probe_video, read_video

SETTINGS = {"clips": 4, "seed": 2, "size": 32, "frames": 9, "progress": False}


@pytest.fixture(scope="module")
def motions(assets):
    return assets / "motions" / "test"


@pytest.fixture(scope="module")
def folder(motions, tmp_path_factory):
    output = tmp_path_factory.mktemp("clips")
    assert render_clips(motions, output, workers=1, **SETTINGS) == output / LIST
    return output


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_two_workers_write_what_one_writes(folder, motions, tmp_path):
    render_clips(motions, tmp_path, workers=2, **SETTINGS)
    assert (tmp_path / LIST).read_text(encoding="utf-8") == (folder / LIST).read_text(encoding="utf-8")
    for ours, theirs in zip(load_clips(tmp_path), load_clips(folder), strict=True):
        ours, theirs = ours.load(), theirs.load()
        # Not byte for byte: how a library rounds may depend on where an array happens to lie in memory.
        assert np.abs(ours.pop("video").numpy().astype(float) - theirs.pop("video").numpy()).mean() < 0.5
        for key, values in theirs.items():
            np.testing.assert_allclose(ours[key], values, atol=1e-5, err_msg=key)


def test_another_seed_writes_something_else(folder, motions, tmp_path):
    render_clips(motions, tmp_path, workers=1, **{**SETTINGS, "seed": 3})
    assert contents(tmp_path)["000000.mp4"] != contents(folder)["000000.mp4"]


def test_a_folder_can_be_read_back(folder):
    clips = load_clips(folder)
    assert (len(clips), clips.size, clips.frames, clips.fps, clips.camera, clips.seed) == (4, 32, 9, 15.0, "front", 2)
    assert [clip.name for clip in clips] == ["000000", "000001", "000002", "000003"]
    assert clips[1:3] == [clips[1], clips[2]]
    clip = clips[0].load()
    assert clip["video"].shape == (9, 32, 32, 3)
    assert clip["betas"].shape == (9, 10)
    motion = Motion.load(clips[0].motion_path)
    assert motion.coordinates == "camera"
    assert motion.provenance == probe_video(clips[0].video_path).provenance == Provenance("rendered", seed=2)


def test_videos_are_nearly_lossless(folder, motions, monkeypatch):
    from unimo_hf.data.synthetic import ClipSettings, ClipSource
    from unimo_hf.motion.motion import load_collection

    settings = ClipSettings(frames=9, size=32, camera="front", mirror=False)
    drawn = ClipSource(load_collection(motions), settings, seed=2).draw(0).video
    read = np.asarray(read_video(load_clips(folder)[0].video_path).frames)
    error = np.square(read.astype(float) - drawn).mean()
    assert 10 * np.log10(255**2 / error) > 38


def test_an_interrupted_run_leaves_no_list_and_is_begun_again(folder, motions, tmp_path, monkeypatch):
    write, written = rendering.write_video, []

    def interrupted(path, *arguments, **options):
        written.append(path)
        if len(written) == 3:
            path.touch()
            raise KeyboardInterrupt
        return write(path, *arguments, **options)

    (tmp_path / ".gitlab-ci.yml").write_text("somebody else's")
    with monkeypatch.context() as patched:
        patched.setattr(rendering, "write_video", interrupted)
        with pytest.raises(KeyboardInterrupt):
            render_clips(motions, tmp_path, workers=1, **{**SETTINGS, "seed": 3})
    with pytest.raises(ValueError, match=r"clips\.json is missing"):
        load_clips(tmp_path)
    render_clips(motions, tmp_path, workers=1, **SETTINGS)
    found = contents(tmp_path)
    assert found.pop(".gitlab-ci.yml") == b"somebody else's"
    assert found.keys() == contents(folder).keys()
    assert found[LIST] == contents(folder)[LIST]


def test_what_somebody_else_put_there_stays(folder, motions, tmp_path):
    (tmp_path / "000002.npz").write_text("somebody else's")
    with pytest.raises(ValueError, match=r"000002\.npz exists already"):
        render_clips(motions, tmp_path, workers=1, **SETTINGS)
    assert contents(tmp_path) == {"000002.npz": b"somebody else's"}
    with pytest.raises(ValueError, match=r"is finished, it holds clips\.json"):
        render_clips(motions, folder, workers=1, **SETTINGS)


def test_an_error_in_a_worker_is_the_users_error(motions, tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device", "000000.mp4")

    monkeypatch.setattr(rendering, "write_video", full)
    with pytest.raises(OSError, match="No space left"):
        render_clips(motions, tmp_path, workers=2, **SETTINGS)
    assert not (tmp_path / LIST).exists()


def test_the_command(motions, tmp_path):
    from unimo_hf.cli.app import app

    arguments = ["data", "render", motions, "-o", tmp_path, "--clips", 1, "--size", 32, "--camera", "around", "--json"]
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["clips"] == 1
    assert load_clips(tmp_path).camera == "around"


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"clips": 0}, "clips is 0"), ({"frames": 16}, "frames is 16; a video has 8k"), ({"size": 33}, "size is 33")],
)
def test_settings_that_are_not_allowed(motions, tmp_path, settings, message):
    with pytest.raises(ValueError, match=message):
        render_clips(motions, tmp_path / "clips", **{**SETTINGS, **settings})
    assert not (tmp_path / "clips").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda facts: facts.update(format_version=2), "format_version is 2; 1 is needed"),
        (lambda facts: facts.update(format_version=True), "format_version is True; 1 is needed"),
        (lambda facts: facts.pop("fps"), "fps is None; a finite number from"),
        (lambda facts: facts.update(fps=math.nan), "fps is nan"),
        (lambda facts: facts.update(frames=-9), "frames is -9; a whole number from 1"),
        (lambda facts: facts.update(size=10**30), "size is 1000000000000000000000000000000"),
        (lambda facts: facts.update(size="32"), "size is '32'"),
        (lambda facts: facts.update(camera=["front"]), r"camera is \['front'\]; allowed are"),
        (lambda facts: facts.update(clips=[]), "lists 0 clips"),
        (lambda facts: facts.update(clips=[{"name": "x"}]), r"clips\[0\]\.source is None"),
        (lambda facts: facts.update(clips=[5]), r"clips\[0\] is 5; an object is needed"),
        (lambda facts: facts.update(clips=3), "clips is 3; a list is needed"),
        (
            lambda facts: facts["clips"][1].update(video="../away.mp4"),
            r"clips\[1\]\.video is '\.\./away\.mp4'; the plain",
        ),
        (lambda facts: facts["clips"][1].update(video="/etc/passwd"), r"clips\[1\]\.video"),
        (lambda facts: facts["clips"][1].update(motion="a\\b.npz"), r"clips\[1\]\.motion"),
        (lambda facts: facts["clips"][1].update(motion="a\n.npz"), r"clips\[1\]\.motion is 'a\\n\.npz'"),
        (lambda facts: facts["clips"][0].update(name="\x1b[31m"), r"clips\[0\]\.name is '\\x1b"),
        (lambda facts: facts["clips"][0].update(start=math.inf), r"clips\[0\]\.start is inf"),
    ],
)
def test_lists_that_are_wrong(folder, tmp_path, change, message):
    facts = json.loads((folder / LIST).read_text(encoding="utf-8"))
    change(facts)
    (tmp_path / LIST).write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(ValueError, match=message) as error:
        load_clips(tmp_path)
    assert LIST in str(error.value)


def test_a_list_that_is_no_json(tmp_path):
    for text in (
        "{",
        "[1]",
        "[" * 100_000,
        '{"clips": ' + "[" * 100 + "]" * 100 + "}",
        '{"clips": ' + "9" * 5000 + "}",
    ):
        (tmp_path / LIST).write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=LIST):
            load_clips(tmp_path)


def test_a_video_and_a_motion_that_differ_in_length(folder, tmp_path):
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    clip = load_clips(tmp_path)[0]
    Motion.load(clip.motion_path)[:5].save(clip.motion_path, fps=15)
    with pytest.raises(ValueError, match="has 9 frames, its motion 5"):
        clip.load()
