# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Folders that our own commands write and read again: clips, and their codes in Parquet."""

import json
from pathlib import Path
from typing import Any

import yaml
from hostile.cases import Command, Place, kind
from hostile.damage import DEEP, LONG_NUMBER, cut, flip, odd_json, to_json, with_value
from hostile.seeds import recipe


def read_clips(place: Place, folder: Path) -> Command:
    """One of the commands that read a folder of clips."""
    output = ["-o", str(place.output / "shards")]
    way = place.rng.choice(
        (
            ["data", "encode", str(folder), *output],
            *(["evaluate", name, str(folder)] for name in ("video-fsq", "v2m", "i2vm")),
        )
    )
    return Command([*way, "--model", place.checkpoint()])


def read_shards(place: Place, folder: Path) -> Command:
    """One of the commands that read a folder of shards."""
    if place.rng.random() < 0.4:
        output = str(place.output / "redrawn")
        return Command(["data", "redraw", str(folder), "-o", output, "--clips", "2", "--model", place.checkpoint()])
    values = recipe(place.seeds, "unimo", place.output / "run") | {"shards": str(folder)}
    return Command(["train", "unimo", str(place.write("recipe.yaml", yaml.safe_dump(values)))])


CLIP_VALUES: list[tuple[str, Any]] = [
    *(("format_version", value) for value in (2, "1", None, True, 1.0, LONG_NUMBER)),
    *((name, DEEP) for name in ("camera", "frames", "clips")),
    *(("frames", value) for value in (0, -9, 10**12, "nine", 9.5, LONG_NUMBER)),
    *(("size", value) for value in (0, -32, 10**9, None)),
    *(("fps", value) for value in (0, -15, float("nan"), float("inf"), "x", 1e300)),
    *(("camera", value) for value in ("\x1b[31m", "a\nb", None, ["front"])),
    *(("clips", value) for value in ([], {}, "x", [[]], [None], 3, [{"name": "x"}])),
]


@kind("clips/values", CLIP_VALUES)
def clip_values(place: Place, variant: tuple[str, Any]) -> Command:
    """clips.json with a value that it should not have."""
    folder = place.copy("clips")
    path = folder / "clips.json"
    path.write_text(to_json(with_value(json.loads(path.read_text()), *variant)), encoding="utf-8")
    return read_clips(place, folder)


FIELDS: list[tuple[str, Any]] = [
    *(
        ("video", value)
        for value in ("../../elsewhere/secret.txt", "/etc/passwd", "", ".", "a\x00b", "/dev/zero", 3, None)
    ),
    *(
        ("motion", value)
        for value in ("../../elsewhere/secret.txt", "000001.npz", "x" * 5000, "/dev/zero", "a\nb.npz")
    ),
    *(("name", value) for value in ("../x", "a\nb", "\x1b[31m", None, {}, "\ud800")),
    *(("start", value) for value in (float("nan"), -1e300, "x", None, LONG_NUMBER)),
    *(("source", value) for value in (None, [], "x" * 10**6)),
]


@kind("clips/fields", FIELDS)
def clip_fields(place: Place, variant: tuple[str, Any]) -> Command:
    """One clip of the list that names something else."""
    folder = place.copy("clips")
    path = folder / "clips.json"
    document = json.loads(path.read_text())
    document["clips"][1][variant[0]] = variant[1]
    path.write_text(to_json(document), encoding="utf-8")
    return read_clips(place, folder)


@kind("clips/lists", 40)
def clip_lists(place: Place, number: int) -> Command:
    """clips.json, changed anywhere."""
    folder = place.copy("clips")
    path = folder / "clips.json"
    changed = odd_json(path.read_text(), place.rng)
    path.write_bytes(changed if isinstance(changed, bytes) else changed.encode("utf-8", "surrogatepass"))
    return read_clips(place, folder)


@kind("clips/files", 36)
def clip_files(place: Place, number: int) -> Command:
    """A video or a motion of the folder, damaged, missing or of another clip."""
    folder = place.copy("clips")
    path = folder / f"{place.rng.randrange(3):06d}{('.mp4', '.npz')[number % 2]}"
    way = number // 2 % 6
    if way < 2:
        path.write_bytes(flip(path.read_bytes(), place.rng))
    elif way == 2:
        path.write_bytes(cut(path.read_bytes(), place.rng))
    elif way == 3:
        path.unlink()
    elif way == 4:
        path.write_bytes(place.seeds[("videos/clip.mp4", "motions/walk.npz")[number % 2]].read_bytes())
    else:
        path.unlink()
        path.symlink_to(place.rng.choice(("/dev/zero", "missing", path.name, "../../elsewhere/secret.txt")))
    return read_clips(place, folder)


@kind("shards/flips", 60)
def shard_flips(place: Place, number: int) -> Command:
    """Changed bytes in the Parquet file: every part of it in turn."""
    folder = place.copy("shards")
    path = next(folder.glob("*.parquet"))
    content = path.read_bytes()
    if number < 30:
        position = len(content) * number // 30
        path.write_bytes(content[:position] + bytes([content[position] ^ 0xFF]) + content[position + 1 :])
    else:
        path.write_bytes(flip(content, place.rng))
    return read_shards(place, folder)


@kind("shards/cuts", 16)
def shard_cuts(place: Place, number: int) -> Command:
    """Half of the Parquet file; nothing of it."""
    folder = place.copy("shards")
    path = next(folder.glob("*.parquet"))
    path.write_bytes(cut(path.read_bytes(), place.rng) if number else b"")
    return read_shards(place, folder)


SHARD_VALUES: list[tuple[str, Any]] = [
    *(("format_version", value) for value in (2, "1", None, True, [], LONG_NUMBER, DEEP)),
    *(
        (name, value)
        for name in ("visual_shape", "motion_shape")
        for value in (
            *(
                "abc",
                None,
                8,
                [],
                [-1],
                [2, 2, -2],
                [10**12, 10**12],
                [2.0, 2, 2],
                ["2", "2", "2"],
                {"a": 1},
                [[2], 2],
            ),
            *([2, 2, 2, 1], [2**63], [0], [True, 2, 4], [8], DEEP),
        )
    ),
    *(("clips", value) for value in (0, -1, 10**12, "x", None)),
    *(
        ("tokenizers", value)
        for value in (3, [], "x", {"video_fsq": 3}, {"video_fsq": "another"}, {"motion_vqvae": None})
    ),
]


@kind("shards/values", SHARD_VALUES)
def shard_values(place: Place, variant: tuple[str, Any]) -> Command:
    """shards.json with a value that it should not have."""
    folder = place.copy("shards")
    path = folder / "shards.json"
    path.write_text(to_json(with_value(json.loads(path.read_text()), *variant)), encoding="utf-8")
    return read_shards(place, folder)


@kind("shards/lists", 36)
def shard_lists(place: Place, number: int) -> Command:
    """shards.json, changed anywhere."""
    folder = place.copy("shards")
    path = folder / "shards.json"
    changed = odd_json(path.read_text(), place.rng)
    path.write_bytes(changed if isinstance(changed, bytes) else changed.encode("utf-8", "surrogatepass"))
    return read_shards(place, folder)


def _table(columns: dict[str, Any]) -> Any:
    import pyarrow

    return pyarrow.table(columns)


TABLES: list[dict[str, Any]] = [
    {"visual_codes": [[1] * 8]},
    {"visual_codes": [[1] * 7] * 3, "motion_codes": [[1] * 324] * 3},
    {"visual_codes": [[1] * 8, [1] * 3, []], "motion_codes": [[1] * 324] * 3},
    {"visual_codes": [[70_000] * 8] * 3, "motion_codes": [[1] * 324] * 3},
    {"visual_codes": [[-1] * 8] * 3, "motion_codes": [[1] * 324] * 3},
    {"visual_codes": [[10_000] * 8] * 3, "motion_codes": [[60_000] * 324] * 3},
    {"visual_codes": [[0.5] * 8] * 3, "motion_codes": [[float("nan")] * 324] * 3},
    {"visual_codes": [["x"] * 8] * 3, "motion_codes": [["y"] * 324] * 3},
    {"visual_codes": [None] * 3, "motion_codes": [[1] * 324] * 3},
    {"visual_codes": [[None] * 8] * 3, "motion_codes": [[1] * 324] * 3},
    {"visual_codes": [1, 2, 3], "motion_codes": [4, 5, 6]},
    {"visual_codes": ["a", "b", "c"], "motion_codes": [b"d", b"e", b"f"]},
    {"visual_codes": [[[1] * 4] * 2] * 3, "motion_codes": [[1] * 324] * 3},
    {"visual_codes": [], "motion_codes": []},
    {"x": [1]},
    {},
    {"visual_codes": [[1] * 8] * 3, "motion_codes": [[1] * 324] * 3, "a\x1b[31mb": ["\x1b[31m"] * 3},
    {"visual_codes": [{"a": 1}] * 3, "motion_codes": [[1] * 324] * 3},
    {"visual_codes": [[1] * 8] * 400_000, "motion_codes": [[1]] * 400_000},
]


@kind("shards/tables", TABLES)
def tables(place: Place, columns: dict[str, Any]) -> Command:
    """A whole Parquet file that holds something else."""
    import pyarrow.parquet

    folder = place.copy("shards")
    path = next(folder.glob("*.parquet"))
    pyarrow.parquet.write_table(_table(columns), path)
    return read_shards(place, folder)


def _link(path: Path, target: str) -> None:
    path.unlink()
    path.symlink_to(target)


FOLDERS = (
    lambda folder: (folder / "shards.json").unlink(),
    lambda folder: next(folder.glob("*.parquet")).unlink(),
    lambda folder: (folder / "more.parquet").write_bytes(b"PAR1"),
    lambda folder: (folder / "more.parquet").mkdir(),
    lambda folder: _link(next(folder.glob("*.parquet")), "/dev/zero"),
    lambda folder: _link(next(folder.glob("*.parquet")), "missing"),
    lambda folder: _link(folder / "shards.json", "shards.json"),
    lambda folder: _link(folder / "shards.json", "/dev/zero"),
    lambda folder: (folder / "a\nb*[.parquet").write_bytes(next(folder.glob("*.parquet")).read_bytes()),
    lambda folder: (folder / "dataset_infos.json").write_text("[" * 100_000),
    lambda folder: (folder / "README.md").write_text("---\nconfigs: [{data_files: ../../elsewhere/*}]\n---\n"),
    lambda folder: (folder / "shards.py").write_text("import os; os.system('touch ../../canary')"),
)


@kind("shards/folders", len(FOLDERS))
def folders(place: Place, number: int) -> Command:
    """A folder of shards with a file too few or too many."""
    folder = place.copy("shards")
    FOLDERS[number](folder)
    return read_shards(place, folder)
