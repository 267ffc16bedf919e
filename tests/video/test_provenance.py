# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""A video says what made it, also after it was copied into another container."""

import av
import pytest

from unimo_hf.motion.body import Body
from unimo_hf.provenance import Provenance
from unimo_hf.video import VideoError, probe_video, write_video
from unimo_hf.video.drawing import write_overlay

from .make_videos import encode, greys
from .test_drawing import standing

CONTAINERS = ("mp4", "mov", "mkv")
GENERATED = Provenance("generated", "é\x1b/name", seed=7)


def copied(source, target):
    """What `ffmpeg -i SOURCE -c copy TARGET` does."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        new.metadata.update(old.metadata)
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(old.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    return target


@pytest.mark.parametrize("container", CONTAINERS)
def test_it_is_read_back_and_outlives_copies(tmp_path, container):
    path = tmp_path / f"a.{container}"
    write_video(path, greys(5), 10, preset="ultrafast", provenance=GENERATED)
    assert probe_video(path).provenance == GENERATED
    for other in CONTAINERS:
        assert probe_video(copied(path, tmp_path / f"b.{other}")).provenance == GENERATED


def test_videos_without_one(tmp_path):
    write_video(tmp_path / "a.mp4", greys(2), 10)
    assert probe_video(tmp_path / "a.mp4").provenance is None
    encode(tmp_path / "b.mp4", greys(2))
    assert probe_video(tmp_path / "b.mp4").provenance is None


def test_the_same_frames_give_the_same_file(tmp_path):
    for name in "ab":
        write_video(tmp_path / f"{name}.mp4", greys(2), 10, provenance=GENERATED, threads=1)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_a_damaged_one_is_said_but_stops_no_reading(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        container.metadata["comment"] = GENERATED.to_comment()[:180]
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(greys(1)[0])))
        container.mux(stream.encode())
    video = probe_video(tmp_path / "a.mp4")
    assert (video.width, video.height) == (48, 32)
    with pytest.raises(VideoError, match=r"The comment of .*a\.mp4 holds a damaged record: The provenance is no JSON"):
        _ = video.provenance


@pytest.mark.parametrize(
    ("of_source", "of_motion", "expected"),
    [
        (None, Provenance("estimated", "m"), Provenance("estimated", "m")),
        (GENERATED, Provenance("estimated", "m"), GENERATED),
        (GENERATED, GENERATED, GENERATED),
        (Provenance("rendered"), None, Provenance("rendered")),
        (None, None, None),
    ],
)
def test_a_body_drawn_over_a_video(tmp_path, of_source, of_motion, expected):
    write_video(tmp_path / "a.mp4", greys(2), 10, provenance=of_source)
    write_overlay(
        tmp_path / "b.mp4", tmp_path / "a.mp4", standing(frames=2, provenance=of_motion), Body.load(), size=128
    )
    assert probe_video(tmp_path / "b.mp4").provenance == expected
