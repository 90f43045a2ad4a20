"""Batches of images with three-way maps of regions, augmented: each a pure function of (seed, step, data)."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from lomit_tf.data.augment import JITTERS, UNSURE, Augmentation, affine, jittered, warped
from lomit_tf.data.loader import Loader
from lomit_tf.data.order import PairOrder, epoch_places
from lomit_tf.data.pairs import PairPipeline, step_batches
from lomit_tf.data.preprocess import to_model_range
from lomit_tf.data.store import ImageStore


def three_way(values: np.ndarray, certain: float) -> tuple[np.ndarray, np.ndarray]:
    """Values in 0..1 -> `target` (0 or 1), and `asked` (0 or 1: whether the loss counts it), float32.

    `asked` is 1 above `certain` and below 1 - `certain`, and `target` is 1 above 1/2 (docs/method.md, eq. (9.10)).
    `augment.UNSURE`, the middle of 0..255, is never asked: it is a little above 1/2.
    """
    sure = max(certain, (UNSURE + 0.5) / 255)
    asked = (values > sure) | (values < 1 - sure)
    return (values > 0.5).astype(np.float32), asked.astype(np.float32)


class MaskLoader(Loader):
    """Elements of `mask_batches`, as NumPy arrays; what Loader says about errors and the program's end holds for it.

    Args:
        store: of the images.
        indices: (n,) images in the store to use.
        values: (n, S, S, T) uint8 of each and of T regions: 255 the region, 0 not, and between them how sure one is.
        how: the images are changed.
        certain: as of `three_way`.
        seed, batch_size, rows: as of `pairs.training_pairs`.
    """

    def __init__(
        self, store: ImageStore, indices: np.ndarray, values: np.ndarray, how: Augmentation, certain: float, *,
        seed: int, batch_size: int, rows: slice,
    ) -> None:  # fmt: skip
        order = PairOrder(store.images, "random", seed)  # which is not asked: there are no pairs
        super().__init__(
            order, store, flip=how.flip, seed=seed, batch_size=batch_size, n_critic=1, num_groups=1, rows=rows
        )
        self.indices, self.values, self.how, self.certain = indices, values, how, certain

    def _load(self, step: int) -> tuple[np.ndarray, ...]:
        """x (B, S, S, 3) float32 in -1..1, target and asked (B, S, S, T) of a step."""
        rng = np.random.default_rng([self.seed, step])
        places = epoch_places(self.seed, step, self.shape[0], len(self.indices))
        size = self.store.config.image_size
        # Drawn for the whole batch, and only then this worker's rows are taken.
        matrices = np.array([affine(rng, size, self.how) for _ in places])[self.rows]
        draws = rng.uniform(-1, 1, (len(places), JITTERS))[self.rows]
        places = places[self.rows]
        pictures, _ = self.store.get(self.indices[places])
        pairs = [
            warped(picture, self.values[place], matrix)
            for picture, place, matrix in zip(pictures, places, matrices, strict=True)
        ]
        with tf.device("/cpu:0"):
            x = to_model_range(np.stack([picture for picture, _ in pairs])).numpy()
        if self.how.jitter:
            x = jittered(x, draws, self.how.jitter)
        return x, *three_way(np.stack([values for _, values in pairs]) / np.float32(255), self.certain)

    def _nothing(self) -> tuple[np.ndarray, ...]:
        count, size = self.rows.stop - self.rows.start, self.store.config.image_size
        maps = np.zeros((count, size, size, self.values.shape[-1]), np.float32)
        return np.zeros((count, size, size, 3), np.float32), maps, maps


def mask_batches(loader: MaskLoader, start_step: int = 0) -> PairPipeline:
    """An endless stream of {"x": (B, S, S, 3) in -1..1, "target", "asked": (B, S, S, T) in {0, 1}}, all float32."""
    size, count = loader.store.config.image_size, loader.rows.stop - loader.rows.start
    maps = (count, size, size, loader.values.shape[-1])
    shapes = {"x": (count, size, size, 3), "target": maps, "asked": maps}
    return step_batches(loader, shapes, start_step)
