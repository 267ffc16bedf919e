# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""JSON of others: whatever the bytes, an object or a sentence that names the file."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unimo_hf.json_files import MOST_DEPTH, check_plain_name, read_json_object


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("json") / "file.json"


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


def test_an_object_is_read(path):
    path.write_text(nested(MOST_DEPTH), encoding="utf-8")
    assert json.dumps(read_json_object(path), separators=(",", ":")) == nested(MOST_DEPTH)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a JSON object"),
        (b"[1]", "it holds list"),
        (b"null", "it holds NoneType"),
        (b"\xff\xfe", "is not a JSON object"),
        (b'{"a": ' + b"9" * 5000 + b"}", "is not a JSON object"),
        (nested(MOST_DEPTH + 1).encode(), "nested more than 32 deep"),
        (b'{"a":' + b"[" * 100_000, "nested more than 32 deep"),
        (b'{"a": "' + b"x" * 100 + b'"}', "has more than 100 bytes"),
    ],
)
def test_what_is_refused(path, content, message):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as error:
        read_json_object(path, most_bytes=100 if b"x" in content else 2**24)
    assert str(path) in str(error.value)


def test_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match=r"pipe is no file"):
        read_json_object(tmp_path / "pipe")
    with pytest.raises(ValueError, match="is no file"):
        read_json_object(tmp_path)
    with pytest.raises(ValueError, match=r"gone\.json is missing"):
        read_json_object(tmp_path / "gone.json")


@given(st.binary(max_size=60), st.integers(0, 60))
def test_damage_is_a_value_error(path, damage, place):
    whole = json.dumps({"a": [1, 2.5, {"b": None}], "text": "x" * 30}).encode()
    path.write_bytes(whole[:place] + damage + whole[place + len(damage) // 2 :])
    message = None
    try:
        assert isinstance(read_json_object(path), dict)
    except ValueError as error:
        message = str(error)
    assert message is None or str(path) in message


@pytest.mark.parametrize("name", ["a.parquet", "model-00001-of-00002.safetensors", "übung.mp4", ".hidden"])
def test_plain_names(name):
    check_plain_name(name, "one")


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../a", "/a", "a/b", "a/", "a\\b", "C:\\a", "C:a", "a\nb", "\x1b[31m", "\0", "\ud800", 5, None],
)
def test_names_that_lead_elsewhere(name):
    with pytest.raises(ValueError, match=r"^one is .*; the plain name of a file"):
        check_plain_name(name, "one")
