"""Measured as people use it: translations by `Translator` at the photographs' own size, against true masks there.

Photographs are translated after their neighbours in the list. The closed-form colour map (`networks.curves`, nothing
learned) stands beside the model with the model's masks and with the true ones: what it reaches needs no
training, and with true masks it is near what can be reached.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np

from lomit_tf.evaluation.metrics.mask_quality import THRESHOLDS, iou
from lomit_tf.imaging import curves, mask_planes
from lomit_tf.networks import colour
from lomit_tf.networks.curves import closed_form, finished
from lomit_tf.photos.translator import Translator

EDGE = 4  # pixels beside the true mask that count neither as inside nor as outside
BATCH = 16
LEAST_REGION = 0.005  # of the picture: smaller regions are not measured
METHODS = ("untranslated", "lomit", "closed form, its masks", "closed form, true masks")


@dataclasses.dataclass(frozen=True)
class PerPhotograph:
    """One method's figures for each of N photographs; NaN where there is nothing to measure.

    Attributes:
      background: mean |output - input| (0..1) outside the true region, without EDGE pixels beside it.
      colour: mean over channels of |mean colour of the output's true region - that of the exemplar's| (0..1).
      detail: mean |Laplacian| of the brightness within the region, against the input's.
    """

    background: np.ndarray
    colour: np.ndarray
    detail: np.ndarray


@dataclasses.dataclass(frozen=True)
class PhotographScores:
    """What `measure` found.

    Attributes:
      by_method: figures by name of METHODS.
      iou_curves: (N, len(THRESHOLDS)) of the translator's masks.
      used: bool (N,), photographs with a region of at least LEAST_REGION; the others are NaN everywhere.
    """

    by_method: dict[str, PerPhotograph]
    iou_curves: np.ndarray
    used: np.ndarray

    def best_threshold(self, chosen: np.ndarray) -> int:
        """Index of the single threshold with the best mean IoU over the chosen photographs (bool (N,))."""
        return int(self.iou_curves[chosen & self.used].mean(axis=0).argmax())

    def summary(self, method: str, chosen: np.ndarray) -> dict[str, float]:
        """Means of a method over the chosen photographs (bool (N,))."""
        one = self.by_method[method]
        rows = chosen & self.used
        return {f.name: float(np.nanmean(getattr(one, f.name)[rows])) for f in dataclasses.fields(PerPhotograph)}


def measure(
    translator: Translator,
    photographs: np.ndarray,
    truth: np.ndarray,
    group: str,
    *,
    crop: Any = None,
    progress: Callable[[float], None] = lambda share: None,
) -> PhotographScores:
    """Translate every photograph after the next one in the list, and measure.

    Args:
      translator: its model's `group` is transferred, and nothing else.
      photographs: (N, H, W, 3) uint8.
      truth: (N, H, W) in 0..1, the true region of the group.
      crop: as of `Translator.translate`; the translator's own by default, as people use it.

    Raises:
      ImageError: the model has no such group.
    """
    true = truth >= 0.5
    used = true.mean(axis=(1, 2)) >= LEAST_REGION
    masks: list[np.ndarray] = []
    outputs: dict[str, list[np.ndarray]] = {name: [] for name in METHODS}
    exemplars = np.roll(photographs, -1, axis=0)
    for n, (image, exemplar, result, found) in enumerate(_translated(translator, photographs, exemplars, group, crop)):
        its = result.input_masks[group], result.exemplar_masks[group]
        masks.append(found)
        outputs["untranslated"].append(image)
        outputs["lomit"].append(result.image)
        outputs["closed form, its masks"].append(recoloured(image, exemplar, *its))
        both = truth[n].astype(np.float32), truth[(n + 1) % len(truth)].astype(np.float32)
        outputs["closed form, true masks"].append(recoloured(image, exemplar, *both))
        progress((n + 1) / len(photographs))
    found_masks = np.stack(masks)
    by_method = {name: _figures(photographs, np.stack(made), true, used) for name, made in outputs.items()}
    found_curves = np.stack([iou(found_masks >= t, true) for t in THRESHOLDS], axis=1)
    return PhotographScores(by_method, found_curves, used)


def _translated(
    translator: Translator, photographs: np.ndarray, exemplars: np.ndarray, group: str, crop: Any
) -> Iterator[tuple]:
    for start in range(0, len(photographs), BATCH):
        part = slice(start, start + BATCH)
        encoded = [translator.encode_exemplar(one, crop=crop) for one in exemplars[part]]
        requests = [
            translator.request(image, None, [group], crop=crop, exemplar=exemplar)
            for image, exemplar in zip(photographs[part], encoded, strict=True)
        ]
        results = translator.translate_batch(requests)
        for image, exemplar, result in zip(photographs[part], exemplars[part], results, strict=True):
            yield image, exemplar, result, result.input_masks[group]


def recoloured(image: np.ndarray, exemplar: np.ndarray, mask: np.ndarray, exemplar_mask: np.ndarray) -> np.ndarray:
    """The closed-form colour map alone: (H, W, 3) uint8 twice, (H, W) in 0..1 twice -> (H, W, 3) uint8."""
    sides = ((image, mask), (exemplar, exemplar_mask))
    own, target = (
        colour.region_moments((x[None] / 127.5 - 1).astype(np.float32), m[None, ..., None].astype(np.float32))
        for x, m in sides
    )
    if not mask.any() or not exemplar_mask.any():
        return image
    curve = np.asarray(closed_form(target, own))[:, None]
    grid = np.asarray(finished(curve, np.asarray(target)[:, 0], np.asarray(own)[:, 0]))[0]
    whole = mask_planes.whole(mask.shape)
    return curves.apply(image, grid, mask[..., None].astype(np.float32), whole, whole)


def _figures(before: np.ndarray, after: np.ndarray, true: np.ndarray, used: np.ndarray) -> PerPhotograph:
    side = np.ones((2 * EDGE + 1, 2 * EDGE + 1), np.uint8)
    rows = {name: np.full(len(before), np.nan) for name in ("background", "colour", "detail")}
    for n in np.flatnonzero(used):
        region = true[n]
        outside = cv2.dilate(region.astype(np.uint8), side) == 0
        inside = cv2.erode(region.astype(np.uint8), side) > 0
        change = np.abs(after[n].astype(np.float32) - before[n]).mean(axis=-1) / 255
        rows["background"][n] = change[outside].mean() if outside.any() else np.nan
        other = (n + 1) % len(before)
        if used[other]:
            target = before[other][true[other]].mean(axis=0)
            rows["colour"][n] = np.abs(after[n][region].mean(axis=0) - target).mean() / 255
        if inside.any():
            rows["detail"][n] = _laplacian(after[n])[inside].mean() / max(_laplacian(before[n])[inside].mean(), 1e-6)
    return PerPhotograph(**rows)


def _laplacian(image: np.ndarray) -> np.ndarray:
    return np.abs(cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.CV_32F))
