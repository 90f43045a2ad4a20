"""The elements of training steps as NumPy arrays, without TensorFlow; and pairs and batches for looking at.

`pairs.py` hands the same elements to TensorFlow. Both read with `Loader`, so that for a seed and a step the order, the
mirroring and every draw are the same numbers, and the images are within 1 of 255 (`host.square`).
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from lomit_tf.config import ConfigError, DataConfig
from lomit_tf.data import host
from lomit_tf.data.image_set import ImageSet
from lomit_tf.data.loader import Loader
from lomit_tf.data.order import PairOrder, Purpose
from lomit_tf.data.store import CACHE_BYTES, CorruptReport, ImageStore, Squarer

NAMES = ("x1", "y1", "x2", "y2", "alpha", "transfer", "colours_only")
Element = dict[str, np.ndarray]


def make_loader(
    images: ImageSet, config: DataConfig, *, batch_size: int, n_critic: int, num_groups: int, seed: int,
    rows: slice | None = None, num_workers: int | None = None, cache_bytes: int | None = None,
    square: Squarer | None = None,
) -> Loader:  # fmt: skip
    """What reads the elements of `pairs.training_pairs` and of `NumpyPairs`; arguments and errors are theirs."""
    first, stop, stride = (rows or slice(None)).indices(batch_size)
    if stride != 1 or stop <= first or (rows is not None and (rows.stop or batch_size) > batch_size):
        raise ConfigError(f"rows={rows} does not choose consecutive rows of a batch of {batch_size}")
    workers = num_workers or min(16, os.cpu_count() or 1)
    store = ImageStore(images, config, seed=seed, num_workers=workers, cache_bytes=cache_bytes, square=square)
    return Loader(
        PairOrder(images, config.pairing, seed), store,
        flip=config.flip, seed=seed, batch_size=batch_size, n_critic=n_critic, num_groups=num_groups,
        rows=slice(first, stop), augment=config.augment,
    )  # fmt: skip


class NumpyPairs:
    """An endless stream of the elements that `pairs.training_pairs` describes, as NumPy arrays, x1 and x2 as uint8.

    Values in -1..1 are `host.to_model_range` of x1 and x2: a step makes them on its device, and a quarter of the bytes
    are carried there. Elements are read ahead in threads. Iterating raises CorruptDataError, or what the source raised.

    Args:
        images, config, batch_size, n_critic, num_groups, seed, start_step, rows, num_workers, prefetch: as of
            `training_pairs`.
        square: crops and resizes; by default Pillow does.
        cache_bytes: how much memory the images may take and be kept; by default half of what is free, 4 GiB at least.
    """

    def __init__(
        self, images: ImageSet, config: DataConfig, *, batch_size: int, n_critic: int, num_groups: int, seed: int,
        start_step: int = 0, rows: slice | None = None, num_workers: int | None = None, prefetch: int = 2,
        square: Squarer = host.square, cache_bytes: int | None = None,
    ) -> None:  # fmt: skip
        self._loader = make_loader(
            images, config, batch_size=batch_size, n_critic=n_critic, num_groups=num_groups, seed=seed, rows=rows,
            num_workers=num_workers, cache_bytes=memory_for_images() if cache_bytes is None else cache_bytes,
            square=square,
        )  # fmt: skip
        self._start, self._ahead = start_step, prefetch

    def __iter__(self) -> Generator[Element, None, None]:
        step = self._start
        waiting: deque[Future[tuple[np.ndarray, ...]]] = deque()
        # Two steps at a time: while one waits for its slowest image the other keeps the reading threads busy.
        with ThreadPoolExecutor(2, "lomit-steps") as pool:
            try:
                while True:
                    while len(waiting) <= self._ahead:
                        waiting.append(pool.submit(self._loader.load, np.int64(step)))
                        step += 1
                    yield dict(zip(NAMES, waiting.popleft().result(), strict=True))
            finally:
                for future in waiting:
                    future.cancel()

    def report(self) -> CorruptReport:
        """The corrupt images met so far."""
        return self._loader.store.report()


def memory_for_images() -> int:
    """Bytes that a training set's images may take: half of the memory that is free, and CACHE_BYTES at least."""
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows, and systems that do not say
        free = 0
    return max(CACHE_BYTES, free // 2)


def sample_pairs(images: ImageSet, config: DataConfig, count: int, seed: int) -> Element:
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
    x, y = host.to_model_range(pictures), images.labels[actual]
    return {"x1": x[:count], "y1": y[:count], "x2": x[count:], "y2": y[count:]}


def batches(images: ImageSet, config: DataConfig, batch_size: int) -> Iterator[dict[str, Any]]:
    """All images once and in order, for evaluation: x (n, S, S, 3) float32 in -1..1, y (n, K), index (n,), as NumPy.

    Nothing is mirrored. The last batch is smaller, and so is one with corrupt images, which are left out.
    """
    store = ImageStore(images, config, cache=False)
    for start in range(0, len(images), batch_size):
        pictures, indices = store.readable(np.arange(start, min(start + batch_size, len(images))))
        if len(indices):
            yield {"x": host.to_model_range(pictures), "y": images.labels[indices], "index": indices}
