# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""A folder that a run fills: one run at a time, whole files only, and nothing of anybody else is touched."""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

LOCK = ".unimo.lock"
WORKSHOP = ".unimo-unfinished"
JOURNAL = "made.jsonl"  # in the workshop: what an unfinished run has put into the folder


@contextmanager
def lock_folder(folder: str | os.PathLike) -> Iterator[None]:
    """Hold a folder, made if it is missing, so that no second run writes into it; a killed run holds nothing.

    Args:
        folder (`str` or `os.PathLike`): The folder.

    Raises:
        ValueError: If another run holds it.
        OSError: If it can't be written (no permission, a full disk, a file in its place); names it.
    """
    from filelock import FileLock, Timeout

    folder = Path(folder)
    path = folder / LOCK
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, timeout=0)
        lock.acquire()
    except Timeout:
        raise ValueError(
            f"{folder} is being written by another run ({LOCK} is held); wait for it, or name another folder."
        ) from None
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(folder)) from error
    try:
        yield
    finally:
        # While it is held, so that nobody else's is removed. Windows does not remove an open file: it stays there.
        with suppress(OSError):
            path.unlink()
        lock.release()


def check_unfinished(folder: str | os.PathLike, last: str) -> None:
    """Raise `ValueError` if a folder holds the file that a run puts there last."""
    if os.path.lexists(Path(folder) / last):
        raise ValueError(f"{folder} is finished, it holds {last}; name another folder, or remove this one.")


class OutputFolder:
    """A folder being filled by a run, as a context.

    Files are made in `workshop`, a folder inside, and [`put`] moves them out one by one. Of each the workshop keeps a
    note, so that a run that takes up an unfinished folder knows which files are leftovers: those that are still as
    they were noted. It removes them when it begins. Nothing else is ever removed or replaced.

    Args:
        folder (`str` or `os.PathLike`): Made if it is missing; may hold other files.
        last (`str`): Name of the file that is put last; a folder that holds it is refused.

    Attributes:
        path (`Path`): The folder.
        workshop (`Path`): Where files are made; gone when the block ends well.

    Raises:
        ValueError: If the folder is finished, or another run is writing into it.
        OSError: If it can't be written.

    Example:

    ```python
    with OutputFolder("clips", last="clips.json") as folder:
        folder.check_free(["000000.mp4"])
        write_video(folder.workshop / "000000.mp4", frames, fps=15)
        folder.put("000000.mp4")
    ```
    """

    def __init__(self, folder: str | os.PathLike, last: str):
        self.path, self.last = Path(folder), last
        self.workshop = self.path / WORKSHOP

    def __enter__(self) -> "OutputFolder":
        check_unfinished(self.path, self.last)
        self._lock = lock_folder(self.path)
        self._lock.__enter__()
        try:
            check_unfinished(self.path, self.last)  # another run may have been faster
            self._remove_leftovers()
            self.workshop.mkdir()
        except BaseException:
            self._lock.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None or not self._notes():
                _empty(self.workshop)
        finally:
            self._lock.__exit__(None, None, None)

    def check_free(self, names: Iterable[str]) -> None:
        """Raise `ValueError` naming the first of these files that the folder holds already."""
        for name in names:
            if os.path.lexists(self.path / name):
                raise ValueError(
                    f"{self.path / name} exists already and is not of an unfinished run; remove it, or name another "
                    "folder."
                )

    def put(self, name: str) -> None:
        """Move a finished file out of the workshop.

        Raises:
            ValueError: If the folder holds a file of that name already.
        """
        self.check_free([name])
        made = self.workshop / name
        with (self.workshop / JOURNAL).open("a", encoding="utf-8") as journal:
            journal.write(json.dumps({"name": name, **_marks(made)}) + "\n")
        made.rename(self.path / name)

    def _remove_leftovers(self) -> None:
        if self.workshop.is_symlink():
            raise ValueError(f"{self.workshop} is a link; remove it, or name another folder.")
        for note in self._notes():
            file = self.path / note["name"]
            if (
                file.name == note["name"]
                and file.is_file()
                and not file.is_symlink()
                and _marks(file).items() <= note.items()
            ):
                file.unlink()
        _empty(self.workshop)

    def _notes(self) -> list[dict[str, Any]]:
        """What an unfinished run has noted; a line that was cut short by its end is of a file that it did not move."""
        try:
            lines = (self.workshop / JOURNAL).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return []
        notes = []
        for line in lines:
            try:
                note = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(note, dict) and isinstance(note.get("name"), str):
                notes.append(note)
        return notes


def _marks(file: Path) -> dict[str, int]:
    """What tells a file that was made from one that somebody put in its place."""
    state = file.stat()
    return {"size": state.st_size, "modified": state.st_mtime_ns}


def _empty(workshop: Path) -> None:
    """Remove the workshop and the files in it; one that holds folders is not of this program and stays."""
    if not workshop.is_dir():
        return
    if found := [entry.name for entry in workshop.iterdir() if entry.is_dir() and not entry.is_symlink()]:
        raise ValueError(f"{workshop} holds {found[0]}, which no run made; remove it, or name another folder.")
    for entry in workshop.iterdir():
        entry.unlink()
    workshop.rmdir()
