# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Output folders in which files of somebody else stand, or that can't be written."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import yaml
from hostile.cases import Command, Place, kind
from hostile.motions import SMALL
from hostile.seeds import recipe
from hostile.training_states import go_on, run_folder

FOREIGN = (
    *(".gitlab-ci.yml", ".bashrc-backup", ".abcdef-x", "my_table.parquet", "shard_00000.parquet", "shard_x.parquet"),
    *("shards.json", "clips.json", "000000.mp4", "000000.npz", "step_notes", "checkpoints/step_notes/notes.txt"),
    *("checkpoints/partial/notes.txt", "checkpoints/step_00000001/notes.txt", "checkpoints/notes.txt", "log.jsonl"),
    *(".unimo-unfinished/folder/mine.txt", "made.jsonl", "README.md"),
)


def render(place: Place, output: Path | str) -> Command:
    """Draw clips."""
    return Command(["data", "render", str(place.seeds["motions/walk.npz"]), "-o", str(output), *SMALL])


def encode(place: Place, output: Path | str) -> Command:
    """Encode clips."""
    return Command(["data", "encode", str(place.seeds["clips"]), "-o", str(output), "--model", place.checkpoint()])


def redraw(place: Place, output: Path | str) -> Command:
    """Redraw clips."""
    shards = str(place.seeds["shards"])
    return Command(["data", "redraw", shards, "-o", str(output), "--clips", "2", "--model", place.checkpoint()])


def train(place: Place, output: Path | str) -> Command:
    """Train into the folder itself."""
    values = recipe(place.seeds, "motion-vqvae", str(output))
    return Command(["train", "motion-vqvae", str(place.write("recipe.yaml", yaml.safe_dump(values)))])


def train_with_shards(place: Place, output: Path | str) -> Command:
    """Train from clips that are encoded into the folder first."""
    drawn = {"motions": str(place.seeds["motions/walk.npz"]), "front": 2, "around": 1, "frames": 9, "size": 32}
    values = recipe(place.seeds, "unimo", place.output / "run") | {"shards": str(output), "drawn": drawn}
    return Command(["train", "unimo", str(place.write("recipe.yaml", yaml.safe_dump(values)))])


def convert(place: Place, output: Path | str) -> Command:
    """Convert a motion."""
    return Command(["data", "convert", str(place.seeds["motions/walk.npz"]), "-o", str(output)])


def export(place: Place, output: Path | str) -> Command:
    """Make a Hub repository."""
    return Command([place.checkpoint(), "--output", str(output)], program="export_hub.py")


Writer = Callable[[Place, Path | str], Command]
WRITERS: tuple[Writer, ...] = (render, encode, redraw, train_with_shards, train)


@kind("folders/foreign-files", [(writer, name) for writer in WRITERS for name in FOREIGN])
def foreign_files(place: Place, variant: tuple[Writer, str]) -> Command:
    """A file of somebody else, under a name that a careless program takes for its own."""
    writer, name = variant
    path = place.output / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("of somebody else", encoding="utf-8")
    return writer(place, place.output)


@kind("folders/going-on", [name for name in FOREIGN if name.startswith((".", "checkpoints", "step"))])
def going_on(place: Place, name: str) -> Command:
    """The same where a training goes on."""
    folder, _ = run_folder(place, "motion-vqvae")
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("of somebody else", encoding="utf-8")
    return replace(go_on(place, "motion-vqvae"), keeps=[f"out/run/{name}"])


def _file(path: Path) -> None:
    path.write_text("of somebody else", encoding="utf-8")


def _read_only(path: Path) -> None:
    path.mkdir()
    path.chmod(0o500)


def _broken(path: Path) -> None:
    path.symlink_to("missing/folder")


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


PLACES: tuple[Callable[[Path], None], ...] = (_file, _read_only, _broken, _loop)
OUTPUTS = ("/dev/null", "/dev/full", "/proc/1", "/dev/null/x", "/proc/unimo")
ALL: tuple[Writer, ...] = (*WRITERS, convert, export)


@kind("folders/no-folder", [(writer, make) for writer in ALL for make in PLACES])
def no_folder(place: Place, variant: tuple[Writer, Callable[[Path], None]]) -> Command:
    """A file, a link that leads nowhere, or a folder without permission."""
    writer, make = variant
    make(place.output / "place")
    return writer(place, place.output / "place")


@kind("folders/devices", [(writer, output) for writer in (render, encode, train, convert) for output in OUTPUTS])
def devices(place: Place, variant: tuple[Writer, str]) -> Command:
    """A device or a place of the system."""
    writer, output = variant
    return writer(place, output)


WRITTEN = ("000000.mp4", "000000.npz", "clips.json", "shards.json", "shard_00000.parquet", "log.jsonl", "config.json")


@kind("folders/links", WRITERS)
def links(place: Place, writer: Writer) -> Command:
    """Links under the names of what is written, which lead to a file of somebody else."""
    for name in (*WRITTEN, "model.safetensors"):
        (place.output / name).symlink_to("../elsewhere/secret.txt")
    # A training replaces what one before it has written, and so a link of that name; never what it leads to.
    owns = [f"out/{name}" for name in ("model.safetensors", "config.json", "log.jsonl")] if writer is train else []
    return replace(writer(place, place.output), owns=owns)


@kind("folders/workshop-is-a-link", WRITERS[:4])
def linked_workshop(place: Place, writer: Writer) -> Command:
    """The folder for unfinished files leads to one of somebody else."""
    (place.output / ".unimo-unfinished").symlink_to("../elsewhere")
    return writer(place, place.output)


JOURNALS = (
    '{"name": "mine.txt", "size": 16, "modified": 0}\n',
    '{"name": "../elsewhere/secret.txt", "size": 16, "modified": 0}\n',
    '{"name": "../elsewhere/secret.txt"}\n',
    '{"name": "mine.txt"}\n',
    "[" * 100_000,
    '{"name": 3}\nnull\n[]\n',
    '{"name": "mine.txt", "size": NaN, "modified": 1e999}\n',
)


@kind("folders/journals", [(writer, text) for writer in (render, encode) for text in JOURNALS])
def journals(place: Place, variant: tuple[Writer, str]) -> Command:
    """A planted note of an unfinished run, which names files of somebody else."""
    writer, text = variant
    mine = place.output / "mine.txt"
    mine.write_text("of somebody else", encoding="utf-8")
    os.utime(mine, ns=(1, 1))
    (place.output / ".unimo-unfinished").mkdir()
    (place.output / ".unimo-unfinished" / "made.jsonl").write_text(text, encoding="utf-8")
    return replace(writer(place, place.output), owns=["out/.unimo-unfinished"])


@kind("folders/own-input", ("encode", "convert", "redraw", "render"))
def own_input(place: Place, name: str) -> Command:
    """What is made goes into the folder that is read."""
    seed = {"encode": "clips", "convert": "motions", "redraw": "shards", "render": "motions"}[name]
    folder = place.copy(seed)
    more = {"encode": ["--model", place.checkpoint()], "redraw": ["--clips", "2", "--model", place.checkpoint()]}
    arguments = ["data", name, str(folder), "-o", str(folder), *more.get(name, SMALL if name == "render" else [])]
    return Command(arguments, writes="in")
