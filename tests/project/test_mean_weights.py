"""tools/mean_weights.py: the mean of two models' weights, and what it refuses."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lomit_tf
from lomit_tf import zoo
from lomit_tf.model import Lomit

TOOL = Path(__file__).resolve().parents[2] / "tools" / "mean_weights.py"


def mean_of(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, TOOL, *map(str, arguments)], capture_output=True, text=True)


@pytest.mark.slow
def test_weights_are_halfway_and_other_models_are_refused(tiny, tmp_path, monkeypatch, capsys):
    for n, fields in enumerate(({}, {}, {"attributes": ("Smiling",), "groups": "smile: Smiling"})):
        model = Lomit(tiny(**fields))
        model.build()
        for generator in filter(None, (model.generator, model.ema_generator)):
            for variable in generator.variables:
                variable.assign(variable + n)
        zoo.save_folder(model, tmp_path / f"run{n}", {"command": "none"})
    done = mean_of(f"--out={tmp_path / 'mean'}", tmp_path / "run0", tmp_path / "run1")
    assert done.returncode == 0, done.stderr
    made, *given = (lomit_tf.load(tmp_path / name).inference_generator.variables for name in ("mean", "run0", "run1"))
    for mean, a, b in zip(made, *given, strict=True):
        np.testing.assert_allclose(mean, (np.asarray(a) + np.asarray(b)) / 2, atol=1e-6)
    again = mean_of(f"--out={tmp_path / 'mean'}", tmp_path / "run0", tmp_path / "run1")
    assert again.returncode == 2 and "is there already" in again.stderr

    def refused(*arguments: object) -> tuple[object, str]:
        """Exit code and standard error, in this process, which has TensorFlow already."""
        monkeypatch.setattr(sys, "argv", [str(TOOL), *map(str, arguments)])
        monkeypatch.setattr(sys, "path", [*sys.path])  # the tool adds to it
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(TOOL), run_name="__main__")
        return ended.value.code, capsys.readouterr().err

    code, said = refused(f"--out={tmp_path / 'other'}", tmp_path / "run0", tmp_path / "run2")
    assert code == 2 and "have other groups or networks" in said
    code, said = refused(f"--out={tmp_path / 'none'}", tmp_path / "run0", "celeba_non")
    assert code == 1 and "celeba_non" in said and not (tmp_path / "none").exists()
