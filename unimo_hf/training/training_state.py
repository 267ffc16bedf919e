# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""All that a training step changes, as files of numbers: weights, moments of the optimiser, random generators.

Safetensors and JSON, nothing that could be executed. The files are the same for one process, DDP and FSDP2: what is
spread over processes is put together tensor by tensor. `torch.distributed.checkpoint.state_dict` would do so too, but
counts a step for weights that never had a gradient: a run that went on would not end as one that never stopped.
"""

import json
import os
import random
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from unimo_hf.json_files import read_json_object
from unimo_hf.tensor_files import write_tensors

WEIGHTS = "model.safetensors"
OPTIMIZER = "optimizer.safetensors"
MOMENTS = ("step", "exp_avg", "exp_avg_sq")  # AdamW's names; the first is a number, the others are like the weight
MAX_JSON_BYTES = 1_000_000  # the random generators of a process take 20,000
MERSENNE_WORDS = 624
CHUNK = 1 << 24  # bytes


@dataclass
class TrainingState:
    """What is saved of a run, and loaded again.

    Args:
        accelerator (`Accelerator`): Knows the process, its device and the scale of fp16 gradients.
        network (`nn.Module`): What learns, as the accelerator has prepared it.
        optimizer (`torch.optim.Optimizer`): AdamW of its weights, prepared too.
    """

    accelerator: Accelerator
    network: nn.Module
    optimizer: torch.optim.Optimizer

    def write(self, folder: Path) -> dict[str, int]:
        """Write the files of this process. The main one writes weights and moments; all help to put them together.

        Returns:
            `dict[str, int]`: CRC-32 of weights and moments.

        Raises:
            OSError: If a file can't be written; names it.
        """
        checksums = {}
        for name, tensors in ((WEIGHTS, self._weights()), (OPTIMIZER, self._moments())):
            path = folder / name if self.accelerator.is_main_process else os.devnull
            checksums[name] = write_tensors(path, tensors, partial(_whole, tensors))
        write_json(folder / random_file(self.accelerator.process_index), _random_states(self.accelerator.device))
        return checksums

    def read(self, folder: Path) -> None:
        """Load what [`write`] wrote.

        Raises:
            ValueError: If a file is missing, damaged, or of another network; names it.
        """
        with _opened(folder / WEIGHTS) as file:
            weights = self._weights()
            for name, value in _values(file, folder / WEIGHTS, weights):
                _fill(weights[name], value)
        with _opened(folder / OPTIMIZER) as file:
            known = {name.rpartition(".")[0] for name in file.keys()}  # noqa: SIM118
            # Weights that had no gradient so far have no moments.
            moments = {name: _new_moments(weight) for name, weight in self._learning().items() if name in known}
            flat = {f"{name}.{key}": value for name, own in moments.items() for key, value in own.items()}
            for name, value in _values(file, folder / OPTIMIZER, flat):
                _fill(flat[name], value)
        learning = self._learning()
        self.optimizer.state.update({learning[name]: own for name, own in moments.items()})
        path = folder / random_file(self.accelerator.process_index)
        _set_random_states(read_json(path), self.accelerator.device, path)

    def gradient_scale(self) -> dict[str, float] | None:
        """The scale of fp16 gradients; `None` in other precisions."""
        if self.accelerator.scaler is None:
            return None
        values = self.accelerator.scaler.state_dict()
        return {"scale": values["scale"], "_growth_tracker": values["_growth_tracker"]}

    def set_gradient_scale(self, values: Mapping[str, float] | None) -> None:
        """Go on with a scale; in other precisions there is none, and a run may change its precision."""
        scaler = self.accelerator.scaler
        if scaler is not None and values is not None:
            scaler.load_state_dict(scaler.state_dict() | values)

    def _weights(self) -> dict[str, Tensor]:
        """Parameters and buffers by name; of weights that share memory, the first."""
        named: dict[int, tuple[str, Tensor]] = {}
        network = self.accelerator.unwrap_model(self.network)
        for name, tensor in network.state_dict(keep_vars=True).items():
            named.setdefault(id(tensor), (name, tensor))
        return dict(named.values())

    def _learning(self) -> dict[str, Tensor]:
        """The weights that the optimiser changes, by name."""
        learning = {id(weight) for group in self.optimizer.param_groups for weight in group["params"]}
        return {name: weight for name, weight in self._weights().items() if id(weight) in learning}

    def _moments(self) -> dict[str, Tensor]:
        state = self.optimizer.state
        return {
            f"{name}.{key}": state[weight][key]
            for name, weight in self._learning().items()
            if weight in state
            for key in MOMENTS
        }


def random_file(process: int) -> str:
    """Name of the file with the random generators of a process."""
    return f"random_{process}.json"


def checksum(path: Path) -> int:
    """CRC-32 of a file.

    Raises:
        ValueError: If it can't be read; names it.
    """
    if not path.is_file():  # a named pipe would be waited for
        raise ValueError(f"{path} is {'no file' if path.exists() else 'missing'}.")
    value = 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                value = zlib.crc32(chunk, value)
    except OSError as error:
        raise ValueError(f"{path} can't be read ({error.strerror}).") from error
    return value


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write an object; `OSError` names the path."""
    try:
        path.write_text(json.dumps(values), encoding="utf-8")
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def read_json(path: Path) -> dict[str, Any]:
    """Read an object that [`write_json`] wrote.

    Raises:
        ValueError: If there is none; names the path.
    """
    try:
        return read_json_object(path, MAX_JSON_BYTES)
    except OSError as error:
        raise ValueError(f"{path} can't be read ({error.strerror}).") from error


def _whole(tensors: Mapping[str, Tensor], name: str) -> Tensor:
    """One of some tensors on the CPU, put together where it is spread over processes."""
    tensor = tensors[name]
    return (tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor).detach().cpu()


@torch.no_grad()
def _fill(target: Tensor, value: Tensor) -> None:
    """Set a tensor, of which this process may hold a part."""
    if hasattr(target, "full_tensor"):
        from torch.distributed.tensor import distribute_tensor

        value = distribute_tensor(value.to(target.device), target.device_mesh, target.placements)
    target.copy_(value)


def _new_moments(weight: Tensor) -> dict[str, Tensor]:
    """What AdamW makes at the first step of a weight."""
    step, *others = MOMENTS
    return {step: torch.tensor(0.0), **{name: torch.zeros_like(weight, requires_grad=False) for name in others}}


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (OSError, SafetensorError) as error:
        raise ValueError(f"{path} is damaged ({' '.join(str(error).split())[:200]}).") from error


def _values(file: Any, path: Path, like: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """Names and tensors of a file, each held against what it will be written to.

    Raises:
        ValueError: If one is missing, foreign, of another shape or type, or no number.
    """
    found = set(file.keys())
    if found != like.keys():
        name = min(found ^ like.keys())
        raise ValueError(f"{path} does not fit the recipe: {name} is {'foreign' if name in found else 'missing'}.")
    for name, target in like.items():
        value = file.get_tensor(name)
        if value.shape != target.shape or value.dtype != target.dtype:
            raise ValueError(
                f"{path} does not fit the recipe: {name} is {value.dtype} of shape {list(value.shape)}, "
                f"the run's {target.dtype} of shape {list(target.shape)}."
            )
        if not value.sum(dtype=torch.float64).isfinite():
            raise ValueError(f"{path} is damaged: {name} holds NaN or infinite values.")
        yield name, value


def _random_states(device: torch.device) -> dict[str, Any]:
    """The random generators of this process."""
    kind, words, *others = np.random.get_state(legacy=True)
    states: dict[str, Any] = {
        "python": random.getstate(),
        "numpy": [kind, np.asarray(words).tolist(), *others],
        "torch": bytes(torch.get_rng_state().numpy()).hex(),
    }
    if device.type == "cuda":
        states["cuda"] = bytes(torch.cuda.get_rng_state(device).numpy()).hex()
    return states


def _set_random_states(states: dict[str, Any], device: torch.device, path: Path) -> None:
    """Set the random generators of this process; one of a GPU only where there is one.

    Raises:
        ValueError: If they are not those that [`_random_states`] gave; names the path.
    """
    try:
        version, words, gauss = states["python"]
        random.setstate((version, tuple(words), gauss))
        kind, words, position, has_gauss, gauss = states["numpy"]
        # numpy does not look, and would read beyond the words.
        if not 0 <= position <= MERSENNE_WORDS:
            raise ValueError(f"a position of {position}")
        np.random.set_state((kind, words, position, has_gauss, gauss))
        torch.set_rng_state(_bytes(states["torch"]))
        if device.type == "cuda" and "cuda" in states:
            torch.cuda.set_rng_state(_bytes(states["cuda"]), device)
    except (KeyError, TypeError, ValueError, OverflowError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"{path} is damaged: it is no state of random generators ({reason}).") from error


def _bytes(text: str) -> Tensor:
    return torch.frombuffer(bytearray.fromhex(text), dtype=torch.uint8)
