"""Run by tests/training/test_strategies.py in processes of its own: one step of SGD, weights to a file.

Arguments: strategy, file for the weights (.npz). Two logical CPUs for `mirrored`; TF_CONFIG for `multi_worker`.
"""

from __future__ import annotations

import sys

import keras
import numpy as np
import tensorflow as tf

from lomit_tf.config import LomitConfig
from lomit_tf.data.pairs import training_pairs
from lomit_tf.data.sources import open_set
from lomit_tf.model import Lomit
from lomit_tf.runtime.garbage import searched_seldom
from lomit_tf.training.loop import make_step
from lomit_tf.training.strategies import distribute, is_chief, make_strategy, worker_rows


def main(name: str, output: str) -> None:
    if name == "mirrored":
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    # Every loss of the recipe on, so that none is left out of the comparison.
    config = LomitConfig.create(
        "small", image_size=64, crop=0, attributes=("Black_Hair", "Blond_Hair", "Smiling"),
        groups="hair: Black_Hair, Blond_Hair; smile: Smiling", train_images=24, base_channels=4, residual_blocks=1,
        critic_channels=4, critic_layers=4, batch_size=4, n_critic=2, system="recipe", mask_sparsity=0.5,
        edge_weight=1.0, mask_cycle_weight=1.0, mask_gate="success", strategy=name,
    )  # fmt: skip
    strategy = make_strategy(name)
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = Lomit(config)
        model.compile(keras.optimizers.SGD(1e-2), keras.optimizers.SGD(1e-2), jit_compile=False)
    before = {v.path: v.numpy() for v in model.variables}
    pipeline = training_pairs(
        open_set(config.data, "train"), config.data, batch_size=4, n_critic=2, num_groups=2, seed=0,
        rows=worker_rows(strategy, config.training),
    )  # fmt: skip
    with searched_seldom():
        names, values = make_step(strategy, model)(next(iter(distribute(strategy, pipeline.dataset))))
    if is_chief(strategy):
        moved = {path: value.numpy() - before[path] for path, value in ((v.path, v) for v in model.variables)}
        np.savez(output, replicas=strategy.num_replicas_in_sync, logs=values.numpy(), names=np.array(names), **moved)


if __name__ == "__main__":
    main(*sys.argv[1:])
