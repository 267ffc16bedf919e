# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Nothing that lies outside of a checkpoint is copied or uploaded with it."""

import os

import pytest

from unimo_hf.pipelines import checkpoint_files
from unimo_hf.pipelines.checkpoint_files import copy_file, files_inside
from unimo_hf.pipelines.hub import upload_checkpoint


@pytest.fixture
def checkpoint(tmp_path):
    folder = tmp_path / "checkpoint"
    (folder / "examples").mkdir(parents=True)
    (folder / "examples" / "clip.mp4").write_bytes(b"clip")
    (folder / "config.json").write_text("{}")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "id_rsa").write_text("secret")
    return folder


def names(files, folder):
    return [file.relative_to(folder).as_posix() for file in files]


def test_files_and_links_within_the_folder(checkpoint):
    (checkpoint / "LICENSE").symlink_to("config.json")
    (checkpoint / "other").symlink_to("examples", target_is_directory=True)
    assert names(files_inside(checkpoint), checkpoint) == ["LICENSE", "config.json", "examples/clip.mp4"]
    assert names(files_inside(checkpoint, ["other/*", "gone/*"]), checkpoint) == ["other/clip.mp4"]


@pytest.mark.parametrize(
    ("link", "target", "patterns"),
    [
        ("LICENSE", "/etc/passwd", ["**/*"]),
        ("LICENSE", "../secrets/id_rsa", ["LICENSE*"]),
        ("examples/x", "../../secrets/id_rsa", ["examples/*"]),
        ("video_fsq", "../secrets", ["video_fsq/*"]),
        ("again", "../checkpoint/../secrets/id_rsa", ["**/*"]),
    ],
)
def test_a_link_that_leads_out_is_named_with_its_target(checkpoint, link, target, patterns):
    (checkpoint / link).symlink_to(target)
    with pytest.raises(ValueError, match=f"{link} is a link to {target}, outside of {checkpoint}"):
        files_inside(checkpoint, patterns)


def test_a_link_over_a_link(checkpoint):
    (checkpoint / "inner").symlink_to("../secrets")
    (checkpoint / "LICENSE").symlink_to("inner/id_rsa")
    with pytest.raises(ValueError, match="LICENSE is a link to inner/id_rsa, outside"):
        files_inside(checkpoint, ["LICENSE"])


@pytest.mark.parametrize("target", ["gone", "LICENSE"])
def test_a_link_to_nothing(checkpoint, target):
    (checkpoint / "LICENSE").symlink_to(target)
    with pytest.raises(ValueError, match=f"LICENSE is a link to {target}, which is not there"):
        files_inside(checkpoint)


def test_a_pipe_is_refused_and_not_read(checkpoint):
    os.mkfifo(checkpoint / "NOTICE")
    with pytest.raises(ValueError, match="NOTICE is no ordinary file"):
        files_inside(checkpoint)


def test_a_snapshot_of_the_hub_links_to_its_blobs_only(tmp_path):
    """As huggingface_hub lays it out: by repository, or for all of them in one place."""
    hub = tmp_path / "hub"
    snapshot = hub / "models--me--unimo" / "snapshots" / "0123abcd"
    blobs, shared = hub / "models--me--unimo" / "blobs", hub / "blobs" / "ab"
    for folder in (snapshot / "video_fsq", blobs, shared):
        folder.mkdir(parents=True)
    (blobs / "123").write_text("{}")
    (shared / "abcd").write_text("weights")
    (blobs / "456").symlink_to("../../blobs/ab/abcd")
    (snapshot / "config.json").symlink_to("../../blobs/123")
    (snapshot / "video_fsq" / "model.safetensors").symlink_to("../../../blobs/456")
    found = files_inside(snapshot)
    assert names(found, snapshot) == ["config.json", "video_fsq/model.safetensors"]
    copy_file(found[1], tmp_path / "copy" / "model.safetensors")
    assert (tmp_path / "copy" / "model.safetensors").read_text() == "weights"
    assert not (tmp_path / "copy" / "model.safetensors").is_symlink()

    (blobs / "789").symlink_to("/etc/passwd")
    (snapshot / "LICENSE").symlink_to("../../blobs/789")
    with pytest.raises(ValueError, match="LICENSE is a link to"):
        files_inside(snapshot)


def test_a_file_that_grows_is_not_copied(checkpoint, tmp_path, monkeypatch):
    class Grown:
        st_size = 2

    monkeypatch.setattr(checkpoint_files.os, "fstat", lambda _: Grown)
    with pytest.raises(ValueError, match=r"clip\.mp4 had 2 bytes and has others by now"):
        copy_file(checkpoint / "examples" / "clip.mp4", tmp_path / "copy" / "clip.mp4")
    assert not list((tmp_path / "copy").iterdir())


def test_a_copy_over_a_link_to_itself_loses_nothing(checkpoint, tmp_path):
    (tmp_path / "link").symlink_to(checkpoint / "config.json")
    copy_file(checkpoint / "config.json", tmp_path / "link")
    assert (checkpoint / "config.json").read_text() == (tmp_path / "link").read_text() == "{}"


def test_an_upload_asks_before_it_asks_the_hub(checkpoint):
    (checkpoint / "LICENSE").symlink_to("/etc/passwd")
    with pytest.raises(ValueError, match="LICENSE is a link to /etc/passwd"):
        upload_checkpoint(checkpoint, "me/unimo")
