"""Run by tests/baselines/test_domain_training.py in a process of its own: one step of SGD of some methods.

Arguments: file for the weights (.npz), methods. Each method takes the step on one CPU and on two logical CPUs; the file
has what each variable, pools of pictures among them, has moved by: METHOD/STRATEGY/NUMBER.
"""

from __future__ import annotations

import sys

import keras
import numpy as np
import tensorflow as tf

from lomit_tf.data.pairs import training_pairs
from lomit_tf.data.sources import open_set
from lomit_tf.settings.methods import model_class
from lomit_tf.training.strategies import distribute, make_strategy, worker_rows
from tests.helpers.baselines_sizes import tiny_config


def moved_by(method: str, name: str) -> dict[str, np.ndarray]:
    """What one step of a method under a strategy moves its variables by, and the step's terms."""
    config = tiny_config(method, strategy=name, batch_size=4, ema_decay=0.5)
    strategy = make_strategy(name)
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = model_class(method)(config)
        sides = ("generator", "attention", *model.critics)
        model.compile({side: keras.optimizers.SGD(1e-2) for side in sides}, jit_compile=False)
    variables = [v for part in model.checkpoint_parts().values() for v in part]
    before = [np.asarray(v) for v in variables]
    pipeline = training_pairs(
        open_set(config.data, "train"), config.data, batch_size=4, n_critic=config.training.n_critic, num_groups=1,
        seed=0, rows=worker_rows(strategy, config.training),
    )  # fmt: skip
    logs = strategy.run(model.train_step, args=(next(iter(distribute(strategy, pipeline.dataset))),))
    # Norms of the gradients are of each replica's own part, and not of the global gradient.
    terms = [strategy.reduce("MEAN", v, axis=None) for name, v in logs.items() if not name.endswith("gradient_norm")]
    found = {f"{i:03d}": np.asarray(v) - old for i, (v, old) in enumerate(zip(variables, before, strict=True))}
    return found | {"logs": np.array(terms), "replicas": np.array(strategy.num_replicas_in_sync)}


def main(output: str, *methods: str) -> None:
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    found = {}
    for method in methods:
        for name in ("one_device", "mirrored"):
            found |= {f"{method}/{name}/{key}": value for key, value in moved_by(method, name).items()}
    np.savez(output, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
