# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Videos and pictures: damaged, lying in their headers, of another kind than their name, and no files at all."""

import os
import struct
from collections.abc import Callable
from pathlib import Path

from hostile.cases import Command, Place, kind
from hostile.damage import cut, flip
from hostile.seeds import PICTURES, VIDEOS


def read_video(place: Place, path: Path | str) -> Command:
    """Video to motion, without and with the overlay; now and then only what the file says of itself."""
    if place.rng.random() < 0.15:
        return Command(["info", str(path)])
    overlay = [] if place.rng.random() < 0.3 else ["--no-overlay"]
    return Command(["v2m", str(path), "-o", str(place.output), "--model", place.checkpoint(), *overlay])


def read_picture(place: Place, path: Path | str) -> Command:
    """Picture to video and motion; now and then only what the file says of itself."""
    if place.rng.random() < 0.15:
        return Command(["info", str(path)])
    return Command(["i2vm", str(path), "-o", str(place.output), "--model", place.checkpoint()])


@kind("videos/flips", 60)
def video_flips(place: Place, number: int) -> Command:
    """Changed bytes in a good video."""
    path = place.copy(f"videos/{list(VIDEOS)[number % len(VIDEOS)]}")
    path.write_bytes(flip(path.read_bytes(), place.rng))
    return read_video(place, path)


@kind("videos/cuts", 24)
def video_cuts(place: Place, number: int) -> Command:
    """Half of a good video."""
    path = place.copy(f"videos/{list(VIDEOS)[number % len(VIDEOS)]}")
    path.write_bytes(cut(path.read_bytes(), place.rng))
    return read_video(place, path)


# Box of an mp4, where in it to write, and what.
ATOMS: list[tuple[bytes, int, bytes]] = [
    *((b"tkhd", 76, struct.pack(">II", side << 16, side << 16)) for side in (0, 1, 8192, 65535)),
    *(
        (b"avc1", 24, struct.pack(">HH", *sides))
        for sides in ((0, 0), (8192, 8192), (65535, 65535), (1, 65535), (7, 7))
    ),
    *((b"mdhd", 12, struct.pack(">I", scale)) for scale in (0, 1, 2**31, 2**32 - 1)),
    *((b"mvhd", 12, struct.pack(">I", scale)) for scale in (0, 2**32 - 1)),
    *(
        (b"stts", 4, struct.pack(">III", 1, count, step))
        for count, step in ((2**31, 1), (9, 2**31 - 1), (9, 0), (1, 1))
    ),
    *(
        (b"stsz", 4, struct.pack(">II", size, count))
        for size, count in ((0, 2**32 - 1), (2**31, 9), (1, 2**31), (0, 0))
    ),
    *((b"elst", 4, struct.pack(">III", 1, 2**31, start)) for start in (0, 2**31 - 1, 2**32 - 1)),
    *((b"elst", 16, struct.pack(">HH", *rate)) for rate in ((0, 0), (32767, 0), (0, 1))),
    *((name, -4, struct.pack(">I", size)) for name in (b"moov", b"trak", b"mdat") for size in (0, 1, 7, 2**32 - 1)),
    (b"stco", 8, struct.pack(">I", 2**32 - 1)),
    (b"hdlr", 8, b"soun"),
    (b"hdlr", 8, b"\0\0\0\0"),
    (b"ftyp", 4, b"qt  "),
    (b"avc1", 0, b"hev1"),
    (b"avc1", 0, b"rawx"),
]


@kind("videos/lying-headers", ATOMS)
def video_headers(place: Place, atom: tuple[bytes, int, bytes]) -> Command:
    """An mp4 one of whose boxes lies: sizes, clocks, tables, edit lists."""
    name, offset, value = atom
    path = place.copy("videos/clip.mp4")
    content = bytearray(path.read_bytes())
    start = content.rindex(name) + (
        offset if name == b"avc1" and not offset else offset + 4 if offset >= 0 else offset
    )
    content[start : start + len(value)] = value
    path.write_bytes(content)
    return read_video(place, path)


def _link(place: Place, name: str, target: str) -> Path:
    path = place.input / name
    path.symlink_to(target)
    return path


def _pipe(place: Place, name: str) -> Path:
    path = place.input / name
    os.mkfifo(path)
    return path


def _folder(place: Place, name: str) -> Path:
    (place.input / name).mkdir()
    return place.input / name


def _unreadable(place: Place, name: str) -> Path:
    path = place.write(name, b"x" * 100)
    path.chmod(0)
    return path


# No file, or not the one that it says: made under a name with the right ending.
NO_FILES: list[Callable[[Place, str], Path]] = [
    lambda place, name: place.input / name,
    lambda place, name: place.write(name, b""),
    lambda place, name: place.write(name, b"\0"),
    lambda place, name: place.write(name, bytes(100_000)),
    lambda place, name: place.write(name, place.rng.randbytes(5000)),
    lambda place, name: place.write(name, "text\n" * 100),
    lambda place, name: _folder(place, name),
    lambda place, name: _pipe(place, name),
    lambda place, name: _link(place, name, name),
    lambda place, name: _link(place, name, "/dev/zero"),
    lambda place, name: _link(place, name, "/dev/urandom"),
    lambda place, name: _link(place, name, "missing"),
    lambda place, name: _unreadable(place, name),
    lambda place, name: place.copy("motions/walk.npz", name),
    lambda place, name: place.copy("shards/shards.json", name),
    lambda place, name: place.copy("checkpoint/model.safetensors", name),
]
ENDINGS = ("npz", "npy", "pt", "pkl", "bvh", "safetensors")


@kind("videos/no-video", [*NO_FILES, *(f"person.{ending}" for ending in PICTURES)])
def no_video(place: Place, make: Callable[[Place, str], Path] | str) -> Command:
    """Something else where a video is named; a picture too."""
    if isinstance(make, str):
        ending = Path(make).suffix if place.rng.random() < 0.5 else ".mp4"
        return read_video(place, place.copy(f"pictures/{make}", f"clip{ending}"))
    return read_video(place, make(place, "clip.mp4"))


@kind("pictures/no-picture", [*NO_FILES, *VIDEOS])
def no_picture(place: Place, make: Callable[[Place, str], Path] | str) -> Command:
    """Something else where a picture is named; a video too."""
    if isinstance(make, str):
        ending = Path(make).suffix if place.rng.random() < 0.5 else ".png"
        return read_picture(place, place.copy(f"videos/{make}", f"person{ending}"))
    return read_picture(place, make(place, "person.png"))


@kind("motions/no-motion", [(make, ending) for make in NO_FILES[:13] for ending in ENDINGS[::3]])
def no_motion(place: Place, variant: tuple[Callable[[Place, str], Path], str]) -> Command:
    """Something else where a motion is named."""
    make, ending = variant
    path = make(place, f"walk.{ending}")
    if path.is_dir():
        (path / "empty.npz").touch()
    return Command(["data", "convert", str(path), "-o", str(place.output)])


def _playlist(place: Place) -> str:
    return str(place.seeds["videos/clip.mp4"])


TEXTS: list[Callable[[Place], str]] = [
    lambda place: f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{_playlist(place)}\n#EXT-X-ENDLIST\n",
    lambda place: f"#EXTM3U\n#EXTINF:1,\nfile://{place.elsewhere}/secret.txt\n",
    lambda place: "#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n",
    lambda place: f"ffconcat version 1.0\nfile {_playlist(place)}\n",
    lambda place: f"ffconcat version 1.0\nfile {place.elsewhere}/secret.txt\n",
    lambda place: f"<svg xmlns='http://www.w3.org/2000/svg'><image href='file://{place.elsewhere}/secret.txt'/></svg>",
    lambda place: f"%!PS\n(%pipe%touch {place.canary}) (w) file\nshowpage\n",
    lambda place: (
        f"push graphic-context\nimage over 0,0 0,0 'https://x\";touch \"{place.canary}'\npop graphic-context\n"
    ),
    lambda place: "v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
    lambda place: '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]><MPD>&a;</MPD>',
]


@kind("videos/playlists", [(make, ending) for make in TEXTS for ending in ("clip.mp4", "person.png")])
def playlists(place: Place, variant: tuple[Callable[[Place], str], str]) -> Command:
    """Text that makes a careless reader open other files, the network, or a shell."""
    make, name = variant
    path = place.write(name, make(place))
    return read_video(place, path) if name.endswith("mp4") else read_picture(place, path)


@kind("videos/addresses", ("concat:{0}|{0}", "http://127.0.0.1:9/clip.mp4", "pipe:0", "data:video/mp4;base64,AAAA"))
def addresses(place: Place, pattern: str) -> Command:
    """What FFmpeg takes for an address, as a name; and more of them."""
    return read_video(place, pattern.format(place.seeds["videos/clip.mp4"]))


@kind("pictures/flips", 64)
def picture_flips(place: Place, number: int) -> Command:
    """Changed bytes in a good picture."""
    path = place.copy(f"pictures/person.{PICTURES[number % len(PICTURES)]}")
    path.write_bytes(flip(path.read_bytes(), place.rng))
    return read_picture(place, path)


@kind("pictures/cuts", 24)
def picture_cuts(place: Place, number: int) -> Command:
    """Half of a good picture."""
    path = place.copy(f"pictures/person.{PICTURES[number % len(PICTURES)]}")
    path.write_bytes(cut(path.read_bytes(), place.rng))
    return read_picture(place, path)


SIDES = ((0, 0), (1, 1), (1, 65535), (65535, 1), (11_000, 11_000), (30_000, 30_000), (65535, 65535))


@kind("pictures/lying-sizes", [(ending, sides) for ending in ("png", "jpg", "bmp", "gif", "ppm") for sides in SIDES])
def lying_sizes(place: Place, variant: tuple[str, tuple[int, int]]) -> Command:
    """A small picture that claims to be of another size."""
    ending, (width, height) = variant
    path = place.copy(f"pictures/person.{ending}")
    path.write_bytes(with_size(path.read_bytes(), ending, width, height))
    return read_picture(place, path)


def with_size(content: bytes, ending: str, width: int, height: int) -> bytes:
    """A picture with other numbers in its header; checksums fit."""
    data = bytearray(content)
    if ending == "png":
        import zlib

        data[16:24] = struct.pack(">II", width, height)
        data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    elif ending == "jpg":
        start = data.index(b"\xff\xc0") + 5
        data[start : start + 4] = struct.pack(">HH", height, width)
    elif ending == "bmp":
        data[18:26] = struct.pack("<ii", width, -height)
    elif ending == "gif":
        data[6:10] = struct.pack("<HH", width, height)
        start = data.index(b"\x2c\0\0\0\0") + 5
        data[start : start + 4] = struct.pack("<HH", width, height)
    else:
        data = bytearray(content.replace(b"48 32", f"{width} {height}".encode(), 1))
    return bytes(data)
