"""The count of floating-point operations against layers counted by hand."""

from __future__ import annotations

import pytest
import tensorflow as tf

from benchmarks.graph_flops import count

IMAGE = tf.ones((2, 8, 8, 3))
FILTER = tf.Variable(tf.ones((3, 3, 3, 5)))
STRIDED = 2 * 2 * 4 * 4 * 5 * (3 * 3 * 3)  # multiply and add; batch, height, width, filters; products of each sum


def strided(x):
    return tf.nn.conv2d(x, FILTER, 2, "SAME")


def test_a_convolution_and_its_gradients_are_three_times_the_same():
    @tf.function(autograph=False)
    def step():
        with tf.GradientTape() as tape:
            tape.watch(IMAGE)
            y = tf.reduce_sum(tf.square(strided(IMAGE)))
        return tape.gradient(y, [IMAGE, FILTER])

    kinds = ("Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter")
    assert count(step) == dict.fromkeys(kinds, STRIDED)


def test_a_gradient_penalty_goes_through_the_convolution_again():
    @tf.function(autograph=False)
    def penalty():
        with tf.GradientTape() as tape:
            with tf.GradientTape() as inner:
                inner.watch(IMAGE)
                y = tf.reduce_sum(tf.square(strided(IMAGE)))
            value = tf.reduce_sum(tf.square(inner.gradient(y, IMAGE)))
        return tape.gradient(value, FILTER)

    found = count(penalty)
    # Forward; back to the image; of that, once more forward, and to the filter by both ways.
    assert found["Conv2D"] == 2 * STRIDED and found["Conv2DBackpropInput"] == STRIDED
    assert found["Conv2DBackpropFilter"] == 2 * STRIDED


def test_products_transposed_or_not_and_in_batches():
    @tf.function(autograph=False)
    def products(a, b):
        return tf.matmul(a, b), tf.matmul(b, a, transpose_a=True, transpose_b=True), tf.matmul(a[None], b[None])

    assert sum(count(products, tf.ones((4, 6)), tf.ones((6, 7))).values()) == 3 * 2 * 4 * 6 * 7


def test_depthwise_and_functions_within_functions():
    inner = tf.function(lambda x: tf.nn.depthwise_conv2d(x, tf.ones((3, 3, 3, 2)), (1, 1, 1, 1), "VALID"))
    outer = tf.function(lambda x: inner(x) + inner(x))
    assert count(outer, IMAGE) == {"DepthwiseConv2dNative": 2 * (2 * 2 * 6 * 6 * 6 * 9)}


def test_what_cannot_be_counted_is_an_error():
    product = tf.function(lambda a: tf.einsum("ij,jk->ik", a, a), input_signature=[tf.TensorSpec((None, None))])
    with pytest.raises(ValueError, match=r"not counted|not known before it runs"):
        count(product)
    unknown = tf.function(lambda x: tf.matmul(x, x), input_signature=[tf.TensorSpec((None, 3))])
    with pytest.raises(ValueError, match="MatMul are not known before it runs"):
        count(unknown)
