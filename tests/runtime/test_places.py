"""Whether results can be written, before any work is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from lomit_tf.config import ConfigError
from lomit_tf.runtime.places import check_file, check_folder

pytestmark = pytest.mark.quick


def test_places_that_can_be_written_are_left_as_they_were(tmp_path):
    (tmp_path / "there.png").write_text("old")
    (tmp_path / "link.png").symlink_to(tmp_path / "there.png")
    for path in ("new.png", "a/b/new.png", "there.png", "link.png"):
        check_file("out", tmp_path / path)
    check_file("out", Path("/dev/null"))
    for path in ("", "a/b"):
        check_folder("out", tmp_path / path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link.png", "there.png"]
    assert (tmp_path / "there.png").read_text() == "old"


@pytest.mark.parametrize(
    ("check", "path", "says"),
    [
        (check_file, "/proc/o.png", "--out=/proc/o.png cannot be written: "),
        (check_folder, "/proc/o", "--out=/proc/o cannot be written: "),
        (check_file, "{}", " is a folder; name a file"),
        (check_file, "{}/there.png/o.png", "there.png is a file, not a folder; name another file"),
        (check_folder, "{}/there.png/o", "there.png is a file, not a folder; name another folder"),
    ],
)
def test_places_that_cannot_are_named_with_their_flag(check, path, says, tmp_path):
    (tmp_path / "there.png").write_text("")
    given = path.format(tmp_path)
    with pytest.raises(ConfigError) as error:
        check("out", Path(given))
    assert str(error.value).startswith(f"--out={given}") and says in str(error.value)
