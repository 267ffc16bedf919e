# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The record of provenance in motion files, and beside a BVH file, which has no place for one.

What stands beside a file says which file it means by a digest: it is not believed of another one of that name.
"""

import hashlib
import json
from pathlib import Path

from unimo_hf.atomic import replace_when_done
from unimo_hf.provenance import MAX_CHARACTERS, Provenance

from .errors import MotionError

ENDING = ".provenance.json"


def read_record(text: str) -> Provenance:
    """Read a record; raises `MotionError` if it is damaged."""
    try:
        return Provenance.from_json(text)
    except ValueError as error:
        raise MotionError(str(error)) from error


def write_record_beside(path: Path, content: Path, provenance: Provenance) -> None:
    """Write the record of a file.

    Args:
        path (`Path`): Where the file will stand.
        content (`Path`): Where it stands now.
        provenance ([`Provenance`]): Its record.
    """
    with replace_when_done(_beside(path)) as aside:
        aside.write_text(json.dumps(provenance.to_dict() | {"sha256": _digest(content)}, indent=1), encoding="ascii")


def read_record_beside(path: Path) -> Provenance | None:
    """Read the record of a file, `None` if it has none; raises `MotionError` if it is damaged."""
    beside = _beside(path)
    if not beside.is_file():
        return None
    with beside.open(encoding="utf-8", errors="replace") as file:
        text = file.read(MAX_CHARACTERS + 1)
    try:
        provenance = read_record(text)
    except MotionError as error:
        raise MotionError(f"{beside}: {error}") from error
    return provenance if json.loads(text).get("sha256") == _digest(path) else None


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ENDING)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
