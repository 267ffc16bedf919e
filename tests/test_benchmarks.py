# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The benchmarks run and write the rows they promise; what they measure here, on untrained models, means nothing."""

import importlib
import json
import shutil
import subprocess
import sys
from itertools import islice
from random import Random

import pytest
import torch

from unimo_hf import (
    MotionVQVAE,
    MotionVQVAEConfig,
    UniMoConfig,
    UniMoForConditionalGeneration,
    VideoFSQ,
    VideoFSQConfig,
)

KEYS = {"workload", "peer", "metric", "ratio", "min", "max", "rounds"}


@pytest.fixture
def run(repository, monkeypatch, tmp_path):
    """Runs a benchmark and returns its rows."""
    monkeypatch.syspath_prepend(str(repository / "benchmarks"))
    threads = torch.get_num_threads()

    def run(name, *options):
        file = tmp_path / "rows.json"
        monkeypatch.setattr("sys.argv", [name, "--json", str(file), "--rounds", "1", *options])
        importlib.import_module(name).main()
        return json.loads(file.read_text(encoding="utf-8"))

    yield run
    torch.set_num_threads(threads)


def micro_checkpoint(folder):
    from unimo_hf.training.unimo import make_processor

    video_fsq = VideoFSQ(VideoFSQConfig(channels=8, channel_multipliers=[1, 1, 1], num_res_blocks=1, levels=[4, 4]))
    motion_vqvae = MotionVQVAE(MotionVQVAEConfig(factors=[1, 4], widths=[8, 8], depth=1, codebook_size=16))
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "head_dim": 8}
    config = UniMoConfig(
        **sizes,
        modalities=[
            {"name": "visual", "size": 16, "grid": [2, 2], "frames": 8},
            {"name": "motion", "size": 16, "grid": [2, 2]},
        ],
        frames=9,
        num_attention_heads=2,
        num_key_value_heads=1,
    )
    UniMoForConditionalGeneration(config).save_pretrained(folder)
    make_processor(config, motion_vqvae, 32).save_pretrained(folder)
    motion_vqvae.save_pretrained(folder / "motion_vqvae")
    video_fsq.save_pretrained(folder / "video_fsq")


def test_rendering(run):
    rows = run("rendering", "--clips", "2", "--size", "32")
    assert len(rows) == 3
    assert all(set(row) >= KEYS for row in rows)
    assert rows[0]["ratio"] > 1


def test_decoding(run, tmp_path):
    micro_checkpoint(tmp_path / "model")
    rows = run("v2m_decode", "--model", str(tmp_path / "model"), "--threads", "1", "--seconds", "1")
    assert len(rows) == 3
    assert all(set(row) >= KEYS for row in rows)


def test_motion_tokenizer(run, tmp_path):
    micro_checkpoint(tmp_path / "model")
    options = ("--model", str(tmp_path / "model"), "--threads", "1", "--seconds", "40", "--piece", "2")
    whole, one_pass = run("motion_vqvae_speed", *options)
    assert all(set(row) >= KEYS for row in (whole, one_pass))
    assert whole["peer"] == "the limit (60 s an hour)"
    assert whole["per_second"] == pytest.approx(40 * 30 / whole["seconds"], rel=0.01)
    assert whole["peak_mebibytes"] >= whole["peak_mebibytes_of_the_piece"] > 0


def test_body(run):
    rows = run("body_speed", "--frames", "3", "--threads", "1")
    assert [row["peer"] for row in rows] == ["smplx.lbs", "the limit (1 s)", "smplx.lbs"]
    assert all(set(row) >= KEYS for row in rows)


@pytest.fixture
def ablation(repository, monkeypatch):
    """The module of the ablation; its neighbours and the smallest recipes can be imported too."""
    for folder in ("benchmarks", "tests/training"):
        monkeypatch.syspath_prepend(str(repository / folder))
    return importlib.import_module("motion_vqvae_ablation")


def test_the_papers_tables_hold_what_they_claim(ablation):
    from paper_claims import CLAIMS, OWN_CLAIMS, PAPER, judge

    judged = list(judge({name: [numbers] for name, numbers in PAPER.items()}))
    assert len(judged) == len(CLAIMS) - 1  # of one decoder there is no figure
    assert all(claim["holds"] and claim["margin"] == claim["paper_margin"] > 0 for claim in judged)
    names = {setting.name for setting in ablation.SETTINGS}
    assert names >= {name for claim in (*CLAIMS, *OWN_CLAIMS) for name in (claim.better, claim.worse)}


def test_a_claim_that_does_not_hold(ablation):
    from paper_claims import advantage, judge

    rows = {"s=36 B=512": [{"mpjpe": 20.0}, {"mpjpe": 40.0}], "s=54 B=512": [{"mpjpe": 30.0}, {"mpjpe": 20.0}]}
    (claim,) = judge(rows)
    assert (claim["claim"], claim["holds"], claim["margin"]) == ("54 codes a frame are too many", False, -5.0)
    assert (claim["ratio"], claim["min"], claim["max"]) == (0.8333, 0.5, 1.5)
    assert claim["paper_margin"] == pytest.approx(11.8932 - 8.6344)
    assert advantage([90.0], [60.0], "codebook_utilisation")["ratio"] == 1.5


def test_rows_of_the_ablation(ablation, repository):
    from unimo_hf.training.motion_vqvae import MotionVQVAELoss, MotionVQVAERecipe
    from unimo_hf.training.recipe import load_recipe

    base = load_recipe(repository / "configuration" / "train_motion_vqvae_tiny.yaml", MotionVQVAERecipe)
    recipes = ablation.chosen_recipes(base, ["tiny", "paper"], "*")
    configs = {name: recipe.build_config(MotionVQVAEConfig) for name, recipe in recipes.items()}
    for name, config in configs.items():
        codes, size = (int(part[2:]) for part in name.split()[1:3])
        assert (config.codes_per_frame, config.codebook_size) == (codes, size)
    # Codes of the shipped kind are ordered a little, those of the paper's are not: other orders are rows of their own.
    assert not configs["tiny s=36 B=512 unordered"].ordered_codes
    assert configs["tiny s=36 B=512 ordered"].ordered_codes > configs["tiny s=36 B=512"].ordered_codes > 0
    assert configs["paper s=36 B=512 ordered"].ordered_codes
    for reference, same in (("tiny s=36 B=512", "axis_angle_6d"), ("paper s=36 B=512", "6d")):
        assert configs[reference].to_dict() == configs[f"{reference} {same}"].to_dict()
    assert len(configs) == 2 * len(ablation.SETTINGS)
    paper = recipes["paper s=36 B=512"]
    assert paper.loss == MotionVQVAELoss()
    assert not any((paper.fit_start, paper.frozen_codes))
    assert configs["paper s=36 B=512"].factors == [2, 2, 3, 3]
    with pytest.raises(ValueError, match=r"--rows 's=36' fits none"):
        ablation.chosen_recipes(base, ["tiny"], "s=36")


@pytest.fixture
def micro_ablation(ablation, assets, tmp_path):
    """Options of an ablation of the smallest networks, two steps each, scored on two clips."""
    import micro_recipes
    import yaml

    from unimo_hf.motion.motion import load_collection

    motions = [motion.resample(15) for _, motion in load_collection(assets / "motions" / "test")]
    for number, motion in enumerate([motion for motion in motions if len(motion) >= 65][:2]):
        motion[:65].save(tmp_path / "motions" / f"{number}.npz")
    values = {
        "tokenizer": micro_recipes.motion_vqvae_recipe(assets),
        "ar": micro_recipes.unimo_recipe(assets, tmp_path),
    }
    # The probe goes on from the model that ships, with pictures of its size.
    values["ar"] |= {"size": 128, "drawn": values["ar"]["drawn"] | {"size": 128}}
    for name, recipe in values.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    options = ["--steps", "2", "--threads", "1"]
    files = {"output": "run", "test": "motions", "recipe": "tokenizer.yaml", "ar-recipe": "ar.yaml"}
    for name, file in files.items():
        options += [f"--{name}", str(tmp_path / file)]
    return options


def test_ablation(run, micro_ablation, capsys):
    rows = run("motion_vqvae_ablation", *micro_ablation, "--rows", "tiny s=36 B=5*[2xd]")
    settings = {row["workload"].removeprefix("tiny s=36 B=512").strip(): row for row in rows if "claim" not in row}
    assert list(settings) == ["", "6d", "matrix", "axis_angle_6d", "ordered", "unordered"]
    reference, same, matrix = (settings[name] for name in ("", "6d", "matrix"))
    assert same == reference | {"workload": same["workload"]}  # equal recipes are measured once, the time too
    claim = next(row for row in rows if "claim" in row)
    assert all(set(row) >= KEYS for row in (reference, matrix, claim))
    assert (reference["ratio"], reference["paper_mpjpe"], reference["seeds"]) == (1.0, 8.6344, [0])
    assert matrix["ratio"] == pytest.approx(reference["mpjpe"] / matrix["mpjpe"], abs=1e-4)
    assert claim["claim"] == "6D rotations are better than matrices"
    assert claim["holds"] == (matrix["mpjpe"] > reference["mpjpe"])
    for key in ("pa_mpjpe", "pve", "accel", "root_position", "parameters", "weights", "seconds", "bits_per_frame"):
        assert reference[key] > 0, key
    assert all(f"mpjpe_first_{kept}" in reference for kept in (1, 2, 4, 9, 18, 36))
    assert "claims" in capsys.readouterr().out

    # What is finished is not repeated: not even the time differs.
    (again,) = run("motion_vqvae_ablation", *micro_ablation, "--rows", "tiny s=36 B=512")
    assert again == reference


@pytest.mark.slow
def test_ablation_judged_by_the_model(run, micro_ablation):
    (row,) = run("motion_vqvae_ablation", *micro_ablation, "--rows", "tiny s=36 B=256", "--ar-steps", "2")
    assert 0 < row["v2m_mpjpe"] < 2000
    assert row["v2m_constant_mpjpe"] > 0
    assert row["ar_steps"] == 2


HOSTILE_SAMPLE = ("motions/[bclrsw]*", "recipes/texts", "names/outputs")  # those that take no time


def test_hostile_inputs(repository, tmp_path):
    """Planted faults are found, and a sample of the cases has none; in a process that has started no thread yet."""
    command = [sys.executable, "benchmarks/hostile_inputs.py", "--self-check", "--json", str(tmp_path / "rows.json")]
    command += ["--kinds", *HOSTILE_SAMPLE, "--cases", "12"]
    ended = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    rows = json.loads((tmp_path / "rows.json").read_text(encoding="utf-8"))
    assert all(set(row) >= KEYS for row in rows)
    assert sum(row["rounds"] for row in rows) == 12


@pytest.fixture
def killed_runs(repository, monkeypatch):
    """The module; its neighbours can be imported too."""
    monkeypatch.syspath_prepend(str(repository / "benchmarks"))
    return importlib.import_module("killed_runs")


def test_what_a_killed_run_loses_doubles_or_leaves_is_found(killed_runs, tmp_path):
    output = killed_runs.prepare(tmp_path / "whole")
    (output / "000000.mp4").write_bytes(b"drawn")
    (output / "log.jsonl").write_text('{"step": 1, "seconds": 2.0}\n{"step": 2, "seconds": 3.0}\n', encoding="utf-8")
    whole = killed_runs.contents(output)
    shutil.copytree(output, tmp_path / "again")
    again = tmp_path / "again"
    (again / "log.jsonl").write_text('{"step": 1, "seconds": 9.0}\n{"step": 2, "seconds": 1.0}\n', encoding="utf-8")
    assert killed_runs.differences(killed_runs.contents(again), whole) == []

    (again / "log.jsonl").write_text('{"step": 1}\n{"step": 1}\n{"step": 2}\n', encoding="utf-8")
    (again / "000000.mp4").write_bytes(b"draw")
    (again / ".unimo-unfinished").mkdir()
    (again / "notes.txt").unlink()
    found = killed_runs.contents(again)
    expected = [".unimo-unfinished is too much", "000000.mp4 differs", "log.jsonl differs", "notes.txt is missing"]
    assert killed_runs.differences(found, whole) == expected
    half = killed_runs.half_files(found, whole, goes_on=False)
    assert half == ["notes.txt is missing", "000000.mp4 is not whole"]


def test_moments_of_kills_are_drawn_over_the_run_and_over_its_writing(killed_runs):
    whole = killed_runs.Unbroken({}, {"start": 10.0, "lock": 2.0, "first file": 1.0})
    drawn, again, others = (list(islice(killed_runs.moments(whole, Random(seed)), 20)) for seed in (0, 0, 1))
    assert drawn == again != others
    assert all(0 <= moment.seconds <= whole.lasts[moment.since] for moment in drawn)
    assert max(moment.seconds for moment in drawn) > 8
    assert len({moment[1:] for moment in drawn}) == 6


@pytest.mark.slow
def test_killed_runs(repository, tmp_path):
    command = [sys.executable, "benchmarks/killed_runs.py", "--runs", "encode", "--moments", "2"]
    command += ["--json", str(tmp_path / "rows.json")]
    ended = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    (row,) = json.loads((tmp_path / "rows.json").read_text(encoding="utf-8"))
    assert set(row) >= KEYS
    assert row["rounds"] == len(row["kills"]) == 2
