"""Files that are written whole or not at all."""

from __future__ import annotations

import os

import pytest

from lomit_tf.runtime.atomic import write_bytes, write_text

pytestmark = pytest.mark.quick


def test_writing_leaves_the_old_file_or_the_new_one(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    write_bytes(path, b"old")

    def refuse(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refuse)
        with pytest.raises(OSError, match="No space left"):
            write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    link = tmp_path / "link.png"
    link.symlink_to(path)
    write_bytes(link, b"newer")
    assert link.is_symlink() and path.read_bytes() == b"newer"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_device_is_written_to_and_not_replaced():
    before = os.stat("/dev/full").st_mode
    with pytest.raises(OSError, match="No space left"):
        write_bytes("/dev/full", b"x" * 100_000)
    assert os.stat("/dev/full").st_mode == before


def test_any_name_that_a_file_can_have(tmp_path):
    path = tmp_path / ("ü" * 125 + ".png")  # 254 bytes, of 255
    write_bytes(path, b"x")
    assert path.read_bytes() == b"x"


def test_what_cannot_be_written_is_named_as_it_was_asked_for(tmp_path):
    path = tmp_path / "gone" / "a.png"
    with pytest.raises(FileNotFoundError) as caught:
        write_bytes(path, b"x")
    assert caught.value.filename == str(path)
    with pytest.raises(IsADirectoryError):
        write_bytes(tmp_path, b"x")


def test_text_is_utf8_in_a_folder_that_is_made(tmp_path):
    path = tmp_path / "a" / "b.txt"
    write_text(path, "ü \udcff")  # as the name of a file that is no UTF-8
    assert path.read_bytes() == b"\xc3\xbc \\udcff"
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask()


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
