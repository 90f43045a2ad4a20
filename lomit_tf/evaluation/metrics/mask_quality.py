"""Mask quality against true masks: intersection over union, its best threshold, average precision."""

from __future__ import annotations

import dataclasses

import numpy as np

THRESHOLDS = np.round(np.arange(0.02, 0.99, 0.02), 2)
_BINS = 1000  # of the precision-recall curve; masks are quantised to thousandths


@dataclasses.dataclass(frozen=True)
class MaskQuality:
    """Agreement of soft masks with true ones, over `count` images whose true mask is not empty."""

    count: int
    iou: float  # at 0.5, mean over images
    best_iou: float  # at the single threshold that is best for all images together
    best_threshold: float
    average_precision: float  # over all pixels of all images
    iou_curve: np.ndarray  # (len(THRESHOLDS),) mean IoU at each threshold
    precision_recall: np.ndarray  # (n, 2) recall and precision, recall rising


def iou(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """|A and B| / |A or B| for each image of two bool arrays (N, H, W): (N,). Two empty masks agree: 1."""
    both = np.sum(predicted & true, axis=(1, 2))
    either = np.sum(predicted | true, axis=(1, 2))
    return np.where(either > 0, both / np.maximum(either, 1), 1.0)


def precision_recall(masks: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Recall and precision at thresholds from high to low, over all pixels: (n, 2), recall rising.

    Args:
        masks: in 0..1, any shape; quantised to thousandths.
        true: bool, the same shape, at least one of them true.
    """
    level = np.clip(np.round(masks.ravel() * _BINS).astype(np.int64), 0, _BINS)
    positive = np.bincount(level[true.ravel()], minlength=_BINS + 1)[::-1].cumsum()
    marked = np.bincount(level, minlength=_BINS + 1)[::-1].cumsum()
    used = np.flatnonzero(np.diff(marked, prepend=0))  # thresholds at which something is added
    return np.stack([positive[used] / positive[-1], positive[used] / marked[used]], axis=1)


def average_precision(curve: np.ndarray) -> float:
    """Sum over thresholds of precision times the rise in recall, from `precision_recall`."""
    return float(np.sum(np.diff(curve[:, 0], prepend=0.0) * curve[:, 1]))


def mask_quality(masks: np.ndarray, truth: np.ndarray) -> MaskQuality | None:
    """Quality of masks (N, H, W) in 0..1 against true soft masks (N, H, W) in 0..1, cut at 0.5.

    Images whose true mask is empty are left out (a bald head has no hair to find). None where all are.
    """
    true = truth >= 0.5
    there = true.any(axis=(1, 2))
    if not there.any():
        return None
    masks, true = masks[there], true[there]
    curve = np.array([iou(masks >= t, true).mean() for t in THRESHOLDS])
    best = int(curve.argmax())
    recall = precision_recall(masks, true)
    return MaskQuality(
        int(there.sum()), float(iou(masks >= 0.5, true).mean()), float(curve[best]), float(THRESHOLDS[best]),
        average_precision(recall), curve, recall,
    )  # fmt: skip
