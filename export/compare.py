"""What an artefact's numbers are compared by, and the acceptance thresholds."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

# Against the Keras model. Exact formats: largest and mean error of masks and of images in [-1, 1]. At single pixels a
# mask's contrast and steep curves enlarge what another order of sums leaves, more so in larger networks; 1e-3 is an
# eighth of one of 256 levels. An error of the arithmetic shows in the mean.
EXACT, EXACT_MEAN = 1e-3, 1e-5
LEAST_PSNR = {"float16": 45.0, "dynamic": 32.0, "int8": 32.0}  # decibels, of the translation by both files together
LEAST_IOU = {"float16": 0.99, "dynamic": 0.97, "int8": 0.97}
MOST_DISPLACED = 0.25  # pixels of the model, in the mean, where pixels move by one or more
INT8_SMALLER, INT8_FASTER = 3.5, 1.5  # than float32, both files together


@dataclasses.dataclass(frozen=True)
class AcceptanceThreshold:
    """A threshold and whether it holds. A fatal one that does not hold fails the export."""

    name: str
    value: float
    limit: float
    holds: bool
    fatal: bool

    def __str__(self) -> str:
        return f"{self.name}: {self.value:.4g}, threshold {self.limit:g}: {'holds' if self.holds else 'MISSED'}"


def errors(got: np.ndarray, expected: np.ndarray) -> dict[str, float]:
    """Largest and mean absolute error, and PSNR in decibels of images in [-1, 1] (peak 2)."""
    difference = np.abs(got.astype(np.float64) - expected)
    square = float(np.mean(difference**2))
    psnr = float("inf") if square == 0 else 10 * np.log10(4 / square)
    return {"max": float(difference.max()), "mean": float(difference.mean()), "psnr": float(psnr)}


def iou(got: np.ndarray, expected: np.ndarray) -> float:
    """Intersection over union of masks cut at 0.5, over all images and groups; 1 where both are empty."""
    a, b = got >= 0.5, expected >= 0.5
    union = np.logical_or(a, b).sum()
    return float(np.logical_and(a, b).sum() / union) if union else 1.0


def displacement_error(got: np.ndarray, expected: np.ndarray) -> float:
    """Mean distance in pixels between two displacements (N, S, S, 2), where a pixel of either moves by one or more."""
    moves = np.maximum(*(np.hypot(one[..., 0], one[..., 1]) for one in (got, expected))) >= 1
    difference = got.astype(np.float64) - expected
    return float(np.hypot(difference[..., 0], difference[..., 1])[moves].mean()) if moves.any() else 0.0


def background_error(translation: np.ndarray, image: np.ndarray, background: np.ndarray) -> float:
    """Mean absolute change, of 0..1, over the pixels of the background (N, S, S)."""
    changed = np.abs(translation - image).mean(axis=-1) / 2
    return float(changed[background].mean()) if background.any() else 0.0


def agreement(logits: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> float:
    """Share of the labels (N, K) among `asked` (N, K) that the classifier's logits (N, K) have."""
    return float(((logits > 0) == (labels > 0.5))[asked].mean()) if asked.any() else float("nan")


def acceptance(row: dict[str, Any], float32: dict[str, Any] | None) -> list[AcceptanceThreshold]:
    """Which acceptance thresholds one variant (a row of the report) meets; `float32`: float32 TFLite's row, if any."""
    name, variant = row["name"], row["variant"]
    made = []
    if variant == "float32":
        for what in ("mask", "image"):
            for which, key, limit in (("largest", "max", EXACT), ("mean", "mean", EXACT_MEAN)):
                error = row[what][key]
                text = f"{name}: {which} error of the {what}"
                made.append(AcceptanceThreshold(text, error, limit, error <= limit, True))
    else:
        psnr, least = row["image"]["psnr"], LEAST_PSNR[variant]
        made.append(AcceptanceThreshold(f"{name}: PSNR of the translation, dB", psnr, least, psnr >= least, True))
        same, least = row["iou"], LEAST_IOU[variant]
        made.append(AcceptanceThreshold(f"{name}: IoU with the Keras model's masks", same, least, same >= least, True))
    if "displaced" in row:
        error, most = row["displaced"], EXACT if variant == "float32" else MOST_DISPLACED
        text = f"{name}: mean error in pixels of what moves by one or more"
        made.append(AcceptanceThreshold(text, error, most, error <= most, True))
    if variant == "int8" and float32 is not None:
        smaller = float32["bytes"] / row["bytes"]
        made.append(
            AcceptanceThreshold(
                f"{name}: times smaller than float32", smaller, INT8_SMALLER, smaller >= INT8_SMALLER, False
            )
        )
        if row.get("latency") and float32.get("latency"):
            faster = float32["latency"]["1"]["cpu_ms"] / row["latency"]["1"]["cpu_ms"]
            made.append(
                AcceptanceThreshold(
                    f"{name}: times faster than float32", faster, INT8_FASTER, faster >= INT8_FASTER, False
                )
            )
    return made
