"""Procedural faces with attributes and true region masks: data without a download, for tests and examples.

    faces = draw(range(100), size=128)      # Faces: images, labels, masks
    labels_of(range(100_000))               # the labels alone, without drawing

A face is a pure function of (seed, index): it does not depend on the batch it is drawn in, and at another
size it is the same face.  Attributes are independent of each other and of all else (pose, light, skin,
clothes, background, brows), and each shows only inside its own region: hair colour and bangs in "hair", the
smile in "mouth", glasses in "glasses".

Masks are visible coverage.  Hair lies over the face and the mouth region; glasses lie over hair and bangs,
except for their arms, which go under the hair.  So mask "hair" is what glasses leave visible of it, and
"glasses" holds the opacity of frame, tinted lens and glare (all zero without glasses).  "mouth" is the region
that any mouth, smiling or not, fits in with a small margin.
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np

from lomit_tf.data import drawn_faces_parts as parts
from lomit_tf.data.drawn_faces_hair import paint_glasses, paint_hair
from lomit_tf.data.drawn_faces_params import ATTRIBUTES, HAIR_COLOURS, Draws, face_parameters, labels_from

__all__ = [
    "ATTRIBUTES",
    "HAIR_COLOURS",
    "REGIONS",
    "REGION_OF",
    "SPLITS",
    "Face",
    "Faces",
    "draw",
    "generate",
    "labels_of",
    "split_indices",
]

REGIONS = ("hair", "mouth", "glasses")
# The region in which an attribute shows.
REGION_OF = {**dict.fromkeys((*HAIR_COLOURS, "Bangs"), "hair"), "Smiling": "mouth", "Eyeglasses": "glasses"}
SPLITS = {
    "train": range(0, 10_000_000),
    "validation": range(10_000_000, 20_000_000),
    "test": range(20_000_000, 30_000_000),
}
MIN_SIZE, MAX_SIZE = 64, 256
# Pixels painted at once: few enough that a plane of them stays in the processor's cache.
_CHUNK_PIXELS = 24 * 64 * 64


@dataclasses.dataclass(frozen=True)
class Faces:
    """N drawn faces."""

    images: np.ndarray  # (N, S, S, 3) uint8
    labels: np.ndarray  # (N, 7) bool, order ATTRIBUTES
    masks: np.ndarray  # (N, S, S, 3) uint8, 0..255 soft, order REGIONS

    def __len__(self) -> int:
        return len(self.labels)


@dataclasses.dataclass(frozen=True)
class Face:
    """One drawn face."""

    index: int
    image: np.ndarray  # (S, S, 3) uint8
    label: np.ndarray  # (7,) bool, order ATTRIBUTES
    mask: np.ndarray  # (S, S, 3) uint8, 0..255 soft, order REGIONS


def split_indices(split: str, count: int) -> np.ndarray:
    """The first `count` face indices of a split, (count,) int64; those of different splits never overlap."""
    if split not in SPLITS:
        raise ValueError(f"there is no split {split!r}; use one of {', '.join(SPLITS)}")
    count = _whole(count, "count")
    if not 0 <= count <= len(SPLITS[split]):
        raise ValueError(f"count is {count}; split {split!r} has 0 to {len(SPLITS[split])} faces")
    return np.arange(count, dtype=np.int64) + SPLITS[split].start


def labels_of(indices: Sequence[int] | np.ndarray, *, seed: int = 0) -> np.ndarray:
    """Labels of faces, (N, 7) bool in the order of ATTRIBUTES, without drawing them."""
    return labels_from(Draws(_checked_seed(seed), _checked_indices(indices)))


def draw(
    indices: Sequence[int] | np.ndarray,
    *,
    seed: int = 0,
    size: int = 64,
    labels: np.ndarray | None = None,
    threads: int = 2,
) -> Faces:
    """Draw faces `indices` ((N,) non-negative ints) of `seed` at `size` (64..256) pixels a side.

    `labels` ((N, 7) bool) draws these faces with these labels instead of their own: the same people with,
    say, other hair.  `threads` changes only how fast it goes.
    """
    checked, seed, size = _checked_indices(indices), _checked_seed(seed), _checked_size(size)
    threads = _whole(threads, "threads")
    if threads < 1:
        raise ValueError(f"threads is {threads}; give 1 or more")
    own = labels_from(Draws(seed, checked)) if labels is None else _checked_labels(labels, len(checked))
    images = np.empty((len(checked), size, size, 3), np.uint8)
    masks = np.empty_like(images)
    step = max(1, _CHUNK_PIXELS // (size * size))
    chunks = [slice(at, at + step) for at in range(0, len(checked), step)]

    def paint(chunk: slice) -> None:
        _paint(checked[chunk], own[chunk], seed, size, images[chunk], masks[chunk])

    if threads == 1 or len(chunks) < 2:
        for chunk in chunks:
            paint(chunk)
    else:
        with ThreadPoolExecutor(threads) as pool:  # numpy lets go of the GIL while it computes
            list(pool.map(paint, chunks))
    return Faces(images, own, masks)


def generate(
    count: int, *, seed: int = 0, size: int = 64, start: int = 0, batch: int = 128
) -> Iterator[Face]:
    """Faces start .. start + count - 1, one by one, drawn `batch` at a time."""
    count, start, batch = _whole(count, "count"), _whole(start, "start"), _whole(batch, "batch")
    if count < 0 or start < 0 or batch < 1:
        raise ValueError(f"count {count}, start {start}, batch {batch}: the least are 0, 0 and 1")
    seed, size = _checked_seed(seed), _checked_size(size)
    return _generate(count, seed, size, start, batch)


def _generate(count: int, seed: int, size: int, start: int, batch: int) -> Iterator[Face]:
    # Apart from generate() so that bad arguments are reported by the call and not by the first next().
    for at in range(start, start + count, batch):
        indices = range(at, min(at + batch, start + count))
        faces = draw(indices, seed=seed, size=size)
        yield from map(Face, indices, faces.images, faces.labels, faces.masks)


def _paint(
    indices: np.ndarray, labels: np.ndarray, seed: int, size: int, images: np.ndarray, masks: np.ndarray
) -> None:
    """Draw a chunk of faces into `images` and `masks`, from back to front."""
    p = face_parameters(seed, indices, labels)
    line = np.arange(size)[None]
    view = parts.View(p, size, line, line)
    image = parts.paint_ground(p, view)
    clothes = parts.paint_clothes(p, view, image)
    skin = parts.paint_skin(p, view, image)
    cover = np.zeros((3, len(indices), size, size), np.float32)
    hair, mouth, glasses = cover

    # Small parts are painted in windows that reach a little further than they do.
    eyes_at = parts.windows(p, size, -0.05, (0.66, 0.43))
    eyes = parts.View(p, size, *eyes_at)
    part = parts.cut(image, *eyes_at)
    parts.paint_eyes(p, eyes, part)
    parts.paste(image, part, *eyes_at)
    mouth_at = parts.windows(p, size, 0.17, (0.55, 0.48))
    part = parts.cut(image, *mouth_at)
    region = parts.paint_lower_face(p, parts.View(p, size, *mouth_at), part)
    parts.paste(image, part, *mouth_at)
    parts.paste(mouth[None], region[None], *mouth_at)

    hair[:] = paint_hair(p, view, image, np.maximum(clothes, skin))
    mouth *= np.float32(1.0) - hair
    if labels[:, 5].any():
        part = parts.cut(image, *eyes_at)
        alpha = paint_glasses(p, eyes, part, parts.cut(hair[None], *eyes_at)[0])
        parts.paste(image, part, *eyes_at)
        parts.paste(glasses[None], alpha[None], *eyes_at)
        seen = np.float32(1.0) - glasses
        hair *= seen
        mouth *= seen
    add_noise(p, image)
    to_bytes(image, images)
    to_bytes(cover, masks)


def add_noise(p: SimpleNamespace, image: np.ndarray) -> None:
    """Add a little noise, the same whatever the labels are: a 32-bit hash of the face's key and the pixel."""
    size = image.shape[-1]
    h = np.arange(size * size, dtype=np.uint32).reshape(1, size, size) * np.uint32(0x9E3779B1) + p.noise_key
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x21F0AAAD)
    h ^= h >> np.uint32(15)
    h *= np.uint32(0x735A2D97)
    h ^= h >> np.uint32(15)
    grey = (h >> np.uint32(24)).astype(np.float32)
    for k, plane in enumerate(image):
        noise = ((h >> np.uint32(8 * k)) & np.uint32(255)).astype(np.float32)
        noise += grey
        noise -= np.float32(255.0)
        noise *= p.noise * np.float32(1.0 / 255.0)
        plane += noise


def to_bytes(planes: np.ndarray, out: np.ndarray) -> None:
    """(3, N, S, S) float32 in 0..1 to (N, S, S, 3) uint8, rounded."""
    for k, plane in enumerate(planes):
        plane *= np.float32(255.0)
        plane += np.float32(0.5)
        out[..., k] = np.clip(plane, np.float32(0.0), np.float32(255.0), out=plane).astype(np.uint8)


def checked(
    indices: Sequence[int] | np.ndarray, seed: int = 0, size: int = MIN_SIZE
) -> tuple[np.ndarray, int, int]:
    """Arguments of a drawing: (N,) uint64, seed and size. Raises ValueError for those out of range."""
    return _checked_indices(indices), _checked_seed(seed), _checked_size(size)


def _whole(value: object, name: str) -> int:
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise ValueError(f"{name} is {value!r}; give a whole number") from None


def _checked_seed(seed: int) -> int:
    seed = _whole(seed, "seed")
    if not 0 <= seed < 1 << 63:
        raise ValueError(f"seed is {seed}; give a whole number from 0 to 2**63 - 1")
    return seed


def _checked_size(size: int) -> int:
    size = _whole(size, "size")
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise ValueError(f"size is {size}; give {MIN_SIZE} to {MAX_SIZE} pixels")
    return size


def _checked_indices(indices: Sequence[int] | np.ndarray) -> np.ndarray:
    array = np.asarray(indices)
    if array.ndim != 1:
        raise ValueError(f"indices has shape {array.shape}; give a flat sequence, such as range(8)")
    if array.size == 0:
        return np.zeros(0, np.uint64)
    if array.dtype.kind not in "iu":
        raise ValueError(f"indices holds {array.dtype} values; give non-negative whole numbers below 2**63")
    if array.min() < 0:
        raise ValueError(f"indices holds {array.min()}; face indices start at 0")
    return array.astype(np.uint64)


def _checked_labels(labels: np.ndarray, count: int) -> np.ndarray:
    array = np.asarray(labels)
    if array.shape != (count, len(ATTRIBUTES)) or array.dtype != bool:
        expected = (count, len(ATTRIBUTES))
        raise ValueError(f"labels is {array.dtype} of shape {array.shape}; give bool of shape {expected}")
    if (array[:, :4].sum(axis=1) != 1).any():
        row = int(np.flatnonzero(array[:, :4].sum(axis=1) != 1)[0])
        raise ValueError(f"labels row {row} has {array[row, :4].sum()} hair colours; give exactly one")
    return array
