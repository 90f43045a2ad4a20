"""A soft mask refined by its picture's own colours: GrabCut with the mask as seed, or competing regions.

A refinement is values v in 0..1 that are the region above 1/2 and sure near 0 and 1. GrabCut's is the mean of mask and
cut: how near it is to 0 or 1 says how far they agree. docs/method.md, eqs. (9.5) to (9.8); those of competing regions
are in `face_regions`.
"""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Callable

import cv2
import numpy as np

from lomit_tf.imaging import competing, face_regions
from lomit_tf.imaging.face_layouts import Layouts
from lomit_tf.imaging.face_regions import HAIR
from lomit_tf.settings.mask_teacher import RefineConfig

LEVELS = 16  # of a mean, which four bits hold
UNKNOWN = 7.5 / LEVELS  # of a pixel of which nothing is known: the level below 1/2
# What became of an image.
USED, EMPTY_BY_LABEL, REFUSED_BY_LABEL, NOTHING_SURE, AREA, BARE_BY_LABEL = range(6)
STATES = (
    "used", "empty by its labels", "refused by its labels", "nothing in the mask is sure", "another area",
    "bare at the top by its labels",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class MaskRefinement:
    """What became of one mask. `ratio` is the refinement's area over the mask's, NaN where there was none."""

    state: int
    ratio: float
    mean: np.ndarray | None  # (H, W) float32 in 0..1, what can be taught: v


def ellipse_mask(size: int, ellipse: tuple[float, float, float, float] | None) -> np.ndarray:
    """(size, size) bool: pixels whose centres lie within an ellipse (x, y, a, b): centre and radii, shares of size."""
    if ellipse is None:
        return np.zeros((size, size), bool)
    x, y, a, b = ellipse
    at = (np.arange(size) + 0.5) / size
    across, down = (at - x) / max(a, 1e-9), (at - y) / max(b, 1e-9)
    return across[None] ** 2 + down[:, None] ** 2 <= 1


def seeds(mask: np.ndarray, barred: np.ndarray, options: RefineConfig) -> np.ndarray:
    """GrabCut's labels (H, W) uint8 of a mask (H, W) in 0..1; where `barred` (bool), surely background."""
    labels = np.where(mask > options.probable, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[mask > options.sure_foreground] = cv2.GC_FGD
    labels[(mask < options.sure_background) | barred] = cv2.GC_BGD
    return labels


def grab_cut(image: np.ndarray, labels: np.ndarray, iterations: int) -> np.ndarray | None:
    """(H, W) bool, the foreground; None where nothing is surely the region or surely not.

    A function of its arguments alone, in any thread: GrabCut's clustering starts from random numbers, which are drawn
    from a generator of the thread, set here by the picture.

    Args:
        image: (H, W, 3) uint8.
        labels: of `seeds`.
        iterations: rounds.
    """
    if not (labels == cv2.GC_FGD).any() or not (labels == cv2.GC_BGD).any():
        return None
    cv2.setRNGSeed(zlib.crc32(image.tobytes()) & 0x7FFFFFFF)
    found = labels.copy()
    models = np.zeros((2, 1, 65))
    cv2.grabCut(np.ascontiguousarray(image), found, None, models[0], models[1], iterations, cv2.GC_INIT_WITH_MASK)
    return (found == cv2.GC_FGD) | (found == cv2.GC_PR_FGD)


# An image (H, W, 3) uint8 and its mask (H, W) in 0..1 -> the refinement's area as a share of the image, and v (H, W)
# float32; None where nothing is sure.
Refiner = Callable[[np.ndarray, np.ndarray], tuple[float, np.ndarray] | None]


def cut_refiner(size: int, options: RefineConfig) -> Refiner:
    """GrabCut in pictures of size x size pixels; eq. (9.8)."""
    barred = ellipse_mask(size, options.ellipse())

    def refined(image: np.ndarray, mask: np.ndarray) -> tuple[float, np.ndarray] | None:
        cut = grab_cut(image, seeds(mask, barred, options), options.iterations)
        return None if cut is None else (float(cut.mean()), (mask + cut.astype(np.float32)) / 2)

    return refined


def region_refiner(layouts: Layouts, size: int, options: RefineConfig) -> Refiner:
    """The share of hair among competing regions in pictures of size x size pixels, none in the ellipse; eq. (9.22).

    Dark eyes beside dark hair have its colours; where they lie says that they are none of it.
    """
    barred = ellipse_mask(size, options.ellipse())

    def refined(image: np.ndarray, mask: np.ndarray) -> tuple[float, np.ndarray] | None:
        hair = np.where(barred, 0, layouts.regions(image, mask)[..., HAIR]).astype(np.float32)
        return float(hair.mean()), hair

    return refined


def photograph_refiner(size: int, options: RefineConfig) -> Refiner:
    """The share of hair as in photographs, in pictures of size x size pixels, none in the ellipse; eq. (9.38).

    1/2 lies in the middle of the ramp by which a share becomes a mask there.
    """
    barred, middle = ellipse_mask(size, options.ellipse()), sum(competing.RAMP) / 2

    def refined(image: np.ndarray, mask: np.ndarray) -> tuple[float, np.ndarray] | None:
        share = competing.share_of_hair(image, mask, face_regions.SURE) + 0.5 - middle
        hair = np.where(barred, 0, np.clip(share, 0, 1)).astype(np.float32)
        return float(hair.mean()), hair

    return refined


def refine(
    image: np.ndarray, mask: np.ndarray, refiner: Refiner, options: RefineConfig, *,
    refused: bool = False, absent: bool = False, bare: bool = False,
) -> MaskRefinement:  # fmt: skip
    """Refine one mask and decide whether to use it.

    Args:
        image: (H, W, 3) uint8.
        mask: (H, W) float32 in 0..1.
        refiner: of `cut_refiner` or `region_refiner`.
        options: of the refinement.
        refused: the labels forbid to use it.
        absent: the labels say that there is no region.
        bare: the labels say that there is none at the top of the image: eq. (9.27).
    """
    if absent:
        return MaskRefinement(EMPTY_BY_LABEL, float("nan"), np.zeros(mask.shape, np.float32))
    if refused:
        return MaskRefinement(REFUSED_BY_LABEL, float("nan"), None)
    if bare:
        values = np.full(mask.shape, UNKNOWN, np.float32)
        values[: round(options.bare_above * len(mask))] = 0
        return MaskRefinement(BARE_BY_LABEL, float("nan"), values)
    found = refiner(image, mask)
    if found is None:
        return MaskRefinement(NOTHING_SURE, float("nan"), None)
    area, values = found
    ratio = area / max(float(mask.mean()), 1e-6)
    if options.by != "labels" and not options.area_min <= ratio <= options.area_max:
        return MaskRefinement(AREA, ratio, None)
    return MaskRefinement(USED, ratio, values)


def pack(means: np.ndarray) -> np.ndarray:
    """Means (n, H, W) in 0..1, H * W even, in LEVELS levels at four bits a pixel: (n, H * W / 2) uint8."""
    count, height, width = means.shape  # a count of 0 leaves reshape's -1 undecided
    levels = np.minimum(means * LEVELS, LEVELS - 1).astype(np.uint8).reshape(count, height * width // 2, 2)
    return levels[..., 0] | (levels[..., 1] << 4)


def unpack(packed: np.ndarray, size: int) -> np.ndarray:
    """What `pack` packed, (n, size, size) float32: the middle of each level, so that 1/2 still parts the cut."""
    levels = np.stack([packed & 15, packed >> 4], axis=-1).reshape(len(packed), size, size)
    return (levels.astype(np.float32) + 0.5) / LEVELS


__all__ = [
    "MaskRefinement", "Refiner", "cut_refiner", "ellipse_mask", "grab_cut", "pack", "photograph_refiner", "refine",
    "region_refiner", "seeds", "unpack",
]  # fmt: skip
