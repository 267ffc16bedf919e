# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What a command prints where streams are closed, broken or know few characters, and that only its own words come."""

import json
import logging
import os
import shlex
import subprocess
import sys
import warnings

import numpy as np
import pytest

from unimo_hf import Motion
from unimo_hf.cli.libraries import own_remarks
from unimo_hf.data.clips import FORMAT_VERSION, LIST
from unimo_hf.video.writing import write_video

UNIMO = f"{shlex.quote(sys.executable)} -c 'from unimo_hf.cli.app import main; main()'"


def shell(command, folder, **environment):
    return subprocess.run(
        ["bash", "-c", command.replace("unimo ", f"{UNIMO} ")],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def motion(frames=9):
    place = np.tile([0.0, 0.0, 3.0], (frames, 1))
    return Motion(np.zeros((frames, 63)), np.zeros((frames, 3)), place, np.zeros(10), fps=15)


@pytest.fixture
def folder(tmp_path):
    motion().save(tmp_path / "walk\u2192.npz")
    return tmp_path


def test_closed_streams_do_not_end_in_the_files_that_are_written(folder):
    result = shell("unimo data convert walk*.npz -o out <&- >&- 2>&-", folder)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert len(Motion.load(folder / "out" / "walk\u2192.npz")) == 9


@pytest.mark.parametrize("option", ["", "--json"])
def test_a_reader_that_goes_away_is_no_error(folder, option):
    result = shell(f"unimo data convert walk*.npz -o out {option} | head -c 0", folder)
    assert result.stderr == ""
    assert (folder / "out" / "walk\u2192.npz").exists()


def test_a_terminal_that_knows_no_arrows(folder):
    ascii_only = {"PYTHONIOENCODING": "ascii", "COLUMNS": "100"}
    (folder / "bad.bvh").write_text("HIERARCHY")
    result = shell("unimo data convert walk*.npz bad.bvh -o out", folder, **ascii_only)
    assert result.returncode == 1
    assert r"walk\u2192.npz" in result.stdout
    assert "1 of 2 inputs failed" in result.stderr
    result = shell("unimo data convert walk*.npz -o out/again --json", folder, **ascii_only)
    assert json.loads(result.stdout)["results"][0]["output"] == "out/again/walk\u2192.npz"


COMMANDS = """
from unimo_hf.cli.app import app
from unimo_hf.cli.libraries import quiet_libraries

quiet_libraries()
for arguments in (
    "data encode clips -o shards",
    "data redraw shards -o redrawn --clips 1",
    "v2m clips/0.mp4 -o out --no-overlay",
):
    app([*arguments.split(), "--model", "micro"], standalone_mode=False)
"""


def test_libraries_say_nothing(micro_checkpoint, tmp_path):
    (tmp_path / "micro").symlink_to(micro_checkpoint)
    (tmp_path / "clips").mkdir()
    for number in range(2):
        frames = np.random.default_rng(number).integers(0, 256, (9, 32, 32, 3), dtype=np.uint8)
        write_video(tmp_path / "clips" / f"{number}.mp4", frames, fps=15, crf=10, pixel_format="yuv444p")
        motion().save(tmp_path / "clips" / f"{number}.npz", fps=15)
    clips = [
        {"name": name, "video": f"{name}.mp4", "motion": f"{name}.npz", "source": "walk", "start": 0} for name in "01"
    ]
    facts = {"format_version": FORMAT_VERSION, "frames": 9, "fps": 15, "size": 32, "camera": "front", "seed": 0}
    (tmp_path / "clips" / LIST).write_text(json.dumps(facts | {"clips": clips}))
    result = subprocess.run(
        [sys.executable, "-c", COMMANDS], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""


def test_our_own_warnings_are_one_line_and_those_of_others_none(capsys):
    with own_remarks():
        for module in ("torch.nn", "unimo_hf.evaluation.scores"):
            warnings.warn_explicit(f"{module} has\nsomething to say", UserWarning, "file.py", 1, module)
        logging.getLogger("unimo_hf.training").info("going on")
    assert capsys.readouterr().err == "Warning: unimo_hf.evaluation.scores has something to say\ngoing on\n"
