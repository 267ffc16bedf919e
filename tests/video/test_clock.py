# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What `probe_video` says of rate and frames is what the reader gives, whatever the header says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unimo_hf.motion.motion import Motion
from unimo_hf.pipelines.frame_source import open_source, to_clock_of
from unimo_hf.video import iterate_video, probe_video
from unimo_hf.video.clock import rate_and_count

from .make_videos import edit_list, encode, greys

QUICK = {"preset": "ultrafast"}


def numbers(frames):
    """Which of the frames of `greys` they are."""
    return [round((float(frame.mean()) - 20) / 10) for frame in frames]


def agree(path):
    """Read a video at its own rate and bring a motion to it; give frames and what was probed."""
    info, frames = probe_video(path), list(iterate_video(path))
    assert len(frames) == info.frames
    assert info.duration == pytest.approx(info.frames / info.fps)
    source = open_source(path, 15.0)
    poses = sum(1 for _ in source.frames)
    motion = Motion(np.zeros((poses, 63)), np.zeros((poses, 3)), np.zeros((poses, 3)), np.zeros(10), 15.0)
    assert len(to_clock_of(source, motion)) == info.frames
    return frames, info


@pytest.fixture
def filmed(tmp_path):
    """20 frames at 10 a second, no frame waits for another; its time is counted in 1/10240 s."""
    return encode(tmp_path / "a.mp4", greys(20), bf="0", **QUICK)


class TestEditLists:
    def test_a_trimmed_video(self, filmed):
        """An editor leaves in the file what it cut away: the index counts 20 frames, players show 10."""
        frames, info = agree(edit_list(filmed, [(1000, 5 * 1024, 1)]))
        assert numbers(frames) == list(range(5, 15))
        assert info.fps == pytest.approx(10)

    @pytest.mark.parametrize(
        ("edits", "shown"),
        [
            ([(500, -1, 1), (2000, 0, 1)], list(range(20))),  # a late start: nothing at first
            ([(700, 0, 1)], list(range(7))),  # the end is left out
            ([(500, 0, 1), (500, 10 * 1024, 1)], [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]),
        ],
    )
    def test_other_edits(self, filmed, edits, shown):
        frames, info = agree(edit_list(filmed, edits))
        assert numbers(frames) == shown
        assert info.fps == pytest.approx(10)

    @pytest.mark.parametrize(
        "edits", [[(500, 3 * 1024, 0), (1000, 0, 1)], [(1000, 9 * 1024, 1), (1000, 2 * 1024, 1)], [(90_000, 0, 1)]]
    )
    def test_a_still_frame_a_repeated_part_a_part_that_is_not_there(self, filmed, edits):
        agree(edit_list(filmed, edits))

    def test_frames_wait_for_others_before_the_cut(self, tmp_path):
        path = encode(tmp_path / "a.mp4", greys(20), **{"x264-params": "bframes=3:b-adapt=0:keyint=40"})
        agree(edit_list(path, [(1000, 7 * 1024, 1)]))


class TestStamps:
    @pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "ts", "avi", "flv"])
    @pytest.mark.parametrize("bframes", [0, 3])
    def test_containers(self, tmp_path, suffix, bframes):
        frames, info = agree(encode(tmp_path / f"a.{suffix}", greys(12), bf=str(bframes)))
        assert numbers(frames) == list(range(12))
        assert info.fps == pytest.approx(10, rel=1e-3)

    @pytest.mark.parametrize("suffix", ["mkv", "mp4", "ts", "gif"])
    def test_a_variable_rate_has_its_average(self, tmp_path, suffix):
        codec = {"codec": "gif", "pix_fmt": "rgb8"} if suffix == "gif" else {"bf": "2"}
        stamps = [0, 100, 200, 300, 600, 700, 1500]
        _, info = agree(encode(tmp_path / f"a.{suffix}", greys(7), stamps=stamps, **codec))
        assert info.frames == 7
        assert info.fps == pytest.approx(4, rel=0.03)

    @pytest.mark.parametrize("start", [0.5, 5000.0, 2**33 / 90_000 - 1.05])
    def test_a_transport_stream_may_start_at_any_time_and_wraps(self, tmp_path, start):
        with_start = {"container_options": {"output_ts_offset": str(start)}}
        frames, info = agree(encode(tmp_path / "a.ts", greys(20), bf="2", **with_start))
        assert numbers(frames) == list(range(20))
        assert info.fps == pytest.approx(10)

    def test_a_clock_that_is_set_back(self, tmp_path):
        part = encode(tmp_path / "part.ts", greys(10), bf="2").read_bytes()
        (tmp_path / "a.ts").write_bytes(part * 2)
        frames, info = agree(tmp_path / "a.ts")
        assert numbers(frames) == [*range(10)] * 2
        assert info.fps == pytest.approx(10)

    def test_a_header_that_lies(self, filmed):
        """The header of the track says 100 times as long as its frames last."""
        content = bytearray(filmed.read_bytes())
        place = content.index(b"mdhd") + 20
        content[place : place + 4] = (100 * 20 * 1024).to_bytes(4, "big")
        filmed.write_bytes(content)
        _, info = agree(filmed)
        assert (info.frames, info.fps) == (20, pytest.approx(10))

    @pytest.mark.parametrize("bframes", [0, 2])
    def test_avi_has_no_stamps_of_its_own(self, tmp_path, bframes):
        stamps = [0, 100, 200, 300, 600, 700, 1500]
        agree(encode(tmp_path / "a.avi", greys(7), stamps=stamps, bf=str(bframes)))

    @settings(max_examples=15, deadline=None)
    @given(
        steps=st.lists(st.sampled_from([1, 17, 33, 40, 100, 500, 2000, 10**8]), max_size=12),
        suffix=st.sampled_from(["mkv", "mp4"]),
        bframes=st.integers(0, 3),
    )
    def test_any_steps(self, tmp_path_factory, steps, suffix, bframes):
        path = tmp_path_factory.mktemp("video") / f"a.{suffix}"
        stamps = [0, *np.cumsum(steps, dtype=int).tolist()]
        agree(encode(path, greys(len(stamps)), stamps=stamps, bf=str(bframes), **QUICK))


@pytest.mark.parametrize(
    ("steps", "declared", "expected"),
    [
        ([0.1] * 9, 10, (10.0, 10)),
        ([0.1] * 9, 30, (10.0, 10)),  # a rate that would give each frame three times
        ([0.033, 0.034, 0.033], 30, (30.0, 4)),
        ([], 24, (24.0, 1)),
        ([], None, (25.0, 1)),
        ([np.nan] * 3, 24, (24.0, 4)),
        ([0.1, -5.0, 0.1, 0.0, 1e9], 10, (10.0, 6)),
        ([1e-6] * 999, 90_000, (1000.0, 2)),
        ([50.0] * 3, None, (0.1, 16)),
    ],
)
def test_rate_and_count(steps, declared, expected):
    assert rate_and_count(np.array(steps), declared) == pytest.approx(expected)
