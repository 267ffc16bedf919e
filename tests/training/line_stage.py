# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""A stage that trains in no time: a line through noisy points."""

import json
import os
import random
import signal
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.utils.data import TensorDataset
from transformers import PreTrainedConfig, PreTrainedModel

from unimo_hf.training.loop import fit
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


class Branched(nn.Module):
    """All that makes checkpoints hard: a frozen part, a rate of its own, a buffer, weights that are used late."""

    def __init__(self, late_after):
        super().__init__()
        self.model = Line(PreTrainedConfig())
        self.head, self.frozen, self.late = (nn.Linear(1, 1) for _ in range(3))
        self.head.rate_factor = 3.0
        self.frozen.requires_grad_(False)
        self.late_after = late_after
        self.register_buffer("seen", torch.zeros(1))

    def forward(self, x):
        self.seen += 1
        branches = [self.model, self.head, self.frozen] + [self.late] * bool(self.seen > self.late_after)
        return sum(branch(x) for branch in branches)


class BranchedStage(LineStage):
    """Fits such a network; the noise comes from every random generator."""

    def __init__(self, accelerator, at_step=None, late_after=4):
        super().__init__(accelerator, at_step)
        self.network = Branched(late_after)
        self.model = self.network.model

    def loss(self, network, batch):
        loss, figures = super().loss(network, batch)
        return loss * (1 + random.random() + np.random.rand() + random.gauss(0, 0.1) ** 2), figures


def last_checkpoint(folder):
    """The files of the only checkpoint."""
    (checkpoint,) = (folder / "checkpoints").iterdir()
    return {path.name: path.read_bytes() for path in checkpoint.iterdir()}


def run(folder, optimisation=OPTIMISATION, resume=True, stage=LineStage, **options):
    return fit(partial(stage, **options), optimisation, folder, resume)


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
