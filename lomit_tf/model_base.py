"""What Lomit is on any of Keras' backends: its networks, optimizers and translations; keras.ops only.

`model.py` adds the training step on TensorFlow, `training/jax_step.py` the one on JAX.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from lomit_tf import core, objectives
from lomit_tf.config import LomitConfig
from lomit_tf.networks.critic import Critic
from lomit_tf.networks.generator import Generator
from lomit_tf.networks.joint_generator import JointGenerator
from lomit_tf.objectives import Pairs
from lomit_tf.runtime.backend import backend_name
from lomit_tf.runtime.forks import check_fork
from lomit_tf.settings.methods import LOMIT

Batch = dict[str, Any]


def called_once(function: Callable[..., Any], *shapes: tuple[int, ...]) -> None:
    """Call a function of tensors of these shapes, so that the layers that it calls make their weights.

    On JAX nothing is computed: operation by operation that would compile each of them.
    """
    if backend_name() != "jax":
        function(*(ops.zeros(shape, dtype="float32") for shape in shapes))
        return
    import jax

    with keras.StatelessScope():  # which initialises the weights that were made within it when it ends
        jax.eval_shape(function, *(jax.ShapeDtypeStruct(shape, "float32") for shape in shapes))


class HalvingSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """The rate, halved at `start` and every `every` steps after it; derived from the step.

    So a resume keeps it. docs/method.md, eq. (8.1).
    """

    def __init__(self, rate: float, start: int, every: int) -> None:
        self.rate, self.start, self.every = rate, start, every

    def __call__(self, step: Any) -> Any:
        """Rate at an optimizer step."""
        if not self.start:
            return ops.convert_to_tensor(self.rate, "float32")
        halvings = ops.floor((ops.cast(step, "float32") - self.start) / self.every) + 1
        return self.rate * 0.5 ** ops.maximum(halvings, 0.0)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {"rate": self.rate, "start": self.start, "every": self.every}


class LomitBase(keras.Model):
    """LOMIT's networks: what is trained, saved, loaded and translated with.

    Args:
        config: a LomitConfig; `LomitConfig.create("small", ...)` makes one.
    """

    betas = (0.5, 0.999)  # decays of Adam's moments
    generator_class: type[Generator] = Generator
    facts = LOMIT
    sample_inputs = ("x1", "x2")  # the arguments of `samples`, by their names in a pair

    def __init__(self, config: LomitConfig, **kwargs: Any) -> None:
        check_fork()
        super().__init__(**{"dtype": "float32"} | kwargs)  # not what keras.json says: its parts choose for themselves
        self.config = config
        self.group_names = tuple(config.data.group_labels)
        labels = config.data.label_names
        self.membership = np.array(
            [[label in members for label in labels] for members in config.data.group_labels.values()], "float32"
        )  # (G, K)
        policy = keras.DTypePolicy(config.training.dtype_policy)
        groups = len(self.group_names)
        parts = config.model, groups, policy, config.colour_indices, config.unfiltered_indices
        make = functools.partial(JointGenerator, boxes=config.boxes) if config.boxes else self.generator_class
        self.generator = make(*parts)
        if config.training.freeze_masks:
            self.generator.content_encoder.trainable = False
            self.generator.mask_decoder.trainable = False
        # In the critic's score every group counts alike, and so do the labels within one.
        each = self.membership / self.membership.sum(axis=1, keepdims=True) / groups
        self.critic = Critic(config.model, len(labels), each.sum(axis=0).tolist())
        averaged = config.training.ema_decay > 0
        self.ema_generator = make(*parts) if averaged else None
        if self.ema_generator is not None:
            self.ema_generator.trainable = False
        self.has_critic = True  # False for shipped weights, which leave theirs out
        self.random = keras.random.SeedGenerator(config.training.seed)

    @property
    def inference_generator(self) -> Generator:
        """The moving average where there is one: used for samples, evaluation and export."""
        return self.ema_generator or self.generator

    def build(self, input_shape: Any = None) -> None:
        """Create all weights; the average starts as a copy."""
        if getattr(self, "built", False):
            return
        size, labels = self.config.data.image_size, len(self.config.data.label_names)
        image = (1, size, size, 3)
        for generator in filter(None, (self.generator, self.ema_generator)):
            called_once(lambda x, g=generator: core.translate(g, x, x).image, image)
        called_once(lambda x, y: self.critic(x, y)[0], image, (1, labels))
        if self.ema_generator is not None:
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

    def network_parts(self) -> dict[str, list[Any]]:
        """The variables of the networks, by the parts of a checkpoint."""
        return {
            "generator": self.generator.variables,
            "critic": self.critic.variables,
            "average": self.ema_generator.variables if self.ema_generator is not None else [],
        }

    def checkpoint_parts(self) -> dict[str, list[Any]]:
        """Every variable that a checkpoint of the compiled model holds, by part."""
        return self.network_parts() | {
            "generator_optimizer": self.generator_optimizer.variables,
            "critic_optimizer": self.critic_optimizer.variables,
            "random": [self.random.state],
        }

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
        out = {"image": ops.clip(painting.image, -1.0, 1.0), "image_masks": painting.masks}
        names = self.inference_generator.parts(self.config.data.image_size)
        return out | {name: getattr(painting, name) for name in names}

    def _check_masks(self, name: str, masks: Any) -> None:
        if masks is not None and masks.shape[-1] != len(self.group_names) + 1:
            raise ValueError(
                f"{name} must be (B, H, W, {len(self.group_names) + 1}), one for each group and the background last; "
                f"received {tuple(masks.shape)}"
            )

    def evaluated(self, x1: Any, x2: Any, transfer: Any, y1: Any = None, y2: Any = None) -> Batch:
        """What evaluation measures of pairs (B, S, S, 3), with the averaged weights; labels are not looked at.

        Returns image, reconstruction (the input in its own styles) and cycle, (B, S, S, 3); masks and exemplar_masks
        (B, S, S, G).
        """
        g = self.inference_generator
        out = self.translate(x1, x2, transfer)
        # The own style again, and the way back: the translation takes the input's own style again.
        e = core.encode(g, x1)
        own = core.paint(g, x1, e.content, e.masks, e.styles, e.styles, transfer, reconstruct=bool(g.free_groups))
        labels = ops.zeros((ops.shape(x1)[0], self.membership.shape[1]), dtype="float32")
        pairs = Pairs.of(x1, labels, x2, labels, transfer, self.membership)
        first = objectives.translate(g, self.config, pairs, reconstruct=False)
        returned = objectives.translate(g, self.config, pairs, images=first.image).image
        return {
            "image": out["image"], "masks": out["image_masks"][..., :-1],
            "exemplar_masks": out["exemplar_masks"][..., :-1],
            "reconstruction": own.reconstruction if own.reconstruction is not None else own.image,
            "cycle": returned[: ops.shape(x1)[0]],
        }  # fmt: skip

    def samples(self, x1: Any, x2: Any) -> dict[str, np.ndarray]:
        """What a sample grid shows of pairs (N, H, W, 3), with the averaged weights, every group transferred.

        Returns NumPy arrays: x1, m1, x2, m2, x12, x21, x11, x121; masks (N, H, W, G + 1), background last.
        """
        return {name: ops.convert_to_numpy(value) for name, value in self.sample_parts(x1, x2).items()}

    def sample_parts(self, x1: Any, x2: Any) -> Batch:
        """`samples` as tensors: a function of tensors that a backend may compile."""
        g, (groups, labels) = self.inference_generator, self.membership.shape
        none = ops.zeros((x1.shape[0], labels), dtype="float32")
        pairs = Pairs.of(x1, none, x2, none, ops.ones((x1.shape[0], groups), dtype="float32"), self.membership)
        first = objectives.translate(g, self.config, pairs, reconstruct=True)
        returned = objectives.translate(g, self.config, pairs, images=first.image).image

        def half(x: Any, which: int) -> Any:
            return ops.split(x, 2, axis=0)[which]

        masks = first.encoding.masks
        again = pairs.images if first.painting.reconstruction is None else first.painting.reconstruction
        return {
            "x1": x1, "x2": x2, "m1": half(masks, 0), "m2": half(masks, 1), "x12": half(first.image, 0),
            "x21": half(first.image, 1), "x11": half(again, 0), "x121": half(returned, 0),
        }  # fmt: skip

    def get_config(self) -> dict[str, Any]:
        """The configuration, JSON-ready."""
        return {"config": self.config.flat()}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> LomitBase:
        """The inverse of get_config."""
        return cls(LomitConfig.from_flat(config["config"]))
