"""From single images to batches of pairs for TensorFlow, each a pure function of (seed, step, data).

Nothing here has a state that a checkpoint would need: random numbers come from generators keyed by (seed, purpose,
step or epoch), so that a run resumes with `start_step` and workers draw the same global batch independently.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np
import tensorflow as tf

from lomit_tf.config import DataConfig
from lomit_tf.data.image_set import ImageSet
from lomit_tf.data.loader import Loader
from lomit_tf.data.numpy_pairs import NAMES, batches, make_loader, sample_pairs
from lomit_tf.data.preprocess import to_model_range
from lomit_tf.data.store import CorruptDataError, CorruptReport

__all__ = [
    "CorruptDataError", "CorruptReport", "PairPipeline", "batches", "sample_pairs", "step_batches", "training_pairs",
]  # fmt: skip


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
    loader = make_loader(
        images, config, batch_size=batch_size, n_critic=n_critic, num_groups=num_groups, seed=seed, rows=rows,
        num_workers=num_workers, cache_bytes=None if cache else 0,
    )  # fmt: skip
    count_rows = loader.rows.stop - loader.rows.start
    size, num_labels = config.image_size, len(images.label_names)
    each = ((size, size, 3), (num_labels,)) * 2 + ((2,), (num_groups,), (1,))
    shapes = dict(zip(NAMES, each, strict=True))
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
    return PairPipeline(as_it_is(dataset), loader)


def step_batches(loader: Loader, shapes: Mapping[str, tuple[int, ...]], start_step: int) -> PairPipeline:
    """An endless stream of what a loader gives for each step from `start_step` on, float32 arrays by name."""

    def element(step: tf.Tensor) -> dict[str, tf.Tensor]:
        arrays = tf.numpy_function(loader.load, [step], [tf.float32] * len(shapes))
        return {
            name: tf.ensure_shape(array, shape) for (name, shape), array in zip(shapes.items(), arrays, strict=True)
        }

    dataset = tf.data.Dataset.range(start_step, np.iinfo(np.int64).max)
    dataset = dataset.map(element, num_parallel_calls=1, deterministic=True).prefetch(2)
    return PairPipeline(as_it_is(dataset), loader)


def as_it_is(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """The same elements, which nothing splits among workers (each builds its own part) and nothing tunes.

    What is tuned has a thread of TensorFlow's, for which the end of an iterator waits up to a minute.
    """
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    options.autotune.enabled = False
    return dataset.with_options(options)
