# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The text of a BVH file: a skeleton, and a row of channel values for each frame.

Angles are degrees. The rotation of a joint is the product of its channels in the order in which they stand there,
`Zrotation Xrotation Yrotation` is R = Rz Rx Ry, and acts on column vectors. Frame time is in seconds; lengths
have no unit of their own.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

from unimo_hf.motion.errors import MotionError
from unimo_hf.motion.npz import MAX_BYTES

MAX_JOINTS = 1000
# An hour at 120 frames a second of a body without fingers takes 30 million; one of few values may become such a body.
MAX_VALUES, BODY_VALUES = 32_000_000, 69
# For each value of a line.
MAX_LETTERS = 100
CHANNELS = tuple(f"{axis}{kind}" for kind in ("position", "rotation") for axis in "XYZ")
WRITTEN_ROTATION = ("Zrotation", "Xrotation", "Yrotation")


@dataclass(frozen=True)
class Bvh:
    """What a BVH file says.

    Args:
        names (`list[str]`): Names of the J joints in the order of the file: one, then all below it.
        parents (`list[int]`): Parent of each joint; the root has -1.
        offsets (`np.ndarray` of shape `(J, 3)`): Place of each joint from its parent in the zero pose.
        channels (`list[tuple[str, ...]]`): Channels of each joint, of `CHANNELS`, in order.
        ends (`dict[int, np.ndarray]`): Offset of the end site of each joint that has one.
        frame_time (`float`): Seconds.
        values (`np.ndarray` of shape `(T, C)`): Channels of all joints one after the other.
    """

    names: list[str]
    parents: list[int]
    offsets: np.ndarray
    channels: list[tuple[str, ...]]
    ends: dict[int, np.ndarray]
    frame_time: float
    values: np.ndarray

    def joint_values(self, joint: int, frames: slice, kind: str) -> tuple[str, np.ndarray]:
        """Give the axes, such as `ZXY`, and values `(T, axes)` of the `"position"` or `"rotation"` of a joint."""
        first = sum(len(channels) for channels in self.channels[:joint])
        chosen = [(name[0], first + i) for i, name in enumerate(self.channels[joint]) if name.endswith(kind)]
        return "".join(axis for axis, _ in chosen), self.values[frames][:, [column for _, column in chosen]]


def read_bvh_text(path: Path) -> Bvh:
    """Read a BVH file.

    Raises:
        MotionError: If it is no BVH file, is cut short or too large; names the line.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise MotionError(f"{path} has {size} bytes; at most {MAX_BYTES} are allowed.")
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        lines = _Lines(path, file)
        names, parents, offsets, channels, ends = _read_hierarchy(lines)
        frames = _read_number(lines, "Frames")
        frame_time = _read_number(lines, "Frame Time")
        if not frame_time > 0:
            raise lines.error(f"the frame time is {frame_time}; it must be above 0 seconds")
        width = sum(map(len, channels))
        if not 0 <= frames * max(width, BODY_VALUES) <= MAX_VALUES:
            raise lines.error(f"{frames:g} frames of {width} channels; at most {MAX_VALUES} values are allowed")
        values = _read_values(path, file, frames, width)
    if values.shape != (frames, width):
        raise MotionError(
            f"{path} declares {frames:g} frames of {width} channels but holds "
            f"{'over ' if len(values) > frames else ''}{min(len(values), int(frames))} of {values.shape[1]}."
        )
    if not np.isfinite(values).all() or not np.isfinite(offsets).all():
        raise MotionError(f"{path} holds values that are NaN or infinite; all must be finite.")
    return Bvh(names, parents, np.array(offsets, dtype=np.float64), channels, ends, frame_time, values)


def write_bvh_text(path: Path, bvh: Bvh) -> None:
    """Write a BVH file; numbers have six decimals."""
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.write("HIERARCHY\n")
        file.writelines(_written_joints(bvh, 0, 0))
        file.write(f"MOTION\nFrames: {len(bvh.values)}\nFrame Time: {bvh.frame_time!r}\n")
        np.savetxt(file, bvh.values, fmt="%.6f")


def _written_joints(bvh: Bvh, joint: int, depth: int) -> Iterator[str]:
    indent = "\t" * depth

    def offset(values: np.ndarray) -> str:
        return "OFFSET " + " ".join(f"{value:.6f}" for value in values)

    channels = bvh.channels[joint]
    yield f"{indent}{'JOINT' if depth else 'ROOT'} {bvh.names[joint]}\n{indent}{{\n"
    yield f"{indent}\t{offset(bvh.offsets[joint])}\n{indent}\tCHANNELS {len(channels)} {' '.join(channels)}\n"
    for child in (index for index, parent in enumerate(bvh.parents) if parent == joint):
        yield from _written_joints(bvh, child, depth + 1)
    if joint in bvh.ends:
        yield f"{indent}\tEnd Site\n{indent}\t{{\n{indent}\t\t{offset(bvh.ends[joint])}\n{indent}\t}}\n"
    yield f"{indent}}}\n"


class _Lines:
    """The lines of a file that are not empty, with their numbers for error messages."""

    def __init__(self, path: Path, file: TextIO):
        self._path, self._file, self.number = path, file, 0

    def next(self) -> list[str]:
        """Give the words of the next line."""
        while line := self._file.readline(10_000):
            self.number += 1
            if words := line.split():
                return words
        raise self.error("it is cut short")

    def error(self, reason: str) -> MotionError:
        return MotionError(f"{self._path} is not a BVH file, line {self.number}: {reason}.")


def _read_hierarchy(lines: _Lines) -> tuple[list[str], list[int], list, list[tuple[str, ...]], dict[int, np.ndarray]]:
    names: list[str] = []
    parents: list[int] = []
    offsets: list[np.ndarray] = []
    channels: list[tuple[str, ...]] = []
    ends: dict[int, np.ndarray] = {}
    if lines.next() != ["HIERARCHY"]:
        raise lines.error("it must begin with HIERARCHY")
    # Joints that are still open, the innermost last; an end site is open as -1.
    opened: list[int] = []
    while True:
        words = lines.next()
        word = words[0].upper()
        if word == "MOTION" and not opened and names:
            break
        if (word == "ROOT" and not names) or (word == "JOINT" and opened and opened[-1] >= 0):
            if len(names) == MAX_JOINTS:
                raise lines.error(f"it has over {MAX_JOINTS} joints")
            parents.append(opened[-1] if opened else -1)
            opened.append(len(names))
            names.append(" ".join(words[1:]))
            offsets.append(np.zeros(3))
            channels.append(())
            _expect_brace(lines)
        elif word == "END" and opened and opened[-1] >= 0:
            opened.append(-1)
            _expect_brace(lines)
        elif word == "OFFSET" and opened:
            offset = _floats(lines, words[1:], 3)
            if opened[-1] >= 0:
                offsets[opened[-1]] = offset
            else:
                ends[opened[-2]] = offset
        elif word == "CHANNELS" and opened and opened[-1] >= 0:
            channels[opened[-1]] = _channels(lines, words[1:])
        elif words == ["}"] and opened:
            opened.pop()
        else:
            raise lines.error(f"{' '.join(words)[:80]!r} is out of place")
    return names, parents, offsets, channels, ends


def _expect_brace(lines: _Lines) -> None:
    if lines.next() != ["{"]:
        raise lines.error("an opening brace is missing")


def _floats(lines: _Lines, words: list[str], count: int) -> np.ndarray:
    try:
        numbers = np.array([float(word) for word in words])
    except ValueError:
        numbers = np.array([])
    if numbers.shape != (count,):
        raise lines.error(f"{' '.join(words)[:80]!r} must be {f'{count} numbers' if count > 1 else 'a number'}")
    return numbers


def _channels(lines: _Lines, words: list[str]) -> tuple[str, ...]:
    named = tuple(word.capitalize() for word in words[1:])
    if words[:1] != [str(len(named))] or not set(named) <= set(CHANNELS) or len(set(named)) < len(named):
        raise lines.error(f"{' '.join(words)[:80]!r} must be a count and as many different of {', '.join(CHANNELS)}")
    return named


def _read_number(lines: _Lines, name: str) -> float:
    line = " ".join(lines.next())
    found, colon, number = line.partition(":")
    if not colon or found.strip().lower() != name.lower():
        raise lines.error(f"{line[:80]!r} must be `{name}:` and a number")
    return float(_floats(lines, number.split(), 1)[0])


def _rows(path: Path, file: TextIO, width: int) -> Iterator[str]:
    """Give the lines of frames as long as they can be such."""
    limit = 1000 + MAX_LETTERS * width
    while line := file.readline(limit):
        if len(line) == limit:
            raise MotionError(f"{path} holds a frame of over {limit} letters; it must be a row of {width} numbers.")
        yield line


def _read_values(path: Path, file: TextIO, frames: float, width: int) -> np.ndarray:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of no rows, which is said better below
            rows = _rows(path, file, width)
            return np.loadtxt(rows, dtype=np.float64, comments=None, ndmin=2, max_rows=int(frames) + 1)
    except ValueError as error:
        raise MotionError(f"{path} holds a frame that is not a row of numbers: {error}.") from error
