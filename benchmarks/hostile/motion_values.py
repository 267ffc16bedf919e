# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Motions whose files are whole and whose numbers, shapes and texts are not: NaN, 0 frames, 10^300 frames a second."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hostile.cases import Command, Place, kind
from hostile.damage import ODD_VALUES
from hostile.motions import read_motion

NAN, INF = float("nan"), float("inf")


def _arrays(place: Place, name: str) -> dict[str, Any]:
    with np.load(place.seeds[f"motions/{name}"]) as archive:
        return dict(archive)


def _fill(value: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda array: np.full_like(np.asarray(array, dtype=np.float64), value)


def _one(value: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(array: np.ndarray) -> np.ndarray:
        changed = np.array(array, dtype=np.float64)
        changed.reshape(-1)[-1:] = value
        return changed

    return change


CHANGES: list[Callable[[np.ndarray], Any]] = [
    *(_one(value) for value in (NAN, INF, -INF, 1e300, 1e38, 1e-320)),
    *(_fill(value) for value in (0.0, NAN, 1e20, 7.0)),
    lambda array: np.atleast_1d(array)[:0],
    lambda array: np.atleast_1d(array)[:1],
    lambda array: np.atleast_1d(array)[..., :0],
    lambda array: array[None],
    lambda array: np.asarray(array).reshape(-1),
    lambda array: np.concatenate((np.atleast_1d(array),) * 2),
    lambda array: np.concatenate((np.atleast_1d(array),) * 2, axis=-1),
    lambda array: np.asarray(array).astype(np.complex64),
    lambda array: np.asarray(array).astype(np.int8),
    lambda array: np.asarray(array).astype(np.float16),
    lambda array: np.asarray(array).astype("S8"),
    lambda array: np.asarray(array).astype("U16"),
    lambda array: np.asarray(array) > 0,
    lambda array: np.asarray(array).astype(np.float64).astype("datetime64[s]"),
    lambda array: np.array("../../elsewhere/x"),
    lambda array: np.zeros(np.asarray(array).shape, dtype=[("a", "<f4")]),
    lambda array: np.asfortranarray(np.atleast_1d(array))[::-1],
    lambda array: np.array([]),
    lambda array: np.array(None, dtype=object),
    lambda array: np.zeros((100_000, 0, 0)),
]


@kind("motions/values", 90)
def values(place: Place, number: int) -> Command:
    """One array of a good file, changed or left out."""
    arrays = _arrays(place, "walk.npz")
    name = place.rng.choice(sorted(name for name, array in arrays.items() if array.dtype.kind == "f"))
    change = CHANGES[number % len(CHANGES)]
    if number % 15 == 14:
        del arrays[name]
    else:
        arrays[name] = change(arrays[name])
    path = place.input / "walk.npz"
    np.savez(path, **arrays)
    return read_motion(place, path)


@kind("motions/rates", (0, -1, NAN, INF, 1e-300, 1e300, 1e-9, 1e9, 241.5, 2**63, "30", b"30", [30, 30], True, 0.01))
def rates(place: Place, rate: Any) -> Command:
    """A number of frames per second that can't be."""
    arrays = _arrays(place, "walk.npz")
    for name in ("mocap_framerate", "mocap_frame_rate", "fps"):
        if name in arrays:
            arrays[name] = np.array(rate)
    path = place.input / "walk.npz"
    np.savez(path, **arrays)
    return read_motion(place, path)


TEXTS: list[str] = [
    *(
        "../../elsewhere/secret",
        "/etc/x",
        "..",
        ".",
        "",
        "a/../../../elsewhere/x",
        "a\\b",
        "a\nb",
        "a\x1b[31mb",
        "a\rb",
    ),
    *(
        "x" * 300,
        "a/" * 200 + "b",
        "\u202egpj",
        "con",
        "a:b",
        "~/x",
        "$(touch canary)",
        "; touch canary",
        "-o",
        "a\tb",
    ),
    *(
        "é" * 150,
        "clips.json",
        ".gitlab-ci",
        " ",
        "a\x7fb",
        "a\u2028b",
        "[red]b",
        "\U0001f600",
        "subject/walk",
        "a\x00b",
    ),
]


@kind("motions/names-of-clips", TEXTS)
def names_of_clips(place: Place, text: str) -> Command:
    """A collection whose clips have hostile names."""
    arrays = _arrays(place, "collection/motions.npz")
    arrays["clip_name"] = np.array([text, "other"])
    folder = place.copy("motions/collection", "collection")
    np.savez(folder / "motions.npz", **arrays)
    form = place.rng.choice(("npz", "bvh", "safetensors"))
    return Command(["data", "convert", str(folder), "-o", str(place.output), "--format", form])


@kind("motions/collections", 30)
def collections(place: Place, number: int) -> Command:
    """A collection whose table does not fit its frames."""
    arrays = _arrays(place, "collection/motions.npz")
    name = place.rng.choice(("clip_start", "clip_length", "clip_name", "fps", "betas", "transl"))
    if number % 2:
        arrays[name] = place.rng.choice(CHANGES)(np.zeros(2) if name == "clip_name" else arrays[name])
    else:
        odd = place.rng.choice([value for value in ODD_VALUES if isinstance(value, int | float | str)])
        try:
            arrays[name] = np.array([odd] * 2)
        except OverflowError:
            arrays[name] = np.array([2.0**64] * 2)
    folder = place.copy("motions/collection", "collection")
    np.savez(folder / "motions.npz", **arrays)
    return read_motion(place, folder)


@kind("motions/people-of-pickles", 30)
def people(place: Place, number: int) -> Command:
    """WHAM's results with people, numbers of frames and arrays that can't be."""
    import pickle

    content = pickle.loads(place.seeds["motions/wham_output.pkl"].read_bytes())
    person = content[0]
    if number % 3 == 0:
        person[place.rng.choice(sorted(person))] = place.rng.choice(ODD_VALUES)
    elif number % 3 == 1:
        name = place.rng.choice(sorted(person))
        person[name] = place.rng.choice(CHANGES)(person[name])
    else:
        content = {place.rng.choice(TEXTS): person, 1: person}
    return read_motion(place, place.write("wham_output.pkl", pickle.dumps(content, protocol=4)))
