"""The networks of StarGAN and ELEGANT: the authors' sizes, and what makes each system what it is."""

from __future__ import annotations

from itertools import pairwise

import keras
import numpy as np
import pytest

from lomit_tf.baselines.base import Directions
from lomit_tf.baselines.blocks import with_planes
from lomit_tf.baselines.elegant import facts as elegant
from lomit_tf.baselines.elegant.model import Elegant
from lomit_tf.baselines.elegant.networks import Discriminators, PixelNorm
from lomit_tf.baselines.elegant.networks import Generator as ElegantGenerator
from lomit_tf.baselines.stargan import facts as stargan
from lomit_tf.baselines.stargan.model import StarGAN
from lomit_tf.baselines.stargan.networks import Generator as StarGenerator
from lomit_tf.config import LomitConfig
from lomit_tf.networks.critic import Critic
from lomit_tf.settings.model import ModelConfig

K = 5


def count(layer: keras.layers.Layer) -> int:
    return sum(int(np.prod(v.shape)) for v in layer.trainable_variables)


def conv(kernel: int, inputs: int, outputs: int, extra: int = 0) -> int:
    """Weights of a convolution, and `extra` numbers for each output: 1 a bias, 2 scale and offset of a norm."""
    return kernel * kernel * inputs * outputs + extra * outputs


def zeros(size: int, channels: int = 3) -> np.ndarray:
    return np.zeros((1, size, size, channels), "float32")


def test_stargan_has_its_authors_sizes():
    generator = StarGenerator(stargan.SIZES["authors"])
    generator(zeros(16), np.zeros((1, K), "float32"))
    assert count(generator) == (
        conv(7, 3 + K, 64, 2) + conv(4, 64, 128, 2) + conv(4, 128, 256, 2)
        + 6 * 2 * conv(3, 256, 256, 2)
        + conv(4, 256, 128, 2) + conv(4, 128, 64, 2) + conv(7, 64, 3)
    ) == 8_430_528  # fmt: skip
    authors = stargan.SIZES["authors"]
    critic = Critic(ModelConfig(critic_channels=authors.critic_channels, critic_layers=authors.critic_layers), K)
    critic(zeros(128), np.zeros((1, K), "float32"))
    widths = [3, 64, 128, 256, 512, 1024, 2048]
    trunk = sum(conv(4, a, b, 1) for a, b in pairwise(widths))
    assert count(critic) == trunk + conv(3, 2048, 1) + conv(2, 2048, K) == 44_762_048


def test_elegant_has_its_authors_sizes():
    sizes = elegant.SIZES["authors"]
    generator = ElegantGenerator(sizes, K)
    generator(zeros(32), zeros(32), np.zeros((1, K), "float32"))
    down, up = [3, 64, 128, 256, 512, 512], [1024, 512, 256, 128, 64, 3]
    encoder = sum(conv(3, a, b, 1) + 2 for a, b in pairwise(down))
    decoder = sum(conv(3, a, b, 1) for a, b in pairwise(up)) + 4 * 2  # the last stage has no norm
    assert count(generator) == encoder + decoder == 10_180_373
    critics = Discriminators(sizes)
    critics(zeros(128), np.zeros((1, K), "float32"))
    widths = [3 + K, 64, 128, 256, 512]
    trunk = sum(conv(3, a, b, 1) for a, b in pairwise(widths))
    assert count(critics) == 2 * trunk + (8 * 8 * 512 + 1) + (4 * 4 * 512 + 1) == 3_148_674


def test_pixel_norm_divides_each_pixel_by_its_length(rng):
    x = rng.normal(size=(2, 3, 3, 4)).astype("float32")
    layer = PixelNorm()
    layer(x)
    layer.scale.assign(3.0)
    layer.offset.assign(0.25)
    expected = 3 * x / np.sqrt((x**2).sum(-1, keepdims=True)) + 0.25
    np.testing.assert_allclose(np.asarray(layer(x)), expected, rtol=1e-5)


@pytest.fixture(scope="module")
def star() -> StarGAN:
    """StarGAN with tiny networks of random weights."""
    keras.utils.set_random_seed(3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(stargan.SIZES, "tiny", stargan.Sizes(4, 1, 3, 4, 3, first_norm=False))
        model = StarGAN(LomitConfig.create(method="stargan", method_size="tiny", image_size=64, ema_decay=0.0))
    model.build()
    return model


@pytest.fixture(scope="module")
def elegance() -> Elegant:
    """ELEGANT with tiny networks of random weights, of three labels."""
    keras.utils.set_random_seed(3)
    labels = ("Black_Hair", "Smiling", "Bangs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(elegant.SIZES, "tiny", elegant.Sizes((4, 4, 8, 8, 8), (4, 4)))
        model = Elegant(
            LomitConfig.create(method="elegant", method_size="tiny", image_size=64, ema_decay=0.0, attributes=labels)
        )
    model.compile()
    return model


def test_stargan_is_told_the_labels_and_nothing_of_the_exemplar(star, rng):
    image, *exemplars = rng.uniform(-1, 1, (3, 2, 64, 64, 3)).astype("float32")
    labels = np.eye(7, dtype="float32")[:2]
    first, second = (np.asarray(star.translate(image, x, labels)["image"]) for x in exemplars)
    np.testing.assert_array_equal(first, second)
    other = np.asarray(star.translate(image, exemplars[0], 1 - labels)["image"])
    assert np.abs(other - first).max() > 1e-3
    kernel = star.generator.first.conv.kernel
    before = np.array(kernel)
    kernel.assign(np.where(np.arange(10)[None, None, :, None] < 3, before, 0))  # without the planes
    deaf = [np.asarray(star.translate(image, exemplars[0], y)["image"]) for y in (labels, 1 - labels)]
    kernel.assign(before)
    np.testing.assert_array_equal(*deaf)


def test_the_authors_stargan_hears_the_labels_at_the_border_alone(rng):
    generator = StarGenerator(stargan.Sizes(4, 1, 3))
    image = rng.uniform(-1, 1, (1, 32, 32, 3)).astype("float32")
    first = [np.asarray(generator.first(with_planes(image, y))) for y in np.eye(2, dtype="float32")[:, None]]
    # Zeros, not reflections, around it: a plane of ones is not the same everywhere, and survives the normalisation.
    assert np.abs(first[0] - first[1]).max() > 1e-3


def test_stargans_cycle_goes_there_with_the_target_and_back_with_the_own_labels(star, rng, monkeypatch):
    x1, x2 = rng.uniform(-1, 1, (2, 2, 1, 64, 64, 3)).astype("float32")
    y1, y2 = np.zeros((2, 1, 7), "float32"), np.ones((2, 1, 7), "float32")
    pairs = Directions.of({"x1": x1, "x2": x2, "y1": y1, "y2": y2, "alpha": np.zeros((2, 1, 2), "float32")}, 0)

    def cycle(generator) -> float:
        monkeypatch.setattr(star, "generator", generator)
        return float(star._generator_loss(pairs)[1]["cycle"])

    def plane(labels):
        return np.asarray(labels)[:, None, None, :1]

    assert cycle(lambda x, y: -x) == 0  # far from x after one way, x again after both
    assert cycle(lambda x, y: x + 0.1 * plane(y)) == pytest.approx(0.1, rel=1e-4)  # 0.1 one way, 0 the other
    assert cycle(lambda x, y: x * 0 + plane(y)) == pytest.approx(np.abs(pairs.images - plane(pairs.own)).mean())


def test_elegant_exchanges_the_chosen_parts_and_no_others(elegance, rng):
    generator = elegance.generator
    assert generator.part_of() == [0, 0, 0, 1, 1, 1, 2, 2]
    own, other = rng.normal(size=(2, 1, 2, 2, 8)).astype("float32")
    code = np.asarray(generator.exchange([own], [other], np.array([[0, 1, 0]], "float32")))
    np.testing.assert_array_equal(code[..., 3:6], other[..., 3:6])
    np.testing.assert_array_equal(code[..., :3], own[..., :3])
    np.testing.assert_array_equal(code[..., 6:], own[..., 6:])


def test_elegant_takes_of_the_exemplar_what_differs(elegance, rng):
    image, exemplar, third = rng.uniform(-1, 1, (3, 1, 64, 64, 3)).astype("float32")
    mine, theirs = np.array([[0, 1, 0]], "float32"), np.array([[1, 1, 0]], "float32")

    def out(x, labels, own):
        return np.asarray(elegance.translate(image, x, labels, image_labels=own)["image"])

    same = out(exemplar, mine, mine)
    np.testing.assert_array_equal(same, out(third, mine, mine))  # nothing differs: nothing is taken
    np.testing.assert_array_equal(same, np.asarray(elegance.reconstruct(image, mine)))
    assert np.abs(out(exemplar, theirs, mine) - same).max() > 1e-4
    assert np.abs(out(exemplar, theirs, mine) - out(third, theirs, mine)).max() > 1e-4  # its style, not its label
    everything = elegance.translate(image, exemplar)["image"]
    np.testing.assert_array_equal(np.asarray(everything), out(exemplar, 1 - mine, mine))


def test_elegant_paints_a_residual(elegance, rng):
    image, exemplar = rng.uniform(-1, 1, (2, 1, 64, 64, 3)).astype("float32")
    last = elegance.generator.last.conv
    before = [np.array(v) for v in last.variables]
    for variable in last.variables:
        variable.assign(np.zeros(variable.shape, "float32"))
    painted = np.asarray(elegance.translate(image, exemplar)["image"])
    last.bias.assign([9.0, 9.0, 9.0])  # 2 tanh(9): more than any picture can take
    white = np.asarray(elegance.translate(image, exemplar)["image"])
    for variable, value in zip(last.variables, before, strict=True):
        variable.assign(value)
    np.testing.assert_array_equal(painted, image)
    np.testing.assert_array_equal(white, np.ones_like(image))


def test_elegants_attributes_take_turns(elegance):
    own = np.array([[0, 0, 0], [1, 1, 1], [0, 1, 0], [1, 0, 1], [0, 1, 1], [0, 1, 0]], "float32")
    other = np.concatenate([own[3:], own[:3]])
    steps = []
    for step in range(3):
        elegance.generator_optimizer.iterations.assign(step)
        turn = elegance.turn(own, other)
        steps.append(np.asarray(turn.chosen).argmax(-1).tolist())
        assert np.asarray(turn.weights).tolist() == [1, 1, 0, 1, 1, 0]  # the third pair differs in nothing
        chosen = np.asarray(turn.chosen)
        np.testing.assert_array_equal(np.asarray(turn.target), np.where(chosen == 1, other, own))
    elegance.generator_optimizer.iterations.assign(0)
    # Pair 0 differs in labels 0 and 2, pair 1 in label 0 alone.
    assert [s[:2] for s in steps] == [[0, 0], [2, 0], [2, 0]] and all(s[:3] == s[3:] for s in steps)
