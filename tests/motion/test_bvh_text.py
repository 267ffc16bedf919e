# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The text of BVH files, as other programs write it and as they should not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from motion_files import memory_below

from unimo_hf.motion import MotionError
from unimo_hf.motion.formats.bvh_text import read_bvh_text

TEXT = """HIERARCHY
ROOT Hips
{
  OFFSET 1.0 2.0 3.0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Left Leg
  {
    OFFSET 0.0 -4.5 0.0
    CHANNELS 3 yrotation Xrotation Zrotation
    End Site
    {
      OFFSET 0 -1 0
    }
  }
  JOINT Head
  {
    OFFSET 0.0 5e0 0.0
    CHANNELS 0
    End site
    {
      OFFSET 0 1 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.0333333
1 2 3 4 5 6 7 8 9
-1 -2 -3 -4 -5 -6 -7 -8 -9.5
"""


def write(tmp_path, text):
    (tmp_path / "a.bvh").write_text(text, encoding="utf-8")
    return tmp_path / "a.bvh"


@pytest.mark.parametrize(
    "change", [("", ""), ("\n", "\r\n"), ("  ", "\t"), ("}", "}\n\n"), ("HIERARCHY", "\ufeffHIERARCHY")]
)
def test_what_it_says(tmp_path, change):
    bvh = read_bvh_text(write(tmp_path, TEXT.replace(*change) if change[0] else TEXT))
    assert bvh.names == ["Hips", "Left Leg", "Head"]
    assert bvh.parents == [-1, 0, 0]
    assert bvh.offsets.tolist() == [[1, 2, 3], [0, -4.5, 0], [0, 5, 0]]
    assert {joint: end.tolist() for joint, end in bvh.ends.items()} == {1: [0, -1, 0], 2: [0, 1, 0]}
    assert bvh.frame_time == 0.0333333
    axes, values = bvh.joint_values(0, slice(None), "position")
    assert (axes, values.tolist()) == ("XYZ", [[1, 2, 3], [-1, -2, -3]])
    axes, values = bvh.joint_values(1, slice(1, 2), "rotation")
    assert (axes, values.tolist()) == ("YXZ", [[-7, -8, -9.5]])
    assert bvh.joint_values(2, slice(None), "rotation")[0] == ""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("HIERARCHY", "HIERARCH", "line 1: it must begin with HIERARCHY"),
        ("ROOT Hips\n{", "ROOT Hips\n", "line 4: an opening brace is missing"),
        ("OFFSET 1.0 2.0 3.0", "OFFSET 1.0 2.0", "line 4: '1.0 2.0' must be 3 numbers"),
        ("OFFSET 1.0 2.0 3.0", "OFFSET 1.0 2.0 x", "must be 3 numbers"),
        ("OFFSET 1.0 2.0 3.0", "OFFSET nan 2.0 3.0", "NaN or infinite"),
        ("CHANNELS 0", "CHANNELS 1", "must be a count and as many different"),
        ("CHANNELS 0", "CHANNELS 1 Wrotation", "must be a count and as many different"),
        ("CHANNELS 0", "CHANNELS 2 Xrotation Xrotation", "must be a count and as many different"),
        ("JOINT Head", "ROOT Head", "'ROOT Head' is out of place"),
        ("JOINT Head", "BONE Head", "'BONE Head' is out of place"),
        ("MOTION\n", "}\nMOTION\n", "'}' is out of place"),
        ("Frames: 2", "Frames: 3", "declares 3 frames of 9 channels but holds 2 of 9"),
        ("Frames: 2", "Frames: 1", "declares 1 frames of 9 channels but holds over 1 of 9"),
        ("Frames: 2", "Frames: 1000000000000", r"1e\+12 frames of 9 channels; at most 32000000 values are allowed"),
        ("Frames: 2", "Frames: -1", "-1 frames of 9 channels; at most"),
        ("Frames: 2", "Frames: nan", "nan frames of 9 channels; at most"),
        ("Frames: 2", "Frames: two", "'two' must be a number"),
        ("Frames: 2", "Frame: 2", "'Frame: 2' must be `Frames:` and a number"),
        ("0.0333333", "0", "the frame time is 0.0; it must be above 0"),
        ("0.0333333", "nan", "the frame time is nan"),
        ("0.0333333", "-1", "the frame time is -1.0"),
        ("-9.5", "", "not a row of numbers"),
        ("-9.5", "x", "not a row of numbers"),
        ("-9.5", "inf", "NaN or infinite"),
        ("1 2 3 4 5 6 7 8 9\n", "1 2 3 4 5 6 7 8\n", "not a row of numbers"),
        (TEXT[TEXT.index("1 2 3 4 5") :], "", "declares 2 frames of 9 channels but holds 0"),
        (TEXT[TEXT.index("JOINT Head") :], "", "it is cut short"),
        (TEXT[10:], "", "it is cut short"),
    ],
)
def test_what_it_should_not_say(tmp_path, old, new, message):
    assert old in TEXT
    with pytest.raises(MotionError, match=message) as caught:
        read_bvh_text(write(tmp_path, TEXT.replace(old, new, 1)))
    assert "a.bvh" in str(caught.value)


def test_a_line_without_end(tmp_path):
    path = write(tmp_path, TEXT[: TEXT.index("1 2 3 4 5")] + "0 " * 1_000_000)
    with memory_below(500_000), pytest.raises(MotionError, match=r"a\.bvh holds a frame of over 1900 letters"):
        read_bvh_text(path)


def test_frames_behind_the_last_are_not_read(tmp_path):
    path = write(tmp_path, TEXT + "1 2 3 4 5 6 7 8 9\n" * 100_000)
    with memory_below(500_000), pytest.raises(MotionError, match="declares 2 frames of 9 channels but holds over 2"):
        read_bvh_text(path)


def test_joints_without_end(tmp_path):
    text = "HIERARCHY\nROOT a\n{\n" + "JOINT b\n{\n" * 100_000
    with memory_below(5_000_000), pytest.raises(MotionError, match="over 1000 joints"):
        read_bvh_text(write(tmp_path, text))


@given(position=st.integers(0, len(TEXT) - 1), character=st.sampled_from("{}9x. \n-"))
def test_a_changed_character_gives_a_motion_or_a_clear_error(tmp_path_factory, position, character):
    path = write(tmp_path_factory.mktemp("bvh"), TEXT[:position] + character + TEXT[position + 1 :])
    try:
        assert np.isfinite(read_bvh_text(path).values).all()
    except MotionError as error:
        assert "a.bvh" in str(error)  # noqa: PT017
