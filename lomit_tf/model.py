"""Lomit, the Keras model: one training step of `model_base.LomitBase` on TensorFlow (tapes, tf.distribute)."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from lomit_tf import objectives
from lomit_tf.config import LomitConfig
from lomit_tf.data.order import COLOURS_ONLY_SHARE
from lomit_tf.losses import adversarial
from lomit_tf.model_base import Batch, HalvingSchedule, LomitBase
from lomit_tf.objectives import Pairs
from lomit_tf.runtime.backend import check_backend

check_backend()

__all__ = ["Batch", "HalvingSchedule", "Lomit", "add_gradients_of_some", "update_average"]


def add_gradients_of_some(variables: list[Any], gradients: list[Any], some: list[Any], more: list[Any]) -> list[Any]:
    """Gradients of all variables, those of some of them with more added; None counts as 0."""
    extra = {id(v): g for v, g in zip(some, more, strict=True) if g is not None}
    return [g if id(v) not in extra else extra[id(v)] if g is None else g + extra[id(v)]
            for v, g in zip(variables, gradients, strict=True)]  # fmt: skip


def update_average(average: Any, network: Any, step: Any, most: float) -> None:
    """average <- d * average + (1 - d) * weights, with d = min(most, (1 + t) / (10 + t)): docs/method.md, eq. (8.2).

    Early averages forget the start.

    Args:
        average, network: layers with the same variables.
        step: t, updates made.
        most: the decay.
    """
    t = tf.cast(step, tf.float32)
    decay = tf.minimum(most, (1 + t) / (10 + t))
    targets = [v.value for v in average.variables]
    values = [v.value for v in network.variables]

    def update(strategy: tf.distribute.Strategy, decay: Any) -> None:
        for target, value in zip(targets, values, strict=True):
            strategy.extended.update(target, lambda a, w, d: a.assign(d * a + (1 - d) * w), args=(value, decay))

    tf.distribute.get_replica_context().merge_call(update, args=(decay,))


class Lomit(LomitBase):
    """LOMIT, trainable with `compile()` and `fit()` or with `lomit_tf.training.loop.train`.

    The training element is a dict: x1, x2 (B, n_critic, H, W, 3) in [-1, 1]; y1, y2 (B, n_critic, K); optional
    `alpha` (B, n_critic, 2), uniform draws of the gradient penalty for both directions, and `transfer`
    (B, n_critic, G), the groups to transfer. Critic sub-batch j is [:, j]; the generator uses the last. With all of
    them given, a step is a pure function of weights and element.
    """

    def __init__(self, config: LomitConfig, **kwargs: Any) -> None:
        super().__init__(config, **kwargs)
        self._sample_function: Any = None

    def samples(self, x1: Any, x2: Any) -> dict[str, np.ndarray]:
        """As LomitBase's, compiled."""
        if self._sample_function is None:
            self._sample_function = tf.function(self.sample_parts, autograph=False)
        results = self._sample_function(tf.convert_to_tensor(x1), tf.convert_to_tensor(x2))
        return {name: value.numpy() for name, value in results.items()}

    def train_step(self, data: Batch) -> Batch:
        """n_critic critic updates on fresh pairs, then one generator update; returns every term of both.

        Under tf.distribute the losses are divided by the number of replicas (gradients are summed over them), so
        that the whole is the mean over the global batch; the returned terms are means over this replica's part.
        """
        data = self._with_draws(data)
        n_critic = data["x1"].shape[1]
        pairs = [self._pairs(data, j) for j in range(n_critic)]
        contrast = objectives.mask_contrast(self.config, self.generator_optimizer.iterations)
        logs: Batch = {}
        # The generator does not change while the critic learns: the last sub-batch is translated once for both.
        with tf.GradientTape(persistent=True) as tape:
            first = objectives.translate(self.generator, self.config, pairs[-1], reconstruct=True, contrast=contrast)
        fakes = [
            objectives.translate(self.generator, self.config, p, reconstruct=False, contrast=contrast).image
            for p in pairs[:-1]
        ]
        for j, fake in enumerate([*fakes, first.image]):
            logs |= self._critic_step(pairs[j], tf.stop_gradient(fake), data["alpha"][:, j])
        return logs | self._generator_step(tape, pairs[-1], first, contrast)

    def _with_draws(self, data: Batch) -> Batch:
        """Fill in random draws that the element lacks (a `fit` on a plain data set)."""
        shape, groups = tf.shape(data["x1"])[:2], len(self.group_names)
        drawn = {name: tf.cast(value, tf.float32) for name, value in data.items()}  # fit() may give Keras' floatx
        if "alpha" not in data:
            drawn["alpha"] = keras.random.uniform((shape[0], shape[1], 2), dtype="float32", seed=self.random)
        if "transfer" not in data:
            coins = keras.random.uniform((shape[0], shape[1], groups), dtype="float32", seed=self.random) < 0.5
            everything = keras.random.uniform((shape[0], shape[1], 1), dtype="float32", seed=self.random) < 0.5
            nothing = tf.logical_not(tf.reduce_any(coins, axis=-1, keepdims=True))
            drawn["transfer"] = tf.cast(coins | everything | nothing, tf.float32)
        if "colours_only" not in data and self.config.model.colour_groups:
            coins = keras.random.uniform((shape[0], shape[1], 1), dtype="float32", seed=self.random)
            drawn["colours_only"] = tf.cast(coins < COLOURS_ONLY_SHARE, tf.float32)
        return drawn

    def _pairs(self, data: Batch, j: int) -> Pairs:
        names = ("x1", "y1", "x2", "y2", "transfer", "colours_only")
        part = {name: data[name][:, j] for name in names if name in data}
        return Pairs.of(**part, membership=self.membership)

    def _scale(self) -> float:
        return 1.0 / tf.distribute.get_strategy().num_replicas_in_sync

    def _critic_step(self, pairs: Pairs, fake: tf.Tensor, alpha: tf.Tensor) -> Batch:
        loss, variables = self.config.loss, self.critic.trainable_variables
        with tf.GradientTape() as tape:
            terms, logits = objectives.critic_terms(self.critic, pairs, fake)
            terms["critic/gradient_penalty"] = self._gradient_penalty(pairs, fake, alpha)
            total = self._scale() * (
                loss.adversarial_weight * terms["critic/wasserstein"]
                + objectives.PENALTY_WEIGHT * terms["critic/gradient_penalty"]
                + loss.critic_classification_weight * terms["critic/classification"]
            )
        gradients = tape.gradient(total, variables)
        self.critic_optimizer.apply(gradients, variables)
        terms["critic/accuracy"] = tf.reduce_mean(tf.cast((logits > 0) == (pairs.labels > 0.5), tf.float32))
        terms["critic/gradient_norm"] = tf.linalg.global_norm(gradients)
        return terms

    def _gradient_penalty(self, pairs: Pairs, fake: tf.Tensor, alpha: tf.Tensor) -> tf.Tensor:
        """The penalty of one critic update, a scalar; a subclass may give another (benchmarks/lazy_penalty.py)."""
        mixed = adversarial.interpolate(
            objectives.real_for_penalty(self.config, pairs), fake, tf.concat([alpha[:, 0], alpha[:, 1]], axis=0)
        )
        with tf.GradientTape() as inner:
            inner.watch(mixed)
            score = tf.reduce_sum(self.critic(mixed, pairs.target)[0])
        return adversarial.gradient_penalty(inner.gradient(score, mixed))

    def _generator_step(
        self, tape: tf.GradientTape, pairs: Pairs, first: objectives.Translation, contrast: Any
    ) -> Batch:
        variables = self.generator.trainable_variables
        step = objectives.Step(self.generator, self.critic, self.config, self.membership, pairs, first, contrast)
        weights = objectives.generator_weights(self.config, self.generator_optimizer.iterations)
        with tape:
            terms = objectives.generator_terms(step)
            total = self._scale() * sum(weights[name] * term for name, term in terms.items())
            apart = objectives.mask_decoder_terms(step)
            weighted = sum(weights[name] * term for name, term in apart.items())
            of_masks = self._scale() * weighted
        gradients = tape.gradient(total, variables)
        if apart:
            decoder = self.generator.mask_decoder.trainable_variables
            of_decoder = tape.gradient(of_masks, decoder)
            gradients = add_gradients_of_some(variables, gradients, decoder, of_decoder)
        self.generator_optimizer.apply(gradients, variables)
        self._update_average()
        masks = first.encoding.masks
        logs = {f"generator/{name}": tf.cast(term, tf.float32) for name, term in (terms | apart).items()}
        logs["generator/total"] = total / self._scale() + weighted
        logs["generator/gradient_norm"] = tf.linalg.global_norm(gradients)
        for g, name in enumerate(self.group_names):
            logs[f"mask/{name}/mean"] = tf.reduce_mean(masks[..., g])
            logs[f"mask/{name}/variance"] = tf.reduce_mean(tf.math.reduce_variance(masks[..., g], axis=(1, 2)))
        return logs

    def _update_average(self) -> None:
        """The moving average follows the generator side, once a step: docs/method.md, eq. (8.2)."""
        if self.ema_generator is not None:
            step = self.generator_optimizer.iterations
            update_average(self.ema_generator, self.generator, step, self.config.training.ema_decay)
