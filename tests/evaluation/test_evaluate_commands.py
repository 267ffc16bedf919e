# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""`unimo evaluate …` from end to end, on a checkpoint of micro-sized networks with random weights."""

import json

import numpy as np
import pytest
from evaluation_fakes import make_motion
from micro_checkpoint import FRAMES, MOTION_CODES, SIZE, write_micro_checkpoint
from typer.testing import CliRunner

from unimo_hf.cli.app import app
from unimo_hf.data.rendering import render_clips
from unimo_hf.evaluation.load_motion_vqvae import load_motion_vqvae
from unimo_hf.metrics.pose import ACCEL_VARIANTS

pytestmark = pytest.mark.filterwarnings("ignore")  # random networks and two clips: everything is degenerate
TABLE_1 = {"mpjpe": "mm", "pa_mpjpe": "mm", "pve": "mm", "accel": "m/s²", "codebook_utilisation": "%"}
TOKENIZER = {"root_position": "mm", "weights": "MB", "code_entropy_order_2": "bits a code", "mpjpe_first_1": "mm"}
WORLD = {"wa_mpjpe100": "mm", "w_mpjpe100": "mm", "rte": "%", "jitter": "10 m/s³", "foot_sliding": "mm"}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_micro_checkpoint(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def motions(tmp_path_factory):
    folder = tmp_path_factory.mktemp("motions")
    for number, frames in enumerate((140, 70, 30)):
        make_motion(number, frames=frames).save(folder / f"{number}.npz")
    return folder


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    walk = tmp_path_factory.mktemp("walk") / "walk.npz"
    time = np.arange(40)[:, None] / 15
    motion = make_motion(0, frames=40)
    world = type(motion)(motion.body_pose, np.zeros((40, 3)), time * [[0, 0, 1]], np.zeros(10), 15, "world", "y")
    world.save(walk)
    options = {"clips": 3, "size": SIZE, "frames": FRAMES, "workers": 1, "progress": False}
    return render_clips(walk, tmp_path_factory.mktemp("clips"), **options).parent


def evaluate(*arguments):
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


def result_of(*arguments):
    run = evaluate(*arguments, "--json")
    assert run.exit_code == 0, run.output
    return json.loads(run.stdout)


def test_motion_vqvae(checkpoint, motions):
    result = result_of("motion-vqvae", "--model", checkpoint, "--motions", motions)
    assert (result["clips"], result["clip_frames"], result["frames_left_out"]) == (3, 65, 240 - 3 * 65)
    for name, unit in (TABLE_1 | TOKENIZER | WORLD).items():
        assert result["units"][name] == unit
        assert set(result["protocol"][name]) == {"points", "alignment", "variant"}
    assert result["metrics"]["mpjpe"] > 10
    assert 0 < result["metrics"]["codebook_utilisation"] <= 100
    assert result["metrics"]["code_entropy_order_0"] <= np.log2(MOTION_CODES) + 0.1
    weights = checkpoint / "motion_vqvae" / "model.safetensors"
    assert result["metrics"]["weights"] == weights.stat().st_size / 1e6
    # Both ways to name motions, and the tokenizer by itself, give the same numbers.
    again = result_of("motion-vqvae", motions, "-m", checkpoint / "motion_vqvae")
    assert again["metrics"] == result["metrics"]


def test_motion_vqvae_as_a_table(checkpoint, motions):
    run = evaluate("motion-vqvae", motions, "--model", checkpoint, "--frames", 20)
    assert run.exit_code == 0
    for words in ("clip_frames 20", "mpjpe_first_18", "root_position", "bits a code", "smplx22", "gvhmr, at 15 fps"):
        assert words in run.stdout


def test_motion_vqvae_needs_motions_and_a_tokenizer(checkpoint, motions, tmp_path):
    run = evaluate("motion-vqvae", "--model", checkpoint)
    assert run.exit_code == 2
    assert "at least one motion" in run.output
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match="has the model_type None; 'unimo_motion_vqvae'"):
        load_motion_vqvae(tmp_path)
    with pytest.raises(ValueError, match="There is no checkpoint 'gone'"):
        load_motion_vqvae("gone")


def test_a_bad_file_of_many_is_told_at_the_end(checkpoint, motions, tmp_path):
    (tmp_path / "bad.npz").write_bytes(b"no archive")
    run = evaluate("motion-vqvae", motions, tmp_path / "bad.npz", "-m", checkpoint, "--json")
    assert run.exit_code == 1
    result = json.loads(run.stdout)
    assert result["clips"] == 3
    assert [failure["input"] for failure in result["failures"]] == [str(tmp_path / "bad.npz")]


def test_v2m(checkpoint, clips):
    result = result_of("v2m", clips, "--model", checkpoint)
    assert {*TABLE_1, *WORLD} - {"codebook_utilisation"} <= result["metrics"].keys()
    assert set(result["decodings"]) == {"greedy", "mean", "sampled"}


def test_i2vm(checkpoint, clips):
    result = result_of("i2vm", clips, "--model", checkpoint)
    assert result["metrics"]["fid_kinetic"] > 0
    assert result["protocol"]["fid_kinetic"]["variant"] == "3 generated, 3 real"
    assert result["metrics"]["fid_manual"] is None  # who stands stiff holds all manual features
    assert result["baselines"]["real_clips"]["div_kinetic"] > 0
    assert 0 < result["metrics"]["temporal_flickering"] <= 1
    table = evaluate("i2vm", clips, "--model", checkpoint)
    for words in ("fid_kinetic", "temporal_flickering", "real_clips"):
        assert words in table.stdout


@pytest.mark.parametrize("command", ["motion-vqvae", "v2m", "i2vm"])
def test_the_variant_of_accel(checkpoint, motions, clips, command):
    inputs = {"motion-vqvae": (motions, "--frames", 20)}.get(command, (clips,))
    arguments = (command, *inputs, "--model", checkpoint)
    by_default, gvhmr, wham = (
        result_of(*arguments, *option) for option in ((), *(("--accel-variant", name) for name in ACCEL_VARIANTS))
    )
    assert by_default == gvhmr
    assert gvhmr["protocol"]["accel"]["variant"] == "gvhmr, at 15 fps"
    assert wham["protocol"]["accel"]["variant"] == "wham, at 15 fps"
    assert wham["metrics"]["accel"] != gvhmr["metrics"]["accel"]
    assert wham["metrics"]["mpjpe"] == gvhmr["metrics"]["mpjpe"]
    wrong = evaluate(*arguments, "--accel-variant", "hmr2")
    assert wrong.exit_code == 2
    for word in ("--accel-variant", "'hmr2'", *ACCEL_VARIANTS):
        assert word in wrong.output


def test_video_fsq(checkpoint, clips):
    assert result_of("video-fsq", clips, "--model", checkpoint)["metrics"]["psnr"] > 0
