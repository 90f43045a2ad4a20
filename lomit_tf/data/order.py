"""Which images make up which pair: a pure function of the seed, the pair's number and the data."""

from __future__ import annotations

import enum
import functools
from typing import Literal

import numpy as np

from lomit_tf.data.image_set import DataError, ImageSet

Side = Literal[0, 1]  # x1 or x2


class Purpose(enum.IntEnum):
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
        rng = np.random.default_rng([self._seed, (Purpose.ORDER_1, Purpose.ORDER_2)[side], epoch])
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
            return first, self.differing(first, np.random.default_rng([self._seed, Purpose.PARTNER, step]))
        return first, self.walk(1, step * count, count)
