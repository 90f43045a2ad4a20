"""What the colour painter leaves of the outline's mixtures, eq. (7.12): against NumPy, and on a made-up head."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from lomit_tf.networks import colour, curves

pytestmark = pytest.mark.quick

SIDE, CELLS = 64, 64 // curves.CELL
CENTRES = np.array(curves.CENTRES)


def smooth(x: float, low: float, high: float) -> float:
    t = min(1.0, max(0.0, (x - low) / (high - low)))
    return t * t * (3 - 2 * t)


def slow_shares(image: np.ndarray, mask: np.ndarray, lighter: float) -> np.ndarray:
    """(H, W, 3), (H, W) -> (H/8, W/8, K), a cell at a time."""
    light = image @ np.array(colour.TO_YCC[0])
    out = np.ones((CELLS, CELLS, curves.BINS))
    for i, j in np.ndindex(CELLS, CELLS):
        around = np.s_[max(0, 8 * i - 8) : 8 * i + 16, max(0, 8 * j - 8) : 8 * j + 16]
        outside, core, near = 1 - mask[around], mask[around] ** 3, light[around]
        if outside.mean() < 1e-3 or core.mean() < 1e-3:
            continue
        here, beside = (core * near).sum() / core.sum(), (outside * near).sum() / outside.sum()
        known = smooth(outside.mean(), *curves.EDGE) * smooth(core.mean(), *curves.EDGE)
        known *= smooth(abs(beside - here), *curves.CONTRAST)
        known *= smooth(np.sign(beside - here) * lighter, *curves.TOWARDS)
        for k, centre in enumerate(CENTRES):
            way = (centre - here) * np.sign(beside - here) / max(abs(beside - here), curves.CONTRAST[0])
            share = np.clip((curves.MIXED[1] - way) / (curves.MIXED[1] - curves.MIXED[0]), 0, 1)
            out[i, j, k] = 1 - known * (1 - share)
    return out


def head(beside: float) -> tuple[np.ndarray, np.ndarray]:
    """A picture (H, W, 3) with dark hair above row 28 and something of another luminance below, and the hair's mask."""
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[:28] = 1
    return np.where(mask[..., None] > 0, -0.75, beside) * np.ones(3, np.float32), mask


def shares(image: np.ndarray, mask: np.ndarray, lighter: float) -> np.ndarray:
    given = image[None].astype("float32"), mask[None, ..., None].astype("float32"), np.array([[lighter]], "float32")
    return np.asarray(curves.edge_shares(*given))[0]


@pytest.mark.parametrize("lighter", [0.7, 0.1, -0.5])
def test_edge_shares_against_numpy(rng, lighter):
    rough = rng.uniform(-1, 1, (CELLS, CELLS, 3)).repeat(8, 0).repeat(8, 1)
    mask = rng.choice([0, 0.3, 1], (CELLS // 2, CELLS // 2)).repeat(16, 0).repeat(16, 1)
    found = shares(rough, mask, lighter)
    np.testing.assert_allclose(found, slow_shares(rough, mask, lighter), atol=1e-5)
    assert (found == 1).any() and (found < 1).any()


def test_dark_hair_made_light_has_its_mixtures_with_skin_painted_by_their_share():
    found = shares(*head(0.25), 0.7)
    assert found.shape == (CELLS, CELLS, curves.BINS)
    hairline, crown = found[3, 4], found[0, 4]
    np.testing.assert_array_equal(crown, 1)  # skin is far from it
    assert hairline[1] == 1  # of the hair's own luminance, -0.625
    assert hairline[5] == 0  # of skin, 0.375
    assert (np.diff(hairline[1:6]) < 0).all()


@pytest.mark.parametrize(
    ("beside", "lighter"),
    [(0.25, -0.2), (-0.7, 0.7), (0.25, 0.0), (-0.75, 0.7)],
    ids=["hair made darker beside skin", "hair as dark as what is beside", "the same luminance", "all alike"],
)
def test_all_is_painted_where_mixtures_make_no_edge(beside, lighter):
    np.testing.assert_array_equal(shares(*head(beside), lighter), 1)


def test_masks_of_mixed_precision_are_taken_in_float32():
    image, mask = head(0.25)
    rounded = tf.cast(mask[None, ..., None], tf.bfloat16)  # 0 and 1, which are the same there
    found = curves.edge_shares(image[None], rounded, np.array([[0.7]], "float32"))
    np.testing.assert_array_equal(found[0], shares(image, mask, 0.7))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_an_empty_mask_and_a_full_one_have_no_edge(value, rng):
    picture = rng.uniform(-1, 1, (SIDE, SIDE, 3))
    np.testing.assert_array_equal(shares(picture, np.full((SIDE, SIDE), value), 0.7), 1)


def test_a_hairline_gets_no_bright_edge():
    """Dark hair painted blond beside skin of the same lightness as that: mixtures of both are no lighter than they."""
    dark, blond = (
        np.array([[[light, -0.02, 0.03, deviation, 0.05, 0.05, 0, 0]]], "float32")
        for light, deviation in ((-0.75, 0.3), (0.05, 0.25))
    )
    everywhere = np.ones((1, CELLS, CELLS, 1), "float32")
    closed = everywhere * np.asarray(curves.closed_form(blond, dark)).reshape(1, 1, 1, -1)
    image, mask = head(0.05)
    image[24:28] = np.linspace(-0.75, 0.05, 8, dtype="float32").repeat(8)[:, None]  # the hairline's last pixels
    given = image[None].astype("float32")

    def painted(edges: object) -> np.ndarray:
        change = np.asarray(curves.change(curves.finished(closed, blond[:, 0], dark[:, 0], edges), given))[0]
        return ((image + change) @ np.array(colour.TO_YCC[0]))[24:28]

    shared = painted(curves.edge_shares(given, mask[None, ..., None], np.array([[0.8]], "float32")))
    assert painted(1.0).max() > 0.5
    assert shared.max() < 0.35
    assert abs(shared[:, :8] - 0.05).max() < 0.05  # hair alone is as light as it is to be
