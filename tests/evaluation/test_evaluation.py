"""Metrics of the evaluation against independent computations; cases; the whole command on a small model."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from lomit_tf import zoo
from lomit_tf.config import ConfigError, DataConfig, LomitConfig
from lomit_tf.data.image_set import DataError
from lomit_tf.evaluation.metrics import differences as pictures
from lomit_tf.evaluation.metrics import mask_quality as m
from lomit_tf.evaluation.metrics import measures, truth
from lomit_tf.evaluation.metrics.cases import LabelSource, make_cases, open_images
from lomit_tf.evaluation.metrics.methods import CopyExemplarColour, Identity, TrainedModel
from lomit_tf.model import Lomit

GROUPS = {"hair": ("Black_Hair", "Blond_Hair"), "smile": ("Smiling",)}


@pytest.fixture(scope="module")
def model() -> Lomit:
    config = LomitConfig.create(
        "small", dataset="drawn_faces", attributes=("Black_Hair", "Blond_Hair", "Smiling"), image_size=64, crop=0,
        groups="hair: Black_Hair, Blond_Hair; smile: Smiling", base_channels=4, critic_channels=4, residual_blocks=1,
        system="recipe",
    )  # fmt: skip
    tf.keras.utils.set_random_seed(3)
    built = Lomit(config)
    built.build()
    return built


@pytest.fixture(scope="module")
def cases(model):
    config = model.config.data
    return make_cases(open_images(config, "drawn_faces", "test"), config, 40, 0, GROUPS, None)


# Masks.


def test_iou_at_thresholds_against_loops(rng):
    soft, true = rng.uniform(size=(4, 8, 8)), rng.uniform(size=(4, 8, 8))
    true[3] = 0.2  # no such region in the last image
    found = m.mask_quality(soft, true)

    def iou(t):
        values = []
        for a, b in zip(soft[:3] >= t, true[:3] >= 0.5, strict=True):
            values.append(len(set(np.flatnonzero(a)) & set(np.flatnonzero(b))) / len(np.flatnonzero(a | b)))
        return np.mean(values)

    assert found.count == 3
    assert found.iou == pytest.approx(iou(0.5))
    best = max(m.THRESHOLDS, key=iou)
    assert (found.best_threshold, found.best_iou) == (pytest.approx(best), pytest.approx(iou(best)))
    np.testing.assert_allclose(found.iou_curve, [iou(t) for t in m.THRESHOLDS])


def test_average_precision_is_the_mean_precision_at_each_true_pixel(rng):
    levels = rng.permutation(1000)[:60] / 1000  # no two alike, so that the order is clear
    true = rng.uniform(size=60) < 0.4
    ranked = true[np.argsort(-levels)]
    expected = np.mean([ranked[: i + 1].mean() for i in np.flatnonzero(ranked)])
    assert m.average_precision(m.precision_recall(levels, true)) == pytest.approx(expected)


def test_perfect_and_empty_masks():
    true = np.zeros((1, 4, 4))
    true[0, :2] = 1
    perfect = m.mask_quality(true, true)
    assert perfect.iou == perfect.best_iou == perfect.average_precision == 1
    nothing = m.mask_quality(np.zeros_like(true), true)
    assert nothing.iou == 0
    assert nothing.average_precision == pytest.approx(0.5)  # every pixel alike: the share of true ones
    assert m.mask_quality(true, np.zeros_like(true)) is None


# Pictures.


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        ((1, 1, 1), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((1, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 0, 1), (32.30, 79.19, -107.86)),
        ((0.5, 0.5, 0.5), (53.39, 0, 0)),
    ],
)
def test_lab_of_known_colours(rgb, lab):
    np.testing.assert_allclose(pictures.rgb_to_lab(np.array(rgb, float)), lab, atol=0.02)


def test_background_error_and_psnr_by_hand(rng):
    a = rng.uniform(-1, 1, (2, 16, 16, 3)).astype(np.float32)
    b = a.copy()
    b[0, :4] += 0.1  # not clipped below: kept within range
    a, b = a * 0.8, b * 0.8
    region = np.zeros((2, 16, 16), bool)
    region[:, :8] = True
    found = pictures.kept(a, b, region)
    error = 0.04  # half of 0.08, as colours are in 0..1
    assert found.count == 2
    assert found.error == pytest.approx((error * 4 / 8 + 0) / 2, rel=1e-4)
    assert found.psnr == pytest.approx(-10 * np.log10(error**2 / 4), rel=1e-4)
    same = pictures.kept(a, a, region)
    assert (same.error, same.ssim) == (0, pytest.approx(1)) and np.isinf(same.psnr)
    assert pictures.kept(a, b, np.zeros_like(region)) is None


def test_ssim_map_is_the_formula(rng):
    """Against Wang's formula with a Gaussian of deviation 1.5 in float64, at one pixel far from borders."""
    a, b = rng.uniform(0, 1, (2, 1, 32, 32, 3))
    x = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    weight = np.outer(x, x) / np.outer(x, x).sum()
    values = []
    for c in range(3):
        p, q = (v[0, 10:21, 12:23, c] for v in (a, b))
        mp, mq = (weight * p).sum(), (weight * q).sum()
        vp, vq = (weight * p * p).sum() - mp**2, (weight * q * q).sum() - mq**2
        cov = (weight * p * q).sum() - mp * mq
        values.append((2 * mp * mq + 1e-4) * (2 * cov + 9e-4) / ((mp**2 + mq**2 + 1e-4) * (vp + vq + 9e-4)))
    found = pictures.ssim_map(a.astype(np.float32), b.astype(np.float32))
    assert found.shape == (1, 32, 32)
    assert found[0, 15, 17] == pytest.approx(np.mean(values), abs=1e-4)


def test_outside_keeps_away_from_the_edge():
    soft = np.zeros((1, 9, 9), np.float32)
    soft[0, 4, 4] = 0.1
    found = pictures.outside(soft, edge=2)[0]
    assert not found[2:7, 2:7].any() and found[:2].all() and found[:, 7:].all()


def test_copy_exemplar_colour_gives_the_exemplars_mean_colour(rng):
    x1, x2 = rng.uniform(-0.2, 0.2, (2, 3, 8, 8, 3)).astype(np.float32)
    hard = np.zeros((3, 8, 8), np.float32)
    hard[:, 2:6, 2:6] = 1
    out = CopyExemplarColour()(x1, x2, np.ones((3, 1), np.float32), hard, hard)
    followed = pictures.colour_followed(out.image, hard, x2, hard)
    assert followed.rgb < 1e-6 and followed.lab < 1e-4 and followed.count == 3
    np.testing.assert_allclose(out.image[hard == 0], x1[hard == 0], atol=1e-6)


def test_spread_of_colours_by_hand():
    grey = np.full((1, 3, 3), 0.5)
    assert pictures.spread(grey) == 0
    colours = np.array([[[1.0, 1, 1], [0, 0, 0]]])
    assert pictures.spread(colours) == pytest.approx(100, abs=0.01)


# Cases and true masks.


def test_cases_differ_and_are_the_same_under_a_seed(cases, model):
    assert (cases.input.labels != cases.exemplar.labels).any(axis=1).all()
    config = model.config.data
    again = make_cases(open_images(config, "drawn_faces", "test"), config, 40, 0, GROUPS, None)
    np.testing.assert_array_equal(cases.input.images, again.input.images)
    np.testing.assert_array_equal(cases.exemplar.index, again.exemplar.index)
    other = make_cases(open_images(config, "drawn_faces", "test"), config, 40, 1, GROUPS, None)
    assert (other.exemplar.index != again.exemplar.index).any()


def test_truth_is_the_union_of_what_differs(cases):
    differ = cases.input.labels != cases.exemplar.labels
    chosen = cases.differing(GROUPS["hair"] + GROUPS["smile"])
    regions = cases.region_names
    for i in range(len(cases)):
        assert chosen[i, regions.index("hair")] == differ[i, :2].any()
        assert chosen[i, regions.index("mouth")] == differ[i, 2]
    both = cases.truth(chosen)
    i = int(np.flatnonzero(chosen[:, regions.index("hair")])[0])
    assert (both[i] >= cases.input.regions[i, ..., regions.index("hair")] - 1e-6).all()


def test_mask_sets_say_what_is_missing(tmp_path):
    config = LomitConfig.create("small", image_size=64, dataset="drawn_faces", data_dir=str(tmp_path)).data
    with pytest.raises(DataError, match="no images in"):
        truth.open_mask_set(config, "celebamask")
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.jpg").write_bytes(b"x")
    with pytest.raises(DataError, match=r"a\.jpg: no mask"):
        truth.open_mask_set(config, "horses")


def test_celebamask_hair_of_a_palette_png(tmp_path):
    from PIL import Image

    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    Image.new("RGB", (128, 128), "red").save(tmp_path / "images" / "7.jpg")
    classes = np.zeros((128, 128), np.uint8)
    classes[:64], classes[64:, :32], classes[64:96, :32] = 13, 11, 10  # hair, lips, and what is between them
    picture = Image.fromarray(classes, "P")
    picture.putpalette(list(range(256)) * 3)
    picture.save(tmp_path / "masks" / "7.png")
    config = LomitConfig.create("small", image_size=64, dataset="drawn_faces", data_dir=str(tmp_path)).data
    found = truth.open_mask_set(config, "celebamask")
    masks = found.read_masks(np.array([0]))[0]
    assert found.region_names[:2] == ("hair", "mouth")
    assert (masks[:31, :, 0] == 255).all() and (masks[33:, :, 0] == 0).all()
    assert (masks[34:, :15, 1] == 255).all() and (masks[34:, 17:, 1] == 0).all()
    lips = found.region_names.index("lips")
    assert truth.regions_of(("Wearing_Lipstick",)) == ({"lips"}, [])
    assert (masks[50:, :15, lips] == 255).all() and (masks[:46, ..., lips] == 0).all()


# Methods and the whole.


def test_trained_batches_agree_with_one_translation(model, cases):
    one = np.ones((5, 2), np.float32)
    x1, x2 = cases.input.images[:5], cases.exemplar.images[:5]
    out = TrainedModel(model, batch_size=2)(x1, x2, one, None, None)
    whole = model.translate(tf.constant(x1), tf.constant(x2))
    np.testing.assert_allclose(out.image, whole["image"], atol=1e-5)
    np.testing.assert_allclose(out.masks, whole["image_masks"][..., :-1], atol=1e-5)
    samples = model.samples(x1, x2)
    np.testing.assert_allclose(out.reconstruction, samples["x11"], atol=1e-4)
    np.testing.assert_allclose(out.cycle, samples["x121"], atol=1e-4)


def test_selections_transfer_what_they_say():
    everything, hair, smile = measures.selections(GROUPS)
    np.testing.assert_array_equal(everything.transfer(GROUPS, 2), np.ones((2, 2)))
    np.testing.assert_array_equal(hair.transfer(GROUPS, 1), [[1, 0]])
    assert smile.labels(GROUPS) == ("Smiling",)


def test_identity_keeps_everything(cases):
    from lomit_tf.evaluation.metrics.scores import Scores

    scores = Scores(["identity"])
    s = measures.selections(GROUPS)[0]
    out = Identity()(cases.input.images, cases.exemplar.images, s.transfer(GROUPS, len(cases)), None, None)
    measures.measure_background(scores, cases, GROUPS, s, "identity", out)
    rows = {r.key.rsplit("/")[-1]: r for r in scores.sections()[0].rows}
    assert rows["error"].values["identity"] == 0 and rows["ssim"].values["identity"] == pytest.approx(1)
    assert rows["psnr"].values["identity"] is None and "nothing changed" in rows["psnr"].reason["identity"]


def test_the_command_writes_a_whole_report(model, tmp_path, capsys):
    from lomit_tf import evaluate

    zoo.save_folder(model, tmp_path / "weights", {})
    out = tmp_path / "report"
    flags = [f"--checkpoint={tmp_path / 'weights'}", f"--out={out}", "--pairs=24", "--grid_pairs=3"]
    assert evaluate.run(flags) == 0
    first = json.loads((out / "results.json").read_text())
    keys = {row["key"] for section in first["sections"] for row in section["rows"]}
    for key in ("masks/hair/iou", "masks/smile/best_iou", "background/only smile/error", "realism/frechet",
                "colour/hair + smile/hair/lab", "attributes/only hair/kept", "reconstruction/cycle/psnr"):  # fmt: skip
        assert key in keys
    for section in first["sections"]:
        for row in section["rows"]:
            for method, value in row["values"].items():
                assert value is not None or row["reason"][method]
    assert len(first["grids"]) == 3 and all((out / g["file"]).exists() for g in first["grids"])
    assert "IoU" in capsys.readouterr().out and (out / "index.html").exists()
    assert evaluate.run(flags) == 2 and json.loads((out / "results.json").read_text()) == first
    assert evaluate.run([*flags, "--overwrite"]) == 0
    again = json.loads((out / "results.json").read_text())
    assert again["sections"] == first["sections"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--pairs=1"], "--pairs must be at least 2; received 1"),
        (["--classifier=/nowhere"], "/nowhere"),
        (["--dataset=celebamask", "--data_dir=/nowhere"], "--data_dir=/nowhere: no such folder"),
        (["--dataset=celebamask", "--data_dir=."], "no images in"),
        (["--segmenter=/nowhere.tflite"], "--segmenter=/nowhere.tflite: no such file"),
        (["--embedder=/nowhere.tflite"], "no such file"),
        (["--embedder_range=1"], "--embedder_range must be LOW,HIGH"),
    ],
)
def test_bad_flags_are_one_line(model, tmp_path, capsys, flags, words):
    from lomit_tf import evaluate

    zoo.save_folder(model, tmp_path / "weights", {})
    assert evaluate.run([f"--checkpoint={tmp_path / 'weights'}", f"--out={tmp_path / 'out'}", *flags]) == 2
    message = capsys.readouterr().err.strip()
    assert words in message and "Traceback" not in message
    assert not (tmp_path / "out" / "results.json").exists()


# Shipped weights.


def test_weights_survive_the_round_trip(model, tmp_path):
    zoo.save_folder(model, tmp_path, {"note": "test"})
    found = zoo.load(tmp_path)
    for a, b in zip(model.inference_generator.variables, found.inference_generator.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))
    content = bytearray((tmp_path / zoo.WEIGHTS).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / zoo.WEIGHTS).write_bytes(bytes(content))
    with pytest.raises(ConfigError, match="damaged"):
        zoo.load(tmp_path)


def test_an_unknown_name_says_what_there_is():
    with pytest.raises(ConfigError, match="neither the name of shipped weights"):
        zoo.load("drawn_facez")


class _Sure:
    """A classifier that answers by the brightness of the picture: dark is black hair, bright is blond."""

    label_names = ("Black_Hair", "Blond_Hair")

    def predict(self, images: np.ndarray) -> np.ndarray:
        level = images.mean(axis=(1, 2, 3))
        return np.stack([level < -0.5, level > 0.5], axis=1).astype(np.float32)


@pytest.mark.parametrize(
    "domains, labels", [("Black_Hair | Blond_Hair", None), ("", ("Blond_Hair",))], ids=["domains", "one label"]
)
def test_pairs_of_unlabelled_images_differ_in_what_the_classifier_sees(tmp_path, domains, labels):
    """A model with a single label, also of --domains, on a set with true masks: those without the label count too."""
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    for i, level in enumerate((0, 0, 0, 128, 255, 255)):  # the grey one is of neither domain
        Image.fromarray(np.full((256, 256, 3), level, np.uint8)).save(tmp_path / "images" / f"{i}.jpg")
        hair = Image.new("P", (256, 256), 13)
        hair.putpalette(list(range(256)) * 3)
        hair.save(tmp_path / "masks" / f"{i}.png")
    config = DataConfig(
        dataset="celeb_a", data_dir=str(tmp_path), image_size=64, domains=domains, groups="",
        attributes=labels or _Sure.label_names,
    )  # fmt: skip
    images = open_images(config, "celebamask", "test")
    cases = make_cases(images, config, 5, 0, dict(config.group_labels), _Sure())
    levels = [side.images.mean(axis=(1, 2, 3)) for side in (cases.input, cases.exemplar)]
    assert np.all((levels[0] > 0.5) != (levels[1] > 0.5))
    assert cases.labels_from is LabelSource.CLASSIFIER and cases.label_names == ("Blond_Hair",)
    np.testing.assert_array_equal(cases.input.labels[:, 0], levels[0] > 0.5)
    if domains:
        assert np.all(np.abs(np.concatenate(levels)) > 0.5), "an image of neither domain takes part"
