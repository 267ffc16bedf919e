# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Checkpoints of a training run: weights, optimiser, schedule and the state of every random generator."""

import logging
import shutil
from pathlib import Path

from accelerate import Accelerator
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from unimo_hf.atomic import replace_when_done

logger = logging.getLogger(__name__)

CHECKPOINTS = "checkpoints"
REST = "training_only.safetensors"  # what learned beside the model, for a recipe that starts from it


def save_checkpoint(accelerator: Accelerator, output: Path, step: int) -> None:
    """Write aside, rename, then remove all others: a stop at any moment leaves a whole checkpoint.

    Args:
        accelerator (`Accelerator`): Holds what is saved.
        output (`Path`): Folder of the run.
        step (`int`): Steps done.
    """
    folder = output / CHECKPOINTS / f"step_{step:08d}"
    aside = folder.with_name("partial")
    if accelerator.is_main_process:
        shutil.rmtree(aside, ignore_errors=True)
    accelerator.wait_for_everyone()
    accelerator.save_state(str(aside))
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        shutil.rmtree(folder, ignore_errors=True)
        aside.rename(folder)
        # All others, also later ones: they are of a run that was started again.
        for other in set(folder.parent.glob("step_*")) - {folder}:
            shutil.rmtree(other)


def load_last_checkpoint(accelerator: Accelerator, output: Path, steps: int) -> int:
    """Load the last checkpoint of a run, if there is one.

    Args:
        accelerator (`Accelerator`): Holds what is loaded.
        output (`Path`): Folder of the run.
        steps (`int`): Steps of the whole run.

    Returns:
        `int`: Steps done.

    Raises:
        ValueError: If the checkpoint does not fit the recipe or is damaged; names it.
    """
    found = sorted((output / CHECKPOINTS).glob("step_*"))
    if not found:
        return 0
    step = int(found[-1].name.removeprefix("step_"))
    if step > steps:
        raise ValueError(
            f"{found[-1]} is of step {step}, the recipe has {steps} steps in all. Start again (--no-resume), or name "
            "another folder (--output)."
        )
    try:
        accelerator.load_state(str(found[-1]))
    except Exception as error:  # each kind of file has errors of its own
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ValueError(
            f"{found[-1]} does not fit the recipe or is damaged ({reason}). Start again "
            "(--no-resume), or name another folder (--output)."
        ) from error
    logger.info("going on from %s", found[-1])
    return step


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
