"""The place where labels show: the regression against NumPy's and SciPy's own, drawn mouths, the command's way."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest
from scipy import stats

import lomit_tf
from lomit_tf.config import ConfigError
from lomit_tf.data.sources import open_set
from lomit_tf.data.store import ImageStore
from lomit_tf.imaging import face_regions, label_places, mask_cut
from lomit_tf.imaging.mask_cut import ellipse_mask
from lomit_tf.settings.mask_teacher import RefineConfig
from lomit_tf.training import mask_refinement, mask_refiners
from tests.helpers.serving import save_workdir

SIZE = 32


@pytest.fixture(scope="module")
def model(tiny, tmp_path_factory) -> lomit_tf.Lomit:
    """A model with random weights, of the groups hair and smile."""
    drawn = {"dataset": "drawn_faces", "crop": 0, "system": "recipe", "ema_decay": 0.9}
    config = tiny(groups="hair: Black_Hair; smile: Smiling", **drawn)
    return lomit_tf.load(save_workdir(config, tmp_path_factory.mktemp("hair and smile") / "run"))


def pictures(rng, labels: np.ndarray) -> np.ndarray:
    """Noise; label 0 brightens the place (24..31, 8..23), label 1 reddens (0..7, 0..31) and label 2 does nothing.

    Neither reaches the middle of the face, from which colours are measured.
    """
    made = rng.normal(120, 12, (len(labels), SIZE, SIZE, 3))
    made[:, 24:, 8:24] += 40 * labels[:, 0, None, None, None]
    made[:, :8, :, 0] += 40 * labels[:, 1, None, None]
    return np.clip(made, 0, 255).astype(np.uint8)


def test_features_are_less_those_of_the_middle(rng):
    image = rng.integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8)
    values = label_places.relative_features(image)
    middle = ellipse_mask(SIZE, label_places.MIDDLE)
    np.testing.assert_allclose(values[middle].mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(values - values[0, 0], face_regions.features(image) - face_regions.features(image)[0, 0],
                               atol=1e-5)  # fmt: skip


def test_evidence_is_the_t_statistic_of_scipy(rng):
    """With one label, the squared t-statistic is that of the two-sample test with equal variances."""
    labels = (rng.random((40, 1)) < 0.5).astype(np.float32)
    images = rng.integers(0, 256, (40, 16, 16, 3)).astype(np.uint8)
    values = np.stack([label_places.relative_features(image) for image in images]).astype(np.float64)
    with_it, without = values[labels[:, 0] == 1], values[labels[:, 0] == 0]
    t = stats.ttest_ind(with_it, without).statistic
    np.testing.assert_allclose(label_places.evidence(images, labels, [0]), np.sqrt((t**2).mean(axis=-1)), rtol=1e-3)


def test_evidence_of_several_labels_is_that_of_least_squares(rng):
    labels = (rng.random((60, 3)) < 0.4).astype(np.float32)
    images = rng.integers(0, 256, (60, 16, 16, 3)).astype(np.uint8)
    x = np.concatenate([np.ones((60, 1)), labels], axis=1)
    values = np.stack([label_places.relative_features(image) for image in images]).reshape(60, -1).astype(np.float64)
    beta, squares, _, _ = np.linalg.lstsq(x, values, rcond=None)
    error = np.sqrt(squares / (60 - 4) * np.diag(np.linalg.inv(x.T @ x))[:, None])
    t = (beta / error).reshape(4, 16, 16, 4)
    expected = np.sqrt((t[[1, 3]] ** 2).mean(axis=-1)).max(axis=0)
    np.testing.assert_allclose(label_places.evidence(images, labels, [0, 2]), expected, rtol=1e-3)


def test_what_goes_along_with_a_label_is_not_its_place(rng):
    """Labels 0 and 1 agree in nine of ten pictures; the place of 0 is where 0 alone shows."""
    first = rng.random(300) < 0.5
    second = np.where(rng.random(300) < 0.9, first, ~first)
    labels = np.stack([first, second, rng.random(300) < 0.5], axis=1).astype(np.float32)
    images = pictures(rng, labels)
    together = label_places.evidence(images, labels[:, :1], [0])
    apart = label_places.evidence(images, labels, [0])
    inside, other = np.zeros((SIZE, SIZE), bool), np.zeros((SIZE, SIZE), bool)
    inside[25:31, 9:23], other[1:7] = True, True
    assert together[other].mean() > 5 and apart[other].mean() < 2 < apart[inside].mean()
    where = label_places.place(apart, 8 * 16 / SIZE**2, 0.02)
    assert where[inside].mean() > 0.7 and where[other].max() == 0


def test_a_place_has_the_share_that_was_asked_for(rng):
    across, down = np.meshgrid(np.linspace(-1, 1, 64), np.linspace(-1, 1, 64))
    found = (rng.normal(0, 0.05, (64, 64)) - np.hypot(across, down)).astype(np.float32)  # one hill
    for share, edge in ((0.05, 0.02), (0.3, 0.1), (0.3, 0)):
        where = label_places.place(found, share, edge)
        assert where.dtype == np.float32 and where.min() >= 0 and where.max() == 1
        assert (where > 0.5).mean() == pytest.approx(share, abs=edge / 2 + 0.002)
    assert np.isfinite(label_places.place(np.zeros((8, 8), np.float32), 0.2, 0.1)).all()


def test_small_parts_of_a_place_that_lie_apart_are_left_out():
    """Eq. (9.26): two cheeks of one smile stay, the lower lids beside them go; of two lips both stay."""
    found = np.zeros((64, 64), np.float32)
    found[30:50, 4:28], found[30:50, 36:60] = 9, 8
    found[4:9, 10:16] = 9
    where = label_places.place(found, 0.27, 0.02)
    assert where[40, 16] > 0.9 and where[40, 48] > 0.9
    assert where[:16].max() == 0


def test_evidence_of_some_values_leaves_the_others_out(rng):
    """Label 0 makes its place brighter, label 1 its own redder: CIELAB's a does not see the first."""
    labels = (rng.random((200, 2)) < 0.5).astype(np.float32)
    images = pictures(rng, labels)
    all_of_them = label_places.evidence(images, labels, [0])
    red, light = (label_places.evidence(images, labels, [0], [value]) for value in (1, 0))
    inside = np.zeros((SIZE, SIZE), bool)
    inside[25:31, 9:23] = True
    assert light[inside].mean() > 20 and red[inside].mean() < 3
    np.testing.assert_allclose(
        all_of_them**2,
        sum(label_places.evidence(images, labels, [0], [value]) ** 2 for value in range(4)) / 4, rtol=1e-4,
    )  # fmt: skip
    assert label_places.evidence(images, labels, [1], [1])[1:7].mean() > 10


def lips(rng, size: int, centre: tuple[float, float], red: float) -> tuple[np.ndarray, np.ndarray]:
    """Skin with light from one side, a darker chin, and an ellipse that is redder: (size, size, 3) uint8, and where."""
    y, x = np.mgrid[:size, :size] + 0.5
    where = ((x - centre[0]) / (0.14 * size)) ** 2 + ((y - centre[1]) / (0.05 * size)) ** 2 <= 1
    light = (0.8 + 0.25 * x / size) * np.where(y > 0.85 * size, 0.6, 1)
    image = np.array([205.0, 160, 135]) * light[..., None]
    image[where] += np.array([0.2, -1, -0.6]) * red
    return np.clip(image + rng.normal(0, 3, image.shape), 0, 255).astype(np.uint8), where


@pytest.mark.parametrize("red", [25, 60])
def test_colours_of_a_place_compete_with_those_around_it(rng, red):
    """The place is the same for all pictures, the lips are not; each picture's colours find them."""
    size = 96
    place = lips(rng, size, (48, 66), 0)[1].astype(np.float32)
    refined = label_places.competing_refiner(cv2.GaussianBlur(place, (0, 0), 2), 0.3, 0.1)
    for dx, dy in ((-5, 2), (4, -3), (0, 4)):
        image, truth = lips(rng, size, (48 + dx, 66 + dy), red)
        area, values = refined(image, np.zeros((size, size), np.float32))
        assert values.shape == (size, size) and values.dtype == np.float32 and 0 < area < 0.06
        before, after = (
            np.logical_and(found > 0.5, truth).sum() / np.logical_or(found > 0.5, truth).sum()
            for found in (place, values)
        )
        assert before < 0.7 and after > 0.85
        far = values[:20]  # where nothing competes: a few pixels say that there are no lips, the others nothing
        assert set(np.unique(far)) == {np.float32(0), np.float32(mask_cut.UNKNOWN)}
        assert (far == 0).mean() == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize("sign", [1, -1])
def test_what_differs_the_other_way_is_not_the_region(rng, sign):
    """Teeth between red lips are no skin, and no lips: they are less red than both."""
    size = 96
    image, whole = lips(rng, size, (48, 66), 45)
    teeth = np.zeros((size, size), bool)
    teeth[64:68, 40:56] = True
    image[teeth] = np.clip(rng.normal((235, 232, 225), 3, (int(teeth.sum()), 3)), 0, 255)
    place = cv2.GaussianBlur(whole.astype(np.float32), (0, 0), 2)
    nothing = np.zeros((size, size), np.float32)
    both = label_places.competing_refiner(place, 0.4)(image, nothing)[1]
    red = label_places.competing_refiner(place, 0.4, along=2 * sign)(image, nothing)[1]
    assert both[teeth].mean() > 0.7
    if sign > 0:
        assert red[teeth].mean() < 0.05 and red[whole & ~teeth].mean() > 0.8
    else:  # what is less red than skin
        assert red[whole & ~teeth].mean() < 0.05 and red[teeth].mean() > 0.5


def test_the_direction_is_that_of_the_label(model, tmp_path, monkeypatch, uncompiled):
    """Drawn smiles: the refiner is told in which direction CIELAB's a goes where the label shows."""
    data = dataclasses.replace(model.config.data, train_images=60)
    asked = []

    def refiner(*given):
        asked.append(given)
        return lambda image, mask: (0.1, mask)

    monkeypatch.setattr(label_places, "competing_refiner", refiner)
    for values, expected in ((("L",), -1), (("L", "a"), 0)):
        options = RefineConfig(by="labels", group="hair", refuse=(), refine_size=64, place_values=values,
                               place_competes=0.3, place_far=0.5)  # fmt: skip
        mask_refinement.refine_masks(model, data, options, tmp_path / f"{len(values)}.npz", threads=2)
        assert asked[-1][1:] == (0.3, 0.5, expected)  # black hair is darker


def test_too_few_pictures_are_an_error(rng):
    with pytest.raises(ValueError, match="3 pictures are too few to tell 2 labels apart"):
        label_places.evidence(rng.integers(0, 256, (3, 16, 16, 3)).astype(np.uint8), np.zeros((3, 2)), [0])


def test_refining_by_labels_gives_every_image_the_place_of_its_group(model, tmp_path, uncompiled):
    data = dataclasses.replace(model.config.data, train_images=150)
    options = RefineConfig(by="labels", group="hair", refuse=(), controls=("Bangs",), refine_size=64, place_share=0.1,
                           place_edge=0.03)  # fmt: skip
    found = mask_refinement.refine_masks(model, data, options, tmp_path / "masks.npz", threads=2)
    assert found.counts()["used"] == 150 and found.record["controls"] == ["Bangs"]
    masks = found.means(np.arange(150))
    assert (masks == masks[0]).all()  # whatever the model's mask is
    # Hair is in the upper half, in the middle. (Smiles of drawn faces reach the middle of the face, see `MIDDLE`.)
    inside = np.argwhere(masks[0] > 0.5).mean(axis=0) / 64
    assert 0.1 < inside[0] < 0.5 and 0.35 < inside[1] < 0.65
    again = mask_refinement.MaskTargets.load(tmp_path / "masks.npz")
    np.testing.assert_array_equal(again.packed, found.packed)
    with pytest.raises(ConfigError, match=r"--by=labels: .* too few .* fewer --controls"):
        few = dataclasses.replace(data, train_images=3)
        mask_refinement.refine_masks(model, few, options, tmp_path / "few.npz")


def test_a_piece_of_a_place_is_read_again(model, tmp_path, monkeypatch, uncompiled):
    data = dataclasses.replace(model.config.data, train_images=40)
    options = RefineConfig(by="labels", group="smile", refuse=(), refine_size=64)
    store = ImageStore(open_set(mask_refinement.refined_data(data, options), "train"),
                       mask_refinement.refined_data(data, options), cache=False)  # fmt: skip
    work = mask_refiners.Refiners(model, 1, options)
    work.prepare(None, store, np.arange(40), tmp_path / "labels.npz")
    first = work.refiner(None, None)[1]
    monkeypatch.setattr(label_places, "t_statistics", lambda *a: pytest.fail("learned again"))
    again = mask_refiners.Refiners(model, 1, options)
    again.prepare(None, store, np.arange(40), tmp_path / "labels.npz")
    np.testing.assert_array_equal(first, again.refiner(None, None)[1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"by": "faces"}, "--by must be cut, regions, labels or photographs"),
        ({"place_share": 0.0}, "--place_share"),
        ({"place_competes": 1.5}, "--place_competes lies between 0 and 0.99"),
        ({"place_far": 2.0}, "--place_far lies between 0 and 1"),
        ({"place_values": ("red",)}, "--place_values are among L, a, b, contrast, each once; received 'red'"),
        ({"place_values": ()}, "--place_values are among"),
        ({"place_values": ("a", "a")}, "--place_values are among L, a, b, contrast, each once; received 'a, a'"),
        ({"place_share": 0.1, "place_edge": 0.2}, "--place_edge lies between 0 and 0.1"),
        ({"by": "labels", "place_far": 0.1}, "--place_far=0.1 needs --place_competes"),
        ({"by": "cut", "place_share": 0.1}, "--place_share needs --by=labels; received --by=cut"),
        ({"by": "regions", "controls": ("Male",)}, "--controls needs --by=labels; received --by=regions"),
    ],
)
def test_settings_that_mean_nothing_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        RefineConfig(**changes)
