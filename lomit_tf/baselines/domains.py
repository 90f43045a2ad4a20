"""What methods of two domains share: A is where the one label is 0, B where it is 1 (docs/compared_systems.md)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
from keras import layers

from lomit_tf.baselines.base import Baseline, Batch

Gradients = Sequence[Any]


class DomainPair(layers.Layer):
    """One network for each of the two domains, as one part of a model."""

    def __init__(self, make: Callable[[], layers.Layer]) -> None:
        super().__init__(dtype="float32")  # hands pictures on as they are: its parts choose for themselves
        self.a, self.b = make(), make()
        self.built = True  # no weights of its own: the parts are built by their first call

    def call(self, x: Any) -> tuple[Any, Any]:
        """What each of them makes of the same x."""
        return self.a(x), self.b(x)


def of_domain(labels: Any, in_a: Callable[..., Any], in_b: Callable[..., Any], *values: Any) -> Any:
    """Row i is what in_b makes of row i of the values where labels[i] is 1, and what in_a makes of it where it is 0.

    Each row goes through one of the two alone.

    Args:
        labels: (B, 1) in {0, 1}.
        in_a, in_b: called with rows of all values; give tensors (rows, ...) of one shape and kind.
        values: (B, ...).
    """
    domain = tf.cast(tf.reshape(labels, (-1,)) > 0.5, tf.int32)
    rows = tf.dynamic_partition(tf.range(tf.size(domain)), domain, 2)
    made = [_made(make, part, values) for make, part in zip((in_a, in_b), rows, strict=True)]
    joined = tf.dynamic_stitch(rows, made)
    return tf.ensure_shape(joined, (labels.shape[0], *joined.shape[1:]))


def _made(make: Callable[..., Any], rows: Any, values: Sequence[Any]) -> Any:
    """What `make` makes of the chosen rows of the values, (rows, ...), also where no row is chosen.

    With TensorFlow 2.21, oneDNN's convolution of an empty batch has the shape of its input. Where no row is chosen, the
    first one is therefore computed and left out of the result.
    """
    empty = tf.cast(tf.equal(tf.size(rows), 0), tf.int32)
    some = tf.concat([rows, tf.zeros((empty,), tf.int32)], axis=0)
    return make(*(tf.gather(v, some) for v in values))[: tf.size(rows)]


class DomainBaseline(Baseline):
    """A method of two domains: x1 of a training element is of domain A, and x2 of domain B.

    `translated` is told the domain to translate to. The domain that a picture comes from is its label where that is
    known, and the other domain where it is not. Nothing is known of a photograph and its exemplar: they count as of A
    and of B.
    """

    def draws(self, purpose: int, shape: tuple[int, ...]) -> Any:
        """Standard normal values (B, ...) for this step, B being this replica's part of the global batch.

        Each row's are its own, whatever the number of replicas, and the same in a run that was resumed.

        Args:
            purpose: draws of one step that are to differ have different ones.
            shape: with B, known.
        """
        context = tf.distribute.get_replica_context()
        replica = context.replica_id_in_sync_group if context is not None else 0
        start, first = self.step_seed(purpose), tf.cast(replica * shape[0], tf.int64)
        fold = tf.random.experimental.stateless_fold_in
        return tf.stack([tf.random.stateless_normal(shape[1:], fold(start, first + i)) for i in range(shape[0])])

    def step_seed(self, purpose: int) -> Any:
        """The seed (2,) of draws of this step that are the same on every replica."""
        start = tf.constant([self.config.training.seed, purpose], tf.int64)
        return tf.random.experimental.stateless_fold_in(start, tf.cast(self.step, tf.int64))

    def learn(self, side: str, gradients: Gradients, terms: Batch, clip: float = 0.0) -> Batch:
        """One update of a side with gradients that are this replica's share; its terms and their norm, as `update`.

        Args:
            side: whose variables learn.
            gradients: of scaled losses, for each of its variables.
            terms: scalars by name.
            clip: the most that the norm of the whole gradient, over all replicas, may be (0: no limit).
        """
        gradients = list(gradients)
        norm = tf.linalg.global_norm(gradients)
        if clip:
            context = tf.distribute.get_replica_context()
            summed = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
            norm = tf.linalg.global_norm(summed)
            clipped, _ = tf.clip_by_global_norm(summed, clip, norm)
            gradients = [self.scaled(g) for g in clipped]  # the optimizer sums them over the replicas
        self.side_optimizers[side].apply(gradients, self.sides()[side])
        logs = terms | {"gradient_norm": norm}
        return {f"{side}/{name}": tf.cast(term, tf.float32) for name, term in logs.items()}

    def source(self, labels: Any, image_labels: Any) -> Any:
        """The domain that images come from, (B, 1): their label, or the other domain than the one to go to."""
        return 1.0 - labels if image_labels is None else image_labels
