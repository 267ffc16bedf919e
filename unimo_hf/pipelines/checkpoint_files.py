# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The files of a checkpoint folder that may be copied and uploaded: those that lie in it.

A folder that somebody else has made may hold links to files of one's own, which nobody means to publish.
"""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from unimo_hf.atomic import replace_when_done

CHUNK = 2**20  # bytes


def files_inside(folder: Path, patterns: Iterable[str] = ("**/*",)) -> list[Path]:
    """List the files of a folder.

    Links within the folder are followed, and in a snapshot of the Hub's cache those to the cache's own blobs.

    Args:
        folder (`Path`): The checkpoint.
        patterns (`Iterable[str]`, *optional*): As `Path.glob` takes them; default: all, sub-folders included.

    Returns:
        `list[Path]`: Each once, by name.

    Raises:
        ValueError: If one is a link that leads elsewhere or nowhere, or no ordinary file (a pipe, a device); names it.
    """
    roots = [folder.resolve(), *_blobs(folder.resolve())]
    found = []
    for path in sorted({path for pattern in patterns for path in folder.glob(pattern)}):
        _check_links(path, folder, roots)
        kind = path.stat().st_mode
        if not stat.S_ISDIR(kind):
            if not stat.S_ISREG(kind):
                raise ValueError(f"{path} is no ordinary file (a pipe, a socket or a device); remove it.")
            found.append(path)
    return found


def copy_file(source: Path, target: Path) -> None:
    """Copy a file as a whole or not at all, into a folder that is made if it is missing.

    Raises:
        ValueError: If the file grows or shrinks meanwhile.
        OSError: If one can't be read or the other can't be written.
    """
    with source.open("rb") as read, replace_when_done(target) as aside, aside.open("wb") as written:
        left = size = os.fstat(read.fileno()).st_size
        while chunk := read.read(min(CHUNK, left)):
            written.write(chunk)
            left -= len(chunk)
        if left or read.read(1):
            raise ValueError(f"{source} had {size} bytes and has others by now: wait until nobody writes it.")


def _blobs(folder: Path) -> list[Path]:
    """Where a snapshot in the Hub's cache may link to: blobs of its repository, which may be kept for all of them."""
    repository = folder.parent.parent
    if folder.parent.name != "snapshots" or not repository.name.startswith("models--"):
        return []
    return [repository / "blobs", repository.parent / "blobs"]


def _check_links(path: Path, folder: Path, roots: list[Path]) -> None:
    """Raise `ValueError` if the way from a folder to a path goes over a link that does not end in one of the roots."""
    way = [path, *path.parents][: len(path.relative_to(folder).parts)]
    for link in reversed(way):
        if not link.is_symlink():
            continue
        end = Path(os.path.realpath(link))
        if not any(end.is_relative_to(root) for root in roots):
            raise ValueError(
                f"{link} is a link to {os.readlink(link)}, outside of {folder}: put there what it means, or remove it."
            )
        if not end.exists():
            raise ValueError(f"{link} is a link to {os.readlink(link)}, which is not there; remove it.")
