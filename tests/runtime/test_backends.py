"""Networks, losses and objectives are free of TensorFlow, and run under another backend."""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


PURE = [
    *sorted((ROOT / "lomit_tf/networks").glob("*.py")), *sorted((ROOT / "lomit_tf/losses").glob("*.py")),
    *(ROOT / "lomit_tf/objectives").glob("*.py"), *sorted((ROOT / "lomit_tf/settings").glob("*.py")),
    ROOT / "lomit_tf/config.py",
]  # fmt: skip


@pytest.mark.parametrize("path", PURE, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_networks_losses_and_objectives_import_keras_only(path):
    tops = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            tops |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            tops.add(str(node.module).split(".")[0])
    assert tops <= {"keras", "lomit_tf", *sys.stdlib_module_names}, tops
    assert "tf." not in path.read_text().replace("lomit_tf.", "")


OTHER_BACKEND = """
import sys
import numpy as np
from lomit_tf import objectives
from lomit_tf.config import LomitConfig
from lomit_tf.networks.critic import Critic
from lomit_tf.networks.generator import Generator

config = LomitConfig.create(base_channels=4, residual_blocks=1, critic_channels=2, critic_layers=3,
                            system="recipe", mask_filter=2)
rng = np.random.default_rng(0)
x1, x2 = rng.uniform(-1, 1, (2, 2, 16, 16, 3)).astype("float32")
y1, y2, one = np.zeros((2, 1), "float32"), np.ones((2, 1), "float32"), np.ones((2, 1), "float32")
membership = np.ones((1, 1), "float32")
pairs = objectives.Pairs.of(x1, y1, x2, y2, one, membership)
generator, critic = Generator(config.model, 1), Critic(config.model, 1)
first = objectives.translate(generator, config, pairs, reconstruct=True)
terms = objectives.generator_terms(objectives.Step(generator, critic, config, membership, pairs, first))
assert all(np.isfinite(float(t)) for t in terms.values()), terms
assert "tensorflow" not in sys.modules
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["torch"])
def test_networks_and_losses_run_under_another_backend(backend):
    """JAX has a whole training step of its own: tests/training/test_jax_step.py."""
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed (it is not among our dependencies)")
    subprocess.run(
        [sys.executable, "-c", OTHER_BACKEND], check=True, cwd=ROOT, env={**os.environ, "KERAS_BACKEND": backend}
    )
