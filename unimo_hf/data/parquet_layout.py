# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Where the columns of a Parquet file stand and how large they say they are, read before any is decompressed.

A page of some bytes may stand for gigabytes, and pyarrow believes what it says; where the account at the end of a file
contradicts itself, asking pyarrow for it ends the process. Both are structs of Thrift's compact protocol, of which a
few fields matter here.

Source: parquet.thrift of the Parquet format.
"""

import os
from typing import Any, BinaryIO, NamedTuple

MOST_FOOTER = 2**20  # bytes; that of a thousand row groups has 200,000
MOST_DEPTH = 16
MAGIC = b"PAR1"

# Numbers of fields: of FileMetaData, RowGroup, ColumnChunk and ColumnMetaData, then of PageHeader and what it holds.
_ROW_GROUPS, _COLUMNS, _ROWS, _FILE, _COLUMN = 4, 1, 3, 1, 3
_PATH, _VALUES, _SIZE, _DATA_START, _DICTIONARY_START = 3, 5, 7, 9, 11
_UNCOMPRESSED, _COMPRESSED, _DATA, _DICTIONARY, _DATA_V2, _PAGE_VALUES = 2, 3, 5, 7, 8, 1


class Column(NamedTuple):
    """A column of a row group: how many values it has, and where its pages are in the file."""

    values: int
    start: int
    end: int


class RowGroup(NamedTuple):
    """Rows, and the columns by name (of what is nested, the outermost)."""

    rows: int
    columns: dict[str, Column]


def read_row_groups(file: BinaryIO) -> list[RowGroup]:
    """The row groups of a file, by its own account; raises `ValueError` if that is damaged."""
    length = file.seek(0, os.SEEK_END)
    if length < 12:
        raise ValueError(f"it has {length} bytes")
    file.seek(-8, os.SEEK_END)
    end = file.read(8)
    if end[4:] != MAGIC:
        raise ValueError(f"it ends in {end[4:]!r}; a Parquet file ends in {MAGIC!r}")
    size = int.from_bytes(end[:4], "little")
    if size > min(MOST_FOOTER, length - 12):
        raise ValueError(f"its footer has {size} bytes; the file has {length}, and at most {MOST_FOOTER} are read")
    file.seek(-8 - size, os.SEEK_END)
    footer = _CompactReader(file.read(size)).struct()
    return [_row_group(group, length) for group in _listed(footer, _ROW_GROUPS)]


def check_pages(pages: bytes, values: int, most_bytes: int) -> None:
    """Check what the pages of a column say of themselves.

    Args:
        pages (`bytes`): Their bytes.
        values (`int`): How many values they must hold.
        most_bytes (`int`): How large they may be together when they are decompressed.

    Raises:
        ValueError: If the pages hold another number of values or more bytes, or their headers are damaged.
    """
    reader, held, size = _CompactReader(pages), 0, 0
    while reader.place < len(pages):
        header = reader.struct()
        in_dictionary = _number(_inner(header, _DICTIONARY), _PAGE_VALUES, 0)
        held += _number(_inner(header, _DATA), _PAGE_VALUES, 0) + _number(_inner(header, _DATA_V2), _PAGE_VALUES, 0)
        size += _number(header, _UNCOMPRESSED)
        if max(held, in_dictionary) > values or size > most_bytes:
            raise ValueError(f"its pages say that they hold {held} values in {size} bytes; {values} are needed")
        reader.place += _number(header, _COMPRESSED)
    if held != values or reader.place != len(pages):
        raise ValueError(f"its pages hold {held} values; {values} are needed")


def _row_group(fields: Any, file_size: int) -> RowGroup:
    columns = {}
    for chunk in _listed(fields, _COLUMNS):
        column = _inner(chunk, _COLUMN)
        path = _listed(column, _PATH)
        if _FILE in chunk or not path or not isinstance(path[0], bytes):
            raise ValueError("its footer is damaged")
        start = _number(column, _DATA_START)
        start = min(start, _number(column, _DICTIONARY_START, 0) or start)
        end = start + _number(column, _SIZE)
        if end > file_size:
            raise ValueError(f"a column ends at byte {end}; the file has {file_size}")
        columns[path[0].decode("utf-8", "replace")] = Column(_number(column, _VALUES), start, end)
    return RowGroup(_number(fields, _ROWS), columns)


def _inner(fields: Any, number: int) -> dict[int, Any]:
    value = fields.get(number, {}) if isinstance(fields, dict) else None
    if not isinstance(value, dict):
        raise ValueError("its account of itself is damaged")
    return value


def _listed(fields: Any, number: int) -> list[Any]:
    value = fields.get(number) if isinstance(fields, dict) else None
    if not isinstance(value, list):
        raise ValueError("its account of itself is damaged")
    return value


def _number(fields: Any, number: int, default: int | None = None) -> int:
    value = fields.get(number, default) if isinstance(fields, dict) else None
    if not isinstance(value, int) or value < 0:
        raise ValueError("its account of itself is damaged")
    return value


class _CompactReader:
    """Reads structs of Thrift's compact protocol; raises `ValueError` where the bytes are none."""

    _TRUE, _FALSE, _BYTE, _INTEGERS, _DOUBLE, _BINARY, _LISTS, _STRUCT = 1, 2, 3, (4, 5, 6), 7, 8, (9, 10), 12

    def __init__(self, data: bytes):
        self.data, self.place = data, 0

    def struct(self, depth: int = 0) -> dict[int, Any]:
        """The fields that begin here, by their numbers."""
        fields: dict[int, Any] = {}
        number = 0
        while (start := self._byte()) != 0:
            step, kind = start >> 4, start & 15
            number = number + step if step else self._integer()
            fields[number] = kind == self._TRUE if kind in (self._TRUE, self._FALSE) else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in self._INTEGERS:
            return self._integer()
        if kind in (self._TRUE, self._FALSE, self._BYTE):
            return self._byte()
        if kind == self._DOUBLE:
            return self._bytes(8)
        if kind == self._BINARY:
            return self._bytes(self._unsigned())
        if kind == self._STRUCT and depth < MOST_DEPTH:
            return self.struct(depth + 1)
        if kind in self._LISTS and depth < MOST_DEPTH:
            start = self._byte()
            count = start >> 4 if start >> 4 < 15 else self._unsigned()
            return [self._value(start & 15, depth + 1) for _ in range(count)]
        raise ValueError("its account of itself is damaged")  # maps too: the format has none

    def _bytes(self, count: int) -> bytes:
        self.place += count
        if self.place > len(self.data):
            raise ValueError("its account of itself is cut short")
        return self.data[self.place - count : self.place]

    def _byte(self) -> int:
        return self._bytes(1)[0]

    def _unsigned(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            part = self._byte()
            value |= (part & 127) << shift
            if part < 128:
                return value
        raise ValueError("its account of itself is damaged")

    def _integer(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)
