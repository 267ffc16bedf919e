# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The folder of a run: one run at a time, nothing of others is replaced, and a model that is whole or absent."""

import os
import sys

import pytest
from safetensors import SafetensorError

from unimo_hf.output_folder import lock_folder
from unimo_hf.training import run_folder
from unimo_hf.training.log import MetricLog
from unimo_hf.training.run_folder import UNFINISHED_MODEL, hold_run_folder, put_model

sys.path.append(os.path.dirname(__file__))
from line_stage import Line, assert_same, changed, crash, run, weights


def names(folder):
    return {path.name for path in folder.iterdir()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return weights(run(tmp_path_factory.mktemp("whole")))


def test_a_second_run_into_the_folder_is_told_so(tmp_path, whole):
    with lock_folder(tmp_path), pytest.raises(ValueError, match="is being written by another run"):
        run(tmp_path)
    assert not names(tmp_path)
    assert_same(weights(run(tmp_path)), whole)
    assert names(tmp_path) == {"checkpoints", "config.json", "log.jsonl", "model.safetensors"}


@pytest.mark.parametrize(
    "name",
    [
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "model-00001-of-00002.safetensors",
        "model.safetensors.index.json",
        "training_only.safetensors",
        "tokenizer.json",
        "processor_config.json",
        "log.jsonl",
        "motion_vqvae",
        "video_fsq",
    ],
)
def test_what_others_have_is_not_replaced(tmp_path, name):
    (tmp_path / name).write_text('{"theirs": 1}')
    with pytest.raises(ValueError, match=rf"{name} is not of a training run, and would be replaced"):
        run(tmp_path, at_step={1: crash})
    assert names(tmp_path) == {name}
    assert (tmp_path / name).read_text() == '{"theirs": 1}'


def test_other_files_in_the_folder_stay(tmp_path, whole):
    others = ["package.json", "recipe.yaml", "model.bin", "model_config.json", ".gitignore"]
    for name in others:
        (tmp_path / name).write_text("theirs")
    assert_same(weights(run(tmp_path)), whole)
    assert all((tmp_path / name).read_text() == "theirs" for name in others)


@pytest.mark.parametrize("left", ["log.jsonl", "checkpoints"])
def test_a_folder_is_known_by_its_log_or_its_checkpoints(tmp_path, left):
    run(tmp_path)
    other = tmp_path / ({"log.jsonl", "checkpoints"} - {left}).pop()
    other.rename(tmp_path / "elsewhere")
    run(tmp_path, changed(learning_rate=0.2))


def test_a_log_of_a_run_that_did_not_come_far(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    for text in ("", '{"st', '{"step": 5, "validation/slope": 1.0}\n'):
        (tmp_path / "log.jsonl").write_text(text)
        with hold_run_folder(tmp_path):
            pass


def test_a_place_that_can_not_be_written_is_said_first(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        run(tmp_path / "file" / "run", at_step={1: crash})
    (tmp_path / "checkpoints").write_text("")
    with pytest.raises(ValueError, match="checkpoints is no folder"):
        run(tmp_path, at_step={1: crash})


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux's full disk")
def test_a_disk_that_is_full_when_the_log_is_written(tmp_path):
    (tmp_path / "log.jsonl").symlink_to("/dev/full")
    with pytest.raises(OSError, match=r"No space.*log\.jsonl"):
        MetricLog(tmp_path).write(1, {"loss": 1.0})


def save_old(folder):
    run(folder, changed(seed=1))
    return Line.from_pretrained(folder).state_dict()


@pytest.mark.parametrize("error", [SafetensorError("I/O error: No space left on device"), OSError(28, "No space")])
def test_a_disk_that_is_full_at_the_end_leaves_the_model_before(tmp_path, whole, monkeypatch, error):
    old = save_old(tmp_path)

    def save_half(self, folder, **options):
        self.config.save_pretrained(folder)
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(Line, "save_pretrained", save_half)
        with pytest.raises(OSError, match="No space"):
            run(tmp_path, resume=False)
    assert_same(Line.from_pretrained(tmp_path).state_dict(), old)
    assert names(tmp_path / "checkpoints") == {"step_00000006"}
    assert_same(weights(run(tmp_path)), whole)
    assert_same(Line.from_pretrained(tmp_path).state_dict(), whole)


@pytest.mark.skipif(os.name == "nt", reason="forks")
@pytest.mark.parametrize("moves", [0, 1, 2])
def test_a_kill_while_the_model_is_moved_leaves_none_or_a_whole_one(tmp_path, monkeypatch, moves):
    def write(content):
        def save(folder):
            (folder / "part").mkdir()
            for name in ("config.json", "model.safetensors", "part/config.json"):
                (folder / name).write_text(content)

        return save

    replace, done = run_folder.Path.replace, []

    def killed(self, target):
        if len(done) == moves:
            os._exit(9)
        done.append(target)
        return replace(self, target)

    put_model(tmp_path, write("old"))
    child = os.fork()
    if not child:
        monkeypatch.setattr(run_folder.Path, "replace", killed)
        put_model(tmp_path, write("new"))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert not (tmp_path / "config.json").exists()
    put_model(tmp_path, write("new"))
    assert {path.read_text() for path in tmp_path.rglob("*") if path.is_file()} == {"new"}
    assert names(tmp_path) == {"config.json", "model.safetensors", "part", "checkpoints"}
    assert not names(tmp_path / "checkpoints")


def test_what_others_put_where_the_model_is_written_stays(tmp_path):
    theirs = tmp_path / "checkpoints" / UNFINISHED_MODEL / "notes.txt"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("theirs")
    with pytest.raises(ValueError, match=r"\.unimo-model holds what no run made"):
        put_model(tmp_path, lambda folder: None)
    assert theirs.read_text() == "theirs"
