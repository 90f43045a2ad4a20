"""Distillation: its losses against NumPy, the teacher at another size, the command with resume, and its refusals."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import lomit_tf
from lomit_tf import distill
from lomit_tf.config import ConfigError
from lomit_tf.losses import distillation as losses
from lomit_tf.objectives import Pairs
from lomit_tf.training import distillation
from lomit_tf.training.distill_config import DistillConfig, student_config
from tests.helpers.eager import uncompiled
from tests.helpers.serving import save_workdir

GROUPS = {"groups": "hair: Black_Hair; smile: Smiling", "dataset": "drawn_faces", "crop": 0}
SMALL = (
    "--preset=small", "--base_channels=4", "--residual_blocks=1", "--critic_channels=4",
    "--critic_layers=3", "--batch_size=2", "--image_size=128", "--train_images=8", "--checkpoint_every=2",
    "--log_every=1", "--sample_every=0",
)  # fmt: skip


@pytest.fixture(scope="module")
def teacher(tiny, tmp_path_factory):
    """A workdir of a model with random weights, 64 px, whose output is a composite."""
    config = tiny(**GROUPS, system="recipe", style_margin=2, ema_decay=0.9)
    return save_workdir(config, tmp_path_factory.mktemp("teacher") / "run")


def test_cross_entropy_against_numpy_and_smallest_at_the_target_masks(rng):
    target, masks = (rng.dirichlet([1.0, 1, 1], size=(2, 4, 5)).astype("float32") for _ in range(2))
    expected = -(target * np.log(np.maximum(masks, 1e-6))).sum(-1).mean()
    np.testing.assert_allclose(losses.cross_entropy(masks, target), expected, rtol=1e-5)
    assert losses.cross_entropy(target, target) < losses.cross_entropy(masks, target)
    logits = tf.Variable(rng.normal(size=target.shape).astype("float32"))
    with tf.GradientTape() as tape:
        loss = losses.cross_entropy(tf.nn.softmax(logits), target)
    # The gradient of softmax and cross-entropy together, for a mean over 2 * 4 * 5 pixels.
    expected = (tf.nn.softmax(logits).numpy() - target) / 40
    np.testing.assert_allclose(tape.gradient(loss, logits), expected, atol=1e-6)
    sure_and_wrong = losses.cross_entropy(np.float32([[[[1, 0]]]]), np.float32([[[[0, 1]]]]))
    np.testing.assert_allclose(sure_and_wrong, -np.log(1e-6), rtol=1e-5)


def test_with_change_keeps_the_detail_and_the_range(rng):
    image = rng.uniform(-1, 1, (1, 8, 8, 3)).astype("float32")
    small = image.reshape(1, 4, 2, 4, 2, 3).mean((2, 4))
    np.testing.assert_allclose(losses.with_change(image, small, small), image, atol=1e-6)
    lighter = losses.with_change(image, small, small + 0.5)
    np.testing.assert_allclose(lighter, np.clip(image + 0.5, -1, 1), atol=1e-6)
    assert losses.enlarged(image, 8) is image


def bilinear(maps: np.ndarray, size: int) -> np.ndarray:
    """(B, h, w, C) -> (B, size, size, C) with pixel centres at halves and edges repeated, one pixel at a time."""
    n = maps.shape[1]
    out = np.zeros((len(maps), size, size, maps.shape[-1]))
    for y in range(size):
        for x in range(size):
            at = [(k + 0.5) * n / size - 0.5 for k in (y, x)]
            low = [int(np.floor(a)) for a in at]
            for dy in (0, 1):
                for dx in (0, 1):
                    share = np.prod([(a - f) if d else 1 - (a - f) for a, f, d in zip(at, low, (dy, dx), strict=True)])
                    i, j = (min(max(f + d, 0), n - 1) for f, d in zip(low, (dy, dx), strict=True))
                    out[:, y, x] += share * maps[:, i, j]
    return out


def test_a_varying_change_is_enlarged_as_numpy_enlarges_it(rng):
    image = rng.uniform(-1, 1, (2, 12, 12, 3)).astype("float32")
    small, painted = (rng.uniform(-1, 1, (2, 4, 4, 3)).astype("float32") for _ in range(2))
    change = bilinear(painted - small, 12)
    np.testing.assert_allclose(losses.enlarged(painted - small, 12), change, atol=1e-5)
    np.testing.assert_allclose(losses.with_change(image, small, painted), np.clip(image + change, -1, 1), atol=1e-5)


def test_regional_l1_counts_small_and_large_regions_alike(rng):
    value, target = (rng.uniform(-1, 1, (2, 32, 32, 3)).astype("float32") for _ in range(2))
    masks = rng.uniform(0, 1, (2, 32, 32, 2)).astype("float32")
    masks[1, ..., 1] = 0
    masks[1, 3, 3, 1] = 0.5  # half a pixel: below the least region, 1.024 pixels
    error = np.abs(value - target).mean(-1)
    each = [
        [(masks[b, ..., g] * error[b]).sum() / max(masks[b, ..., g].sum(), 1e-3 * 32 * 32) for g in (0, 1)]
        for b in (0, 1)
    ]
    np.testing.assert_allclose(losses.regional_l1(value, target, masks), np.mean(each), rtol=1e-5)
    squares = np.zeros((1, 32, 32, 2), "float32")
    squares[0, :2, :2, 0] = squares[0, 8:, :, 1] = 1
    for g in (0, 1):  # an error of 1 all over either region is half of the whole, however large it is
        wrong = squares[..., g : g + 1] * np.ones(3, "float32")
        np.testing.assert_allclose(losses.regional_l1(wrong, 0 * wrong, squares), 0.5, rtol=1e-5)
    painted = tf.Variable(target[:1] + 0.1)
    with tf.GradientTape() as tape:
        loss = losses.regional_l1(painted, target[:1], squares)
    expected = (squares / squares.sum((1, 2))).sum(-1, keepdims=True) / 2 / 3 * np.ones(3)
    np.testing.assert_allclose(tape.gradient(loss, painted), expected, rtol=1e-4)


def test_a_lesson_is_the_teachers_own_answer_at_the_students_size(teacher, rng):
    model = lomit_tf.load(teacher)
    with pytest.raises(ConfigError, match="--image_size=96 is not a multiple of the teacher's 64"):
        distillation.Teacher(model, 96)
    images = rng.uniform(-0.5, 0.5, (2, 1, 64, 64, 3)).astype("float32")
    ones = np.ones((1, 2), "float32")
    pairs = Pairs.of(images[0], ones, images[1], 0 * ones, ones, model.membership)
    lesson = distillation.Teacher(model, 64, outside=0.25).lesson(pairs)
    own = model.translate(images[0], images[1])
    np.testing.assert_allclose(lesson.masks[:1], own["image_masks"], atol=1e-5)
    np.testing.assert_allclose(lesson.painted[:1], own["raw"], atol=1e-4)
    assert np.min(lesson.weight) >= 0.25 - 1e-6 and np.max(lesson.weight) <= 1 + 1e-6
    large = np.repeat(np.repeat(images, 2, axis=2), 2, axis=3)
    pairs = Pairs.of(large[0], ones, large[1], 0 * ones, ones, model.membership)
    at_128 = distillation.Teacher(model, 128).lesson(pairs)
    assert at_128.masks.shape == (2, 128, 128, 3) and at_128.painted.shape == (2, 128, 128, 3)
    np.testing.assert_allclose(at_128.styles, lesson.styles, atol=1e-4)
    np.testing.assert_allclose(np.sum(at_128.masks, -1), 1, atol=1e-5)


def test_warm_start_takes_what_fits(teacher):
    model = lomit_tf.load(teacher)
    config = student_config(model.config, "small", **{
        "base_channels": 4, "residual_blocks": 1, "critic_channels": 4, "critic_layers": 3,
    })  # fmt: skip
    student = distillation.Student(config, distillation.Teacher(model, 64), DistillConfig().weights(), True)
    student.build()
    mine, theirs = student.generator.content_encoder, model.inference_generator.content_encoder
    for a, b in zip(mine.variables, theirs.variables, strict=True):
        np.testing.assert_array_equal(a, b)


def test_warm_start_leaves_what_does_not_fit_and_adds_blocks_as_the_identity(teacher, rng):
    model = lomit_tf.load(teacher)
    sizes = {"base_channels": 4, "residual_blocks": 3, "critic_channels": 4, "critic_layers": 3}
    deeper = student_config(model.config, "small", **sizes)
    student = distillation.Student(deeper, distillation.Teacher(model, 64), DistillConfig().weights(), True)
    student.build()
    mine, theirs = student.generator.content_encoder, model.inference_generator.content_encoder
    assert len(mine.variables) > len(theirs.variables)
    images = rng.uniform(-1, 1, (2, 64, 64, 3)).astype("float32")
    for a, b in zip(
        student.generator.encode_content(images), model.inference_generator.encode_content(images), strict=True
    ):
        np.testing.assert_allclose(a, b, atol=1e-4)  # the two blocks more change nothing
    wider = student_config(
        model.config,
        "small",
        **(sizes | {"base_channels": 6, "style_downsamples": model.config.model.style_downsamples}),
    )
    weights = {}
    for warm in (True, False):
        keras.utils.set_random_seed(5)
        student = distillation.Student(wider, distillation.Teacher(model, 64), DistillConfig().weights(), warm)
        student.build()
        weights[warm] = [np.asarray(v).copy() for v in student.generator.style_encoder.variables]
    given = [np.asarray(v) for v in model.inference_generator.style_encoder.variables]
    pairs = list(zip(weights[True], weights[False], given, strict=True))
    assert any(a.shape != c.shape for a, _, c in pairs) and any(a.shape == c.shape for a, _, c in pairs)
    for a, b, c in pairs:
        np.testing.assert_array_equal(a, c if a.shape == c.shape else b)


@pytest.mark.slow
def test_the_command_trains_goes_on_and_leaves_a_model(teacher, tmp_path, capsys):
    run = [f"--teacher={teacher}", f"--workdir={tmp_path}/student", *SMALL]
    with uncompiled():  # the second part is compiled
        assert distill.run([*run, "--steps=2", "--schedule_steps=4"]) == 0
    assert distill.run([*run, "--steps=4", "--schedule_steps=4"]) == 0
    rows = [json.loads(line) for line in (tmp_path / "student" / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    for row in rows:
        parts = {n: row[f"generator/{n}"] for n in ("mask", "translation", "region", "reconstruction", "style")}
        weights = DistillConfig().weights()
        assert row["generator/total"] == pytest.approx(sum(weights[n] * parts[n] for n in parts), rel=1e-3)
    student = lomit_tf.load(tmp_path / "student")
    assert student.config.data.image_size == 128 and student.group_names == ("hair", "smile")
    picture = np.zeros((1, 128, 128, 3), "float32")
    assert student.translate(picture, picture)["image"].shape == (1, 128, 128, 3)
    capsys.readouterr()
    assert distill.run([*run, "--steps=6", "--schedule_steps=4", "--mask_weight=3"]) == 2
    assert "another teacher or other weights" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "--teacher is missing"),
        (["--teacher=drawn_facess"], "drawn_faces"),
        (["--teacher=T", "--attributes=Smiling", "--groups="], "Leave out --attributes and --groups"),
        (["--teacher=T", "--outside=2"], "--outside lies between 0 and 1"),
        (["--teacher=T", "--mask_weight=-1"], "--mask_weight cannot be negative"),
        (["--teacher=T", "--presett=small"], "presett"),
        (["--teacher=T", "--system=paper", "--style_margin=0"], "--system=recipe"),
    ],
)
def test_mistakes_are_one_line(flags, words, teacher, tmp_path, capsys):
    flags = [f.replace("=T", f"={teacher}") if f == "--teacher=T" else f for f in flags]
    assert distill.run([*flags, f"--workdir={tmp_path}/student"]) == 2
    out, err = capsys.readouterr()
    assert words in err and err.startswith("lomit-distill: ") and err.count("\n") == 1
    assert not out and not (tmp_path / "student" / "checkpoints").exists()


def test_help_explains(capsys):
    assert distill.run(["--help"]) == 0
    shown = capsys.readouterr().out
    for word in ("--teacher", "--mask_weight", "--[no]warm_start", "python -m lomit_tf.distill"):
        assert word in shown
