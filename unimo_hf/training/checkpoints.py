# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Checkpoints of a training run: when they are whole, which one counts, and what is removed.

A checkpoint is a folder `step_…` with a manifest, which is written last. Of a folder without one nothing is removed,
unless an earlier version of this package wrote it; files of others stay in any case.
"""

import logging
import math
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from unimo_hf.atomic import replace_when_done
from unimo_hf.output_folder import WORKSHOP
from unimo_hf.training.training_state import (
    OPTIMIZER,
    WEIGHTS,
    TrainingState,
    checksum,
    random_file,
    read_json,
    write_json,
)

logger = logging.getLogger(__name__)

CHECKPOINTS = "checkpoints"
REST = "training_only.safetensors"  # what learned beside the model, for a recipe that starts from it
MANIFEST = "state.json"
FORMAT = 1
NAME = re.compile(r"step_\d{8,}")
OWN_FILE = re.compile(r"(model|optimizer)\.safetensors|random_\d+\.json|state\.json")
# What accelerate wrote for earlier versions: reading it would execute it.
EARLIER = ("model.safetensors", "optimizer.bin", "custom_checkpoint_0.pkl", "random_states_0.pkl")
EARLIER_FILE = re.compile(r"model\.safetensors|optimizer\.bin|scaler\.pt|(custom_checkpoint|random_states)_\d+\.pkl")
WAY_OUT = "Start again (--no-resume), or name another folder (--output)."


@dataclass(frozen=True)
class Manifest:
    """What a whole checkpoint says of itself.

    Attributes:
        step (`int`): Steps done.
        processes (`int`): Processes that trained.
        gradient_scale (`dict`, *optional*): Of fp16.
        checksums (`dict[str, int]`): CRC-32 of each file.
        format (`int`): Version of all this.
    """

    step: int
    processes: int
    gradient_scale: dict[str, float] | None
    checksums: dict[str, int]
    format: int = FORMAT

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise ValueError(f"format is {self.format!r}; this version reads {FORMAT}.")
        for name in ("step", "processes"):
            if type(getattr(self, name)) is not int or getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)!r}; it must be a whole number from 1 on.")
        scale = self.gradient_scale
        if scale is not None and not (
            isinstance(scale, dict)
            and scale.keys() == {"scale", "_growth_tracker"}
            and all(type(value) in (int, float) and 0 <= value < math.inf for value in scale.values())
        ):
            raise ValueError(f"gradient_scale is {scale!r:.100}.")
        if not isinstance(self.checksums, dict) or len(self.checksums) != self.processes + 2:
            raise ValueError(f"checksums are not those of {self.processes} processes.")
        if self.checksums.keys() != _files(self.processes):
            raise ValueError(f"checksums name {min(self.checksums.keys() ^ _files(self.processes))!r}.")


def save_checkpoint(state: TrainingState, output: Path, step: int) -> None:
    """Write aside, remove all others, rename: a stop at any moment leaves a whole checkpoint.

    Args:
        state ([`TrainingState`]): What is saved.
        output (`Path`): Folder of the run.
        step (`int`): Steps done.

    Raises:
        OSError: If it can't be written, such as on a full disk; the checkpoint before stays.
        ValueError: If somebody's files are in the way.
    """
    accelerator, aside = state.accelerator, output / CHECKPOINTS / WORKSHOP
    if accelerator.is_main_process:
        aside.mkdir(parents=True)
    accelerator.wait_for_everyone()
    try:
        checksums = state.write(aside)
        accelerator.wait_for_everyone()
        if accelerator.is_main_process:
            processes = accelerator.num_processes
            checksums |= {name: checksum(aside / name) for name in map(random_file, range(processes))}
            write_json(aside / MANIFEST, asdict(Manifest(step, processes, state.gradient_scale(), checksums)))
    except BaseException:
        if accelerator.is_main_process:
            _remove_files(aside, OWN_FILE)
        raise
    if accelerator.is_main_process:
        _put_in_place(aside)


def tidy(output: Path) -> None:
    """Finish what a run that was killed while it saved has left, or remove it.

    Raises:
        ValueError: If somebody's files are in the way.
    """
    aside = output / CHECKPOINTS / WORKSHOP
    if aside.is_symlink():
        raise ValueError(f"{aside} is a link, which no run made; remove it.")
    if not aside.is_dir():
        return
    if _is_whole(aside):
        _put_in_place(aside)
    else:
        _remove_files(aside, OWN_FILE)
    if aside.exists():
        raise ValueError(f"{aside} holds {_any_name(aside)}, which no run made; remove it.")


def load_last_checkpoint(state: TrainingState, output: Path, steps: int) -> int:
    """Load the last checkpoint of a run, if there is one.

    Args:
        state ([`TrainingState`]): What is loaded.
        output (`Path`): Folder of the run.
        steps (`int`): Steps of the whole run.

    Returns:
        `int`: Steps done.

    Raises:
        ValueError: If the checkpoint does not fit the recipe or is damaged; names the file.
    """
    state.accelerator.wait_for_everyone()
    try:
        last = _last(output)
        if last is None:
            return 0
        folder, manifest = last
        if manifest.step > steps:
            raise ValueError(f"{folder} is of step {manifest.step}, the recipe has {steps} steps in all.")
        processes = state.accelerator.num_processes
        if manifest.processes != processes:
            found = f"{folder / MANIFEST} is of {manifest.processes} processes, this run has {processes}"
            raise ValueError(f"{found}: it would not go on as it began.")
        own = [random_file(state.accelerator.process_index)]
        for name in [WEIGHTS, OPTIMIZER, *own] if state.accelerator.is_local_main_process else own:
            if checksum(folder / name) != manifest.checksums[name]:
                raise ValueError(f"{folder / name} is damaged: it is not what was saved.")
        state.read(folder)
        state.set_gradient_scale(manifest.gradient_scale)
    except ValueError as error:
        raise ValueError(f"{error} {WAY_OUT}") from error
    logger.info("going on from %s", folder)
    return manifest.step


def has_checkpoint(output: Path) -> bool:
    """Whether a run has left a checkpoint, also one of an earlier version or a damaged one."""
    return any(_is_ours(folder) for folder in [*_step_folders(output), output / CHECKPOINTS / WORKSHOP])


def save_rest(weights: dict[str, Tensor], output: Path) -> None:
    """Keep what learned beside the model, such as a head that only training needs; nothing if there is none."""
    if weights:
        with replace_when_done(output / REST) as aside:
            save_file({key: value.contiguous() for key, value in weights.items()}, aside)


def load_rest(network: nn.Module, start: Path) -> None:
    """Give a network, whose model has its weights already, what learned beside it, if the folder holds that.

    Raises:
        ValueError: If the file is damaged or of another network; names it.
    """
    path = start / REST
    if not path.exists():
        return
    of_model = {f"model.{key}": value for key, value in network.model.state_dict().items()}
    try:
        network.load_state_dict(of_model | load_file(path))
    except (RuntimeError, SafetensorError) as error:
        raise ValueError(
            f"{path} does not fit the recipe or is damaged ({' '.join(str(error).split())[:200]})."
        ) from error


def _last(output: Path) -> tuple[Path, Manifest] | None:
    """The checkpoint of the highest step; one that is not whole counts only where there is no other."""
    whole: list[tuple[Path, Manifest]] = []
    problems: list[ValueError] = []
    for folder in filter(_is_ours, _step_folders(output)):
        try:
            whole.append((folder, _read_manifest(folder)))
        except ValueError as error:
            problems.append(error)
    if problems and not whole:
        raise problems[-1]
    return max(whole, key=lambda found: found[1].step, default=None)


def _put_in_place(aside: Path) -> None:
    """Rename a whole checkpoint when all others are gone; later ones are of a run that was started again."""
    step = _read_manifest(aside).step
    for other in _step_folders(aside.parent.parent):
        _remove(other)
    place = aside.with_name(f"step_{step:08d}")
    try:
        aside.rename(place)
    except OSError as error:
        if place.is_dir() and any(place.iterdir()):
            raise ValueError(
                f"{place} holds {_any_name(place)}, which no run made; remove it. A checkpoint waits to go there."
            ) from error
        raise


def _step_folders(output: Path) -> list[Path]:
    found = (output / CHECKPOINTS).glob("step_*")
    return sorted(path for path in found if NAME.fullmatch(path.name) and path.is_dir() and not path.is_symlink())


def _is_ours(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (MANIFEST, OPTIMIZER)) or _is_earlier(folder)


def _is_earlier(folder: Path) -> bool:
    return all((folder / name).is_file() for name in EARLIER) and not (folder / MANIFEST).exists()


def _files(processes: int) -> set[str]:
    return {WEIGHTS, OPTIMIZER, *map(random_file, range(processes))}


def _any_name(folder: Path) -> str:
    return min(entry.name for entry in folder.iterdir())


def _read_manifest(folder: Path) -> Manifest:
    """Raise `ValueError` that names the file if the folder holds no whole checkpoint."""
    if _is_earlier(folder):
        raise ValueError(
            f"{folder} is of an earlier version, whose pickles could execute anything: it is never loaded."
        )
    path = folder / MANIFEST
    values = read_json(path)
    try:
        return Manifest(**values)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} is no manifest of a checkpoint: {error}") from error


def _is_whole(folder: Path) -> bool:
    try:
        _read_manifest(folder)
    except ValueError:
        return False
    return True


def _remove(folder: Path) -> None:
    """Remove a checkpoint, if it is one."""
    if _is_earlier(folder):
        _remove_files(folder, EARLIER_FILE)
    elif _is_whole(folder):
        _remove_files(folder, OWN_FILE)


def _remove_files(folder: Path, own: re.Pattern[str]) -> None:
    """Remove the files of such names, and the folder if nothing else is in it."""
    # The manifest goes last, so that what is left is known for what it is.
    for path in sorted(folder.iterdir(), key=lambda path: path.name == MANIFEST):
        if own.fullmatch(path.name) and not path.is_dir():
            path.unlink()
    if not any(folder.iterdir()):
        folder.rmdir()
