"""Movements seen in means of faces: on drawn mouths whose movement is known, and against independent NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from lomit_tf.imaging import local_means
from lomit_tf.imaging.local_means import LocalMeans, Movement, pairs, soft
from tests.helpers.mouths import UP, faces

SIZE, COUNT = 128, 120


@pytest.fixture(scope="module")
def means() -> LocalMeans:
    pictures, smiles = faces(COUNT, SIZE)
    return LocalMeans.of(pictures, smiles, np.zeros(COUNT, int), neighbours=20)


def corner(values: np.ndarray) -> np.ndarray:
    """What a map (S, S, C) says at the corners of the mouths, without a smile: (2, C)."""
    y = round(0.754 * SIZE)
    return np.stack([values[y - 1 : y + 2, x - 1 : x + 2].mean((0, 1)) for x in (round(0.4 * SIZE), round(0.6 * SIZE))])


def test_a_smile_pulls_corners_up_and_taking_it_away_brings_them_down(means):
    rise = UP * (0.1 / 0.11) ** 2 * SIZE  # of the drawn corners, in pixels
    put_on, taken = means.movement(0, 1), means.movement(1, 0)
    # The result takes its colours from below where things move up; where the corner goes to.
    up = put_on.displacement[round(0.754 * SIZE - rise), [round(0.4 * SIZE), round(0.6 * SIZE)], 1]
    assert (up > 0.35 * rise).all() and (up < 1.5 * rise).all()
    assert (corner(taken.displacement)[:, 1] < -0.35 * rise).all()
    for made in (put_on, taken):
        assert not made.folds
        assert np.abs(made.displacement[: SIZE // 2]).max() < 0.1  # eyes stay


def test_what_is_made_is_the_wanted_mean(means):
    made = means.movement(2, 3)
    left, top, right, bottom = 16, 36, 112, 128
    moved = local_means._moved(made.own, made.displacement) + made.change
    inner = soft(SIZE, local_means.PLACES["mouth"].inner)[..., 0] > 0.9
    within = np.zeros((SIZE, SIZE), bool)
    within[top:bottom, left:right] = True
    before = np.abs(made.own - made.wanted)[inner & within].mean()
    after = np.abs(moved - made.wanted)[inner & within].mean()
    assert after < 0.35 * before
    assert not made.change[:top].any()


def test_exemplars_of_the_same_label_change_little(means):
    same, other = means.movement(4, 6), means.movement(4, 7)
    assert np.abs(same.displacement).mean() < 0.25 * np.abs(other.displacement).mean()


def test_mirror_images_move_as_mirror_images(means):
    made, mirrored = means.movement(8, 9), means.movement(8 + COUNT, 9 + COUNT)
    np.testing.assert_allclose(mirrored.own, made.own[:, ::-1], atol=0.5)
    there = mirrored.displacement[:, ::-1] * np.array([-1, 1], np.float32)
    assert (
        np.abs(there - made.displacement).mean() < 0.4 * np.abs(made.displacement).mean()
    )  # on flat skin flow is a guess


def test_means_are_of_the_right_faces_in_the_light_of_the_one(means):
    chosen = means.nearest(10, 11, 0.3)
    assert len(set(chosen.tolist())) == 20 and means.labels[chosen].all()
    own = means.nearest(10, 10, 0.5)
    assert not set(own.tolist()) & {10, 10 + COUNT} and not means.labels[own].any()
    among = np.flatnonzero(means.labels)
    distance = ((means.above[among] - means.above[10]) ** 2).sum(1)
    distance += 0.3 * ((means.mouth[among] - means.mouth[11]) ** 2).sum(1)
    assert set(chosen.tolist()) == set(among[np.argsort(distance)[:20]].tolist())
    face = np.stack([means.pictures[n].astype(np.float64)[44:120, 28:100] for n in chosen])
    mine = means.pictures[10].astype(np.float64)[44:120, 28:100].reshape(-1, 3)
    mean, deviation = face.mean((1, 2)), face.reshape(20, -1, 3).std(1).mean(1)
    lit = (face - mean[:, None, None]) * (mine.std(0).mean() / deviation)[:, None, None, None] + mine.mean(0)
    np.testing.assert_allclose(means.mean(chosen, 10)[8:84, 12:84], lit.mean(0), atol=0.05)


def test_faces_of_another_kind_are_not_taken_and_rare_kinds_are_left_out():
    pictures, smiles = faces(COUNT, 64)
    kinds = np.arange(COUNT) // 2 % 10  # 12 faces of each kind, 6 with the label
    kinds[kinds > 0] = 1
    means = LocalMeans.of(pictures, smiles, kinds, neighbours=7)
    assert (means.usable() == (means.kinds == 1)).all()
    assert (means.kinds[means.nearest(2, 1, 1.0)] == means.kinds[2]).all()
    drawn = pairs(means.labels, means.usable(), np.random.default_rng(0), 0.25)
    found = np.array([next(drawn) for _ in range(2000)])
    assert means.usable()[found[:, 0]].all()
    same = means.labels[found[:, 0]] == means.labels[found[:, 1]]
    assert 0.2 < same.mean() < 0.3
    open_mouths = np.arange(COUNT) % 8 > 3  # half of all, with and without the label
    means = LocalMeans.of(pictures, smiles, np.zeros(COUNT, int), extra=open_mouths, neighbours=7)
    assert not means.extra[means.nearest(0, 1, 1.0)].any()  # none is opened,
    assert not means.extra[means.nearest(4, 5, 1.0)].any()  # one that is open closes with another label,
    assert means.extra[means.nearest(4, 6, 1.0)].any()  # and may stay open with its own
    with pytest.raises(ValueError, match="more than 60 with the label"):
        LocalMeans.of(pictures, smiles, kinds, neighbours=60)


def test_what_folds_is_known():
    flat = np.zeros((8, 8, 3), np.float32)
    d = np.zeros((8, 8, 2), np.float32)
    d[..., 0] = -0.9 * np.arange(8)  # squeezed to a tenth: not turned
    assert not Movement(d, flat, flat, flat).folds
    d[..., 0] = -1.1 * np.arange(8)
    assert Movement(d, flat, flat, flat).folds
    d[..., 0], d[..., 1] = -2 * np.arange(8), -2 * np.arange(8)[:, None]  # turned by 180 degrees: nothing is mirrored
    assert not Movement(d, flat, flat, flat).folds


def test_the_window_of_mouths_against_numpy():
    at = (np.arange(64) + 0.5) / 64
    expected = np.exp(-(((at[None, :] - 0.5) / 0.234) ** 4) - ((at[:, None] - 0.754) / 0.188) ** 4)
    np.testing.assert_allclose(soft(64, (0.234, 0.188))[..., 0], expected, rtol=1e-4, atol=1e-6)


def test_where_nothing_moves_colours_change_alone():
    pictures, smiles = faces(COUNT, 64)
    means = LocalMeans.of(pictures, smiles, np.zeros(COUNT, int), "beard", neighbours=20)
    made = means.movement(0, 1)
    assert not made.displacement.any() and not made.folds
    place = local_means.PLACES["beard"]
    left, top, right, bottom = 8, 18, 56, 64
    w = soft(64, place.inner)
    change = (made.wanted - made.own)[top:bottom, left:right]
    w = w[top:bottom, left:right]
    wide = np.pad(change, ((20, 20), (20, 20), (0, 0)), mode="reflect")  # the blur's edges
    reach = np.arange(-20, 21)
    kernel = np.exp(-(reach**2) / (2 * (10 / 128 * 64) ** 2))
    kernel /= kernel.sum()
    broad = np.apply_along_axis(lambda v: np.convolve(v, kernel, "valid"), 0, wide)
    broad = np.apply_along_axis(lambda v: np.convolve(v, kernel, "valid"), 1, broad)
    most = 15 + 240 * w
    expected = w * most * np.tanh((change - (1 - w) * broad) / most)
    np.testing.assert_allclose(made.change[top:bottom, left:right], expected, atol=0.3)
