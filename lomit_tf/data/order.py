"""Which images make up which pair: a pure function of the seed, the pair's number and the data."""

from __future__ import annotations

import enum
import functools
from typing import Literal

import numpy as np

from lomit_tf.data.image_set import DataError, ImageSet

Side = Literal[0, 1]  # x1 or x2


MOST_REPEATS = 4
COLOURS_ONLY_SHARE = 0.25  # of the pairs: their colour groups exchange the colour moments alone


class Purpose(enum.IntEnum):
    """Keys of the independent streams of random numbers."""

    ORDER_1 = 0
    ORDER_2 = 1
    FLIP = 2
    ALPHA = 3
    TRANSFER = 4
    PARTNER = 5
    SAMPLE = 6
    COLOURS_ONLY = 7
    AUGMENT = 8


class PairOrder:
    """Which two images make up pair number p, for any p >= 0.

    With pairing="differing" the partner has another label vector, and the same cell where the set has cells
    (--match). Then an epoch leaves out what would only repeat: of the images of one label vector in a cell, at most
    MOST_REPEATS times as many are used as there are others to pair them with. So both labels are seen with the same
    shares of everything matched, and rare partners are not worn out.
    """

    def __init__(self, images: ImageSet, pairing: str, seed: int) -> None:
        self._seed = seed
        everything = np.arange(len(images))
        self._sides = images.domains or (everything, everything)
        self._differing = pairing == "differing" and images.domains is None
        vectors, kind = np.unique(images.labels, axis=0, return_inverse=True)
        if images.domains is None and len(vectors) < 2 and self._differing:
            names = ", ".join(images.label_names)
            raise DataError(
                f"--pairing=differing needs images with different labels; all {len(images)} {images.split} images of "
                f"{images.name} have the same values of {names}"
            )
        cells = np.zeros(len(images), np.int64) if images.cells is None or not self._differing else images.cells
        # Images sorted by cell, and within it by label vector: in a cell's stretch of this list, the images that
        # differ from a given one are all but one stretch.
        self._group = cells * len(vectors) + kind.reshape(-1)
        self._sorted = np.argsort(self._group, kind="stable")
        ordered = self._group[self._sorted]
        self._start = np.searchsorted(ordered, self._group)
        self._end = np.searchsorted(ordered, self._group, side="right")
        self._cell_start = np.searchsorted(ordered, cells * len(vectors))
        self._cell_end = np.searchsorted(ordered, (cells + 1) * len(vectors))
        self._most: np.ndarray | None = None
        if self._differing and images.cells is not None:
            others = (self._cell_end - self._cell_start) - (self._end - self._start)
            if not others.any():
                raise DataError(
                    f"--match leaves no pair of {images.split} images of {images.name} that agree in all of its labels "
                    "and differ in the attributes; name fewer labels"
                )
            self._most = MOST_REPEATS * others
        self._permutation = functools.lru_cache(maxsize=8)(self._new_permutation)
        self._length = [len(self._permutation(side, 0)) for side in (0, 1)]

    def _new_permutation(self, side: Side, epoch: int) -> np.ndarray:
        rng = np.random.default_rng([self._seed, (Purpose.ORDER_1, Purpose.ORDER_2)[side], epoch])
        order = rng.permutation(self._sides[side])
        if self._most is None:
            return order
        # How many of the same cell and label vector come before each in this epoch's order.
        by_group = np.argsort(self._group[order], kind="stable")
        sorted_groups = self._group[order][by_group]
        rank = np.empty(len(order), np.int64)
        rank[by_group] = np.arange(len(order)) - np.searchsorted(sorted_groups, sorted_groups)
        return order[rank < self._most[order]]

    def walk(self, side: Side, first: int, count: int) -> np.ndarray:
        """Indices (count,) of one side from pair `first` on: a new permutation of its images each epoch."""
        positions = np.arange(first, first + count)
        epochs, places = np.divmod(positions, self._length[side])
        chosen = np.empty(count, np.int64)
        for epoch in np.unique(epochs):
            here = epochs == epoch
            chosen[here] = self._permutation(side, int(epoch))[places[here]]
        return chosen

    def differing(self, partners: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """For each of the partners (n,), an image of the same cell whose labels differ, drawn evenly.

        A partner whose cell has no such image gets one of its own kind; `walk` does not give such partners.
        """
        start, end = self._start[partners], self._end[partners]
        low, high = self._cell_start[partners], self._cell_end[partners]
        alone = (high - low) == (end - start)
        drawn = low + rng.integers(0, np.where(alone, high - low, (high - low) - (end - start)))
        return self._sorted[np.where(alone | (drawn < start), drawn, drawn + (end - start))]

    def pairs(self, step: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Indices of x1 and of x2, (count,) each, of the pairs of a step that takes `count` pairs."""
        first = self.walk(0, step * count, count)
        if self._differing:
            return first, self.differing(first, np.random.default_rng([self._seed, Purpose.PARTNER, step]))
        return first, self.walk(1, step * count, count)


def epoch_places(seed: int, step: int, batch: int, count: int) -> np.ndarray:
    """(batch,) places among `count` that a step takes: a new permutation of them each epoch."""
    epochs, places = np.divmod(np.arange(step * batch, (step + 1) * batch), count)
    for epoch in np.unique(epochs):
        order = np.random.default_rng([seed, Purpose.ORDER_1, int(epoch)]).permutation(count)
        places[epochs == epoch] = order[places[epochs == epoch]]
    return places
