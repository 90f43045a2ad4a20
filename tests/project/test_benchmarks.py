"""Every benchmark and tool explains itself, and measures or writes nothing while it does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import BENCHMARKS, BY_NAME

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("benchmarks", "tools")
    for path in (ROOT / folder).rglob("*.py")
    if "__main__" in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("file", FILES)
def test_help_is_asked_for_before_anything_is_done(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    last = text.rpartition('__name__ == "__main__"')[2]
    assert "explain(__doc__)" in last or "argparse" in text or "asked(__doc__" in text or '"--help" in argv' in text


def test_every_benchmark_is_listed():
    listed = {f"benchmarks/{name}.py" for name in (*BENCHMARKS, *BY_NAME, "__main__", "authors_worker")}
    assert listed == {file for file in FILES if file.startswith("benchmarks/")}


@pytest.mark.slow
@pytest.mark.parametrize("file", ["benchmarks/photograph.py", "tools/config_table.py", "tools/face_framing.py"])
def test_help(file):
    command = (
        [sys.executable, "-m", file[:-3].replace("/", ".")] if file.startswith("benchmarks") else [sys.executable, file]
    )
    done = subprocess.run(
        [*command, "--help"], cwd=ROOT, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) > 3 and "wrote" not in done.stdout
