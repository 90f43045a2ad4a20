"""What is random about a drawn face: a counter-based hash, the labels and the numbers that describe a face.

Every number is a pure function of (seed, index, name of the number), so a face is the same whatever batch it
is drawn in, and adding a number to the drawing leaves all others as they were.  Only exactly rounded float
operations are used (no exp, sin, matrix products), here and in the painting, so no numpy version or processor
can change a face.
"""

from __future__ import annotations

import functools
import hashlib
from types import SimpleNamespace

import numpy as np

ATTRIBUTES = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair", "Smiling", "Eyeglasses", "Bangs")
HAIR_COLOURS = ATTRIBUTES[:4]
# Probability of each attribute that is not a hair colour; the hair colours share 1 evenly.
PROBABILITY = {"Smiling": 0.5, "Eyeglasses": 0.3, "Bangs": 0.5}

_MASK64 = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def mix64(x: np.ndarray) -> np.ndarray:
    """splitmix64's finaliser: uint64 array to uint64 array of the same shape."""
    x = x ^ (x >> np.uint64(30))
    x = x * np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return x


@functools.cache
def _name_key(name: str) -> np.uint64:
    return np.uint64(int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little"))


class Draws:
    """The random numbers of faces `indices` ((N,) uint64) under `seed`."""

    def __init__(self, seed: int, indices: np.ndarray) -> None:
        indices = np.asarray(indices, np.uint64)
        key = mix64(np.full(1, (seed * _GOLDEN + 0x632BE59BD9B4E019) & _MASK64, np.uint64))
        self._base = mix64(mix64(indices + np.uint64(1)) ^ key)

    def bits(self, name: str) -> np.ndarray:
        """(N,) uint64, all bits random."""
        return mix64(self._base + _name_key(name))

    def u(self, name: str, low: float = 0.0, high: float = 1.0) -> np.ndarray:
        """(N,) float64, uniform in [low, high)."""
        return low + (high - low) * ((self.bits(name) >> np.uint64(11)).astype(np.float64) * 2.0**-53)

    def bell(self, name: str, spread: float) -> np.ndarray:
        """(N,) float64 in (-spread, spread), triangular about 0: extremes are rare."""
        return spread * (self.u(name) - self.u(name + "'"))


def labels_from(draws: Draws) -> np.ndarray:
    """(N, 7) bool in the order of ATTRIBUTES: one hair colour each, the others independent."""
    colour = draws.bits("label hair") >> np.uint64(62)
    columns = [colour == np.uint64(k) for k in range(len(HAIR_COLOURS))]
    columns += [draws.u(f"label {name}") < PROBABILITY[name] for name in ATTRIBUTES[4:]]
    return np.stack(columns, axis=-1)


def hsv(h: np.ndarray, s: np.ndarray, v: np.ndarray) -> np.ndarray:
    """(3, N) RGB in 0..1 of hue (in turns), saturation and value, each (N,)."""
    out = []
    for shift in (5.0, 3.0, 1.0):
        k = h * 6.0 + shift
        k = k - 6.0 * np.floor(k / 6.0)
        out.append(v - v * s * np.clip(np.minimum(k, 4.0 - k), 0.0, 1.0))
    return np.stack(out)


def _between(t: np.ndarray, stops: list[tuple[float, float, float]]) -> np.ndarray:
    """(3, N) RGB at t in 0..1 along evenly spaced colour stops."""
    table = np.array(stops, np.float64)
    at = t * (len(stops) - 1)
    low = np.minimum(at.astype(np.int64), len(stops) - 2)
    part = (at - low)[:, None]
    return (table[low] * (1.0 - part) + table[low + 1] * part).T


_SKIN = [(0.36, 0.23, 0.17), (0.54, 0.36, 0.26), (0.72, 0.50, 0.36), (0.90, 0.69, 0.54), (0.98, 0.83, 0.74)]
_BROW = [(0.10, 0.08, 0.07), (0.24, 0.16, 0.11), (0.38, 0.28, 0.19), (0.47, 0.43, 0.40)]


def _hair_colour(d: Draws, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Base and highlight colour, (3, N) each; the ranges of the four classes lie well apart."""
    a, b, c = d.u("hair a"), d.u("hair b"), d.u("hair c")
    base = [
        hsv(0.04 + 0.62 * np.floor(2.0 * a), 0.10 + 0.25 * b, 0.055 + 0.075 * c),  # black, warm or bluish
        hsv(0.108 + 0.027 * a, 0.36 + 0.24 * b, 0.86 + 0.14 * c),
        hsv(0.045 + 0.040 * a, 0.54 + 0.18 * b, 0.30 + 0.17 * c),
        hsv(0.55 + 0.15 * a, 0.01 + 0.06 * b, 0.55 + 0.30 * c),
    ]
    glow = [
        base[0] + 0.22,
        0.35 * base[1] + 0.65 * np.array([[1.0], [0.97], [0.80]]),
        0.60 * base[2] + 0.40 * np.array([[0.85], [0.64], [0.45]]),
        0.40 * base[3] + 0.60,
    ]
    which = np.argmax(labels[:, :4], axis=1)
    rows = np.arange(which.size)
    return np.stack(base)[which, :, rows].T, np.stack(glow)[which, :, rows].T


def _pose_and_light(d: Draws, p: dict[str, np.ndarray]) -> None:
    p["scale"] = d.u("scale", 1.0, 1.22)
    p["cx"], p["cy"] = d.bell("cx", 0.13), -0.05 + d.bell("cy", 0.08)
    tilt = d.bell("tilt", 0.17)
    t2 = tilt * tilt
    p["cos"], p["sin"] = 1.0 - t2 / 2.0 + t2 * t2 / 24.0, tilt * (1.0 - t2 / 6.0 + t2 * t2 / 120.0)
    p["yaw"] = d.bell("yaw", 1.0)
    p["light_x"], p["light_y"] = d.u("light x", -1.0, 1.0), d.u("light y", -1.0, 0.15)
    p["light_k"] = d.u("light k", 0.12, 0.30)
    p["light"] = d.u("light", 0.86, 1.06)


def _face(d: Draws, p: dict[str, np.ndarray]) -> None:
    p["face_w"], p["face_h"] = d.u("face w", 0.375, 0.435), d.u("face h", 0.52, 0.575)
    p["jaw"] = d.u("jaw", 0.05, 0.75)
    p["ear"] = d.u("ear", 0.045, 0.07)
    p["neck_w"], p["neckline"] = d.u("neck w", 0.15, 0.20), d.u("neckline", 0.70, 0.86)
    p["v_neck"] = np.floor(d.u("v neck") * 2.0)
    skin = _between(d.u("skin"), _SKIN) * d.u("skin v", 0.94, 1.04)
    skin[2] *= d.u("undertone", 0.86, 1.08)
    p["skin"] = skin
    p["blush"] = d.u("blush", 0.0, 0.35)
    p["eye_x"], p["eye_y"] = d.u("eye x", 0.165, 0.195), d.u("eye y", -0.05, -0.01)
    p["eye_w"], p["eye_h"] = d.u("eye w", 0.088, 0.108), d.u("eye h", 0.044, 0.060)
    p["iris_r"] = p["socket_h"] = p["eye_h"]
    p["slant"], p["gaze"] = d.bell("slant", 0.16), d.bell("gaze", 0.03)
    hue, kind = d.u("iris hue"), d.u("iris kind")
    brown = hsv(0.04 + 0.06 * hue, np.full_like(hue, 0.72), 0.22 + 0.40 * kind)
    light = hsv(0.24 + 0.38 * hue, np.full_like(hue, 0.48), 0.30 + 0.40 * kind)
    p["iris"] = np.where(kind < 0.5, brown, light)
    # The brows have colours of their own, with nothing in common with the hair's class.
    p["brow"] = _between(d.u("brow"), _BROW)
    p["brow_y"], p["brow_t"] = d.u("brow y", 0.095, 0.135), d.u("brow t", 0.014, 0.026)
    p["brow_arch"], p["brow_slope"] = d.u("brow arch", 0.8, 3.2), d.bell("brow slope", 0.18)
    p["nose_y"], p["nose_w"] = d.u("nose y", 0.10, 0.145), d.u("nose w", 0.042, 0.062)


def _mouth(d: Draws, p: dict[str, np.ndarray], smile: np.ndarray) -> None:
    p["mouth_y"] = d.u("mouth y", 0.285, 0.315)
    p["mouth_w"] = np.where(smile, d.u("mouth w", 0.150, 0.175), d.u("mouth w", 0.110, 0.140))
    p["mouth_bend"] = np.where(smile, d.u("bend", 2.0, 3.0), d.u("bend", -0.7, 0.5))
    p["mouth_open"] = np.where(smile, d.u("open", 0.045, 0.085), 0.0)
    p["lip_up"], p["lip_low"] = d.u("lip up", 0.022, 0.034), d.u("lip low", 0.028, 0.042)
    p["teeth_shown"] = p["crease"] = smile.astype(np.float64)
    p["reach_x"], p["reach_y"] = np.full(len(smile), 0.225), np.full(len(smile), 0.140)  # of the mouth's region
    paint = hsv(d.u("lip hue", -0.06, 0.03), d.u("lip s", 0.45, 0.8), d.u("lip v", 0.5, 0.88))
    p["lips"] = 0.35 * p["skin"] * np.array([[1.0], [0.7], [0.7]]) + 0.65 * paint


def _hair(d: Draws, p: dict[str, np.ndarray], bangs: np.ndarray) -> None:
    kind = d.u("length")
    part = d.u("length part")
    short, middle = kind < 0.34, (kind >= 0.34) & (kind < 0.62)
    longer = np.where(middle, 0.26 + 0.30 * part, 0.66 + 0.44 * part)
    p["length"] = np.where(short, -0.06 + 0.12 * part, longer)
    p["top"] = d.u("hair top", 0.07, 0.14)
    p["side"] = np.where(short, d.u("hair side", 0.025, 0.06), d.u("hair side", 0.06, 0.125))
    p["flare"] = np.where(short, -0.12, d.u("flare", -0.05, 0.16))
    p["curl"] = np.where(short, 0.2, 1.0) * np.maximum(d.u("curl", -0.03, 0.045), 0.0)
    p["curl_f"], p["curl_p"] = d.u("curl f", 1.6, 3.0), d.u("curl p")
    p["round"] = np.where(short, 0.02, d.u("round", 0.02, 0.20))
    p["tips"], p["tips_f"] = d.u("tips", 0.008, 0.03), d.u("tips f", 4.0, 7.0)
    p["inner"] = np.where(short, d.u("inner", 0.93, 1.0), d.u("inner", 0.84, 0.96))
    p["corridor"] = d.u("corridor", 0.17, 0.30)
    # The hairline: y = line + rise / (1 + rise / limit) + slope x + teeth, with rise = bow (x - part)^2.
    p["part"] = d.u("part", -0.20, 0.20)
    p["line"] = np.where(bangs, d.u("line b", -0.20, -0.135), d.u("line", -0.46, -0.37))
    p["bow"] = np.where(bangs, d.u("bow b", 0.1, 0.6), d.u("bow", 1.6, 3.0))
    p["bow_x"] = np.where(bangs, 0.0, p["part"])
    p["slope"] = np.where(bangs, d.bell("slope", 0.22), 0.0)
    p["teeth"] = np.where(bangs, d.u("teeth", 0.008, 0.030), 0.004)
    p["teeth_f"] = d.u("teeth f", 4.5, 8.0)
    for k, (low, high) in enumerate([(1.3, 2.2), (2.9, 4.4), (5.2, 7.0), (11.0, 15.0)]):
        p[f"strand{k}"], p[f"strand{k}_p"] = d.u(f"strand {k}", low, high), d.u(f"strand {k} p")
        p[f"strand{k}_a"] = d.u(f"strand {k} a", 0.05, 0.13)
    p["gloss_y"], p["gloss_w"] = d.u("gloss y", -0.46, -0.28), d.u("gloss w", 0.06, 0.13)
    p["gloss"] = d.u("gloss", 0.25, 0.80)
    p["tip_light"] = d.u("tip light", -0.12, 0.22)


def _glasses(d: Draws, p: dict[str, np.ndarray], worn: np.ndarray) -> None:
    p["worn"] = worn.astype(np.float64)
    p["lens_w"], p["lens_h"] = d.u("lens w", 0.128, 0.150), d.u("lens h", 0.095, 0.130)
    p["lens_round"] = d.u("lens round", 0.35, 1.0)
    p["frame_t"] = d.u("frame t", 0.026, 0.044)
    dark = hsv(d.u("frame hue"), d.u("frame s", 0.1, 0.6), d.u("frame v", 0.04, 0.22))
    vivid = hsv(d.u("frame hue"), d.u("frame s", 0.5, 0.9), d.u("frame v", 0.35, 0.7))
    p["frame"] = np.where(d.u("frame kind") < 0.7, dark, vivid)
    p["tint"] = hsv(d.u("tint hue"), d.u("tint s", 0.05, 0.4), d.u("tint v", 0.2, 0.95))
    p["tint_a"] = d.u("tint a", 0.08, 0.30)
    p["glare"], p["glare_x"] = d.u("glare", 0.15, 0.50), d.u("glare x", -0.06, 0.06)


def _scene(d: Draws, p: dict[str, np.ndarray]) -> None:
    hue = d.u("ground hue")
    other = hue + d.bell("ground turn", 0.4)
    p["ground0"] = hsv(hue, d.u("ground s0", 0.1, 0.75), d.u("ground v0", 0.25, 0.95))
    p["ground1"] = hsv(other, d.u("ground s1", 0.1, 0.75), d.u("ground v1", 0.25, 0.95))
    p["ground_x"], p["ground_y"] = d.u("ground x", -0.45, 0.45), d.u("ground y", -0.45, 0.45)
    for k in range(3):
        p[f"blob{k}"] = hsv(d.u(f"blob {k} hue"), d.u(f"blob {k} s", 0.1, 0.8), d.u(f"blob {k} v", 0.2, 1.0))
        p[f"blob{k}_x"], p[f"blob{k}_y"] = d.u(f"blob {k} x", -1.1, 1.1), d.u(f"blob {k} y", -1.1, 1.1)
        p[f"blob{k}_r"], p[f"blob{k}_a"] = d.u(f"blob {k} r", 0.5, 1.3), d.u(f"blob {k} a", 0.3, 0.85)
    cloth_hue = d.u("cloth hue")
    p["cloth"] = hsv(cloth_hue, d.u("cloth s", 0.05, 0.85), d.u("cloth v", 0.15, 0.95))
    p["trim"] = hsv(cloth_hue + d.bell("trim hue", 0.5), d.u("trim s", 0.05, 0.8), d.u("trim v", 0.15, 0.95))
    p["stripes"] = d.u("stripes", 3.0, 6.0) * (d.u("striped") < 0.35)
    p["shoulder"] = d.u("shoulder", 0.25, 0.55)
    p["noise"] = d.u("noise", 0.008, 0.026)


def face_parameters(seed: int, indices: np.ndarray, labels: np.ndarray) -> SimpleNamespace:
    """All numbers of faces `indices` ((N,)), drawn with `labels` ((N, 7) bool).

    Each is float32: (N, 1, 1) for a number, (3, N, 1, 1) for a colour (RGB 0..1).  Lengths are in half image
    sides for the pose and in face units (`scale` half image sides) for the parts of a face, x right, y down.
    Labels choose between ranges only for what lies in their own region; all else never looks at them.
    """
    d = Draws(seed, indices)
    p: dict[str, np.ndarray] = {}
    _pose_and_light(d, p)
    _face(d, p)
    _mouth(d, p, labels[:, 4])
    _hair(d, p, labels[:, 6])
    _glasses(d, p, labels[:, 5])
    _scene(d, p)
    p["hair"], p["hair_glow"] = _hair_colour(d, labels)
    key = (d.bits("noise key") >> np.uint64(32)).astype(np.uint32)[:, None, None]
    out = {name: np.asarray(value, np.float32)[..., None, None] for name, value in p.items()}
    return SimpleNamespace(noise_key=key, **out)
