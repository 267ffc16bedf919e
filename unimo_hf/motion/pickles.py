# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Reading pickles from strangers: arrays, numbers, text, lists and dicts, and nothing that could run.

A pickle is a program for a small stack machine that may call any function by name. Python's own machine also believes
a length before the file bears it out. So this is a machine of our own: it knows only the operations that data
needs, only those names by which NumPy and joblib store arrays, and calls none of them; a file with anything else is
refused. It needs no joblib: in a joblib file a wrapper object stands for each array, with the numbers right behind it.
"""

import os
import pickletools
import re
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from .errors import MotionError
from .npz import MAX_BYTES

# Python takes about 100 bytes for each operation of a hostile pickle; an hour of motion takes a few hundred.
MAX_OPERATIONS = 1_000_000
# Whole numbers of arrays and keys; Python does not even write down one of over 4300 digits.
MAX_BITS = 64
ARRAY, SCALAR, BUFFER, TYPE, BYTES, DICT, JOBLIB, CLASS = range(8)
KNOWN = {
    **{f"numpy.{core}.multiarray _reconstruct": ARRAY for core in ("core", "_core")},
    **{f"numpy.{core}.multiarray scalar": SCALAR for core in ("core", "_core")},
    **{f"numpy.{core}.numeric _frombuffer": BUFFER for core in ("core", "_core")},
    "numpy dtype": TYPE,
    "numpy ndarray": CLASS,
    "_codecs encode": BYTES,
    "__builtin__ bytes": BYTES,
    "collections OrderedDict": DICT,
    "collections defaultdict": DICT,
    "joblib.numpy_pickle NumpyArrayWrapper": JOBLIB,
    **{f"{module} {name}": CLASS for module in ("builtins", "__builtin__") for name in ("dict", "list")},
}
MARK = object()


def read_pickle(path: str | os.PathLike) -> Any:
    """Read a pickle file.

    Returns:
        What is in it; arrays are [`StoredArray`]: take them out with [`as_array`].

    Raises:
        MotionError: If it is no pickle, is damaged or too large, or names anything that is not an array.
    """
    path = Path(path)
    with path.open("rb") as file:
        try:
            return _Machine(_BoundedFile(file, path.stat().st_size)).run()
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            reason = str(error).strip() or type(error).__name__
            raise MotionError(
                f"{path} is not an uncompressed pickle of arrays, or it is damaged: {reason}."
            ) from error


def as_array(name: str, value: Any) -> np.ndarray:
    """Take an array out of what [`read_pickle`] gave; raises `MotionError` where it is something else."""
    content = value.content if isinstance(value, StoredArray) else None
    if not isinstance(content, np.ndarray):
        raise MotionError(f"{name} is {type(value).__name__}; it must be an array of numbers.")
    return content


class StoredArray:
    """An array in a pickle; its state comes after it is made."""

    def __init__(self, in_joblib: bool = False):
        self.content: np.ndarray | list | None = None
        self.in_joblib = in_joblib


class StoredType:
    """The element type of an array in a pickle."""

    def __init__(self, name: str):
        if not re.fullmatch(r"[<>|=]?([fiub][0-9]{1,2}|[SU][0-9]{1,6}|O8?)", name):
            raise ValueError(f"it holds arrays of {name!r}; numbers and text are allowed")
        self.dtype = np.dtype(name)

    def array(self, shape: tuple, order: Any, data: Any) -> np.ndarray | list:
        """Make an array of bytes; the objects of an object array stay a list."""
        if self.dtype.hasobject:
            if isinstance(data, list):
                return data
            raise ValueError("it has an object array whose objects are no list")
        if len(data) != self.size(shape):
            raise ValueError(f"an array {shape} of {self.dtype} takes {self.size(shape)} bytes, not {len(data)}")
        return np.ndarray(shape, self.dtype, buffer=data, order=order)

    def size(self, shape: tuple) -> int:
        """Bytes that an array takes; Python integers, so that hostile dimensions do not wrap round."""
        size = self.dtype.itemsize
        for length in shape:
            if not isinstance(length, int) or length < 0:
                raise ValueError("an array has a shape that is no tuple of lengths")
            size *= length
        return size


class _BoundedFile:
    """A file that gives no more than it has: a length that is not there is never allocated."""

    def __init__(self, file: BinaryIO, size: int):
        self._file, self.size = file, size

    def read(self, size: int) -> bytes:
        return self._file.read(min(size, self.size - self._file.tell()))

    def readline(self) -> bytes:
        return self._file.readline()

    def take(self, size: int) -> bytes:
        """Give exactly `size` bytes."""
        if size > min(MAX_BYTES, self.size - self._file.tell()):
            raise ValueError(f"an array takes {size} bytes, which are not there or over {MAX_BYTES}")
        return self._file.read(size)


class _Machine:
    """The stack machine; operations are named as in `pickletools`."""

    def __init__(self, file: _BoundedFile):
        self._file = file
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._text_left = file.size

    def run(self) -> Any:
        for count, (operation, argument, _) in enumerate(pickletools.genops(cast(BinaryIO, self._file))):
            if count >= MAX_OPERATIONS:
                raise ValueError(f"it has over {MAX_OPERATIONS} operations")
            if operation.name == "STOP":
                return self._stack.pop()
            if operation.name in _VALUES:
                if isinstance(argument, int) and argument.bit_length() > MAX_BITS:
                    raise ValueError(f"it holds a whole number of {argument.bit_length()} bits")
                self._stack.append(argument)
            elif operation.name in _OPERATIONS:
                _OPERATIONS[operation.name](self, argument)
            else:
                raise ValueError(f"it uses {operation.name}, which no array needs; nothing was run")

    def push(self, value: Any) -> None:
        self._stack.append(value)

    def pop(self) -> Any:
        if not self._stack or self._stack[-1] is MARK:
            raise ValueError("an operation finds nothing to work on")
        return self._stack.pop()

    def pop_to_mark(self) -> list[Any]:
        values = []
        while (value := self._stack.pop()) is not MARK:
            values.append(value)
        return values[::-1]

    def remember(self, place: int | None) -> None:
        self._memo[len(self._memo) if place is None else place] = self._stack[-1]

    def recall(self, place: int) -> None:
        self._stack.append(self._memo[place])

    def extend(self, values: list[Any]) -> None:
        target = self._stack[-1]
        if not isinstance(target, list):
            raise ValueError("it adds to something that is no list")
        target.extend(values)

    def fill(self, values: list[Any]) -> None:
        target = self._stack[-1]
        keys = values[::2]
        if not isinstance(target, dict) or not all(isinstance(key, str | int | float | bytes) for key in keys):
            raise ValueError("it adds to something that is no dict, or has keys that are neither text nor number")
        target.update(zip(keys, values[1::2], strict=True))

    def new_dict(self) -> None:
        values = self.pop_to_mark()
        self.push({})
        self.fill(values)

    def name(self, module_and_name: str) -> None:
        """GLOBAL: what a name stands for is a number here; whatever is not known is refused and never imported."""
        if module_and_name not in KNOWN:
            raise ValueError(f"it names {module_and_name.replace(' ', '.')}, which is no array; nothing was run")
        self.push(_Name(KNOWN[module_and_name]))

    def call(self) -> None:
        """REDUCE and NEWOBJ: do what the named function would do, for those few that store arrays."""
        arguments, name = self.pop(), self.pop()
        if not isinstance(name, _Name) or not isinstance(arguments, tuple):
            raise ValueError("it calls something that has no name")
        kind = name.kind
        if kind in (ARRAY, JOBLIB):
            self.push(StoredArray(in_joblib=kind == JOBLIB))
        elif kind == TYPE:
            self.push(StoredType(arguments[0]))
        elif kind == DICT:
            self.push({})
        elif kind == BYTES and arguments[1:] in ((), ("latin1",)):
            self.push(self.as_bytes(arguments[0] if arguments else b""))
        elif kind == SCALAR:
            self.push(arguments[0].array((), "C", self.as_bytes(arguments[1])).item())
        elif kind == BUFFER:
            data, stored_type, shape, order = arguments
            stored = StoredArray()
            stored.content = stored_type.array(shape, order, data)
            self.push(stored)
        else:
            raise ValueError("it makes an object that is no array")

    def build(self) -> None:
        """BUILD: give an array its numbers, or a type its byte order."""
        state, target = self.pop(), self._stack[-1]
        if isinstance(target, StoredType):
            if state[1] in ("<", ">"):
                target.dtype = target.dtype.newbyteorder(state[1])
        elif isinstance(target, StoredArray) and target.in_joblib:
            stored_type, shape = state["dtype"], state["shape"]
            if stored_type.dtype.hasobject:
                raise ValueError("it holds an array of Python objects")
            if state.get("numpy_array_alignment_bytes") is not None:  # since joblib 1.2: a length, and padding
                self._file.take(self._file.take(1)[0])
            target.content = stored_type.array(shape, state["order"], self._file.take(stored_type.size(shape)))
        elif isinstance(target, StoredArray):
            _, shape, stored_type, fortran, data = state
            target.content = stored_type.array(shape, "F" if fortran else "C", self.as_bytes(data))
        else:
            raise ValueError("it gives a state to something that is no array")

    def as_bytes(self, data: str | bytes) -> bytes:
        """Give bytes that Python 2 wrote as text, all in all no more than the file has."""
        if not isinstance(data, str):
            return data
        self._text_left -= len(data)
        if self._text_left < 0:
            raise ValueError("its text stands for more bytes than it has")
        return data.encode("latin1")


class _Name:
    """A known name on the stack."""

    def __init__(self, kind: int):
        self.kind = kind


def _names_of_strings(kind: str) -> set[str]:
    return {code.name for code in pickletools.opcodes if kind in code.name}


# Operations whose argument is the value.
_VALUES = {
    *_names_of_strings("UNICODE"),
    *(_names_of_strings("STRING") | _names_of_strings("BINBYTES") | {"BYTEARRAY8"}),
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
}
_OPERATIONS = {
    "PROTO": lambda machine, _: None,
    "FRAME": lambda machine, _: None,
    "NONE": lambda machine, _: machine.push(None),
    "NEWTRUE": lambda machine, _: machine.push(True),
    "NEWFALSE": lambda machine, _: machine.push(False),
    "MARK": lambda machine, _: machine.push(MARK),
    "POP": lambda machine, _: machine.pop(),
    "POP_MARK": lambda machine, _: machine.pop_to_mark(),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "LIST": lambda machine, _: machine.push(machine.pop_to_mark()),
    "APPEND": lambda machine, _: machine.extend([machine.pop()]),
    "APPENDS": lambda machine, _: machine.extend(machine.pop_to_mark()),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.pop_to_mark())),
    "TUPLE1": lambda machine, _: machine.push((machine.pop(),)),
    "TUPLE2": lambda machine, _: machine.push((machine.pop(), machine.pop())[::-1]),
    "TUPLE3": lambda machine, _: machine.push((machine.pop(), machine.pop(), machine.pop())[::-1]),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "DICT": lambda machine, _: machine.new_dict(),
    "SETITEM": lambda machine, _: machine.fill([machine.pop(), machine.pop()][::-1]),
    "SETITEMS": lambda machine, _: machine.fill(machine.pop_to_mark()),
    "PUT": lambda machine, place: machine.remember(place),
    "BINPUT": lambda machine, place: machine.remember(place),
    "LONG_BINPUT": lambda machine, place: machine.remember(place),
    "MEMOIZE": lambda machine, _: machine.remember(None),
    "GET": lambda machine, place: machine.recall(place),
    "BINGET": lambda machine, place: machine.recall(place),
    "LONG_BINGET": lambda machine, place: machine.recall(place),
    "GLOBAL": lambda machine, name: machine.name(name),
    "STACK_GLOBAL": lambda machine, _: machine.name(" ".join((machine.pop(), machine.pop())[::-1])),
    "REDUCE": lambda machine, _: machine.call(),
    "NEWOBJ": lambda machine, _: machine.call(),
    "BUILD": lambda machine, _: machine.build(),
}
