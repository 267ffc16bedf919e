# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What the commands say: results go to standard output, everything else to standard error."""

import errno
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column, Table
from rich.text import Text

from ..names import shown

# Packages that only some commands need, and the extra that brings them.
EXTRA_OF_PACKAGE = {"diffusers": "diffusion"}

OnFrames = Callable[[int, int], None]
Model = TypeVar("Model")


@dataclass(frozen=True)
class Failure:
    """An input that could not be worked on.

    Attributes:
        input (`str`): As the user named it.
        error (`str`): One line: what was found and what is allowed.
    """

    input: str
    error: str


def say(message: str, lead: str = "", style: str = "bold red") -> None:
    """Tell the user something that is no result.

    Args:
        message (`str`): May hold names of files and the like, which are written out where a terminal would obey them.
        lead (`str`, *optional*): Words before it, such as `Error:`.
        style (`str`, *optional*, defaults to `"bold red"`): How these words look.
    """
    text = Text.assemble((lead, style), " " if lead and message else "", shown(message))
    Console(stderr=True, highlight=False, soft_wrap=True).print(text)


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
            part = bar.add_task(f"  {path.name}", total=None)
            try:
                rows.append(work(path, partial(_show, bar, part)))
            except Exception as error:
                if not is_users_error(error) or isinstance(error, ModuleNotFoundError) or _is_fatal(error):
                    raise
                failures.append(Failure(str(path), describe_error(error)))
            bar.remove_task(part)
            bar.advance(task)
    return rows, failures


def run_each_with_model(
    inputs: Sequence[Path],
    look: Callable[[Path], object],
    load: Callable[[], Model],
    work: Callable[[Model, Path, OnFrames], dict[str, Any]],
    title: str,
) -> tuple[list[dict[str, Any]], list[Failure]]:
    """Do work on every input with a model, which is loaded when all inputs have been looked at and one is good.

    Args:
        inputs (`Sequence[Path]`): What to work on.
        look (`Callable`): Raises what is wrong with an input, quickly.
        load (`Callable`): Gives the model.
        work (`Callable`): As that of [`run_each`], with the model before the input.
        title (`str`): Shown in front of the progress bar.

    Returns:
        `tuple[list[dict], list[Failure]]`: As [`run_each`].
    """

    def looked(path: Path, _: OnFrames) -> dict[str, Any]:
        look(path)
        return {"input": path}

    good, unusable = run_each(inputs, looked, "looking at the inputs")
    if not good:
        return [], unusable
    rows, failures = run_each([row["input"] for row in good], partial(work, load()), title)
    return rows, [*unusable, *failures]


def progress_bar() -> Progress:
    """A progress bar on standard error; silent where that is no terminal."""
    console = Console(stderr=True)
    return Progress(
        _Description(),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object, in ASCII, to standard output."""
    print_text(json.dumps(value, indent=2, default=_plain))


def print_text(text: str) -> None:
    """Print text as it is to standard output; the end of the program if nobody reads it, as `head` after its line."""
    try:
        typer.echo(text)
    except BrokenPipeError:
        Console().on_broken_pipe()  # as rich ends where a table is not read


def print_table(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows of equal keys as a table to standard output; of a path, only the name of the file."""
    if not rows:
        return
    table = Table(title=Text(shown(title)), title_justify="left")
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
        say("", f"{len(failures)} of {inputs} inputs failed:")
        for failure in failures:
            named = failure.error.startswith(failure.input)
            say(f"  {failure.error if named else f'{failure.input}: {failure.error}'}")
        raise typer.Exit(1)


class _Description(ProgressColumn):
    """What a bar is about: text that may hold the name of a file."""

    def get_table_column(self) -> Column:
        return Column(no_wrap=True)

    def render(self, task: Task) -> Text:
        return Text(shown(task.description))


def _show(bar: Progress, task: TaskID, done: int, total: int) -> None:
    bar.update(task, completed=done, total=total)


def _is_fatal(error: BaseException) -> bool:
    """A full disk or a broken pipe will not get better with the next input."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EPIPE, errno.EROFS)


def _cell(value: Any) -> Text:
    if isinstance(value, (list, tuple)):
        return Text("\n").join(map(_cell, value))
    if isinstance(value, float):
        return Text(f"{value:.4g}")
    return Text("" if value is None else shown(value.name if isinstance(value, Path) else str(value)))


def _plain(value: Any) -> Any:
    """What json does not know by itself: paths, and numbers of numpy and torch."""
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no place in JSON")
