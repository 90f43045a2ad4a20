"""Attribute classification: sigmoid cross-entropy, several labels may be 1 (docs/method.md, eqs. (5.4), (5.5))."""

from __future__ import annotations

from typing import Any

from keras import ops


def classification_loss(logits: Any, labels: Any, weights: Any | None = None) -> Any:
    """mean_b w_b sum_k [log(1 + exp(z)) - z y], summed over labels, averaged over the batch: eq. (5.4).

    Args:
        logits: D_cls(x), (B, K).
        labels: in 0..1, (B, K).
        weights: optional (B,), one factor for each image; the divisor stays B.
    """
    logits = ops.cast(logits, "float32")
    labels = ops.cast(labels, "float32")
    per_label = ops.softplus(logits) - logits * labels
    per_image = ops.sum(per_label, axis=-1)
    return ops.mean(per_image if weights is None else per_image * weights)


def success(logits: Any, labels: Any, own: Any, members: Any, asked: Any) -> Any:
    """Mean probability that D_cls gives to all wanted labels of a group, over the images in which they are new.

    docs/method.md, eq. (6.6).

    Args:
        logits: D_cls of n images, (n, K).
        labels: wanted, (n, K); own: labels before the translation, (n, K).
        members: 1 for the labels of the group, (K,).
        asked: 1 for images of which the group is transferred, (n,).

    Returns:
        A scalar in 0..1: prod over the group's k of p(label_k); 0 where no image counts.
    """
    per_label = ops.softplus(logits) - logits * labels
    probability = ops.exp(-ops.sum(per_label * members, axis=-1))
    new = ops.cast(ops.sum(ops.abs(labels - own) * members, axis=-1) > 0.5, "float32") * asked
    return ops.sum(probability * new) / ops.maximum(ops.sum(new), 1.0)


def target_labels(own: Any, exemplar: Any, transfer: Any, membership: Any) -> Any:
    """The labels a translation must have: the exemplar's in transferred groups, the input's own elsewhere.

    docs/method.md, eq. (1.2).

    Args:
        own, exemplar: labels (B, K).
        transfer: 1 for each group in T, (B, G).
        membership: 1 where label k belongs to group g, (G, K).
    """
    chosen = ops.matmul(transfer, membership)
    return chosen * exemplar + (1 - chosen) * own
