"""Building blocks shared by the networks: padded convolutions, residual blocks."""

from __future__ import annotations

import contextlib
import contextvars
import functools
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import keras
from keras import layers, ops

Norm: TypeAlias = str | None  # "instance", "plain" (that without scale and offset), "layer" or None
CONSTANT = 1e-8  # a variance at and below which a channel counts as constant
_kernels_as_they_are = contextvars.ContextVar("kernels_as_they_are", default=False)
DType: TypeAlias = "str | keras.DTypePolicy | None"


class SpatialNorm(layers.Layer):
    """(x - mean) / sqrt(variance + 1e-5), over `axes` of each (B, H, W, C) image; scale and offset per channel.

    docs/method.md, eq. (2.2). In values it is keras.layers.GroupNormalization with groups=-1 (instance norm, Ulyanov et
    al. 2016) or groups=1, in float32; on a CPU it took 1.7 times as long (docs/performance.md). What it is for is the
    gradient of constants: there every normalisation multiplies by 1 / sqrt(1e-5) = 316, and a stack of them overflows
    on one white image. Here the constant passes no gradient.
    """

    def __init__(self, axes: tuple[int, ...], *, affine: bool = True, dtype: DType = None) -> None:
        super().__init__(dtype=dtype)
        self.axes, self.affine = axes, affine

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Scale and offset, (C,) each."""
        if self.affine:
            shape = (input_shape[-1],)
            self.gamma = self.add_weight(shape=shape, initializer="ones", name="gamma", autocast=False)
            self.beta = self.add_weight(shape=shape, initializer="zeros", name="beta", autocast=False)

    def call(self, x: Any) -> Any:
        """(B, H, W, C) -> the same shape, in the layer's compute dtype."""
        x = ops.cast(x, "float32")
        mean, variance = ops.moments(x, self.axes, keepdims=True)
        scale = above(variance, CONSTANT) * ops.rsqrt(variance + 1e-5)
        if self.affine:
            x = (x - mean) * (scale * self.gamma) + self.beta
        else:
            x = (x - mean) * scale
        return ops.cast(x, self.compute_dtype)


def above(x: Any, threshold: float) -> Any:
    """1.0 where x > threshold, else 0.0, of arithmetic alone; its gradient is 0.

    XNNPACK takes no comparison, and each one would cut TFLite's graph in two. Twice 6e4 makes a step that is 1
    from threshold + 3e-10 on, of factors that float16 can hold.
    """
    step = ops.minimum(ops.relu(x - threshold) * 6e4, 1.0)
    return ops.stop_gradient(ops.minimum(step * 6e4, 1.0))


def instance_norm(*, affine: bool = True, dtype: DType = None) -> layers.Layer:
    """Normalisation per image and channel over space."""
    return SpatialNorm((1, 2), affine=affine, dtype=dtype)


def layer_norm(*, dtype: DType = None) -> layers.Layer:
    """Normalisation per image over space and channels (as in MUNIT's decoder)."""
    return SpatialNorm((1, 2, 3), dtype=dtype)


def make_norm(norm: Norm, dtype: DType) -> layers.Layer | None:
    """The layer named by `norm`; None for None."""
    makers: dict[str, Callable[..., layers.Layer]] = {
        "instance": instance_norm, "plain": functools.partial(instance_norm, affine=False), "layer": layer_norm
    }  # fmt: skip
    return makers[norm](dtype=dtype) if norm else None


def reflect_pad(x: Any, before: int, after: int) -> Any:
    """(B, H, W, C) with `before` rows and columns reflected at the top and left, and `after` at the bottom and right.

    ops.pad(mode="reflect") in slices: XNNPACK does not take TFLite's MIRROR_PAD, which was most of the time of a
    translation there (docs/export.md). The gradient folds the borders back in one piece: the gradients of single
    rows would each be a map of full size (docs/performance.md).
    """
    for axis in (1, 2):
        x = reflect_along(x, axis, before, after)
    return x


def _rows(x: Any, axis: int, start: int, stop: int) -> Any:
    return x[:, start:stop] if axis == 1 else x[:, :, start:stop]


def _joined(parts: list[Any], axis: int) -> Any:
    return ops.concatenate(parts, axis=axis) if len(parts) > 1 else parts[0]


def reflect_along(x: Any, axis: int, before: int, after: int) -> Any:
    """`reflect_pad` along one axis, 1 or 2."""
    size = x.shape[axis]
    if not before and not after:
        return x

    @ops.custom_gradient
    def padded(x: Any) -> Any:
        top = [_rows(x, axis, i, i + 1) for i in range(before, 0, -1)]
        bottom = [_rows(x, axis, i, i + 1) for i in range(size - 2, size - 2 - after, -1)]

        def gradient(*args: Any, upstream: Any = None) -> Any:
            return _fold(args[0] if upstream is None else upstream, axis, size, before, after)

        return _joined([*top, x, *bottom], axis), gradient

    return padded(x)


def _fold(g: Any, axis: int, size: int, before: int, after: int) -> Any:
    """The adjoint of reflecting: every row of the borders is added to the row that it mirrors."""

    def row(i: int) -> Any:  # of the unpadded map, with all that mirrors it
        parts = [_rows(g, axis, before + i, before + i + 1)]
        if 1 <= i <= before:
            parts.append(_rows(g, axis, before - i, before - i + 1))
        if size - 1 - after <= i <= size - 2:
            mirrored = before + 2 * (size - 1) - i
            parts.append(_rows(g, axis, mirrored, mirrored + 1))
        return sum(parts[1:], parts[0])

    first, last = before + 1, size - 1 - after  # the rows from `first` to `last` are mirrored nowhere
    if first >= last:
        return _joined([row(i) for i in range(size)], axis)
    middle = _rows(g, axis, before + first, before + last)
    return _joined([*map(row, range(first)), middle, *map(row, range(last, size))], axis)


@contextlib.contextmanager
def kernels_as_they_are() -> Iterator[None]:
    """Within it no convolution rearranges its kernel, for the same numbers: a converter then stores the weights."""
    before = _kernels_as_they_are.set(True)
    try:
        yield
    finally:
        _kernels_as_they_are.reset(before)


def may_rearrange() -> bool:
    """Whether a convolution may compute with a rearranged kernel where that is faster."""
    return not _kernels_as_they_are.get()


class NarrowConv2D(layers.Conv2D):
    """Conv2D with stride 1, "valid", of few filters: (B, H, W, C) -> (B, H - k + 1, W - k + 1, filters).

    A convolution along the rows gives every line of the kernel as channels of its own, which are added after they are
    shifted: the same sum. TensorFlow's CPU convolution leaves most of its arithmetic unused where there are one or
    three filters, and its gradients took four times as long (docs/performance.md).
    """

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """The convolution without bias and activation."""
        if not may_rearrange():
            return super().convolution_op(inputs, kernel)
        size, _, channels, filters = kernel.shape
        lines = ops.reshape(ops.transpose(kernel, (1, 2, 0, 3)), (1, size, channels, size * filters))
        parts = ops.split(super().convolution_op(inputs, lines), size, axis=-1)
        height = inputs.shape[1] - size + 1
        return sum((part[:, i : i + height] for i, part in enumerate(parts[1:], 1)), parts[0][:, :height])


class ConvBlock(layers.Layer):
    """Reflection padding, convolution, normalisation, activation: (B, H, W, C) -> (B, H/stride, W/stride, filters).

    Args:
        filters: channels of the output.
        kernel: kernel size; odd for stride 1, 4 for stride 2 (the field's choice, free of checkerboards).
        stride: 1 or 2.
        norm: "instance", "plain", "layer" or None.
        activation: a Keras activation name, a callable or None.
        use_bias: false where the caller normalises; with `norm` there is never one.
        dtype: Keras dtype policy of the block.
    """

    def __init__(
        self,
        filters: int,
        kernel: int,
        stride: int = 1,
        *,
        norm: Norm = "instance",
        activation: str | Callable[[Any], Any] | None = "relu",
        initializer: str | keras.Initializer = "he_normal",
        use_bias: bool = True,
        dtype: DType = None,
    ) -> None:
        super().__init__(dtype=dtype)
        total = kernel - stride  # so that the output is exactly H/stride
        self.padding = ((total + 1) // 2, total // 2)
        # A bias before a normalisation that subtracts the mean would do nothing.
        narrow = filters <= 4 and kernel >= 5 and stride == 1
        self.conv = (NarrowConv2D if narrow else layers.Conv2D)(
            filters, kernel, stride, use_bias=use_bias and norm is None, kernel_initializer=initializer, dtype=dtype,
            data_format="channels_last",
        )  # fmt: skip
        self.norm = make_norm(norm, dtype)
        self.activation = keras.activations.get(activation)
        self.built = True  # no weights of its own: the parts are built by their first call

    def call(self, x: Any) -> Any:
        """Shapes as in the class."""
        return self.finished(self.conv(reflect_pad(x, *self.padding)))

    def finished(self, x: Any) -> Any:
        """What comes after the convolution."""
        if self.norm is not None:
            x = self.norm(x)
        return self.activation(x)


class ResidualBlock(layers.Layer):
    """x + F(x) with two 3x3 convolutions, He et al. 2016: (B, H, W, filters) -> the same shape."""

    def __init__(self, filters: int, *, norm: Norm = "instance", dtype: DType = None) -> None:
        super().__init__(dtype=dtype)
        self.first = ConvBlock(filters, 3, norm=norm, dtype=dtype)
        self.second = ConvBlock(filters, 3, norm=norm, activation=None, dtype=dtype)
        self.built = True  # no weights of its own: the parts are built by their first call

    def call(self, x: Any) -> Any:
        """Shapes as in the class."""
        return x + self.second(self.first(x))


def area_pool(x: Any, size: int) -> Any:
    """Area averaging to (B, size, size, C); the side of x must be a multiple of size.

    The mean of a soft mask over a cell is the share of the cell that it covers, so m and 1 - m stay complementary
    (docs/method.md, eq. (3.5)).
    """
    factor = x.shape[1] // size
    return ops.average_pool(x, factor, factor, data_format="channels_last") if factor > 1 else x
