# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Columns of codes in a Parquet file: lists of integers, read by row groups and within bounds."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from unimo_hf.data.parquet_layout import RowGroup, check_pages, read_row_groups

MOST_VALUES = 2**25  # of a column in a row group: half a gigabyte while it is read
MOST_CODE = 2**31
# Of a value when it is decompressed: itself twice, as the entry of a dictionary and as its number, and how lists are
# nested. Of a column: what compressors and headers add.
BYTES_OF_VALUE, BYTES_OF_COLUMN = 20, 2**16


def count_rows(path: Path, lengths: Mapping[str, range]) -> list[int]:
    """Rows of each row group of a file that holds, by its own account, what it must.

    Args:
        path (`Path`): The file.
        lengths (`Mapping[str, range]`): Columns, and how many codes a row of each may hold.

    Raises:
        ValueError: If a column is missing or of another length, or the file is damaged; names it.
        OSError: If it can't be opened.
    """
    with _opened(path) as file:
        groups = read_row_groups(file)
        for number, group in enumerate(groups):
            _check_group(number, group, lengths)
        return [group.rows for group in groups]


def read_codes(
    path: Path, number: int, lengths: Mapping[str, range], sizes: Mapping[str, int], first_row: int = 0
) -> dict[str, np.ndarray]:
    """The codes of a row group, each column `(rows, most codes)`, with -1 behind the end of a row that has fewer.

    Args:
        path (`Path`): The file.
        number (`int`): Of the row group.
        lengths (`Mapping[str, range]`): As [`count_rows`] got them.
        sizes (`Mapping[str, int]`): Sizes of the codebooks, where they are known.
        first_row (`int`, *optional*, defaults to 0): What messages count the rows from.

    Raises:
        ValueError: If the file is damaged, a column is of another type, or a code is in no codebook; names the file,
            and the row if it is one alone.
        OSError: If it can't be opened.
    """
    import pyarrow.parquet

    with _opened(path) as file:
        group = read_row_groups(file)[number]
        _check_group(number, group, lengths)  # once more: the file may be another by now
        for name in lengths:
            values, start, end = group.columns[name]
            most_bytes = BYTES_OF_VALUE * values + BYTES_OF_COLUMN
            if end - start > most_bytes:
                raise ValueError(f"`{name}` has {end - start} bytes for {values} values")
            file.seek(start)
            check_pages(file.read(end - start), values, most_bytes)
        parquet = pyarrow.parquet.ParquetFile(file, page_checksum_verification=True)
        table = parquet.read_row_group(number, columns=list(lengths), use_threads=False)
        for name in lengths:
            if table.column_names.count(name) != 1:
                raise ValueError(f"it has the columns {table.column_names[:10]}; one `{name}` is needed")
        return {
            name: _to_array(table[name].combine_chunks(), name, group.rows, allowed, sizes.get(name), first_row)
            for name, allowed in lengths.items()
        }


def _check_group(number: int, group: RowGroup, lengths: Mapping[str, range]) -> None:
    for name, allowed in lengths.items():
        if name not in group.columns:
            raise ValueError(f"it has the columns {sorted(group.columns)[:10]}; `{name}` is needed")
        values, most = group.columns[name].values, group.rows * allowed[-1]
        if not group.rows * max(1, allowed[0]) <= values <= most:  # Parquet counts a list of none as one value
            raise ValueError(
                f"row group {number} has {group.rows} rows and {values} values of `{name}`; a row has {_said(allowed)}"
            )
        if most > MOST_VALUES:
            raise ValueError(f"row group {number} has {most} values; at most {MOST_VALUES} are read at once")


def _said(lengths: range) -> str:
    return f"{lengths[0]} to {lengths[-1]}" if len(lengths) > 1 else str(lengths[0])


def _to_array(column: Any, name: str, rows: int, allowed: range, size: int | None, first_row: int) -> np.ndarray:
    import pyarrow

    is_list = pyarrow.types.is_list(column.type) or pyarrow.types.is_large_list(column.type)
    if not is_list or not pyarrow.types.is_integer(column.type.value_type):
        raise ValueError(f"`{name}` is {str(column.type)[:60]}; a list of integers is needed")
    if len(column) != rows:
        raise ValueError(f"`{name}` has {len(column)} rows; {rows} are needed")
    lengths = np.diff(column.offsets.to_numpy())
    is_wrong = (lengths < allowed[0]) | (lengths > allowed[-1]) | column.is_null().to_numpy(zero_copy_only=False)
    if is_wrong.any():
        wrong = int(np.flatnonzero(is_wrong)[0])
        found = f"row {first_row + wrong} has {lengths[wrong]} values of `{name}`"
        raise ValueError(f"{found}; {_said(allowed)} are needed")
    values = column.flatten()
    if values.null_count:
        raise ValueError(f"`{name}` has {values.null_count} empty values")
    codes = values.to_numpy()
    most = MOST_CODE if size is None else size
    outside = np.flatnonzero((codes < 0) | (codes >= most))
    if len(outside):
        row = int(np.repeat(np.arange(rows), lengths)[outside[0]])
        raise ValueError(f"row {first_row + row} has the code {codes[outside[0]]} of `{name}`; 0 to {most - 1} exist")
    if len(allowed) == 1:
        return codes.reshape(rows, allowed[0])
    padded = np.full((rows, allowed[-1]), -1, dtype=np.int32)
    padded[np.arange(allowed[-1]) < lengths[:, None]] = codes
    return padded


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The file; every error of pyarrow, and of those raised here, says which it is about."""
    import pyarrow

    with path.open("rb") as file:
        try:
            yield file
        except (pyarrow.ArrowException, OSError, ValueError, MemoryError) as error:
            reason = " ".join(str(error).split())[:300]
            raise ValueError(f"{path} is no readable shard of codes: {reason}.") from error
