# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What a file is, by its content, and which command takes it: for who gave it to another one."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..motion.containers import container_of

TAKEN_BY = {
    "a picture": "`unimo i2vm` takes pictures",
    "a video": "`unimo v2m` takes videos",
    "a motion file": "`unimo data convert` takes motion files",
}
# GIF is missing: it is read as either.
PICTURES = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"\0\0\0\x0cjP  ")
VIDEOS = (b"\x1a\x45\xdf\xa3", b"FLV\x01", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", b"\0\0\1\xba", b"\0\0\1\xb3")
PICTURE_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1")
BOXES = (b"ftyp", b"moov", b"mdat", b"moof", b"wide")
MOTIONS = (".npz", ".npy", ".pkl", ".bvh")  # of torch and safetensors there are many files that hold no motion


@contextmanager
def told_apart(path: Path, *wanted: str) -> Iterator[None]:
    """Say what a file is, and which command takes it, when reading it as something else fails in the block.

    Args:
        path (`Path`): The file.
        wanted (`str`): What the command takes: `a picture`, `a video` or `a motion file`.

    Raises:
        ValueError: With that, or as the block raised it if the file may well be what is wanted.
    """
    try:
        yield
    except ValueError as error:
        kind = kind_of(path)
        if kind is None or kind in wanted:
            raise
        asked_for = f"{' or '.join(wanted)} is needed"
        raise ValueError(f"{path} is {kind}; {TAKEN_BY.get(kind, asked_for)}.") from error


def kind_of(path: Path) -> str | None:
    """Say what a file is: a key of `TAKEN_BY`, `text`, or `None` where the first bytes do not tell."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        start = file.read(512)
    if _is_picture(start):
        return "a picture"
    if _is_video(start):
        return "a video"
    if container_of(path) in MOTIONS:
        return "a motion file"
    return "text" if start and _is_text(start) else None


def kinds_in(files: Iterable[Path]) -> list[str]:
    """Say what files are, each kind once; those that do not tell are left out."""
    return sorted({kind for kind in map(kind_of, files) if kind in TAKEN_BY})


def _is_picture(start: bytes) -> bool:
    if start[4:8] == b"ftyp":
        return start[8:12] in PICTURE_BRANDS
    is_bitmap = start[:2] == b"BM" and start[6:10] == bytes(4)
    return start.startswith(PICTURES) or is_bitmap or (start[:4] == b"RIFF" and start[8:12] == b"WEBP")


def _is_video(start: bytes) -> bool:
    is_stream = start[:1] == start[188:189] == start[376:377] == b"\x47"
    in_boxes = start[4:8] in BOXES
    return start.startswith(VIDEOS) or is_stream or in_boxes or (start[:4] == b"RIFF" and start[8:12] == b"AVI ")


def _is_text(start: bytes) -> bool:
    text = start.decode(errors="replace")
    return "\ufffd" not in text[:-1] and all(character.isprintable() or character.isspace() for character in text)
