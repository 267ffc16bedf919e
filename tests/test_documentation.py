# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What the pages promise is there: links, commands and recipes."""

import ast
import builtins
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.main import get_command

from unimo_hf import Motion
from unimo_hf.cli.app import app
from unimo_hf.video.writing import write_video

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "assets" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "model_cards").glob("*.md")),
]


def code_of(page):
    return re.findall(r"```[a-z]*\n(.*?)```|`([^`\n]+)`", page.read_text(encoding="utf-8"), re.S)


def commands_of(page):
    lines = [line.strip() for block in code_of(page) for part in block for line in part.splitlines()]
    # `unimo v2m INPUT… -o OUT` stands for a form, not for a command.
    return [line for line in lines if re.match(r"unimo [a-z]", line) and "…" not in line]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_can_be_typed(page):
    for line in commands_of(page):
        command, arguments = get_command(app), shlex.split(line, comments=True)[1:]
        while hasattr(command, "commands") and arguments:
            assert arguments[0] in command.commands, line
            command = command.commands[arguments.pop(0)]
        if arguments:
            command.make_context(line, arguments)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_recipes_exist(page):
    for name in re.findall(r"configuration/[\w./-]+\.(?:ya?ml|json|txt)", page.read_text(encoding="utf-8")):
        assert (ROOT / name).exists(), f"{page.name} names {name}"


def python_of(page):
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.S)


def test_every_example_in_python_can_be_copied_alone():
    """It imports and makes all that it uses, and the package where transformers has to know our classes."""
    for page in [*PAGES, *(ROOT / "unimo_hf" / "checkpoints").glob("*/README.md")]:
        for code in python_of(page):
            names = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)]
            imports = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Import | ast.ImportFrom)]
            known = {alias.asname or alias.name.split(".")[0] for node in imports for alias in node.names}
            known |= {node.id for node in names if isinstance(node.ctx, ast.Store)} | set(dir(builtins))
            known |= {node.arg for node in ast.walk(ast.parse(code)) if isinstance(node, ast.arg)}
            assert {node.id for node in names} <= known, f"{page.name}: {code}"
            assert "unimo_hf" in code or "trust_remote_code" in code, f"{page.name}: {code}"


def test_python_of_the_readme_runs(tmp_path, monkeypatch):
    shutil.copyfile(ROOT / "unimo_hf/checkpoints/unimo-tiny/examples/person.png", tmp_path / "person.png")
    write_video(tmp_path / "clip.mp4", np.zeros((3, 128, 128, 3), np.uint8), fps=15)
    monkeypatch.chdir(tmp_path)
    ours, transformers = python_of(ROOT / "README.md")
    names: dict = {}
    exec(compile(ours, "README.md", "exec"), names)
    assert len(names["motion"]) == len(names["video"].frames)
    assert len(Motion.load(tmp_path / "clip.npz")) == 3
    # In an interpreter of its own: here transformers knows our tasks already.
    result = subprocess.run(
        [sys.executable, "-c", f"{transformers}\nprint(len(motion))"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == "3\n"


def test_examples_in_the_help_can_be_typed():
    def examples(command):
        if command.epilog:
            yield command.epilog.removeprefix("Example:  ")
        for deeper in getattr(command, "commands", {}).values():
            yield from examples(deeper)

    for line in examples(get_command(app)):
        command, arguments = get_command(app), shlex.split(line)[1:]
        while hasattr(command, "commands") and arguments:
            command = command.commands[arguments.pop(0)]
        command.make_context(line, arguments)
        for recipe in re.findall(r"configuration/\S+|assets/\S+", line):
            assert (ROOT / recipe).exists(), line


def test_nothing_is_left_to_fill_in():
    for card in (ROOT / "model_cards").glob("*.md"):
        assert "FILL" not in card.read_text(encoding="utf-8"), f"{card.name}: measure it"
