# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What the commands say: results go to standard output, everything else to standard error."""

import contextlib
import errno
import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

# Packages that only some commands need, and the extra that brings them.
EXTRA_OF_PACKAGE = {"diffusers": "diffusion"}

OnFrames = Callable[[int, int], None]


@dataclass(frozen=True)
class Failure:
    """An input that could not be worked on.

    Attributes:
        input (`str`): As the user named it.
        error (`str`): One line: what was found and what is allowed.
    """

    input: str
    error: str


def say(message: str) -> None:
    """Tell the user something that is no result (rich markup allowed)."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(message)


def is_users_error(error: BaseException) -> bool:
    """Whether an error comes from what the user gave (files, values, missing extras) and not from a bug."""
    if isinstance(error, ModuleNotFoundError):
        return error.name is not None and error.name.partition(".")[0] in EXTRA_OF_PACKAGE
    return isinstance(error, (ValueError, OSError))


def describe_error(error: BaseException) -> str:
    """Say in one line what went wrong."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        package = error.name.partition(".")[0]
        line = f"this needs the package {package}: pip install 'unimo_hf[{EXTRA_OF_PACKAGE.get(package, 'dev')}]'"
    elif isinstance(error, OSError) and error.strerror:
        line = f"{error.filename}: {error.strerror}" if error.filename is not None else error.strerror
    else:
        line = str(error) or type(error).__name__
    return " ".join(line.split())


def run_each(
    inputs: Sequence[Path], work: Callable[[Path, OnFrames], dict[str, Any]], title: str
) -> tuple[list[dict[str, Any]], list[Failure]]:
    """Do the same work on every input; one that fails is kept for the end and stops nothing.

    Args:
        inputs (`Sequence[Path]`): What to work on.
        work (`Callable`): Takes one input and a function to call as `on_frames(done, total)`; returns one row of the
            result.
        title (`str`): Shown in front of the progress bar.

    Returns:
        `tuple[list[dict], list[Failure]]`: A row for each input that worked, a failure for each that did not.
    """
    rows: list[dict[str, Any]] = []
    failures: list[Failure] = []
    with progress_bar() as bar:
        task = bar.add_task(title, total=len(inputs))
        for path in inputs:
            part = bar.add_task(f"  {escape(path.name)}", total=None)
            try:
                rows.append(work(path, partial(_show, bar, part)))
            except Exception as error:
                if not is_users_error(error) or isinstance(error, ModuleNotFoundError) or _is_fatal(error):
                    raise
                failures.append(Failure(str(path), describe_error(error)))
            bar.remove_task(part)
            bar.advance(task)
    return rows, failures


def progress_bar() -> Progress:
    """A progress bar on standard error; silent where that is no terminal."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object to standard output."""
    typer.echo(json.dumps(value, indent=2, default=_plain))


def print_table(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows of equal keys as a table to standard output; of a path, only the name of the file."""
    if not rows:
        return
    table = Table(title=escape(title), title_justify="left")
    for name, value in rows[0].items():
        table.add_column(name, justify="right" if isinstance(value, (int, float)) else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    Console().print(table)


def finish(
    title: str, rows: Sequence[dict[str, Any]], failures: Sequence[Failure], as_json: bool, **facts: Any
) -> None:
    """Print the results of many inputs and end the command, with code 1 if one of them failed."""
    if as_json:
        print_json({**facts, "results": rows, "failures": [asdict(failure) for failure in failures]})
    else:
        print_table(title, rows)
    end_with(failures, len(rows) + len(failures))


def end_with(failures: Sequence[Failure], inputs: int) -> None:
    """Say which of so many inputs failed, and end the command with code 1 if one did."""
    if failures:
        say(f"[bold red]{len(failures)} of {inputs} inputs failed:[/bold red]")
        for failure in failures:
            named = failure.error.startswith(failure.input)
            say(f"  {escape(failure.error if named else f'{failure.input}: {failure.error}')}")
        raise typer.Exit(1)


@contextlib.contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keep the bars and remarks of transformers out of the output of a command."""
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    from transformers.utils import logging as transformers_logging

    verbosity = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity(logging.ERROR)
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        transformers_logging.enable_progress_bar()


def _show(bar: Progress, task: TaskID, done: int, total: int) -> None:
    bar.update(task, completed=done, total=total)


def _is_fatal(error: BaseException) -> bool:
    """A full disk or a broken pipe will not get better with the next input."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EPIPE, errno.EROFS)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Path):
        return escape(value.name)
    if value is None:
        return ""
    return escape("\n".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value))


def _plain(value: Any) -> Any:
    """What json does not know by itself: paths, and numbers of numpy and torch."""
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no place in JSON")
