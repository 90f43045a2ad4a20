"""The networks of MUNIT, DRIT and AGGAN: the authors' sizes, and what makes each system what it is."""

from __future__ import annotations

from itertools import pairwise

import keras
import numpy as np
import pytest
import tensorflow as tf

from lomit_tf.baselines.aggan import facts as aggan
from lomit_tf.baselines.aggan import networks as of_aggan
from lomit_tf.baselines.domains import of_domain
from lomit_tf.baselines.drit import facts as drit
from lomit_tf.baselines.drit import networks as of_drit
from lomit_tf.baselines.munit import facts as munit
from lomit_tf.baselines.munit import networks as of_munit
from lomit_tf.baselines.patch_critic import MultiScaleCritic


def count(layer: keras.layers.Layer) -> int:
    return sum(int(np.prod(v.shape)) for v in layer.trainable_variables)


def conv(kernel: int, inputs: int, outputs: int, extra: int = 0) -> int:
    """Weights of a convolution, and `extra` numbers for each output: 1 a bias, 2 scale and offset of a norm.

    There is no bias before a normalisation, and instance normalisation has neither scale nor offset here.
    """
    return kernel * kernel * inputs * outputs + extra * outputs


def zeros(size: int, channels: int = 3) -> np.ndarray:
    return np.zeros((1, size, size, channels), "float32")


def multi_scale(scales: int = 3) -> int:
    return scales * (sum(conv(4, a, b, 1) for a, b in pairwise([3, 64, 128, 256, 512])) + conv(1, 512, 1, 1))


def test_munit_has_its_authors_sizes():
    auto_encoder = of_munit.AutoEncoder(munit.SIZES["authors"])
    auto_encoder(zeros(16))
    content = conv(7, 3, 64) + conv(4, 64, 128) + conv(4, 128, 256) + 4 * 2 * conv(3, 256, 256)
    style = (
        conv(7, 3, 64, 1) + conv(4, 64, 128, 1) + conv(4, 128, 256, 1) + 2 * conv(4, 256, 256, 1) + conv(1, 256, 8, 1)
    )
    statistics = 4 * 2 * 2 * 256  # blocks, AdaINs, scale and offset, channels
    mlp = conv(1, 8, 256, 1) + conv(1, 256, 256, 1) + conv(1, 256, statistics, 1)
    decoder = 4 * 2 * conv(3, 256, 256) + conv(5, 256, 128, 2) + conv(5, 128, 64, 2) + conv(7, 64, 3, 1)
    assert count(auto_encoder.content) == content == 5_383_360
    assert count(auto_encoder.style) == style == 2_764_936
    assert count(auto_encoder.decode) == mlp + decoder == 6_873_155
    critic = MultiScaleCritic(64, 4, 3, 0.2)
    critic(zeros(64))
    assert count(critic) == multi_scale() == 8_271_171
    assert 2 * (count(auto_encoder) + count(critic)) == 46_585_244  # with both domains


def test_drit_has_its_authors_sizes():
    sizes = drit.SIZES["authors"]
    networks = of_drit.Networks(sizes)
    networks(zeros(32))
    residual = 2 * conv(3, 256, 256)
    content = conv(7, 3, 64, 1) + conv(3, 64, 128) + conv(3, 128, 256) + 3 * residual
    pooled = sum(conv(3, a, a, 1) + conv(3, a, b, 1) + conv(1, a, b, 1) for a, b in pairwise([64, 128, 192, 256]))
    attributes = conv(4, 3, 64, 1) + pooled + 2 * conv(1, 256, 8, 1)
    # 8 attributes are planes behind the input of each stage: 256 + 8 channels, 264 + 8, 136 + 8, 72 + 8.
    decoder = 3 * 2 * conv(3, 264, 264) + conv(3, 272, 136, 2) + conv(3, 144, 72, 2) + conv(1, 80, 3, 1)
    assert count(networks.content_a) == content == 3_917_056
    assert count(networks.attributes_a) == attributes == 1_344_080
    assert count(networks.decode_a) == decoder == 4_190_483
    assert count(networks) == 2 * (content + attributes + decoder) + 2 * residual == 21_262_534
    content_critic = of_drit.ContentCritic(sizes)
    content_critic(zeros(32, 256))
    assert count(content_critic) == 3 * conv(7, 256, 256) + conv(4, 256, 256, 1) + conv(1, 256, 1, 1) == 10_682_881


def test_aggan_has_its_authors_sizes():
    sizes = aggan.SIZES["authors"]
    assert (sizes.blocks(128), sizes.blocks(256)) == (6, 9)
    translator = of_aggan.Translator(sizes, 256)
    translator(zeros(16))
    generator = (
        conv(7, 3, 64) + conv(3, 64, 128) + conv(3, 128, 256) + 9 * 2 * conv(3, 256, 256)
        + conv(3, 256, 128) + conv(3, 128, 64) + conv(7, 64, 3, 1)
    )  # fmt: skip
    attention = (
        conv(7, 3, 32) + conv(3, 32, 64) + 2 * conv(3, 64, 64) + conv(3, 64, 64) + conv(3, 64, 32) + conv(7, 32, 1, 1)
    )
    assert count(translator.generator) == generator == 11_372_931
    assert count(translator.attention) == attention == 153_729
    critic = of_aggan.Critic(sizes)
    critic(zeros(64), normalised=1.0)
    widths = [3, 64, 128, 256, 512]
    assert count(critic) == sum(conv(4, a, b, 1) for a, b in pairwise(widths)) + conv(4, 512, 1, 1) == 2_764_737


def test_munits_content_knows_no_style_and_its_decoder_paints_one(rng):
    """A picture's brightness and contrast are gone from its content; another style gives another picture."""
    sizes = munit.Sizes(channels=4, residual_blocks=1, style_downsamples=2, mlp_width=8)
    auto_encoder = of_munit.AutoEncoder(sizes)
    image = rng.uniform(-1, 1, (1, 32, 32, 3)).astype("float32")
    content, style = auto_encoder.content(image), auto_encoder.style(image)
    other = 0.4 * image + 0.3
    np.testing.assert_allclose(auto_encoder.content(other), content, atol=2e-2)
    assert np.abs(auto_encoder.style(other) - style).max() > 1e-3
    painted = np.asarray(auto_encoder.decode(content, style))
    assert np.abs(np.asarray(auto_encoder.decode(content, style + 1)) - painted).mean() > 1e-3
    assert painted.shape == image.shape and np.abs(painted).max() <= 1


def test_drits_shared_blocks_and_noise(rng):
    sizes = drit.Sizes(channels=4, residual_blocks=1, attribute_blocks=1, edge_kernel=3)
    networks = of_drit.Networks(sizes)
    a, b = rng.uniform(-1, 1, (2, 1, 32, 32, 3)).astype("float32")
    content = networks.content(a, b)
    noise = rng.normal(size=(2, 8, 8, 16)).astype("float32")
    noisy = networks.content(a, b, noise)
    for i in (0, 1):
        np.testing.assert_allclose(noisy[i] - content[i], noise[i : i + 1], atol=1e-5)
    before = [np.asarray(x) for x in (*content, networks.paint_a(content[0], np.zeros((1, 8), "float32")))]
    for shared in (networks.content_shared, networks.decode_shared):
        for v in shared.trainable_variables:
            v.assign(v * 0)
    after = [*networks.content(a, b), networks.paint_a(before[0], np.zeros((1, 8), "float32"))]
    assert all(np.abs(np.asarray(y) - x).max() > 1e-3 for x, y in zip(before, after, strict=True))


def test_drits_attributes_are_heard_in_the_interior_too(rng):
    """Normalisation takes planes of a constant away, behind reflected borders wholly; they go past it and are heard.

    Without the planes of the later stages, and the sums that carry those of the first, nothing is left of z.
    """
    decoder = of_drit.Decoder(drit.Sizes(channels=4, residual_blocks=1))
    features = rng.normal(size=(1, 16, 16, 16)).astype("float32")
    zero, one = np.zeros((1, 8), "float32"), np.ones((1, 8), "float32")
    change = np.abs(np.asarray(decoder(features, one)) - np.asarray(decoder(features, zero)))
    assert change[:, 24:40, 24:40].mean() > 0.05
    assert 0.5 < change[:, 24:40, 24:40].mean() / change.mean() < 2

    def deafen(kernel, *inputs):
        values = np.asarray(kernel).copy()
        values[inputs] = 0
        kernel.assign(values)

    deafen(decoder.up[0].conv.kernel, ..., slice(-16, None))  # its own planes, and what the sums have carried there
    deafen(decoder.up[1].conv.kernel, ..., slice(-8, None))
    deafen(decoder.last.kernel, ..., slice(-8, None), slice(None))
    np.testing.assert_allclose(decoder(features, one), decoder(features, zero), atol=2e-4)


def test_aggan_leaves_what_its_attention_leaves(rng):
    translator = of_aggan.Translator(aggan.Sizes(channels=4, residual_blocks=1, attention_channels=4), 64)
    image = rng.uniform(-1, 1, (1, 32, 32, 3)).astype("float32")
    out, attention = (np.asarray(x) for x in translator(image))
    painted = np.asarray(translator.generator(image))
    np.testing.assert_allclose(out, attention * painted + (1 - attention) * image, atol=1e-6)
    translator.attention.blocks[-1].conv.bias.assign([-200.0])
    np.testing.assert_array_equal(translator(image)[0], image)


def test_aggans_critic_without_normalisation(rng):
    critic = of_aggan.Critic(aggan.Sizes(critic_channels=4, critic_layers=2))
    image = rng.uniform(-1, 1, (1, 32, 32, 3)).astype("float32")
    scores = [np.asarray(critic(image, normalised=n)) for n in (0.0, 1.0)]
    assert np.abs(scores[0] - scores[1]).max() > 1e-3
    # A linear critic but for LeakyReLU: half of the picture gives half of the score, as no bias has learned yet.
    np.testing.assert_allclose(critic(image / 2, normalised=0.0), scores[0] / 2, atol=1e-5)


@pytest.mark.parametrize("labels", [[0, 0, 0], [1, 1, 1], [1, 0, 1]])
def test_a_domain_without_rows_is_no_empty_batch_to_a_convolution(labels, rng):
    """oneDNN gives a wrong shape for one."""
    x, kernels = (
        tf.constant(rng.normal(size=(3, 8, 8, 3)), tf.float32),
        tf.constant(rng.normal(size=(2, 3, 3, 3, 4)), tf.float32),
    )
    both = [lambda rows, k=k: tf.nn.conv2d(rows, k, 1, "VALID") for k in kernels]
    found = tf.function(of_domain)(tf.constant(labels, tf.float32)[:, None], *both, x)
    wanted = [tf.nn.conv2d(x[i : i + 1], kernels[label], 1, "VALID")[0] for i, label in enumerate(labels)]
    np.testing.assert_allclose(found, wanted, atol=1e-4)


@pytest.mark.parametrize("labels", [[0, 0, 0], [1, 1, 1], [1, 0, 1]])
def test_rows_of_both_domains(labels):
    x = np.arange(6, dtype="float32").reshape(3, 2)
    given = tf.constant(labels, tf.float32)[:, None]
    found = of_domain(given, lambda x, y: x + y, lambda x, y: x - 2 * y, tf.constant(x), tf.constant(x[::-1].copy()))
    np.testing.assert_array_equal(found, np.where(np.array(labels)[:, None] == 1, x - 2 * x[::-1], x + x[::-1]))
