# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The loop: resuming is exact, stopping is safe, nonsense is not saved. Run on a model of two numbers."""

import json
import os
import signal
from functools import partial

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from torch import nn
from torch.utils.data import TensorDataset
from transformers import PreTrainedConfig, PreTrainedModel

from unimo_hf.training import loop
from unimo_hf.training.loop import SeededBatches, fit, learning_rate_factor
from unimo_hf.training.recipe import Optimisation

OPTIMISATION = Optimisation(
    steps=6,
    batch_size=2,
    learning_rate=0.1,
    warmup_steps=1,
    decay_steps=2,
    log_every=2,
    validate_every=3,
    save_every=2,
)


class Line(PreTrainedModel):
    config_class = PreTrainedConfig

    def __init__(self, config):
        super().__init__(config)
        self.layer = torch.nn.Linear(1, 1)
        self.post_init()

    def forward(self, x):
        return self.layer(x)


class LineStage:
    """Fits a line to noisy points; the noise is drawn while training: resuming needs the states of the generators."""

    def __init__(self, accelerator, at_step=None):
        self.model = self.network = Line(PreTrainedConfig())
        x = torch.linspace(-1, 1, 7)[:, None]
        self.dataset = TensorDataset(x, 3 * x + 1)
        self.at_step, self.batches = at_step or {}, 0

    def loss(self, network, batch):
        x, y = batch
        loss = (network(x) - y - 0.1 * torch.randn_like(y)).abs().mean()
        self.batches += 1
        if self.batches in self.at_step:
            loss = self.at_step[self.batches](loss)
        return loss, {"noise": torch.rand(())}

    def validate(self):
        return {"slope": float(self.model.layer.weight)}


def run(folder, optimisation=OPTIMISATION, resume=True, **at_step):
    return fit(partial(LineStage, **at_step), optimisation, folder, resume)


def changed(**fields):
    return Optimisation(**{**vars(OPTIMISATION), **fields})


def weights(model):
    return {key: value.clone() for key, value in model.state_dict().items()}


def log_of(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]


def assert_same(first, second):
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)


def stop(loss):
    os.kill(os.getpid(), signal.SIGINT)
    return loss


def crash(loss):
    raise RuntimeError("power failure")


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


def test_an_interrupted_save_leaves_the_checkpoint_before(tmp_path, whole, monkeypatch):
    save_state = Accelerator.save_state

    def full_disk(self, folder, **options):
        save_state(self, folder, **options)
        raise OSError(28, "No space left on device", folder)

    with pytest.raises(RuntimeError):
        run(tmp_path, at_step={4: crash})
    with monkeypatch.context() as patch:
        patch.setattr(Accelerator, "save_state", full_disk)
        with pytest.raises(OSError, match="No space"):
            run(tmp_path)
    assert "step_00000002" in [path.name for path in (tmp_path / "checkpoints").iterdir()]
    assert_same(weights(run(tmp_path)), whole[0])
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step_00000006"]


@pytest.mark.parametrize("figure", ["loss", "gradient_norm"])
def test_nonsense_stops_the_run_and_is_not_saved(tmp_path, figure):
    def poison(loss):
        # sqrt has an infinite slope at 0: the loss is a number, its gradient is not.
        return loss * float("nan") if figure == "loss" else (loss - loss).sqrt()

    with pytest.raises(ValueError, match=rf"{figure} is (nan|inf) at step \d.*lower learning rate"):
        run(tmp_path, changed(save_every=1, log_every=100), at_step={4: poison})
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step_00000003"]


def test_a_checkpoint_of_something_else(tmp_path):
    run(tmp_path)
    with pytest.raises(ValueError, match="step_00000006 is of step 6, the recipe has 4 steps"):
        run(tmp_path, changed(steps=4))
    model = next((tmp_path / "checkpoints" / "step_00000006").glob("model*"))
    model.write_bytes(b"half a file")
    with pytest.raises(ValueError, match="step_00000006 does not fit the recipe or is damaged"):
        run(tmp_path)


def test_gradients_of_several_batches(tmp_path, whole):
    found = run(tmp_path, changed(gradient_accumulation_steps=2, steps=3, save_every=1))
    assert [line["step"] for line in log_of(tmp_path) if "loss" in line] == [2, 3]
    assert not torch.equal(found.layer.weight, whole[0]["layer.weight"])


def test_the_rate_rises_stays_and_falls():
    optimisation = Optimisation(steps=10, warmup_steps=4, decay_steps=2)
    rates = [learning_rate_factor(step, optimisation) for step in range(11)]
    assert rates == [0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 1, 0.5, 0]
    assert learning_rate_factor(10**6, Optimisation(warmup_steps=0)) == 1


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
    groups = loop._parameter_groups(Line(PreTrainedConfig()), Optimisation(weight_decay=0.01))
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
