"""What golden.py writes of competing regions: the steps of `lomit_tf/imaging/competing.py` for a portrait's face."""

from __future__ import annotations

import cv2
import golden_models
import numpy as np

from lomit_tf.data import preprocess
from lomit_tf.imaging import competing, face_regions, faces, framing, light
from lomit_tf.imaging.face_layouts import Layouts
from lomit_tf.imaging.given_masks import replace

SIDE = 128
PATCH = 32  # of random colours, for what has no need of a face
OVERLAPPING = (2,)  # of the masks hair, lips and smile


def regions() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Pictures, and rows of numbers.

    patch.png is a patch of colours: beside it its values (9.14), and its red through the guided filter. competing.png
    is a face in CelebA's framing, and competing_masks.png has masks of three groups below each other. Of these: the
    regions of the first rounds at 64 x 64 pixels and the layout that they point to, four planes below each other, and
    the masks in the end.
    """
    portrait = np.asarray(golden_models.portrait("Eileen Collins", 400))
    window = framing.face_window(faces.find(portrait, largest=True)[0], 1.0)
    face: np.ndarray = preprocess.resize(framing.cut(portrait, window), SIDE).numpy()
    masks = _masks(face)
    hair = masks[..., 0]
    layouts = Layouts.from_bytes(competing.LAYOUTS.read_bytes()).resized(competing.COARSE)
    size = competing.COARSE, competing.COARSE
    small, small_hair = (cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in (face, hair))
    where = face_regions.prior(small_hair, layouts.mean, competing.SURE)
    values, yielding = face_regions.features(small), competing.YIELDING
    first = face_regions.responsibilities(values, where, rounds=competing.ROUNDS[0], yielding=yielding)
    image = (np.float32(face) - np.float32(127.5)) * np.float32(1 / 127.5)
    whole = np.concatenate([masks, np.maximum(1 - masks.sum(axis=-1, keepdims=True), 0)], axis=-1)
    made = competing.compete(image[None], replace(whole, {}, OVERLAPPING)[None], (0,), OVERLAPPING)[0]
    assert np.abs(made[..., 0] - hair).mean() > 0.02 and np.abs(made[..., 1] - masks[..., 1]).max() < 1
    rng = np.random.default_rng(1)
    patch = np.uint8(np.clip(cv2.GaussianBlur(rng.normal(128, 400, (PATCH, PATCH, 3)), (0, 0), 2), 0, 255))
    values = face_regions.features(patch)
    red = np.float32(patch[..., 0] / np.float32(255))
    guided = cv2.ximgproc.guidedFilter(np.ascontiguousarray(values[..., :3]), red, 3, face_regions.EPSILON)
    pictures = {
        "patch.png": patch, "competing.png": face, "competing_masks.png": _stacked(masks),
        "competing_regions.png": _stacked(first), "competing_layout.png": _stacked(layouts.nearest(first)),
        "competing_made.png": _stacked(made[..., :-1]),
    }  # fmt: skip
    rows = np.round(np.concatenate([values, guided[..., None]], axis=-1).reshape(PATCH**2, -1), 6)
    return pictures, {"patch.txt": rows, "light.txt": _light(image, patch)}


def _light(face: np.ndarray, patch: np.ndarray) -> np.ndarray:
    """The light of the face, another one, and below them the pixels of the patch in -1..1 as it makes them."""
    own, wanted = light.of_face(face), np.float32([1.3, 0.94, 0.6])
    made = light.changed((np.float32(patch) - np.float32(127.5)) * np.float32(1 / 127.5), own, wanted)
    return np.round(np.concatenate([own[None], wanted[None], made.reshape(-1, 3)]), 6)


def _masks(face: np.ndarray) -> np.ndarray:
    """(S, S, 3) of levels of 255: hair, what is dark in the upper part; lips and a smile, ellipses."""
    rows, columns = (np.mgrid[:SIDE, :SIDE] + 0.5) / SIDE
    dark = np.clip((100 - cv2.GaussianBlur(face, (0, 0), 2).mean(axis=-1)) / 60, 0, 1) * np.clip(6 - 10 * rows, 0, 1)
    ellipses = [
        np.clip(1.5 - np.hypot((columns - 0.5) / a, (rows - 0.72) / b), 0, 1) for a, b in ((0.1, 0.04), (0.2, 0.15))
    ]
    dark[:8, :8] = 1  # a corner of the background
    return np.float32(np.round(255 * np.stack([dark * (1 - ellipses[0]), *ellipses], axis=-1)) / 255)


def _stacked(planes: np.ndarray) -> np.ndarray:
    """Planes (H, W, K) in 0..1 as one grey picture (K H, W) uint8."""
    return np.uint8(np.round(255 * planes)).transpose(2, 0, 1).reshape(-1, planes.shape[1])
