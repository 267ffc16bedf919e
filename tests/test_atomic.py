# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import os
import stat

import numpy as np
import pytest
from safetensors.numpy import save_file

from unimo_hf.atomic import follow_umask, replace_when_done


def test_the_file_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "new folder" / "a.txt"
    with replace_when_done(path) as aside:
        aside.write_text("new")
        assert aside.suffix == ".txt"
        assert not path.exists()
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_the_old_file_stays_when_the_block_fails(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def interrupted():
        with replace_when_done(path) as aside:
            aside.write_text("half")
            raise error

    with pytest.raises(error):
        interrupted()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_error_names_the_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file") as caught, replace_when_done(tmp_path / "file" / "a.txt"):
        pass
    assert str(tmp_path / "file") in str(caught.value)

    def full_disk():
        with replace_when_done(tmp_path / "a.txt"):
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match=r"a\.txt"):
        full_disk()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.fixture(params=[0o022, 0o077, 0o002])
def mode(request):
    """What a new file gets by the umask."""
    before = os.umask(request.param)
    yield 0o666 & ~request.param
    os.umask(before)


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_follows_the_umask_whoever_wrote_it(tmp_path, mode):
    with replace_when_done(tmp_path / "a.txt") as aside:
        aside.write_text("ours")
    with replace_when_done(tmp_path / "b.safetensors") as aside:
        save_file({"x": np.zeros(1)}, aside)
    assert mode_of(tmp_path / "a.txt") == mode_of(tmp_path / "b.safetensors") == mode


def test_weights_follow_the_umask_and_nothing_else_changes(tmp_path, mode):
    for name in ("model.safetensors", "other.safetensors"):
        save_file({"x": np.zeros(1)}, tmp_path / name)
    follow_umask(*tmp_path.glob("model*.safetensors"))
    assert mode_of(tmp_path / "model.safetensors") == mode
    assert mode_of(tmp_path / "other.safetensors") == 0o600
    assert len(list(tmp_path.iterdir())) == 2


def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path):
    with replace_when_done(tmp_path / ("é" * 125 + ".npz")) as aside:
        aside.write_text("x")
    assert [len(path.name.encode()) for path in tmp_path.iterdir()] == [254]
