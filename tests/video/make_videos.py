# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Small videos with every awkward property, made by PyAV itself."""

import struct
from fractions import Fraction

import av
import numpy as np

RED, GREEN, BLUE, WHITE = (230, 20, 20), (20, 200, 40), (30, 40, 220), (250, 250, 250)


def corners(height=32, width=48):
    """Red top left, green top right, blue bottom left, white bottom right."""
    picture = np.empty((height, width, 3), dtype=np.uint8)
    picture[: height // 2, : width // 2], picture[: height // 2, width // 2 :] = RED, GREEN
    picture[height // 2 :, : width // 2], picture[height // 2 :, width // 2 :] = BLUE, WHITE
    return picture


def greys(count, height=32, width=48):
    """Frame k is grey of brightness 20 + 10 k."""
    return [np.full((height, width, 3), 20 + 10 * k, dtype=np.uint8) for k in range(count)]


def encode(
    path,
    frames,
    rate=10,
    codec="libx264",
    pix_fmt="yuv444p",
    stamps=None,
    prepare=None,
    container_options=None,
    **options,
):
    """Write frames; `stamps` are their times in milliseconds; `prepare` gets the stream before the first frame."""
    options = {"crf": "4"} | options if codec == "libx264" else options
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options=options)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pix_fmt
        stream.codec_context.thread_count = 1
        if stamps is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        if prepare is not None:
            prepare(stream)
        for number, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(frame, format="rgba" if frame.shape[2] == 4 else "rgb24")
            picture = picture.reformat(format=pix_fmt)
            if stamps is not None:
                picture.pts, picture.time_base = stamps[number], Fraction(1, 1000)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def sound(path, seconds=1):
    """Write a file with sound only."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        stream.layout = "mono"
        for start in range(0, 16000 * seconds, 1024):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 16000, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def edit_list(path, edits):
    """Give an MP4 another edit list: (duration in ms, first time in the media's own units or -1 for nothing, rate)."""
    content = path.read_bytes()
    start = content.index(b"edts") - 4
    size = int.from_bytes(content[start : start + 4], "big")
    entries = b"".join(struct.pack(">Iii", duration, first, round(rate * 65536)) for duration, first, rate in edits)
    table = struct.pack(">I4sII", 16 + len(entries), b"elst", 0, len(edits)) + entries
    changed = bytearray(content[:start] + struct.pack(">I4s", 8 + len(table), b"edts") + table)
    changed += content[start + size :]
    for box in (b"moov", b"trak"):
        place = changed.index(box) - 4
        longer = int.from_bytes(changed[place : place + 4], "big") + 8 + len(table) - size
        changed[place : place + 4] = longer.to_bytes(4, "big")
    path.write_bytes(changed)
    return path


def one_behind_the_other(path, first, second):
    """Write the packets of two H.264 videos as one stream: its size changes in the middle."""
    with av.open(str(path), "w") as joined:
        with av.open(str(first)) as part:
            stream = joined.add_stream_from_template(part.streams.video[0])
        count = 0
        for name in (first, second):
            with av.open(str(name)) as part:
                for packet in part.demux(video=0):
                    if packet.size:
                        copied = av.Packet(bytes(packet))
                        copied.pts = copied.dts = count
                        copied.time_base, copied.stream = Fraction(1, 10), stream
                        copied.is_keyframe = packet.is_keyframe
                        joined.mux(copied)
                        count += 1
    return path
