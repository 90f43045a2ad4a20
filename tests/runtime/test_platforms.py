"""What other systems do differently, as far as Linux can show it: line ends, console code pages, encodings, paths."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lomit_tf.commands import flags
from lomit_tf.config import LomitConfig

pytestmark = pytest.mark.quick
ROOT = Path(__file__).resolve().parents[2]
NAME = "日本 ß"  # cp1252 has the second character and not the first; cp437 likewise, ASCII neither


def python(code_page: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    """Python in a console of this code page, as it is on Windows: not in UTF-8 mode."""
    environment = os.environ | {"PYTHONIOENCODING": code_page, "PYTHONUTF8": "0", "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True)


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.cfg")), ids=lambda path: path.stem)
def test_flagfiles_with_the_line_ends_and_the_mark_of_windows_editors(path, tmp_path):
    text = path.read_text(encoding="utf-8")
    changed = tmp_path / path.name
    changed.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert flags.parse([f"--flagfile={changed}"]).config == flags.parse([f"--flagfile={path}"]).config


def test_effective_flagfile_of_a_run_with_windows_line_ends(tmp_path):
    config = LomitConfig.create("small", data_dir=f"C:\\faces\\{NAME}", groups="a: Smiling; b: Male",
                                attributes=("Smiling", "Male"))  # fmt: skip
    (tmp_path / "flags.cfg").write_bytes(flags.effective_flagfile(config).replace("\n", "\r\n").encode())
    assert flags.parse([f"--flagfile={tmp_path / 'flags.cfg'}"]).config == config


@pytest.mark.parametrize("code_page", ["cp1252", "cp437", "ascii"])
def test_help_on_any_code_page(code_page, tmp_path):
    for module in ("train", "user_study", "translate"):
        shown = python(code_page, "-m", f"lomit_tf.{module}", "--help", cwd=tmp_path)
        assert (shown.returncode, shown.stderr) == (0, b""), module
        assert b"lomit" in shown.stdout.lower()


@pytest.mark.parametrize("code_page", ["cp1252", "cp437", "ascii"])
def test_names_that_a_code_page_lacks_are_shown_escaped(code_page, tmp_path):
    missing = python(code_page, "-m", "lomit_tf.train", f"--flagfile={NAME}.cfg", cwd=tmp_path)
    assert missing.returncode == 2
    assert b"Traceback" not in missing.stderr and b"\\u65e5\\u672c" in missing.stderr

    for folder in ("faces", "exemplars", "a", "b"):
        (tmp_path / NAME / folder).mkdir(parents=True)
        Image.fromarray(np.full((16, 16, 3), 99, np.uint8)).save(tmp_path / NAME / folder / "1.png")
    made = python(
        code_page, "-m", "lomit_tf.user_study", "make", f"--input={NAME}/faces", f"--exemplar={NAME}/exemplars",
        f"--method=a={NAME}/a", f"--method=b={NAME}/b", f"--out={NAME}/study.html", cwd=tmp_path,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert b"\\u65e5\\u672c" in made.stdout
    assert (tmp_path / NAME / "study.html").read_text(encoding="utf-8").startswith("<!")


def test_texts_are_read_and_written_in_a_stated_encoding():
    """Without one Python takes the system's: UTF-8 here, a code page on Windows."""
    found = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--select=PLW1514", "--preview", "--no-cache", "lomit_tf", "export"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout
