"""Students of a trained model, what they share: where they begin, how they step, and the record of who taught them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from lomit_tf.config import ConfigError, LomitConfig
from lomit_tf.model import Batch, Lomit
from lomit_tf.runtime.atomic import write_text
from lomit_tf.training.checkpoints import Workdir
from lomit_tf.training.warm_start import average_anew, take_over


class StudentModel(Lomit):
    """A Lomit that learns from a trained model, and asks no critic.

    Args:
        config: the student's own.
        start: whose averaged weights it begins with, wherever the shapes are the same; None begins anew. Residual
          blocks that `start` does not have begin as the identity.
    """

    keeps_critic = False  # whether it takes over the critic of `start`, too, for whatever trains it further

    def __init__(self, config: LomitConfig, start: Lomit | None) -> None:
        super().__init__(config)
        self.start = start

    def build(self, input_shape: Any = None) -> None:
        """As Lomit's, and the weights of `start`."""
        if getattr(self, "built", False):
            return
        super().build(input_shape)
        if self.start is not None:
            self._take_over(self.start)

    def _take_over(self, start: Lomit) -> None:
        take_over(self.generator, start.inference_generator)
        average_anew(self)
        if self.keeps_critic and start.has_critic:
            take_over(self.critic, start.critic)

    def learn(self, variables: Sequence[keras.Variable], ask: Callable[[], tuple[Any, Batch, Batch]]) -> Batch:
        """One update of variables of the generator side; what to log.

        `ask` gives the loss, its terms by name, and by group the masks (B, S, S) whose state is logged.
        """
        with tf.GradientTape() as tape:
            loss, terms, masks = ask()
            total = self._scale() * loss
        gradients = tape.gradient(total, variables)
        self.generator_optimizer.apply(gradients, variables)
        self._update_average()
        logs = {f"generator/{name}": tf.cast(term, tf.float32) for name, term in terms.items()}
        logs["generator/gradient_norm"] = tf.linalg.global_norm(gradients)
        for name, mask in masks.items():
            logs[f"mask/{name}/mean"] = tf.reduce_mean(mask)
            logs[f"mask/{name}/variance"] = tf.reduce_mean(tf.math.reduce_variance(mask, axis=(1, 2)))
        return logs


def record_teacher(work: Workdir, file: str, record: Mapping[str, Any], said: str, **names: str) -> None:
    """Write what teaches into a workdir, or check that it is what taught the student there.

    `names` are noted and may change; `said`, of the student there, is for the message.

    Raises ConfigError where the student there learned otherwise.
    """
    place, record = work.path / file, json.loads(json.dumps(record))
    if place.exists() and work.latest is not None:
        before = json.loads(place.read_text())
        if differing := [name for name in record if before.get(name) != record[name]]:
            raise ConfigError(f"{place}: {said} ({', '.join(differing)}); use another --workdir")
    work.path.mkdir(parents=True, exist_ok=True)
    write_text(place, json.dumps({**record, **names}, indent=1) + "\n")


def fingerprint(model: Lomit) -> str:
    """SHA-256 of a model's averaged weights."""
    digest = hashlib.sha256()
    for value in model.inference_generator.variables:
        digest.update(np.ascontiguousarray(value, dtype="<f4").tobytes())
    return digest.hexdigest()
