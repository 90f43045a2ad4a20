"""Small models for tests: the paper's system and the decoupled recipe, and what a step of theirs logs."""

from __future__ import annotations

import keras
import tensorflow as tf

from lomit_tf.config import LomitConfig
from lomit_tf.model import Lomit

GROUPS = {"groups": "hair: Black_Hair; smile: Smiling"}
# Weights that are all different, so that one on the wrong term shows.
WEIGHTS = {
    "adversarial_weight": 1.5, "critic_classification_weight": 1.6, "edge_weight": 0.9, "reconstruction_weight": 8.0,
    "cycle_weight": 6.0, "mask_similarity": 0.3, "mask_sparsity": 0.7,
}  # fmt: skip
PAPER = WEIGHTS
RECIPE = {
    **WEIGHTS, **GROUPS, "system": "recipe", "style_margin": 2, "reconstruction_outside": 0.3, "mask_gate": "success",
    "mask_cycle_weight": 3.0,
}  # fmt: skip


def make(config: LomitConfig, rate: float = 0.0) -> Lomit:
    keras.utils.set_random_seed(11)
    model = Lomit(config)
    model.compile(keras.optimizers.SGD(rate), keras.optimizers.SGD(rate))
    # Scores, logits and gradients of order 1, and biases, none of which the start with N(0, 0.02) gives.
    for variable in model.critic.variables:
        variable.assign(variable * 10.0 + (0.1 if len(variable.shape) == 1 else 0.0))
    model.critic.source.kernel.assign(model.critic.source.kernel * 10.0)
    return model


def tensors(data, last: bool = False):
    return {name: tf.constant(value[:, -1:] if last else value) for name, value in data.items()}


def logs_of(model, data) -> dict[str, float]:
    return {name: float(value) for name, value in model.train_step(data).items()}
