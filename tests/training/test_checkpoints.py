# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Checkpoints hold all of a run and nothing that could be executed; what does not belong to them is never touched."""

import errno
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from unimo_hf.training import checkpoints, training_state
from unimo_hf.training.training_state import MAX_JSON_BYTES

sys.path.append(os.path.dirname(__file__))
from line_stage import BranchedStage, assert_same, changed, crash, last_checkpoint, run, stop, weights

FILES = {"model.safetensors", "optimizer.safetensors", "random_0.json", "state.json"}
PLANTED = ("custom_checkpoint_0.pkl", "random_states_0.pkl", "optimizer.bin", "pytorch_model.bin", "scheduler.bin")


class Mine:
    """A pickle that says when it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def stopped(folder, batch=3):
    with pytest.raises(KeyboardInterrupt):
        run(folder, at_step={batch: stop})
    (checkpoint,) = (folder / "checkpoints").iterdir()
    return checkpoint


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return weights(run(tmp_path_factory.mktemp("whole")))


@pytest.mark.parametrize("fields", [{}, {"gradient_accumulation_steps": 2}, {"workers": 2}], ids=str)
def test_a_run_goes_on_to_the_same_weights_moments_and_random_numbers(tmp_path, fields):
    optimisation = changed(save_every=1, **fields)
    batches = range(2, 6 * optimisation.gradient_accumulation_steps, 3)
    run(tmp_path / "whole", optimisation, stage=BranchedStage)
    for batch in batches if not optimisation.workers else [3]:
        with pytest.raises(RuntimeError, match="power failure"):
            run(tmp_path / "stopped", optimisation, resume=False, stage=BranchedStage, at_step={batch: crash})
        run(tmp_path / "stopped", optimisation, stage=BranchedStage)
        assert last_checkpoint(tmp_path / "stopped") == last_checkpoint(tmp_path / "whole")
    moments = load_file(next((tmp_path / "whole" / "checkpoints").glob("*/optimizer.safetensors")))
    later = 6 - 4 // optimisation.gradient_accumulation_steps
    assert float(moments["head.weight.step"]) == 6
    assert float(moments["late.weight.step"]) == later  # its first gradient came later
    assert not any(name.startswith("frozen") for name in moments)


class ScaledStage(BranchedStage):
    """Gradients are scaled as for fp16: the first steps are skipped, since half of float32's range is too much."""

    def __init__(self, accelerator, **options):
        super().__init__(accelerator, **options)
        accelerator.scaler = torch.amp.GradScaler(
            "cpu", init_scale=2.0**127, backoff_factor=2.0**-80, growth_interval=2
        )


@pytest.mark.parametrize("batch", [2, 5])
def test_the_scale_of_gradients_goes_on(tmp_path, batch):
    run(tmp_path / "whole", changed(save_every=1), stage=ScaledStage)
    with pytest.raises(RuntimeError, match="power failure"):
        run(tmp_path / "stopped", changed(save_every=1), stage=ScaledStage, at_step={batch: crash})
    kept = json.loads(last_checkpoint(tmp_path / "stopped")["state.json"])["gradient_scale"]
    assert (kept["scale"] == 2.0**47) == (batch == 2)
    run(tmp_path / "stopped", changed(save_every=1), stage=ScaledStage)
    assert last_checkpoint(tmp_path / "stopped") == last_checkpoint(tmp_path / "whole")


def test_a_checkpoint_is_numbers_and_follows_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        run(tmp_path, stage=BranchedStage)
    finally:
        os.umask(before)
    assert last_checkpoint(tmp_path).keys() == FILES
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"config.json", "model.safetensors", "training_only.safetensors"} < {path.name for path in files}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o640}


def test_nothing_planted_is_opened(tmp_path, whole, monkeypatch):
    checkpoint = stopped(tmp_path)
    for name in PLANTED:
        (checkpoint / name).write_bytes(pickle.dumps(Mine(tmp_path / "executed")))
    assert_same(weights(run(tmp_path)), whole)
    assert not (tmp_path / "executed").exists()
    assert {path.name for path in checkpoint.iterdir()} == set(PLANTED)  # strangers' files stay


def test_a_state_of_an_earlier_version_is_never_loaded(tmp_path, whole):
    earlier = tmp_path / "checkpoints" / "step_00000004"
    earlier.mkdir(parents=True)
    for name in ("custom_checkpoint_0.pkl", "random_states_0.pkl", "optimizer.bin"):
        (earlier / name).write_bytes(pickle.dumps(Mine(tmp_path / "executed")))
    save_file({"layer.weight": torch.zeros(1, 1)}, earlier / "model.safetensors")
    (tmp_path / "config.json").write_text("{}")  # the model of that run
    with pytest.raises(ValueError, match=r"step_00000004 is of an earlier version.*never loaded.*--no-resume"):
        run(tmp_path)
    assert_same(weights(run(tmp_path, resume=False)), whole)
    assert not (tmp_path / "executed").exists()
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step_00000006"]


def rewrite_tensors(change):
    def damage(path):
        tensors = load_file(path)
        change(tensors)
        save_file(tensors, path)
        sign(path)

    return damage


def rewrite_json(change):
    def damage(path):
        values = json.loads(path.read_text())
        change(values)
        path.write_text(json.dumps(values))
        if path.name != "state.json":
            sign(path)

    return damage


def sign(path):
    """What somebody does who wants damage to look like ours."""
    manifest = path.with_name("state.json")
    values = json.loads(manifest.read_text())
    values["checksums"][path.name] = training_state.checksum(path)
    manifest.write_text(json.dumps(values))


def flip(path):
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


def huge_header(path):
    path.write_bytes((2**40).to_bytes(8, "little") + path.read_bytes())
    sign(path)


WEIGHT = "layer.weight"
MOMENT = "layer.weight.exp_avg"


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("model.safetensors", flip, "it is not what was saved"),
        ("optimizer.safetensors", flip, "it is not what was saved"),
        ("random_0.json", flip, "it is not what was saved"),
        ("state.json", flip, "is not a JSON object"),
        ("model.safetensors", Path.unlink, "is missing"),
        ("random_0.json", Path.unlink, "is missing"),
        ("state.json", Path.unlink, "is missing"),
        ("state.json", lambda path: path.unlink() or os.mkfifo(path), "is no file"),
        ("random_0.json", lambda path: path.unlink() or os.mkfifo(path), "is no file"),
        ("model.safetensors", huge_header, "is damaged.*[Hh]eader"),
        ("model.safetensors", rewrite_tensors(lambda t: t.pop(WEIGHT)), "does not fit.*layer.weight is missing"),
        ("model.safetensors", rewrite_tensors(lambda t: t.update(x=t[WEIGHT] + 1)), "does not fit.*x is foreign"),
        (
            "model.safetensors",
            rewrite_tensors(lambda t: t.update({WEIGHT: torch.ones(2, 1)})),
            r"shape \[2, 1\].*\[1, 1\]",
        ),
        ("model.safetensors", rewrite_tensors(lambda t: t.update({WEIGHT: t[WEIGHT].half()})), "float16.*float32"),
        ("model.safetensors", rewrite_tensors(lambda t: t[WEIGHT].fill_(float("nan"))), "layer.weight holds NaN"),
        (
            "optimizer.safetensors",
            rewrite_tensors(lambda t: t[MOMENT].fill_(float("inf"))),
            "exp_avg holds NaN or inf",
        ),
        ("optimizer.safetensors", rewrite_tensors(lambda t: t.pop(MOMENT)), "layer.weight.exp_avg is missing"),
        ("random_0.json", rewrite_json(lambda v: v.pop("torch")), "no state of random generators"),
        ("random_0.json", rewrite_json(lambda v: v.update(torch="00")), "no state of random generators"),
        ("random_0.json", rewrite_json(lambda v: v.update(python=[3, [1, 2], None])), "no state of random generators"),
        ("random_0.json", rewrite_json(lambda v: v["numpy"].__setitem__(2, 10**6)), "a position of 1000000"),
        (
            "random_0.json",
            rewrite_json(lambda v: v["numpy"].__setitem__(1, [-1] * 624)),
            "no state of random generators",
        ),
        ("random_0.json", rewrite_json(lambda v: v.update(x="x" * MAX_JSON_BYTES)), "the most that is read"),
        ("state.json", lambda path: path.write_text("[" * 100_000), "nested more than 32 deep"),
        ("state.json", lambda path: path.write_text("[]"), "it holds list"),
        ("state.json", rewrite_json(lambda v: v.update(step=None)), "step is None"),
        ("state.json", rewrite_json(lambda v: v.update(step=10**30)), "of step 1000.*the recipe has 6 steps"),
        (
            "state.json",
            rewrite_json(lambda v: v.update(processes=10**9)),
            "checksums are not those of 1000000000 proc",
        ),
        (
            "state.json",
            rewrite_json(lambda v: v["checksums"].update({"../x": v["checksums"].pop("random_0.json")})),
            r"name '\.\./x'",
        ),
        ("state.json", rewrite_json(lambda v: v.update(gradient_scale={"scale": "x"})), "gradient_scale is"),
        ("state.json", rewrite_json(lambda v: v.update(format=2)), "format is 2; this version reads 1"),
        ("state.json", rewrite_json(lambda v: v.update(x=1)), "no manifest of a checkpoint"),
    ],
)
def test_damage_is_said_in_a_line_that_names_the_file(tmp_path, damaged_run, name, damage, message):
    folder = damaged_run / "checkpoints" / "step_00000003"
    damage(folder / name)
    with pytest.raises(ValueError, match=message) as caught:
        run(damaged_run)
    line = str(caught.value)
    assert "step_00000003" in line
    assert line.endswith("Start again (--no-resume), or name another folder (--output).")
    assert "\n" not in line
    assert len(line) < 600


@pytest.fixture
def damaged_run(tmp_path, stopped_run):
    """A copy of a run that was stopped after three steps."""
    import shutil

    return Path(shutil.copytree(stopped_run, tmp_path / "run"))


@pytest.fixture(scope="module")
def stopped_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stopped")
    stopped(folder)
    return folder


def test_another_number_of_processes(damaged_run):
    checkpoint = damaged_run / "checkpoints" / "step_00000003"
    (checkpoint / "random_1.json").write_bytes((checkpoint / "random_0.json").read_bytes())
    sign(checkpoint / "random_1.json")
    rewrite_json(lambda values: values.update(processes=2))(checkpoint / "state.json")
    with pytest.raises(ValueError, match=r"state\.json is of 2 processes, this run has 1"):
        run(damaged_run)


def test_a_recipe_of_fewer_steps(damaged_run):
    with pytest.raises(ValueError, match="step_00000003 is of step 3, the recipe has 2 steps"):
        run(damaged_run, changed(steps=2, warmup_steps=1, decay_steps=1))


def full_disk(*arguments, **options):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("place", ["_random_states", "write_json", "write_tensors"])
def test_a_full_disk_leaves_the_checkpoint_before(tmp_path, whole, monkeypatch, place):
    with pytest.raises(RuntimeError):
        run(tmp_path, at_step={4: crash})
    with monkeypatch.context() as patch:
        patch.setattr(training_state, place, full_disk)
        with pytest.raises(OSError, match="No space"):
            run(tmp_path)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step_00000002"]
    assert_same(weights(run(tmp_path)), whole)


def test_a_save_that_was_killed_is_undone_or_finished(tmp_path, whole, monkeypatch):
    def killed(*arguments):
        raise SystemExit

    stopped(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "_put_in_place", killed)  # all is written, nothing renamed
        with pytest.raises(SystemExit):
            run(tmp_path, changed(save_every=1), at_step={2: crash})
    names = {path.name for path in (tmp_path / "checkpoints").iterdir()}
    assert names == {"step_00000003", ".unimo-unfinished"}
    with pytest.raises(RuntimeError):
        run(tmp_path, at_step={1: crash})
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step_00000004"]
    half = tmp_path / "checkpoints" / ".unimo-unfinished"
    half.mkdir()
    (half / "model.safetensors").write_bytes(b"half")
    assert_same(weights(run(tmp_path)), whole)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step_00000006"]


def test_what_training_did_not_make_stays(tmp_path):
    checkpoint = stopped(tmp_path)
    folder = checkpoint.parent
    foreign = [
        checkpoint / "notes.txt",
        folder / "step_notes" / "a.txt",
        folder / "step_abc" / "model.safetensors",
        folder / "step_00000099" / "model.safetensors",
        folder / "partial" / "model.safetensors",
        folder / "step_00000098",
    ]
    for path in foreign:
        path.parent.mkdir(exist_ok=True)
        path.write_text("theirs")
    (folder / "step_00000097").symlink_to(checkpoint)
    run(tmp_path)
    assert all(path.read_text() == "theirs" for path in foreign)
    assert not (checkpoint / "model.safetensors").exists()
    assert {path.name for path in (folder / "step_00000006").iterdir()} == FILES


def test_a_strangers_folder_that_is_in_the_way(tmp_path, whole):
    theirs = tmp_path / "checkpoints" / "step_00000004" / "notes.txt"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("theirs")
    with pytest.raises(ValueError, match=r"step_00000004 holds notes\.txt, which no run made"):
        run(tmp_path)
    theirs.rename(tmp_path / "notes.txt")
    assert_same(weights(run(tmp_path)), whole)


def launch(folder, batch=0, processes=2, **environment):
    """Train in two processes on the CPU."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    script = os.path.join(os.path.dirname(__file__), "two_processes.py")
    environment = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1", **environment}
    done = subprocess.run(
        [*command, script, str(folder), str(batch)], env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr


@pytest.mark.slow  # starts eight processes
@pytest.mark.parametrize(
    "environment",
    [{}, {"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2", "FSDP_AUTO_WRAP_POLICY": "NO_WRAP"}],
    ids=["DDP", "FSDP2"],
)
def test_two_processes_go_on_as_one_that_never_stopped(tmp_path, environment):
    code, errors = launch(tmp_path / "whole", **environment)
    assert code == 0, errors
    code, errors = launch(tmp_path / "stopped", batch=4, **environment)
    assert code != 0
    assert "power failure" in errors
    code, errors = launch(tmp_path / "stopped", **environment)
    assert code == 0, errors
    whole = last_checkpoint(tmp_path / "whole")
    assert whole.keys() == FILES | {"random_1.json"}
    assert last_checkpoint(tmp_path / "stopped") == whole
    code, errors = launch(tmp_path / "stopped", processes=1, **environment)
    assert code != 0
    assert "is of 2 processes, this run has 1" in errors
