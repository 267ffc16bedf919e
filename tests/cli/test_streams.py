# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What a command prints where streams are closed, broken or know few characters, and that only its own words come."""

import json
import logging
import os
import subprocess
import sys
import warnings

import numpy as np

from unimo_hf import Motion
from unimo_hf.cli.libraries import own_remarks
from unimo_hf.data.clips import FORMAT_VERSION, LIST
from unimo_hf.video.writing import write_video

PRINTING = """
import os
from pathlib import Path
from unimo_hf.cli.reporting import print_json, print_table, say
from unimo_hf.cli.streams import prepare_streams

prepare_streams()
made = Path("made").open("w")
made.write("whole")
made.flush()
os.write(2, os.environ.get("NOISE", "").encode())
rows = [{"file": Path("walk\u2192.npz")}]
print_table("Made", rows)
print_json({"results": rows})
say("walk\u2192.npz is no video.", "Error:")
"""


def printed(folder, streams="", **environment):
    """What the commands' ways to print give in a shell that connects the streams as it is told."""
    return subprocess.run(
        ["bash", "-c", f'"$0" -c "$1" {streams}', sys.executable, PRINTING],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_closed_streams_do_not_end_in_the_file_that_is_written(tmp_path):
    for streams in ("<&- >&- 2>&-", ">&-", "2>&-"):
        assert printed(tmp_path, streams, NOISE="a library's own words").returncode == 0
        assert (tmp_path / "made").read_text() == "whole"


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    assert printed(tmp_path, "| head -c 0").stderr == ""


def test_a_terminal_that_knows_no_arrows(tmp_path):
    result = printed(tmp_path, PYTHONIOENCODING="ascii")
    assert result.stderr == "Error: walk\\u2192.npz is no video.\n"
    table, _, value = result.stdout.partition("{")
    assert r"walk\u2192.npz" in table
    assert json.loads("{" + value) == {"results": [{"file": "walk\u2192.npz"}]}


def motion(frames=9):
    place = np.tile([0.0, 0.0, 3.0], (frames, 1))
    return Motion(np.zeros((frames, 63)), np.zeros((frames, 3)), place, np.zeros(10), fps=15)


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
