# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import subprocess
import sys

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unimo_hf.video import VideoError, probe_video, read_video, write_video

from .make_videos import corners, greys


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
@pytest.mark.parametrize("fps", [15, 30000 / 1001, 65 / 3])
def test_round_trip(tmp_path, suffix, fps):
    frames = np.stack(greys(7))
    assert (
        write_video(tmp_path / f"a.{suffix}", iter(frames), fps, crf=4, pixel_format="yuv444p", preset="ultrafast")
        == 7
    )
    video = read_video(tmp_path / f"a.{suffix}")
    assert video.fps == pytest.approx(fps, rel=1e-5)
    np.testing.assert_allclose(video.frames, frames, atol=3)


@settings(max_examples=10)
@given(height=st.integers(1, 40), width=st.integers(1, 40), pixel_format=st.sampled_from(["yuv420p", "yuv444p"]))
def test_every_size(tmp_path_factory, height, width, pixel_format):
    path = tmp_path_factory.mktemp("video") / "a.mp4"
    write_video(
        path, [np.full((height, width, 3), 90, np.uint8)] * 2, 10, pixel_format=pixel_format, preset="ultrafast"
    )
    even = 2 if pixel_format == "yuv420p" else 1
    info = probe_video(path)
    assert (info.height, info.width) == (height + height % even, width + width % even)
    assert info.frames == 2


def test_colours_and_what_players_need(tmp_path):
    write_video(tmp_path / "a.mp4", [corners()] * 2, 10, crf=1)
    found = read_video(tmp_path / "a.mp4").frames[0]
    np.testing.assert_allclose(found[4:12, 4:20], corners()[4:12, 4:20], atol=4)
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt, stream.colorspace, stream.color_range) == (
            "h264",
            "yuv420p",
            1,
            1,
        )
    content = (tmp_path / "a.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([], "0 frames"),
        ([corners(), corners(16)], r"Frame 1 has shape \(16, 48, 3\), the first \(32, 48, 3\)"),
        ([corners() / 255], "Frame 0 .* of float64; it must be .* uint8"),
        ([corners()[..., 0]], r"shape \(32, 48\)"),
        ([np.zeros((0, 8, 3), np.uint8)], "shape"),
    ],
)
def test_bad_frames_leave_nothing(tmp_path, frames, message):
    (tmp_path / "a.mp4").write_bytes(b"old")
    with pytest.raises(VideoError, match=message):
        write_video(tmp_path / "a.mp4", frames, 10)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.mp4", b"old")]


def test_an_interruption_leaves_nothing(tmp_path):
    def frames():
        yield corners()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_video(tmp_path / "a.mp4", frames(), 10)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a.avi", {}, r"ends in \.mp4, \.mov, \.mkv; found .*a\.avi"),
        ("a.mp4", {"fps": 0}, "fps is 0"),
        ("a.mp4", {"fps": float("nan")}, "fps is nan"),
        ("a.mp4", {"crf": 99}, "crf is 99; it must be from 0"),
        ("a.mp4", {"pixel_format": "rgb24"}, "pixel_format is 'rgb24'"),
        ("a.mp4", {"preset": "warp"}, r"a\.mp4"),
    ],
)
def test_bad_options(tmp_path, name, options, message):
    with pytest.raises(VideoError, match=message):
        write_video(tmp_path / name, [corners()], **({"fps": 10} | options))
    assert not list(tmp_path.iterdir())


def test_a_full_disk(tmp_path):
    """A limit on the size of files stands in for it, in a process of its own."""
    code = f"""
import resource, signal, numpy as np
from unimo_hf.video import write_video
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
frames = np.random.default_rng(0).integers(0, 255, (20, 64, 64, 3), dtype=np.uint8)
try:
    write_video({str(tmp_path / "a.mp4")!r}, frames, 10)
except OSError as error:
    raise SystemExit("a.mp4" not in str(error))
raise SystemExit(2)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert not list(tmp_path.iterdir())
