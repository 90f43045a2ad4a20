"""What the methods of two domains share: A is where the one label is 0, and B where it is 1 (docs/methods.md)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
from keras import layers, ops

from lomit_tf.baselines.base import Baseline, Batch

Gradients = Sequence[Any]


class Both(layers.Layer):
    """One network for each of the two domains, as one part of a model."""

    def __init__(self, make: Callable[[], layers.Layer]) -> None:
        super().__init__(dtype="float32")  # hands pictures on as they are: its parts choose for themselves
        self.a, self.b = make(), make()
        self.built = True  # no weights of its own: the parts are built by their first call

    def call(self, x: Any) -> tuple[Any, Any]:
        """What each of them makes of the same x."""
        return self.a(x), self.b(x)


def of_domain(labels: Any, in_a: Callable[[], Any], in_b: Callable[[], Any]) -> Any:
    """Row i is that of in_b() where labels[i] is 1, and that of in_a() where it is 0.

    Where all labels are alike, only one of the two is computed. For translating, not for training steps.

    Args:
        labels: (B, 1) in {0, 1}.
        in_a, in_b: give tensors (B, ...) of one shape.
    """

    def mixed() -> Any:
        a, b = in_a(), in_b()
        chosen = ops.reshape(ops.cast(labels, a.dtype), (-1, *[1] * (len(a.shape) - 1)))
        return (1 - chosen) * a + chosen * b

    return ops.cond(ops.all(labels > 0.5), in_b, lambda: ops.cond(ops.all(labels < 0.5), in_a, mixed))


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
