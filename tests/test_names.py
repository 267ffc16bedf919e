# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Names that files and users give: what a file may be called, and what a terminal may be shown."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unimo_hf.names import DEVICES, file_name, shown


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("walk_01", "walk_01"),
        ("Übung 3, 歩く", "Übung 3, 歩く"),
        ("a\nb\tc", "a_b_c"),
        ("\x1b[31mred\x9b", "_[31mred_"),
        ("photo\u202egpj", "photo_gpj"),
        ("caf\udce9", "caf_"),
        ("zero\0byte", "zero_byte"),
        ("-rf", "_rf"),
        (".bashrc", "_bashrc"),
        ("..", "__"),
        ("trailing. ", "trailing._"),
        ("what?*", "what__"),
        ("CON", "_CON"),
        ("com1.take", "_com1.take"),
        ("", "_"),
        ("é" * 300, "é" * 100),
    ],
)
def test_a_name_becomes_that_of_a_file(name, expected):
    assert file_name(name) == expected


@given(st.text(st.characters(), max_size=80))
def test_every_name_of_a_file_can_be_made_and_shown(name):
    made = file_name(name)
    assert 0 < len(made.encode()) <= 201
    assert shown(made) == made
    assert made[0] not in ".- "
    assert made[-1] not in ". "
    assert not set(made) & set('<>:"/\\|?*')
    assert made.partition(".")[0].lower() not in DEVICES
    assert file_name(made) == made


def test_what_a_terminal_would_obey_is_written_out():
    assert shown("a\x1b[2Jb\r\nc\u202ed\udc80 é歩") == r"a\x1b[2Jb\r\nc\u202ed\udc80 é歩"


@given(st.text(st.characters(), max_size=80))
def test_nothing_that_is_shown_moves_the_cursor(text):
    assert not {unicodedata.category(character) for character in shown(text)} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    shown(text).encode()
