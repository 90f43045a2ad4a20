"""A convolution of an upsampled map, computed on the small map: the same numbers, gradients and weights."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.signal import correlate

from lomit_tf.networks.blocks import ConvBlock, kernels_as_they_are
from lomit_tf.networks.upsampling import FOLDS, UpsampledConvBlock, upsample, upsampled_convolution

SIZES = [(2, 2), (2, 5), (3, 2), (4, 4)]


def slowly(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Repeated, reflected and convolved, by NumPy and SciPy alone."""
    reach = kernel.shape[0] // 2
    large = x.repeat(2, axis=1).repeat(2, axis=2)
    large = np.pad(large, ((0, 0), (reach, reach), (reach, reach), (0, 0)), mode="reflect")
    found = [
        sum(correlate(image[..., c], kernel[..., c, d], mode="valid") for c in range(x.shape[-1]))
        for image in large
        for d in range(kernel.shape[-1])
    ]
    shape = (len(x), kernel.shape[-1], 2 * x.shape[1], 2 * x.shape[2])
    return np.moveaxis(np.reshape(found, shape), 1, -1)


@pytest.mark.parametrize("size", sorted(FOLDS))
@pytest.mark.parametrize("shape", SIZES, ids=str)
def test_it_is_the_convolution_of_the_repeated_and_reflected_map(rng, shape, size):
    x = rng.normal(size=(2, *shape, 3)).astype(np.float32)
    kernel = rng.normal(size=(size, size, 3, 2)).astype(np.float32)
    np.testing.assert_allclose(upsampled_convolution(x, kernel), slowly(x, kernel), atol=2e-5)


@pytest.mark.parametrize("size", [1, *sorted(FOLDS), 7])
@pytest.mark.parametrize("more", [0, 2])
def test_block_and_gradients_are_those_of_a_block_after_upsampling(rng, size, more):
    x = tf.constant(rng.normal(size=(2, 4, 6, 3)), tf.float32)
    extra = tf.constant(rng.normal(size=(2, 8, 12, more)), tf.float32)
    block = UpsampledConvBlock(5, size, norm="layer", activation=None)
    plain = ConvBlock(5, size, norm="layer", activation=None)

    def ours(x, extra):
        return block(x, extra) if more else block(x)

    def theirs(x, extra):
        return plain(tf.concat([upsample(x), extra], axis=-1))

    ours(x, extra), theirs(x, extra)
    assert [v.shape for v in block.weights] == [v.shape for v in plain.weights]
    values = [rng.normal(size=v.shape) for v in plain.weights]
    block.set_weights(values)
    plain.set_weights(values)
    upstream = tf.constant(rng.normal(size=(2, 8, 12, 5)), tf.float32)
    found = []
    for call, layer in ((ours, block), (theirs, plain)):
        with tf.GradientTape() as tape:
            tape.watch([x, extra])
            y = call(x, extra)
            total = tf.reduce_sum(y * upstream)
        found.append([y, *tape.gradient(total, [x, extra, *layer.trainable_variables], unconnected_gradients="zero")])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-4)


def test_a_bias_is_added_and_the_policys_type_is_kept(rng):
    x = rng.normal(size=(1, 4, 4, 2)).astype(np.float32)
    block = UpsampledConvBlock(3, 5, norm=None, activation="relu", dtype="mixed_bfloat16")
    before = np.asarray(keras.ops.cast(block(x), "float32"))
    assert block(x).dtype == "bfloat16" and block.conv.kernel.dtype == "float32"
    block.conv.bias.assign([100.0, 0.0, -100.0])
    after = np.asarray(keras.ops.cast(block(x), "float32"))
    assert after[..., 0].min() > 80 and (after[..., 2] == 0).all()
    np.testing.assert_array_equal(after[..., 1], before[..., 1])


def test_kernels_stay_as_they_are_where_a_converter_asks_for_them(rng):
    x = rng.normal(size=(1, 6, 6, 2)).astype(np.float32)
    for block in (UpsampledConvBlock(3, 5), UpsampledConvBlock(3, 3), ConvBlock(1, 5)):
        faster = block(x)
        with kernels_as_they_are():
            graph = tf.function(lambda x, block=block: block(x), autograph=False).get_concrete_function(x).graph
            np.testing.assert_allclose(block(x), faster, atol=1e-5)
        kernels = {tuple(op.inputs[1].shape) for op in graph.get_operations() if op.type == "Conv2D"}
        assert kernels == {tuple(block.conv.kernel.shape)}
