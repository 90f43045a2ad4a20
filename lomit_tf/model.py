"""Lomit, the Keras model: networks, one training step, translation. TensorFlow-specific (tapes, tf.distribute)."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from lomit_tf import core, objectives
from lomit_tf.config import LomitConfig
from lomit_tf.data.order import COLOURS_ONLY_SHARE
from lomit_tf.losses import adversarial
from lomit_tf.networks.critic import Critic
from lomit_tf.networks.generator import Generator
from lomit_tf.objectives import Pairs
from lomit_tf.runtime.backend import check_backend
from lomit_tf.runtime.forks import check_fork

check_backend()

Batch = dict[str, tf.Tensor]


def added(variables: list[Any], gradients: list[Any], some: list[Any], more: list[Any]) -> list[Any]:
    """Gradients of all variables, those of some of them with more added; None counts as 0."""
    extra = {id(v): g for v, g in zip(some, more, strict=True) if g is not None}
    return [g if id(v) not in extra else extra[id(v)] if g is None else g + extra[id(v)]
            for v, g in zip(variables, gradients, strict=True)]  # fmt: skip


class HalvingSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """The rate, halved at `start` and every `every` steps after it; derived from the step.

    So a resume keeps it. docs/method.md, eq. (8.1).
    """

    def __init__(self, rate: float, start: int, every: int) -> None:
        self.rate, self.start, self.every = rate, start, every

    def __call__(self, step: Any) -> Any:
        """Rate at an optimizer step."""
        if not self.start:
            return tf.constant(self.rate, tf.float32)
        halvings = tf.floor((tf.cast(step, tf.float32) - self.start) / self.every) + 1
        return self.rate * 0.5 ** tf.maximum(halvings, 0.0)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {"rate": self.rate, "start": self.start, "every": self.every}


class Lomit(keras.Model):
    """LOMIT, trainable with `compile()` and `fit()` or with `lomit_tf.training.loop.train`.

    The training element is a dict: x1, x2 (B, n_critic, H, W, 3) in [-1, 1]; y1, y2 (B, n_critic, K); optional
    `alpha` (B, n_critic, 2), uniform draws of the gradient penalty for both directions, and `transfer`
    (B, n_critic, G), the groups to transfer. Critic sub-batch j is [:, j]; the generator uses the last. With all of
    them given, a step is a pure function of weights and element.

    Args:
        config: a LomitConfig; `LomitConfig.create("small", ...)` makes one.
    """

    betas = (0.5, 0.999)  # decays of Adam's moments
    generator_class: type[Generator] = Generator

    def __init__(self, config: LomitConfig, **kwargs: Any) -> None:
        check_fork()
        super().__init__(**{"dtype": "float32"} | kwargs)  # not what keras.json says: its parts choose for themselves
        self.config = config
        self.group_names = tuple(config.data.group_labels)
        labels = config.data.label_names
        self.membership = np.array(
            [[label in members for label in labels] for members in config.data.group_labels.values()], "float32"
        )  # (G, K)
        policy = keras.DTypePolicy(config.training.precision)
        groups = len(self.group_names)
        parts = config.model, groups, policy, config.colour_indices
        self.generator = self.generator_class(*parts)
        if config.training.freeze_masks:
            self.generator.content_encoder.trainable = False
            self.generator.mask_decoder.trainable = False
        # In the critic's score every group counts alike, and so do the labels within one.
        each = self.membership / self.membership.sum(axis=1, keepdims=True) / groups
        self.critic = Critic(config.model, len(labels), each.sum(axis=0).tolist())
        averaged = config.training.ema_decay > 0
        self.ema_generator = self.generator_class(*parts) if averaged else None
        if self.ema_generator is not None:
            self.ema_generator.trainable = False
        self.has_critic = True  # False for shipped weights, which leave theirs out
        self._sample_function: Any = None
        self.random = keras.random.SeedGenerator(config.training.seed)

    @property
    def inference_generator(self) -> Generator:
        """The moving average where there is one: used for samples, evaluation and export."""
        return self.ema_generator or self.generator

    def build(self, input_shape: Any = None) -> None:
        """Create all weights; the average starts as a copy."""
        if getattr(self, "built", False):
            return
        size = self.config.data.image_size
        image = tf.zeros((1, size, size, 3))
        core.translate(self.generator, image, image)
        self.critic(image, tf.zeros((1, len(self.config.data.label_names))))
        if self.ema_generator is not None:
            core.translate(self.ema_generator, image, image)
            for average, value in zip(self.ema_generator.variables, self.generator.variables, strict=True):
                average.assign(value)
        self.built = True

    def compile(self, generator_optimizer: Any = None, critic_optimizer: Any = None, **kwargs: Any) -> None:
        """Set the two optimizers; by default Adam as the configuration says (docs/method.md, 8)."""
        t = self.config.training
        kwargs.setdefault("jit_compile", {"on": True, "off": False, "auto": "auto"}[t.jit])
        super().compile(**kwargs)
        self.build()

        def adam(updates: int, name: str) -> keras.optimizers.Optimizer:
            start, every = t.decay
            schedule = HalvingSchedule(t.learning_rate, start * updates, every * updates)
            first, second = self.betas
            return keras.optimizers.Adam(schedule, beta_1=first, beta_2=second, epsilon=1e-8, name=name)

        self.generator_optimizer = generator_optimizer or adam(1, "generator_adam")
        self.critic_optimizer = critic_optimizer or adam(t.n_critic, "critic_adam")
        self.generator_optimizer.build(self.generator.trainable_variables)
        self.critic_optimizer.build(self.critic.trainable_variables)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """{"x1": (B, H, W, 3), "x2": (B, H, W, 3)} -> x1 in the foreground style of x2, (B, H, W, 3) in [-1, 1]."""
        return self.translate(inputs["x1"], inputs["x2"])["image"]

    def translate(
        self, image: Any, exemplar: Any, transfer: Any = None, image_masks: Any = None, exemplar_masks: Any = None
    ) -> Batch:
        """Translate with the averaged weights.

        Args:
          image, exemplar: (B, H, W, 3) in [-1, 1].
          transfer: (B, G) in {0, 1}, the groups to take from the exemplar; all by default.
          image_masks, exemplar_masks: edited masks (B, H, W, G + 1), background last, instead of the network's own.

        Raises:
          ValueError: masks without a channel for each group and one for the background.

        Returns:
          What `apply_styles` gives, and exemplar_masks as used.
        """
        styles, exemplar_masks = self.encode_exemplar(exemplar, exemplar_masks)
        return self.apply_styles(image, styles, transfer, image_masks) | {"exemplar_masks": exemplar_masks}

    def encode_exemplar(self, exemplar: Any, masks: Any = None, edits: Any = None) -> tuple[Any, Any]:
        """`core.encode_exemplar` with the averaged weights. Raises ValueError as `translate`."""
        self._check_masks("exemplar_masks", masks)
        return core.encode_exemplar(self.inference_generator, exemplar, masks, edits)

    def apply_styles(
        self, image: Any, styles: Any, transfer: Any = None, image_masks: Any = None, edits: Any = None
    ) -> Batch:
        """`core.apply_styles` with the averaged weights, as a dict. Raises ValueError as `translate`.

        Returns:
          image: the translation (B, H, W, 3), within [-1, 1]; image_masks: as used; raw and curves: what it is made of,
          where `Generator.parts` names them.
        """
        self._check_masks("image_masks", image_masks)
        painting = core.apply_styles(self.inference_generator, image, styles, transfer, image_masks, edits)
        out = {"image": tf.clip_by_value(painting.image, -1.0, 1.0), "image_masks": painting.masks}
        names = self.inference_generator.parts(self.config.data.image_size)
        return out | {name: getattr(painting, name) for name in names}

    def _check_masks(self, name: str, masks: Any) -> None:
        if masks is not None and masks.shape[-1] != len(self.group_names) + 1:
            raise ValueError(
                f"{name} must be (B, H, W, {len(self.group_names) + 1}), one for each group and the background last; "
                f"received {tuple(masks.shape)}"
            )

    def samples(self, x1: Any, x2: Any) -> dict[str, np.ndarray]:
        """What a sample grid shows of pairs (N, H, W, 3), with the averaged weights, every group transferred.

        Returns NumPy arrays: x1, m1, x2, m2, x12, x21, x11, x121; masks (N, H, W, G + 1), background last.
        """
        if self._sample_function is None:
            self._sample_function = tf.function(self._samples, autograph=False)
        results = self._sample_function(tf.convert_to_tensor(x1), tf.convert_to_tensor(x2))
        return {name: value.numpy() for name, value in results.items()}

    def _samples(self, x1: tf.Tensor, x2: tf.Tensor) -> Batch:
        labels, g = tf.zeros((x1.shape[0], self.membership.shape[1])), self.inference_generator
        pairs = Pairs.of(x1, labels, x2, labels, tf.ones((x1.shape[0], len(self.group_names))), self.membership)
        first = objectives.translate(g, self.config, pairs, reconstruct=True)
        returned = objectives.cycle_terms(g, self.config, pairs, first)[1]

        def half(x: tf.Tensor, which: int) -> tf.Tensor:
            return tf.split(x, 2, axis=0)[which]

        masks = first.encoding.masks
        again = pairs.images if first.painting.reconstruction is None else first.painting.reconstruction
        return {
            "x1": x1, "x2": x2, "m1": half(masks, 0), "m2": half(masks, 1), "x12": half(first.image, 0),
            "x21": half(first.image, 1), "x11": half(again, 0), "x121": half(returned, 0),
        }  # fmt: skip

    # One training step.

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
        mixed = adversarial.interpolate(
            objectives.real_for_penalty(self.config, pairs), fake, tf.concat([alpha[:, 0], alpha[:, 1]], axis=0)
        )
        with tf.GradientTape() as tape:
            terms, logits = objectives.critic_terms(self.critic, pairs, fake)
            with tf.GradientTape() as inner:
                inner.watch(mixed)
                score = tf.reduce_sum(self.critic(mixed, pairs.target)[0])
            terms["critic/gradient_penalty"] = adversarial.gradient_penalty(inner.gradient(score, mixed))
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
            gradients = added(variables, gradients, decoder, tape.gradient(of_masks, decoder))
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
        """ema <- d * ema + (1 - d) * w, with d = min(decay, (1 + t) / (10 + t)): early averages forget the start.

        docs/method.md, eq. (8.2).
        """
        if self.ema_generator is None:
            return
        t = tf.cast(self.generator_optimizer.iterations, tf.float32)
        decay = tf.minimum(self.config.training.ema_decay, (1 + t) / (10 + t))
        targets = [v.value for v in self.ema_generator.variables]
        values = [v.value for v in self.generator.variables]

        def update(strategy: tf.distribute.Strategy, decay: Any) -> None:
            for target, value in zip(targets, values, strict=True):
                strategy.extended.update(target, lambda a, w, d: a.assign(d * a + (1 - d) * w), args=(value, decay))

        tf.distribute.get_replica_context().merge_call(update, args=(decay,))

    def get_config(self) -> dict[str, Any]:
        """The configuration, JSON-ready."""
        return {"config": self.config.flat()}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Lomit:
        """The inverse of get_config."""
        return cls(LomitConfig.from_flat(config["config"]))
