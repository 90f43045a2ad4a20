"""From the model's size back to the photograph's: edge-aware upsampling of masks and of the change, and the blend.

Upsampling is bilinear, followed by OpenCV's fast guided filter with the photograph as guide (He, Sun and Tang, Guided
Image Filtering, PAMI 2013; He and Sun, Fast Guided Filter, 2015): within a window the result is a linear function of
the photograph's colours, so that its edges lie where the photograph's do.
"""

from __future__ import annotations

import cv2
import numpy as np

from lomit_tf.imaging.framing import Window

# Masks below it count as 0, so that the photograph stays there to the bit. A step of 1/50 of the change cannot be seen.
MASK_FLOOR = 0.02
BORDER = 1 / 16  # of the window's side: where the window ends within the photograph, the change fades out over it
RADIUS = 1.5  # of the filter's window, in pixels of the model's image
SMOOTHNESS = 1e-3  # the filter's eps: variance (of 0..1) below which the guide counts as flat
FILTER_SIDE = 1024  # the filter's coefficients are computed at about this size and brought to full size


def upsample(planes: np.ndarray, guide: np.ndarray) -> np.ndarray:
    """Bring planes to a guide's size, with the guide's edges.

    Args:
      planes: (s, t, C) float32.
      guide: (h, w, 3) uint8.

    Returns:
      (h, w, C) float32, within the smallest and largest value of each plane. Planes of the guide's size stay as they
      are, and larger ones are averaged.
    """
    (height, width), (s, t) = guide.shape[:2], planes.shape[:2]
    planes = np.ascontiguousarray(planes, np.float32)
    if (height, width) == (s, t):
        return planes
    if height <= s and width <= t:
        return _three_axes(cv2.resize(planes, (width, height), interpolation=cv2.INTER_AREA))
    raised = _three_axes(cv2.resize(planes, (width, height), interpolation=cv2.INTER_LINEAR))
    radius = max(1, round(RADIUS * max(height / s, width / t)))
    scale = min(1.0, FILTER_SIDE / max(height, width))
    guide_01 = np.ascontiguousarray(guide, np.float32) / 255.0
    filtered = _three_axes(cv2.ximgproc.guidedFilter(guide_01, raised, radius, SMOOTHNESS, scale=scale))
    return np.clip(filtered, planes.min(axis=(0, 1)), planes.max(axis=(0, 1)), out=filtered)


def downsample(mask: np.ndarray, size: int) -> np.ndarray:
    """A mask (h, w) at the model's size (size, size): averaged where it is larger."""
    shrinks = mask.shape[0] >= size and mask.shape[1] >= size
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.clip(cv2.resize(np.ascontiguousarray(mask, np.float32), (size, size), interpolation=method), 0.0, 1.0)


def fading(window: Window, size: tuple[int, int]) -> np.ndarray:
    """Weights (h, w) of a window in a photograph (height, width): 1, and down to 0 at borders within the photograph."""
    profiles = []
    for start, length, limit in (
        (window.top, window.height, size[0]),
        (window.left, window.width, size[1]),
    ):
        along = np.arange(length, dtype=np.float32) + 0.5
        ramp = max(1.0, BORDER * length)
        low = along / ramp if start > 0 else np.ones_like(along)
        high = (length - along) / ramp if start + length < limit else np.ones_like(along)
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


def _three_axes(array: np.ndarray) -> np.ndarray:
    """OpenCV drops the last axis where it is 1."""
    return array if array.ndim == 3 else array[..., None]
