# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Errors of a user become one line; one bad input of many stops nothing."""

import errno
import json
from pathlib import Path

import numpy as np
import pytest
import torch
import typer

from unimo_hf.cli.reporting import (
    Failure,
    describe_error,
    finish,
    is_users_error,
    print_json,
    progress_bar,
    run_each,
    say,
)


def test_errors_in_one_line():
    assert describe_error(ValueError("clip.mp4: no video\n  in it")) == "clip.mp4: no video in it"
    assert describe_error(FileNotFoundError(errno.ENOENT, "No such file or directory", "clip.mp4")) == (
        "clip.mp4: No such file or directory"
    )
    assert describe_error(ValueError("allowed: [1, 2]")) == r"allowed: [1, 2]"
    assert describe_error(ValueError()) == "ValueError"
    missing = ModuleNotFoundError("no diffusers", name="diffusers.models")
    assert "unimo_hf[diffusion]" in describe_error(missing).replace("\\", "")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("x"), True),
        (OSError("x"), True),
        (ModuleNotFoundError(name="diffusers.models"), True),
        (ModuleNotFoundError(name="unimo_hf.foo"), False),
        (TypeError("x"), False),
        (KeyError("x"), False),
    ],
)
def test_whose_error_it_is(error, expected):
    assert is_users_error(error) is expected


def test_one_bad_input_stops_nothing():
    def work(path, on_frames):
        on_frames(1, 2)
        if path.name == "bad":
            raise ValueError(f"{path}: bad indeed")
        return {"input": str(path)}

    rows, failures = run_each([Path("one"), Path("bad"), Path("two")], work, "testing")
    assert [row["input"] for row in rows] == ["one", "two"]
    assert failures == [Failure("bad", "bad: bad indeed")]


@pytest.mark.parametrize("error", [TypeError("a bug"), OSError(errno.ENOSPC, "No space left on device")])
def test_what_the_next_input_will_not_mend_stops_at_once(error):
    seen = []

    def work(path, on_frames):
        seen.append(path)
        raise error

    with pytest.raises(type(error)):
        run_each([Path("one"), Path("two")], work, "testing")
    assert len(seen) == 1


def test_finish_reports_failures_and_ends_with_1(capsys):
    with pytest.raises(typer.Exit) as stop:
        finish("Title", [{"input": "a"}], [Failure("b.mp4", "b.mp4: [odd] text")], as_json=True, model="m")
    assert stop.value.exit_code == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {
        "model": "m",
        "results": [{"input": "a"}],
        "failures": [{"input": "b.mp4", "error": "b.mp4: [odd] text"}],
    }
    assert "1 of 2 inputs failed" in captured.err
    assert "b.mp4: [odd] text" in captured.err


HOSTILE = "[red]a\x1b[2J\u202eb\udc80"


def test_what_a_terminal_would_obey_is_shown_and_json_is_json(capsys):
    rows = [{"input": Path(HOSTILE), "where": [HOSTILE]}]
    for as_json in (False, True):
        with pytest.raises(typer.Exit):
            finish(HOSTILE, rows, [Failure(HOSTILE, f"{HOSTILE}: bad")], as_json, model=HOSTILE)
    say(HOSTILE, "Error:")
    captured = capsys.readouterr()
    text = captured.out + captured.err
    assert not set("\x1b\u202e\udc80") & set(text)
    assert r"[red]a\x1b[2J\u202eb\udc80: bad" in text
    assert json.loads(captured.out[captured.out.index("\n{") :])["model"] == HOSTILE


def test_a_bar_shows_names_as_they_are():
    with progress_bar() as bar:
        task = bar.add_task(HOSTILE)
        (description,) = (column.render(bar.tasks[task]) for column in bar.columns[:1])
    assert description.plain == r"[red]a\x1b[2J\u202eb\udc80"


def test_numbers_of_numpy_and_torch_are_json(capsys):
    print_json({"a": np.float32(0.5), "b": torch.tensor(3), "path": Path("x")})
    assert json.loads(capsys.readouterr().out) == {"a": 0.5, "b": 3, "path": "x"}
