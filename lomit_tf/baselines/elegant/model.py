"""ELEGANT as a Keras model: its networks, its training step, its translation."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf
from keras import layers, ops

from lomit_tf.baselines.base import Baseline, Batch, Directions
from lomit_tf.baselines.elegant import losses
from lomit_tf.baselines.elegant.facts import FACTS
from lomit_tf.baselines.elegant.networks import Discriminators, Generator, added

RATE = 2e-4


@dataclasses.dataclass(frozen=True)
class Turn:
    """What each of 2B images takes from its exemplar in this step."""

    chosen: Any  # (2B, K) in {0, 1}: the labels whose parts are exchanged
    weights: Any  # (2B,): 0 where the pair differs in nothing
    target: Any  # (2B, K): the labels after the exchange


class Elegant(Baseline):
    """ELEGANT. A step is one update of both discriminators and one of encoder and decoder, on the same exchanges."""

    facts = FACTS

    def make_generator(self) -> layers.Layer:
        """Encoder and decoder."""
        return Generator(self.sizes, self.num_labels, self.policy)

    def make_critics(self) -> dict[str, layers.Layer]:
        """The discriminators of both sizes."""
        return {"critic": Discriminators(self.sizes)}

    def call_generator(self, generator: layers.Layer, image: Any, labels: Any) -> Any:
        """As of Baseline."""
        return generator(image, image, labels)

    def call_critics(self, image: Any, labels: Any) -> Any:
        """As of Baseline."""
        return self.critics["critic"](image, labels)

    def rate(self, side: str) -> float:
        """The same throughout."""
        return RATE

    @property
    def attributes(self) -> np.ndarray:
        """What is exchanged as one, (U, K): each label alone, or each group of labels where --groups names groups."""
        return self.membership if self.config.data.groups.strip() else np.eye(self.num_labels, dtype="float32")

    def turn(self, own: Any, other: Any) -> Turn:
        """The attributes take turns: row b of step t takes the first that differs from number (t + b) mod U on.

        Args:
            own, other: labels (2B, K) of the images and of their exemplars; rows b and B + b are one pair.
        """
        attributes = ops.convert_to_tensor(self.attributes)
        number, half = self.attributes.shape[0], own.shape[0] // 2
        differs = ops.matmul(ops.abs(own - other), ops.transpose(attributes)) > 0.5  # (2B, U)
        context = tf.distribute.get_replica_context()
        replica = context.replica_id_in_sync_group if context is not None else 0
        row = ops.concatenate([ops.arange(half)] * 2) + ops.cast(replica, "int32") * half
        start = (ops.cast(self.step, "int32") + row) % number
        order = (ops.arange(number)[None] - start[:, None]) % number
        first = ops.argmin(ops.where(differs, order, order + number), axis=1)
        chosen = ops.take(attributes, first, axis=0)
        weights = ops.cast(ops.any(differs, axis=1), "float32")
        return Turn(chosen, weights, own + chosen * (other - own))

    def train_step(self, data: Batch) -> Batch:
        """Discriminators, then encoder and decoder."""
        pairs = Directions.of(data, data["x1"].shape[1] - 1)
        turn = self.turn(pairs.own, swapped(pairs.own))
        fake = ops.stop_gradient(self._translations(pairs, turn)[0])
        logs = self.update("critic", lambda: self._critic_loss(pairs, turn, fake))
        logs |= self.update("generator", lambda: self._generator_loss(pairs, turn))
        self.update_average()
        return logs

    def _translations(self, pairs: Directions, turn: Turn) -> tuple[Any, Any]:
        """The images with exchanged parts, and with their own code, (2B, S, S, 3) each."""
        own = self.generator.encode(pairs.images)
        code = self.generator.exchange(own, [swapped(x) for x in own], turn.chosen)
        both = ops.concatenate([code, own[-1]])
        residual = self.generator.residual(both, [ops.concatenate([x, x]) for x in own])
        exchanged, again = ops.split(residual, 2, axis=0)
        return added(pairs.images, exchanged), added(pairs.images, again)

    def _critic_loss(self, pairs: Directions, turn: Turn, fake: Any) -> tuple[Any, Batch]:
        images = ops.concatenate([pairs.images, fake])
        logits = self.critics["critic"](images, ops.concatenate([pairs.own, turn.target]))
        halves = [ops.split(z, 2, axis=0) for z in logits]
        real, false = (tuple(half[i] for half in halves) for i in (0, 1))
        return losses.critic_loss(real, false, turn.weights)

    def _generator_loss(self, pairs: Directions, turn: Turn) -> tuple[Any, Batch]:
        fake, again = self._translations(pairs, turn)
        logits = self.critics["critic"](fake, turn.target)
        return losses.generator_loss(logits, again, pairs.images, turn.weights)

    def translated(self, image: Any, exemplar: Any, labels: Any, image_labels: Any) -> Batch:
        """clip(x + R) with the exemplar's parts of every attribute in which the labels differ from the image's own.

        Where the image's labels are not known, of all attributes.
        """
        attributes = ops.convert_to_tensor(self.attributes)
        chosen = ops.ones_like(labels)
        if image_labels is not None:
            differs = ops.matmul(ops.abs(labels - image_labels), ops.transpose(attributes)) > 0.5
            chosen = ops.matmul(ops.cast(differs, "float32"), attributes)
        return {"image": self.inference_generator(image, exemplar, chosen)}

    def reconstruct(self, image: Any, labels: Any) -> Any:
        """x + R with the image's own code."""
        return self.inference_generator(image, image, ops.zeros_like(labels))


def swapped(x: Any) -> Any:
    """Rows b and B + b of (2B, ...) exchanged: what belongs to the other image of the pair."""
    first, second = ops.split(x, 2, axis=0)
    return ops.concatenate([second, first])
