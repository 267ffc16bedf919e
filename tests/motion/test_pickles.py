# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Pickles of strangers: arrays come out, nothing runs, memory stays bounded."""

import collections
import io
import os
import pickle
import pickletools
import types

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from motion_files import memory_below, python2_pickle

from unimo_hf.motion import MotionError
from unimo_hf.motion.pickles import as_array, read_pickle

ARRAYS = {
    "float32": np.arange(6, dtype=np.float32).reshape(2, 3),
    "big end": np.arange(6, dtype=">f8").reshape(3, 2),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "bool": np.array([True, False]),
    "no rows": np.zeros((0, 3)),
    "one": np.array(5),
    "text": np.array(["a", "bc"]),
}


class Trap:
    """Runs a command when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.system, (f"touch {self.path}",))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_come_out(tmp_path, protocol):
    content = collections.OrderedDict(arrays=ARRAYS, numbers=[1, 2.5, np.float32(3), None], text="ü")
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(content, protocol=protocol))
    found = read_pickle(tmp_path / "a.pkl")
    assert found["numbers"] == [1, 2.5, 3, None]
    assert found["text"] == "ü"
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(as_array(name, found["arrays"][name]), array, strict=True)


def test_python_2(tmp_path):
    numbers = {name: array for name, array in ARRAYS.items() if name != "text"}
    (tmp_path / "a.pkl").write_bytes(python2_pickle({"list": ["m", 3, 0.5], **numbers}))
    found = read_pickle(tmp_path / "a.pkl")
    assert found["list"] == ["m", 3, 0.5]
    for name, array in numbers.items():
        np.testing.assert_array_equal(as_array(name, found[name]), array)


def test_a_default_dict_is_a_dict(tmp_path):
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(collections.defaultdict(dict, {1: {"a": 2}})))
    assert read_pickle(tmp_path / "a.pkl") == {1: {"a": 2}}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_code_is_not_run(tmp_path, protocol):
    content = pickle.dumps({"pose": Trap(tmp_path / "sprung")}, protocol=protocol)
    (tmp_path / "a.pkl").write_bytes(content)
    with pytest.raises(MotionError, match=r"a\.pkl .*it names (posix|nt)\.system, which is no array; nothing was run"):
        read_pickle(tmp_path / "a.pkl")
    assert not (tmp_path / "sprung").exists()
    pickle.loads(content)
    assert (tmp_path / "sprung").exists(), "the trap works"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("builtins.eval", b"cbuiltins\neval\n(X\x01\x00\x00\x001tR."),
        ("builtins.getattr", b"cbuiltins\ngetattr\n."),
        ("numpy.load", b"cnumpy\nload\n."),
        ("numpy.core.multiarray.fromfile", b"cnumpy.core.multiarray\nfromfile\n."),
        ("joblib.numpy_pickle.load", b"cjoblib.numpy_pickle\nload\n."),
        ("unimo_hf.motion.pickles.os.system", b"\x80\x04\x8c\x17unimo_hf.motion.pickles\x8c\x09os.system\x93."),
        ("numpy.dtype.__reduce__", b"\x80\x04\x8c\x05numpy\x8c\x10dtype.__reduce__\x93."),
    ],
)
def test_names_that_are_no_arrays(tmp_path, name, code):
    (tmp_path / "a.pkl").write_bytes(code)
    with pytest.raises(MotionError, match=f"it names {name}, which is no array"):
        read_pickle(tmp_path / "a.pkl")


def hostile_array(shape, data=b"", dtype="f8"):
    """An array that claims a shape that its bytes do not bear out."""
    claim = types.SimpleNamespace(dtype=np.dtype(dtype), shape=shape, tobytes=lambda: data)
    return python2_pickle(claim)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "exhausted before seeing STOP"),
        (b"no pickle", "not an uncompressed pickle"),
        (python2_pickle([1])[:-1], "exhausted before seeing STOP"),
        (
            b"\x80\x04\x8e" + (10**10).to_bytes(8, "little") + b"x.",
            "expected 10000000000 bytes in a bytes8, but only 2 remain",
        ),
        (b"\x80\x04\x95" + (10**10).to_bytes(8, "little") + b"x.", "opcode b'x' unknown"),
        (b"\x80\x04\x96" + (10**10).to_bytes(8, "little") + b"x.", "but only 2 remain"),
        (hostile_array((2**30, 5)), "takes 42949672960 bytes, not 0"),
        (hostile_array((2**30, 2**30, 2**30)), "bytes, not 0"),
        (hostile_array((-1, -8), b"x" * 64), "has a shape that"),
        (hostile_array((1,), b"x" * 8, "M8[s]"), "numbers and text are allowed"),
        (b"\x82\x01.", "it uses EXT1, which no array needs"),
        (hostile_array((1,), b"x" * 8, "O"), "objects are no list"),
        (b"P12\n.", "it uses PERSID"),
        (b"(c_codecs\nencode\no.", "it uses OBJ"),
        (b"(i_codecs\nencode\n.", "it uses INST"),
        (b"\x80\x02}" + b"(" + b")\x85" * 50 + b"Nu.", "keys that are neither text nor number"),
        (pickle.dumps({10**5000: 1}), "a whole number of 16610 bits"),
        (b"\x80\x02" + b")" + b"\x85" * 10_000 + b"R.", "an operation finds nothing"),
    ],
)
def test_damaged_or_hostile(tmp_path, content, message):
    (tmp_path / "a.pkl").write_bytes(content)
    with memory_below(5_000_000), pytest.raises(MotionError, match=message):
        read_pickle(tmp_path / "a.pkl")


def test_joblib_numbers_that_are_not_there(tmp_path):
    dtype = python2_pickle(np.zeros(0))
    dtype = dtype[dtype.index(b"cnumpy\ndtype") : dtype.rindex(b"\x89")]
    state = b"}(U\x05shape(J\xff\xff\xff\x7fJ\xff\xff\xff\x7ftU\x05orderU\x01CU\x05dtype" + dtype + b"u"
    (tmp_path / "a.pkl").write_bytes(b"\x80\x02cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81" + state + b"b.")
    with pytest.raises(MotionError, match="an array takes 36893488113059364872 bytes, which are not there"):
        read_pickle(tmp_path / "a.pkl")


def test_text_that_is_used_again_and_again_does_not_multiply(tmp_path):
    text = b"T" + (10**5).to_bytes(4, "little") + b"x" * 10**5 + b"q\x010"
    again = b"c_codecs\nencode\n(h\x01U\x06latin1tR"
    (tmp_path / "a.pkl").write_bytes(b"\x80\x02" + text + again * 200 + b".")
    with memory_below(3_000_000), pytest.raises(MotionError, match="stands for more bytes than it has"):
        read_pickle(tmp_path / "a.pkl")


def test_objects_beside_the_arrays_do_not_matter(tmp_path):
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"texts": np.array(["a", None], dtype=object), "one": np.array(1)}))
    found = read_pickle(tmp_path / "a.pkl")
    assert as_array("one", found["one"]) == 1
    with pytest.raises(MotionError, match="texts is StoredArray; it must be an array of numbers"):
        as_array("texts", found["texts"])


def test_it_does_no_more_than_is_allowed(tmp_path, monkeypatch):
    monkeypatch.setattr("unimo_hf.motion.pickles.MAX_OPERATIONS", 1000)
    (tmp_path / "a.pkl").write_bytes(pickle.dumps([0.5] * 1000))
    with pytest.raises(MotionError, match="over 1000 operations"):
        read_pickle(tmp_path / "a.pkl")


WHOLE = pickle.dumps({"poses": [np.zeros((2, 72))], "name": "x"}, protocol=4)


@given(position=st.integers(0, len(WHOLE) - 1), value=st.integers(0, 255))
def test_a_changed_byte_gives_a_value_or_a_clear_error(tmp_path_factory, position, value):
    path = tmp_path_factory.mktemp("pickle") / "a.pkl"
    content = bytearray(WHOLE)
    content[position] = value
    path.write_bytes(bytes(content))
    try:
        read_pickle(path)
    except MotionError as error:
        assert "a.pkl" in str(error)  # noqa: PT017


def test_what_the_writer_of_the_tests_writes_is_a_pickle():
    content = python2_pickle({"a": np.arange(3.0), "b": ["x" * 300, 1, 0.5, True, None]})
    pickletools.dis(content, out=io.StringIO())
    found = pickle.loads(content, encoding="latin1")
    np.testing.assert_array_equal(found["a"], np.arange(3.0))
    assert found["b"] == ["x" * 300, 1, 0.5, True, None]
