"""BlazeFace's two networks (MediaPipe's short- and full-range models, face_models/), and what their output says.

Bazarevsky et al., BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs, 2019. A model gives for every anchor
a score (a logit) and 16 numbers in pixels of its input: the box's centre and size, and six points, all but the size
relative to the anchor.
"""

from __future__ import annotations

import dataclasses
import functools
import threading
from pathlib import Path
from typing import Any

import numpy as np

from lomit_tf.runtime import litert

FOLDER = Path(__file__).parent / "face_models"
POINTS = ("left eye", "right eye", "nose", "mouth", "left ear", "right ear")  # left and right as one sees them
LEAST_SCORE = 0.5  # probability, to count as a face
OVERLAP = 0.3  # boxes of a larger intersection over union are the same face


@dataclasses.dataclass(frozen=True)
class Model:
    """One of the two networks: its file, the side of its input, and (stride, anchors in each cell) of its layers."""

    name: str
    side: int
    layers: tuple[tuple[int, int], ...]


SHORT = Model("face_detection_short_range", 128, ((8, 2), (16, 6)))
FULL = Model("face_detection_full_range", 192, ((4, 1),))


def anchors(model: Model) -> np.ndarray:
    """(N, 2) float64: x, y of the model's anchors, the cells' centres row by row, in 0..1 of its input."""
    made = []
    for stride, count in model.layers:
        at = (np.arange(model.side // stride) + 0.5) * stride / model.side
        y, x = np.meshgrid(at, at, indexing="ij")
        made.append(np.repeat(np.stack([x, y], axis=-1).reshape(-1, 2), count, axis=0))
    return np.concatenate(made)


def decode(regressors: np.ndarray, logits: np.ndarray, model: Model, least: float = LEAST_SCORE) -> np.ndarray:
    """A model's output as candidates.

    Args:
      regressors: (N, 16) float32, in pixels of the input: x and y of the box's centre and of six points, from the
        anchor, with the box's width and height in places 2 and 3.
      logits: (N,) float32.
      least: the least probability.

    Returns:
      (M, 17) float64: score, then x, y of the box's upper left and lower right corner and of POINTS, in 0..1 of the
      input. The surest come first.
    """
    scores = 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -80, 80)))
    chosen = np.flatnonzero(scores >= least)
    chosen = chosen[np.argsort(-scores[chosen], kind="stable")]
    pairs = regressors[chosen].astype(np.float64).reshape(-1, 8, 2) / model.side
    at = anchors(model)[chosen]
    centre, half = at + pairs[:, 0], pairs[:, 1] / 2
    corners = np.stack([centre - half, centre + half], axis=1)
    points = np.concatenate([corners, at[:, None] + pairs[:, 2:]], axis=1)
    found = np.concatenate([scores[chosen, None], points.reshape(-1, 16)], axis=1)
    return found[(half > 0).all(axis=1)]


def merged(found: np.ndarray, overlap: float = OVERLAP) -> np.ndarray:
    """Weighted non-maximum suppression of (M, 17) candidates, the surest first: (K, 17).

    Those whose boxes overlap the surest one's by more than `overlap` (intersection over union) become one, at their
    mean, weighted by the scores, with the surest's score; and so on with the rest.
    """
    kept = []
    while len(found):
        same = intersection_over_union(found[0, 1:5], found[:, 1:5]) > overlap
        same[0] = True
        mean = np.average(found[same], axis=0, weights=found[same, 0])
        mean[0] = found[0, 0]
        kept.append(mean)
        found = found[~same]
    return np.array(kept).reshape(-1, 17)


def intersection_over_union(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """(M,) of a box (4,) with boxes (M, 4): left, top, right, bottom."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    both = np.clip(high - low, 0, None).prod(axis=1)
    return both / ((box[2:] - box[:2]).prod() + (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) - both)


_lock = threading.Lock()


@functools.cache
def _interpreter(model: Model) -> tuple[Any, int, dict[int, int]]:
    """A loaded model, the index of its input, and of its outputs by their last axis."""
    interpreter = litert.interpreter(model_path=str(FOLDER / f"{model.name}.tflite"), num_threads=1)
    outputs = {int(detail["shape"][-1]): detail["index"] for detail in interpreter.get_output_details()}
    return interpreter, interpreter.get_input_details()[0]["index"], outputs


def run(model: Model, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N, 16) and (N,) float32: the model's output for a picture (side, side, 3) uint8. Safe in several threads."""
    with _lock:  # of loading, and of an interpreter's buffers
        interpreter, at, outputs = _interpreter(model)
        interpreter.set_tensor(at, (picture.astype(np.float32) * (2 / 255) - 1)[None])
        interpreter.invoke()
        return interpreter.get_tensor(outputs[16])[0], interpreter.get_tensor(outputs[1])[0, :, 0]
