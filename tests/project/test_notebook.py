"""notebooks/quickstart.ipynb, run from its first cell to its last."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "notebooks" / "quickstart.ipynb"


def test_the_notebook_is_kept_without_results():
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert not [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")]


@pytest.mark.slow
def test_quickstart_runs(tmp_path):
    """In a copy that trains for fewer steps, so that its folder stays as it is; nbmake fails where a cell does."""
    for package in ("nbmake", "ipykernel", "ai_edge_litert", "ai_edge_quantizer", "onnx"):
        pytest.importorskip(package, reason=f"{package} is not installed (extras dev and export)")
    text = NOTEBOOK.read_text(encoding="utf-8")
    # Of what the cells say only these sizes are others, which take most of the time.
    shorter = {
        "STEPS = 120": "STEPS = 4",
        "--flagfile=drawn_faces.cfg": r"--flagfile=drawn_faces.cfg\", \"--residual_blocks=1\", \"--n_critic=1",
        "none,float16": "none",
    }
    for words, instead in shorter.items():
        assert text.count(words) == 1, words
        text = text.replace(words, instead)
    (tmp_path / NOTEBOOK.name).write_text(text, encoding="utf-8")
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "TMPDIR": str(tmp_path),
    }
    run = subprocess.run(
        [
            sys.executable, "-m", "pytest", "--nbmake", "--nbmake-timeout=3600", f"--rootdir={tmp_path}",
            "-p", "no:cacheprovider", "-q", NOTEBOOK.name,
        ],
        cwd=tmp_path, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    assert "1 passed" in run.stdout
