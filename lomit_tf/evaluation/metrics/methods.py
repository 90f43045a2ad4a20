"""What is evaluated: a trained model, and the two baselines that give every number a floor."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Protocol

import numpy as np
import tensorflow as tf

from lomit_tf import core, objectives
from lomit_tf.evaluation.metrics.differences import mean_colours, unit
from lomit_tf.model import Lomit
from lomit_tf.objectives import Pairs


@dataclasses.dataclass(frozen=True)
class Outputs:
    """What a method made of N pairs. What it does not have is None."""

    image: np.ndarray  # (N, S, S, 3) in [-1, 1]: the input in the exemplar's style
    masks: np.ndarray | None = None  # (N, S, S, G) of the input
    exemplar_masks: np.ndarray | None = None
    reconstruction: np.ndarray | None = None  # x11
    cycle: np.ndarray | None = None  # x121


class Method(Protocol):
    """A named way to translate."""

    name: str

    def __call__(
        self, x1: np.ndarray, x2: np.ndarray, transfer: np.ndarray, truth1: np.ndarray | None, truth2: np.ndarray | None
    ) -> Outputs:
        """Pairs (N, S, S, 3) in [-1, 1], the groups to transfer (N, G), true masks (N, S, S) where known."""
        ...


class TrainedModel:
    """A trained model with its averaged weights."""

    def __init__(self, model: Lomit, name: str = "lomit", batch_size: int = 32) -> None:
        self.name, self.model, self.batch_size = name, model, batch_size
        self._function: Callable[..., dict[str, tf.Tensor]] = tf.function(
            self._run, autograph=False, reduce_retracing=True
        )

    def __call__(
        self, x1: np.ndarray, x2: np.ndarray, transfer: np.ndarray, truth1: np.ndarray | None, truth2: np.ndarray | None
    ) -> Outputs:
        """The true masks are not looked at."""
        parts: dict[str, list[np.ndarray]] = {}
        for start in range(0, len(x1), self.batch_size):
            chosen = slice(start, start + self.batch_size)
            result = self._function(*(tf.constant(v[chosen], tf.float32) for v in (x1, x2, transfer)))
            for name, value in result.items():
                parts.setdefault(name, []).append(value.numpy())
        return Outputs(**{name: np.concatenate(values) for name, values in parts.items()})

    def _run(self, x1: tf.Tensor, x2: tf.Tensor, transfer: tf.Tensor) -> dict[str, tf.Tensor]:
        model, g = self.model, self.model.inference_generator
        out = model.translate(x1, x2, transfer)
        # The own style again, and the way back: the translation takes the input's own style again.
        e = core.encode(g, x1)
        own = core.paint(g, x1, e.content, e.masks, e.styles, e.styles, transfer, reconstruct=bool(g.free_groups))
        labels = tf.zeros((tf.shape(x1)[0], model.membership.shape[1]))
        pairs = Pairs.of(x1, labels, x2, labels, transfer, model.membership)
        first = objectives.translate(g, model.config, pairs, reconstruct=False)
        returned = objectives.cycle_terms(g, model.config, pairs, first)[1]
        return {
            "image": out["image"], "masks": out["image_masks"][..., :-1],
            "exemplar_masks": out["exemplar_masks"][..., :-1],
            "reconstruction": own.reconstruction if own.reconstruction is not None else own.image,
            "cycle": returned[: tf.shape(x1)[0]],
        }  # fmt: skip


class Identity:
    """The input, untouched. As a mask it offers the whole image."""

    name = "identity"

    def __call__(
        self, x1: np.ndarray, x2: np.ndarray, transfer: np.ndarray, truth1: np.ndarray | None, truth2: np.ndarray | None
    ) -> Outputs:
        """See the class."""
        return Outputs(x1, masks=np.ones((*x1.shape[:3], transfer.shape[1]), np.float32), reconstruction=x1, cycle=x1)


class CopyExemplarColour:
    """Given both true masks, the exemplar's mean colour is moved onto the input's region: recolouring by hand."""

    name = "copy_exemplar_colour"

    def __call__(
        self, x1: np.ndarray, x2: np.ndarray, transfer: np.ndarray, truth1: np.ndarray | None, truth2: np.ndarray | None
    ) -> Outputs:
        """Raises ValueError without true masks."""
        if truth1 is None or truth2 is None:
            raise ValueError("needs true masks of inputs and exemplars")
        shift = mean_colours(x2, truth2) - mean_colours(x1, truth1)
        moved = unit(x1) + np.nan_to_num(shift)[:, None, None, :] * truth1[..., None]
        return Outputs((np.clip(moved, 0, 1) * 2 - 1).astype(np.float32))
