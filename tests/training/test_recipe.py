# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Recipes: what is read, what is refused, and that every recipe of the repository can be read."""

from pathlib import Path

import pytest
import torch
import yaml

from unimo_hf import (
    MotionVQVAE,
    MotionVQVAEConfig,
    UniMoConfig,
    UniMoForConditionalGeneration,
    VideoFSQ,
    VideoFSQConfig,
)
from unimo_hf.pipelines.checkpoint import locate_network
from unimo_hf.training.motion_vqvae import MotionVQVAERecipe
from unimo_hf.training.recipe import Optimisation, Recipe, load_recipe
from unimo_hf.training.unimo import UniMoRecipe
from unimo_hf.training.video_fsq import VideoFSQRecipe

STAGES = {
    "motion_vqvae": (MotionVQVAERecipe, MotionVQVAEConfig),
    "video_fsq": (VideoFSQRecipe, VideoFSQConfig),
    "unimo": (UniMoRecipe, UniMoConfig),
}
MINIMAL = {"output": "runs/x", "model": {}}


def write(tmp_path, values):
    path = tmp_path / "recipe.yaml"
    path.write_text(values if isinstance(values, str) else yaml.safe_dump(values), encoding="utf-8")
    return path


RECIPES = sorted((Path(__file__).parents[2] / "configuration").glob("train_*.yaml"))


def kinds_of(path):
    return next(kinds for stage, kinds in STAGES.items() if path.stem.startswith(f"train_{stage}_"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipes_of_the_repository(repository, monkeypatch, path):
    monkeypatch.chdir(repository)
    kind, config = kinds_of(path)
    recipe = load_recipe(path, kind)
    assert isinstance(recipe.build_config(config), config)
    outputs = {load_recipe(other, kinds_of(other)[0]).output for other in RECIPES} | {"runs/cosmos_ar_4b"}  # converted
    assert recipe.start is None or recipe.start in outputs or (repository / recipe.start / "config.json").exists()


def test_the_papers_recipes(repository, monkeypatch):
    monkeypatch.chdir(repository)
    recipe = load_recipe("configuration/train_unimo_paper.yaml", UniMoRecipe)
    assert recipe.options == type(recipe.options)()
    assert recipe.build_config(UniMoConfig) == UniMoConfig()
    assert (recipe.optimisation.learning_rate, recipe.optimisation.batch_size) == (1e-4, 1)
    recipe = load_recipe("configuration/train_motion_vqvae_paper.yaml", MotionVQVAERecipe)
    assert recipe.loss == type(recipe.loss)()
    assert recipe.build_config(MotionVQVAEConfig).to_dict() == MotionVQVAEConfig(fps=recipe.data.fps).to_dict()
    assert (recipe.optimisation.learning_rate, recipe.optimisation.batch_size) == (4e-5, 128)
    assert recipe.data.frames == 32


@pytest.mark.parametrize("name", ["single", "ddp", "fsdp2"])
def test_settings_of_accelerate(repository, name):
    from accelerate.commands.config.config_args import load_config_from_file

    settings = load_config_from_file(str(repository / "configuration" / f"accelerate_{name}.yaml"))
    assert settings.num_processes == (1 if name == "single" else 8)
    if name == "fsdp2":
        assert settings.fsdp_config["fsdp_version"] == 2


def test_what_is_left_out_has_a_default(tmp_path):
    recipe = load_recipe(write(tmp_path, MINIMAL), MotionVQVAERecipe)
    assert recipe.optimisation == Optimisation()
    assert recipe.loss.joints == 0.0


def test_numbers_may_be_written_as_yaml_takes_them(tmp_path):
    text = "output: x\nmodel: {}\noptimisation: {learning_rate: 4e-5, gradient_clip: 1, betas: [0.9, 0.95]}\n"
    optimisation = load_recipe(write(tmp_path, text), Recipe).optimisation
    assert optimisation.learning_rate == 4e-5
    assert optimisation.gradient_clip == 1.0
    assert optimisation.betas == (0.9, 0.95)


def test_the_command_line_comes_before_the_file(tmp_path):
    path = write(tmp_path, MINIMAL)
    assert load_recipe(path, Recipe, output="elsewhere").output == "elsewhere"
    assert load_recipe(path, Recipe, output=None).output == "runs/x"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("[1, 2]", "holds list; a recipe is a mapping"),
        ("a: b: c", "not a readable YAML recipe"),
        ({"model": {}}, "output is missing"),
        ({**MINIMAL, "optimization": {}}, "'optimization' is no field; allowed are"),
        ({**MINIMAL, "optimisation": {"step": 3}}, r"optimisation\.'step' is no field; allowed"),
        ({**MINIMAL, "optimisation": 3}, "optimisation is 3; a mapping is needed"),
        ({**MINIMAL, "optimisation": {"steps": 1.5}}, r"steps is 1\.5; int is needed"),
        ({**MINIMAL, "optimisation": {"learning_rate": "quick"}}, "learning_rate is 'quick'; float is needed"),
        ({**MINIMAL, "optimisation": {"learning_rate": True}}, "learning_rate is True"),
        (
            {**MINIMAL, "optimisation": {"log_every": 0}},
            r"recipe.yaml: optimisation\.log_every is 0; a whole number from 1",
        ),
        ({**MINIMAL, "optimisation": {"mixed_precision": "fp8"}}, "mixed_precision is 'fp8'; allowed are"),
        ({**MINIMAL, "optimisation": {"learning_rate": 0}}, "learning_rate is 0.0"),
        ({**MINIMAL, "data": {"fps": [15]}}, r"data\.fps is \[15\]"),
    ],
)
def test_errors_name_the_file_and_the_field(tmp_path, values, message):
    path = write(tmp_path, values)
    with pytest.raises(ValueError, match=message) as error:
        load_recipe(path, MotionVQVAERecipe)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("kind", [MotionVQVAE, VideoFSQ, UniMoForConditionalGeneration])
def test_a_recipe_starts_from_what_ships(kind):
    model = Recipe(output="runs", start="unimo-tiny").build_model(kind)
    path = locate_network(kind, "unimo-tiny")
    expected = kind.from_pretrained(path, dtype=torch.float32).state_dict()
    assert all(torch.equal(weight, expected[name]) for name, weight in model.state_dict().items())


def test_a_missing_file(tmp_path):
    with pytest.raises(ValueError, match=r"gone\.yaml is not a readable"):
        load_recipe(tmp_path / "gone.yaml", Recipe)


def test_the_model_of_a_recipe_from_a_file(tmp_path):
    MotionVQVAEConfig(depth=2, fps=30.0).to_json_file(tmp_path / "config.json")
    recipe = Recipe("x", {"file": str(tmp_path / "config.json"), "codebook_size": 64})
    config = recipe.build_config(MotionVQVAEConfig, fps=15.0)
    assert (config.depth, config.codebook_size, config.fps) == (2, 64, 30.0)
    with pytest.raises(ValueError, match=r"none\.json is missing"):
        Recipe("x", {"file": str(tmp_path / "none.json")}).build_config(MotionVQVAEConfig)


@pytest.mark.parametrize(("kind", "field"), [(kind, "hiddensize") for _, kind in STAGES.values()])
def test_a_misspelt_field_of_the_model(kind, field):
    with pytest.raises(ValueError, match=rf"unknown fields \['{field}'\]"):
        Recipe("x", {field: 8}).build_config(kind)


def test_a_wrong_value_of_the_model():
    with pytest.raises(ValueError, match="rotation is 'euler'"):
        Recipe("x", {"rotation": "euler"}).build_config(MotionVQVAEConfig)


def test_the_ar_model_needs_clips(tmp_path):
    minimal = {**MINIMAL, "tokenizers": {"video_fsq": "a", "motion_vqvae": "b"}}
    with pytest.raises(ValueError, match=r"recipe.yaml: A recipe of the AR model names"):
        load_recipe(write(tmp_path, minimal), UniMoRecipe)
    with pytest.raises(ValueError, match="at least 1 clip"):
        load_recipe(write(tmp_path, {**minimal, "drawn": {"front": 0, "around": 0}}), UniMoRecipe)
