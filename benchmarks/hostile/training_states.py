# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Trainings that go on from a checkpoint which somebody else has had in his hands."""

import json
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from hostile.cases import Command, Place, kind
from hostile.damage import cut, flip, odd_json, with_value
from hostile.motions import torch_zip, traps
from hostile.seeds import recipe

NETWORKS = ("motion-vqvae", "unimo")
# The names under which accelerate keeps the state of a training, and others where pickles are looked for.
PICKLED = ("custom_checkpoint_0.pkl", "random_states_0.pkl", "optimizer.bin", "scheduler.bin", "pytorch_model.bin")


def run_folder(place: Place, network: str) -> tuple[Path, Path]:
    """A training that has come half way, in the output; its folder, and that of its checkpoint."""
    folder = place.output / "run"
    shutil.copytree(place.seeds[f"runs/{network}"], folder)
    return folder, next((folder / "checkpoints").glob("step_*"))


def go_on(place: Place, network: str, **changes: Any) -> Command:
    """Two more steps."""
    values = recipe(place.seeds, network, place.output / "run")
    values["optimisation"] = {**values["optimisation"], "steps": 4, **changes}
    path = place.write("recipe.yaml", yaml.safe_dump(values))
    return Command(["train", network, str(path)], owns=["out/run"])


def files_of(checkpoint: Path) -> list[Path]:
    """The files of a checkpoint, in order."""
    return sorted(path for path in checkpoint.rglob("*") if path.is_file())


@kind("training-states/flips", 60)
def flips(place: Place, number: int) -> Command:
    """Changed bytes in each file of the checkpoint in turn, or half of it."""
    network = NETWORKS[number % 2]
    _, checkpoint = run_folder(place, network)
    files = files_of(checkpoint)
    path = files[number // 2 % len(files)]
    path.write_bytes((cut if number % 5 == 4 else flip)(path.read_bytes(), place.rng))
    return go_on(place, network)


@kind("training-states/missing", 16)
def missing(place: Place, number: int) -> Command:
    """A file of the checkpoint is gone, empty, a folder, or that of another network."""
    _, checkpoint = run_folder(place, "motion-vqvae")
    files = files_of(checkpoint)
    path = files[number // 4 % len(files)]
    path.unlink()
    if number % 4 == 1:
        path.touch()
    elif number % 4 == 2:
        path.mkdir()
    elif number % 4 == 3:
        other = next((place.seeds["runs/unimo"] / "checkpoints").glob("step_*")) / path.relative_to(checkpoint)
        path.write_bytes(other.read_bytes() if other.exists() else b"x")
    return go_on(place, "motion-vqvae")


def _zip(content: bytes) -> bytes:
    return torch_zip(content)


def _old(content: bytes) -> bytes:
    return pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2) + content + content


def _bare(content: bytes) -> bytes:
    return content


FORMS: tuple[Callable[[bytes], bytes], ...] = (_zip, _old, _bare)


@kind("training-states/code", [(name, form, trap) for name in PICKLED for form in range(3) for trap in (0, 4, 8)])
def code(place: Place, variant: tuple[str, int, int]) -> Command:
    """A pickle that runs something, under the name of a file of accelerate."""
    name, form, trap = variant
    network = place.rng.choice(NETWORKS)
    _, checkpoint = run_folder(place, network)
    (checkpoint / name).write_bytes(FORMS[form](traps(place)[trap]))
    return go_on(place, network)


@kind("training-states/code-in-our-files", 12)
def code_in_our_files(place: Place, number: int) -> Command:
    """The same in each file that stands there."""
    network = NETWORKS[number % 2]
    _, checkpoint = run_folder(place, network)
    files = files_of(checkpoint)
    files[number // 2 % len(files)].write_bytes(FORMS[number % 3](traps(place)[number]))
    return go_on(place, network)


STEPS = (
    "step_99999999",
    "step_-1",
    "step_x",
    "step_",
    "step_00000001x",
    "step_1e3",
    "step_٣",
    "step_00000003",
    "partial",
)


@kind("training-states/names", STEPS)
def names(place: Place, name: str) -> Command:
    """A folder or a file of somebody else beside the checkpoint."""
    folder, _ = run_folder(place, "motion-vqvae")
    stranger = folder / "checkpoints" / name
    if place.rng.random() < 0.5:
        stranger.mkdir()
    else:
        stranger.write_text("of somebody else", encoding="utf-8")
    command = go_on(place, "motion-vqvae")
    # What is called as a checkpoint is called can't be told from one.
    is_checkpoint = name == "partial" or (name.isascii() and name.removeprefix("step_").isdecimal())
    return command if is_checkpoint else replace(command, keeps=[f"out/run/checkpoints/{name}"])


LOGS: list[Callable[[str], str | bytes]] = [
    lambda text: "",
    lambda text: text + '{"step": ',
    lambda text: text + "[]\nnull\n3\n",
    lambda text: text + '{"step": "x"}\n{"step": null}\n',
    lambda text: text + '{"step": 1e999}\n',
    lambda text: text + '{"step": NaN}\n',
    lambda text: text + "[" * 100_000 + "\n",
    lambda text: text + '{"step": ' + "9" * 5000 + "}\n",
    lambda text: b"\xff\xfe" + text.encode(),
    lambda text: text.encode("utf-16"),
    lambda text: text.replace("\n", "\r"),
    lambda text: text + "\x1b[31m\n",
]


@kind("training-states/logs", len(LOGS))
def logs(place: Place, number: int) -> Command:
    """A log with lines that are none."""
    folder, _ = run_folder(place, "motion-vqvae")
    path = folder / "log.jsonl"
    changed = LOGS[number](path.read_text(encoding="utf-8"))
    path.write_bytes(changed if isinstance(changed, bytes) else changed.encode())
    return go_on(place, "motion-vqvae")


@kind("training-states/settings", 12)
def settings(place: Place, number: int) -> Command:
    """Every file of the checkpoint that is JSON, changed anywhere; without one, another recipe."""
    network = NETWORKS[number % 2]
    _, checkpoint = run_folder(place, network)
    files = [path for path in files_of(checkpoint) if path.suffix == ".json"]
    if not files:
        return go_on(place, network, **place.rng.choice(({"learning_rate": 1e30}, {"steps": 1}, {"seed": 5})))
    path = place.rng.choice(files)
    changed = odd_json(path.read_text(), place.rng)
    path.write_bytes(changed if isinstance(changed, bytes) else changed.encode("utf-8", "surrogatepass"))
    return go_on(place, network)


OTHER_MODELS = {
    "widths": [4, 4],
    "codebook_size": 8,
    "depth": 2,
    "factors": [1, 2],
    "rotation": "matrix",
    "codebook_dim": 3,
}


@kind("training-states/other-recipes", OTHER_MODELS)
def other_recipes(place: Place, name: str) -> Command:
    """The checkpoint of another model than that of the recipe."""
    run_folder(place, "motion-vqvae")
    values = recipe(place.seeds, "motion-vqvae", place.output / "run")
    values = with_value(values, f"model.{name}", OTHER_MODELS[name])
    path = place.write("recipe.yaml", json.dumps(values))
    return Command(["train", "motion-vqvae", str(path)], owns=["out/run"])


@kind("training-states/starts", 12)
def starts(place: Place, number: int) -> Command:
    """A recipe that starts from weights of a stranger."""
    network = NETWORKS[number % 2]
    start = place.copy(f"runs/{network}", "start")
    path = start / ("training_only.safetensors", "model.safetensors", "config.json")[number // 2 % 3]
    if path.suffix == ".json":
        changed = odd_json(path.read_text(), place.rng)
        path.write_bytes(changed if isinstance(changed, bytes) else changed.encode("utf-8", "surrogatepass"))
    else:
        path.write_bytes(flip(path.read_bytes(), place.rng) if path.exists() else traps(place)[0])
    values = recipe(place.seeds, network, place.output / "run") | {"start": str(start), "model": {}}
    return Command(["train", network, str(place.write("recipe.yaml", json.dumps(values)))])
