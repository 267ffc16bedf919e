# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Arguments of a command become files, and files become names of outputs."""

from pathlib import Path

import pytest

from unimo_hf.cli.inputs import VIDEO_SUFFIXES, check_outputs, find_inputs, output_stems


@pytest.fixture
def folder(tmp_path):
    for name in ("b.mp4", "a.MOV", "notes.txt", "deep/c.mp4"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return tmp_path


def names(paths):
    return [path.name for path in paths]


def test_a_folder_gives_its_videos_in_order(folder):
    assert names(find_inputs([str(folder)], VIDEO_SUFFIXES)) == ["a.MOV", "b.mp4"]


def test_a_file_counts_whatever_its_name(folder):
    assert names(find_inputs([str(folder / "notes.txt")], VIDEO_SUFFIXES)) == ["notes.txt"]


def test_globs_reach_deep_and_nothing_comes_twice(folder):
    found = find_inputs([str(folder / "b.mp4"), str(folder / "**" / "*.mp4")], VIDEO_SUFFIXES)
    assert names(found) == ["b.mp4", "c.mp4"]


def test_a_file_whose_name_looks_like_a_glob(folder):
    odd = folder / "take[1].mp4"
    odd.touch()
    assert find_inputs([str(odd)], VIDEO_SUFFIXES) == [odd]


def test_a_missing_file_is_kept_for_its_turn(folder):
    assert names(find_inputs([str(folder / "gone.mp4")], VIDEO_SUFFIXES)) == ["gone.mp4"]


@pytest.mark.parametrize(
    ("name", "message"), [("empty", "holds no file that ends in .mp4"), ("*.webm", "no file matches")]
)
def test_nothing_found_is_said_at_once(folder, name, message):
    (folder / "empty").mkdir()
    with pytest.raises(ValueError, match=message):
        find_inputs([str(folder / name)], VIDEO_SUFFIXES)


def test_outputs_of_equal_names_do_not_collide():
    inputs = [Path("a/clip.mp4"), Path("b/clip.mov"), Path("clip-2.mp4"), Path("CLIP.mp4")]
    stems = output_stems(inputs, Path("out"))
    assert [stems[path].name for path in inputs] == ["clip", "clip-2", "clip-2-2", "CLIP-3"]
    assert {stem.parent for stem in stems.values()} == {Path("out")}


def test_outputs_have_names_that_every_system_takes():
    inputs = [Path("a\nb.mp4"), Path("a\x1bb.mp4"), Path(".hidden.mp4"), Path("-v.mp4"), Path("x" * 251 + ".mp4")]
    stems = output_stems(inputs, Path("out"))
    assert [stems[path].name for path in inputs] == ["a_b", "a_b-2", "_hidden", "_v", "x" * 200]


def test_a_file_beside_its_input_is_not_replaced(tmp_path):
    source, output = tmp_path / "clip.mp4", tmp_path / "clip.npz"
    check_outputs([output], source, overwrite=False)
    output.touch()
    with pytest.raises(ValueError, match=r"clip\.npz exists beside its input"):
        check_outputs([output], source, overwrite=False)
    check_outputs([output], source, overwrite=True)
    check_outputs([output], tmp_path / "elsewhere" / "clip.mp4", overwrite=False)
