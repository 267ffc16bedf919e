# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Write aside, then rename: a file that exists is whole, and others can read it as the user's umask says."""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replace_when_done(path: str | os.PathLike) -> Iterator[Path]:
    """Give a path to write to; it takes the place of `path` when the block ends well and is removed when it does not.

    The file stands in the folder of `path` (made if it is missing), so that the rename is atomic.

    Args:
        path (`str` or `os.PathLike`): Where the finished file goes; an existing file is replaced.

    Yields:
        `Path`: An empty file with the suffix of `path`.

    Raises:
        OSError: If the file can't be written (no permission, full disk); names `path`.

    Example:

    ```python
    with replace_when_done("clip.npz") as aside:
        np.savez(aside, **arrays)
    ```
    """
    path = Path(path)
    # Of a long name only the beginning: what is added must fit into the file system's 255 bytes.
    aside = path.with_name(f".{path.stem[:40]}-{secrets.token_hex(4)}{path.suffix}")
    made = False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.touch(exist_ok=False)
        made, mode = True, _mode(aside)
        yield aside
        aside.chmod(mode)  # safetensors puts a file of its own here, which only the owner can read
        os.replace(aside, path)
    except OSError as error:
        if error.filename in (None, str(aside)):
            raise OSError(error.errno, error.strerror or str(error), str(path)) from error
        raise
    finally:
        if made:
            aside.unlink(missing_ok=True)


def follow_umask(*files: Path) -> None:
    """Give files the permissions of any new file: safetensors writes weights that only their owner can read.

    Args:
        *files (`Path`): Files that the caller has just written.

    Example:

    ```python
    model.save_pretrained(folder)
    follow_umask(*folder.glob("model*.safetensors"))
    ```
    """
    for file in files:
        # The umask can only be read by setting it, which other threads would notice: a new file shows it.
        probe = file.with_name(f".{secrets.token_hex(4)}")
        probe.touch(exist_ok=False)
        mode = _mode(probe)
        probe.unlink()
        file.chmod(mode)


def _mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)
