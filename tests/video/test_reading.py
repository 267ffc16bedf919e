# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
from itertools import islice

import av
import numpy as np
import pytest

from unimo_hf.video import VideoError, iterate_video, probe_video, read_video, write_video

from .make_videos import BLUE, GREEN, RED, WHITE, corners, encode, greys, sound


def corner_colours(picture):
    height, width = picture.shape[:2]
    rows, columns = (height // 4, 3 * height // 4), (width // 4, 3 * width // 4)
    return [picture[row, column].tolist() for row in rows for column in columns]


def brightness(frames):
    return [round((float(frame.mean()) - 20) / 10, 1) for frame in frames]


class TestRealVideos:
    @pytest.mark.parametrize(
        ("name", "height", "width", "fps", "frames"),
        [("pose2sim_single_cam01.mp4", 1920, 1080, 60, 100), ("intel_asl_walk.mkv", 480, 640, 30, 89)],
    )
    def test_probe_and_first_frames(self, assets, name, height, width, fps, frames):
        path = assets / "videos" / name
        info = probe_video(path)
        assert (info.height, info.width, info.frames) == (height, width, frames)
        assert info.fps == pytest.approx(fps)
        assert info.duration == pytest.approx(frames / fps)
        for frame in islice(iterate_video(path), 2):
            assert (frame.shape, frame.dtype) == ((height, width, 3), np.uint8)
            assert 20 < frame.std() < 120

    def test_every_frame_is_read_once(self, assets):
        frames = list(iterate_video(assets / "videos" / "intel_asl_walk.mkv"))
        assert len(frames) == 89
        assert len({id(frame) for frame in frames}) == 89
        assert max(frame.max() for frame in frames) == 255, "full range reaches white"


class TestWhatFilesAreLike:
    @pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov"])
    def test_containers(self, tmp_path, suffix):
        video = read_video(encode(tmp_path / f"a.{suffix}", greys(5)))
        assert video.fps == 10
        assert brightness(video.frames) == pytest.approx([0, 1, 2, 3, 4], abs=0.2)

    def test_webm(self, tmp_path):
        path = encode(tmp_path / "a.webm", greys(5), codec="libvpx-vp9", pix_fmt="yuv420p", **{"cpu-used": "8"})
        info = probe_video(path)
        assert (info.frames, round(info.fps, 3)) == (5, 10)
        assert brightness(read_video(path).frames) == pytest.approx([0, 1, 2, 3, 4], abs=0.3)

    @pytest.mark.parametrize(
        ("degrees", "mirrored", "expected"),
        [
            (0, False, [RED, GREEN, BLUE, WHITE]),
            (90, False, [GREEN, WHITE, RED, BLUE]),
            (180, False, [WHITE, BLUE, GREEN, RED]),
            (270, False, [BLUE, RED, WHITE, GREEN]),
            (0, True, [GREEN, RED, WHITE, BLUE]),
            (90, True, [WHITE, GREEN, BLUE, RED]),
        ],
    )
    def test_rotation_tags(self, tmp_path, degrees, mirrored, expected):
        def prepare(stream):
            stream.set_display_rotation(degrees, hflip=mirrored)

        path = encode(tmp_path / "a.mp4", [corners()] * 2, prepare=prepare)
        info = probe_video(path)
        picture = read_video(path).frames[0]
        assert picture.shape[:2] == (info.height, info.width) == ((48, 32) if degrees % 180 else (32, 48))
        np.testing.assert_allclose(corner_colours(picture), expected, atol=12)

    def test_pixels_that_are_not_square(self, tmp_path):
        path = encode(tmp_path / "a.mp4", greys(2), **{"x264-params": "sar=2/1"})
        assert read_video(path).frames.shape == (2, 32, 96, 3)
        assert probe_video(path).width == 96

    def test_alpha_goes_over_white(self, tmp_path):
        picture = np.dstack((corners(), np.full((32, 48), 255, np.uint8)))
        picture[:, :24, 3] = 0
        for codec, pix_fmt in (("qtrle", "argb"), ("png", "rgba")):
            found = read_video(encode(tmp_path / "a.mov", [picture] * 2, codec=codec, pix_fmt=pix_fmt)).frames[0]
            np.testing.assert_allclose(corner_colours(found), [(255, 255, 255), GREEN, (255, 255, 255), WHITE], atol=3)

    @pytest.mark.parametrize("pix_fmt", ["gray", "gray10le", "yuv420p10le", "yuvj420p", "yuv422p", "nv12"])
    def test_pixel_formats(self, tmp_path, pix_fmt):
        def prepare(stream):
            if pix_fmt.startswith("gray"):  # what FFmpeg makes of RGB is full range here; H.264 has to be told
                stream.codec_context.color_range = 2

        frames = read_video(encode(tmp_path / "a.mp4", greys(4), pix_fmt=pix_fmt, prepare=prepare)).frames
        assert brightness(frames) == pytest.approx([0, 1, 2, 3], abs=0.3)

    def test_grey_of_16_bits(self, tmp_path):
        path = encode(tmp_path / "a.mkv", greys(3), codec="ffv1", pix_fmt="gray16le")
        assert brightness(read_video(path).frames) == pytest.approx([0, 1, 2], abs=0.2)

    @pytest.mark.parametrize(("space", "name"), [(1, "ITU709"), (5, "ITU601")])
    @pytest.mark.parametrize(("range_", "range_name"), [(1, "MPEG"), (2, "JPEG")])
    def test_colour_tags(self, tmp_path, space, name, range_, range_name):
        with av.open(str(tmp_path / "a.mp4"), "w") as container:
            stream = container.add_stream("libx264", rate=10, options={"crf": "1"})
            stream.height, stream.width, stream.pix_fmt = 32, 48, "yuv444p"
            stream.codec_context.colorspace, stream.codec_context.color_range = space, range_
            picture = av.VideoFrame.from_ndarray(corners()).reformat(
                format="yuv444p", src_color_range="JPEG", dst_colorspace=name, dst_color_range=range_name
            )
            container.mux(stream.encode(picture))
            container.mux(stream.encode())
        found = corner_colours(read_video(tmp_path / "a.mp4").frames[0])
        np.testing.assert_allclose(found, [RED, GREEN, BLUE, WHITE], atol=3)

    def test_a_gif(self, tmp_path):
        path = encode(tmp_path / "a.gif", [corners()] * 3, codec="gif", pix_fmt="rgb8")
        assert len(read_video(path).frames) == 3


class TestTime:
    def test_a_variable_frame_rate_keeps_its_speed(self, tmp_path):
        """Frames at 0, 100, 200, 300, then at 600 and 700 ms; after it 100 ms more."""
        path = encode(tmp_path / "a.mkv", greys(6), stamps=[0, 100, 200, 300, 600, 700])
        assert brightness(read_video(path, fps=10).frames) == pytest.approx([0, 1, 2, 3, 3, 4, 4, 5], abs=0.2)
        assert brightness(read_video(path, fps=5).frames) == pytest.approx([0, 2, 3, 4], abs=0.2)

    def test_a_late_start_is_no_pause(self, tmp_path):
        path = encode(tmp_path / "a.mkv", greys(3), stamps=[5000, 5100, 5200])
        assert brightness(read_video(path, fps=10).frames) == pytest.approx([0, 1, 2], abs=0.2)

    def test_a_leap_of_the_clock_is_no_pause(self, tmp_path):
        path = encode(tmp_path / "a.mkv", greys(4), stamps=[0, 100, 90_000_000, 90_000_100])
        assert len(read_video(path, fps=10, max_frames=50).frames) <= 50
        frames = sum(1 for _ in islice(iterate_video(path, fps=10), 500))
        assert frames < 500

    @pytest.mark.parametrize(
        ("fps", "expected"),
        [(10, [0, 1, 2, 3, 4, 5]), (5, [0, 2, 4]), (20, [0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]), (2.5, [0, 4])],
    )
    def test_another_rate(self, tmp_path, fps, expected):
        video = read_video(encode(tmp_path / "a.mp4", greys(6)), fps=fps)
        assert video.fps == fps
        assert brightness(video.frames) == pytest.approx(expected, abs=0.2)

    def test_limits(self, tmp_path, monkeypatch):
        path = encode(tmp_path / "a.mp4", greys(6))
        assert len(read_video(path, max_frames=2).frames) == 2
        with pytest.raises(VideoError, match="max_frames is 0"):
            read_video(path, max_frames=0)
        for fps in (0, -1, 1e6, float("nan")):
            with pytest.raises(VideoError, match="fps is"):
                read_video(path, fps=fps)
        monkeypatch.setattr("unimo_hf.video.reading.MAX_BYTES", 10_000)
        with pytest.raises(VideoError, match="read it with iterate_video"):
            read_video(path)

    def test_one_frame(self, tmp_path):
        path = encode(tmp_path / "a.mp4", greys(1))
        assert probe_video(path).frames == 1
        assert len(read_video(path, fps=30).frames) >= 1


class TestBadFiles:
    @pytest.mark.parametrize("read", [probe_video, read_video])
    def test_no_video(self, tmp_path, read):
        cases = {
            "empty.mp4": (b"", "empty.mp4 is empty"),
            "text.mp4": (b"this is no video " * 50, "text.mp4 is not a video"),
            "notes.txt": (b"FFmpeg would show this as a film\n" * 50, "notes.txt is not a video"),
            "list.m3u8": (
                b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://localhost/a.ts\n#EXT-X-ENDLIST\n",
                "list.m3u8 is not",
            ),
        }
        for name, (content, message) in cases.items():
            (tmp_path / name).write_bytes(content)
            with pytest.raises(VideoError, match=message):
                read(tmp_path / name)
        with pytest.raises(FileNotFoundError, match=r"nowhere\.mp4"):
            read(tmp_path / "nowhere.mp4")
        with pytest.raises(VideoError, match="is not a file"):
            read(tmp_path)

    def test_sound_only(self, tmp_path):
        with pytest.raises(VideoError, match=r"a\.m4a has no video stream: found audio"):
            read_video(sound(tmp_path / "a.m4a"))

    def test_a_picture(self, tmp_path):
        from PIL import Image

        Image.fromarray(corners()).save(tmp_path / "a.png")
        with pytest.raises(VideoError, match=r"a\.png is not a video"):
            read_video(tmp_path / "a.png")

    def test_no_frames(self, tmp_path):
        path = encode(tmp_path / "a.mkv", greys(3), codec="libx264")
        content = path.read_bytes()
        start = content.index(b"\x1f\x43\xb6\x75")  # the first cluster: what follows are the frames
        path.write_bytes(content[:start])
        with pytest.raises(VideoError, match=r"a\.mkv"):
            read_video(path)

    @pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "webm", "avi"])
    def test_cut_short(self, tmp_path, suffix):
        codec, pix_fmt = ("libvpx-vp9", "yuv420p") if suffix == "webm" else ("libx264", "yuv444p")
        whole = encode(tmp_path / f"whole.{suffix}", greys(4), codec=codec, pix_fmt=pix_fmt)
        assert len(read_video(whole).frames) == 4
        size = whole.stat().st_size
        for length in (20, size // 10, size // 2, size - 1):
            (tmp_path / f"a.{suffix}").write_bytes(whole.read_bytes()[:length])
            with pytest.raises(VideoError, match=rf"a\.{suffix}"):
                probe_video(tmp_path / f"a.{suffix}")

    def test_cut_short_with_the_index_in_front(self, tmp_path):
        """FFmpeg itself would give the frames that are left and say nothing."""
        write_video(tmp_path / "a.mp4", np.random.default_rng(0).integers(0, 255, (30, 32, 48, 3), dtype=np.uint8), 10)
        content = (tmp_path / "a.mp4").read_bytes()
        (tmp_path / "a.mp4").write_bytes(content[: len(content) * 2 // 3])
        with pytest.raises(VideoError, match=r"a\.mp4 is cut short: it has \d+ bytes and declares \d+"):
            next(iterate_video(tmp_path / "a.mp4"))

    def test_bytes_after_the_end_do_no_harm(self, tmp_path):
        for suffix in ("mp4", "mkv"):
            path = encode(tmp_path / f"a.{suffix}", greys(4))
            path.write_bytes(path.read_bytes() + b"\x00\x00\x10\x00camera notes")
            assert len(read_video(path).frames) == 4

    def test_the_whole_iteration_fails_only_when_it_is_needed(self, tmp_path):
        path = encode(tmp_path / "a.mp4", greys(6))
        frames = iterate_video(path)
        assert next(frames).shape == (32, 48, 3)
        frames.close()
