# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Good files under hostile names."""

import os
import shutil
from pathlib import Path

from hostile.cases import Command, Place, kind
from hostile.pixels import read_picture, read_video

NAMES: list[str] = [
    *(
        "a\nb",
        "a\x1b[31mb",
        "a\rb",
        "a\tb",
        "\x7f",
        " ",
        "  a  ",
        "-",
        "--help",
        "-o",
        "a b",
        "a'b",
        'a"b',
        "a;touch canary",
    ),
    *(
        "$(touch canary)",
        "`touch canary`",
        "a|b",
        "a&b",
        "a>b",
        "*",
        "?",
        "[a]",
        "[red]a",
        "[b]a",
        "{a}",
        "%s",
        "%d%n",
        "~",
    ),
    *(
        "é" * 100,
        "x" * 245,
        "\udcff",
        "a\udc80b",
        "\u202ea",
        "\u200b",
        "\U0001f600",
        "con",
        "a:b",
        "concat:a|b",
        "a\\b",
    ),
    *(
        "file:a",
        "http:a",
        "a%0Ab",
        "..a",
        "...",
        "a.npz",
        ".hidden",
        "a.overlay",
        "A",
        "\uff11",
        "\u2028",
        "a#b",
        "a,b",
    ),
]


def named(place: Place, seed: str, stem: str) -> Path:
    """A copy of a good file under a name, which may not be UTF-8."""
    source = place.seeds[seed]
    target = os.fsencode(place.input / "x")[:-1] + stem.encode("utf-8", "surrogateescape") + source.suffix.encode()
    shutil.copyfile(source, target)
    return Path(os.fsdecode(target))


@kind("names/motions", NAMES)
def motions(place: Place, stem: str) -> Command:
    """A motion."""
    path = named(place, "motions/walk.npz", stem)
    form = place.rng.choice(("npz", "bvh", "safetensors"))
    more = ["--json"] if place.rng.random() < 0.3 else []
    arguments = ["data", "convert", str(path), "-o", str(place.output), "--format", form, *more]
    return Command(arguments, plain_names=False)


@kind("names/folders-of-motions", NAMES[::3])
def folders_of_motions(place: Place, stem: str) -> Command:
    """A folder of motions, given as a whole."""
    named(place, "motions/walk.npz", stem)
    return Command(["data", "convert", str(place.input), "-o", str(place.output)], plain_names=False)


@kind("names/videos", NAMES[::2])
def videos(place: Place, stem: str) -> Command:
    """A video."""
    command = read_video(place, named(place, "videos/clip.mp4", stem))
    return Command(command.arguments, plain_names=False)


@kind("names/pictures", NAMES[1::3])
def pictures(place: Place, stem: str) -> Command:
    """A picture."""
    command = read_picture(place, named(place, "pictures/person.png", stem))
    return Command(command.arguments, plain_names=False)


@kind("names/outputs", NAMES[::3])
def outputs(place: Place, name: str) -> Command:
    """A folder to write to."""
    output = place.output / name
    motion = str(place.seeds["motions/walk.npz"])
    return Command(["data", "convert", motion, "-o", str(output)], plain_names=False)
