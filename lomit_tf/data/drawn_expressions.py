"""Drawn faces that move brows, eyes, nose and mouth: twelve action units, each absent or of five intensities.

    faces = draw(range(100), size=64)      # Expressions: images, intensities, masks

The numbers and names of the action units are those of the Facial Action Coding System (Ekman and Friesen 1978); the
movements are a cartoon's, larger than life. As in `drawn_faces`, a face is a pure function of (seed, index), units are
independent of each other (but for open and closed eyes) and of all else, and each shows only inside its own region.
The head fills the picture, and no fringe or glasses hide it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np

from lomit_tf.data import drawn_faces_parts as parts
from lomit_tf.data.drawn_faces import add_noise, checked, to_bytes
from lomit_tf.data.drawn_faces_hair import paint_hair
from lomit_tf.data.drawn_faces_params import Draws, face_parameters, labels_from
from lomit_tf.data.drawn_faces_parts import F, View, bump, cover, ellipse2, over

UNITS = {
    "AU1": "inner brow raised", "AU2": "outer brow raised", "AU4": "brow lowered", "AU5": "upper lid raised",
    "AU6": "cheek raised", "AU9": "nose wrinkled", "AU12": "lip corner pulled", "AU17": "chin raised",
    "AU20": "lip stretched", "AU25": "lips parted", "AU26": "jaw dropped", "AU43": "eyes closed",
}  # fmt: skip
REGIONS = ("brows", "eyes", "nose", "mouth")
REGION_OF = {
    "AU1": "brows", "AU2": "brows", "AU4": "brows", "AU5": "eyes", "AU6": "eyes", "AU43": "eyes", "AU9": "nose",
    "AU12": "mouth", "AU17": "mouth", "AU20": "mouth", "AU25": "mouth", "AU26": "mouth",
}  # fmt: skip
INTENSITIES = 5  # A to E
PROBABILITY = 0.35  # that a unit is there
_CHUNK = 24


@dataclasses.dataclass(frozen=True)
class Expressions:
    """N drawn faces."""

    images: np.ndarray  # (N, S, S, 3) uint8
    intensities: np.ndarray  # (N, 12) int64 in 0..5, order UNITS; 0 is absent
    masks: np.ndarray  # (N, S, S, 4) uint8, 0..255 soft, order REGIONS

    def __len__(self) -> int:
        return len(self.intensities)


def intensities_of(indices: Sequence[int] | np.ndarray, *, seed: int = 0) -> np.ndarray:
    """Intensities of faces, (N, 12) int64 in 0..5 in the order of UNITS, without drawing them."""
    faces, seed, _ = checked(indices, seed)
    d = Draws(seed, faces)
    columns = [
        np.where(d.u(f"{unit} there") < PROBABILITY, 1 + np.floor(INTENSITIES * d.u(f"{unit} grade")), 0)
        for unit in UNITS
    ]
    found = np.stack(columns, axis=-1).astype(np.int64).reshape(len(faces), len(UNITS))
    names = list(UNITS)
    found[:, names.index("AU5")] *= found[:, names.index("AU43")] == 0  # a closed eye is not open
    return found


def draw(
    indices: Sequence[int] | np.ndarray, *, seed: int = 0, size: int = 64, intensities: np.ndarray | None = None
) -> Expressions:
    """Draw faces `indices` ((N,) non-negative ints) of `seed` at `size` (64..256) pixels a side.

    `intensities` ((N, 12) whole numbers in 0..5) draws these faces with others than their own. Raises ValueError for
    arguments out of range.
    """
    faces, seed, size = checked(indices, seed, size)
    own = intensities_of(indices, seed=seed) if intensities is None else np.asarray(intensities)
    shape, whole = (len(faces), len(UNITS)), own.dtype.kind in "iu"
    if own.shape != shape or not whole or ((own < 0) | (own > INTENSITIES)).any():
        raise ValueError(f"intensities are {own.dtype} of shape {own.shape}; give whole numbers in 0..5, {shape}")
    images = np.empty((len(faces), size, size, 3), np.uint8)
    masks = np.empty((len(faces), size, size, len(REGIONS)), np.uint8)
    for at in range(0, len(faces), _CHUNK):
        chunk = slice(at, at + _CHUNK)
        _paint(faces[chunk], own[chunk], seed, size, images[chunk], masks[chunk])
    return Expressions(images, own.astype(np.int64), masks)


def _amounts(intensities: np.ndarray) -> SimpleNamespace:
    """How far each unit moves, (N, 1, 1) float32 in 0..1: a third for the least intensity, so that it shows."""
    moved = np.where(intensities > 0, (intensities + 1) / (INTENSITIES + 1), 0).astype(np.float32)
    return SimpleNamespace(**{unit: moved[:, k, None, None] for k, unit in enumerate(UNITS)})


def _moved(p: SimpleNamespace, a: SimpleNamespace) -> None:
    """Change a face's numbers as its units move, in place; see `drawn_faces_parts` for what each does."""
    p.brow_slope = p.brow_slope + F(0.55) * a.AU1 - F(0.55) * a.AU2 - F(0.40) * a.AU4
    p.brow_y = p.brow_y + F(0.055) * a.AU1 + F(0.055) * a.AU2 - F(0.035) * a.AU4
    p.eye_h = p.eye_h * (F(1.0) + F(0.65) * a.AU5) * (F(1.0) - F(0.93) * a.AU43)
    p.nose_y = p.nose_y - F(0.02) * a.AU9
    p.mouth_w = p.mouth_w + F(0.03) * a.AU12 + F(0.07) * a.AU20
    p.mouth_bend = p.mouth_bend + F(2.8) * a.AU12 - F(1.6) * a.AU17
    p.lip_low = p.lip_low * (F(1.0) + F(0.4) * a.AU17) * (F(1.0) - F(0.35) * a.AU20)
    p.lip_up = p.lip_up * (F(1.0) - F(0.35) * a.AU20)
    p.mouth_open = F(0.05) * a.AU25 + F(0.10) * a.AU26
    p.teeth_shown, p.crease = np.minimum(a.AU25 * F(4.0), F(1.0)), a.AU12
    p.reach_x, p.reach_y = p.reach_x * F(1.15), p.reach_y * F(1.5)


def _paint_marks(p: SimpleNamespace, a: SimpleNamespace, view: View, image: np.ndarray) -> None:
    """Wrinkles: between the brows, beside and below the eyes, on the nose, on the chin."""
    dark = p.skin * F(0.45) * p.light
    x = view.x - F(0.065) * p.yaw
    aside = np.abs(x)
    furrow = bump(ellipse2(aside - F(0.03), view.y - p.eye_y + F(0.10), 0.014, 0.07))
    over(image, furrow * a.AU4 * F(0.9), dark)
    out = aside - p.eye_x
    for slope in (-0.5, 0.0, 0.5):  # crow's feet
        line = bump(ellipse2(out - p.eye_w - F(0.045), view.y - p.eye_y - F(slope) * (out - p.eye_w), 0.045, 0.010))
        over(image, line * a.AU6 * F(0.9), dark)
    bag = view.y - p.eye_y - F(0.075) + F(2.0) * out * out
    over(image, cover(np.abs(bag) - F(0.010), view.px) * bump(ellipse2(out, bag, 0.13, 0.05)) * a.AU6, dark)
    x = view.x - F(0.10) * p.yaw
    for k in range(3):
        line = bump(ellipse2(x, view.y - p.nose_y + F(0.055 + 0.035 * k), 0.055, 0.013))
        over(image, line * a.AU9 * F(0.9), dark)
    x, y = view.x - F(0.08) * p.yaw, view.y - p.mouth_y - F(0.165)
    for at_x, at_y in ((-0.045, 0.0), (0.045, 0.0), (0.0, 0.025)):
        over(image, bump(ellipse2(x - F(at_x), y - F(at_y), 0.035, 0.018)) * a.AU17 * F(0.8), dark)


def _regions(p: SimpleNamespace, view: View) -> list[np.ndarray]:
    """Where the units of each region show, (N, S, S) each; of the face's own numbers, before it moves."""
    aside, px = np.abs(view.x - F(0.065) * p.yaw), view.px

    def ellipse(x: np.ndarray, y: np.ndarray, a: float, b: float) -> np.ndarray:
        return cover((np.sqrt(ellipse2(x, y, a, b)) - F(1.0)) * F(b), px)

    brows = ellipse(aside - F(0.9) * p.eye_x, view.y - p.eye_y + p.brow_y + F(0.01), 0.21, 0.165)
    eyes = ellipse(aside - p.eye_x - F(0.01), view.y - p.eye_y - F(0.01), 0.20, 0.13)
    nose = ellipse(view.x - F(0.10) * p.yaw, view.y - p.nose_y + F(0.07), 0.11, 0.18)
    mouth = ellipse(view.x - F(0.08) * p.yaw, view.y - p.mouth_y - F(0.05), 0.27, 0.235)
    return [brows, eyes, nose, mouth]


def _paint(
    indices: np.ndarray, intensities: np.ndarray, seed: int, size: int, images: np.ndarray, masks: np.ndarray
) -> None:
    """Draw a chunk of faces into `images` and `masks`, from back to front."""
    d = Draws(seed, indices)
    labels = labels_from(d)
    labels[:, 4:] = False  # neither a smile of the other kind, nor glasses, nor a fringe
    p, a = face_parameters(seed, indices, labels), _amounts(intensities)
    p.scale, p.cx, p.cy = p.scale * F(1.6), p.cx * F(0.5), p.cy * F(0.5) - F(0.08)
    line = np.arange(size)[None]
    view = View(p, size, line, line)
    regions = _regions(p, view)
    _moved(p, a)
    image = parts.paint_ground(p, view)
    clothes = parts.paint_clothes(p, view, image)
    skin = parts.paint_skin(p, view, image)
    parts.paint_eyes(p, view, image)
    parts.paint_lower_face(p, view, image)
    _paint_marks(p, a, view, image)
    hair = paint_hair(p, view, image, np.maximum(clothes, skin))
    add_noise(p, image)
    to_bytes(image, images)
    to_bytes(np.stack(regions) * (F(1.0) - hair), masks)
