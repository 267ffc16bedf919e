# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from unimo_hf.output_folder import JOURNAL, LOCK, WORKSHOP, OutputFolder, lock_folder

LAST = "list.json"


def fill(path, *names, text="new"):
    with OutputFolder(path, last=LAST) as folder:
        for name in names:
            (folder.workshop / name).write_text(text)
            folder.put(name)


def left_unfinished(path, *names):
    def interrupted():
        with OutputFolder(path, last=LAST) as folder:
            for name in names:
                (folder.workshop / name).write_text("half")
                folder.put(name)
            (folder.workshop / "begun").write_text("")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()


def test_files_appear_whole_and_nothing_else_stays(tmp_path):
    fill(tmp_path / "new" / "folder", "a.txt", "b.txt")
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == ["a.txt", "b.txt"]


def test_what_others_put_there_stays(tmp_path):
    (tmp_path / ".gitlab-ci.yml").write_text("theirs")
    (tmp_path / "table.parquet").write_text("theirs")
    fill(tmp_path, "a.txt")
    left_unfinished(tmp_path, "b.txt")
    fill(tmp_path, "b.txt")
    assert (tmp_path / "b.txt").read_text() == "new"
    assert {path.name for path in tmp_path.iterdir()} == {".gitlab-ci.yml", "table.parquet", "a.txt", "b.txt"}


def test_a_file_of_that_name_is_never_replaced(tmp_path):
    (tmp_path / "a.txt").write_text("theirs")
    with pytest.raises(ValueError, match=r"a\.txt exists already"):
        fill(tmp_path, "a.txt")
    assert (tmp_path / "a.txt").read_text() == "theirs"
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(ValueError, match="link exists already"):
        fill(tmp_path, "link")


def test_a_finished_folder_is_refused(tmp_path):
    fill(tmp_path, "a.txt", LAST)
    with pytest.raises(ValueError, match=r"is finished, it holds list\.json"):
        fill(tmp_path, "b.txt")
    assert {path.name for path in tmp_path.iterdir()} == {"a.txt", LAST}


def test_leftovers_go_when_the_next_run_begins(tmp_path):
    left_unfinished(tmp_path, "a.txt", "b.txt")
    assert (tmp_path / "a.txt").exists()
    fill(tmp_path, "a.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_leftover_that_somebody_changed_is_theirs(tmp_path):
    left_unfinished(tmp_path, "a.txt")
    (tmp_path / "a.txt").write_text("mine")
    with pytest.raises(ValueError, match="exists already"):
        fill(tmp_path, "a.txt")
    assert (tmp_path / "a.txt").read_text() == "mine"


@pytest.mark.parametrize(
    "note", ['{"name": "../a.txt"}', '{"name": 5}', "[1]", "5", '{"name": "a.txt"', '{"name": "a.txt"}', "[" * 9000]
)
def test_a_strangers_journal_removes_nothing(tmp_path, note):
    inner = tmp_path / "folder"
    (inner / WORKSHOP).mkdir(parents=True)
    (inner / WORKSHOP / JOURNAL).write_text(note + "\n")
    for file in (tmp_path / "a.txt", inner / "a.txt"):
        file.write_text("theirs")
    fill(inner, "b.txt")
    assert (tmp_path / "a.txt").read_text() == (inner / "a.txt").read_text() == "theirs"


def test_a_link_in_the_place_of_a_leftover_is_not_followed(tmp_path):
    target = tmp_path / "target.txt"
    target.write_text("theirs")
    state = target.stat()
    inner = tmp_path / "folder"
    (inner / WORKSHOP).mkdir(parents=True)
    note = {"name": "a.txt", "size": state.st_size, "modified": state.st_mtime_ns}
    (inner / WORKSHOP / JOURNAL).write_text(json.dumps(note))
    (inner / "a.txt").symlink_to(target)
    fill(inner, "b.txt")
    assert (inner / "a.txt").is_symlink()
    assert target.exists()


def test_a_workshop_with_folders_in_it_is_left_alone(tmp_path):
    (tmp_path / WORKSHOP / "theirs").mkdir(parents=True)
    with pytest.raises(ValueError, match="theirs, which no run made"):
        fill(tmp_path, "a.txt")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / WORKSHOP).symlink_to(elsewhere)
    with pytest.raises(ValueError, match="is a link"):
        fill(tmp_path / "linked", "a.txt")


def test_one_run_at_a_time(tmp_path):
    with lock_folder(tmp_path):
        assert (tmp_path / LOCK).exists()
        code = f"from unimo_hf.output_folder import lock_folder\nwith lock_folder({str(tmp_path)!r}): pass"
        second = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "is being written by another run" in second.stderr
    assert not list(tmp_path.iterdir())
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_killed_run_holds_nothing(tmp_path):
    code = f"import time\nfrom unimo_hf.output_folder import *\nwith lock_folder({str(tmp_path)!r}): time.sleep(60)"
    run = subprocess.Popen([sys.executable, "-c", code])
    while not (tmp_path / LOCK).exists():
        time.sleep(0.01)
    run.send_signal(signal.SIGKILL)
    run.wait()
    fill(tmp_path, "a.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_place_that_is_no_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file") as caught, lock_folder(tmp_path / "file" / "folder"):
        pass
    assert str(tmp_path / "file") in str(caught.value)
