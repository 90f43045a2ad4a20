"""StarGAN as a Keras model: its networks, its training step, its translation."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from keras import layers, ops

from lomit_tf.baselines.base import Baseline, Batch, Directions
from lomit_tf.baselines.schedules import LinearDecay
from lomit_tf.baselines.stargan import losses
from lomit_tf.baselines.stargan.facts import FACTS
from lomit_tf.baselines.stargan.networks import Generator
from lomit_tf.losses.adversarial import interpolate
from lomit_tf.losses.classification import target_labels
from lomit_tf.networks.critic import Critic
from lomit_tf.settings.model import ModelConfig

RATE = 1e-4


class StarGAN(Baseline):
    """StarGAN. A step is n_critic updates of the critic on fresh pairs, then one of the generator."""

    facts = FACTS

    def make_generator(self) -> layers.Layer:
        """G."""
        return Generator(self.sizes, self.policy)

    def make_critics(self) -> dict[str, layers.Layer]:
        """D, with D_src and D_cls."""
        sizes = ModelConfig(critic_channels=self.sizes.critic_channels, critic_layers=self.sizes.critic_layers)
        return {"critic": Critic(sizes, self.num_labels)}

    def call_generator(self, generator: layers.Layer, image: Any, labels: Any) -> Any:
        """As of Baseline."""
        return generator(image, labels)

    def call_critics(self, image: Any, labels: Any) -> Any:
        """As of Baseline."""
        return self.critics["critic"](image, labels)[0]

    def rate(self, side: str) -> LinearDecay:
        """Constant in the first half of the run, linear to 0 in the second; counted in a side's own updates."""
        t = self.config.training
        updates = 1 if side == "generator" else t.n_critic
        return LinearDecay(RATE, t.schedule_steps // 2 * updates, t.schedule_steps * updates)

    def train_step(self, data: Batch) -> Batch:
        """n_critic critic updates, then one generator update on the last sub-batch."""
        logs: Batch = {}
        n_critic = data["x1"].shape[1]
        for j in range(n_critic):
            pairs = Directions.of(data, j)
            fake = ops.stop_gradient(ops.cast(self.generator(pairs.images, pairs.target), "float32"))
            logs |= self._critic_step(pairs, fake)
        logs |= self.update("generator", lambda: self._generator_loss(pairs))
        self.update_average()
        return logs

    def _critic_step(self, pairs: Directions, fake: Any) -> Batch:
        critic = self.critics["critic"]
        mixed = interpolate(pairs.images, fake, pairs.alpha)
        count = pairs.images.shape[0]

        def loss() -> tuple[Any, Batch]:
            scores, logits = critic(ops.concatenate([pairs.images, fake]), ops.concatenate([pairs.own, pairs.target]))
            with tf.GradientTape() as inner:
                inner.watch(mixed)
                score = tf.reduce_sum(critic(mixed, pairs.target)[0])
            gradient = inner.gradient(score, mixed)
            return losses.critic_loss(scores[:count], scores[count:], gradient, logits[:count], pairs.own)

        return self.update("critic", loss)

    def _generator_loss(self, pairs: Directions) -> tuple[Any, Batch]:
        fake = ops.cast(self.generator(pairs.images, pairs.target), "float32")
        scores, logits = self.critics["critic"](fake, pairs.target)
        returned = self.generator(fake, pairs.own)
        return losses.generator_loss(scores, logits, pairs.target, returned, pairs.images)

    def translated(self, image: Any, exemplar: Any, labels: Any, image_labels: Any) -> Batch:
        """G(x, labels); the exemplar's picture is not looked at."""
        return {"image": self.inference_generator(image, labels)}

    def reconstruct(self, image: Any, labels: Any) -> Any:
        """G(x, the image's own labels)."""
        return self.inference_generator(image, labels)

    def guess_labels(self, image: Any, exemplar: Any, transfer: Any) -> tuple[Any, Any]:
        """What D_cls, trained beside G, says of both pictures."""
        critic, none = self.critics["critic"], ops.zeros((1, self.num_labels))
        own, theirs = (ops.cast(critic(x, none)[1] > 0, "float32") for x in (image, exemplar))
        return target_labels(own, theirs, transfer, ops.convert_to_tensor(self.membership)), own
