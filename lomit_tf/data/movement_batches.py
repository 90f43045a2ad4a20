"""Batches of faces and exemplars with the movements between them: each a pure function of (seed, step, data)."""

from __future__ import annotations

import cv2
import numpy as np

from lomit_tf.data.augment import JITTERS, Augmentation, affine, jittered
from lomit_tf.data.loader import Loader
from lomit_tf.data.order import PairOrder, epoch_places
from lomit_tf.data.pairs import PairPipeline, step_batches
from lomit_tf.data.store import ImageStore
from lomit_tf.settings.close_ups import Box

NAMES = ("x1", "x2", "displacement", "change")
WARP = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP


class MovementLoader(Loader):
    """Elements of `movement_batches`, as NumPy arrays; what Loader says about errors and the program's end holds here.

    Args:
        store: of the whole pictures, of S x S pixels.
        pairs: (n, 2) indices in the store, of faces and exemplars.
        mirrored: (n, 2) bool, which of them are to be mirrored.
        moves: (n, s, s, 2), the displacement within the close-up, in pixels times `fine`.
        changes: (n, s, s, 3), of 0..255 divided by `coarse`.
        box: the close-up in the whole picture.
        how: the images are changed.
        gain: by which movements and changes are multiplied.
        seed, batch_size, rows: as of `pairs.training_pairs`.
    """

    def __init__(
        self, store: ImageStore, pairs: np.ndarray, mirrored: np.ndarray, moves: np.ndarray, changes: np.ndarray, *,
        fine: float, coarse: float, box: Box, how: Augmentation, gain: float, seed: int, batch_size: int, rows: slice,
    ) -> None:  # fmt: skip
        order = PairOrder(store.images, "random", seed)  # which is not asked: the pairs are given
        super().__init__(
            order, store, flip=how.flip, seed=seed, batch_size=batch_size, n_critic=1, num_groups=1, rows=rows
        )
        self.pairs, self.mirrored, self.moves, self.changes = pairs, mirrored, moves, changes
        self.factors, self.box, self.how = (gain / fine, gain * coarse), box, how

    def _load(self, step: int) -> tuple[np.ndarray, ...]:
        """The arrays of NAMES of a step: images and changes in units of -1..1, displacements in pixels."""
        rng = np.random.default_rng([self.seed, step])
        places = epoch_places(self.seed, step, self.shape[0], len(self.pairs))
        size = self.store.config.image_size
        # Drawn for the whole batch, and only then this worker's rows are taken.
        maps = np.array([[affine(rng, size, self.how) for _ in range(2)] for _ in places])[self.rows]
        draws = rng.uniform(-1, 1, (2, len(places), JITTERS))[:, self.rows]
        places = places[self.rows]
        pictures, _ = self.store.get(self.pairs[places].T.ravel())
        faces, exemplars = np.split(pictures, 2)
        made = [self._moved(*values) for values in zip(places, faces, maps[:, 0], strict=True)]
        displacement = np.stack([values[0] for values in made])
        seen = np.stack([values[1] for values in made])  # (b, s, 3 s, 3): the face, what moved, and after the change
        seen = jittered(seen, draws[0], self.how.jitter)  # side by side, so that all three change alike
        x1, before, after = np.split(seen, 3, axis=2)
        x2 = np.stack([
            self._cut(cv2.warpAffine(_mirrored(e, m), a, (size, size), flags=WARP, borderMode=cv2.BORDER_REPLICATE))
            for e, m, a in zip(exemplars, self.mirrored[places, 1], maps[:, 1], strict=True)
        ])  # fmt: skip
        x2 = jittered(x2 / np.float32(127.5) - 1, draws[1], self.how.jitter)
        return x1, x2, displacement, after - before

    def _moved(self, place: int, face: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The displacement (s, s, 2), and side by side the face, what moved and what that is after the change."""
        size = self.store.config.image_size
        left, top, side = self.box
        face = _mirrored(face, self.mirrored[place, 0]).astype(np.float32)
        around = ((top, size - top - side), (left, size - left - side), (0, 0))
        d = np.pad(self.moves[place].astype(np.float32) * self.factors[0], around)
        change = np.pad(self.changes[place].astype(np.float32) * self.factors[1], around)
        down, right = np.mgrid[:size, :size].astype(np.float32)
        moved = cv2.remap(face, right + d[..., 0], down + d[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        images = [
            self._cut(cv2.warpAffine(image, matrix, (size, size), flags=WARP, borderMode=cv2.BORDER_REPLICATE))
            for image in (face, moved, np.clip(moved + change, 0, 255))
        ]
        turned = cv2.warpAffine(d, matrix, (size, size), flags=WARP) @ np.linalg.inv(matrix[:, :2]).T
        return self._cut(turned).astype(np.float32), np.concatenate(images, axis=1) / np.float32(127.5) - 1

    def _cut(self, values: np.ndarray) -> np.ndarray:
        left, top, side = self.box
        return values[top : top + side, left : left + side]

    def _nothing(self) -> tuple[np.ndarray, ...]:
        count, side = self.rows.stop - self.rows.start, self.box[2]
        return tuple(np.zeros((count, side, side, channels), np.float32) for channels in (3, 3, 2, 3))


def _mirrored(picture: np.ndarray, mirrored: bool) -> np.ndarray:
    return np.ascontiguousarray(picture[:, ::-1]) if mirrored else picture


def movement_batches(loader: MovementLoader, start_step: int = 0) -> PairPipeline:
    """An endless stream of {"x1", "x2", "change": (B, s, s, 3) in units of -1..1, "displacement": (B, s, s, 2)}."""
    side, count = loader.box[2], loader.rows.stop - loader.rows.start
    shapes = {name: (count, side, side, n) for name, n in zip(NAMES, (3, 3, 2, 3), strict=True)}
    return step_batches(loader, shapes, start_step)
