"""Shapes, sizes and options of the networks (docs/method.md, 2 and 3), and that they are free of TensorFlow."""

from __future__ import annotations

import itertools
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from lomit_tf import core
from lomit_tf.config import PRESETS, LomitConfig
from lomit_tf.networks.blocks import ConvBlock, NarrowConv2D, instance_norm, layer_norm, reflect_pad
from lomit_tf.networks.content_encoder import ContentEncoder
from lomit_tf.networks.critic import Critic
from lomit_tf.networks.decoder import Decoder
from lomit_tf.networks.generator import Generator, feathered
from lomit_tf.networks.mask_decoder import MaskDecoder
from lomit_tf.networks.style_encoder import StyleEncoder

ROOT = Path(__file__).resolve().parents[2]


def normal(rng, *shape, scale=1.0):
    return tf.constant(rng.normal(size=shape) * scale, tf.float32)


def parameters(layer) -> int:
    return sum(int(np.prod(v.shape)) for v in layer.trainable_variables)


@pytest.mark.parametrize("preset", PRESETS)
def test_shapes_of_every_preset_at_every_size(preset, rng):
    """With the preset's own layers at a sixteenth of the channels, and three groups."""
    config = LomitConfig.create(preset, base_channels=4, critic_channels=2).model
    generator = Generator(config, 3)
    for size in (64, 128, 192):
        image = normal(rng, 2, size, size, 3)
        content = generator.encode_content(image)
        quarter, half = size // 4, size // 2
        assert [c.shape for c in content] == [(2, quarter, quarter, 16), (2, half, half, 8), (2, size, size, 4)]
        masks = generator.masks(content, image)
        assert masks.shape == (2, size, size, 4)
        styles = generator.styles(image, masks)
        assert styles.shape == (2, 4, 8)
        painted = generator.decode(content, masks, styles)
        assert painted.shape == (2, size, size, 3)
        assert np.abs(painted).max() <= 1
        critic = Critic(config, 5)
        scores, logits = critic(painted, np.ones((2, 5), "float32"))
        assert (scores.shape, logits.shape) == ((2,), (2, 5))


def symbolic(*shape):
    return keras.KerasTensor(shape, "float32")


def test_number_of_parameters_of_the_papers_generator():
    """The sizes of docs/method.md, line by line: kernel area * inputs * outputs, then scales and offsets, or biases."""
    config = LomitConfig.create("lomit")
    generator = Generator(config.model, 1)
    image = tf.zeros((1, 64, 64, 3))
    core.translate(generator, image, image)
    residual = 4 * 2 * (3 * 3 * 256 * 256 + 2 * 256)
    content_encoder = (7 * 7 * 3 * 64 + 2 * 64) + (4 * 4 * 64 * 128 + 2 * 128) + (4 * 4 * 128 * 256 + 2 * 256)
    content_encoder += residual
    mask_decoder = (5 * 5 * 256 * 128 + 2 * 128) + (5 * 5 * 128 * 64 + 2 * 64) + (7 * 7 * 64 * 1 + 1)
    style_encoder = (
        (7 * 7 * 3 * 64 + 64) + (4 * 4 * 64 * 128 + 128) + (4 * 4 * 128 * 256 + 256) + 2 * (4 * 4 * 256 * 256 + 256)
        + (256 * 8 + 8)
    )  # fmt: skip
    mlp = (8 * 256 + 256) + (256 * 256 + 256) + (256 * 512 + 512)
    decoder = residual + (5 * 5 * 256 * 128 + 2 * 128) + (5 * 5 * 128 * 64 + 2 * 64) + (7 * 7 * 64 * 3 + 3)
    assert parameters(generator.content_encoder) == content_encoder
    assert parameters(generator.mask_decoder) == mask_decoder
    assert parameters(generator.style_encoder) == style_encoder
    assert parameters(generator.background_mlp) == mlp
    assert parameters(generator.decoder) == decoder
    total = content_encoder + mask_decoder + style_encoder + 2 * mlp + decoder
    assert parameters(generator) == total == 15_336_652
    assert round(parameters(generator) / 1e6, 1) == 15.3


def test_number_of_parameters_of_the_papers_critic_with_ten_labels():
    critic = Critic(LomitConfig.create("lomit").model, 10)
    critic(symbolic(1, 128, 128, 3), symbolic(1, 10))
    trunk = sum(4 * 4 * i * o + o for i, o in itertools.pairwise((3, 64, 128, 256, 512, 1024, 2048)))
    source, classify = 3 * 3 * 2048, 2 * 2 * 2048 * 10  # 128 px leave 2 x 2 places; heads have no bias
    assert parameters(critic) == trunk + source + classify == 44_803_008


# Building blocks.


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (5, 1), (7, 1), (4, 2)])
def test_conv_block_pads_by_reflection_and_divides_by_its_stride(kernel, stride):
    block = ConvBlock(6, kernel, stride, norm=None, activation=None)
    out = np.asarray(block(np.full((1, 8, 8, 2), 0.7, "float32")))
    assert out.shape == (1, 8 // stride, 8 // stride, 6)
    # Reflection continues a constant; zero padding would darken the border.
    np.testing.assert_allclose(out, np.broadcast_to(out[:, :1, :1], out.shape), atol=1e-5)
    assert np.abs(out).max() > 1e-3


@pytest.mark.parametrize(("kernel", "filters"), [(5, 1), (7, 3)])
def test_a_narrow_convolution_and_its_gradients_are_those_of_conv2d(rng, kernel, filters):
    x = tf.constant(normal(rng, 2, 9, 11, 4))
    narrow, plain = NarrowConv2D(filters, kernel), keras.layers.Conv2D(filters, kernel)
    narrow(x), plain(x)
    plain.set_weights([normal(rng, *v.shape) for v in plain.weights])
    narrow.set_weights(plain.get_weights())
    found = []
    for layer in (narrow, plain):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
            total = tf.reduce_sum(y**2)
        found.append([y, *tape.gradient(total, [x, *layer.trainable_variables])])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-3)
    assert isinstance(ConvBlock(filters, kernel).conv, NarrowConv2D)


@pytest.mark.parametrize(
    ("size", "before", "after"), [(8, 1, 1), (9, 3, 3), (4, 2, 1), (2, 1, 1), (3, 1, 0), (6, 2, 2)]
)
def test_reflect_pad_and_its_gradient_are_those_of_a_reflection(rng, size, before, after):
    x, rows = normal(rng, 2, size, size, 3), np.pad(np.arange(size), (before, after), mode="reflect")
    weights = normal(rng, 2, len(rows), len(rows), 3)
    with tf.GradientTape() as tape:
        x = tf.Variable(x)
        padded = reflect_pad(x, before, after)
        total = tf.reduce_sum(padded * weights)
    np.testing.assert_array_equal(padded, np.asarray(x)[:, rows][:, :, rows])
    expected = np.zeros(x.shape)
    for i, j in np.ndindex(len(rows), len(rows)):  # every padded pixel pays its weight to the one that it copies
        expected[:, rows[i], rows[j]] += weights[:, i, j]
    np.testing.assert_allclose(tape.gradient(total, x), expected, rtol=1e-5, atol=1e-5)


def test_norms_are_per_channel_and_per_image(rng):
    x = rng.normal(size=(2, 4, 4, 3)) * np.array([1, 5, 0.5]) + np.array([0, 3, -1])
    expected = np.zeros_like(x)
    for b, c in np.ndindex(2, 3):
        expected[b, :, :, c] = (x[b, :, :, c] - x[b, :, :, c].mean()) / np.sqrt(x[b, :, :, c].var() + 1e-5)
    np.testing.assert_allclose(instance_norm()(normal(rng, 1) * 0 + np.float32(x)), expected, rtol=1e-4, atol=1e-5)
    for b in range(2):
        expected[b] = (x[b] - x[b].mean()) / np.sqrt(x[b].var() + 1e-5)
    np.testing.assert_allclose(layer_norm()(np.float32(x)), expected, rtol=1e-4, atol=1e-5)


# The mask decoder.


def test_one_group_is_the_papers_sigmoid(tiny, rng):
    decoder = MaskDecoder(tiny(mask_upsamples=2).model, 1)
    content = normal(rng, 2, 4, 4, 16, scale=3)
    masks = np.asarray(decoder((content,)))
    x = content
    for block in decoder.blocks:
        x = block(x)
    logits = np.asarray(decoder.logits(x), "float64")
    np.testing.assert_allclose(masks[..., :1], 1 / (1 + np.exp(-logits)), rtol=1e-5, atol=1e-6)
    assert masks[..., 0].std() > 0.05


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("stages", [0, 1, 2])
def test_masks_have_full_size_and_sum_to_one(tiny, rng, stages, groups):
    decoder = MaskDecoder(tiny(mask_upsamples=stages).model, groups)
    masks = np.asarray(decoder((normal(rng, 2, 4, 4, 16, scale=3),)))
    assert masks.shape == (2, 16, 16, groups + 1)
    assert masks.dtype == np.float32
    np.testing.assert_allclose(masks.sum(axis=-1), 1, atol=1e-6)
    assert masks.min() > 0
    assert all(masks[..., g].std() > 1e-3 for g in range(groups + 1))
    kernels = 3 * 3 * 16 * 8 * (stages > 0) + 3 * 3 * 8 * 4 * (stages > 1)
    norms = 2 * 8 * (stages > 0) + 2 * 4 * (stages > 1)
    last = 3 * 3 * (16, 8, 4)[stages] * groups + groups
    assert parameters(decoder) == kernels + norms + last


@pytest.mark.parametrize("stages", [0, 1, 2])
def test_mask_decoder_has_no_part_that_is_never_built(tiny, rng, stages, recwarn):
    decoder = MaskDecoder(tiny(mask_upsamples=stages).model, 1)
    decoder((normal(rng, 1, 4, 4, 16),))
    # Keras' fit() runs a model of which any layer is unbuilt on the whole training element, and fails.
    assert all(layer.built for layer in decoder._flatten_layers())
    assert not [w for w in recwarn if "unbuilt state" in str(w.message)]


@pytest.mark.parametrize("stages", [1, 2])
def test_mask_skips_let_finer_features_through(tiny, rng, stages):
    decoder = MaskDecoder(tiny(mask_upsamples=stages, mask_skips=True).model, 1)
    content = [normal(rng, 1, 4, 4, 16), normal(rng, 1, 8, 8, 8), normal(rng, 1, 16, 16, 4)]
    masks = np.asarray(decoder(tuple(content)))
    assert masks.shape == (1, 16, 16, 2)
    for level in (1, 2):
        changed = list(content)
        changed[level] = np.flip(content[level], axis=1)
        differs = np.abs(np.asarray(decoder(tuple(changed))) - masks).max() > 1e-4
        assert differs == (level <= stages)  # a decoder of one stage sees the features at half size only


# The style encoder.


@pytest.mark.parametrize("system", ["paper", "recipe"])
def test_style_codes_are_normalised_in_the_recipe(tiny, rng, system):
    encoder = StyleEncoder(tiny(system=system).model)
    codes = np.asarray(encoder(normal(rng, 4, 16, 16, 3)))
    assert codes.shape == (4, 8)
    if system == "recipe":
        np.testing.assert_allclose(codes.mean(axis=1), 0, atol=1e-5)
        # 1e-5 is added to variances that are about 0.01 at the start.
        np.testing.assert_allclose(codes.std(axis=1), 1, atol=1e-2)
    else:
        assert np.abs(codes.mean(axis=1)).max() > 1e-3


def test_style_encoder_is_without_normalisation_and_pools_over_space(tiny, rng):
    encoder = StyleEncoder(tiny(style_downsamples=2).model)
    image = normal(rng, 1, 16, 16, 3)
    code = np.asarray(encoder(image))
    # All biases are 0 at the start and LeakyReLU is homogeneous, so that without norms so is the encoder.
    np.testing.assert_allclose(encoder(3 * image), 3 * code, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("pool", [1, 2])
def test_generator_encodes_every_region_alone(tiny, rng, pool):
    generator = Generator(tiny(style_pool=pool).model, 2)
    image, masks = rng.normal(size=(2, 16, 16, 3)), rng.dirichlet([1, 1, 1], (2, 16, 16))
    styles = np.asarray(generator.styles(np.float32(image), np.float32(masks)))
    assert styles.shape == (2, 3, 8)
    for b, r in np.ndindex(2, 3):
        region = image[b] * masks[b, :, :, r : r + 1]  # first cut out, then averaged over squares
        region = region.reshape(16 // pool, pool, 16 // pool, pool, 3).mean(axis=(1, 3))
        alone = generator.style_encoder(np.float32(region[None]))
        np.testing.assert_allclose(styles[b, r], np.asarray(alone)[0], rtol=1e-4, atol=1e-5)


# The decoder's options.


def decoder_inputs(rng, decoder):
    content = (normal(rng, 2, 4, 4, 16), normal(rng, 2, 8, 8, 8), normal(rng, 2, 16, 16, 4))
    masks = tf.nn.softmax(normal(rng, 2, 16, 16, 3))
    return content, masks, normal(rng, 2, 3, decoder.statistics, scale=0.3)


@pytest.mark.parametrize("radius", [1, 4])
def test_feathered_masks_are_means_over_squares(tiny, rng, radius):
    """Eq. (3.13) pixel by pixel, the squares ending where the image does; the groups of `Generator.masks` too."""
    masks = rng.dirichlet(np.ones(3), (2, 12, 16)).astype("float32")
    found = np.asarray(feathered(masks, radius))
    for b, y, x in [(0, 0, 0), (1, 11, 15), (0, 5, 7), (1, 3, 0)]:
        rows, columns = (slice(max(0, at - radius), at + radius + 1) for at in (y, x))
        expected = masks[b, rows, columns, :2].reshape(-1, 2).mean(axis=0)
        np.testing.assert_allclose(found[b, y, x, :2], expected, atol=1e-5)
    np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-5)
    generator = Generator(tiny(mask_feather=radius).model, 2)
    image = normal(rng, 2, 64, 64, 3)
    content = generator.encode_content(image)
    plain = np.asarray(generator.mask_decoder(content))
    np.testing.assert_allclose(generator.masks(content, image), feathered(plain, radius), atol=1e-5)


def test_relative_styles_do_not_know_the_colour_of_a_region(tiny, rng):
    """Eq. (2.13): against the region less its mean by hand; a tint of the whole picture changes no code."""
    generator = Generator(tiny(relative_styles=True).model, 2)
    x = rng.uniform(-0.5, 0.5, (2, 64, 64, 3)).astype("float32")
    masks = rng.dirichlet(np.ones(3), (2, 64, 64)).astype("float32")
    codes = generator.styles(x, masks).numpy()
    for r in range(3):
        m = masks[..., r : r + 1]
        mean = (m * x).sum(axis=(1, 2), keepdims=True) / m.sum(axis=(1, 2), keepdims=True)
        np.testing.assert_allclose(codes[:, r], generator.style_encoder(m * (x - mean)).numpy(), atol=1e-5)
    tint = np.array([0.3, -0.2, 0.1], "float32")
    np.testing.assert_allclose(generator.styles(x + tint, masks), codes, atol=1e-5)
    plain = Generator(tiny().model, 2)
    assert np.abs(plain.styles(x + tint, masks).numpy() - plain.styles(x, masks).numpy()).max() > 1e-3
    empty = generator.styles(x, np.zeros_like(masks)).numpy()
    assert np.isfinite(empty).all()


@pytest.mark.parametrize("system", ["paper", "recipe"])
def test_every_statistic_of_every_region_reaches_the_picture(tiny, rng, system):
    decoder, skips = Decoder(tiny(system=system, residual_blocks=2).model), system == "recipe"
    # 16 channels of content, a mean and a log-variance each; then 8 and 4 in the skips.
    assert decoder.statistics == 2 * 16 + (2 * (8 + 4) if skips else 0)
    content, masks, statistics = decoder_inputs(rng, decoder)
    with tf.GradientTape() as tape:
        tape.watch([statistics, content])
        loss = tf.reduce_sum(tf.square(decoder(content, masks, statistics)))
    by_statistic, by_content = tape.gradient(loss, [statistics, content], unconnected_gradients="zero")
    assert np.all(np.abs(by_statistic) > 0)
    used = [bool(np.any(g)) for g in by_content]
    assert used == [True, skips, skips]


def test_groups_share_one_mlp_and_the_background_has_its_own(tiny, rng):
    generator = Generator(tiny().model, 2)
    content, masks, _ = decoder_inputs(rng, generator.decoder)
    styles = normal(rng, 2, 3, 8)
    painted = np.asarray(generator.decode(content, masks, styles))
    order = [1, 0, 2]  # the groups change places, masks and styles alike
    exchanged = generator.decode(content, tf.gather(masks, order, axis=-1), tf.gather(styles, order, axis=1))
    np.testing.assert_allclose(painted, exchanged, atol=1e-5)
    background = generator.decode(content, masks, tf.gather(styles, [0, 2, 1], axis=1))
    assert not np.allclose(painted, background, atol=1e-4)


@pytest.mark.parametrize("system", ["paper", "recipe"])
def test_mixed_bfloat16_changes_the_arithmetic_but_not_the_types_of_weights_and_results(tiny, rng, system):
    config = tiny(system=system).model
    image, exemplar = normal(rng, 2, 32, 32, 3, scale=0.5), normal(rng, 2, 32, 32, 3, scale=0.5)
    exact, mixed = Generator(config, 1), Generator(config, 1, dtype=keras.DTypePolicy("mixed_bfloat16"))
    expected, _ = core.translate(exact, image, exemplar).raw, core.translate(mixed, image, exemplar)
    mixed.set_weights(exact.get_weights())
    content = mixed.encode_content(image)
    masks = mixed.masks(content, image)
    styles = mixed.styles(image, masks)
    found = core.translate(mixed, image, exemplar).raw
    assert {tf.as_dtype(t.dtype).name for t in content} == {"bfloat16"}
    assert {tf.as_dtype(t.dtype).name for t in (masks, styles, found)} == {"float32"}
    assert {v.dtype for v in mixed.variables} == {"float32"}
    # 8 significant bits, 0.4 % each, through some fifteen layers; the pictures span 2.
    difference = np.abs(np.asarray(found) - np.asarray(expected))
    assert 0 < difference.mean() < 0.03
    assert difference.max() < 0.3


# The critic.


def test_content_encoder_separates_images_and_normalises_away_their_brightness(tiny, rng):
    encoder = ContentEncoder(tiny().model)
    image = normal(rng, 2, 16, 16, 3)
    content = encoder(image)
    # The first convolution is linear without bias and instance norm follows: a scaled image has the same content.
    for scaled, plain in zip(encoder(5 * image), content, strict=True):
        np.testing.assert_allclose(scaled, plain, rtol=5e-3, atol=5e-3)  # 1e-5 beside variances of order 0.1
    np.testing.assert_allclose(encoder(image[:1])[0][0], content[0][0], rtol=1e-3, atol=1e-4)
