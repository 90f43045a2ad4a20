"""tools/mean_weights.py: the mean of two models' weights, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lomit_tf
from lomit_tf import zoo
from lomit_tf.model import Lomit

ROOT = Path(__file__).resolve().parents[2]


def mean_of(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "tools" / "mean_weights.py", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.slow
def test_weights_are_halfway_and_other_models_are_refused(tiny, tmp_path):
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
    other = mean_of(f"--out={tmp_path / 'other'}", tmp_path / "run0", tmp_path / "run2")
    assert other.returncode == 2 and "have other groups or networks" in other.stderr
    none = mean_of(f"--out={tmp_path / 'none'}", tmp_path / "run0", "celeba_non")
    assert none.returncode == 1 and "celeba_non" in none.stderr and not (tmp_path / "none").exists()
