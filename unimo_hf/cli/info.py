# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""`unimo info`: what files hold, and whether a model made it."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from ..names import shown
from ..provenance import NOT_SAID, Provenance
from . import options
from .inputs import PICTURE_SUFFIXES, VIDEO_SUFFIXES, find_inputs
from .reporting import OnFrames, end_with, print_json, run_each

Row = dict[str, Any]


def info(
    inputs: Annotated[
        list[str], typer.Argument(metavar="FILE", help="Motion files, videos and pictures, folders of them, or globs.")
    ],
    as_json: options.Json = False,
) -> None:
    """Say what files hold, and whether a model generated or estimated it.

    What was captured has no record of that, nor has a file of another program: of those nothing is known.
    """
    from ..motion.containers import DESCRIPTIONS

    files = find_inputs(inputs, (*DESCRIPTIONS, *VIDEO_SUFFIXES, *PICTURE_SUFFIXES))

    def work(path: Path, _: OnFrames) -> Row:
        suffix = path.suffix.lower()
        read = _motions if suffix in DESCRIPTIONS else _picture if suffix in PICTURE_SUFFIXES else _video
        return {"rows": read(path)}

    found, failures = run_each(files, work, "reading")
    rows = [row for one in found for row in one["rows"]]
    if as_json:
        print_json({"results": list(map(_in_json, rows)), "failures": [asdict(failure) for failure in failures]})
    else:
        for row in rows:
            typer.echo(_in_words(row))
    end_with(failures, len(files))


def _motions(path: Path) -> list[Row]:
    from ..motion.motion import read_source
    from ..motion.sources import Source

    motions = read_source(Source(path, path.stem))
    return [
        {
            "input": path,
            "holds": "motion",
            "name": name,
            "format": path.suffix.lower().removeprefix("."),
            "frames": len(motion),
            "fps": motion.fps,
            "seconds": motion.duration,
            "coordinates": motion.coordinates,
            "up": motion.up,
            "gender": motion.gender,
            "provenance": motion.provenance,
        }
        for name, motion in motions
    ]


def _video(path: Path) -> list[Row]:
    from ..video.reading import probe_video

    video = probe_video(path)
    size = {"width": video.width, "height": video.height}
    length = {"frames": video.frames, "fps": video.fps, "seconds": video.duration}
    return [{"input": path, "holds": "video", **size, **length, "provenance": video.provenance}]


def _picture(path: Path) -> list[Row]:
    from ..video.pictures import picture_size

    width, height = picture_size(path)
    return [{"input": path, "holds": "picture", "width": width, "height": height}]


def _in_json(row: Row) -> Row:
    provenance = row.get("provenance")
    return row | ({"provenance": provenance.to_dict()} if isinstance(provenance, Provenance) else {})


def _in_words(row: Row) -> str:
    """One line: motions of one file under their names, lengths of what has one, and where it comes from."""
    name = row.get("name", row["input"].stem)
    words = [row["holds"] if name == row["input"].stem else f"{row['holds']} {name!r}"]
    if "width" in row:
        words.append(f"{row['width']} x {row['height']} pixels")
    if "frames" in row:
        words += [
            f"{row['frames']} frame{'s' if row['frames'] != 1 else ''}",
            f"{row['fps']:g} fps",
            f"{row['seconds']:.2f} s",
        ]
    if "coordinates" in row:
        words += [f"{row['coordinates']} ({row['up']} up)", row["gender"]]
    if "provenance" in row:
        words.append(row["provenance"].describe() if row["provenance"] else NOT_SAID)
    return f"{shown(str(row['input']))}: {', '.join(words)}"
