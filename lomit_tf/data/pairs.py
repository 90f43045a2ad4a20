"""From single images to batches of pairs, each a pure function of (seed, step, data).

Nothing here has a state that a checkpoint would need: random numbers come from generators keyed by (seed, purpose,
step or epoch), so that a run resumes with `start_step` and workers draw the same global batch independently.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import os
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from lomit_tf.config import ConfigError, DataConfig
from lomit_tf.data.image_set import DataError, ImageSet
from lomit_tf.data.preprocess import to_model_range
from lomit_tf.data.store import CorruptDataError, CorruptReport, ImageStore

__all__ = ["CorruptDataError", "CorruptReport", "PairPipeline", "batches", "sample_pairs", "training_pairs"]

Side = Literal[0, 1]  # x1 or x2


class _Purpose(enum.IntEnum):
    """Keys of the independent streams of random numbers."""

    ORDER_1 = 0
    ORDER_2 = 1
    FLIP = 2
    ALPHA = 3
    TRANSFER = 4
    PARTNER = 5
    SAMPLE = 6


class PairOrder:
    """Which two images make up pair number p, for any p >= 0."""

    def __init__(self, images: ImageSet, pairing: str, seed: int) -> None:
        self._seed = seed
        everything = np.arange(len(images))
        self._sides = images.domains or (everything, everything)
        self._differing = pairing == "differing" and images.domains is None
        # Images sorted by label vector: those that differ from a given one are all but one stretch of this list.
        vectors, self._kind = np.unique(images.labels, axis=0, return_inverse=True)
        if images.domains is None and len(vectors) < 2 and self._differing:
            names = ", ".join(images.label_names)
            raise DataError(
                f"--pairing=differing needs images with different labels; all {len(images)} {images.split} images of "
                f"{images.name} have the same values of {names}"
            )
        self._by_kind = np.argsort(self._kind, kind="stable")
        self._starts = np.searchsorted(self._kind[self._by_kind], np.arange(len(vectors) + 1))
        self._permutation = functools.lru_cache(maxsize=8)(self._new_permutation)

    def _new_permutation(self, side: Side, epoch: int) -> np.ndarray:
        rng = np.random.default_rng([self._seed, (_Purpose.ORDER_1, _Purpose.ORDER_2)[side], epoch])
        return rng.permutation(self._sides[side])

    def walk(self, side: Side, first: int, count: int) -> np.ndarray:
        """Indices (count,) of one side from pair `first` on: a new permutation of all its images each epoch."""
        positions = np.arange(first, first + count)
        epochs, places = np.divmod(positions, len(self._sides[side]))
        chosen = np.empty(count, np.int64)
        for epoch in np.unique(epochs):
            here = epochs == epoch
            chosen[here] = self._permutation(side, int(epoch))[places[here]]
        return chosen

    def differing(self, partners: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """For each of the partners (n,), an image drawn evenly among those whose labels differ from its own."""
        start, end = self._starts[self._kind[partners]], self._starts[self._kind[partners] + 1]
        drawn = rng.integers(0, len(self._kind) - (end - start))
        return self._by_kind[np.where(drawn >= start, drawn + (end - start), drawn)]

    def pairs(self, step: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Indices of x1 and of x2, (count,) each, of the pairs of a step that takes `count` pairs."""
        first = self.walk(0, step * count, count)
        if self._differing:
            return first, self.differing(first, np.random.default_rng([self._seed, _Purpose.PARTNER, step]))
        return first, self.walk(1, step * count, count)


@dataclasses.dataclass(frozen=True)
class PairPipeline:
    """An endless stream of training elements.

    `dataset` is what `tf.distribute` and Keras take; iterating the pipeline itself gives the same elements and raises
    CorruptDataError as such, which tf.data would wrap. After an error from `dataset`, call `raise_if_failed()`.
    """

    dataset: tf.data.Dataset
    _loader: _Loader

    def report(self) -> CorruptReport:
        """The corrupt images met so far."""
        return self._loader.store.report()

    def raise_if_failed(self) -> None:
        """Raises what stopped the reading, if something did: CorruptDataError, or what the source itself raised."""
        if self._loader.failure is not None:
            raise self._loader.failure

    def __iter__(self) -> Iterator[dict[str, tf.Tensor]]:
        try:
            yield from self.dataset
        except tf.errors.OpError:
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
) -> PairPipeline:
    """Batches of pairs for one generator step each, for ever.

    Element k belongs to generator step start_step + k. With B = batch_size, n = n_critic, S = config.image_size, K
    labels and G = num_groups it is a dict of float32 tensors:
      x1, x2: (B, n, S, S, 3) in -1..1; y1, y2: (B, n, K) in {0, 1};
      alpha: (B, n, 2) in [0, 1), for the interpolates of the gradient penalty;
      transfer: (B, n, G) in {0, 1}, the groups to transfer: never none, all of them with probability 1/2 at least.
    Critic sub-batch j is [:, j].

    x1 and x2 walk through independent permutations of all images (of domain A and of domain B), new ones each epoch.
    With config.pairing="differing" x2 is drawn evenly among the images whose labels differ from y1.

    Args:
      rows: the rows of the global batch that this worker reads, e.g. slice(0, 4); None for all.
      num_workers: threads that read; None for one per core, 16 at most.
      prefetch: elements to hold ready.

    Raises:
      ConfigError: rows that are not within the batch.
      DataError: pairing="differing" and only one label vector.
    """
    first, stop, stride = (rows or slice(None)).indices(batch_size)
    if stride != 1 or stop <= first or (rows is not None and (rows.stop or batch_size) > batch_size):
        raise ConfigError(f"rows={rows} does not choose consecutive rows of a batch of {batch_size}")
    workers = num_workers or min(16, os.cpu_count() or 1)
    loader = _Loader(
        PairOrder(images, config.pairing, seed),
        ImageStore(images, config, seed=seed, num_workers=workers),
        flip=config.flip, seed=seed, batch_size=batch_size, n_critic=n_critic, num_groups=num_groups,
        rows=slice(first, stop),
    )  # fmt: skip
    size, num_labels, count_rows = config.image_size, len(images.label_names), stop - first
    shapes = {
        "x1": (size, size, 3), "y1": (num_labels,), "x2": (size, size, 3), "y2": (num_labels,), "alpha": (2,),
        "transfer": (num_groups,),
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


class _Loader:
    """Computes and reads the element of one step."""

    def __init__(
        self, order: PairOrder, store: ImageStore, *,
        flip: bool, seed: int, batch_size: int, n_critic: int, num_groups: int, rows: slice,
    ) -> None:  # fmt: skip
        self.order, self.store, self.flip, self.seed = order, store, flip, seed
        self.shape, self.num_groups, self.rows = (batch_size, n_critic), num_groups, rows
        self.failure: Exception | None = None

    def load(self, step: np.int64) -> tuple[np.ndarray, ...]:
        """x1, y1, x2, y2, alpha, transfer of a step; x as uint8. An error is kept, and raised from then on."""
        if self.failure is not None:
            raise self.failure
        try:
            return self._load(int(step))
        except Exception as error:
            self.failure = error
            raise

    def _load(self, step: int) -> tuple[np.ndarray, ...]:
        # All random numbers are drawn for the global batch, and only then are this worker's rows taken.
        rows = self.rows
        sides = [side.reshape(self.shape)[rows] for side in self.order.pairs(step, self.shape[0] * self.shape[1])]
        flips = self._rng(_Purpose.FLIP, step).random((2, *self.shape))[:, rows] < 0.5
        alpha = self._rng(_Purpose.ALPHA, step).random((*self.shape, 2), np.float32)[rows]
        transfer = self._transfer(step)[rows]
        pictures, actual = self.store.get(np.concatenate([side.ravel() for side in sides]))
        if self.flip:
            mirrored = flips.ravel()
            pictures[mirrored] = pictures[mirrored, :, ::-1]
        labels = self.store.images.labels[actual]
        x1, x2 = pictures.reshape(2, *sides[0].shape, *pictures.shape[1:])
        y1, y2 = labels.reshape(2, *sides[0].shape, -1)
        return x1, y1, x2, y2, alpha, transfer

    def _transfer(self, step: int) -> np.ndarray:
        """(B, n, G): all groups with probability 1/2, else any non-empty subset, each as likely."""
        rng = self._rng(_Purpose.TRANSFER, step)
        everything = 2**self.num_groups - 1
        subsets = np.where(rng.random(self.shape) < 0.5, everything, rng.integers(1, everything + 1, self.shape))
        return ((subsets[..., None] >> np.arange(self.num_groups)) & 1).astype(np.float32)

    def _rng(self, purpose: _Purpose, step: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, purpose, step])


def sample_pairs(images: ImageSet, config: DataConfig, count: int, seed: int) -> dict[str, np.ndarray]:
    """Fixed pairs for sample grids: x1, x2 (count, S, S, 3) float32 in -1..1 and y1, y2 (count, K) float32, as NumPy.

    The labels of a pair differ where the set has different labels at all. Nothing is mirrored.
    """
    order = PairOrder(images, "random", seed)
    first = order.walk(0, 0, count)
    if images.domains is None and (images.labels != images.labels[0]).any():
        second = order.differing(first, np.random.default_rng([seed, _Purpose.SAMPLE]))
    else:
        second = order.walk(1, 0, count)
    store = ImageStore(images, dataclasses.replace(config, cache=False), seed=seed)
    pictures, actual = store.get(np.concatenate([first, second]))
    x, y = _in_model_range(pictures), images.labels[actual]
    return {"x1": x[:count], "y1": y[:count], "x2": x[count:], "y2": y[count:]}


def batches(images: ImageSet, config: DataConfig, batch_size: int) -> Iterator[dict[str, Any]]:
    """All images once and in order, for evaluation: x (n, S, S, 3) float32 in -1..1, y (n, K), index (n,), as NumPy.

    Nothing is mirrored. The last batch is smaller, and so is one with corrupt images, which are left out.
    """
    store = ImageStore(images, dataclasses.replace(config, cache=False))
    for start in range(0, len(images), batch_size):
        pictures, indices = store.readable(np.arange(start, min(start + batch_size, len(images))))
        if len(indices):
            yield {"x": _in_model_range(pictures), "y": images.labels[indices], "index": indices}


def _in_model_range(pictures: np.ndarray) -> np.ndarray:
    with tf.device("/cpu:0"):  # not by way of an accelerator and back
        return to_model_range(pictures).numpy()
