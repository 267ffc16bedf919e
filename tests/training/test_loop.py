# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The loop: resuming is exact, stopping is safe, nonsense is not saved. Run on a model of two numbers."""

import os
import signal
import sys

import numpy as np
import pytest
import torch
from accelerate import PartialState
from safetensors.torch import load_file
from torch import nn
from transformers import PreTrainedConfig

from unimo_hf.training import loop
from unimo_hf.training.loop import SeededBatches, learning_rate_factor
from unimo_hf.training.recipe import Optimisation

sys.path.append(os.path.dirname(__file__))
from line_stage import Line, assert_same, changed, crash, log_of, run, stop, weights


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nothing stopped."""
    folder = tmp_path_factory.mktemp("whole")
    return weights(run(folder)), folder


def test_a_whole_run(whole):
    found, folder = whole
    assert [path.name for path in (folder / "checkpoints").iterdir()] == ["step_00000006"]
    assert_same(weights(Line.from_pretrained(folder)), found)
    log = log_of(folder)
    assert [line["step"] for line in log if "loss" in line] == [2, 4, 6]
    assert [line["step"] for line in log if "validation/slope" in line] == [3, 6]
    assert {"noise", "gradient_norm", "learning_rate", "seconds"} < log[0].keys()


@pytest.mark.parametrize("accident", [stop, crash], ids=["Ctrl-C", "crash"])
@pytest.mark.parametrize("batch", [3, 5])
def test_resuming_is_exact(tmp_path, whole, accident, batch):
    with pytest.raises((KeyboardInterrupt, RuntimeError)):
        run(tmp_path, at_step={batch: accident})
    (checkpoint,) = (tmp_path / "checkpoints").iterdir()
    # Ctrl-C saves the step it waited for; after a crash there is what was saved on the way.
    assert int(checkpoint.name[-1]) == (batch if accident is stop else batch - 1)
    assert_same(weights(run(tmp_path)), whole[0])
    steps = [line["step"] for line in log_of(tmp_path) if "validation/slope" in line]
    assert steps == [3, 6]


def test_a_run_that_is_done_stays_as_it_is(tmp_path, whole):
    run(tmp_path)
    assert_same(weights(run(tmp_path)), whole[0])


def test_a_second_ctrl_c_stops_at_once(tmp_path):
    def twice(loss):
        stop(loss)
        return stop(loss)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, at_step={1: twice})
    assert not (tmp_path / "checkpoints").exists()
    assert signal.getsignal(signal.SIGINT) is before


def test_starting_again_leaves_no_old_checkpoint(tmp_path, whole):
    run(tmp_path, changed(seed=1))
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, resume=False, at_step={3: stop})
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step_00000003"]
    assert_same(weights(run(tmp_path)), whole[0])


@pytest.mark.parametrize("figure", ["loss", "gradient_norm"])
def test_nonsense_stops_the_run_and_is_not_saved(tmp_path, figure):
    def poison(loss):
        # sqrt has an infinite slope at 0: the loss is a number, its gradient is not.
        return loss * float("nan") if figure == "loss" else (loss - loss).sqrt()

    with pytest.raises(ValueError, match=rf"{figure} is (nan|inf) at step \d.*lower learning rate"):
        run(tmp_path, changed(save_every=1, log_every=100), at_step={4: poison})
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step_00000003"]


def test_gradients_of_several_batches(tmp_path, whole):
    found = run(tmp_path, changed(gradient_accumulation_steps=2, steps=3, save_every=1))
    assert [line["step"] for line in log_of(tmp_path) if "loss" in line] == [2, 3]
    assert not torch.equal(found.layer.weight, whole[0]["layer.weight"])


def test_a_lower_rate_holds_from_the_last_checkpoint_on(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, at_step={3: stop})
    before = next((tmp_path / "checkpoints").glob("*/model.safetensors"))
    before = load_file(before)
    assert_same(weights(run(tmp_path, changed(learning_rate=1e-30))), before)


def test_the_rate_rises_stays_and_falls():
    optimisation = Optimisation(steps=10, warmup_steps=4, decay_steps=2)
    rates = [learning_rate_factor(step, optimisation) for step in range(11)]
    assert rates == [0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 1, 0.5, 0]
    assert learning_rate_factor(10**6, Optimisation(warmup_steps=0)) == 1


@pytest.mark.parametrize(("warmup_steps", "decay_steps"), [(11, 0), (6, 6), (0, 11)])
def test_a_rate_that_never_reaches_its_peak(warmup_steps, decay_steps):
    message = f"warmup_steps is {warmup_steps} and decay_steps {decay_steps}; in 10 steps .* never reach its peak"
    with pytest.raises(ValueError, match=message):
        Optimisation(steps=10, warmup_steps=warmup_steps, decay_steps=decay_steps)


@pytest.mark.parametrize(("warmup_steps", "decay_steps"), [(10, 0), (5, 5), (0, 10), (0, 0)])
def test_a_rate_that_just_reaches_its_peak(warmup_steps, decay_steps):
    optimisation = Optimisation(steps=10, warmup_steps=warmup_steps, decay_steps=decay_steps)
    assert max(learning_rate_factor(step, optimisation) for step in range(10)) == 1


@pytest.mark.parametrize(
    ("precision", "environment", "message"),
    [
        ("fp16", {"ACCELERATE_USE_CPU": "true"}, "mixed_precision is 'fp16', which 'cpu' can't do; take 'no'"),
        ("no", {"ACCELERATE_USE_CPU": "perhaps"}, "accelerate can't be set up, with mixed_precision 'no': .*perhaps"),
        ("no", {"ACCELERATE_USE_MEGATRON_LM": "true"}, "accelerate can't be set up.*Megatron is not installed"),
    ],
)
def test_what_accelerate_can_not_do_is_one_line(tmp_path, monkeypatch, precision, environment, message):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    PartialState._reset_state()
    with pytest.raises(ValueError, match=message):
        run(tmp_path, changed(mixed_precision=precision))
    PartialState._reset_state()


def test_the_environment_does_not_outdo_the_recipe(tmp_path, whole, monkeypatch):
    monkeypatch.setenv("ACCELERATE_GRADIENT_ACCUMULATION_STEPS", "3")
    assert_same(weights(run(tmp_path)), whole[0])


def test_batches_depend_on_seed_and_step_alone():
    def batches(first, last, seed=0):
        return list(SeededBatches(7, 3, first, last, seed))

    whole = batches(0, 9)
    assert [index for batch in whole[:2] for index in batch] != [index for batch in whole[2:4] for index in batch]
    for epoch in range(0, 8, 2):
        assert len({index for batch in whole[epoch : epoch + 2] for index in batch}) == 6
    assert batches(3, 9) == whole[3:]
    assert batches(0, 9, seed=1) != whole
    assert len(SeededBatches(7, 3, 2, 9, 0)) == 7
    with pytest.raises(ValueError, match="hold 2 samples; one batch needs 3"):
        SeededBatches(2, 3, 0, 1, 0)


def test_matrices_decay_and_biases_do_not():
    groups = loop._parameter_groups(Line(PreTrainedConfig()), Optimisation())
    assert [(len(group["params"]), group["weight_decay"]) for group in groups] == [(1, 0.01), (1, 0.0)]


def test_a_module_may_learn_at_a_rate_of_its_own():
    network = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.Linear(3, 1)))
    network[1].rate_factor = 10.0
    groups = loop._parameter_groups(network, Optimisation(learning_rate=1e-4))
    rates = {parameter: group["lr"] for group in groups for parameter in group["params"]}
    assert [rates[parameter] for parameter in network.parameters()] == pytest.approx([1e-4, 1e-4, 1e-3, 1e-3])


def test_half_a_line_in_the_log_does_no_harm(tmp_path, whole):
    run(tmp_path, changed(steps=6))
    with (tmp_path / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"step": 7, "lo')
    run(tmp_path)
    assert np.isfinite([line["step"] for line in log_of(tmp_path)]).all()
