# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Ways to damage a good file: bytes, text, and values of JSON or YAML."""

import copy
import json
import random
from collections.abc import Callable
from typing import Any

DEPTH = 100_000
# Stands for text that json can't write: it is replaced in what json has written.
DEEP, LONG_NUMBER = "@deep@", "@long@"
RAW = {f'"{DEEP}"': "[" * DEPTH + "]" * DEPTH, f'"{LONG_NUMBER}"': "9" * 5000}

ODD_VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 2, 3, 1.5, -0.5, 1e-300, 1e308, 2**31, 2**63, 10**18, 10**11),
    *(float("nan"), float("inf"), float("-inf"), LONG_NUMBER, DEEP),
    *("", "x", "nan", "1", "../../elsewhere", "/etc/passwd", "a\nb", "\x1b[31mred", "\ud800", "x" * 10_000),
    *([], {}, [None], [[]], [1] * 5000, [-1], [0], [2**40], ["x"], {"x": 1}, {"": {}}, [1.5], [float("nan")]),
]


def flip(content: bytes, rng: random.Random) -> bytes:
    """Change bytes in one of the ways that a disk, a network or a person does."""
    if not content:
        return content
    data = bytearray(content)
    ways: list[Callable[[bytearray, int, int], None]] = [_bits, _bits, _bits, _zeros, _ones, _noise, _insert, _drop]
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        # Headers stand at the beginning or at the end: half of the damage is done there.
        near = min(len(data), 512)
        position = rng.choice(
            (
                rng.randrange(len(data)),
                rng.randrange(near),
                len(data) - 1 - rng.randrange(near),
                rng.randrange(len(data)),
            )
        )
        rng.choice(ways)(data, position, rng.getrandbits(32))
        if not data:
            break
    return bytes(data)


def _bits(data: bytearray, position: int, value: int) -> None:
    data[position] ^= 1 << value % 8


def _zeros(data: bytearray, position: int, value: int) -> None:
    length = min(1 + value % 16, len(data) - position)
    data[position : position + length] = bytes(length)


def _ones(data: bytearray, position: int, value: int) -> None:
    length = min(1 + value % 8, len(data) - position)
    data[position : position + length] = b"\xff" * length


def _noise(data: bytearray, position: int, value: int) -> None:
    length = min(1 + value % 64, len(data) - position)
    data[position : position + length] = random.Random(value).randbytes(length)


def _insert(data: bytearray, position: int, value: int) -> None:
    data[position:position] = random.Random(value).randbytes(1 + value % 8)


def _drop(data: bytearray, position: int, value: int) -> None:
    del data[position : position + 1 + value % 32]


def cut(content: bytes, rng: random.Random) -> bytes:
    """Leave the beginning, now and then the end."""
    position = rng.randrange(len(content))
    return content[position:] if rng.random() < 0.15 else content[:position]


def to_json(value: Any) -> str:
    """Write JSON, NaN and what json refuses to write included."""
    text = json.dumps(value)
    for marker, raw in RAW.items():
        text = text.replace(marker, raw)
    return text


def odd_json(text: str, rng: random.Random) -> str | bytes:
    """Change one thing in a JSON document: a value, a key, or the text itself."""
    if rng.random() < 0.15:
        return _odd_text(text, rng)
    document = json.loads(text)
    holder, key = rng.choice(list(places(document)))
    way = rng.random()
    if way < 0.15:
        del holder[key]
    elif way < 0.2 and isinstance(holder, dict):
        holder[f"{key}_"] = holder.pop(key)
    else:
        holder[key] = rng.choice(ODD_VALUES)
    return to_json(document)


def _odd_text(text: str, rng: random.Random) -> str | bytes:
    return rng.choice(
        (
            "",
            "[]",
            "null",
            '"text"',
            "{}",
            "3",
            text[: len(text) // 2],
            text + text,
            "\ufeff" + text,
            text.encode("utf-16"),
            b"\xff\xfe\x00" + text.encode(),
            "[" * DEPTH,
            "{" + ",".join(f'"{number}": {number}' for number in range(50_000)) + "}",
        )
    )


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (holder, key) in nested dicts and lists."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found: list[tuple[Any, Any]] = []
    for key, inner in entries:
        found.append((value, key))
        found += places(inner)
    return found


def with_value(document: Any, path: str, value: Any) -> Any:
    """A copy of a document with another value at a path such as `optimisation.steps` or `modalities.0.size`."""
    changed = copy.deepcopy(document)
    *way, last = path.split(".")
    holder = changed
    for key in way:
        holder = holder[int(key)] if isinstance(holder, list) else holder.setdefault(key, {})
    holder[int(last) if isinstance(holder, list) else last] = value
    return changed
