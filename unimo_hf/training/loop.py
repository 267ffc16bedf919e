# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The loop that all stages share: accelerate, one optimiser, a log, checkpoints that resume bit-exactly."""

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedType, GradientAccumulationPlugin, set_seed
from torch import nn
from torch.utils.data import DataLoader, Dataset, Sampler
from tqdm.auto import tqdm
from transformers import PreTrainedModel

from unimo_hf.training.checkpoints import CHECKPOINTS, load_last_checkpoint, save_checkpoint, save_rest
from unimo_hf.training.interruption import StopRequest
from unimo_hf.training.log import MetricLog
from unimo_hf.training.recipe import Optimisation
from unimo_hf.training.run_folder import hold_run_folder, put_model
from unimo_hf.training.training_state import TrainingState

# AdamW's.
BETAS = (0.9, 0.99)
WEIGHT_DECAY = 0.01  # on matrices and kernels only
LARGEST_GRADIENT = 1.0  # norm


class Stage(Protocol):
    """What a stage brings to [`fit`]: a trainable module around the model, its data, its loss."""

    @property
    def network(self) -> nn.Module:
        """Everything that learns: `model`, or a module that holds it under the name `model`."""

    @property
    def model(self) -> PreTrainedModel:
        """What is saved at the end."""

    @property
    def dataset(self) -> Dataset:
        """What it learns from."""

    def loss(self, network: nn.Module, batch: Any) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """The loss of a batch, and figures for the log."""

    def validate(self) -> dict[str, float]:
        """Figures on held-out data."""


class SeededBatches(Sampler[list[int]]):
    """Batches of indices that depend on seed and step alone, so that a run resumes in the middle of an epoch.

    Args:
        length (`int`): Samples of the data.
        batch_size (`int`): Samples of a batch; what is left of an epoch is dropped.
        first (`int`): Number of the first batch, counted from the start of the run.
        last (`int`): Number of the batch to stop before.
        seed (`int`): Of the order, which is another in each epoch.

    Raises:
        ValueError: If the data do not fill one batch.
    """

    def __init__(self, length: int, batch_size: int, first: int, last: int, seed: int):
        if length < batch_size:
            raise ValueError(f"The data hold {length} samples; one batch needs {batch_size}.")
        self.length, self.batch_size, self.first, self.last, self.seed = length, batch_size, first, last, seed

    def __len__(self) -> int:
        return self.last - self.first

    def __iter__(self) -> Iterator[list[int]]:
        per_epoch = self.length // self.batch_size
        epoch, order = -1, np.empty(0, dtype=np.int64)
        for batch in range(self.first, self.last):
            if batch // per_epoch != epoch:
                epoch = batch // per_epoch
                order = np.random.default_rng((self.seed, epoch)).permutation(self.length)
            start = (batch % per_epoch) * self.batch_size
            yield order[start : start + self.batch_size].tolist()


def fit(
    build: Callable[[Accelerator], Stage],
    optimisation: Optimisation,
    output: Path,
    resume: bool = True,
    save_beside: Callable[[PreTrainedModel, Path], None] | None = None,
) -> PreTrainedModel:
    """Train a stage from its last checkpoint, or from the start.

    Ctrl-C ends the run after the step it is in, with a checkpoint; a second one ends it at once.

    Args:
        build (`Callable`): Makes the stage; called after the seed is set.
        optimisation ([`Optimisation`]): Steps, batch, rates.
        output (`Path`): Folder for the model, the log and the checkpoints.
        resume (`bool`, *optional*, defaults to `True`): Go on from the last checkpoint in `output` if there is one.
        save_beside (`Callable`, *optional*): Puts into a folder what the trained model needs beside it.

    Returns:
        `PreTrainedModel`: The trained model, also saved in `output`.

    Raises:
        ValueError: If `output` is held by another run or holds what no training made, the loss is no number any more,
            the data do not fill a batch, the checkpoint does not fit the recipe, or accelerate can't be set up.
        OSError: If `output` can't be written; what was saved before stays.
        KeyboardInterrupt: After Ctrl-C.
    """
    accelerator = _set_up(optimisation)
    with hold_run_folder(output) if accelerator.is_main_process else nullcontext():
        set_seed(optimisation.seed)
        stage = build(accelerator)
        run = _Run(accelerator, stage, optimisation, output)
        if resume:
            run.go_on()
        with StopRequest(enabled=accelerator.num_processes == 1) as stop:
            for batch in run.batches():
                if not run.learn(batch):
                    continue  # gradients are still being gathered
                run.report()
                run.save(now=stop.requested)
                if stop.requested:
                    raise KeyboardInterrupt
        run.finish(save_beside)
    return stage.model


def _set_up(optimisation: Optimisation) -> Accelerator:
    """Accelerate, as the recipe and the launcher say.

    Raises:
        ValueError: If they ask for what this machine or this training can't do.
    """
    AcceleratorState._reset_state()  # a run before, in this process, may have had another precision
    precision = optimisation.mixed_precision
    try:
        accelerator = Accelerator(
            mixed_precision=precision,
            # Given as a number, a variable of the environment would outdo the recipe.
            gradient_accumulation_plugin=GradientAccumulationPlugin(optimisation.gradient_accumulation_steps),
        )
    except (AssertionError, ImportError, RuntimeError, ValueError) as error:  # torch asserts that it has CUDA
        raise ValueError(f"accelerate can't be set up, with mixed_precision {precision!r}: {error}") from error
    if precision != "no" and not accelerator.native_amp:
        raise ValueError(f"mixed_precision is {precision!r}, which {accelerator.device.type!r} can't do; take 'no'.")
    kind = accelerator.distributed_type
    if not (kind == DistributedType.NO or kind.startswith("MULTI_") or accelerator.is_fsdp2):
        raise ValueError(f"accelerate is set up for {kind.value}; training runs alone, under DDP or under FSDP2.")
    return accelerator


class _Run:
    """A stage being trained: network, optimiser, schedule, and the number of steps done."""

    def __init__(self, accelerator: Accelerator, stage: Stage, optimisation: Optimisation, output: Path):
        self.accelerator, self.stage, self.optimisation, self.output = accelerator, stage, optimisation, output
        groups = _parameter_groups(stage.network, optimisation)
        optimizer = torch.optim.AdamW(groups, betas=BETAS)
        self.rates = [group["lr"] for group in groups]
        self.network, self.optimizer = accelerator.prepare(stage.network, optimizer)
        self.state = TrainingState(accelerator, self.network, self.optimizer)
        self.step, self.log = 0, MetricLog(output, enabled=accelerator.is_main_process)

    def go_on(self) -> None:
        """Go on from the last checkpoint, if there is one."""
        self.step = load_last_checkpoint(self.state, self.output, self.optimisation.steps)

    def batches(self) -> Iterator[Any]:
        """What is left of the run's batches, with a progress bar."""
        optimisation, accelerator = self.optimisation, self.accelerator
        # accelerate deals the batches of one sampler to the processes in turn, so the sampler counts those of all.
        a_step = optimisation.gradient_accumulation_steps * accelerator.num_processes
        sampler = SeededBatches(
            len(self.stage.dataset),  # type: ignore[arg-type]
            optimisation.batch_size,
            self.step * a_step,
            optimisation.steps * a_step,
            optimisation.seed,
        )
        loader = DataLoader(
            self.stage.dataset,
            batch_sampler=sampler,
            num_workers=optimisation.workers,
            # The loader draws a base seed for its workers from the generator it is given, not from that of training.
            generator=torch.Generator().manual_seed(optimisation.seed),
        )
        self.log.go_on_from(self.step)
        self.started = time.monotonic()
        self.bar = tqdm(
            total=optimisation.steps,
            initial=self.step,
            disable=None if accelerator.is_local_main_process else True,  # None: where it is no terminal
            unit="step",
            dynamic_ncols=True,
        )
        with self.bar:
            yield from accelerator.prepare(loader)

    def learn(self, batch: Any) -> bool:
        """Learn from a batch; `True` when that completed a step."""
        accelerator, network = self.accelerator, self.network
        network.train()
        factor = learning_rate_factor(self.step, self.optimisation)
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = factor * rate
        with accelerator.accumulate(network):
            loss, figures = self.stage.loss(network, batch)
            accelerator.backward(loss)
            if accelerator.sync_gradients:
                norm = accelerator.clip_grad_norm_(network.parameters(), LARGEST_GRADIENT)
                figures = {**figures, "gradient_norm": norm}
            self.optimizer.step()
            self.optimizer.zero_grad()
        self.log.add({"loss": loss, **figures})
        if not accelerator.sync_gradients:
            return False
        self.step += 1
        self.bar.update()
        return True

    def report(self) -> None:
        """Write the log and validate, if it is time."""
        optimisation, is_last = self.optimisation, self.step == self.optimisation.steps
        if self.step % optimisation.log_every == 0 or is_last:
            means = self.log.take_means()
            self._check_finite("loss", means["loss"])
            self.bar.set_postfix(loss=f"{means['loss']:.4f}")
            rate = learning_rate_factor(self.step, optimisation) * self.rates[0]  # of the next step
            seconds = time.monotonic() - self.started
            self.log.write(self.step, {**means, "learning_rate": rate, "seconds": seconds})
        if self.step % optimisation.validate_every == 0 or is_last:
            self.network.eval()
            with torch.no_grad():
                figures = self.stage.validate()
            self.log.write(self.step, {f"validation/{key}": value for key, value in figures.items()})

    def save(self, now: bool) -> None:
        """Save a checkpoint, if it is time; never one that holds anything but numbers."""
        if now or self.step % self.optimisation.save_every == 0 or self.step == self.optimisation.steps:
            self._check_finite("loss", self.log.last("loss"))
            if not self.accelerator.optimizer_step_was_skipped:  # as fp16 does to find the scale of its gradients
                self._check_finite("gradient_norm", self.log.last("gradient_norm"))
            save_checkpoint(self.state, self.output, self.step)

    def finish(self, save_beside: Callable[[PreTrainedModel, Path], None] | None) -> None:
        """Save the model itself."""
        accelerator, model = self.accelerator, self.stage.model
        accelerator.wait_for_everyone()
        # Gathers what FSDP has spread over the processes; `network` may hold more than the model.
        state = accelerator.get_state_dict(self.network)
        rest = {}
        if accelerator.unwrap_model(self.network) is not model:
            rest = {key: value for key, value in state.items() if not key.startswith("model.")}
            state = {key.removeprefix("model."): value for key, value in state.items() if key.startswith("model.")}

        def write(folder: Path) -> None:
            model.save_pretrained(folder, state_dict=state)
            save_rest(rest, folder)
            if save_beside is not None:
                save_beside(model, folder)

        if accelerator.is_main_process:
            put_model(self.output, write)

    def _check_finite(self, name: str, value: float) -> None:
        if not np.isfinite(value):
            raise ValueError(
                f"The {name} is {value} at step {self.step}. Checkpoints in {self.output / CHECKPOINTS} are from "
                "before that: go on from there with a lower learning rate."
            )


def learning_rate_factor(step: int, optimisation: Optimisation) -> float:
    """Linear rise, constant, linear fall to zero over the last `decay_steps`."""
    rise = min(1.0, (step + 1) / max(1, optimisation.warmup_steps))
    left = optimisation.steps - step
    fall = min(1.0, left / optimisation.decay_steps) if optimisation.decay_steps else 1.0
    return rise * max(0.0, fall)


def _parameter_groups(network: nn.Module, optimisation: Optimisation) -> list[dict[str, Any]]:
    """One group for each learning rate, with and without weight decay; a module may carry a `rate_factor`."""
    factors: dict[nn.Parameter, float] = {}
    for module in network.modules():  # from the outside in
        for parameter in module.parameters() if hasattr(module, "rate_factor") else ():
            factors[parameter] = module.rate_factor
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for parameter in network.parameters():
        if parameter.requires_grad:
            groups.setdefault((factors.get(parameter, 1.0), parameter.ndim >= 2), []).append(parameter)
    return [
        {
            "params": parameters,
            "lr": factor * optimisation.learning_rate,
            "weight_decay": WEIGHT_DECAY if decays else 0.0,
        }
        for (factor, decays), parameters in groups.items()
    ]
