"""From the model's size back to the photograph's: upsampling of the masks and of the change, and the blend.

The change of brightness is upsampled with OpenCV's fast guided filter, the photograph as guide (He, Sun and Tang,
Guided Image Filtering, PAMI 2013; He and Sun, Fast Guided Filter, 2015): it is fitted by linear functions of the
photograph's colours, which are then applied to the photograph itself, so that its texture and edges change along; and
corrected until its averages are the model's change again. The change of colour is upsampled bilinearly, as the masks
are: through the filter, the model's uneven colours become fringes along strands of hair. docs/translate.md has the
measurements behind all three.
"""

from __future__ import annotations

import cv2
import numpy as np

from lomit_tf.imaging.framing import Window

# Masks below it count as 0, so that the photograph stays there to the bit. A step of 1/50 of the change cannot be seen.
MASK_FLOOR = 0.02
BORDER = 1 / 16  # of the window's side: where the window ends within the photograph, the change fades out over it
RADIUS = 1  # of the filter's window, in pixels of the smaller image
SMOOTHNESS = 1e-3 * 255**2  # the filter's eps: the variance below which the guide counts as flat
STEP = 4  # the photograph is approached in steps of this factor, each with an averaged copy of it as guide
CORRECTIONS = 2
TRACES = 5  # of 255, a deviation: of 3,000 photographs of CelebA those of one tint have less, half have more than 20
BAND = 64  # rows that are looked at together
# Red, green, blue -> brightness and two differences of colour (ITU-R BT.601), and back.
TO_YCC = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32)
TO_RGB = np.linalg.inv(TO_YCC).astype(np.float32)


def upsample_change(change: np.ndarray, guide: np.ndarray) -> np.ndarray:
    """Bring a change to a photograph's size, so that it follows the photograph's edges and texture.

    Args:
      change: (s, t, 3) float32.
      guide: (h, w, 3) uint8, the photograph.

    Returns:
      (h, w, 3) float32, within the smallest and largest value of each channel. A change of the guide's size stays as
      it is, and a larger one is averaged.
    """
    (height, width), (s, t) = guide.shape[:2], change.shape[:2]
    if max(s, t) >= max(height, width):
        return upsample_masks(change, (height, width))
    limits = change.min(axis=(0, 1)), change.max(axis=(0, 1))
    small = cv2.transform(np.ascontiguousarray(change, np.float32), TO_YCC)
    brightness = np.ascontiguousarray(small[..., :1])
    while (s, t) != (height, width):
        s, t = min(height, STEP * s), min(width, STEP * t)
        smaller = guide if (s, t) == (height, width) else cv2.resize(guide, (t, s), interpolation=cv2.INTER_AREA)
        brightness = np.clip(_one_step(brightness, smaller), small[..., 0].min(), small[..., 0].max())
    raised = upsample_masks(small, (height, width))
    raised[..., 0] = brightness[..., 0]
    return np.clip(cv2.transform(raised, TO_RGB), *limits)


def monochrome(pixels: np.ndarray) -> bool:
    """Whether a picture (h, w, 3) uint8 is grey, or of one tint that follows its brightness, as old photographs are.

    So it is where brightness r + 2 g + b explains the differences r - g and b - g, by a line each, but for the TRACES
    that JPEG and scanners leave: docs/method.md, eq. (10.11).
    """
    sums, products, count = np.zeros(3), np.zeros((3, 3)), pixels.shape[0] * pixels.shape[1]
    for top in range(0, pixels.shape[0], BAND):
        band = pixels[top : top + BAND].reshape(-1, 3).astype(np.float64)
        sums, products = sums + band.sum(axis=0), products + band.T @ band
    covariance = products / count - np.outer(sums, sums) / count**2
    y, u, v = np.array([[1, 2, 1], [1, -1, 0], [0, -1, 1]], np.float64)
    left = u @ covariance @ u + v @ covariance @ v
    if (brightness := y @ covariance @ y) > 0:
        left -= ((y @ covariance @ u) ** 2 + (y @ covariance @ v) ** 2) / brightness
    return bool(left <= TRACES**2)


def without_colour(change: np.ndarray) -> np.ndarray:
    """A change of brightness alone: (h, w, 3) float32 -> the same, three times the brightness of each pixel."""
    return np.repeat(cv2.transform(np.ascontiguousarray(change, np.float32), TO_YCC[:1]), 3).reshape(change.shape)


def _one_step(change: np.ndarray, guide: np.ndarray) -> np.ndarray:
    """(s, t, 1) -> (h, w, 1), near enough to it for the filter's subsampling to see all of the guide."""
    (height, width), (s, t) = guide.shape[:2], change.shape[:2]
    plain = upsample_masks(change, (height, width))
    scale = max(max(s, t) / max(height, width), 1 / min(height, width))  # at least one pixel stays
    if scale >= 1:
        return plain
    # The guide in 0..255: with 0..1 the filter takes its matrices for singular, and only blurs.
    raised = cv2.ximgproc.guidedFilter(
        np.ascontiguousarray(guide), plain, max(1, round(RADIUS / scale)), SMOOTHNESS, scale=scale
    ).reshape(plain.shape)
    for _ in range(CORRECTIONS):  # what the filter blurred away: its averages must give the change again
        raised += upsample_masks(change - upsample_masks(raised, (s, t)), (height, width))
    return raised


def upsample_masks(planes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(s, t, C) float32 -> (h, w, C): bilinear, averaged where it shrinks."""
    (height, width), (s, t) = size, planes.shape[:2]
    planes = np.ascontiguousarray(planes, np.float32)
    if (height, width) == (s, t):
        return planes
    method = cv2.INTER_AREA if height <= s and width <= t else cv2.INTER_LINEAR
    resized = cv2.resize(planes, (width, height), interpolation=method)
    return resized if resized.ndim == 3 else resized[..., None]  # OpenCV drops a last axis of 1


def downsample(mask: np.ndarray, size: int) -> np.ndarray:
    """A mask (h, w) at the model's size (size, size): averaged where it is larger."""
    shrinks = mask.shape[0] >= size and mask.shape[1] >= size
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.clip(cv2.resize(np.ascontiguousarray(mask, np.float32), (size, size), interpolation=method), 0.0, 1.0)


def fading(window: Window, size: tuple[int, int]) -> np.ndarray:
    """Weights (h, w) of a window in a photograph (height, width): 1, and down to 0 at sides within the photograph."""
    left, top, right, bottom = window.ends_within(size)
    profiles = []
    for length, starts, stops in ((window.height, top, bottom), (window.width, left, right)):
        along = np.arange(length, dtype=np.float32) + 0.5
        ramp = max(1.0, BORDER * length)
        low = along / ramp if starts else np.ones_like(along)
        high = (length - along) / ramp if stops else np.ones_like(along)
        profiles.append(np.clip(np.minimum(low, high), 0.0, 1.0))
    return profiles[0][:, None] * profiles[1][None, :]


def add(values: np.ndarray, change: np.ndarray, blend: np.ndarray, white: float) -> np.ndarray:
    """Add a change to pixels, where the blend is not 0.

    Args:
      values: (h, w, 3) uint8, uint16, or floats in 0..1.
      change: (h, w, 3) float32, in units of white.
      blend: (h, w) float32, its weight; below MASK_FLOOR it counts as 0, and the pixel stays to the bit.
      white: 255, 65535 or 1.

    Returns:
      (h, w, 3) of the type of `values`.
    """
    moved = values + (change * (blend * np.float32(white))[..., None]).astype(
        np.float64 if values.dtype == np.float64 else np.float32
    )
    if white != 1:
        moved = np.round(moved)
    moved = np.clip(moved, 0, white).astype(values.dtype)
    return np.where((blend < MASK_FLOOR)[..., None], values, moved)
