"""`--photograph_size` of `lomit_tf.evaluate`: tables of what `photographs.measure` finds, for every group with truth.

The threshold of the masks is chosen on the photographs at even places and used on those at odd ones, so that the odd
half's IoU is of a threshold that has not seen it.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

import numpy as np

from lomit_tf.config import DataConfig
from lomit_tf.data.image_set import DataError, ImageSet
from lomit_tf.data.store import ImageStore
from lomit_tf.evaluation.metrics.cases import open_images
from lomit_tf.evaluation.metrics.mask_quality import THRESHOLDS
from lomit_tf.evaluation.metrics.photographs import METHODS, PhotographScores, measure
from lomit_tf.evaluation.metrics.truth import regions_of, union
from lomit_tf.evaluation.report.results import Table
from lomit_tf.model import Lomit
from lomit_tf.photos.translator import Translator

HALVES = ("even", "odd")
ABOUT = (
    "Every photograph is translated after the next one in the list, through the Translator. IoU is of the masks at the "
    "single threshold that is best at even places. Background error and the distance of the region's mean colour from "
    "the exemplar's are mean absolute differences of 0..1; detail is the mean absolute Laplacian in the region against "
    "the input's. The closed form is the colour map that the curves start from, with nothing learned."
)


def tables(
    model: Lomit, config: DataConfig, dataset: str, size: int, count: int,
    progress: Callable[[float], None] = lambda share: None,
) -> list[Table]:  # fmt: skip
    """One table for each group whose labels own a region that the data set has true masks of.

    Args:
      model: with its weights.
      config: of the data set, as `run.data_config` makes it.
      dataset: its name.
      size: side of the photographs, in pixels; a multiple of 64.
      count: how many photographs, at most.

    Raises:
      DataError: the data set has no true masks of any group's region.
    """
    images = open_images(dataclasses.replace(config, image_size=size, flip=False), dataset, "test")
    found, groups = [], model.config.data.group_labels
    chosen = np.arange(min(count, len(images)))
    for n, (group, labels) in enumerate(groups.items()):
        regions = [r for r in images.region_names if r in regions_of(labels)[0]]
        if not regions or images.read_masks is None:
            continue
        pictures, truth = _read(images, config, size, chosen, regions)
        part = functools.partial(_shown, progress, n, len(groups))
        measured = measure(Translator(model, log_notes=False), pictures, truth, group, progress=part)
        found.append(table(measured, group, size))
    if not found:
        raise DataError(
            f"--photograph_size={size}: --dataset={dataset} has no true masks of the regions of "
            f"{', '.join(groups)}; leave the flag out, or give --dataset=celebamask"
        )
    return found


def _shown(progress: Callable[[float], None], done: int, of: int, share: float) -> None:
    progress((done + share) / of)


def _read(
    images: ImageSet, config: DataConfig, size: int, chosen: np.ndarray, regions: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (N, size, size, 3) uint8 and the union of true regions (N, size, size) in 0..1."""
    store = ImageStore(images, dataclasses.replace(config, image_size=size, flip=False), cache=False)
    pictures, actual = store.get(chosen)
    assert images.read_masks is not None
    masks = images.read_masks(actual).astype(np.float32) / 255
    asked = np.tile([float(name in regions) for name in images.region_names], (len(actual), 1)).astype(np.float32)
    return np.asarray(pictures), union(masks, asked)


def table(measured: PhotographScores, group: str, size: int) -> Table:
    """Rows of every method on both halves."""
    places = np.arange(len(measured.used)) % 2
    threshold = measured.best_threshold(places == 0)
    rows: list[list[str | int | float | None]] = []
    for half, name in enumerate(HALVES):
        at = places == half
        if not (at & measured.used).any():
            continue
        iou = float(measured.iou_curves[at & measured.used, threshold].mean())
        for method in METHODS:
            figures = measured.summary(method, at)
            rows.append(
                [name, method, int((at & measured.used).sum()), iou if method == "lomit" else None,
                 figures["background"], figures["colour"], figures["detail"]]
            )  # fmt: skip
    return Table(
        title=f"At {size} pixels: {group}, threshold {THRESHOLDS[threshold]:.2f}", about=ABOUT,
        columns=["places", "method", "photographs", "IoU", "background error", "colour", "detail"], rows=rows,
        reason="IoU: the closed form has the model's masks or the true ones",
    )  # fmt: skip
