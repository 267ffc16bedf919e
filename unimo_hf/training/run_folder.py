# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The folder of a training run: one run at a time, nobody else's model, and its own in whole or not at all."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from safetensors import SafetensorError

from unimo_hf.atomic import follow_umask
from unimo_hf.output_folder import lock_folder
from unimo_hf.training.checkpoints import CHECKPOINTS, REST, has_checkpoint, tidy
from unimo_hf.training.log import LOG, is_metric_log

# What a run writes beside its checkpoints.
RESULTS = re.compile(
    r"tokenizer\.json|(generation_|processor_|tokenizer_)?config\.json|model(-\d+-of-\d+)?\.safetensors(\.index\.json)?"
    rf"|{re.escape(REST)}|{re.escape(LOG)}|motion_vqvae|video_fsq"
)
CONFIG = "config.json"
UNFINISHED_MODEL = ".unimo-model"
MADE = re.compile(r".*\.(json|safetensors)|\.[0-9a-f]{8}")  # the last to look at the umask


@contextmanager
def hold_run_folder(output: Path) -> Iterator[None]:
    """Lock the folder of a run, after a look at what it holds.

    Args:
        output (`Path`): Made if it is missing. It is new, holds nothing that training writes, or is of a training.

    Raises:
        ValueError: If another run writes into it, or it holds a model or a log that no training has written.
        OSError: If it can't be written; names it.
    """
    with lock_folder(output):
        folder = output / CHECKPOINTS
        if folder.exists() and not folder.is_dir():
            raise ValueError(f"{folder} is no folder; checkpoints go there.")
        if not (is_metric_log(output / LOG) or has_checkpoint(output)):
            for entry in sorted(output.iterdir()):
                if RESULTS.fullmatch(entry.name):
                    raise ValueError(
                        f"{entry} is not of a training run, and would be replaced; name another folder (--output)."
                    )
        tidy(output)
        yield


def put_model(output: Path, write: Callable[[Path], None]) -> None:
    """Write a model aside and move it into the folder of its run; a stop at any moment leaves none or a whole one.

    Args:
        output (`Path`): The run's folder.
        write (`Callable`): Writes into the folder that it is given.

    Raises:
        OSError: If it can't be written; the model before stays.
    """
    aside = output / CHECKPOINTS / UNFINISHED_MODEL
    _clear(aside)
    aside.mkdir(parents=True)
    try:
        write(aside)
        # Without a config nothing is loaded: it goes first and comes last.
        files = sorted((path for path in aside.rglob("*") if path.is_file()), key=lambda path: path == aside / CONFIG)
        for path in files:
            follow_umask(path)
        (output / CONFIG).unlink(missing_ok=True)
        for path in files:
            place = output / path.relative_to(aside)
            place.parent.mkdir(exist_ok=True)
            path.replace(place)
    except SafetensorError as error:
        raise OSError(f"{aside} can't be written: {error}") from error
    finally:
        _clear(aside)


def _clear(aside: Path) -> None:
    """Remove what a run that was stopped here has left.

    Raises:
        ValueError: If there is anything else.
    """
    if aside.is_dir() and not aside.is_symlink():
        for folder in (*(path for path in aside.iterdir() if path.is_dir() and not path.is_symlink()), aside):
            for path in folder.iterdir():
                if MADE.fullmatch(path.name) and not path.is_dir():
                    path.unlink()
            with suppress(OSError):  # what others put there stays
                folder.rmdir()
    if os.path.lexists(aside):
        raise ValueError(f"{aside} holds what no run made; remove it.")
