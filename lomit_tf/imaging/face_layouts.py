"""Where hair, skin, background and clothes lie in pictures of faces: layouts learned from the pictures themselves.

    layouts = Layouts.learn(pictures, masks)
    hair = layouts.regions(pictures[0], masks[0])[..., face_regions.HAIR]

A layout is the mean of regions that look alike: short hair, long hair, a fringe, a head turned to one side. It begins
with a guess for CelebA's framing and a model's masks of the hair. docs/method.md, eqs. (9.18) to (9.21).
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable, Iterable
from typing import Any

import cv2
import numpy as np

from lomit_tf.imaging import face_regions

COARSE = 16  # pixels along each side at which regions are compared with layouts
SHARPNESS = 0.1  # how much one coarse pixel says about which layout a picture has
BLUR = 1 / 43  # sigma of the Gaussian that smooths a layout, a share of the side
MEAN_SHARE = 0.03  # of the mean layout in each of the others, so that none rules a place out
PASSES = 2  # over a picture after the first one, each with the layouts that the one before points to
LEAST_IMAGES = 4  # a layout's, on the average

Map = Callable[[Callable[..., np.ndarray], Iterable[Any], Iterable[Any]], Iterable[np.ndarray]]


def first_guess(size: int) -> np.ndarray:
    """Eq. (9.18): a layout (size, size, 4) of faces in CelebA's framing; what it says of hair is not used."""
    at = (np.arange(size) + 0.5) / size
    x, y = at[None, :], at[:, None]
    aside = np.abs(x - 0.5)
    ellipse = (aside / 0.2) ** 2 + ((y - 0.58) / 0.27) ** 2
    neck = 0.5 * np.exp(-((aside / 0.15) ** 2) - ((y - 0.95) / 0.12) ** 2)
    skin = 1 / (1 + np.exp(2 * (ellipse - 1))) + neck
    clothes = np.exp(-(((1 - y) / 0.12) ** 2)) / (1 + np.exp((0.15 - aside) / 0.05))
    background = np.clip((aside - 0.2) / 0.3, 0, 1) * (1 - clothes) + 0.15 * np.exp(-((y / 0.1) ** 2))
    rest = np.stack([np.full_like(skin, 0.03), skin + 0.03, background + 0.03, clothes + 0.03], axis=-1)
    return rest / rest.sum(axis=-1, keepdims=True)


@dataclasses.dataclass(frozen=True)
class Layouts:
    """Z layouts of S x S pixels.

    Attributes:
      mean: (S, S, 4) float32, of all pictures.
      each: (Z, S, S, 4) float32.
      shares: (Z,) float32, how common each is; their sum is 1.
    """

    mean: np.ndarray
    each: np.ndarray
    shares: np.ndarray

    @classmethod
    def learn(cls, pictures: np.ndarray, masks: np.ndarray, count: int = 24, mapped: Map = map) -> Layouts:
        """Layouts of pictures, in three passes over them.

        Args:
            pictures: (N, S, S, 3) uint8.
            masks: (N, S, S) float32 in 0..1, a model's masks of the hair.
            count: Z; fewer where there are fewer than LEAST_IMAGES pictures for each.
            mapped: like the built-in map, perhaps with threads.

        Raises ValueError without pictures.
        """
        if not len(pictures):
            raise ValueError("layouts need at least one picture")
        values = list(mapped(face_regions.features, pictures))  # type: ignore[call-arg]
        guess = first_guess(pictures.shape[1])
        places = [face_regions.with_rest(mask, guess) for mask in masks]
        regions = np.stack(list(mapped(face_regions.responsibilities, values, places)))
        places = [face_regions.prior(mask, _blurred(regions.mean(axis=0))) for mask in masks]
        regions = np.stack(list(mapped(face_regions.responsibilities, values, places)))
        layouts = cls.of(regions, count)
        places = [face_regions.prior(m, layouts.nearest(r)) for m, r in zip(masks, regions, strict=True)]
        return cls.of(np.stack(list(mapped(face_regions.responsibilities, values, places))), count)

    @classmethod
    def of(cls, regions: np.ndarray, count: int) -> Layouts:
        """Eq. (9.19): k-means of regions (N, S, S, 4), and the blurred mean of each cluster."""
        count = max(1, min(count, len(regions) // LEAST_IMAGES))
        mean = _blurred(regions.mean(axis=0))
        coarse = np.stack([_coarse(one) for one in regions]).reshape(len(regions), -1)
        cv2.setRNGSeed(0)
        stop = (cv2.TERM_CRITERIA_MAX_ITER + cv2.TERM_CRITERIA_EPS, 50, 1e-4)
        _, labels, _ = cv2.kmeans(coarse, count, np.empty((0, 1), np.int32), stop, 3, cv2.KMEANS_PP_CENTERS)
        members = [regions[labels[:, 0] == z] for z in range(count)]
        members = [one for one in members if len(one)]
        each = np.stack([_blurred(one.mean(axis=0)) for one in members])
        shares = np.array([len(one) for one in members], np.float32) / len(regions)
        return cls(mean, (1 - MEAN_SHARE) * each + MEAN_SHARE * mean, shares)

    def resized(self, size: int) -> Layouts:
        """The same at another size."""
        area = cv2.INTER_AREA if size < len(self.mean) else cv2.INTER_LINEAR
        mean, *each = (cv2.resize(one, (size, size), interpolation=area) for one in (self.mean, *self.each))
        return Layouts(mean, np.stack(each), self.shares)

    def to_bytes(self) -> bytes:
        """As an npz file, with 16 bits a number."""
        mean, each, shares = (np.round(65535 * a).astype(np.uint16) for a in (self.mean, self.each, self.shares))
        buffer = io.BytesIO()
        np.savez_compressed(buffer, mean=mean, each=each, shares=shares)
        return buffer.getvalue()

    def to_plain(self) -> bytes:
        """Without compression, for the static page and the Android demo; most significant bytes first.

        How many layouts, and pixels along a side, as 32 bits; then with 16 bits a number how common each is, the mean,
        and each.
        """
        numbers = np.concatenate([np.ravel(part) for part in (self.shares, self.mean, self.each)])
        sizes = np.array([len(self.each), len(self.mean)], ">u4")
        return sizes.tobytes() + np.round(65535 * numbers).astype(">u2").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Layouts:
        """What `to_bytes` gave."""
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return cls(*((arrays[name] / 65535).astype(np.float32) for name in ("mean", "each", "shares")))

    def nearest(self, regions: np.ndarray) -> np.ndarray:
        """Eqs. (9.20) and (9.21): the layout (S, S, 4) of regions (S, S, 4), a mixture of those that they are like."""
        logs = np.log(np.stack([_coarse(one) for one in self.each]) + 1e-4)
        score = SHARPNESS * np.einsum("hwk,zhwk->z", _coarse(regions), logs) + np.log(self.shares)
        weights = np.exp(score - score.max())
        return np.einsum("z,zhwk->hwk", weights / weights.sum(), self.each)

    def regions(self, image: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Regions (S, S, 4) float32 of a picture (S, S, 3) uint8 with a mask (S, S) in 0..1, their sum 1."""
        values = face_regions.features(image)
        found = face_regions.responsibilities(values, face_regions.prior(mask, self.mean))
        for _ in range(PASSES):
            found = face_regions.responsibilities(values, face_regions.prior(mask, self.nearest(found)))
        return found


def _coarse(regions: np.ndarray) -> np.ndarray:
    return cv2.resize(regions, (COARSE, COARSE), interpolation=cv2.INTER_AREA)


def _blurred(layout: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(layout, (0, 0), BLUR * len(layout))


__all__ = ["Layouts", "first_guess"]
