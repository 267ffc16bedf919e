# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Small files whose index stands for more than any memory: refused before FFmpeg lays it out."""

import pytest

from unimo_hf.video import VideoError, probe_video
from unimo_hf.video.mp4_tables import check_mp4_tables

from .make_videos import edit_list, encode, greys


def with_number(path, box, offset, number):
    """Write another number behind the name of a box."""
    content = bytearray(path.read_bytes())
    place = content.index(box) + 4 + offset
    content[place : place + 4] = number.to_bytes(4, "big")
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("options", [{}, {"movflags": "faststart"}, {"movflags": "frag_keyframe+empty_moov"}])
def test_ordinary_files(tmp_path, options):
    path = encode(tmp_path / "a.mp4", greys(12), container_options=options)
    check_mp4_tables(path)
    assert probe_video(path).frames == 12
    with_number(path, b"mdat", -8, 0)  # a length of 0 reaches to the end of the file
    check_mp4_tables(path)


def test_other_files(tmp_path):
    (tmp_path / "a.bin").write_bytes(bytes(range(256)) * 4)
    check_mp4_tables(tmp_path / "a.bin")
    check_mp4_tables(encode(tmp_path / "a.mkv", greys(3)))


def test_more_frames_than_bytes(tmp_path):
    path = with_number(encode(tmp_path / "a.mp4", greys(3)), b"stsz", 8, 60_000_000)
    with pytest.raises(VideoError, match=r"a\.mp4 declares 60000000 frames but has \d+ bytes; that can't be"):
        probe_video(path)


def test_more_frames_than_bytes_in_a_fragment(tmp_path):
    path = encode(tmp_path / "a.mp4", greys(3), container_options={"movflags": "frag_keyframe+empty_moov"})
    with pytest.raises(VideoError, match=r"a\.mp4 declares 60000000 frames but has"):
        probe_video(with_number(path, b"trun", 4, 60_000_000))


def test_an_edit_list_that_shows_all_frames_ever_again(tmp_path):
    path = encode(tmp_path / "a.mp4", greys(10))
    check_mp4_tables(edit_list(path, [(1000, 0, 1)] * 100))
    with pytest.raises(VideoError, match=r"edit lists whose parts may show 20000000 frames; at most 15552000"):
        probe_video(with_number(path, b"elst", 4, 2_000_000))


def test_a_compressed_index(tmp_path):
    path = encode(tmp_path / "a.mov", greys(3))
    path.write_bytes(path.read_bytes().replace(b"mvhd", b"cmov"))
    with pytest.raises(VideoError, match="has a compressed index"):
        probe_video(path)
