# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import pytest

from unimo_hf.atomic import replace_when_done


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
