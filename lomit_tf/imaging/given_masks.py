"""Masks that a person gives: reading them, and putting them among the network's own."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from lomit_tf.config import near
from lomit_tf.data.opening import opened
from lomit_tf.imaging.formats import ImageError
from lomit_tf.imaging.photo import check_array

MaskLike = Any  # str | os.PathLike | bytes | PIL.Image.Image | np.ndarray
MasksLike = Any  # MaskLike, or a mapping of group names to MaskLike


def read_mask(mask: MaskLike, size: tuple[int, int], name: str = "mask") -> np.ndarray:
    """A mask as (H, W) float32 in 0..1.

    White is 1. Colours count by their brightness and transparency as black. An array is uint8 (0..255; or 0 and 1,
    when nothing in it is above 1), uint16, bool, or floats in 0..1, of shape (H, W) or (H, W, 1).

    Args:
      size: height and width that it must have.

    Raises:
      ImageError: another size, shape, type or range, or NaN.
      CorruptImageError: a file that cannot be read.
    """
    if isinstance(mask, (str, os.PathLike, bytes, Image.Image)):
        array, name = _decoded(mask, name)
    elif isinstance(mask, np.ndarray):
        array = check_array(mask, name)
    else:
        raise ImageError(f"{name}: expected a path, bytes, a Pillow image or an array; received {type(mask).__name__}")
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim != 2:
        raise ImageError(f"{name}: expected a mask of shape (H, W); received {array.shape}")
    if array.shape != tuple(size):
        raise ImageError(
            f"{name}: the mask is {array.shape[1]}x{array.shape[0]}, the image {size[1]}x{size[0]} (width x height); "
            "give the mask at the image's size"
        )
    if array.dtype == np.uint8 and array.max(initial=0) <= 1:
        return array.astype(np.float32)
    white = {"uint8": 255.0, "uint16": 65535.0}.get(array.dtype.name, 1.0)
    return np.asarray(array / white, np.float32)


def _decoded(mask: Any, name: str) -> tuple[np.ndarray, str]:
    """A mask's picture in grey, (H, W) uint8, uint16 or floats in 0..1, and its name for messages."""
    if isinstance(mask, (str, os.PathLike)):
        name = f"{name} {mask}"
    with opened(mask, name) as image:
        mode = image.mode
        if mode.startswith("I;16"):
            return np.asarray(image).astype(np.uint16), name
        deep = np.array(image) if mode in ("F", "I") else None
        if image.mode != "L" and (image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info):
            black = Image.new("RGBA", image.size, (0, 0, 0, 255))
            black.alpha_composite(image.convert("RGBA"))
            image = black
        grey = np.array(image.convert("L"))
    if deep is not None:
        return check_array(deep, name) if mode == "F" else _of_32_bits(deep, name), name
    # A file of 0 and 1 is rather nearly black than a mask of another convention: files say 255 for white.
    return np.where(grey == 1, 0, grey).astype(np.uint8) if grey.max(initial=0) <= 1 else grey, name


def _of_32_bits(grey: np.ndarray, name: str) -> np.ndarray:
    """A mask of Pillow's mode I with as many bits as its values need: uint8 or uint16. ImageError for larger values."""
    least, largest = int(grey.min(initial=0)), int(grey.max(initial=0))
    if least < 0 or largest > 65535:
        raise ImageError(f"{name}: a mask of 32 bits has values in 0..255 or 0..65535; received {least}..{largest}")
    return grey.astype(np.uint8 if largest <= 255 else np.uint16)


def read_masks(
    masks: MasksLike, groups: Sequence[str], size: tuple[int, int], name: str = "mask"
) -> dict[str, np.ndarray]:
    """Given masks by group, each (H, W) float32 in 0..1: from one mask (a model with one group), or {group: mask}.

    Raises:
      ImageError: one mask for several groups, a name that is no group, and as of `read_mask`.
    """
    if masks is None:
        return {}
    if isinstance(masks, Mapping):
        for group in masks:
            if group not in groups:
                raise ImageError(f"{name}: {group!r} is not a group of this model; {near(str(group), groups)}")
        return {group: read_mask(mask, size, f"{name} of {group}") for group, mask in masks.items() if mask is not None}
    if len(groups) > 1:
        raise ImageError(f"{name}: this model has the groups {', '.join(groups)}; give {{group: mask}}")
    return {groups[0]: read_mask(masks, size, name)}


def replace(masks: np.ndarray, given: Mapping[int, np.ndarray], overlapping: Collection[int] = ()) -> np.ndarray:
    """Put given masks among others, so that all sum to 1: the given as they are, the rest sharing what is left.

    Args:
      masks: (h, w, G + 1), background last, summing to 1.
      given: channel -> (h, w) in 0..1. Where they sum to more than 1, they are divided by their sum.
      overlapping: channels that take nothing from others and lose nothing to them, as a smile that lies on the lips
        (`Outline.overlapping`). With some, the background is what no group takes, and the sum may be more than 1.

    Returns:
      (h, w, G + 1) float32. Where no other had a share, what is left is background.
    """
    if not given:
        return masks
    if overlapping:
        return _among_overlapping(masks, given, overlapping)
    out = np.array(masks, np.float32)
    total = np.sum(list(given.values()), axis=0, dtype=np.float32)
    others = [c for c in range(masks.shape[-1]) if c not in given]
    share = masks[..., others].sum(axis=-1)
    left = np.clip(1.0 - total, 0.0, 1.0)
    factor = np.where(share > 1e-6, left / np.maximum(share, 1e-6), 0.0)
    for channel in others:
        out[..., channel] = masks[..., channel] * factor
    out[..., -1] += np.where(share > 1e-6, 0.0, left)
    for channel, mask in given.items():
        out[..., channel] = mask / np.maximum(total, 1.0)
    return out


def _among_overlapping(masks: np.ndarray, given: Mapping[int, np.ndarray], overlapping: Collection[int]) -> np.ndarray:
    """`replace` where some channels overlap: the others share among themselves."""
    out = np.array(masks, np.float32)
    sharing = [c for c in range(masks.shape[-1] - 1) if c not in overlapping]
    left = np.clip(1.0 - out[..., sharing].sum(axis=-1, keepdims=True), 0.0, 1.0)
    among = {sharing.index(c): mask for c, mask in given.items() if c in sharing}
    out[..., sharing] = replace(np.concatenate([out[..., sharing], left], axis=-1), among)[..., :-1]
    for channel in set(given).intersection(overlapping):
        out[..., channel] = given[channel]
    out[..., -1] = 1.0 - np.minimum(out[..., :-1].sum(axis=-1), 1.0)
    return out
