"""What is evaluated: a trained model, and the two baselines that give every number a floor."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from lomit_tf.evaluation.metrics.differences import mean_colours, unit


@dataclasses.dataclass(frozen=True)
class Outputs:
    """What a method made of N pairs. What it does not have is None."""

    image: np.ndarray  # (N, S, S, 3) in [-1, 1]: the input in the exemplar's style
    masks: np.ndarray | None = None  # (N, S, S, G) of the input
    exemplar_masks: np.ndarray | None = None
    reconstruction: np.ndarray | None = None  # x11
    cycle: np.ndarray | None = None  # x121


Labels = tuple[np.ndarray, np.ndarray] | None  # of inputs and exemplars (N, K), as the trained model orders them


class Method(Protocol):
    """A named way to translate."""

    name: str

    def __call__(
        self, x1: np.ndarray, x2: np.ndarray, transfer: np.ndarray, truth1: np.ndarray | None,
        truth2: np.ndarray | None, labels: Labels = None,
    ) -> Outputs:  # fmt: skip
        """Pairs (N, S, S, 3) in [-1, 1], the groups to transfer (N, G), true masks (N, S, S) and labels where known."""
        ...


class TrainedModel:
    """A trained model of any method with its averaged weights, by default called as its method is."""

    def __init__(self, model: Any, name: str = "", batch_size: int = 32) -> None:
        self.name = name or model.config.model.method
        self.model, self.batch_size = model, batch_size
        self._function: Callable[..., dict[str, tf.Tensor]] = tf.function(
            model.evaluated, autograph=False, reduce_retracing=True
        )

    def __call__(
        self, x1: np.ndarray, x2: np.ndarray, transfer: np.ndarray, truth1: np.ndarray | None,
        truth2: np.ndarray | None, labels: Labels = None,
    ) -> Outputs:  # fmt: skip
        """The true masks are not looked at."""
        parts: dict[str, list[np.ndarray]] = {}
        for start in range(0, len(x1), self.batch_size):
            chosen = slice(start, start + self.batch_size)
            given = [tf.constant(v[chosen], tf.float32) for v in (x1, x2, transfer, *(labels or ()))]
            result = self._function(*given)
            for name, value in result.items():
                parts.setdefault(name, []).append(value.numpy())
        return Outputs(**{name: np.concatenate(values) for name, values in parts.items()})


class Identity:
    """The input, untouched. As a mask it offers the whole image."""

    name = "identity"

    def __call__(
        self, x1: np.ndarray, x2: np.ndarray, transfer: np.ndarray, truth1: np.ndarray | None,
        truth2: np.ndarray | None, labels: Labels = None,
    ) -> Outputs:  # fmt: skip
        """See the class."""
        return Outputs(x1, masks=np.ones((*x1.shape[:3], transfer.shape[1]), np.float32), reconstruction=x1, cycle=x1)


class CopyExemplarColour:
    """Given both true masks, the exemplar's mean colour is moved onto the input's region: recolouring by hand."""

    name = "copy_exemplar_colour"

    def __call__(
        self, x1: np.ndarray, x2: np.ndarray, transfer: np.ndarray, truth1: np.ndarray | None,
        truth2: np.ndarray | None, labels: Labels = None,
    ) -> Outputs:  # fmt: skip
        """Raises ValueError without true masks."""
        if truth1 is None or truth2 is None:
            raise ValueError("needs true masks of inputs and exemplars")
        shift = mean_colours(x2, truth2) - mean_colours(x1, truth1)
        moved = unit(x1) + np.nan_to_num(shift)[:, None, None, :] * truth1[..., None]
        return Outputs((np.clip(moved, 0, 1) * 2 - 1).astype(np.float32))
