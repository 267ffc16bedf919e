# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Which numbers a range holds, and that every sentence about others is short."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unimo_hf.model.number_ranges import FPS, NATURAL, POSITIVE, SHARE, SIZE, Range, shown
from unimo_hf.motion.record import MAX_FPS, MIN_FPS


def test_what_is_in_a_range():
    assert 0 in SHARE
    assert 1.0 in SHARE
    assert 5e-324 in POSITIVE
    assert 0 in NATURAL
    for number in (math.nan, math.inf, -math.inf, 10**400, True, "1", None, [1], 1j):
        for allowed in (Range(), POSITIVE, SHARE, SIZE, NATURAL):
            assert number not in allowed
    assert 1.0 not in SIZE
    assert 0 not in POSITIVE


def test_frame_rates_are_those_of_motions():
    assert (FPS.least, FPS.most) == (MIN_FPS, MAX_FPS)


def test_a_list_is_checked_number_by_number():
    SIZE.check_each("sizes", [1, 2])
    for values, message in (
        ([1, 0], "sizes holds 0"),
        ([], "list of 0"),
        ([1] * 2000, "list of 2000"),
        (3, "is 3; a"),
    ):
        with pytest.raises(ValueError, match=message):
            SIZE.check_each("sizes", values)


@given(st.recursive(st.none() | st.text() | st.integers() | st.floats(), st.lists, max_leaves=50))
def test_whatever_is_shown_is_short_and_of_one_line(value):
    assert len(shown(value)) <= 200
    assert "\n" not in shown(value)
    assert len(shown([[value] * 1000] * 1000)) <= 200
    assert len(shown("x" * 10**6)) < 100
    assert len(shown(10**4000)) < 100
