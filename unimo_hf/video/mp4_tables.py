# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Tables of MP4 and MOV files that stand for more frames than the file can hold.

FFmpeg lays out an entry for each frame when it opens a file, and for each part of an edit list all its frames again: a
file of a kilobyte could take any memory.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .errors import VideoError

# Boxes that hold boxes.
HOLDERS = (b"moov", b"trak", b"edts", b"mdia", b"minf", b"stbl", b"mvex", b"moof", b"traf", b"udta", b"dinf", b"wave")
# A day at 60 frames a second, cut into three parts; an entry takes 24 bytes.
MAX_ENTRIES = 3 * 24 * 3600 * 60


def check_mp4_tables(path: Path) -> None:
    """Check what an MP4 or MOV file says of its frames before FFmpeg believes it.

    Args:
        path (`Path`): The file.

    Raises:
        VideoError: If it declares more frames than it has bytes, edit lists that show frames ever again, or has its
            index compressed, which only QuickTime of the nineties did.
    """
    size = path.stat().st_size
    # For each track, and behind the last one for all fragments: frames, and parts of the edit list.
    tracks = [[0, 1]]
    with path.open("rb") as file:
        for name, content in _boxes(file, size):
            if name == b"cmov":
                raise VideoError(f"{path} has a compressed index, which is not read; write it anew with FFmpeg.")
            if name == b"trak":
                tracks.append([0, 1])
            elif name == b"elst":
                tracks[-1][1] = max(tracks[-1][1], _number(content, 4))
            elif name in (b"stsz", b"stz2"):
                tracks[-1][0] += _number(content, 8)
            elif name == b"trun":
                tracks[-1][0] += _number(content, 4)
    frames = sum(frames for frames, _ in tracks)
    shown = sum(frames * parts for frames, parts in tracks)
    if frames > size:
        raise VideoError(f"{path} declares {frames} frames but has {size} bytes; that can't be.")
    if shown > MAX_ENTRIES:
        raise VideoError(
            f"{path} has edit lists whose parts may show {shown} frames; at most {MAX_ENTRIES} are allowed."
        )


def _boxes(file: BinaryIO, end: int) -> Iterator[tuple[bytes, bytes]]:
    """Give name and first 12 bytes of the content of each box, those within others included."""
    position = 0
    while position + 8 <= end:
        file.seek(position)
        header = file.read(28)
        length, name, head = int.from_bytes(header[:4], "big"), header[4:8], 8
        if length == 1:
            length, head = int.from_bytes(header[8:16], "big"), 16
        yield name, header[head : head + 12]
        if name in HOLDERS:
            position += head
        elif length >= head:
            position += length
        else:  # 0: up to the end
            return


def _number(content: bytes, start: int) -> int:
    return int.from_bytes(content[start : start + 4], "big")
