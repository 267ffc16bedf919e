# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What a hostile case is: files of a kind, made by a seeded function, and the command that meets them."""

import random
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

from hostile.seeds import Seeds

OUT = "out"  # folder of a case that the command may write into
SECRET = "the secret of somebody else"
ESCAPE_CODE = "\x1b[31m"  # in hostile names and texts; bars have others


@dataclass(frozen=True)
class Command:
    """What a case runs.

    Attributes:
        arguments (`list[str]`): Of the command line.
        program (`str`): `unimo`, `python` (the first argument is the code), or a script of conversion/.
        writes (`str`): Folder of the case that the command may write into.
        owns (`list[str]`): Files and folders of the case that the command may change: those of its own, unfinished.
        keeps (`list[str]`): What in them it must not change.
        plain_names (`bool`): Whether a new file whose name has control characters is a fault.
        succeeds (`bool`): Whether the command must succeed: what is hostile is not its input.
    """

    arguments: list[str]
    program: str = "unimo"
    writes: str = OUT
    owns: list[str] = field(default_factory=list)
    keeps: list[str] = field(default_factory=list)
    plain_names: bool = True
    succeeds: bool = False


@dataclass(frozen=True)
class Kind:
    """Cases of one kind.

    Attributes:
        name (`str`): As `motions/flips`.
        make (`Callable`): Takes a place and a variant, writes the files and gives the command.
        variants (`list`): One for each case.
    """

    name: str
    make: Callable[["Place", Any], Command]
    variants: list[Any] = field(repr=False)


KINDS: dict[str, Kind] = {}


def kind(name: str, variants: int | Iterable[Any]) -> Callable[[Callable[["Place", Any], Command]], Any]:
    """Enter a function among the kinds: it is called with each of the variants, or so many times with a number."""

    def enter(make: Callable[["Place", Any], Command]) -> Callable[["Place", Any], Command]:
        KINDS[name] = Kind(name, make, list(range(variants) if isinstance(variants, int) else variants))
        return make

    return enter


@dataclass(frozen=True)
class Place:
    """The folder of a case: `in` for its files, `out`, and what belongs to others (`home`, `cwd`, `elsewhere`).

    Attributes:
        folder (`Path`): All of that.
        seeds ([`Seeds`]): Good files to damage.
        rng (`random.Random`): Seeded by the run and the name of the case.
    """

    folder: Path
    seeds: Seeds
    rng: random.Random

    @property
    def input(self) -> Path:
        """Folder of the files that are given to the command."""
        return self.folder / "in"

    @property
    def output(self) -> Path:
        """Folder that the command may write into; a file of somebody else stands there already."""
        return self.folder / OUT

    @property
    def elsewhere(self) -> Path:
        """Folder of somebody else, which links and names may point to."""
        return self.folder / "elsewhere"

    @property
    def canary(self) -> Path:
        """The file that every planted piece of code makes."""
        return self.folder / "canary"

    def prepare(self) -> None:
        """Make the folders and the files of others in them."""
        for name in ("in", OUT, "home", "cwd", "elsewhere", "tmp"):
            (self.folder / name).mkdir(parents=True)
        for name in ("home/.bashrc-backup", "cwd/.gitlab-ci.yml", f"{OUT}/.gitlab-ci.yml", "elsewhere/secret.txt"):
            (self.folder / name).write_text(SECRET if "secret" in name else "of somebody else", encoding="utf-8")

    def write(self, name: str, content: bytes | str) -> Path:
        """Write an input file."""
        path = self.input / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
        return path

    def copy(self, seed: str, name: str | None = None) -> Path:
        """Copy a good file or folder to the inputs."""
        source = self.seeds[seed]
        target = self.input / (name or source.name)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        return target

    def checkpoint(self) -> str:
        """The good checkpoint, in its place: commands that need one read it there."""
        return str(self.seeds["checkpoint"])


@dataclass(frozen=True)
class Case:
    """One case; its name and a seed give its files."""

    kind: Kind
    number: int

    @property
    def name(self) -> str:
        """As `motions/flips/7`."""
        return f"{self.kind.name}/{self.number}"

    def make(self, folder: Path, seeds: Seeds, seed: int) -> Command:
        """Write the files of the case into a folder."""
        place = Place(folder, seeds, random.Random(crc32(f"{seed} {self.name}".encode())))
        place.prepare()
        return self.kind.make(place, self.kind.variants[self.number])


def all_cases() -> list[Case]:
    """Every case of every kind."""
    return [Case(kind, number) for kind in KINDS.values() for number in range(len(kind.variants))]
