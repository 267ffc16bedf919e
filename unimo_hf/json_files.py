# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""JSON files of others: read within bounds, whatever they hold, and refused by name."""

import json
import os
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from unimo_hf.model.number_ranges import shown

MOST_BYTES = 2**24
MOST_DEPTH = 32


def read_json_object(path: str | os.PathLike, most_bytes: int = MOST_BYTES) -> dict[str, Any]:
    """Read a file that holds one JSON object.

    Args:
        path (`str` or `os.PathLike`): The file.
        most_bytes (`int`, *optional*, defaults to 16 MiB): A larger file is refused.

    Raises:
        ValueError: If it is missing, no file, too large, no JSON, nested too deeply, or no object; names it.
        OSError: If it can't be read; names it.
    """
    path = Path(path)
    if not path.is_file():  # a named pipe would be waited for
        raise ValueError(f"{path} is {'no file' if path.exists() else 'missing'}.")
    with path.open("rb") as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise ValueError(f"{path} has more than {most_bytes} bytes, the most that is read.")
    too_deep = f"{path} is nested more than {MOST_DEPTH} deep, the most that is read."
    try:
        values = json.loads(content.decode("utf-8"))
    except RecursionError:
        raise ValueError(too_deep) from None
    except ValueError as error:
        raise ValueError(f"{path} is not a JSON object: {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} is not a JSON object: it holds {type(values).__name__}.")
    if _is_deeper(values, MOST_DEPTH):
        raise ValueError(too_deep)
    return values


def check_plain_name(name: Any, what: str) -> None:
    """Raise `ValueError` if what a file gives as the name of another, in its own folder, may lead elsewhere.

    Args:
        name (`Any`): What it gives.
        what (`str`): How the message calls it.
    """
    # A folder may have been made on another system, so neither kind of path is allowed.
    is_plain = isinstance(name, str) and name == PurePosixPath(name).name == PureWindowsPath(name).name
    if not is_plain or not name.isprintable() or name in ("", ".", ".."):
        raise ValueError(f"{what} is {shown(name)}; the plain name of a file in the same folder is needed.")


def _is_deeper(values: Any, most: int) -> bool:
    """Whether lists and objects are nested deeper; without recursion, which Python bounds."""
    level = [values]
    for _ in range(most):
        containers = [value for value in level if isinstance(value, list | dict)]
        level = [inner for outer in containers for inner in (outer.values() if isinstance(outer, dict) else outer)]
    return any(isinstance(value, list | dict) for value in level)
