"""Computes and reads the element of a training step; called by tf.data in threads of its own."""

from __future__ import annotations

import atexit
import threading
import time
import weakref

import numpy as np

from lomit_tf.data.augment import as_photographed
from lomit_tf.data.order import COLOURS_ONLY_SHARE, PairOrder, Purpose
from lomit_tf.data.store import ImageStore

QUIET_SECONDS = 0.2  # without a call: tf.data's buffers are full


class Loader:
    """Elements of training steps, as NumPy arrays."""

    def __init__(
        self, order: PairOrder, store: ImageStore, *,
        flip: bool, seed: int, batch_size: int, n_critic: int, num_groups: int, rows: slice, augment: float = 0.0,
    ) -> None:  # fmt: skip
        self.order, self.store, self.flip, self.seed, self.augment = order, store, flip, seed, augment
        self.shape, self.num_groups, self.rows = (batch_size, n_critic), num_groups, rows
        self.failure: Exception | None = None
        self._lock = threading.Lock()
        self._running = self._calls = 0
        self._closed = False
        _open.add(self)

    def load(self, step: np.int64) -> tuple[np.ndarray, ...]:
        """x1, y1, x2, y2, alpha, transfer, colours_only of a step; x as uint8. An error is kept, and raised again."""
        with self._lock:
            self._running, self._calls = self._running + 1, self._calls + 1
        try:
            if self._closed:
                return self._nothing()
            if self.failure is not None:
                raise self.failure
            return self._load(int(step))
        except Exception as error:
            if "interpreter shutdown" in str(error):  # the pool of reading threads ends first of all
                return self._nothing()
            self.failure = error
            raise
        finally:
            with self._lock:
                self._running -= 1

    def close(self, patience: float = 10.0) -> None:
        """Reads no more, and returns when tf.data has stopped asking (or patience, in seconds, ends)."""
        self._closed = True
        calls, since, end = -1, time.monotonic(), time.monotonic() + patience
        while time.monotonic() < min(since + QUIET_SECONDS, end):
            if self._running or self._calls != calls:
                calls, since = self._calls, time.monotonic()
            time.sleep(0.01)

    def _nothing(self) -> tuple[np.ndarray, ...]:
        """A placeholder element of zeros; it is never trained on."""
        shape, size = (self.rows.stop - self.rows.start, self.shape[1]), self.store.config.image_size
        x = np.zeros((*shape, size, size, 3), np.uint8)
        y = np.zeros((*shape, self.store.images.labels.shape[1]), np.float32)
        alpha, transfer, colours = (np.zeros((*shape, n), np.float32) for n in (2, self.num_groups, 1))
        return x, y, x, y, alpha, transfer, colours

    def _load(self, step: int) -> tuple[np.ndarray, ...]:
        # All random numbers are drawn for the global batch, and only then are this worker's rows taken.
        rows = self.rows
        sides = [side.reshape(self.shape)[rows] for side in self.order.pairs(step, self.shape[0] * self.shape[1])]
        flips = self._rng(Purpose.FLIP, step).random((2, *self.shape))[:, rows] < 0.5
        alpha = self._rng(Purpose.ALPHA, step).random((*self.shape, 2), np.float32)[rows]
        transfer = self._transfer(step)[rows]
        colours = self._rng(Purpose.COLOURS_ONLY, step).random((*self.shape, 1))[rows] < COLOURS_ONLY_SHARE
        pictures, actual = self.store.get(np.concatenate([side.ravel() for side in sides]))
        if self.flip:
            mirrored = flips.ravel()
            pictures[mirrored] = pictures[mirrored, :, ::-1]
        if self.augment:
            seeds = self._rng(Purpose.AUGMENT, step).integers(2**63, size=(2, *self.shape))[:, rows]
            pictures = as_photographed(pictures, seeds.ravel(), self.augment)
        labels = self.store.images.labels[actual]
        x1, x2 = pictures.reshape(2, *sides[0].shape, *pictures.shape[1:])
        y1, y2 = labels.reshape(2, *sides[0].shape, -1)
        return x1, y1, x2, y2, alpha, transfer, colours.astype(np.float32)

    def _transfer(self, step: int) -> np.ndarray:
        """(B, n, G): all groups with probability 1/2, else any non-empty subset, each as likely."""
        rng = self._rng(Purpose.TRANSFER, step)
        everything = 2**self.num_groups - 1
        subsets = np.where(rng.random(self.shape) < 0.5, everything, rng.integers(1, everything + 1, self.shape))
        return ((subsets[..., None] >> np.arange(self.num_groups)) & 1).astype(np.float32)

    def _rng(self, purpose: Purpose, step: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, purpose, step])


# A tf.data iterator that is alive when the interpreter ends waits for its calls into Python, and they wait for an
# interpreter that runs no other thread any more: the process would hang. So the calls end before that.
_open: weakref.WeakSet[Loader] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for loader in list(_open):
        loader.close()
