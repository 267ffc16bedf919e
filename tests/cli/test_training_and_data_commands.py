# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The commands that start long work hand their options on, and report what a user can mend in one line."""

import importlib
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from unimo_hf.cli.app import app


def unimo(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize("stage", ["motion-vqvae", "video-fsq", "unimo"])
def test_training_gets_its_recipe(stage, monkeypatch):
    calls = []
    module = importlib.import_module(f"unimo_hf.training.{stage.replace('-', '_')}")
    monkeypatch.setattr(module, "train", lambda recipe, **settings: calls.append((recipe, settings)))
    assert unimo("train", stage, "recipe.yaml", "-o", "runs/x", "--no-resume").exit_code == 0
    assert unimo("train", stage, "recipe.yaml").exit_code == 0
    assert calls == [
        (Path("recipe.yaml"), {"output": "runs/x", "resume": False}),
        (Path("recipe.yaml"), {"output": None, "resume": True}),
    ]


def test_a_recipe_that_is_not_there_is_one_line(tmp_path):
    result = unimo("train", "video-fsq", tmp_path / "gone.yaml")
    assert result.exit_code == 1
    assert "gone.yaml" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_recipe_with_a_misspelling_is_one_line(tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("output: runs\noptimization: {}\n", encoding="utf-8")
    result = unimo("train", "video-fsq", recipe)
    assert result.exit_code == 1
    assert "optimization" in result.stderr
    assert "Traceback" not in result.output


def test_rendering_gets_its_options(monkeypatch):
    from unimo_hf.data import rendering

    calls = []
    monkeypatch.setattr(rendering, "render_clips", lambda *arguments, **settings: calls.append((arguments, settings)))
    options = ["--clips", "3", "--seed", "5", "--size", "64", "--camera", "around", "--workers", "2"]
    result = unimo("data", "render", "motions", "-o", "clips", "--frames", "33", *options, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["clips"] == 3
    ((arguments, settings),) = calls
    assert [str(argument) for argument in arguments] == ["motions", "clips"]
    assert settings == {"clips": 3, "seed": 5, "size": 64, "camera": "around", "workers": 2, "frames": 33, "fps": 15.0}


def test_clips_become_shards(assets, micro_checkpoint, tmp_path):
    options = ["--clips", 2, "--frames", 9, "--size", 32, "--workers", 1]
    assert unimo("data", "render", assets / "motions" / "test", "-o", tmp_path / "clips", *options).exit_code == 0
    encode = ("data", "encode", tmp_path / "clips", "-o", tmp_path / "shards", "--model", micro_checkpoint, "--json")
    result = unimo(*encode)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["clips"] == 2
    assert {path.name for path in (tmp_path / "shards").iterdir()} == {"shard_00000.parquet", "shards.json"}
    again = unimo(*encode)
    assert again.exit_code == 1
    assert "is finished, it holds shards.json" in again.stderr


def test_the_folders_are_looked_at_before_a_model_is_loaded(tmp_path):
    result = unimo("data", "encode", tmp_path, "-o", tmp_path / "shards", "--model", "no/such-model")
    assert result.exit_code == 1
    assert "is no folder of clips" in result.stderr
