"""Masks along a photograph's edges: refined within the window, and continued beyond it.

Both work on a small copy of the photograph, so their time does not grow with it. docs/translate.md has what they gain.
"""

from __future__ import annotations

import math
from collections.abc import Collection

import cv2
import numpy as np

from lomit_tf.imaging.averaging import averaged
from lomit_tf.imaging.mask_planes import rectangle
from lomit_tf.imaging.paste_back import MASK_FLOOR, upsample_masks

REFINED_SIDE = 512  # longest side of refined masks
RADIUS, SMOOTHNESS = 1 / 16, 1e-3 * 255**2  # of the guided filter: in sides of the window, and its eps
SIDE = 192  # of the window in the small copy in which masks are continued
GRAIN = 8  # the part of the photograph that is looked at begins and ends at a multiple of it, to be halved quickly
BEYOND = 1.0  # how far, in sides of the window; over the farther half it fades out
# Above the window little hair is left: it fades out in a quarter of that way, and to each side it is at most a quarter
# of its height above the window wider than where it meets it. Before, dark walls above short hair became hair.
ABOVE, SLOPE = 4.0, 0.25
COLOUR_STEP = 0.01  # what is kept at a step is exp(-this * |difference in Lab, lightness halved|)
KEPT = 0.998  # and this, at every step
UNLIKE_STEP, UNLIKE = 0.05, 2.0  # powers of the likeness of colour: at every step, and once
SEED, NO_SEED = (0.4, 0.8), 0.4  # masks from which on a pixel counts as the group's colours, and below which as others'
HISTOGRAM = 16  # bins of each of L, a and b; a and b are stretched, since they take up little of their range
STRETCH = 2.5
SWEEPS = 2
BLUR = 1.5


def refine(masks: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Masks that follow the edges of what the model saw: cv2's guided filter with the photograph as guide.

    Args:
      masks: (s, t, G) float32 in 0..1.
      region: (h, w, 3) uint8, the window cut out of the photograph.

    Returns:
      (h', w', G) float32 in 0..1, over the same window: of the region's size, at most REFINED_SIDE. Where the region is
      not larger than the masks, they stay as they are.
    """
    scale = min(1.0, REFINED_SIDE / max(region.shape[:2]))
    height, width = (max(1, round(scale * n)) for n in region.shape[:2])
    if max(height, width) <= max(masks.shape[:2]):
        return np.asarray(masks, np.float32)
    guide = region if scale == 1 else averaged(region, width, height)
    guide, radius = np.ascontiguousarray(guide), max(1, round(RADIUS * max(height, width)))
    raised = upsample_masks(masks, (height, width))
    planes = [cv2.ximgproc.guidedFilter(guide, plane, radius, SMOOTHNESS) for plane in cv2.split(raised)]
    return np.clip(np.stack(planes, axis=-1), 0.0, 1.0)


def extend(
    photo: np.ndarray, masks: np.ndarray, to_masks: np.ndarray, ending: Collection[int] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """Continue masks beyond their window, along pixels that look like the masked ones and are connected with them.

    docs/method.md, eqs. (10.3) to (10.5). A mask is handed on from pixel to neighbouring pixel q, and the largest value
    that arrives counts:
        M(q) = max over p of M(p) * KEPT * exp(-COLOUR_STEP |Lab(p) - Lab(q)|) * like(q)^UNLIKE_STEP
    The result is M * like^UNLIKE, blurred and faded out. like is min(1, 2 f / (f + b)), with the histograms f and b of
    the colours in the window within and outside of the mask.

    Args:
      photo: (H, W, 3) uint8.
      masks: (s, t, G) float32 in 0..1.
      to_masks: (2, 3), the photograph's (x, y, 1) to the masks' 0..1: `mask_planes.rectangle`, or `Window.matrix`.
      ending: channels that end with the window: of regions that lie within it, as lips do.

    Returns:
      Masks (h, w, G) float32 of the window and what lies around it, and their own map (2, 3), for `curves.apply`. The
      given ones where the window covers all of the photograph, or no mask that is continued reaches its border.
    """
    to_masks = np.asarray(to_masks, np.float64)
    axes = np.linalg.inv(to_masks[:, :2])
    ends = np.array([[0, 1, 0, 1], [0, 0, 1, 1]]) * (1 + 2 * BEYOND) - BEYOND
    corners = axes @ (ends - to_masks[:, 2:])
    first, last = np.floor(corners.min(axis=1) / GRAIN) * GRAIN, np.ceil((corners.max(axis=1) + 1) / GRAIN) * GRAIN
    left, top = np.clip(first, 0, None).astype(int).tolist()
    right, bottom = (min(n, int(c)) for n, c in zip(photo.shape[1::-1], last, strict=True))
    border = np.concatenate([masks[0], masks[-1], masks[:, 0], masks[:, -1]])
    continued = [g for g in range(masks.shape[-1]) if g not in ending]
    if right <= left or bottom <= top or border[:, continued].max(initial=0) < MASK_FLOOR:
        return masks, to_masks
    scale = min(1.0, SIDE / max(np.hypot(*axes[:, 0]), np.hypot(*axes[:, 1])))
    width, height = max(1, round(scale * (right - left))), max(1, round(scale * (bottom - top)))
    part = photo[top:bottom, left:right]
    part = averaged(part, width, height)
    around = rectangle(left, top, right - left, bottom - top)
    shares = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    places = np.linalg.inv(around[:, :2]) @ (np.reshape(shares, (2, -1)) - around[:, 2:])  # x, y in the photograph
    u, v = (to_masks[:, :2] @ places + to_masks[:, 2:]).reshape(2, height, width).astype(np.float32)
    outside = np.maximum(np.abs(u - 0.5), np.abs(v - 0.5)) - 0.5  # in sides of the window; below 0 within it
    outside = np.maximum(outside, -ABOVE * v)
    if not (outside > 0).any():
        return masks, to_masks
    seen = cv2.remap(
        np.ascontiguousarray(masks, np.float32), u * masks.shape[1] - 0.5, v * masks.shape[0] - 0.5,
        cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE,
    ).reshape(height, width, -1)  # fmt: skip
    fade = np.clip((BEYOND - outside) / (BEYOND / 2), 0, 1)
    lab = cv2.cvtColor(part, cv2.COLOR_RGB2LAB)
    known = outside <= 0
    planes = [np.where(known, seen[..., g], np.float32(0)) for g in range(seen.shape[-1])]
    for g in continued:
        planes[g] = _continued(lab, seen[..., g], known, _most(masks[0, :, g], u, v)) * fade
    return np.stack(planes, axis=-1), around


def _most(border: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """(h, w): the most that a mask may be at u, v (h, w) in sides of the window, by its upper row `border` (t,).

    Above the window the largest value of that row within SLOPE times the height, and 1 elsewhere.
    """
    count = len(border)
    wider = [np.asarray(border, np.float32)]
    for _ in range(math.ceil(SLOPE * BEYOND / ABOVE * count)):
        padded = np.pad(wider[-1], 1)
        wider.append(np.maximum.reduce([padded[:-2], padded[1:-1], padded[2:]]))
    steps = np.clip(np.floor(-v * (SLOPE * count)), 0, len(wider) - 1).astype(int)
    place = np.clip(np.floor(u * count), 0, count - 1).astype(int)
    return np.where(v < 0, np.stack(wider)[steps, place], np.float32(1))


def _continued(lab: np.ndarray, mask: np.ndarray, known: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Eq. (10.4): one mask (h, w), known where `known` says so, handed on to the other pixels up to `most` (h, w)."""
    likeness = _likeness(lab, mask, known)
    handed = np.where(known, mask, 0).astype(np.float32)
    kept = np.where(known, 0, KEPT * likeness**UNLIKE_STEP).astype(np.float32)
    smooth = cv2.GaussianBlur(lab, (0, 0), 1.0).astype(np.float32) * np.array([0.5, 1, 1], np.float32)
    differences = (np.diff(smooth, axis=a) for a in (0, 1))
    down, across = (np.exp(-COLOUR_STEP * np.sqrt(np.einsum("hwc,hwc->hw", d, d))) for d in differences)
    across, across_kept = np.ascontiguousarray(across.T), np.ascontiguousarray(kept.T)
    for _ in range(SWEEPS):
        _hand_on(handed, down, kept)
        turned = np.ascontiguousarray(handed.T)  # rows that lie in one piece are several times faster
        _hand_on(turned, across, across_kept)
        handed = np.ascontiguousarray(turned.T)
    handed = np.where(known, handed, np.minimum(handed * likeness**UNLIKE, most)).astype(np.float32)
    return np.where(known, mask, cv2.GaussianBlur(handed, (0, 0), BLUR))


def _hand_on(mask: np.ndarray, steps: np.ndarray, kept: np.ndarray) -> None:
    """Hand a mask (h, w) on from row to row, downwards and then upwards, in place; `steps` (h - 1, w) in between."""
    last, given = len(mask) - 1, np.empty_like(mask[0])
    for rows in (zip(range(1, last + 1), range(last), range(last), strict=True),
                 zip(range(last - 1, -1, -1), range(last, 0, -1), range(last - 1, -1, -1), strict=True)):  # fmt: skip
        for to, giver, step in rows:
            np.multiply(mask[giver], steps[step], out=given)
            np.multiply(given, kept[to], out=given)
            np.maximum(mask[to], given, out=mask[to])


def _likeness(lab: np.ndarray, mask: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(h, w) in 0..1, eq. (10.3): whether a pixel's colour is rather found within the mask than outside of it."""
    centred = (lab.astype(np.float32) - [0, 128, 128]) * [1, STRETCH, STRETCH] + [0, 128, 128]
    places = np.clip(centred * (HISTOGRAM / 256), 0, HISTOGRAM - 1).astype(np.int64)
    index = (places[..., 0] * HISTOGRAM + places[..., 1]) * HISTOGRAM + places[..., 2]
    inner, seen = mask[known], index[known]
    within = np.clip((inner - SEED[0]) / (SEED[1] - SEED[0]), 0, 1)
    others = np.clip(1 - inner / NO_SEED, 0, 1)
    both = []
    for weights in (within, others):
        counts = np.bincount(seen, weights, HISTOGRAM**3).reshape([HISTOGRAM] * 3)
        for _ in range(3):  # a blur along each axis in turn
            padded = np.pad(counts, [(1, 1), (0, 0), (0, 0)])
            counts = np.moveaxis(0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:], 0, -1)
        both.append(counts.ravel()[index] / max(counts.sum(), 1e-6))
    least = 1e-5  # colours that the window has not shown are half alike
    return np.minimum(1, 2 * (both[0] + least) / (both[0] + both[1] + 2 * least)).astype(np.float32)
