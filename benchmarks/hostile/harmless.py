# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Good inputs for every command that is tried: where one of these fails, the hostile ones say nothing."""

import yaml
from hostile.cases import Command, Place, kind
from hostile.motions import FILES, SMALL
from hostile.seeds import PICTURES, VIDEOS, recipe

COMMANDS: list[list[str]] = [
    *(["data", "convert", f"motions/{name}"] for name in (*FILES, "collection", "rich")),
    *(["v2m", f"videos/{name}", "--model", "checkpoint"] for name in VIDEOS),
    *(["i2vm", f"pictures/person.{ending}", "--model", "checkpoint"] for ending in PICTURES),
    *(["evaluate", name, "clips", "--model", "checkpoint"] for name in ("video-fsq", "v2m", "i2vm")),
    ["evaluate", "motion-vqvae", "motions/walk.npz", "--model", "checkpoint", "--frames", "9"],
    ["info", "motions/walk.npz", "videos/clip.mp4", "pictures/person.png"],
    ["data", "render", "motions/walk.npz", *SMALL],
    ["data", "encode", "clips", "--model", "checkpoint"],
    ["data", "redraw", "shards", "--model", "checkpoint", "--clips", "2"],
]


@kind("harmless", [*COMMANDS, "motion-vqvae", "video-fsq", "unimo"])
def harmless(place: Place, variant: list[str] | str) -> Command:
    """A command that must succeed."""
    if isinstance(variant, str):
        path = place.write("recipe.yaml", yaml.safe_dump(recipe(place.seeds, variant, place.output / "run")))
        return Command(["train", variant, str(path)], succeeds=True)
    tops = ("motions", "videos", "pictures", "checkpoint", "clips", "shards")
    arguments = [str(place.seeds[word]) if word.partition("/")[0] in tops else word for word in variant]
    # Shards go into a folder of their own: a folder with files of others may be refused.
    output = place.output / "new" if variant[1] in ("encode", "redraw", "render") else place.output
    return Command(arguments + ([] if variant[0] in ("evaluate", "info") else ["-o", str(output)]), succeeds=True)
