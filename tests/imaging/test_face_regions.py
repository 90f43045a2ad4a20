"""Competing regions: the mixtures against scipy, what a drawn head's regions are, layouts, and the command's way."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

import lomit_tf
from lomit_tf.config import ConfigError
from lomit_tf.imaging import face_layouts, face_regions, mask_cut
from lomit_tf.imaging.face_layouts import Layouts
from lomit_tf.settings.mask_teacher import RefineConfig
from lomit_tf.training import mask_refinement, mask_refiners
from tests.helpers.serving import save_workdir

SIZE = 48


def head(rng, long: bool = False, hair=(60, 40, 30), wall=(150, 160, 170)) -> tuple[np.ndarray, np.ndarray]:
    """A head with short or long hair before a wall, (SIZE, SIZE, 3) uint8, and where the hair is, bool."""
    at = (np.arange(SIZE) + 0.5) / SIZE
    x, y = at[None, :], at[:, None]
    face = ((x - 0.5) / 0.2) ** 2 + ((y - 0.58) / 0.27) ** 2 < 1
    cap = (((x - 0.5) / 0.27) ** 2 + ((y - 0.5) / 0.38) ** 2 < 1) & ((y < 0.45) | long)
    inside = (cap | (long & (np.abs(x - 0.5) < 0.3) & (y > 0.45))) & ~face
    image = np.where(face[..., None], [215, 165, 140], np.array(wall))
    image = np.where((y > 0.88)[..., None] & ~face[..., None], [30, 60, 150], image)
    image = np.where(inside[..., None], np.array(hair), image) + rng.normal(0, 6, (SIZE, SIZE, 3))
    return np.clip(image, 0, 255).astype(np.uint8), inside


def rough(inside: np.ndarray) -> np.ndarray:
    """A mask that takes half of the forehead and a part of the wall, as networks' do."""
    wide = cv2.dilate(inside.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(np.float32)
    return 0.05 + 0.8 * cv2.GaussianBlur(wide, (0, 0), 4)


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / (a | b).sum())


def test_features_are_lab_and_the_contrast_of_the_lightness():
    grey = np.full((16, 16, 3), 119, np.uint8)  # L* of sRGB 119 is 50.03, its a* and b* are 0
    values = face_regions.features(grey)
    np.testing.assert_allclose(values[8, 8], [50.03 / 25, 0, 0, 0], atol=0.02)
    stripes = grey.copy()
    stripes[:, ::2] = 60
    assert face_regions.features(stripes)[4:-4, 4:-4, 3].min() > 0.5 and values.dtype == np.float32


def test_a_prior_is_the_product_of_powers_by_hand():
    layout = np.array([[[0.2, 0.4, 0.3, 0.1]]])
    mask = np.array([[0.42]])  # of the 0.6 that count as all: 0.7
    both = np.array([0.7, 0.3 * 0.5, 0.3 * 0.375, 0.3 * 0.125]) ** 0.3 * layout[0, 0]
    np.testing.assert_allclose(face_regions.prior(mask, layout)[0, 0], both / both.sum(), rtol=1e-6)
    sure = face_regions.prior(np.array([[0.0]]), layout)  # a network that is sure does not rule hair out
    assert 0.005 < sure[0, 0, 0] < 0.2


def test_gaussians_of_mixtures_against_scipy(rng):
    x = rng.normal(0, 1, (300, 4)) @ rng.normal(0, 1, (4, 4))
    owner = np.repeat(np.arange(4), face_regions.KERNELS)
    parts = rng.uniform(0, 1, (300, len(owner)))
    moments = face_regions._monomials(x)
    logs = moments @ face_regions._log_densities(moments, parts, owner, 4)
    for c, region in enumerate(owner):
        w = parts[:, c] / parts[:, c].sum()
        mean = w @ x
        covariance = (x - mean).T @ ((x - mean) * w[:, None]) + face_regions.SPREAD * np.eye(4)
        share = parts[:, c].sum() / parts[:, owner == region].sum()
        expected = np.log(share) + multivariate_normal(mean, covariance).logpdf(x)
        np.testing.assert_allclose(logs[:, c], expected + 2 * np.log(2 * np.pi), atol=1e-4)  # a constant of all


def test_a_round_is_bayes_rule_against_scipy(rng):
    """One round: parts by lightness, then eq. (9.16) from densities that scipy computes."""
    image, inside = head(rng)
    values = face_regions.features(image)
    where = face_regions.with_rest(rough(inside), face_layouts.first_guess(SIZE))
    where = np.maximum(where, 1e-4) / np.maximum(where, 1e-4).sum(-1, keepdims=True)
    found = face_regions.responsibilities(values, where, rounds=1).reshape(-1, 4)
    x, start = values.reshape(-1, 4).astype(np.float64), where.reshape(-1, 4) ** 2
    start /= start.sum(1, keepdims=True)
    order, logs = np.argsort(x[:, 0], kind="stable"), []
    for k, kernels in enumerate(face_regions.KERNELS):
        rank = np.floor(np.cumsum(start[order, k]) / start[:, k].sum() * kernels).clip(0, kernels - 1)
        each = []
        for j in range(kernels):
            w = np.zeros(len(x))
            w[order] = start[order, k] * (rank == j)
            mean = np.average(x, axis=0, weights=w)
            covariance = np.cov(x.T, aweights=w, bias=True) + face_regions.SPREAD * np.eye(4)
            each.append(np.log(w.sum() / start[:, k].sum()) + multivariate_normal(mean, covariance).logpdf(x))
        logs.append(np.log(where.reshape(-1, 4)[:, k]) + logsumexp(each, axis=0))
    expected = np.stack(logs, 1)
    expected = np.exp(expected - logsumexp(expected, axis=1, keepdims=True))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_two_rounds_in_which_regions_yield_against_scipy(rng):
    """Background and clothes learn a tenth of what the hair explains far better than a density of 2 / (2 pi)^2."""
    image, inside = head(rng)
    x, where = face_regions.features(image), face_regions.with_rest(rough(inside), face_layouts.first_guess(SIZE))
    where = np.maximum(where, 1e-4) / np.maximum(where, 1e-4).sum(-1, keepdims=True)
    found = face_regions.responsibilities(x, where, kernels=(1, 1, 1, 1), rounds=2, yielding=(2, 3)).reshape(-1, 4)
    x, where = x.reshape(-1, 4).astype(np.float64), where.reshape(-1, 4)

    def densities(weights):
        fits = ((np.average(x, axis=0, weights=w), np.cov(x.T, aweights=w, bias=True)) for w in weights.T)
        spread = face_regions.SPREAD * np.eye(4)
        return np.stack([multivariate_normal(m, c + spread).pdf(x) for m, c in fits], 1) * (2 * np.pi) ** 2

    first = densities(where**2 / (where**2).sum(1, keepdims=True))
    parts = where * first / (where * first).sum(1, keepdims=True)
    parts[:, 2:] *= 1 - 0.9 * first[:, :1] / (first[:, :1] + 2)
    second = where * densities(parts)
    np.testing.assert_allclose(found, second / second.sum(1, keepdims=True), atol=1e-4)
    where = where.reshape(SIZE, SIZE, 4)
    kept = face_regions.responsibilities(face_regions.features(image), where, (1, 1, 1, 1), rounds=2)
    assert np.abs(kept.reshape(-1, 4) - found).max() > 0.01


@pytest.mark.parametrize("long", [False, True])
def test_regions_compete_so_that_skin_and_wall_leave_the_hair(rng, long):
    image, inside = head(rng, long)
    mask = rough(inside)
    anywhere = face_regions.with_rest(np.full((SIZE, SIZE), 0.3), face_layouts.first_guess(SIZE))
    place = face_regions.prior(mask, anywhere)
    found = face_regions.responsibilities(face_regions.features(image), place)
    np.testing.assert_allclose(found.sum(-1), 1, atol=1e-5)
    before, after = overlap(mask > 0.5, inside), overlap(found[..., face_regions.HAIR] > 0.5, inside)
    assert before + 0.1 < after > 0.75, (before, after)
    assert found[28, 24, face_regions.SKIN] > 0.9 and found[46, 4, face_regions.CLOTHES] > 0.5


def test_a_flat_picture_gives_its_prior_and_nothing_that_is_not_finite():
    flat = np.full((SIZE, SIZE, 3), 255, np.uint8)
    layout = face_layouts.first_guess(SIZE)
    found = face_regions.responsibilities(face_regions.features(flat), layout)
    assert np.isfinite(found).all() and found.min() >= 0
    nothing = face_regions.responsibilities(
        face_regions.features(flat), face_regions.prior(np.zeros((SIZE, SIZE)), layout)
    )
    assert np.isfinite(nothing).all()


@pytest.fixture(scope="module")
def learned():
    rng = np.random.default_rng(5)
    heads = [
        head(rng, long=i % 2 == 1, hair=rng.integers(20, 90, 3), wall=rng.integers(120, 250, 3)) for i in range(16)
    ]
    pictures, masks = np.stack([image for image, _ in heads]), np.stack([rough(inside) for _, inside in heads])
    return pictures, masks, [inside for _, inside in heads], Layouts.learn(pictures, masks, 2)


def test_layouts_tell_short_hair_from_long(learned):
    pictures, masks, inside, layouts = learned
    assert layouts.each.shape == (2, SIZE, SIZE, 4) and layouts.mean.shape == (SIZE, SIZE, 4)
    np.testing.assert_allclose(layouts.shares, [0.5, 0.5])
    np.testing.assert_allclose(layouts.each.sum(-1), 1, atol=1e-5)
    beside = layouts.each[:, 36, 12, face_regions.HAIR]  # beside the chin: hair if it is long
    assert beside.max() > 0.6 and beside.min() < 0.15
    for image, mask, truth in zip(pictures[:4], masks, inside, strict=False):
        found = layouts.regions(image, mask)
        assert overlap(found[..., face_regions.HAIR] > 0.5, truth) > 0.85
        nearest = layouts.nearest(found)[36, 12, face_regions.HAIR]
        assert nearest == pytest.approx(beside.max() if truth[36, 12] else beside.min(), abs=0.05)


def test_eyes_as_dark_as_the_hair_are_not_taught_as_hair(learned):
    pictures, masks, _, layouts = learned
    options = RefineConfig(by="regions", face="0.5,0.5,0.2,0.1")
    image, mask = pictures[0].copy(), masks[0].copy()
    image[22:26, 16:32] = image[4:8, 16:32]  # as if a lock of the hair
    mask[22:26, 16:32] = 0.8
    everywhere = mask_cut.region_refiner(layouts, SIZE, dataclasses.replace(options, face=""))(image, mask)
    area, values = mask_cut.region_refiner(layouts, SIZE, options)(image, mask)
    barred = mask_cut.ellipse_mask(SIZE, options.ellipse())
    assert (everywhere[1][barred] > 0.5).sum() > 20 and not values[barred].any()
    np.testing.assert_array_equal(values[~barred], everywhere[1][~barred])
    assert area == pytest.approx(values.mean()) and values.dtype == np.float32


def test_learning_is_the_same_again_and_with_threads_and_takes_few_pictures(learned):
    pictures, masks, _, layouts = learned
    with ThreadPoolExecutor(2) as pool:
        again = Layouts.learn(pictures, masks, 2, pool.map)
    for field in dataclasses.fields(Layouts):
        np.testing.assert_array_equal(getattr(layouts, field.name), getattr(again, field.name))
    assert len(Layouts.learn(pictures[:3], masks[:3], 24).each) == 1
    with pytest.raises(ValueError, match="at least one picture"):
        Layouts.learn(pictures[:0], masks[:0])


def test_refining_by_regions_goes_on_with_the_layouts_that_it_learned(tiny, tmp_path, monkeypatch, uncompiled):
    drawn = {"dataset": "drawn_faces", "crop": 0, "system": "recipe", "ema_decay": 0.9}
    config = tiny(groups="hair: Black_Hair; smile: Smiling", **drawn)
    model = lomit_tf.load(save_workdir(config, tmp_path / "run"))
    data = dataclasses.replace(model.config.data, train_images=12)
    options = RefineConfig(
        by="regions", refuse=("Bangs",), refine_size=64, layouts=2, layout_images=8, piece=6, area_min=0, area_max=99
    )

    def refined(name, **changes):
        settings = dataclasses.replace(options, **changes)
        return mask_refinement.refine_masks(model, data, settings, tmp_path / name, threads=2)

    whole = refined("whole.npz")
    real, calls = mask_refiners.Refiners.all, []

    def stop(self, *args):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(self, *args)

    monkeypatch.setattr(mask_refiners.Refiners, "all", stop)
    with pytest.raises(KeyboardInterrupt):
        refined("parts.npz")
    learn = mask_refiners.Layouts.learn
    monkeypatch.setattr(mask_refiners.Layouts, "learn", lambda *a: pytest.fail("learned again"))
    again = refined("parts.npz")
    np.testing.assert_array_equal(whole.packed, again.packed)
    assert len(whole.chosen) and not (tmp_path / "parts.npz.parts").exists() and whole.record["by"] == "regions"
    # What is kept is the share of the hair itself, in 16 levels.
    monkeypatch.setattr(mask_refiners.Layouts, "learn", learn)
    assert (whole.means(np.arange(len(whole.chosen))) > 0.5).any()
    with pytest.raises(ConfigError, match="leave none"):
        refined("none.npz", refuse=("Bangs", "Smiling"), absent=("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair"))
