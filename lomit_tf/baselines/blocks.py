"""Layers that several methods share, beside those of `lomit_tf.networks.blocks`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import layers, ops

from lomit_tf.networks.blocks import DType, Norm, make_norm


def with_planes(image: Any, labels: Any) -> Any:
    """Images (B, H, W, C) and labels (B, K) -> (B, H, W, C + K): each label as a plane of its value."""
    planes = ops.cast(labels, image.dtype)[:, None, None, :]
    shape = (ops.shape(image)[0], image.shape[1], image.shape[2], labels.shape[-1])
    return ops.concatenate([image, ops.broadcast_to(planes, shape)], axis=-1)


class Chain(layers.Layer):
    """The layers of `blocks`, which a subclass makes, one after the other."""

    blocks: list[layers.Layer]

    def call(self, x: Any) -> Any:
        """Shapes as in the class."""
        for block in self.blocks:
            x = block(x)
        return x


class _ConvNormActivation(layers.Layer):
    """A convolution, normalisation, activation."""

    def __init__(self, conv: layers.Layer, norm: Norm, activation: Any, dtype: DType) -> None:
        super().__init__(dtype=dtype)
        self.conv, self.norm = conv, make_norm(norm, dtype)
        self.activation = keras.activations.get(activation)
        self.built = True  # no weights of its own: the parts are built by their first call

    def call(self, x: Any) -> Any:
        """Shapes as in the class."""
        x = self.conv(x)
        if self.norm is not None:
            x = self.norm(x)
        return self.activation(x)


class SameConvBlock(_ConvNormActivation):
    """Convolution padded with zeros, normalisation, activation: (B, H, W, C) -> (B, H/stride, W/stride, filters).

    `ConvBlock` with zeros in the place of reflections: where planes of a constant come in, the border tells an instance
    normalisation of them, which would otherwise take them away.
    """

    def __init__(
        self, filters: int, kernel: int, stride: int = 1, *, norm: Norm = "instance",
        activation: str | Callable[[Any], Any] | None = "relu", use_bias: bool = True, dtype: DType = None,
    ) -> None:  # fmt: skip
        conv = layers.Conv2D(
            filters, kernel, stride, padding="same", use_bias=use_bias and norm is None,
            kernel_initializer="he_normal" if activation == "relu" else "glorot_normal",
            data_format="channels_last", dtype=dtype,
        )  # fmt: skip
        super().__init__(conv, norm, activation, dtype)


class SameResidualBlock(layers.Layer):
    """x + F(x) with two 3x3 convolutions padded with zeros: (B, H, W, filters) -> the same shape."""

    def __init__(self, filters: int, *, dtype: DType = None) -> None:
        super().__init__(dtype=dtype)
        self.first = SameConvBlock(filters, 3, dtype=dtype)
        self.second = SameConvBlock(filters, 3, activation=None, dtype=dtype)
        self.built = True  # no weights of its own: the parts are built by their first call

    def call(self, x: Any) -> Any:
        """Shapes as in the class."""
        return x + self.second(self.first(x))


class UpConvBlock(_ConvNormActivation):
    """Transposed convolution of stride 2, normalisation, activation: (B, H, W, C) -> (B, 2H, 2W, filters)."""

    def __init__(
        self, filters: int, kernel: int = 4, *, norm: Norm = "instance",
        activation: str | Callable[[Any], Any] | None = "relu", use_bias: bool = True, dtype: DType = None,
    ) -> None:  # fmt: skip
        conv = layers.Conv2DTranspose(
            filters, kernel, 2, padding="same", use_bias=use_bias and norm is None, kernel_initializer="he_normal",
            data_format="channels_last", dtype=dtype,
        )  # fmt: skip
        super().__init__(conv, norm, activation, dtype)
