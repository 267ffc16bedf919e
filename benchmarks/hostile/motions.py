# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Motion files: damaged, lying about their size, and with code in them."""

import io
import json
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hostile.cases import Command, Place, kind
from hostile.damage import cut, flip

FILES = (
    *("walk.npz", "walk.safetensors", "walk.bvh", "hmr4d_results.pt", "motionx.npy", "wham_output.pkl", "3dpw.pkl"),
    *("aist.pkl", "rich/00001/004.pkl", "collection/motions.npz"),
)


def read_motion(place: Place, path: Path) -> Command:
    """One of the commands that read a motion."""
    ways = (
        *(["data", "convert", str(path), "-o", str(place.output), "--format", form] for form in ("npz", "bvh", "npz")),
        ["evaluate", "motion-vqvae", str(path), "--model", place.checkpoint(), "--frames", "9"],
        ["data", "render", str(path), "-o", str(place.output), *SMALL],
        ["info", str(path)],
    )
    way = place.rng.choice(ways)
    return Command(way)


SMALL = ["--clips", "1", "--frames", "9", "--size", "32", "--workers", "1"]


@kind("motions/flips", 80)
def flips(place: Place, number: int) -> Command:
    """Changed bytes in a good file."""
    name = FILES[number % len(FILES)]
    path = place.copy(f"motions/{name}", name)
    path.write_bytes(flip(path.read_bytes(), place.rng))
    return read_motion(place, path)


@kind("motions/cuts", 40)
def cuts(place: Place, number: int) -> Command:
    """Half of a good file."""
    name = FILES[number % len(FILES)]
    path = place.copy(f"motions/{name}", name)
    path.write_bytes(cut(path.read_bytes(), place.rng))
    return read_motion(place, path)


@kind("motions/wrong-suffix", 20)
def wrong_suffix(place: Place, number: int) -> Command:
    """A good file, or a file of another kind, under a name that it should not have."""
    name = FILES[number % len(FILES)]
    ending = place.rng.choice((".npz", ".npy", ".pt", ".pkl", ".bvh", ".safetensors", ".mp4", ".NPZ", "", ".json"))
    return read_motion(place, place.copy(f"motions/{name}", f"motion{ending}"))


def npy(header: str | bytes, data: bytes = b"", version: tuple[int, int] = (1, 0)) -> bytes:
    """An array whose header says whatever it likes."""
    text = header.encode("latin1") if isinstance(header, str) else header
    text += b" " * (-(len(text) + 1) % 64) + b"\n"
    return b"\x93NUMPY" + bytes(version) + struct.pack("<H" if version == (1, 0) else "<I", len(text)) + text + data


def header(shape: str, kind_of_number: str = "'<f4'") -> str:
    """The header of an array."""
    return f"{{'descr': {kind_of_number}, 'fortran_order': False, 'shape': {shape}, }}"


HEADERS: list[Callable[[Place], bytes]] = [
    *(
        lambda place, shape=shape: npy(header(shape), bytes(4 * 322))
        for shape in (
            *(
                "(1000000000000, 322)",
                "(-1, 322)",
                "(1, -322)",
                "(2305843009213693952, 8)",
                "(0, 322)",
                "()",
                "(322,)",
            ),
            *("(1,) * 10**9", "(1, 322, 1)", "(True, 322)", "(1.0, 322)", "(1, 322L)", "(9**9**9, 1)", "None", "'x'"),
            *("(1" + ", 1" * 100 + ")", "(" * 500 + ")" * 500, "[1, 322]", "(0, 99999999999999999999, 322)"),
        )
    ),
    *(
        lambda place, number=number: npy(header("(1, 322)", number), bytes(16 * 322))
        for number in (
            *("'O'", "'|O8'", "[('a', 'O')]", "[('a', '<f4', (100000, 100000))]", "'V1000000'", "'<M8[s]'", "'<c16'"),
            *("'S0'", "'U1000000000'", "'<f99'", "[('a', '<f4'), ('a', '<f4')]", "{'names': ['a']}", "'<f4' * 10**8"),
            *("'>f2'", "'?'", "'<u8'", "'<f16'"),
        )
    ),
    lambda place: npy(f"__import__('os').system('touch {place.canary}')"),
    lambda place: npy(header(f"__import__('os').system('touch {place.canary}')")),
    lambda place: npy(header("(1, 322)"), bytes(1288), version=(2, 0)),
    lambda place: npy(header("(1, 322)"), bytes(1288), version=(9, 9)),
    lambda place: npy(b"\xff" * 200),
    lambda place: npy("{" * 60_000),
    lambda place: npy("-" * 60_000 + "1"),
    lambda place: npy("1" * 60_000),
    lambda place: npy(header("(1, 322)") + "#" + "x" * 10_000, bytes(1288)),
    lambda place: b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1) + b"{",
    lambda place: b"\x93NUMPY",
]


@kind("motions/lying-headers", HEADERS)
def lying_headers(place: Place, make: Callable[[Place], bytes]) -> Command:
    """An array that claims what its bytes do not bear out, alone or in an archive."""
    content = make(place)
    if place.rng.random() < 0.5:
        return read_motion(place, place.write("motion.npy", content))
    return read_motion(place, place.write("walk.npz", with_member(place, "poses.npy", content)))


def with_member(place: Place, name: str, content: bytes, **options: Any) -> bytes:
    """The good .npz with one member replaced or added."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(place.seeds["motions/walk.npz"]) as source,
        zipfile.ZipFile(target, "w", **options) as archive,
    ):
        for info in source.infolist():
            if info.filename != name:
                archive.writestr(info.filename, source.read(info))
        archive.writestr(name, content)
    return target.getvalue()


class Trap:
    """Calls a function with arguments when it is unpickled."""

    def __init__(self, function: Any, *arguments: Any):
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.function, self.arguments


class NestedTrap(Trap):
    """Hides in the state of a harmless object."""

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (), None, None, iter([("x", Trap(self.function, *self.arguments))])


def by_names(module: str, name: str, argument: str, opcode: str = "reduce") -> bytes:
    """A pickle, written by hand, that calls a function by its name with one text."""
    text = argument.encode()
    value = b"X" + struct.pack("<I", len(text)) + text
    if opcode == "stack":
        names = b"".join(b"\x8c" + bytes([len(part)]) + part.encode() for part in (module, name))
        return b"\x80\x04" + names + b"\x93" + value + b"\x85R."
    if opcode == "inst":
        return b"(" + value + f"i{module}\n{name}\n.".encode()
    if opcode == "obj":
        return b"(" + f"c{module}\n{name}\n".encode() + value + b"o."
    return b"\x80\x02" + f"c{module}\n{name}\n".encode() + value + b"\x85R."


def traps(place: Place) -> list[bytes]:
    """Pickles that make the canary in every way that is known."""
    import builtins
    import os
    import runpy
    import subprocess

    command = f"touch {place.canary}"
    code = f"open({str(place.canary)!r}, 'w').close()"
    script = place.write("trap.py", code)
    array = np.arange(3.0)
    return [
        pickle.dumps({"poses": Trap(os.system, command)}, protocol=0),
        pickle.dumps({"poses": Trap(os.system, command)}, protocol=5),
        pickle.dumps([Trap(builtins.exec, code)]),
        pickle.dumps(Trap(builtins.eval, f"__import__('os').system({command!r})")),
        pickle.dumps({0: {"pose": NestedTrap(os.system, command), "trans": array}}),
        pickle.dumps((array, Trap(subprocess.call, ["touch", str(place.canary)]))),
        pickle.dumps({"smpl_poses": array, "smpl_trans": Trap(runpy.run_path, str(script))}),
        pickle.dumps({Trap(os.system, command): 1}),
        by_names("posix", "system", command),
        by_names("os", "system", command, "stack"),
        by_names("numpy", "core.multiarray.os.system", command, "stack"),
        by_names("posix", "system", command, "inst"),
        by_names("posix", "system", command, "obj"),
        by_names("builtins", "exec", code, "stack"),
        by_names("numpy.testing._private.utils", "runstring", code),
        by_names("torch.serialization", "os.system", command, "stack"),
        by_names("collections", "OrderedDict", command)[:-1] + b"0" + by_names("posix", "system", command)[2:],
        b"\x80\x02}X\x01\x00\x00\x00a" + by_names("posix", "system", command)[2:-1] + b"s.",
        pickle.dumps(array)[:-1] + b"0" + by_names("posix", "system", command)[2:],
    ]


def torch_zip(content: bytes, **members: bytes) -> bytes:
    """The zip of torch.save round a pickle."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in {"data.pkl": content, "version": b"3\n", "byteorder": b"little", **members}.items():
            archive.writestr(f"archive/{name}", data)
    return target.getvalue()


def _in_array(place: Place, content: bytes) -> bytes:
    return npy(header("(1, 322)", "'|O'"), content)


CARRIERS: dict[str, Callable[[Place, bytes], bytes]] = {
    "motion.pkl": lambda place, content: content,
    "results.pt": lambda place, content: torch_zip(content, **{"constants.pkl": content}),
    "old.pt": lambda place, content: pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2) + content + content,
    "motionx.npy": _in_array,
    "walk.npz": lambda place, content: with_member(place, "poses.npy", _in_array(place, content)),
    "packed.pkl": lambda place, content: zlib.compress(content),
    "rich/00001/004.pkl": lambda place, content: content,
}


@kind("motions/code", 60)
def code(place: Place, number: int) -> Command:
    """A pickle that runs something, bare or in a file that holds pickles."""
    content = traps(place)[number % 19]
    name = list(CARRIERS)[number % len(CARRIERS)]
    path = place.write(name, CARRIERS[name](place, content))
    return read_motion(place, path.parent.parent if name.startswith("rich") else path)


@kind("motions/bvh-text", 40)
def bvh_text(place: Place, number: int) -> Command:
    """BVH with one word that it should not have."""
    lines = place.seeds["motions/walk.bvh"].read_text(encoding="utf-8").split("\n")
    for _ in range(place.rng.choice((1, 1, 3))):
        line = place.rng.randrange(min(len(lines), place.rng.choice((40, len(lines)))))
        words = lines[line].split(" ")
        words[place.rng.randrange(len(words))] = place.rng.choice(
            (
                *(
                    "",
                    "-1",
                    "0",
                    "nan",
                    "inf",
                    "1e999",
                    "-1e308",
                    "9" * 400,
                    "1_000",
                    "0x10",
                    "١٢",
                    "x" * 5000,
                    "{",
                    "}",
                ),
                *("JOINT", "ROOT", "End", "CHANNELS", "MOTION", "Frames:", "999999999999", "\x00", "\x1b[31m", "é\r"),
            )
        )
        lines[line] = " ".join(words)
        if place.rng.random() < 0.2:
            del lines[line]
    return read_motion(place, place.write("walk.bvh", "\n".join(lines)))


HEADER_OF_SAFETENSORS: list[Any] = [
    *(
        {"body_pose": {"dtype": "F32", "shape": shape, "data_offsets": [0, 8]}}
        for shape in ([2**40, 63], [-1], "x", [])
    ),
    *({"body_pose": {"dtype": kind_, "shape": [2], "data_offsets": [0, 8]}} for kind_ in ("F99", "", None, 3, "BOOL")),
    *(
        {"body_pose": {"dtype": "F32", "shape": [2], "data_offsets": to}}
        for to in ([0, 2**60], [8, 0], [0], "x", [-8, 0])
    ),
    *({"__metadata__": value} for value in ({"fps": 30}, "x", None, {"fps": "nan"}, {"format": "x" * 10**6})),
    *({}, [], "text", {"a": {}}, {"a": 1}),
]


@kind("motions/safetensors-headers", HEADER_OF_SAFETENSORS)
def safetensors_headers(place: Place, value: Any) -> Command:
    """A header that lies, or that is of another kind."""
    text = json.dumps(value).encode()
    return read_motion(place, place.write("walk.safetensors", struct.pack("<Q", len(text)) + text + bytes(8)))
