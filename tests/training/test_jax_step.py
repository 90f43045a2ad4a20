"""One step on JAX is one on TensorFlow: terms, gradients and weights, on one device and on two."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lomit_tf.training.checkpoints import networks_by_part
from tests.helpers import lomit_models
from tests.helpers.jax_flags import QUICK
from tests.helpers.jax_sgd_step import RATE

pytest.importorskip("jax", reason="jax is not installed (extra jax)")

TESTS = Path(__file__).parents[1]
# To compile a step takes most of the time: two of them have all that there is, one group and two, free painters
# and colours, the paper's losses and the recipe's. A name that ends in -2 is computed on two devices.
CASES = {
    "paper": {**lomit_models.PAPER},
    "recipe-2": {**lomit_models.RECIPE, "colour_groups": ("hair",), "mask_contrast": 0.5, "mask_filter": 2},
}


def on_tensorflow(name: str, config, element, folder: Path) -> dict[str, np.ndarray]:
    """The step on TensorFlow; what it started from goes into a file."""
    model = lomit_models.make(config, RATE)
    parts = networks_by_part(model)
    before = {f"{part}/{i:04d}": v.numpy() for part, found in parts.items() for i, v in enumerate(found)}
    flat = np.frombuffer(json.dumps(config.flat()).encode(), np.uint8)
    given = {f"element/{key}": value for key, value in element.items()}
    np.savez(folder / f"{name}.in.npz", config=flat, **before, **given)
    logs = lomit_models.logs_of(model, lomit_models.tensors(element))
    after = {f"{part}/{i:04d}": v.numpy() for part, found in parts.items() for i, v in enumerate(found)}
    return {"names": np.array(list(logs)), "logs": np.array(list(logs.values())), "before": before, "after": after}


@pytest.fixture(scope="module")
def both(tmp_path_factory, tiny, element) -> dict[str, tuple[dict, dict]]:
    """Case -> its step on TensorFlow, and on JAX."""
    folder = tmp_path_factory.mktemp("steps")
    expected = {}
    for name, fields in CASES.items():
        config = tiny(**fields, n_critic=2, ema_decay=0.9, precision="float32")
        data = element(config)
        if config.model.colour_groups:
            data["colours_only"] = np.float32([[[0], [1]], [[1], [0]]])
        expected[name] = on_tensorflow(name, config, data, folder)
    environment = os.environ | {
        "PYTHONPATH": str(TESTS.parent), "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"--xla_force_host_platform_device_count=2 {QUICK}",
    }  # fmt: skip
    command = [sys.executable, str(TESTS / "helpers" / "jax_sgd_step.py"), str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    return {name: (expected[name], dict(np.load(folder / f"{name}.out.npz"))) for name in CASES}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_terms_and_weights_are_those_of_tensorflow(both, name):
    expected, found = both[name]
    ours, theirs = (dict(zip(one["names"].tolist(), one["logs"].tolist(), strict=True)) for one in (found, expected))
    assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-5)
    moved = 0
    for key, value in expected["after"].items():
        step = value - expected["before"][key]
        size = np.linalg.norm(step)
        # Biases start at 0, so that they are their step; of some the gradients nearly cancel, and the narrow bound of
        # the learned colours (`curves.CORRECTION`) makes them steep.
        assert np.linalg.norm(found[key] - value) <= 1e-4 * np.linalg.norm(value) + 3e-3 * size + 1e-8, key
        assert np.linalg.norm(found[key] - expected["before"][key] - step) <= 3e-3 * size + 1e-7, key
        moved += bool(size > 0)
    assert moved > 100
