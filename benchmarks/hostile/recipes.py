# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Recipes of trainings: YAML that is none, values of the wrong kind or size, folders of somebody else."""

import json
from typing import Any

import yaml
from hostile.cases import Command, Place, kind
from hostile.damage import ODD_VALUES, places, with_value
from hostile.seeds import recipe

NETWORKS = ("motion-vqvae", "video-fsq", "unimo")
NAN, INF = float("nan"), float("inf")


def train(place: Place, network: str, values: Any) -> Command:
    """Train by a recipe."""
    text = values if isinstance(values, str | bytes) else yaml.safe_dump(values)
    path = place.write("recipe.yaml", text)
    return Command(["train", network, str(path), "-o", str(place.output / "run")])


TEXTS: list[str | bytes] = [
    *("", "\n", "[]", "null", "3", "text", "- a\n- b", "{", "a: b: c", "\t", "%", "&a", "*a", "---\n---\n", "a: [\n"),
    *("{a: " * 1000, "{a: " * 1000 + "1" + "}" * 1000, "[" * 50_000, "a:\n" + " " * 50_000 + "b: 1", "- " * 20_000),
    "a: &a [x, x]\n"
    + "".join(
        f"{name}: &{name} [*{before}, *{before}]\n"
        for before, name in zip("abcdefghijklmnopqrstuvwxy", "bcdefghijklmnopqrstuvwxyz", strict=True)
    ),
    *(
        "model: &m\n  x: *m\n",
        "a: &a [*a]\n",
        "<<: [1, 2]\n",
        "<<: *x\n",
        "? [a, b]\n: 1\n",
        "? {a: 1}\n: 1\n",
        "? null\n: 1\n",
    ),
    *(
        "1: 2\n",
        "null: 3\n",
        "true: 1\n",
        "1.5: 1\n",
        "2020-01-01: 1\n",
        "!!binary aGk=: 1\n",
        "'': 1\n",
        "? !!set {a}\n: 1",
    ),
    *(
        "output: !!python/object/apply:os.system ['touch ../canary']\n",
        "!!python/object/new:os.system [touch ../canary]",
    ),
    *(
        "!!python/name:os.system ''",
        "output: !!int x\n",
        "output: !!float x\n",
        "output: !!timestamp x\n",
        "a: 0x" + "f" * 9000,
    ),
    *(
        "a: " + "1" * 6000,
        "a: 1e9999\n",
        "a: 1:" + "59:" * 3000 + "1\n",
        "a: 190:20:30\n",
        "a: 2020-99-99\n",
        "\x00",
        "a: \x1b[31m\n",
    ),
    *(b"\xff\xfe\x00", b"\xef\xbb\xbfoutput: x\n", "output: \u0085x\n", "x" * 3_000_000, "output: x\n" * 100_000),
    *("output: [" + "1," * 500_000 + "1]\n", '"' + "\\U0001F600" * 1000 + '": 1', '"\\uD800": 1\n', "output: '\\\n"),
]


@kind("recipes/texts", TEXTS)
def texts(place: Place, text: str | bytes) -> Command:
    """A file that is no recipe."""
    content = text.replace("../canary", str(place.canary)) if isinstance(text, str) else text
    return train(place, place.rng.choice(NETWORKS), content)


OPTIMISATION: dict[str, Any] = {
    "steps": (0, -1, 1.5, "x", None, True, NAN),
    "batch_size": (0, 10**9, "2", 10**30),
    "learning_rate": (NAN, INF, -1, 0, 1e300, "1e-3x", None, 1e30),
    "warmup_steps": (-1, 10**9, 100),
    "decay_steps": (-1, 10**9),
    "gradient_accumulation_steps": (0, -1),
    "mixed_precision": ("fp8", "bf16", "no ", None, 8, False),
    "seed": (-1, 2**32, 2**64, 10**30, 1.5),
    "workers": (-1, 200),
    "log_every": (0, 10**9),
    "validate_every": (0, 10**9),
    "save_every": (-3, 10**9),
    "devices": (3,),
}


@kind("recipes/optimisation", [(name, value) for name, values in OPTIMISATION.items() for value in values])
def optimisation(place: Place, variant: tuple[str, Any]) -> Command:
    """A value of the section that all recipes share."""
    name, value = variant
    values = recipe(place.seeds, "motion-vqvae", "run")
    return train(place, "motion-vqvae", with_value(values, f"optimisation.{name}", value))


MODELS: dict[str, dict[str, Any]] = {
    "motion-vqvae": {
        "codebook_size": (160_000_000_000, 0, -1, 1, 2**40, "x", 1.5, 2**63),
        "codebook_dim": (0, 10**9, -1),
        "widths": ([8], [0, 8], [10**6, 10**6], [], [8, 8, 8], "x", [-8, 8]),
        "factors": ([1, 10**9], [0, 4], [], [1], [-1, 4], [1] * 1000),
        "depth": (1_000_000, -1, 10**12, 0),
        "ordered_codes": (NAN, -1, 2),
        "rotation": ("euler", None),
        "fps": (0, NAN, -15),
    },
    "video-fsq": {
        "channels": (10**6, 0, -8, 7, 2**40),
        "channel_multipliers": ([1] * 40, [], [0, 1, 1], [10**5] * 3, "x"),
        "num_res_blocks": (1_000_000, -1),
        "levels": ([2**20] * 4, [1], [], [0, 4], [4] * 100, [-4, 4], [2**62, 4]),
    },
    "unimo": {
        "num_hidden_layers": (1_000_000, 0, -1, 10**12),
        "hidden_size": (10**7, 0, 7, -48),
        "intermediate_size": (10**10, 0),
        "head_dim": (0, 11, 10**6),
        "num_attention_heads": (0, 3, 10**6),
        "num_key_value_heads": (0, 3, -2),
        "modalities": ([], "x", None, [3], [[]], [{}], [{"name": "visual"}], [{"name": "x", "size": 1, "grid": [1]}]),
        "frames": (0, 8, -9, 10**9 + 1, "x"),
        "streams": (0, -1, 10**9),
        "rope_theta": (0.0, NAN, -1.0),
        "initializer_range": (NAN, -1.0, 1e300),
        "auto_map": ({"AutoModel": "x.y"},),
        "torch_dtype": ("float8", "os.system"),
    },
}


@kind(
    "recipes/models",
    [
        (network, name, value)
        for network, fields in MODELS.items()
        for name, values in fields.items()
        for value in values
    ],
)
def models(place: Place, variant: tuple[str, str, Any]) -> Command:
    """A field of the model: sizes of 100 GB, a million layers, NaN."""
    network, name, value = variant
    return train(place, network, with_value(recipe(place.seeds, network, "run"), f"model.{name}", value))


OTHERS: list[tuple[str, str, Any]] = [
    *(
        ("motion-vqvae", "data.motions", value)
        for value in ("missing", "", ".", "/dev/null", "a\nb", "*", "\ud800", 3, None)
    ),
    *(("motion-vqvae", "data.clips", value) for value in (0, -1, 1, 10**15)),
    *(("motion-vqvae", "data.frames", value) for value in (0, 1, -9, 10**9, 8)),
    *(("motion-vqvae", "data.fps", value) for value in (0, NAN, -1, INF, 1e9, 1e-9)),
    *(("video-fsq", "data.varied", value) for value in (NAN, 2, -1)),
    *(("motion-vqvae", "loss.joints", value) for value in (NAN, INF, -1, 1e300)),
    *(("motion-vqvae", "validation_clips", value) for value in (0, -1, 10**12)),
    *(("motion-vqvae", "start", value) for value in ("missing", "no/such", "../../elsewhere", 3, "", "unimo-tiny")),
    *(
        ("motion-vqvae", "model", value)
        for value in ([], "x", None, {"file": "missing"}, {"file": "/dev/zero"}, {1: 2})
    ),
    *(("motion-vqvae", "output", value) for value in (3, None, [])),
    *(("video-fsq", "data.size", value) for value in (0, -32, 33, 10**6, 16)),
    *(("video-fsq", "data.front", value) for value in (-1, 10**15)),
    *(("video-fsq", "data.cache", value) for value in ("/dev/null/x", "", 3)),
    *(("video-fsq", "data.frames", value) for value in (10**9 + 1, 8)),
    *(("video-fsq", "stills_per_clip", value) for value in (-1, 10**9)),
    *(("unimo", "tokenizers.video_fsq", value) for value in ("missing", "../../elsewhere", "no/such", "", 3)),
    *(("unimo", "tokenizers", value) for value in (None, {}, [], "x", {"video_fsq": "x"})),
    *(("unimo", "shards", value) for value in ("missing", "", 3, "../../elsewhere", "/dev/null")),
    *(("unimo", "size", value) for value in (0, -1, 33, 10**9)),
    *(("unimo", "validation_clips", value) for value in (0, 3, -1)),
    *(
        ("unimo", "mixture", value)
        for value in ({}, [], "v2m", None, {"v2m": 1}, {"v2m": {}}, {"\ud800": {"weight": 1}})
    ),
    *(("unimo", "mixture", {name: {"weight": 1}}) for name in ("t2m", "", "V2M", "a b", "x" * 10_000)),
    *(("unimo", "mixture", {"v2m": {"weight": value}}) for value in (0, -1, NAN, INF, "x", None)),
    *(
        ("unimo", "mixture", {"v2m": {"weight": 1, "data": value}})
        for value in ("missing", "../../elsewhere", "", 3, None, ["missing"], [3], [[]], "/dev/null")
    ),
    *(("unimo", "mixture", {"i2vm": {"weight": 1, "single_frames": value}}) for value in (NAN, -1, 2, 0.5)),
    *(("unimo", "corruption", {"motion": {"noise": value}}) for value in (NAN, -1, 5, "x")),
    *(("unimo", "corruption", {"sound": value}) for value in ({}, {"noise": 0.5}, [], 3)),
    *(("unimo", "label_smoothing", {"motion": value}) for value in (NAN, -1, "x", 1e300)),
    *(("unimo", "label_smoothing", value) for value in ({"sound": 1}, 1.0, [1.0])),
    *(("unimo", "auxiliary", {"pose": value}) for value in (NAN, INF, -1)),
    *(("unimo", "freeze", value) for value in ("x", ["model", "lm_head", "motion_head"], [3], {}, "a" * 1000, [""])),
    *(("unimo", "init", value) for value in ("x", 3, None)),
    *(("unimo", name, {}) for name in ("options", "redrawn_shards")),
    *(("unimo", "drawn", value) for value in ({}, [], {"front": -1}, {"frames": 9, "size": 10**7, "front": 2})),
]


@kind("recipes/others", OTHERS)
def others(place: Place, variant: tuple[str, str, Any]) -> Command:
    """A field of the data, the loss or the folders."""
    network, path, value = variant
    text = json.dumps(with_value(recipe(place.seeds, network, "run"), path, value))  # JSON is YAML
    command = train(place, network, text)
    return Command(command.arguments[:-2]) if path == "output" else command


@kind("recipes/anything", 50)
def anything(place: Place, number: int) -> Command:
    """A good recipe with any field replaced by any value."""
    network = NETWORKS[number % 3]
    values = recipe(place.seeds, network, "run")
    document = json.loads(json.dumps(values))
    holder, key = place.rng.choice(places(document))
    holder[key] = place.rng.choice([value for value in ODD_VALUES if not isinstance(value, str) or "@" not in value])
    return train(place, network, json.dumps(document))
