"""From single images to batches of pairs, each a pure function of (seed, step, data).

Nothing here has a state that a checkpoint would need: random numbers come from generators keyed by (seed, purpose,
step or epoch), so that a run resumes with `start_step` and workers draw the same global batch independently.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from lomit_tf.config import ConfigError, DataConfig
from lomit_tf.data.image_set import ImageSet
from lomit_tf.data.loader import Loader
from lomit_tf.data.order import PairOrder, Purpose
from lomit_tf.data.preprocess import to_model_range
from lomit_tf.data.store import CorruptDataError, CorruptReport, ImageStore

__all__ = ["CorruptDataError", "CorruptReport", "PairPipeline", "batches", "sample_pairs", "training_pairs"]


@dataclasses.dataclass(frozen=True)
class PairPipeline:
    """An endless stream of training elements.

    `dataset` is what `tf.distribute` and Keras take; iterating the pipeline itself gives the same elements and raises
    CorruptDataError as such, which tf.data would wrap. After an error from `dataset`, call `raise_if_failed()`.
    """

    dataset: tf.data.Dataset
    _loader: Loader

    def report(self) -> CorruptReport:
        """The corrupt images met so far."""
        return self._loader.store.report()

    def raise_if_failed(self) -> None:
        """Raises what stopped the reading, if something did: CorruptDataError, or what the source itself raised."""
        if self._loader.failure is not None:
            raise self._loader.failure

    def __iter__(self) -> Iterator[dict[str, tf.Tensor]]:
        failed = tf.errors.OpError  # the module's names may be gone when an interpreter that ends closes this
        try:
            yield from self.dataset
        except failed:
            self.raise_if_failed()
            raise


def training_pairs(
    images: ImageSet,
    config: DataConfig,
    *,
    batch_size: int,
    n_critic: int,
    num_groups: int,
    seed: int,
    start_step: int = 0,
    rows: slice | None = None,
    num_workers: int | None = None,
    prefetch: int = 2,
    cache: bool = True,
) -> PairPipeline:
    """Batches of pairs for one generator step each, for ever.

    Element k belongs to generator step start_step + k. With B = batch_size, n = n_critic, S = config.image_size, K
    labels and G = num_groups it is a dict of float32 tensors:
      x1, x2: (B, n, S, S, 3) in -1..1; y1, y2: (B, n, K) in {0, 1};
      alpha: (B, n, 2) in [0, 1), for the interpolates of the gradient penalty;
      transfer: (B, n, G) in {0, 1}, the groups to transfer: never none, all of them with probability 1/2 at least;
      colours_only: (B, n, 1) in {0, 1}, pairs whose colour groups exchange their colour moments alone (1/4 of them).
    Critic sub-batch j is [:, j].

    x1 and x2 walk through independent permutations of all images (of domain A and of domain B), new ones each epoch.
    With config.pairing="differing" x2 is drawn evenly among the images whose labels differ from y1.

    Args:
      rows: the rows of the global batch that this worker reads, e.g. slice(0, 4); None for all.
      num_workers: threads that read; None for one per core, 16 at most.
      prefetch: elements to hold ready.
      cache: keep decoded images in memory where they fit, as of `ImageStore`.

    Raises:
      ConfigError: rows that are not within the batch.
      DataError: pairing="differing" and only one label vector.
    """
    first, stop, stride = (rows or slice(None)).indices(batch_size)
    if stride != 1 or stop <= first or (rows is not None and (rows.stop or batch_size) > batch_size):
        raise ConfigError(f"rows={rows} does not choose consecutive rows of a batch of {batch_size}")
    workers = num_workers or min(16, os.cpu_count() or 1)
    loader = Loader(
        PairOrder(images, config.pairing, seed),
        ImageStore(images, config, seed=seed, num_workers=workers, cache=cache),
        flip=config.flip, seed=seed, batch_size=batch_size, n_critic=n_critic, num_groups=num_groups,
        rows=slice(first, stop), augment=config.augment,
    )  # fmt: skip
    size, num_labels, count_rows = config.image_size, len(images.label_names), stop - first
    shapes = {
        "x1": (size, size, 3), "y1": (num_labels,), "x2": (size, size, 3), "y2": (num_labels,), "alpha": (2,),
        "transfer": (num_groups,), "colours_only": (1,),
    }  # fmt: skip
    kinds = [tf.uint8 if name.startswith("x") else tf.float32 for name in shapes]

    def element(step: tf.Tensor) -> dict[str, tf.Tensor]:
        values = tf.numpy_function(loader.load, [step], kinds)
        parts = {
            name: tf.ensure_shape(value, (count_rows, n_critic, *shape))
            for (name, shape), value in zip(shapes.items(), values, strict=True)
        }
        return parts | {name: to_model_range(parts[name]) for name in ("x1", "x2")}

    dataset = tf.data.Dataset.range(start_step, np.iinfo(np.int64).max)
    # Two steps at a time: while one waits for its slowest image the other keeps the reading threads busy.
    dataset = dataset.map(element, num_parallel_calls=2, deterministic=True).prefetch(prefetch)
    options = tf.data.Options()
    # Every worker builds its own part of the batch (`rows`); tf.distribute must not split the steps among them.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    return PairPipeline(dataset.with_options(options), loader)


def sample_pairs(images: ImageSet, config: DataConfig, count: int, seed: int) -> dict[str, np.ndarray]:
    """Fixed pairs for sample grids: x1, x2 (count, S, S, 3) float32 in -1..1 and y1, y2 (count, K) float32, as NumPy.

    The labels of a pair differ where the set has different labels at all. Nothing is mirrored.
    """
    order = PairOrder(images, "random", seed)
    first = order.walk(0, 0, count)
    if images.domains is None and (images.labels != images.labels[0]).any():
        second = order.differing(first, np.random.default_rng([seed, Purpose.SAMPLE]))
    else:
        second = order.walk(1, 0, count)
    store = ImageStore(images, config, seed=seed, cache=False)
    pictures, actual = store.get(np.concatenate([first, second]))
    x, y = _in_model_range(pictures), images.labels[actual]
    return {"x1": x[:count], "y1": y[:count], "x2": x[count:], "y2": y[count:]}


def batches(images: ImageSet, config: DataConfig, batch_size: int) -> Iterator[dict[str, Any]]:
    """All images once and in order, for evaluation: x (n, S, S, 3) float32 in -1..1, y (n, K), index (n,), as NumPy.

    Nothing is mirrored. The last batch is smaller, and so is one with corrupt images, which are left out.
    """
    store = ImageStore(images, config, cache=False)
    for start in range(0, len(images), batch_size):
        pictures, indices = store.readable(np.arange(start, min(start + batch_size, len(images))))
        if len(indices):
            yield {"x": _in_model_range(pictures), "y": images.labels[indices], "index": indices}


def _in_model_range(pictures: np.ndarray) -> np.ndarray:
    with tf.device("/cpu:0"):  # not by way of an accelerator and back
        return to_model_range(pictures).numpy()
