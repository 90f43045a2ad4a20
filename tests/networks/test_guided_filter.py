"""The guided filter of masks, against NumPy window by window and in what it is for."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from lomit_tf import core
from lomit_tf.config import ConfigError
from lomit_tf.model import Lomit
from lomit_tf.networks.generator import Generator
from lomit_tf.networks.guided_filter import box, guided_filter, luminance, sharpen

pytestmark = pytest.mark.quick


def windows(size: tuple[int, int], radius: int):
    """Of every pixel: itself and the slices of its square, cut at the borders."""
    for y, x in np.ndindex(*size):
        yield (y, x), (slice(max(0, y - radius), y + radius + 1), slice(max(0, x - radius), x + radius + 1))


def slow_filter(values: np.ndarray, guide: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    """(H, W), (H, W): a ridge regression in every square, solved as such, and the mean of the lines that meet."""
    lines = np.zeros((*guide.shape, 2))
    for place, square in windows(guide.shape, radius):
        i, p = guide[square].ravel(), values[square].ravel()
        # Minimises mean (a i + b - p)^2 + epsilon a^2, by its normal equations.
        system = np.array([[np.mean(i * i) + epsilon, i.mean()], [i.mean(), 1.0]])
        lines[place] = np.linalg.solve(system, [np.mean(i * p), p.mean()])
    result = np.zeros(guide.shape)
    for place, square in windows(guide.shape, radius):
        slope, offset = lines[square].reshape(-1, 2).mean(axis=0)
        result[place] = slope * guide[place] + offset
    return result


@pytest.mark.parametrize("radius", [1, 3, 20])  # 20: every square is the whole image
def test_filter_is_the_mean_of_ridge_regressions(rng, radius):
    values, guide = rng.uniform(size=(2, 9, 11, 3)), rng.uniform(-1, 1, (2, 9, 11, 1))
    found = guided_filter(values.astype("float32"), guide.astype("float32"), radius, 0.05)
    for b, c in np.ndindex(2, 3):
        expected = slow_filter(values[b, ..., c], guide[b, ..., 0], radius, 0.05)
        np.testing.assert_allclose(found[b, ..., c], expected, rtol=1e-4, atol=1e-5)


def test_box_is_the_mean_within_the_image(rng):
    x = rng.normal(size=(1, 5, 7, 2))
    found = np.asarray(box(x.astype("float32"), 2))
    for (i, j), square in windows((5, 7), 2):
        np.testing.assert_allclose(found[0, i, j], x[0][square].mean(axis=(0, 1)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("radius", [1, 4, 9])
def test_the_boxes_gradient_is_the_adjoint_of_the_mean(rng, radius):
    """Against sums in NumPy: TensorFlow's own gradient of such pools is wrong on some processors."""
    x, upstream = (rng.normal(size=(2, 5, 8, 3)).astype("float32") for _ in range(2))
    expected = np.zeros_like(x)
    for (i, j), square in windows((5, 8), radius):
        expected[:, *square] += upstream[:, i : i + 1, j : j + 1] / np.size(x[0][square][..., 0])
    with tf.GradientTape() as tape:
        tape.watch(values := tf.constant(x))
        found = box(values, radius)
    np.testing.assert_allclose(tape.gradient(found, values, tf.constant(upstream)), expected, rtol=1e-4, atol=1e-5)


def test_luminance_is_that_of_tensorflow(rng):
    image = rng.uniform(0, 1, (2, 4, 5, 3)).astype("float32")
    np.testing.assert_allclose(luminance(image), tf.image.rgb_to_grayscale(image), atol=2e-4)  # which rounds 0.299


def test_a_soft_mask_takes_the_images_edge():
    columns = np.arange(32)
    image = np.where(columns < 13, -0.6, 0.5)[None, None, :, None] * np.ones((1, 32, 1, 3))
    soft = 1 / (1 + np.exp((columns - 13.5) / 1.5))[None, None, :] * np.ones((1, 32, 1))  # blurred, and a pixel off
    masks = np.stack([soft, 1 - soft], axis=-1).astype("float32")
    found = np.asarray(sharpen(masks, image.astype("float32"), 5))[..., 0]
    steps = np.abs(np.diff(found[0, 16]))
    assert steps.argmax() == 12 and steps.max() > 3 * np.sort(steps)[-2]  # one edge, where the image has it


@pytest.mark.parametrize("groups", [1, 3])
def test_sharpened_masks_sum_to_one_within_their_range(rng, groups):
    image = np.repeat(rng.uniform(-1, 1, (2, 16, 16, 1)), 3, axis=-1).astype("float32")
    logits = rng.normal(size=(2, 16, 16, groups + 1))
    logits[..., 0] += 30 * image[..., 0]  # all or nothing, by the guide's sign: a line through that overshoots
    masks = tf.nn.softmax(logits.astype("float32"), axis=-1)
    guide = luminance(image)
    raw = np.asarray(guided_filter(masks[..., :-1], guide, 2))
    assert raw.min() < -1e-3  # else there is nothing to cut
    found = np.asarray(sharpen(masks, image, 2))
    assert found.shape == (2, 16, 16, groups + 1)
    np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-5)
    assert found.min() > -1e-6 and found.max() < 1 + 1e-6
    kept = np.maximum(raw, 0)
    np.testing.assert_allclose(found[..., :-1], kept / np.maximum(kept.sum(-1, keepdims=True), 1), atol=1e-5)


def test_groups_that_are_kept_are_not_filtered(rng):
    masks = np.asarray(tf.nn.softmax(rng.normal(size=(2, 16, 16, 4)).astype("float32") * 2, axis=-1))
    image = rng.uniform(-1, 1, (2, 16, 16, 3)).astype("float32")
    guide = luminance(image)
    expected = np.asarray(guided_filter(masks[..., :-1], guide, 2)).copy()
    expected[..., 1] = masks[..., 1]
    expected = np.maximum(expected, 0)
    expected /= np.maximum(expected.sum(-1, keepdims=True), 1)
    found = np.asarray(sharpen(masks, image, 2, (1,)))
    np.testing.assert_allclose(found[..., :-1], expected, atol=1e-5)
    np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-5)
    np.testing.assert_allclose(sharpen(masks, image, 2, (0, 1, 2)), masks, atol=1e-5)


def test_gradients_reach_the_masks_and_not_the_image(rng):
    masks = tf.Variable(tf.nn.softmax(rng.normal(size=(1, 8, 8, 2)).astype("float32"), axis=-1))
    image = tf.Variable(rng.uniform(-1, 1, (1, 8, 8, 3)).astype("float32"))
    weights = rng.normal(size=(1, 8, 8)).astype("float32")

    def loss():
        return tf.reduce_sum(sharpen(masks, image, 2)[..., 0] * weights)

    with tf.GradientTape() as tape:
        value = loss()
    of_masks, of_image = tape.gradient(value, [masks, image])
    assert of_image is None
    # The filter is linear: a step along any direction changes the sum by the gradient times it.
    direction = np.zeros((1, 8, 8, 2), "float32")
    direction[..., 0] = rng.normal(size=(1, 8, 8)) * 1e-2
    masks.assign_add(direction)
    assert float(loss() - value) == pytest.approx(float(tf.reduce_sum(of_masks * direction)), rel=1e-2)


def test_the_generators_masks_are_the_decoders_sharpened(tiny, rng):
    plain, filtered = Generator(tiny().model, 2), Generator(tiny(mask_filter=3).model, 2)
    image = rng.uniform(-1, 1, (2, 32, 32, 3)).astype("float32")
    for generator in (plain, filtered):
        core.translate(generator, image, image)  # which makes the weights
    filtered.set_weights(plain.get_weights())
    content = plain.encode_content(image)
    found = np.asarray(filtered.masks(filtered.encode_content(image), image))
    np.testing.assert_allclose(found, sharpen(plain.masks(content, image), image, 3), atol=1e-5)
    assert np.abs(found - np.asarray(plain.masks(content, image))).max() > 1e-2


def test_a_models_groups_are_named_that_are_not_filtered(tiny, rng):
    groups = {"groups": "hair: Black_Hair; smile: Smiling", "system": "recipe", "mask_filter": 3}
    model = Lomit(tiny(unfiltered_groups=("smile",), **groups))
    g = model.generator
    assert g.unfiltered_groups == (1,)
    image = rng.uniform(-1, 1, (1, 32, 32, 3)).astype("float32")
    core.translate(g, image, image)
    content = g.encode_content(image)
    np.testing.assert_allclose(
        g.masks(content, image), sharpen(g.mask_decoder(content), image, 3, (1,)), atol=1e-5
    )
    with pytest.raises(ConfigError, match="--unfiltered_groups: 'smiles' is not a group; did you mean smile"):
        tiny(unfiltered_groups=("smiles",), **groups)
