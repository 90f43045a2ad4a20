"""Squared images of a set by index: read in parallel, kept in memory, corrupt ones named and replaced."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from absl import logging

from lomit_tf.config import DataConfig
from lomit_tf.data import host
from lomit_tf.data.image_set import DataError, ImageSet
from lomit_tf.data.opening import CorruptImageError
from lomit_tf.runtime.backend import backend_name

CACHE_BYTES = 4 << 30  # a larger set is read anew each time
PART_IMAGES = 16  # that one thread reads in one go
PENDING_BYTES = 16 << 20  # of decoded images that one thread holds back to resize together


Squarer = Callable[[np.ndarray, int, int], np.ndarray]


def squarer() -> Squarer:
    """(n, H, W, 3) uint8, crop, size -> (n, size, size, 3) uint8: TensorFlow's, which exported graphs share, where it
    is Keras' backend; Pillow's otherwise, within 1 of it."""
    if backend_name() != "tensorflow":
        return host.square
    import tensorflow as tf

    from lomit_tf.data.preprocess import square

    def by_tensorflow(images: np.ndarray, crop: int, size: int) -> np.ndarray:
        with tf.device("/cpu:0"):  # runs in the calling thread, beside those of the other workers
            return square(images, crop, size).numpy()

    return by_tensorflow


class CorruptDataError(DataError):
    """More images cannot be read than --max_corrupt allows; the message names the first ones."""


@dataclasses.dataclass(frozen=True)
class CorruptReport:
    """What could not be read so far: `count` distinct images out of `total`, and each one's reason by name."""

    count: int
    total: int
    reasons: dict[str, str]

    def __str__(self) -> str:
        head = f"{self.count} of {self.total} images ({self.count / self.total:.1%}) cannot be read"
        return "\n  ".join([head, *list(self.reasons.values())[:5]])


class ImageStore:
    """Random access to the images of a set as the model sees them, but for flip and range: (S, S, 3) uint8.

    Threads share it. Images are kept once read, unless `cache` is False or all of them would take more than
    `cache_bytes`, 4 GiB by default. `square` crops and resizes them, by default as `squarer` says.
    """

    def __init__(
        self, images: ImageSet, config: DataConfig, *, seed: int = 0, num_workers: int = 4,
        cache: bool = True, cache_bytes: int | None = None, square: Squarer | None = None,
    ) -> None:  # fmt: skip
        self.images, self.config, self.seed = images, config, seed
        self._square = square or squarer()
        self._workers = num_workers
        self._pool = ThreadPoolExecutor(num_workers, "lomit-read")
        self._lock = threading.Lock()
        self._reasons: dict[int, str] = {}
        self._replacement: dict[int, int] = {}
        size = config.image_size
        shape = (len(images), size, size, 3)
        keep = cache and np.prod(shape, dtype=np.int64) <= (CACHE_BYTES if cache_bytes is None else cache_bytes)
        self._kept = np.empty(shape, np.uint8) if keep else None  # pages are only taken as they are filled
        self._filled = np.zeros(len(images), bool)

    def get(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Images (n, S, S, 3) uint8 of indices (n,), and the indices that they really are, after replacement.

        A corrupt image is replaced by one with the same labels, or by any other where no such one can be read
        (never from the other domain). Which one depends only on the seed, its index and what else is corrupt.

        Raises:
          CorruptDataError: too many images are corrupt.
        """
        with self._lock:
            replaced = dict(self._replacement)
        if replaced:
            indices = np.array([replaced.get(int(i), int(i)) for i in indices], np.int64)
        if self._kept is None:
            return self._read_many(indices)
        missing = np.unique(indices[~self._filled[indices]])
        if not len(missing):
            return self._kept[indices], indices
        pictures, actual = self._read_many(missing)
        for picture, index in zip(pictures, actual, strict=True):
            self._kept[index] = picture
        self._filled[actual] = True
        if not np.array_equal(missing, actual):
            swap = dict(zip(missing.tolist(), actual.tolist(), strict=True))
            indices = np.array([swap.get(int(i), int(i)) for i in indices], np.int64)
        return self._kept[indices], indices

    def readable(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Images and indices of those that can be read, in order; the others are left out and on record."""
        return self._read_many(indices, replace=False)

    def report(self) -> CorruptReport:
        """Names and reasons of the corrupt images met so far."""
        with self._lock:
            reasons = {self.images.keys[i]: reason for i, reason in self._reasons.items()}
        return CorruptReport(len(reasons), len(self.images), reasons)

    def _read_many(self, indices: np.ndarray, replace: bool = True) -> tuple[np.ndarray, np.ndarray]:
        if self.images.read_many is not None:
            return self.images.read_many(indices), indices
        count = max(min(len(indices), self._workers), -(-len(indices) // PART_IMAGES))
        parts = np.array_split(indices, count)
        results = list(self._pool.map(lambda part: self._read_part(part, replace), parts))
        return np.concatenate([r[0] for r in results]), np.concatenate([r[1] for r in results])

    def _read_part(self, indices: np.ndarray, replace: bool) -> tuple[np.ndarray, np.ndarray]:
        """Reads and squares a few images in this thread.

        Those of one shape are squared together: a call of TensorFlow costs as much as the resize of a small image.
        """
        size = self.config.image_size
        pictures = np.empty((len(indices), size, size, 3), np.uint8)
        actual: list[int] = []
        pending: dict[tuple[int, ...], list[int]] = {}  # shape -> places in `pictures`
        decoded: dict[int, np.ndarray] = {}

        def flush() -> None:
            for places in pending.values():
                pictures[places] = self._squared(np.stack([decoded[place] for place in places]))
            pending.clear()
            decoded.clear()

        for index in indices.tolist():
            image, index = self._decode_or_replace(index) if replace else (self._decode(index), index)
            if image is None:
                continue
            pending.setdefault(image.shape, []).append(len(actual))
            decoded[len(actual)] = image
            actual.append(index)
            if sum(i.size for i in decoded.values()) > PENDING_BYTES:
                flush()
        flush()
        return pictures[: len(actual)], np.array(actual, np.int64)

    def _squared(self, images: np.ndarray) -> np.ndarray:
        """(n, H, W, 3) -> (n, S, S, 3)."""
        if self.images.framed:
            return images
        return self.config.part_of(np.asarray(self._square(images, self.config.crop, self.config.whole_size)))

    def _decode_or_replace(self, index: int) -> tuple[np.ndarray, int]:
        image = self._decode(index)
        if image is not None:
            return image, index
        for other in self._replacements(index):
            image = self._decode(other)
            if image is not None:
                with self._lock:
                    self._replacement[index] = other
                return image, other
        raise CorruptDataError(f"nothing can take the place of a corrupt image. {self.report()}")

    def _replacements(self, index: int) -> Iterator[int]:
        """Indices to try instead, in an order that depends on the seed and the index alone."""
        rng = np.random.default_rng([self.seed, index])
        alike = np.flatnonzero((self.images.labels == self.images.labels[index]).all(axis=1))
        yield from rng.permutation(alike[alike != index]).tolist()
        if self.images.domains is None:
            yield from rng.permutation(len(self.images)).tolist()

    def _decode(self, index: int) -> np.ndarray | None:
        """The decoded image, or None where it is corrupt, which is then on record."""
        with self._lock:
            if index in self._reasons:
                return None
        try:
            return self.images.read(index)
        except CorruptImageError as error:
            self._record(index, str(error))
            return None

    def _record(self, index: int, reason: str) -> None:
        with self._lock:
            if index in self._reasons:
                return
            self._reasons[index] = reason
            count, total = len(self._reasons), len(self.images)
        logging.warning("corrupt image, %d so far: %s", count, reason)
        if count > self.config.max_corrupt * total:
            raise CorruptDataError(
                f"more than --max_corrupt={self.config.max_corrupt:g} of the {self.images.split} images of "
                f"{self.images.name} are corrupt or missing. {self.report()}"
            )
