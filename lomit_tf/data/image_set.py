"""What every source of images gives: a labelled set with random access."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import numpy as np

from lomit_tf.config import ConfigError, near

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


class DataError(ValueError):
    """Data that is missing or malformed; the message names the file and what to do."""


@dataclasses.dataclass(frozen=True)
class ImageSet:
    """N labelled images of one split, read one by one and in any order.

    Attributes:
      name: the data set, as in --dataset.
      split: train, validation or test.
      labels: (N, K) float32 in {0, 1}.
      label_names: K names, in the order of the label vectors.
      keys: N names for messages: a path, or "drawn_faces/train/17".
      read: index -> decoded image, (H, W, 3) uint8. Raises CorruptImageError.
      domains: indices of domain A and of domain B in a two-domain set, else None.
      read_many: indices (n,) -> (n, S, S, 3) uint8, where many at once are cheaper; never fails.
      framed: images are square and of the configured size already: no crop, no resize.
      read_masks: indices (n,) -> true region masks (n, S, S, R) uint8, soft, 0..255, where they are known.
      region_names: R names of those masks.
      cells: (N,) numbers of the combinations of --match labels that the images have, where pairs must agree in them.
    """

    name: str
    split: str
    labels: np.ndarray
    label_names: tuple[str, ...]
    keys: Sequence[str]
    read: Callable[[int], np.ndarray]
    domains: tuple[np.ndarray, np.ndarray] | None = None
    read_many: Callable[[np.ndarray], np.ndarray] | None = None
    framed: bool = False
    read_masks: Callable[[np.ndarray], np.ndarray] | None = None
    region_names: tuple[str, ...] = ()
    cells: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)


def subset(images: ImageSet, chosen: np.ndarray) -> ImageSet:
    """The images of the given indices (n,), renumbered from 0. Not for two-domain sets, whose index arrays it drops."""
    read, read_many, read_masks = images.read, images.read_many, images.read_masks
    return dataclasses.replace(
        images,
        labels=images.labels[chosen],
        keys=[images.keys[i] for i in chosen],
        read=lambda index: read(int(chosen[index])),
        read_many=None if read_many is None else lambda indices: read_many(chosen[indices]),
        read_masks=None if read_masks is None else lambda indices: read_masks(chosen[indices]),
        domains=None,
        cells=None if images.cells is None else images.cells[chosen],
    )


def label_columns(labels: Iterable[str], known: Sequence[str], where: str) -> list[int]:
    """Positions of the wanted labels among the known; for one that is not there, ConfigError names the near ones."""
    for name in labels:
        if name not in known:
            raise ConfigError(f"--attributes: {name!r} is not a label of {where}; {near(name, known)}")
    return [list(known).index(name) for name in labels]


def chosen_subset(count: int, at_most: int) -> np.ndarray:
    """Sorted indices of a fixed random subset, (min(count, at_most),) int64; all of them for at_most = 0.

    The subset of a smaller `at_most` lies within that of a larger one, so that runs on growing data compare.
    """
    if not at_most or at_most >= count:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).permutation(count)[:at_most])
