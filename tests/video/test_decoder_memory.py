# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""A video that would take more memory to decode than is allowed is refused before it does."""

import gc
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from unimo_hf.pipelines.frame_source import open_source
from unimo_hf.video import VideoError, iterate_video, probe_video, read_video
from unimo_hf.video.decoder_memory import check_memory, threads_for
from unimo_hf.video.kept_frames import MOST_KEPT, KeptFrames
from unimo_hf.video.reading import iterate_to_draw

from .make_videos import BLUE, GREEN, RED, WHITE, corners, encode, greys, one_behind_the_other

# 691 bytes, 12,200 x 12,200 pixels.
HUGE = Path(__file__).parent / "files" / "huge.jpg"


class Decoder:
    """What `check_memory` asks of PyAV's decoder."""

    def __init__(self, width, height, pix_fmt="yuv420p", name="h264"):
        self.width, self.height, self.pix_fmt, self.name = width, height, pix_fmt, name
        self.format = av.VideoFormat(pix_fmt)
        self.codec = av.Codec(name, "r")


@pytest.fixture
def small_is_large(monkeypatch):
    """Frames of 320x240 count as large ones."""
    for module in ("reading", "decoder_memory"):
        monkeypatch.setattr(f"unimo_hf.video.{module}.HARMLESS_PIXELS", 320 * 240 - 1)


def kept(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        follow = KeptFrames(stream)
        return [follow.after(packet) for packet in container.demux(stream)][-1]


class TestKeptFrames:
    @pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "avi"])
    @pytest.mark.parametrize("references", [1, 5, 16])
    def test_h264(self, tmp_path, suffix, references):
        path = encode(tmp_path / f"a.{suffix}", greys(3), **{"x264-params": f"ref={references}:bframes=0"})
        assert kept(path) == references

    @pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p", "yuv420p10le"])
    def test_profiles_and_scaling_lists(self, tmp_path, pix_fmt):
        parameters = {"x264-params": "ref=3:bframes=0:cqm=jvt:interlaced=1"}
        assert kept(encode(tmp_path / "a.mp4", greys(3), pix_fmt=pix_fmt, **parameters)) == 3

    @pytest.mark.parametrize(("suffix", "references"), [("mp4", 2), ("ts", 6)])
    def test_hevc(self, tmp_path, suffix, references):
        parameters = {"x265-params": f"ref={references}:bframes=0:log-level=none:pools=none:frame-threads=1"}
        frames = [np.zeros((64, 64, 3), np.uint8)] * 3
        path = encode(tmp_path / f"a.{suffix}", frames, codec="libx265", pix_fmt="yuv420p", **parameters)
        assert kept(path) == references + 1

    def test_others(self, tmp_path):
        assert kept(encode(tmp_path / "a.gif", [corners()] * 2, codec="gif", pix_fmt="rgb8")) == 2
        assert kept(encode(tmp_path / "a.avi", greys(2), codec="mjpeg", pix_fmt="yuvj420p")) == 0

    def test_a_damaged_parameter_set_may_say_anything(self, tmp_path):
        content = encode(tmp_path / "a.ts", greys(3)).read_bytes()
        place = content.index(b"\0\0\0\1\x67") + 8
        (tmp_path / "a.ts").write_bytes(content[:place] + b"\0" * 20 + content[place + 20 :])
        assert kept(tmp_path / "a.ts") == MOST_KEPT


class TestLimits:
    @pytest.mark.parametrize(
        ("decoder", "kept", "read", "drawn"),
        [
            (Decoder(7680, 4320), 5, True, True),
            (Decoder(8192, 4320), 4, True, True),
            (Decoder(7680, 4320, "yuv420p10le", "hevc"), 5, True, False),
            (Decoder(7680, 4320), 16, False, False),
            (Decoder(7680, 4320, "yuv444p12le", "hevc"), 6, False, False),
            (Decoder(7680, 4320, "rgba64be", "png"), 0, True, False),
            (Decoder(7680, 4320, "rgb48le", "jpeg2000"), 0, False, False),
            (Decoder(7680, 4320, "yuv420p", "vp9"), 5, True, True),
            (Decoder(3840, 2160, "yuv420p10le", "hevc"), 16, True, True),
        ],
    )
    def test_what_may_be_decoded(self, decoder, kept, read, drawn):
        for pixels, allowed in ((0, read), (decoder.width * decoder.height, drawn)):
            if allowed:
                check_memory("a.mp4", decoder, kept, pixels)
            else:
                with pytest.raises(VideoError, match=rf"a\.mp4 has {decoder.width}x{decoder.height} pixels in "):
                    check_memory("a.mp4", decoder, kept, pixels)

    @pytest.mark.parametrize(("width", "height", "threads"), [(64, 64, 16), (3840, 2160, 7), (7680, 4320, 1)])
    def test_fewer_threads_for_larger_frames(self, width, height, threads):
        assert threads_for(Decoder(width, height)) == threads

    def test_too_many_references(self, tmp_path, monkeypatch, small_is_large):
        path = encode(tmp_path / "a.mp4", greys(3, 240, 320), **{"x264-params": "ref=9:bframes=0"})
        assert len(read_video(path).frames) == 3
        monkeypatch.setattr("unimo_hf.video.decoder_memory.READ_BYTES", 0)
        monkeypatch.setattr("unimo_hf.video.decoder_memory.THREAD_BYTES", 0)
        monkeypatch.setattr("unimo_hf.video.decoder_memory.MAX_BYTES", 12 * 320 * 240 * 3.5)
        info = probe_video(path)
        with pytest.raises(
            VideoError, match=r"a\.mp4 has 320x240 .* keeps 11 frames at once: drawing over its frames"
        ):
            list(iterate_to_draw(info))
        monkeypatch.setattr("unimo_hf.video.decoder_memory.MAX_BYTES", 10 * 320 * 240 * 3.5)
        with pytest.raises(VideoError, match=r"a\.mp4 .* keeps 11 frames at once: reading it takes more memory"):
            probe_video(path)

    @pytest.mark.parametrize("first", [300, 3])
    def test_a_size_that_grows(self, tmp_path, first, small_is_large):
        """FFmpeg looks into the first five seconds, and takes the size from there."""
        repeated = {"x264-params": "repeat-headers=1:bframes=0:keyint=5"}
        encode(tmp_path / "small.ts", greys(1) * first, **repeated)
        encode(tmp_path / "large.ts", greys(4, 480, 640), **repeated)
        path = one_behind_the_other(tmp_path / "a.mkv", tmp_path / "small.ts", tmp_path / "large.ts")
        if first == 3:
            assert read_video(path).frames.shape == (7, 32, 48, 3)
        else:
            with pytest.raises(VideoError, match=r"a\.mkv has frames of 640x480 pixels; at most 86398 pixels"):
                read_video(path)

    @pytest.mark.parametrize(("suffix", "codec", "pix_fmt"), [("mp4", "libx264", "yuv444p"), ("mov", "png", "rgb24")])
    def test_frames_that_are_too_large(self, tmp_path, monkeypatch, suffix, codec, pix_fmt):
        path = encode(tmp_path / f"a.{suffix}", greys(2), codec=codec, pix_fmt=pix_fmt)
        monkeypatch.setattr("unimo_hf.video.reading.MAX_PIXELS", 1000)
        with pytest.raises(VideoError, match=rf"a\.{suffix} has frames of 48x32 pixels; at most 1000 pixels"):
            probe_video(path)


class TestReducedSize:
    def test_half(self, tmp_path):
        path = encode(tmp_path / "a.mp4", [corners()] * 2)
        picture = next(iterate_video(path, max_pixels=16 * 24))
        assert picture.shape == (16, 24, 3)
        found = [picture[row, column] for row in (3, 12) for column in (5, 18)]
        np.testing.assert_allclose(found, [RED, GREEN, BLUE, WHITE], atol=12)
        assert next(iterate_video(path, max_pixels=32 * 48)).shape == (32, 48, 3)
        assert next(iterate_video(path, max_pixels=32 * 48 - 1)).shape == (16, 24, 3)

    def test_the_model_sees_large_frames_at_half_their_size(self, tmp_path, monkeypatch):
        path = encode(tmp_path / "a.mp4", [corners()] * 2)
        assert next(open_source(path, 10.0).frames).shape == (32, 48, 3)
        monkeypatch.setattr("unimo_hf.pipelines.frame_source.MAX_PIXELS", 1000)
        assert next(open_source(path, 10.0).frames).shape == (16, 24, 3)


def test_no_frame_outlives_its_use(tmp_path, monkeypatch):
    """Not even in a cycle: a frame of 8K would wait for the garbage collector with 50 MB."""
    monkeypatch.setattr("unimo_hf.video.decoder_memory.MAX_THREADS", 1)
    path = encode(tmp_path / "a.mp4", greys(20))
    gc.collect()
    gc.disable()
    try:
        frames = iterate_video(path)
        for _ in range(15):
            next(frames)
        held = sum(type(held) is av.VideoFrame for held in gc.get_objects())
    finally:
        gc.enable()
    assert 0 < held <= 3


def test_a_small_file_takes_little_memory(tmp_path):
    """An MP4 of 2 kB whose index would take 4 GB, and a JPEG of 12,200 x 12,200 pixels in 700 bytes."""
    from .test_mp4_tables import with_number

    bomb = with_number(encode(tmp_path / "a.mp4", greys(3)), b"stsz", 8, 60_000_000)
    program = """
import resource, sys
from pathlib import Path
from unimo_hf.video import VideoError, probe_video, read_picture
import av, PIL.Image
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    probe_video(sys.argv[1])
except VideoError:
    print(read_picture(sys.argv[2]).shape)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    command = [sys.executable, "-c", program, str(bomb), str(HUGE)]
    shape, kilobytes = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    assert shape == "(3050, 3050, 3)"
    assert int(kilobytes) / (1024 if sys.platform == "darwin" else 1) < 300_000
