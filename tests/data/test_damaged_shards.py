# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Shards of others: whatever the bytes, the codes or a sentence that names the file, and never more memory."""

import json
import math
import os
import shutil

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unimo_hf import VideoFSQ, VideoFSQConfig
from unimo_hf.data import code_columns, shards
from unimo_hf.data.shards import METADATA, CodeShards, check_tokenizers
from unimo_hf.model.modalities import by_modality

VISUAL, MOTION, CLIPS = (2, 2, 2), (9, 4), 7
SHARD = "shard_00000.parquet"


def column(codes, kind=None):
    """A column of lists, one a row."""
    return pyarrow.array([row.ravel().tolist() for row in codes], pyarrow.list_(kind or pyarrow.uint16()))


def write(folder, columns=None, metadata=None, **options):
    """A folder of one shard whose codes count up."""
    folder.mkdir(exist_ok=True)
    columns = columns or {
        "visual_codes": column(np.arange(CLIPS * 8).reshape(CLIPS, *VISUAL)),
        "motion_codes": column(np.arange(CLIPS * 36).reshape(CLIPS, *MOTION)),
    }
    pyarrow.parquet.write_table(pyarrow.table(columns), folder / SHARD, **options)
    facts = {"format_version": 1, "clips": CLIPS, "visual_shape": VISUAL, "motion_shape": MOTION, "tokenizers": None}
    (folder / METADATA).write_text(json.dumps(facts | (metadata or {})), encoding="utf-8")
    return folder


def read(folder):
    clips = CodeShards(folder)
    return [clips[index] for index in range(len(clips))]


@pytest.mark.parametrize(
    "options",
    [
        {"row_group_size": 2},
        {"data_page_version": "2.0"},
        {"compression": "zstd", "use_dictionary": False},
        {"compression": "none", "write_page_checksum": True},
    ],
)
def test_other_ways_to_write_the_same(tmp_path, options):
    for number, clip in enumerate(read(write(tmp_path / "shards", **options))):
        assert torch.equal(clip["visual"], torch.arange(8).view(VISUAL) + 8 * number)
        assert torch.equal(clip["motion"], torch.arange(36).view(MOTION) + 36 * number)


def test_only_the_codes_asked_for_last_are_kept(tmp_path, monkeypatch):
    clips = CodeShards(write(tmp_path / "shards", row_group_size=2))
    monkeypatch.setattr(shards, "KEPT_BYTES", 2 * 2 * (8 + 36) * 2)
    for index in (0, 6, 1, 3, -1):
        assert clips[index]["motion"][0, 0] == 36 * (index % CLIPS)
    assert list(clips._kept) == [1, 3]
    with pytest.raises(IndexError):
        clips[CLIPS]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = write(tmp_path_factory.mktemp("whole") / "shards", row_group_size=3, write_page_checksum=True)
    return folder, (folder / SHARD).read_bytes()


@settings(max_examples=150)
@given(st.data())
def test_damage_is_found_or_harmless(whole, tmp_path_factory, data):
    folder, content = whole
    damaged = folder.parent / "damaged"
    if not damaged.exists():
        shutil.copytree(folder, damaged)
    # Half of the damage stands in the account at the end of the file, which is most of a small one.
    place = data.draw(st.one_of(st.integers(0, len(content) - 1), st.integers(0, 200)))
    inserted = data.draw(st.binary(min_size=1, max_size=4))
    kept = data.draw(st.sampled_from([place, place + len(inserted), len(content)]))
    (damaged / SHARD).write_bytes(content[:place] + inserted + content[kept:])
    clips, message = read_or_message(damaged)
    if clips is None:
        assert str(damaged) in message
        assert "\n" not in message
    else:
        for clip, expected in zip(clips, read(folder), strict=True):
            assert all(torch.equal(clip[key], expected[key]) for key in expected)


def read_or_message(folder):
    """The clips, or what was said; no other error passes."""
    try:
        return read(folder), ""
    except ValueError as error:
        return None, str(error)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"text" * 10, b"PAR1\xff\xff\xff\xffPAR1", b"PK\x03\x04" * 20])
def test_what_is_no_parquet(tmp_path, content):
    (write(tmp_path / "shards") / SHARD).write_bytes(content)
    with pytest.raises(ValueError, match=rf"{SHARD} is no readable shard of codes"):
        CodeShards(tmp_path / "shards")


VISUAL_COLUMN, MOTION_COLUMN = column(np.zeros((CLIPS, 8), int)), column(np.zeros((CLIPS, 36), int))


@pytest.mark.parametrize(
    ("visual", "message"),
    [
        (None, "`visual_codes` is needed"),
        (
            column(np.zeros((CLIPS, 8)), pyarrow.float32()),
            "`visual_codes` is list<element: float>; a list of integers",
        ),
        (pyarrow.array(["text"] * CLIPS), "7 rows and 7 values of `visual_codes`; a row has 8"),
        (column(np.zeros((CLIPS, 9), int)), "7 rows and 63 values of `visual_codes`; a row has 8"),
        (
            column([np.zeros(8 + step, int) for step in (0, 1, -1, 0, 0, 0, 0)]),
            "row 1 has 9 values of `visual_codes`; 8",
        ),
        (column(np.full((CLIPS, 8), -1), pyarrow.int64()), "row 0 has the code -1 of `visual_codes`"),
        (pyarrow.array([[0] * 7 + [None]] * CLIPS, pyarrow.list_(pyarrow.uint16())), "has 7 empty values"),
    ],
)
def test_columns_that_are_wrong(tmp_path, visual, message):
    columns = {"motion_codes": MOTION_COLUMN} | ({} if visual is None else {"visual_codes": visual})
    with pytest.raises(ValueError, match=message) as error:
        read(write(tmp_path / "shards", columns))
    assert SHARD in str(error.value)


def test_a_page_that_says_more_than_the_shape_is_not_decompressed(tmp_path, monkeypatch):
    """A kilobyte that is 16 million zeros: its footer says 8 values a row, as the shape does."""
    many = pyarrow.array([[0] * 2**22], pyarrow.list_(pyarrow.uint16()))
    motion = MOTION_COLUMN.slice(0, 1)
    folder = write(tmp_path / "shards", {"visual_codes": many, "motion_codes": motion}, {"clips": 1})
    assert (folder / SHARD).stat().st_size < 2000
    with pytest.raises(ValueError, match="1 rows and 4194304 values of `visual_codes`; a row has 8"):
        CodeShards(folder)
    with (folder / SHARD).open("rb") as file:
        (group,) = code_columns.read_row_groups(file)
    columns = {"visual_codes": group.columns["visual_codes"]._replace(values=8)}
    monkeypatch.setattr(code_columns, "read_row_groups", lambda _: [group._replace(columns=columns)])
    monkeypatch.setattr(pyarrow.parquet, "ParquetFile", None)
    with pytest.raises(ValueError, match="its pages say that they hold 4194304 values"):
        code_columns.read_codes(folder / SHARD, 0, {"visual_codes": range(8, 9)}, {})


def test_a_shape_beyond_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(code_columns, "MOST_VALUES", CLIPS * 8 - 1)
    with pytest.raises(ValueError, match="row group 0 has 56 values; at most 55 are read at once"):
        CodeShards(write(tmp_path / "shards"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": True}, "format True; this version reads 1"),
        ({"visual_shape": None}, "visual_shape' is None; a list of numbers"),
        ({"visual_shape": "abc"}, "visual_shape' is 'abc'; a list of numbers"),
        ({"visual_shape": [2, 2]}, "56 values of `visual_codes`; a row has 4"),
        ({"visual_shape": [2, -2, 2]}, "visual_shape' holds -2; a whole number from 1"),
        ({"visual_shape": [2, [2], 2]}, r"visual_shape' holds \[2\]"),
        ({"motion_shape": [9, math.nan]}, "motion_shape' holds nan"),
        ({"motion_shape": [10**9, 10**9]}, "252 values of `motion_codes`; a row has 1000000000000000000"),
        ({"clips": 8}, "clips is 8; the shards hold 7"),
        ({"clips": "7"}, "clips is '7'; the shards hold 7"),
        ({"files": SHARD}, "files is 'shard_00000.parquet'; a list of names"),
        ({"files": ["../" + SHARD]}, r"files: one is '\.\./shard_00000\.parquet'; the plain name"),
        ({"files": [SHARD, SHARD]}, "files names a file twice"),
        ({"files": ["gone.parquet"]}, r"gone\.parquet is missing"),
    ],
)
def test_metadata_that_are_wrong(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        CodeShards(write(tmp_path / "shards", metadata=changes))


def test_files_that_are_named_are_read_and_hidden_ones_are_not(tmp_path):
    folder = write(tmp_path / "shards")
    shutil.copy(folder / SHARD, folder / f".{SHARD}")
    assert len(CodeShards(folder)) == CLIPS
    os.mkfifo(folder / "other.parquet")
    with pytest.raises(ValueError, match=r"other\.parquet is missing, or no file"):
        CodeShards(folder)
    assert len(CodeShards(write(folder, metadata={"files": [SHARD]}))) == CLIPS


def test_codes_outside_of_the_codebook_are_named_when_they_are_read(tmp_path):
    clips = CodeShards(write(tmp_path / "shards", row_group_size=5))
    tokenizer = VideoFSQ(VideoFSQConfig(channels=8, channel_multipliers=[1, 1, 1], num_res_blocks=1, levels=[7, 7]))
    check_tokenizers(clips, by_modality(tokenizer))  # 49 codes: clip 6 has 48 to 55
    assert len(clips[4]["visual"])
    with pytest.raises(ValueError, match=rf"{SHARD} .* row 6 has the code 49 of `visual_codes`; 0 to 48 exist"):
        clips[5]


@pytest.mark.parametrize("tokenizers", [5, ["video_fsq"], "video_fsq"])
def test_tokenizers_that_are_no_object(tmp_path, tokenizers):
    with pytest.raises(ValueError, match=r"tokenizers is .*; an object is needed"):
        check_tokenizers(CodeShards(write(tmp_path / "shards", metadata={"tokenizers": tokenizers})), {})
