"""Training images changed as photographs differ: turned, scaled, moved, lit and compressed otherwise."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np

UNSURE = 128  # of a pixel beyond the image, among values of 0..255: the loss ignores it
JITTERS = 7  # numbers drawn for the change of an image's colours
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
QUALITY = 30, 95  # of JPEG
LIGHT = 0.2  # logarithm of the change of gamma, at most


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """How far images are changed: degrees, shares of enlargement and of the side, strength of the colours' changes."""

    flip: bool = True
    turn: float = 0.0
    scale: float = 0.0
    shift: float = 0.0
    jitter: float = 0.0


def affine(rng: np.random.Generator, size: int, how: Augmentation) -> np.ndarray:
    """A drawn map (2, 3) from pixels of the result to pixels of the image: mirrored or not, turned, scaled, moved.

    docs/method.md, eq. (4.4) and (4.5).
    """
    angle = np.deg2rad(rng.uniform(-how.turn, how.turn))
    factor = np.exp(rng.uniform(-1, 1) * np.log1p(how.scale))
    moved = rng.uniform(-how.shift, how.shift, 2) * size
    mirror = -1.0 if rng.random() < 0.5 and how.flip else 1.0
    matrix = factor * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix[:, 0] *= mirror
    centre = (size - 1) / 2
    return np.column_stack([matrix, centre + moved - matrix @ [centre, centre]])


def warped(image: np.ndarray, values: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Image (S, S, 3) and values (S, S) or (S, S, T), uint8, through an affine map.

    Beyond its borders the image is repeated, and the loss ignores its values.
    """
    size, how = image.shape[:2], cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    picture = cv2.warpAffine(image, matrix, size, flags=how, borderMode=cv2.BORDER_REPLICATE)
    planes = values.reshape(*size, -1)  # one by one: OpenCV fills the border of four channels at most
    asked = [
        cv2.warpAffine(planes[..., t], matrix, size, flags=how, borderMode=cv2.BORDER_CONSTANT, borderValue=UNSURE)
        for t in range(planes.shape[-1])
    ]
    return picture, np.stack(asked, axis=-1).reshape(values.shape)


def jittered(images: np.ndarray, draws: np.ndarray, strength: float) -> np.ndarray:
    """Images (n, S, S, 3) in -1..1 with gamma, brightness, balance of colours, contrast and saturation changed.

    docs/method.md, eq. (9.9).

    Args:
        images: float32.
        draws: (n, JITTERS) in -1..1, where 0 changes nothing.
        strength: logarithms of the changes, at most.
    """
    d = np.exp(strength * draws).astype(np.float32)[:, None, None]
    x = ((images + 1) / 2) ** d[..., :1] * d[..., 1:2] * np.sqrt(d[..., 2:5])
    mean = x.mean(axis=(1, 2, 3), keepdims=True)
    x = mean + (x - mean) * d[..., 5:6]
    grey = (x @ LUMA)[..., None]
    x = grey + (x - grey) * d[..., 6:7]
    return np.clip(2 * x - 1, -1, 1)


# What `--augment=1` does to images of a training pair. Faces are framed by their eyes before a model sees them, so that
# little turning is left; the light changes by gamma alone, since a change of colour would change what labels say.
PHOTOGRAPHED = Augmentation(flip=False, turn=8.0, scale=0.1, shift=0.03)


def as_photographed(images: np.ndarray, seeds: np.ndarray, strength: float) -> np.ndarray:
    """Images (n, S, S, 3) uint8 as other photographs of the same: each drawn by itself, half of them compressed.

    docs/method.md, eq. (4.4) to (4.6).

    Args:
        images: left as they are.
        seeds: (n,) integers; the same one changes the same image alike.
        strength: 0 changes nothing, 1 as far as PHOTOGRAPHED, LIGHT and QUALITY say.

    Returns:
        (n, S, S, 3) uint8.
    """
    how = dataclasses.replace(
        PHOTOGRAPHED, turn=strength * PHOTOGRAPHED.turn, scale=strength * PHOTOGRAPHED.scale,
        shift=strength * PHOTOGRAPHED.shift,
    )  # fmt: skip
    changed = np.empty_like(images)
    for i, (image, seed) in enumerate(zip(images, seeds.tolist(), strict=True)):
        rng = np.random.default_rng(seed)
        matrix = affine(rng, image.shape[0], how)
        light, compressed, quality = rng.uniform(-1, 1), rng.random(), rng.random()
        size, flags = image.shape[:2], cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        image = cv2.warpAffine(image, matrix, size, flags=flags, borderMode=cv2.BORDER_REFLECT_101)
        curve = 255 * (np.arange(256) / 255) ** np.exp(strength * LIGHT * light)
        image = cv2.LUT(image, np.round(curve).astype(np.uint8))
        if compressed < strength / 2:
            level = int(QUALITY[1] - strength * quality * (QUALITY[1] - QUALITY[0]))
            image = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, level])[1], cv2.IMREAD_COLOR)
        changed[i] = image
    return changed
