"""Run by tests/training/test_jax_step.py in a process of its own, on JAX: one step of SGD for each case of a folder.

Argument: the folder, with NAME.in.npz (weights, element, configuration); NAME.out.npz is written. A name that ends in
-2 is computed on two CPU devices.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import jax
import keras
import numpy as np

from lomit_tf.config import LomitConfig
from lomit_tf.model_base import LomitBase
from lomit_tf.training.checkpoints import networks_by_part
from lomit_tf.training.jax_step import JaxStep

# The critic's gradient is 67 long here. With ten times the rate, rounding decides after the first of its two updates on
# which side of a leaky ReLU's kink some units are, and terms of the second differ by 5e-3 between any two backends.
RATE = 1e-3


def main(folder: Path) -> None:
    for path in sorted(folder.glob("*.in.npz")):
        given = np.load(path)
        model = LomitBase(LomitConfig.from_flat(json.loads(given["config"].tobytes())))
        model.compile(keras.optimizers.SGD(RATE), keras.optimizers.SGD(RATE), jit_compile=False)
        parts = networks_by_part(model)
        for part, variables in parts.items():
            for i, variable in enumerate(variables):
                variable.assign(given[f"{part}/{i:04d}"])
        name = path.name.removesuffix(".in.npz")
        step = JaxStep(model, jax.local_devices()[: 2 if name.endswith("-2") else 1])
        element = {key.partition("/")[2]: given[key] for key in given.files if key.startswith("element/")}
        logs = step(element)
        out = {f"{part}/{i:04d}": v.numpy() for part, variables in parts.items() for i, v in enumerate(variables)}
        np.savez(folder / f"{name}.out.npz", names=np.array(list(logs)), logs=np.array(list(logs.values())), **out)
    assert "tensorflow" not in sys.modules


if __name__ == "__main__":
    main(Path(sys.argv[1]))
