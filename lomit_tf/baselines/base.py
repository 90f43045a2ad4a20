"""What every method but LOMIT is: a Keras model that the loop trains and that translates (docs/compared_systems.md)."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from lomit_tf.config import LomitConfig
from lomit_tf.losses.classification import target_labels
from lomit_tf.model import update_average
from lomit_tf.model_base import called_once
from lomit_tf.runtime.backend import check_backend
from lomit_tf.runtime.forks import check_fork
from lomit_tf.settings.methods import Facts

check_backend()

Batch = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Directions:
    """A sub-batch of B pairs in both directions: the first half are the x1 with the labels of their x2 as target."""

    images: Any  # (2B, S, S, 3) in [-1, 1]: x1, then x2
    exemplars: Any  # (2B, S, S, 3): x2, then x1
    own: Any  # (2B, K): y1, then y2
    target: Any  # (2B, K): y2, then y1
    alpha: Any  # (2B,) uniform draws

    @classmethod
    def of(cls, data: Batch, j: int) -> Directions:
        """Sub-batch j of a training element."""
        x1, x2, y1, y2, alpha = (data[name][:, j] for name in ("x1", "x2", "y1", "y2", "alpha"))
        return cls(
            ops.concatenate([x1, x2]), ops.concatenate([x2, x1]), ops.concatenate([y1, y2]),
            ops.concatenate([y2, y1]), ops.concatenate([alpha[:, 0], alpha[:, 1]]),
        )  # fmt: skip


class Baseline(keras.Model, abc.ABC):
    """A method other than LOMIT.

    A room's class sets `facts` and defines `make_generator`, `make_critics`, `call_generator`, `call_critics`, `rate`,
    `train_step` and `translated`; and, where the method has them, `reconstruct`, `masks`, `guess_labels`, `sides`.
    Everything else, from checkpoints to evaluation, is here or in the loop.

    The training element is that of `model.Lomit`: x1, x2 (B, n_critic, S, S, 3) in [-1, 1]; y1, y2 (B, n_critic, K);
    alpha (B, n_critic, 2). Under tf.distribute a step sees its replica's part of it.

    Attributes:
        config: the run's LomitConfig; of its losses and networks nothing is a method's own.
        sizes: what `facts.sizes` has under the run's --method_size.
        generator: one layer with all networks that translate; its weights are averaged.
        ema_generator: the average, or None.
        critics: name -> layer, the networks that only train.
        side_optimizers: side -> optimizer, after `compile`; "generator" is one of the sides.
    """

    facts: Facts
    sample_inputs = ("x1", "x2", "y1", "y2")
    betas = (0.5, 0.999)

    def __init__(self, config: LomitConfig, **kwargs: Any) -> None:
        check_fork()
        super().__init__(**{"dtype": "float32"} | kwargs)
        self.config = config
        self.sizes = self.facts.sizes[config.model.method_size]
        self.group_names = tuple(config.data.group_labels)
        labels = config.data.label_names
        self.num_labels = len(labels)
        self.membership = np.array(
            [[label in members for label in labels] for members in config.data.group_labels.values()], "float32"
        )  # (G, K)
        self.policy = keras.DTypePolicy(config.training.dtype_policy)
        self.generator = self.make_generator()
        self.ema_generator = self.make_generator() if config.training.ema_decay > 0 else None
        if self.ema_generator is not None:
            self.ema_generator.trainable = False
        self.critics = self.make_critics()
        self.has_critic = True
        self.random = keras.random.SeedGenerator(config.training.seed)
        self._sample_function: Any = None

    # What a room defines.

    @abc.abstractmethod
    def make_generator(self) -> layers.Layer:
        """A new layer with all networks that translate, in `self.policy`; called twice, for the average."""

    @abc.abstractmethod
    def make_critics(self) -> dict[str, layers.Layer]:
        """The networks that only train, by name, in float32; the name is a checkpoint's part and an optimizer's."""

    @abc.abstractmethod
    def call_generator(self, generator: layers.Layer, image: Any, labels: Any) -> Any:
        """Call every network of a generator once, on (1, S, S, 3) and (1, K), so that all its weights are made."""

    @abc.abstractmethod
    def call_critics(self, image: Any, labels: Any) -> Any:
        """The same for `self.critics`."""

    @abc.abstractmethod
    def rate(self, side: str) -> Any:
        """The learning rate of a side, a number or a schedule."""

    @abc.abstractmethod
    def translated(self, image: Any, exemplar: Any, labels: Any, image_labels: Any) -> Batch:
        """See `translate`; `labels` is always given, `image_labels` may be None. With `self.inference_generator`.

        Returns {"image": ...}, and "image_masks" (B, S, S, G + 1), background last, where the method has masks.
        """

    @abc.abstractmethod
    def train_step(self, data: Batch) -> Batch:
        """One training step: updates every side, then calls `update_average`; every term by name, as scalars."""

    # What a room may define.

    def sides(self) -> dict[str, list[Any]]:
        """The trainable variables that each optimizer updates, by side."""
        critics = {name: network.trainable_variables for name, network in self.critics.items()}
        return {"generator": self.generator.trainable_variables} | critics

    def state(self) -> list[Any]:
        """More Keras variables that training depends on, such as a pool of images; a checkpoint keeps them."""
        return []

    def reconstruct(self, image: Any, labels: Any) -> Any:
        """The image in its own labels or style, (B, S, S, 3); None where the method has no such thing."""
        return None

    def masks(self, image: Any, labels: Any) -> Any:
        """Where the method would change images (B, S, S, 3) of labels (B, K): (B, S, S, G + 1), background last.

        None without masks.
        """
        return None

    def guess_labels(self, image: Any, exemplar: Any, transfer: Any) -> tuple[Any, Any]:
        """Target labels and own labels, (B, K) each, of images whose labels nobody knows; transfer is (B, G).

        Here: the labels of the groups in `transfer` are to become 1, and the image has none of them.
        """
        target = ops.matmul(transfer, ops.convert_to_tensor(self.membership))
        return target, ops.zeros_like(target)

    # What the loop, the zoo, evaluation and export use.

    @property
    def inference_generator(self) -> layers.Layer:
        """The moving average where there is one."""
        return self.ema_generator or self.generator

    @property
    def generator_optimizer(self) -> keras.optimizers.Optimizer:
        """The one whose `iterations` count the training steps."""
        return self.side_optimizers["generator"]

    def build(self, input_shape: Any = None) -> None:
        """Create all weights; the average starts as a copy."""
        if getattr(self, "built", False):
            return
        image, labels = (1, *[self.config.data.image_size] * 2, 3), (1, self.num_labels)
        for generator in filter(None, (self.generator, self.ema_generator)):
            called_once(lambda x, y, g=generator: self.call_generator(g, x, y), image, labels)
        called_once(self.call_critics, image, labels)
        if self.ema_generator is not None:
            for average, value in zip(self.ema_generator.variables, self.generator.variables, strict=True):
                average.assign(value)
        self.built = True

    def compile(self, optimizers: dict[str, keras.optimizers.Optimizer] | None = None, **kwargs: Any) -> None:
        """Set an optimizer for each side; by default Adam with the method's own rates."""
        kwargs.setdefault("jit_compile", {"on": True, "off": False, "auto": "auto"}[self.config.training.jit])
        super().compile(**kwargs)
        self.build()
        first, second = self.betas
        self.side_optimizers = {}
        for side, variables in self.sides().items():
            optimizer = (optimizers or {}).get(side) or keras.optimizers.Adam(
                self.rate(side), beta_1=first, beta_2=second, epsilon=1e-8, name=f"{side}_adam"
            )
            optimizer.build(variables)
            self.side_optimizers[side] = optimizer

    def network_parts(self) -> dict[str, list[Any]]:
        """The variables of the networks, by the parts of a checkpoint."""
        average = self.ema_generator.variables if self.ema_generator is not None else []
        critics = {name: network.variables for name, network in self.critics.items()}
        return {"generator": self.generator.variables, "average": average} | critics

    def checkpoint_parts(self) -> dict[str, list[Any]]:
        """Every variable that a checkpoint of the compiled model holds, by part."""
        optimizers = {f"{side}_optimizer": one.variables for side, one in self.side_optimizers.items()}
        return self.network_parts() | optimizers | {"random": [self.random.state], "state": self.state()}

    def call(self, inputs: Any, training: bool = False) -> Any:
        """{"x1", "x2": (B, S, S, 3)} -> x1 after the exemplar x2, (B, S, S, 3) in [-1, 1]."""
        return self.translate(inputs["x1"], inputs["x2"])["image"]

    def translate(
        self, image: Any, exemplar: Any, labels: Any = None, *, image_labels: Any = None, transfer: Any = None
    ) -> Batch:
        """Translate with the averaged weights.

        Args:
          image, exemplar: (B, S, S, 3) in [-1, 1].
          labels: (B, K), those that the translation is to have; where nobody knows them, `guess_labels` does.
          image_labels: (B, K), the image's own, where they are known.
          transfer: (B, G) in {0, 1}, the groups to take where `labels` is not given; all by default.

        Returns:
          image: (B, S, S, 3) within [-1, 1]; image_masks: (B, S, S, G + 1), background last, of methods with masks.
        """
        if labels is None:
            if transfer is None:
                transfer = ops.ones((ops.shape(image)[0], len(self.group_names)), dtype="float32")
            labels, image_labels = self.guess_labels(image, exemplar, transfer)
        found = self.translated(image, exemplar, labels, image_labels)
        return found | {"image": ops.clip(ops.cast(found["image"], "float32"), -1.0, 1.0)}

    def evaluated(self, x1: Any, x2: Any, transfer: Any, y1: Any = None, y2: Any = None) -> Batch:
        """What evaluation measures of pairs (B, S, S, 3): image, and what else the method has.

        Where the labels y1 and y2 (B, K) are not known, `guess_labels` gives them.

        masks and exemplar_masks (B, S, S, G), reconstruction and cycle (B, S, S, 3). The way back has the input itself
        as its exemplar.
        """
        if y1 is None or y2 is None:
            target, y1 = self.guess_labels(x1, x2, transfer)
            y2 = target
        else:
            target = target_labels(y1, y2, transfer, ops.convert_to_tensor(self.membership))
        out = self.translate(x1, x2, target, image_labels=y1)
        back = self.translate(out["image"], x1, y1, image_labels=target)
        found = {"image": out["image"], "cycle": back["image"], "reconstruction": self.reconstruct(x1, y1)}
        if self.facts.has_masks:
            found |= {"masks": self.masks(x1, y1)[..., :-1], "exemplar_masks": self.masks(x2, y2)[..., :-1]}
        return {name: ops.cast(value, "float32") for name, value in found.items() if value is not None}

    def samples(self, *pairs: Any) -> dict[str, np.ndarray]:
        """What a sample grid shows of pairs, given as `sample_inputs`: the rows of `training.grid.ROWS` that it has."""
        if self._sample_function is None:
            self._sample_function = tf.function(self.sample_parts, autograph=False)
        results = self._sample_function(*(tf.convert_to_tensor(value, tf.float32) for value in pairs))
        return {name: value.numpy() for name, value in results.items()}

    def sample_parts(self, x1: Any, x2: Any, y1: Any, y2: Any) -> Batch:
        """`samples` as tensors."""
        everything = ops.ones((x1.shape[0], len(self.group_names)), dtype="float32")
        out = self.evaluated(x1, x2, everything, y1, y2)
        other = self.translate(x2, x1, y1, image_labels=y2)
        found = {"x1": x1, "x2": x2, "x12": out["image"], "x21": other["image"], "x121": out["cycle"]}
        if "reconstruction" in out:
            found["x11"] = out["reconstruction"]
        if self.facts.has_masks:
            found |= {"m1": self.masks(x1, y1), "m2": self.masks(x2, y2)}
        return found

    def get_config(self) -> dict[str, Any]:
        """The configuration, JSON-ready."""
        return {"config": self.config.flat()}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Baseline:
        """The inverse of get_config."""
        return cls(LomitConfig.from_flat(config["config"]))

    # For training steps.

    @property
    def step(self) -> Any:
        """Training steps done, as a tensor."""
        return self.generator_optimizer.iterations

    def scaled(self, loss: Any) -> Any:
        """A loss, a mean over this replica's part, as its share of the mean over the global batch."""
        return loss / tf.distribute.get_strategy().num_replicas_in_sync

    def seed(self, purpose: int) -> tf.Tensor:
        """The seed (2,) of a draw with tf.random.stateless_*, for this step, purpose and replica.

        So a resumed run draws what one that was never stopped draws.
        """
        context = tf.distribute.get_replica_context()
        replica = context.replica_id_in_sync_group if context is not None else 0
        start = tf.constant([self.config.training.seed, purpose], tf.int64)
        return tf.random.experimental.stateless_fold_in(
            tf.random.experimental.stateless_fold_in(start, tf.cast(self.step, tf.int64)), tf.cast(replica, tf.int64)
        )

    def update(self, side: str, loss: Callable[[], tuple[Any, Batch]], clip: float = 0.0) -> Batch:
        """One update of a side; the terms that `loss` gives, and the gradient's norm.

        Args:
            side: whose variables learn.
            loss: gives the total, not scaled, and its terms by name.
            clip: the most that the gradients' norm may be (0: no limit); each replica clips its own part.

        Returns:
            {"SIDE/TERM": ..., "SIDE/total": ..., "SIDE/gradient_norm": ...}
        """
        variables = self.sides()[side]
        with tf.GradientTape() as tape:
            total, terms = loss()
            share = self.scaled(total)
        gradients = tape.gradient(share, variables)
        norm = tf.linalg.global_norm(gradients)
        if clip:
            gradients, _ = tf.clip_by_global_norm(gradients, self.scaled(clip), norm)
        self.side_optimizers[side].apply(gradients, variables)
        terms = terms | {"total": total, "gradient_norm": norm}
        return {f"{side}/{name}": tf.cast(term, tf.float32) for name, term in terms.items()}

    def update_average(self) -> None:
        """The moving average follows the generator: once a step, after the generator's update."""
        if self.ema_generator is not None:
            update_average(self.ema_generator, self.generator, self.step, self.config.training.ema_decay)
