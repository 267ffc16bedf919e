# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Recipes: what is read, what is refused, and that every recipe of the repository can be read."""

import itertools
import math
import os
import shutil
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
from unimo_hf.training.unimo_recipe import Corruption, TaskShare, UniMoRecipe
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
    plain = UniMoRecipe("", tokenizers=recipe.tokenizers, shards="")
    for name in ("mixture", "corruption", "label_smoothing", "auxiliary", "init", "freeze"):
        assert getattr(recipe, name) == getattr(plain, name), name
    assert recipe.mixture == {"v2m": TaskShare(0.5), "i2vm": TaskShare(0.5)}
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
    text = "output: x\nmodel: {}\noptimisation: {learning_rate: 4e-5, steps: 200}\nloss: {joints: 1}\n"
    recipe = load_recipe(write(tmp_path, text), MotionVQVAERecipe)
    assert recipe.optimisation.learning_rate == 4e-5
    assert recipe.loss.joints == 1.0


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
        (
            {**MINIMAL, "optimisation": {"learning_rate": math.nan}},
            r"optimisation\.learning_rate is nan; a finite number",
        ),
        ({**MINIMAL, "optimisation": {"learning_rate": "inf"}}, r"optimisation\.learning_rate is inf"),
        (
            {**MINIMAL, "optimisation": {"learning_rate": 10**400}},
            r"optimisation\.learning_rate is 1000.*float is needed",
        ),
        (
            {**MINIMAL, "optimisation": {"workers": 10**6}},
            r"optimisation\.workers is 1000000; a whole number from 0 to 256",
        ),
        ({**MINIMAL, "optimisation": {"seed": -1}}, r"optimisation\.seed is -1"),
        ({**MINIMAL, "optimisation": {"steps": 10**30}}, r"optimisation\.steps is 1000000000000000000000000000000;"),
        ({**MINIMAL, "loss": {"root": math.inf}}, r"loss\.root is inf; a finite number of at least 0"),
        ({**MINIMAL, "data": {"clips": 0}}, r"data\.clips is 0; a whole number from 1"),
        ({**MINIMAL, "data": {"frames": -7}}, r"data\.frames is -7"),
        ({**MINIMAL, "validation_clips": 10**9}, r"validation_clips is 1000000000; a whole number from 1 to 10000"),
        ({**MINIMAL, "output": "a\nb"}, r"output is 'a\\nb'; text of one line"),
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


LAUGHS = "a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in itertools.pairwise("abcdefghij")
)
MERGES = LAUGHS.replace("[1, 2, 3, 4, 5, 6, 7, 8, 9]", "{x: 1}").replace("[*", "{<<: [*").replace("]\n", "]}\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1: 2\nnull: 3\noutput: x", "line 1 has the key '1'; a name is needed"),
        ("output: x\nmodel: {yes: 1}", "line 2 has the key 'yes'; a name is needed"),
        ("output: x\nmodel: {}\noutput: y", "line 3 has the key 'output' a second time"),
        ("? [1, 2]\n: 3", "a name is needed"),
        ("{a: " * 3000, "nested more than 16 deep"),
        ("{a: " * 30 + "1" + "}" * 30, "nested more than 16 deep"),
        ("a: &a [*a]", "nested more than 16 deep"),
        (LAUGHS, "more than 10000 values, with its aliases written out"),
        (MERGES, "nested more than 16 deep"),
        ("output: " + "x" * 70_000, "has more than 65536 bytes"),
        ("output: 0x" + "f" * 2000, "line 1 has a value of 2002 characters"),
        ("output: !!python/object/apply:os.getcwd []", "could not determine a constructor"),
        ("output: !!int ''", "not a readable YAML recipe"),
        ("output: 2024-99-99", "not a readable YAML recipe"),
        ("output: 1" + ":59" * 300 + ".5", "not a readable YAML recipe"),
        ("output: 2024-01-01", "output is datetime.date"),
        ("output: \x00", "not a readable YAML recipe"),
    ],
)
def test_yaml_that_is_no_recipe(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(ValueError, match=message) as error:
        load_recipe(path, Recipe)
    assert str(path) in str(error.value)


def test_anchors_may_be_used(tmp_path):
    path = write(tmp_path, "output: &name runs/x\nstart: *name\nmodel: &m {depth: 2}\n")
    assert load_recipe(path, Recipe).start == "runs/x"


def test_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(ValueError, match="not a readable YAML recipe: it is no file"):
            load_recipe(path, Recipe)


@pytest.mark.parametrize(
    ("network", "fields", "message"),
    [
        (MotionVQVAE, {"codebook_size": 160_000_000_000}, "`codebook_size` is 160000000000"),
        (MotionVQVAE, {"codebook_size": 2_000_000_000}, "parameters would take .* GB; this machine has"),
        (
            UniMoForConditionalGeneration,
            {"num_hidden_layers": 1_000_000},
            "`num_hidden_layers` is 1000000, which makes",
        ),
        (UniMoForConditionalGeneration, {"hidden_size": 999_999_996}, "parameters would take .* GB; this machine has"),
        (VideoFSQ, {"channels": 10**6}, "parameters would take .* GB; this machine has"),
    ],
)
def test_a_model_beyond_memory_is_refused_before_it_is_made(tmp_path, network, fields, message):
    path = write(tmp_path, {"output": "x", "model": fields})
    with pytest.raises(ValueError, match=message) as error:
        load_recipe(path, Recipe).build_model(network)
    assert f"{path}: model" in str(error.value)


def test_a_clip_beyond_memory(tmp_path):
    tokenizers = {"video_fsq": "a", "motion_vqvae": "b"}
    values = {"output": "x", "tokenizers": tokenizers, "drawn": {"size": 4096, "frames": 9993}}
    with pytest.raises(ValueError, match=r"drawn\.size is 4096, frames 9993; a clip would take 2.01e\+03 GB"):
        load_recipe(write(tmp_path, values), UniMoRecipe)


def test_a_start_that_is_damaged(tmp_path, micro_checkpoint):
    start = shutil.copytree(micro_checkpoint / "motion_vqvae", tmp_path / "start")
    recipe = load_recipe(write(tmp_path, {"output": "x", "start": str(start)}), Recipe)
    assert recipe.build_model(MotionVQVAE).config.codebook_size == 32
    (start / "model.safetensors").write_bytes(b"")
    with pytest.raises(ValueError, match=r"start/model\.safetensors can't be loaded: it has 0 bytes"):
        recipe.build_model(MotionVQVAE)
    (start / "config.json").write_text("[" * 10_000)
    with pytest.raises(ValueError, match=r"recipe\.yaml: start: .*start/config\.json is nested more than 32 deep"):
        recipe.build_model(MotionVQVAE)
    (start / "config.json").unlink()
    with pytest.raises(ValueError, match=r"recipe\.yaml: start: .*config\.json is missing"):
        recipe.build_model(MotionVQVAE)
    elsewhere = load_recipe(write(tmp_path, {"output": "x", "start": "nobody/nothing"}), Recipe)
    with pytest.raises(ValueError, match=r"recipe\.yaml: start: nobody/nothing is no folder here and could not be"):
        elsewhere.build_model(MotionVQVAE)


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


AR = {**MINIMAL, "shards": "runs/shards", "tokenizers": {"video_fsq": "a", "motion_vqvae": "b"}}


def test_a_mixture_in_the_fields_terms(tmp_path):
    text = """
        output: x
        shards: runs/shards
        tokenizers: {video_fsq: a, motion_vqvae: b}
        mixture:
          v2m: {weight: 2, data: runs/redrawn}
          i2vm: {weight: 1, data: [a, b]}
        corruption: {motion: {noise: 0.2, scheduled_sampling: 1}}
        label_smoothing: {motion: 2}
        freeze: lm_head
    """
    recipe = load_recipe(write(tmp_path, text), UniMoRecipe)
    assert recipe.mixture == {"v2m": TaskShare(2.0, ("runs/redrawn",)), "i2vm": TaskShare(1.0, ("a", "b"))}
    assert recipe.corruption == {"motion": Corruption(noise=0.2, scheduled_sampling=1.0)}
    assert recipe.label_smoothing == {"motion": 2.0}
    assert recipe.freeze == ("lm_head",)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"options": {"v2m_share": 1.0}}, "'options' is no field; allowed are"),
        ({"redrawn_shards": "x"}, "'redrawn_shards' is no field; allowed are"),
        ({"mixture": {}}, r"mixture has the tasks \[\], whose weights sum to 0"),
        ({"mixture": {"v2m": {"weight": 0}}}, r"mixture has the tasks \['v2m'\], whose weights sum to 0"),
        ({"mixture": {"t2m": {"weight": 1}}}, r"mixture names the task 't2m'; there are \['i2vm', 'v2m'\]"),
        ({"mixture": {"v2m": {}}}, r"mixture\.v2m\.weight is missing"),
        ({"mixture": {"v2m": 1.0}}, r"mixture\.v2m is 1\.0; a mapping is needed"),
        ({"mixture": ["v2m"]}, r"mixture is \['v2m'\]; a mapping is needed"),
        ({"mixture": {"v\n2": {"weight": 1}}}, r"mixture has the key 'v\\n2'; a name is needed"),
        ({"mixture": {"v2m": {"weight": -1}}}, r"mixture\.v2m\.weight is -1\.0; a finite number of at least 0"),
        (
            {"mixture": {"v2m": {"weight": 1, "single_frames": 2}}},
            r"mixture\.v2m\.single_frames is 2\.0; .* from 0 to 1",
        ),
        ({"mixture": {"v2m": {"weight": 1, "data": [3]}}}, r"mixture\.v2m\.data is 3; str is needed"),
        ({"corruption": {"motion": {"noise": 1.5}}}, r"corruption\.motion\.noise is 1\.5; .* from 0 to 1"),
        ({"corruption": {"motion": {"own": 1}}}, r"corruption\.motion\.'own' is no field"),
        ({"label_smoothing": {"motion": -1}}, r"label_smoothing\.motion is -1\.0; a finite number of at least 0"),
        ({"label_smoothing": 1.0}, r"label_smoothing is 1\.0; a mapping is needed"),
        ({"auxiliary": {"reading": 1}}, r"auxiliary\.'reading' is no field; allowed are \['pose', 'probe'\]"),
        ({"init": "zeros"}, r"init is 'zeros'; allowed are \['random', 'codebooks'\]"),
        ({"init": "codebooks", "start": "x"}, "init is 'codebooks' and start 'x', which has tables of its own"),
        ({"tokenizers": {"video_fsq": "a"}}, r"tokenizers\.motion_vqvae is missing"),
        ({"tokenizers": {**AR["tokenizers"], "sound": "c"}}, r"tokenizers names 'sound'; there are \["),
    ],
)
def test_what_a_recipe_of_the_ar_model_may_say(tmp_path, values, message):
    path = write(tmp_path, {**AR, **values})
    with pytest.raises(ValueError, match=message) as error:
        load_recipe(path, UniMoRecipe)
    assert str(path) in str(error.value)
