# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Small files that are large once they are open: pictures, videos, archives, pickles."""

import gzip
import io
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from hostile.cases import Command, Place, kind
from hostile.motions import SMALL, header, npy, read_motion, torch_zip
from hostile.pixels import read_picture, read_video, with_size

LARGEST = 12_200  # squared, just under the pixels that are allowed for a picture


def png(width: int, height: int, colour: int, depth: int, chunks: bytes = b"") -> bytes:
    """A black picture, row by row: a kilobyte of it stands for a megabyte."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    row = bytes(1 + (width * channels * depth + 7) // 8)
    packer = zlib.compressobj(1)
    data = b"".join([*(packer.compress(row) for _ in range(height)), packer.flush()])
    palette = _chunk(b"PLTE", b"\1\2\3") if colour == 3 else b""
    first = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + first + chunks + palette + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def saved(mode: str, side: int, form: str, **options: Any) -> bytes:
    """A picture as Pillow saves it."""
    from PIL import Image

    target = io.BytesIO()
    Image.new(mode, (side, side)).save(target, form, **options)
    return target.getvalue()


def large_jpeg(place: Place) -> bytes:
    """Under a kilobyte: the decoder fills up what is missing."""
    return with_size(place.seeds["pictures/person.jpg"].read_bytes(), "jpg", LARGEST, LARGEST)


def many_frames_gif() -> bytes:
    """An animation of 3,000 pictures."""
    from PIL import Image

    frames = [Image.new("P", (64, 64), number % 256) for number in range(3000)]
    target = io.BytesIO()
    frames[0].save(target, "GIF", save_all=True, append_images=frames[1:], duration=20)
    return target.getvalue()


PICTURES: dict[str, Callable[[Place], bytes]] = {
    "kilobyte.jpg": large_jpeg,
    "grey.jpg": lambda place: with_size(saved("L", 32, "JPEG"), "jpg", LARGEST, LARGEST),
    "cmyk.jpg": lambda place: with_size(saved("CMYK", 32, "JPEG"), "jpg", LARGEST, LARGEST),
    "long.jpg": lambda place: with_size(saved("RGB", 32, "JPEG"), "jpg", 65_500, 2_200),
    "progressive.jpg": lambda place: with_progressive_size(saved("RGB", 32, "JPEG", progressive=True)),
    "rgb.png": lambda place: png(LARGEST, LARGEST, 2, 8),
    "rgba.png": lambda place: png(LARGEST, LARGEST, 6, 8),
    "deep.png": lambda place: png(LARGEST, LARGEST, 6, 16),
    "grey deep.png": lambda place: png(LARGEST, LARGEST, 0, 16),
    "palette.png": lambda place: png(LARGEST, LARGEST, 3, 8),
    "one bit.png": lambda place: png(LARGEST, LARGEST, 0, 1),
    "a line.png": lambda place: png(100_000_000, 1, 0, 1),
    "text.png": lambda place: png(48, 32, 2, 8, _chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(300_000_000)))),
    "profile.png": lambda place: png(48, 32, 2, 8, _chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(300_000_000)))),
    "float.tif": lambda place: saved("F", 11_000, "TIFF", compression="tiff_adobe_deflate"),
    "integer.tif": lambda place: saved("I", 11_000, "TIFF", compression="tiff_lzw"),
    "deep.tif": lambda place: saved("I;16", 12_000, "TIFF", compression="tiff_adobe_deflate"),
    "alpha.tif": lambda place: saved("RGBA", 11_000, "TIFF", compression="packbits"),
    "cmyk.tif": lambda place: saved("CMYK", 11_000, "TIFF", compression="tiff_adobe_deflate"),
    "lab.tif": lambda place: saved("LAB", 11_000, "TIFF", compression="tiff_adobe_deflate"),
    "large.gif": lambda place: saved("P", 8_000, "GIF"),
    "large.webp": lambda place: saved("RGB", 10_000, "WEBP", lossless=True, method=0, quality=0),
    "large.bmp": lambda place: with_size(saved("RGB", 32, "BMP"), "bmp", LARGEST, LARGEST),
    "turned.jpg": lambda place: large_jpeg(place).replace(b"\xff\xe0", b"\xff\xe1", 1),
    "frames.gif": lambda place: many_frames_gif(),
}


def with_progressive_size(content: bytes) -> bytes:
    """As `with_size`, for a progressive JPEG, whose coefficients the decoder has to keep."""
    data = bytearray(content)
    start = data.index(b"\xff\xc2") + 5
    data[start : start + 4] = struct.pack(">HH", LARGEST, LARGEST)
    return bytes(data)


@kind("bombs/pictures", PICTURES)
def pictures(place: Place, name: str) -> Command:
    """A picture of 150 million pixels in a few kilobytes."""
    return read_picture(place, place.write(name, PICTURES[name](place)))


def film(place: Place, name: str, width: int, height: int, frames: int, **options: str) -> Path:
    """Black frames."""
    import av

    path = place.input / name
    codec, pixel_format = ("gif", "rgb8") if name.endswith("gif") else ("libx264", "yuv420p")
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        stream.codec_context.thread_count = 1
        frame = av.VideoFrame(width, height, pixel_format)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        for _ in range(frames):
            frame.pts = None
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


X264 = {"preset": "ultrafast", "crf": "51"}
FILMS: dict[str, Callable[[Place], Path]] = {
    "large.mp4": lambda place: film(place, "large.mp4", 8000, 8000, 3, **X264),
    "large.gif": lambda place: film(place, "large.gif", 8000, 8000, 3),
    "wide.mp4": lambda place: film(place, "wide.mp4", 16_000, 64, 9, **X264),
    "4k.mkv": lambda place: film(place, "4k.mkv", 3840, 2160, 9, **X264),
    "long.mp4": lambda place: film(place, "long.mp4", 16, 16, 30, **X264),
    "growing.gif": lambda place: place.write("growing.gif", _growing_gif()),
    "picture.gif": lambda place: place.write("picture.gif", saved("P", 8_000, "GIF")),
}


def _growing_gif() -> bytes:
    """A small picture on a screen of 65,535 squared."""
    content = bytearray(saved("P", 32, "GIF"))
    content[6:10] = struct.pack("<HH", 65_535, 65_535)
    return bytes(content)


@kind("bombs/videos", FILMS)
def videos(place: Place, name: str) -> Command:
    """A video of large frames, or of very many."""
    return read_video(place, FILMS[name](place))


def zipped(members: Iterator[tuple[str, bytes]], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return target.getvalue()


def _zeros(rows: int) -> bytes:
    return npy(header(f"({rows}, 165)"), bytes(4 * 165 * rows))


def _lying_sizes(content: bytes, size: int) -> bytes:
    """An archive whose table claims another size for every member."""
    data = bytearray(content)
    start = 0
    while (start := data.find(b"PK\x01\x02", start)) >= 0:
        data[start + 24 : start + 28] = struct.pack("<I", size)
        start += 4
    return bytes(data)


def _doubling(levels: int) -> bytes:
    """A pickle of lists that hold the list before twice."""
    steps = b"".join(
        b"](" + b"h" + bytes([level]) * 1 + b"h" + bytes([level]) + b"eq" + bytes([level + 1])
        for level in range(levels)
    )
    return b"\x80\x02]q\x00" + steps + b"."


def _repeated_tensors() -> bytes:
    """What torch saves of tensors that repeat one number a billion times."""
    import torch

    one = torch.zeros(1)
    group = {
        "body_pose": one.expand(15_000_000, 63),
        "global_orient": one.expand(15_000_000, 3),
        "transl": one.expand(15_000_000, 3),
        "betas": one.expand(15_000_000, 10),
    }
    target = io.BytesIO()
    torch.save({"smpl_params_incam": group, "smpl_params_global": group}, target)
    return target.getvalue()


def _bvh_of(joints: int, frames: int, values: str = "") -> str:
    def head(name: str, channels: str) -> str:
        return f"{name}\n{{\nOFFSET 0 1 0\nCHANNELS {channels}\n"

    root = head("ROOT Hips", "6 Xposition Yposition Zposition Zrotation Xrotation Yrotation")
    chain = "".join(head(f"JOINT j{number}", "3 Zrotation Xrotation Yrotation") for number in range(joints))
    ends = "End Site\n{\nOFFSET 0 1 0\n}\n" + "}\n" * (joints + 1)
    return f"HIERARCHY\n{root}{chain}{ends}MOTION\nFrames: {frames}\nFrame Time: 0.0333333\n{values}"


MOTIONS: dict[str, Callable[[Place], bytes | str]] = {
    "deflated.npz": lambda place: zipped(iter([("poses.npy", _zeros(600_000)), ("trans.npy", _zeros(10))])),
    "bzip2.npz": lambda place: zipped(iter([("poses.npy", _zeros(400_000))]), zipfile.ZIP_BZIP2),
    "lzma.npz": lambda place: zipped(iter([("poses.npy", _zeros(400_000))]), zipfile.ZIP_LZMA),
    "claims 0.npz": lambda place: _lying_sizes(zipped(iter([("poses.npy", _zeros(100_000))])), 0),
    "claims 4 GB.npz": lambda place: _lying_sizes(place.seeds["motions/walk.npz"].read_bytes(), 2**32 - 1),
    "many members.npz": lambda place: zipped((f"{number}.npy", b"") for number in range(60_000)),
    "repeated members.npz": lambda place: zipped(("poses.npy", _zeros(1000)) for _ in range(200)),
    "whole.npz": lambda place: whole_motion(800_000),
    "double.npz": lambda place: whole_motion(400_000, "<f8"),
    "text.npz": lambda place: zipped(iter([("gender.npy", npy(header("(1000000,)", "'<U100'"), bytes(400_000_000)))])),
    "doubling.pkl": lambda place: _doubling(100),
    "a million.pkl": lambda place: pickle.dumps(dict.fromkeys(range(1000000))),
    "deep.pkl": lambda place: b"\x80\x02" + b"]" * 3_000_000 + b"a" * 2_999_999 + b".",
    "dicts.pkl": lambda place: b"\x80\x02" + b"}" * 3_000_000 + b".",
    "text.pkl": lambda place: b"\x80\x04\x8d" + struct.pack("<Q", 2**40) + b"x.",
    "frame.pkl": lambda place: b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b"N.",
    "long.pkl": lambda place: b"\x80\x02\x8b" + struct.pack("<i", 50_000_000) + b"\1" * 50_000_000 + b".",
    "gzip.pkl": lambda place: gzip.compress(bytes(500_000_000), 1),
    "repeated.pt": lambda place: _repeated_tensors(),
    "zip.pt": lambda place: zipped(iter([("archive/data.pkl", bytes(900_000_000))])),
    "doubling.pt": lambda place: torch_zip(_doubling(100)),
    "deep.pt": lambda place: torch_zip(b"\x80\x02" + b"]" * 1_000_000 + b"a" * 999_999 + b"."),
    "header.safetensors": lambda place: struct.pack("<Q", 2**62) + b"{}",
    "large header.safetensors": lambda place: struct.pack("<Q", 90_000_002) + b'{"' + b" " * 90_000_000,
    "deep header.safetensors": lambda place: struct.pack("<Q", 200_000) + b"[" * 200_000,
    "entries.safetensors": lambda place: many_entries(200_000),
    "frames.bvh": lambda place: _bvh_of(3, 10**9),
    "joints.bvh": lambda place: _bvh_of(20_000, 1, "0 " * 60_006),
    "line.bvh": lambda place: _bvh_of(3, 1, "0 " * 20_000_000),
    "rows.bvh": lambda place: _bvh_of(0, 400_000, "0 0 0 0 0 0\n" * 400_000),
    "nested.bvh": lambda place: "HIERARCHY\n" + "ROOT a\n{\n" * 100_000,
}


def whole_motion(frames: int, kind_of_number: str = "<f4") -> bytes:
    """A motion of hours, all zero, that is right in everything."""
    size = np.dtype(kind_of_number).itemsize

    def zeros(name: str, columns: int) -> tuple[str, bytes]:
        shape = header(f"({frames}, {columns})", repr(kind_of_number))
        return f"{name}.npy", npy(shape, bytes(size * columns * frames))

    members = [zeros("poses", 165), zeros("trans", 3)]
    fields = {"betas": np.zeros(10), "mocap_frame_rate": np.array(120.0), "gender": np.array("neutral")}
    for name, value in fields.items():
        target = io.BytesIO()
        np.save(target, value)
        members.append((f"{name}.npy", target.getvalue()))
    return zipped(iter(members))


def many_entries(count: int) -> bytes:
    """A header of very many empty tensors."""
    entries = ",".join(f'"{number}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}' for number in range(count))
    text = f"{{{entries}}}".encode()
    return struct.pack("<Q", len(text)) + text


@kind("bombs/motions", MOTIONS)
def motions(place: Place, name: str) -> Command:
    """A motion file that is, or says that it is, far larger than it looks."""
    content = MOTIONS[name](place)
    path = place.write(name.replace(" ", "_"), content)
    if "whole" in name:
        return Command(["data", "render", str(path), "-o", str(place.output), *SMALL])
    return read_motion(place, path)
