# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""How long a video file says it is: what tells a file that was cut short before anything is decoded.

FFmpeg ends at the end of a file that was cut, as if the video ended there.
"""

import struct
from pathlib import Path
from typing import BinaryIO

# MP4 and MOV boxes that hold the index or the frames; after them some cameras leave bytes that are no boxes.
_BOXES = (b"ftyp", b"moov", b"mdat", b"moof", b"free", b"wide", b"skip", b"uuid", b"sidx", b"styp", b"meta", b"pnot")
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"


def declared_length(path: Path) -> int:
    """Give the length that an MP4, MOV, Matroska, WebM or AVI file declares.

    Args:
        path (`Path`): The file.

    Returns:
        `int`: Bytes; 0 where the file does not say it (live recordings, other formats).
    """
    with path.open("rb") as file:
        start = file.read(12)
        if start[:4] == _EBML:
            return _matroska_length(file)
        if start[:4] == b"RIFF" and start[8:] == b"AVI ":
            size = int.from_bytes(start[4:8], "little")
            return size + 8 if size else 0
        if start[4:8] in _BOXES:
            return _mp4_length(file)
    return 0


def _mp4_length(file: BinaryIO) -> int:
    """Walk the boxes: 4 bytes length, 4 bytes name; length 1 means that 8 bytes of length follow, 0 up to the end."""
    position = 0
    while True:
        file.seek(position)
        header = file.read(16)
        if len(header) < 8 or header[4:8] not in _BOXES:
            return position
        (size,) = struct.unpack(">I", header[:4])
        if size == 1 and len(header) == 16:
            (size,) = struct.unpack(">Q", header[8:])
        if size < 8:
            return position
        position += size


def _matroska_length(file: BinaryIO) -> int:
    """The EBML header, then one segment that holds all the rest."""
    file.seek(4)
    header_size = _variable_integer(file)
    if header_size is None:
        return 0
    file.seek(header_size, 1)
    if file.read(4) != _SEGMENT:
        return 0
    size = _variable_integer(file)
    return 0 if size is None else file.tell() + size


def _variable_integer(file: BinaryIO) -> int | None:
    """Read EBML's number: as many leading zero bits as bytes follow; all ones mean unknown."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    following = 8 - first[0].bit_length()
    value = (first[0] & ((1 << (7 - following)) - 1)) << (8 * following) | int.from_bytes(file.read(following), "big")
    return None if value == (1 << (7 * (following + 1))) - 1 else value
