"""The second teacher: three-way maps, gates, GrabCut, the loss, both commands with resume."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
import tensorflow as tf

import lomit_tf
from lomit_tf import refine_masks, teach_masks
from lomit_tf.config import ConfigError
from lomit_tf.data import augment, mask_batches
from lomit_tf.imaging import mask_cut
from lomit_tf.losses.mask_teaching import others_kept, three_way_cross_entropy, three_way_iou
from lomit_tf.settings.mask_teacher import RefineConfig, TeachConfig
from lomit_tf.training import mask_refinement, mask_refiners, mask_teaching
from tests.helpers.eager import uncompiled
from tests.helpers.masks import MODEL, refined
from tests.helpers.serving import save_workdir


@pytest.fixture(scope="module")
def start(tiny, tmp_path_factory):
    """A workdir of a model with random weights, 64 px, of the groups hair and smile."""
    return save_workdir(tiny(**MODEL), tmp_path_factory.mktemp("start") / "run")


def scene(size: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """A dark disc on a light ground with noise, (S, S, 3) uint8, and where it is, (S, S) bool."""
    rng = np.random.default_rng(3)
    inside = mask_cut.ellipse_mask(size, (0.5, 0.4, 0.3, 0.25))
    image = np.where(inside[..., None], [70, 40, 30], [190, 200, 210]) + rng.normal(0, 8, (size, size, 3))
    return np.clip(image, 0, 255).astype(np.uint8), inside


def test_three_way_against_numpy_by_hand():
    mask = np.array([[0.9, 0.51, 0.5, 0.1], [0.49, 0.5, 0.95, 0.0]])
    cut = np.array([[1.0, 1, 1, 1], [0, 0, 0, 0]])
    # Means: 0.95, 0.755, 0.75, 0.55 and 0.245, 0.25, 0.475, 0; the borders themselves are not asked.
    target, asked = mask_batches.three_way((mask + cut) / 2, 0.75)
    np.testing.assert_array_equal(asked, [[1, 1, 0, 0], [1, 0, 0, 1]])
    np.testing.assert_array_equal(target, [[1, 1, 1, 1], [0, 0, 0, 0]])
    target, asked = mask_batches.three_way((mask + cut) / 2, 0.5)  # believes the cut alone
    assert asked.all() and (target == cut).all()


@pytest.mark.parametrize("certain", [0.5, 0.75])
def test_pixels_beyond_the_image_are_never_asked(certain):
    """Of an empty map, half of which was moved out of the picture, nothing is taught as the region."""
    matrix = np.float32([[1, 0, 32], [0, 1, 0]])
    _, moved = augment.warped(np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64), np.uint8), matrix)
    target, asked = mask_batches.three_way(moved / np.float32(255), certain)
    assert 0.4 < asked.mean() < 0.6 and not target[asked > 0].any()


def test_packing_takes_four_bits_and_keeps_the_cut(rng):
    means = rng.uniform(0, 1, (5, 8, 8)).astype(np.float32)
    means[0, 0, :4] = [0, 1, 0.5, np.nextafter(np.float32(0.5), np.float32(0))]
    packed = mask_cut.pack(means)
    assert packed.shape == (5, 32) and packed.dtype == np.uint8
    again = mask_cut.unpack(packed, 8)
    assert np.abs(again - means).max() <= 0.5 / 16 + 1e-6
    np.testing.assert_array_equal(again > 0.5, means >= 0.5)
    np.testing.assert_array_equal(mask_cut.unpack(mask_cut.pack(again), 8), again)
    assert mask_cut.pack(means[:0]).shape == (0, 32)


def test_seeds_and_the_ellipse():
    options = RefineConfig(face="0.5,0.5,0.25,0.3")
    mask = np.full((4, 4), 0.3)
    mask[0] = [0.9, 0.5, 0.39, 0.01]
    barred = mask_cut.ellipse_mask(4, options.ellipse())
    # Pixel centres at 1/8, 3/8, 5/8 and 7/8: the ellipse takes the two middle columns of the two middle rows.
    np.testing.assert_array_equal(np.argwhere(barred), [[1, 1], [1, 2], [2, 1], [2, 2]])
    labels = mask_cut.seeds(mask, barred, options)
    np.testing.assert_array_equal(labels[0], [cv2.GC_FGD, cv2.GC_PR_FGD, cv2.GC_PR_BGD, cv2.GC_BGD])
    assert (labels[barred] == cv2.GC_BGD).all() and (labels[3] == cv2.GC_PR_BGD).all()
    assert not mask_cut.ellipse_mask(8, None).any()


def test_a_refined_mask_follows_the_picture_and_the_same_arguments_give_the_same():
    image, inside = scene()
    rough = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 6)
    cut = mask_cut.grab_cut(image, mask_cut.seeds(rough, np.zeros_like(inside), RefineConfig()), 1)
    assert (cut & inside).sum() / (cut | inside).sum() > 0.95 > ((rough > 0.5) & inside).sum() / inside.sum()
    by_cut = mask_cut.cut_refiner(64, RefineConfig(face=""))
    found = mask_cut.refine(image, rough, by_cut, RefineConfig())
    np.testing.assert_allclose(found.mean, (rough + cut) / 2, atol=1e-6)
    target, asked = mask_batches.three_way(found.mean, 0.75)
    assert found.state == mask_cut.USED and 0.6 < asked.mean() < 1
    assert (target == inside)[asked > 0].mean() > 0.999
    cv2.setRNGSeed(99)
    again = mask_cut.refine(image, rough, by_cut, RefineConfig())
    np.testing.assert_array_equal(found.mean, again.mean)


def test_gates_by_label_by_area_and_without_anything_sure():
    image, inside = scene()
    mask, options = inside * np.float32(0.98), RefineConfig(face="")
    by_cut = mask_cut.cut_refiner(64, options)
    refused = mask_cut.refine(image, mask, by_cut, options, refused=True)
    assert refused.state == mask_cut.REFUSED_BY_LABEL and refused.mean is None
    absent = mask_cut.refine(image, mask, by_cut, options, absent=True)
    assert absent.state == mask_cut.EMPTY_BY_LABEL and not absent.mean.any()
    bare = mask_cut.refine(image, mask, by_cut, RefineConfig(bare_above=0.25), bare=True)
    assert bare.state == mask_cut.BARE_BY_LABEL
    again = mask_cut.unpack(mask_cut.pack(bare.mean[None]), 64)[0]
    target, asked = mask_batches.three_way(again, 0.6)
    assert asked[:16].all() and not asked[16:].any() and not target[:16].any()
    flat = mask_cut.refine(image, 0 * mask + 0.3, by_cut, options)
    assert flat.state == mask_cut.NOTHING_SURE and flat.mean is None
    seed = np.zeros_like(mask)
    seed[20:24, 30:34] = 0.98
    # What is hardly probable all over the disc is taken as a whole, what is not probable is left: both are too far.
    large = mask_cut.refine(image, np.maximum(seed, 0.41 * inside), by_cut, options)
    assert large.state == mask_cut.AREA and large.mean is None and large.ratio > 2
    little = mask_cut.refine(image, np.maximum(seed, 0.3 * inside), by_cut, options)
    assert little.state == mask_cut.AREA and little.mean is None and little.ratio < 0.5
    wider = RefineConfig(area_max=large.ratio * 1.01)
    assert mask_cut.refine(image, np.maximum(seed, 0.41 * inside), by_cut, wider).state == mask_cut.USED


def test_the_loss_against_numpy_and_no_gradient_where_nobody_is_sure(rng):
    mask = tf.Variable(rng.uniform(0.05, 0.95, (3, 4, 5)).astype("float32"))
    target = rng.integers(0, 2, (3, 4, 5)).astype("float32")
    asked = rng.integers(0, 2, (3, 4, 5)).astype("float32")
    asked[2] = 0
    m = mask.numpy()
    cost = -(target * np.log(m) + (1 - target) * np.log(1 - m)) * asked
    expected = (cost.sum((1, 2)) / np.maximum(asked.sum((1, 2)), 1)).mean()
    with tf.GradientTape() as tape:
        loss = three_way_cross_entropy(mask, target, asked)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)
    gradient = tape.gradient(loss, mask).numpy()
    assert (gradient[asked == 0] == 0).all() and (gradient[asked == 1] != 0).all()
    np.testing.assert_array_equal(np.sign(gradient[asked == 1]), np.where(target[asked == 1] > 0, -1, 1))
    np.testing.assert_allclose(three_way_cross_entropy(mask, 1 - 2 * asked + target * asked * 2, asked * 0), 0)
    hand = three_way_iou(
        np.float32([[[0.9, 0.9, 0.1]], [[0.1, 0.1, 0.1]]]), [[[1, 0, 1]], [[0, 0, 1]]], [[[1, 1, 1]], [[1, 1, 0]]]
    )
    np.testing.assert_allclose(hand, [1 / 3, 1])


def test_the_other_groups_keep_their_shares_of_what_is_left(rng):
    masks, before = (rng.dirichlet([1.0, 1, 1], size=(2, 3, 4)).astype("float32") for _ in range(2))
    shares = masks[..., 1:] / masks[..., 1:].sum(-1, keepdims=True)
    expected = -(before[..., 1:] * np.log(shares)).sum(-1).mean()
    np.testing.assert_allclose(others_kept(masks, before, [0]), expected, rtol=1e-4)
    np.testing.assert_allclose(others_kept(masks, before, [0, 1]), 0, atol=1e-6)  # one alone has all that is left
    logits = tf.Variable(np.log(before))
    with tf.GradientTape() as tape:
        loss = others_kept(tf.nn.softmax(logits + tf.constant([1.5, 0.0, 0.0])), before, [0])
    # Group 0 has grown everywhere and the others share the rest as before: nothing pulls.
    np.testing.assert_allclose(tape.gradient(loss, logits), 0, atol=1e-6)


def test_augmentation_moves_image_and_map_alike_and_can_do_nothing(rng):
    image, inside = scene()
    values = 255 * inside.astype(np.uint8)
    nothing = augment.Augmentation(flip=False)
    same = augment.warped(image, values, augment.affine(rng, 64, nothing))
    np.testing.assert_array_equal(same[0], image)
    np.testing.assert_array_equal(same[1], values)
    several = np.stack([values, 255 - values, values, values, values], axis=-1)
    for _ in range(8):
        matrix = augment.affine(rng, 64, augment.Augmentation(True, 20, 0.2, 0.1))
        picture, moved = augment.warped(image, values, matrix)
        together = augment.warped(image, several, matrix)[1]
        for t in range(5):
            np.testing.assert_array_equal(together[..., t], augment.warped(image, several[..., t], matrix)[1])
        target, asked = mask_batches.three_way(moved / 255, 0.75)
        dark = picture.mean(-1) < 120
        assert (dark == (target > 0))[asked > 0].mean() > 0.995
    pictures = image[None].astype(np.float32) / 127.5 - 1
    np.testing.assert_allclose(augment.jittered(pictures, np.zeros((1, 7)), 0.3), pictures, atol=1e-5)
    changed = augment.jittered(pictures, np.ones((1, 7)), 0.3)
    assert np.abs(changed - pictures).mean() > 0.05 and np.abs(changed).max() <= 1


def test_means_at_another_size_are_averages(rng):
    means = mask_cut.unpack(mask_cut.pack(rng.uniform(0, 1, (2, 8, 8)).astype(np.float32)), 8)
    targets = mask_refinement.MaskTargets(*[np.zeros(1)] * 4, mask_cut.pack(means), {"refine_size": 8})
    at_4 = mask_teaching.values_at(targets, np.array([1, 0]), 4)
    np.testing.assert_allclose(at_4, 255 * means[[1, 0]].reshape(2, 4, 2, 4, 2).mean((2, 4)), atol=0.51)
    np.testing.assert_allclose(mask_teaching.values_at(targets, np.array([0]), 8)[0], 255 * means[0], atol=0.51)


def test_values_of_several_files_are_unsure_where_a_file_lacks_the_image(rng):
    means = rng.uniform(0, 1, (2, 8, 8)).astype(np.float32)
    first, second = (
        mask_refinement.MaskTargets(
            np.array(keys), np.array(states), np.ones(2), np.arange(2), mask_cut.pack(means), {"refine_size": 8}
        )
        for keys, states in ((["a", "b"], [0, 0]), (["b", "d"], [0, mask_cut.BARE_BY_LABEL]))
    )
    indices, values, there = mask_teaching.values_of([first, second], ["d", "c", "a", "b"], 8)
    np.testing.assert_array_equal(indices, [0, 2, 3])
    np.testing.assert_array_equal(there, [[False, False], [True, False], [True, True]])
    rows = mask_teaching.values_at(first, np.arange(2), 8)
    np.testing.assert_array_equal(values[0, ..., 1], rows[1])
    np.testing.assert_array_equal(values[1, ..., 0], rows[0])
    np.testing.assert_array_equal(values[2], np.stack([rows[1], rows[0]], axis=-1))
    for certain in (0.5, 0.75):
        assert not mask_batches.three_way(values[:1] / np.float32(255), certain)[1][0, ..., 0].any()


def test_refining_goes_on_where_it_stopped_and_threads_change_nothing(start, tmp_path, monkeypatch):
    whole = refined(start, tmp_path / "whole.npz", piece=8, refuse=("Bangs",), absent=("Eyeglasses",))
    done = []

    def stop(self, *args):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(1)
        return real(self, *args)

    real = mask_refiners.Refiners.all
    monkeypatch.setattr(mask_refiners.Refiners, "all", stop)
    with pytest.raises(KeyboardInterrupt):
        refined(start, tmp_path / "parts.npz", piece=8, refuse=("Bangs",), absent=("Eyeglasses",))
    assert sorted(p.name for p in (tmp_path / "parts.npz.parts").glob("*.npz")) == ["00000000.npz", "00000008.npz"]
    with pytest.raises(ConfigError, match=r"another run \(sure_foreground was 0.55, now 0.6\)"):
        refined(start, tmp_path / "parts.npz", piece=8, refuse=("Bangs",), absent=("Eyeglasses",), sure_foreground=0.6)
    calls = []
    monkeypatch.setattr(mask_refiners.Refiners, "all", lambda self, *a: calls.append(1) or real(self, *a))
    again = refined(start, tmp_path / "parts.npz", piece=8, refuse=("Bangs",), absent=("Eyeglasses",))
    assert len(calls) == 1 and not (tmp_path / "parts.npz.parts").exists()
    loaded = mask_refinement.MaskTargets.load(tmp_path / "parts.npz")
    for name in ("keys", "states", "chosen", "packed"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(again, name))
        np.testing.assert_array_equal(getattr(whole, name), getattr(loaded, name))
    assert loaded.record == whole.record and loaded.record["group"] == "hair"
    labels = lomit_tf.data.drawn_faces.labels_of(lomit_tf.data.drawn_faces.split_indices("train", 20))
    glasses, bangs = labels[:, 5], labels[:, 6]
    np.testing.assert_array_equal(loaded.states == mask_cut.EMPTY_BY_LABEL, glasses)
    np.testing.assert_array_equal(loaded.states == mask_cut.REFUSED_BY_LABEL, bangs & ~glasses)
    rows = loaded.row_of()
    empty = [
        rows[str(key)]
        for key, state in zip(loaded.keys, loaded.states, strict=True)
        if state == mask_cut.EMPTY_BY_LABEL
    ]
    assert empty and (loaded.means(np.array(empty)) < 0.1).all()
    assert sum(loaded.counts().values()) == 20


@pytest.mark.slow
@pytest.mark.parametrize("teach", ["both", "decoder"])
def test_the_commands_refine_and_teach_drawn_faces_and_go_on(start, tmp_path, capsys, teach):
    masks, run = tmp_path / "masks.npz", tmp_path / "taught"
    flags = [f"--model={start}", f"--out={masks}", "--train_images=24", "--face=", "--refuse=", "--refine_size=64",
             "--sure_foreground=0.55", "--probable=0.5", "--sure_background=0.45", "--area_min=0",
             "--area_max=99"]  # fmt: skip
    assert refine_masks.run(flags) == 0
    assert "24 masks in" in capsys.readouterr().out.replace("of 24 masks", "24 masks")
    steps = [f"--model={start}", f"--refined_masks={masks}", f"--workdir={run}", "--train_images=24", "--batch_size=4",
             "--checkpoint_every=5", "--log_every=1", "--validate_every=5", f"--teach={teach}",
             "--held_out=0.2", "--learning_rate=0.01", "--mask_patience=0", "--patience=0"]  # fmt: skip
    with uncompiled():  # the second part is compiled
        assert teach_masks.run([*steps, "--steps=5"]) == 0
    assert teach_masks.run([*steps, "--steps=10"]) == 0
    rows = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(1, 11))
    assert rows[-1]["generator/three_way"] < rows[0]["generator/three_way"]
    looks = json.loads((run / "best_masks.json").read_text())["looks"]
    assert [look["step"] for look in looks] == [0, 5, 10]
    before, after = lomit_tf.load(start).inference_generator, lomit_tf.load(run).inference_generator
    best = max(looks, key=lambda look: look["iou"])["step"]

    def changed(part: str) -> bool:
        pairs = zip(getattr(before, part).variables, getattr(after, part).variables, strict=True)
        return any(not np.array_equal(a, b) for a, b in pairs)

    assert changed("mask_decoder") == (best > 0)
    assert changed("content_encoder") == (best > 0 and teach == "both")
    assert not changed("style_encoder") and not changed("decoder")
    capsys.readouterr()
    assert teach_masks.run([*steps, "--steps=12", "--turn=3"]) == 2
    assert "taught otherwise (turn)" in capsys.readouterr().err


def test_bare_tops_are_not_taught_where_every_refinement_is_believed(start, tmp_path):
    targets = refined(start, tmp_path / "masks.npz", images=24, bare=("Bangs",), area_min=0, area_max=99)
    assert 0 < targets.whole().sum() < len(targets.chosen)
    model = lomit_tf.load(start)
    config = mask_teaching.taught_config(model.config, train_images=24, batch_size=4, steps=2)
    with pytest.raises(ConfigError, match=r"--certain=0\.5: .* of hair have images .* give 0\.54 or more"):
        mask_teaching.teach_masks(model, targets, config, tmp_path / "run", TeachConfig(certain=0.5))


@pytest.mark.slow
def test_two_groups_are_taught_together(start, tmp_path, capsys):
    """Each group's mask follows its own file."""
    half = np.zeros((64, 64), np.float32)
    half[:32] = 1
    files = []
    for group, place in (("hair", half), ("smile", 1 - half)):
        files.append(tmp_path / f"{group}.npz")
        found = refined(start, files[-1], images=24, group=group, area_min=0, area_max=99)
        with np.load(files[-1]) as file:
            arrays = dict(file)
        kept = len(found.chosen) - 2 * (group == "smile")  # two images have a place of the hair alone
        arrays |= {"chosen": found.chosen[:kept], "packed": mask_cut.pack(np.repeat(place[None], kept, axis=0))}
        np.savez(files[-1], **arrays)
    flags = [f"--model={start}", f"--refined_masks={files[0]},{files[1]}", "--train_images=24", "--batch_size=4",
             "--validate_every=10", "--held_out=0.3", "--learning_rate=0.01", "--mask_patience=0", "--patience=0",
             "--turn=0", "--shift=0", "--scale=0", "--checkpoint_every=10"]  # fmt: skip
    assert teach_masks.run([*flags, f"--workdir={tmp_path / 'whole'}", "--steps=30"]) == 0
    looks = json.loads((tmp_path / "whole" / "best_masks.json").read_text())["looks"]
    best = max(looks, key=lambda look: look["iou"])
    for group in ("hair", "smile"):
        assert best[f"iou/{group}"] > looks[0][f"iou/{group}"] + 0.1
    np.testing.assert_allclose(best["iou"], (best["iou/hair"] + best["iou/smile"]) / 2)
    assert json.loads((tmp_path / "whole" / "log.jsonl").read_text().splitlines()[-1])["generator/others"] == 0
    capsys.readouterr()
    assert teach_masks.run([*flags[:1], f"--refined_masks={files[0]},{files[0]}", *flags[2:],
                            f"--workdir={tmp_path / 'twice'}"]) == 2  # fmt: skip
    assert "two files of refined masks are of group 'hair'" in capsys.readouterr().err


def test_it_stops_when_no_look_is_better_and_keeps_the_best(start, tmp_path, uncompiled):
    refined(start, tmp_path / "masks.npz", images=24, area_min=0, area_max=99)
    targets = mask_refinement.MaskTargets.load(tmp_path / "masks.npz")
    model = lomit_tf.load(start)
    config = mask_teaching.taught_config(
        model.config, train_images=24, batch_size=4, steps=40, learning_rate=1e-9, mask_patience=0
    )
    options = TeachConfig(validate_every=2, patience=2, held_out=0.2)
    result = mask_teaching.teach_masks(model, targets, config, tmp_path / "run", options)
    assert result.step < 40
    looks = json.loads((tmp_path / "run" / "best_masks.json").read_text())["looks"]
    best = max(range(len(looks)), key=lambda i: looks[i]["iou"])
    assert len(looks) - 1 - best == 2 and result.step == looks[-1]["step"]
