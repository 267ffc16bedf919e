# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Write aside, then rename: a file that exists is whole."""

import os
import tempfile
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
    aside = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
        os.close(handle)
        aside = Path(name)
        yield aside
        follow_umask(aside)
        os.replace(aside, path)
    except OSError as error:
        if error.filename in (None, str(aside)):
            raise OSError(error.errno, error.strerror or str(error), str(path)) from error
        raise
    finally:
        if aside is not None:
            aside.unlink(missing_ok=True)


def follow_umask(path: Path) -> None:
    """Let those read a file whom the user's umask lets; mkstemp and safetensors make files for their owner alone."""
    mask = os.umask(0)
    os.umask(mask)
    path.chmod(0o666 & ~mask)
