"""Nearest-neighbour upsampling, and a convolution after it that is computed before it.

A pixel that is repeated twice along each side meets several taps of the kernel at once. Each of the four pixels that
one pixel becomes therefore sees at most 3 x 3 different values through a 5 x 5 kernel, and 2 x 2 through a 3 x 3 one:
its convolution is one of the small map, by a kernel whose taps are sums (docs/performance.md). This takes 9 of 25
multiplications, or 6 of 9, for the same numbers.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from lomit_tf.networks.blocks import ConvBlock, may_rearrange, reflect_along, reflect_pad


def upsample(x: Any) -> Any:
    """Nearest-neighbour upsampling by 2: (B, H, W, C) -> (B, 2H, 2W, C).

    In concatenations: UpSampling2D becomes a five-dimensional TILE in TFLite, which XNNPACK refuses.
    """
    height, width, channels = x.shape[1:]
    x = ops.reshape(ops.concatenate([x, x], axis=3), (-1, height, 2 * width, channels))
    return ops.reshape(ops.concatenate([x, x], axis=2), (-1, 2 * height, 2 * width, channels))


class UpsampledConvBlock(ConvBlock):
    """`ConvBlock` of stride 1 on the upsampled input: (B, H, W, C) -> (B, 2H, 2W, filters).

    The same weights, and the same numbers but for the order of sums, as ConvBlock(upsample(x)), reflection padding of
    the upsampled map included. Arguments are those of ConvBlock, without a stride.
    """

    def __init__(self, filters: int, kernel: int, **options: Any) -> None:
        super().__init__(filters, kernel, **options)
        self.folds = kernel in FOLDS
        self.built = False

    def build(self, x_shape: tuple[int | None, ...], more_shape: tuple[int | None, ...] | None = None) -> None:
        """The convolution's weights: those of all channels, the given ones first."""
        channels = (x_shape[-1] or 0) + ((more_shape[-1] or 0) if more_shape else 0)
        self.conv.build((None, None, None, channels))
        self.built = True

    def call(self, x: Any, more: Any = None) -> Any:
        """Shapes as in the class; `more` (B, 2H, 2W, D) are further channels of the upsampled input, after x's."""
        if not self.folds or not may_rearrange():
            x = upsample(x)
            return super().call(x if more is None else ops.concatenate([x, more], axis=-1))
        kernel = ops.convert_to_tensor(self.conv.kernel)
        channels = x.shape[-1]
        found = upsampled_convolution(x, kernel[:, :, :channels])
        if more is not None:
            found = found + _convolution(reflect_pad(more, *self.padding), kernel[:, :, channels:])
        if self.conv.use_bias:
            found = found + self.conv.bias
        return self.finished(found)


# Kernel size -> for the first and the second of two repeated pixels: where the sums of taps begin, counted from the
# pixel itself, and which taps of the kernel meet in each of them.
FOLDS = {
    3: ((-1, ((0,), (1, 2))), (0, ((0, 1), (2,)))),
    5: ((-1, ((0, 1), (2, 3), (4,))), (-1, ((0,), (1, 2), (3, 4)))),
}


def upsampled_convolution(x: Any, kernel: Any) -> Any:
    """The convolution of upsample(x), reflected at its borders by k // 2.

    Args:
        x: (B, H, W, C), H and W at least 2.
        kernel: (k, k, C, D), k being 3 or 5.

    Returns:
        (B, 2H, 2W, D).
    """
    height, width = x.shape[1:3]
    filters, size = kernel.shape[-1], kernel.shape[0]
    wide = _edges_repeated(x, axis=2)
    both = _edges_repeated(wide, axis=1)
    rows = []
    for first, taps in FOLDS[size]:
        count = height + len(taps) - 1
        found = _convolution(both[:, first + 1 : first + 1 + count], _for_both_columns(_folded(kernel, taps, axis=0)))
        rows.append(ops.reshape(found, (-1, height, 2 * width, filters)))
    found = ops.reshape(ops.concatenate(rows, axis=2), (-1, 2 * height, 2 * width, filters))
    return found if size == 3 else found + _border_rows(wide, kernel) + _border_columns(x, kernel)


def _convolution(x: Any, kernel: Any) -> Any:
    return ops.conv(x, kernel, 1, "valid", data_format="channels_last")


def _edges_repeated(x: Any, axis: int) -> Any:
    first, last = (x[:, :1], x[:, -1:]) if axis == 1 else (x[:, :, :1], x[:, :, -1:])
    return ops.concatenate([first, x, last], axis=axis)


def _folded(kernel: Any, taps: tuple[tuple[int, ...], ...], axis: int) -> Any:
    """The kernel with the taps along one axis summed: its size there is the number of sums."""

    def tap(i: int) -> Any:
        return kernel[i : i + 1] if axis == 0 else kernel[:, i : i + 1]

    return ops.concatenate([sum(map(tap, group[1:]), tap(group[0])) for group in taps], axis=axis)


def _for_both_columns(kernel: Any) -> Any:
    """(r, k, C, D) -> (r, 3, C, 2D): the filters of the left pixels, then of the right ones, over the same columns."""
    sides = []
    for first, taps in FOLDS[kernel.shape[1]]:
        before = first + 1
        room = ((0, 0), (before, 3 - before - len(taps)), (0, 0), (0, 0))
        folded = _folded(kernel, taps, axis=1)
        sides.append(ops.pad(folded, room) if len(taps) < 3 else folded)
    return ops.concatenate(sides, axis=-1)


# Repeating the small map's edge gives what reflection of the large one gives, except that the outermost tap of a 5 x 5
# kernel meets the second pixel there, and not the first.


def _border_rows(wide: Any, kernel: Any) -> Any:
    """What the outermost tap's row adds to the first and the last row: (B, 2H, 2W, D), zero between them."""
    height, width = wide.shape[1], wide.shape[2] - 2

    def row(second: int, edge: int, tap: int) -> Any:
        change = wide[:, second : second + 1] - wide[:, edge : edge + 1]
        found = _convolution(change, _for_both_columns(kernel[tap : tap + 1]))
        return ops.reshape(found, (-1, 1, 2 * width, kernel.shape[-1]))

    return _with_zeros_between(row(1, 0, 0), row(height - 2, height - 1, 4), 2 * height - 2, axis=1)


def _border_columns(x: Any, kernel: Any) -> Any:
    """The same for columns, whose own ends are reflected: (B, 2H, 2W, D), zero between them."""
    height, width, channels = x.shape[1:]

    def column(second: int, edge: int, tap: int) -> Any:
        change = x[:, :, second : second + 1] - x[:, :, edge : edge + 1]
        tall = ops.reshape(ops.concatenate([change, change], axis=2), (-1, 2 * height, 1, channels))
        return _convolution(reflect_along(tall, 1, 2, 2), kernel[:, tap : tap + 1])

    return _with_zeros_between(column(1, 0, 0), column(width - 2, width - 1, 4), 2 * width - 2, axis=2)


def _with_zeros_between(first: Any, last: Any, count: int, axis: int) -> Any:
    zeros = ops.repeat(ops.zeros_like(first), count, axis=axis)
    return ops.concatenate([first, zeros, last], axis=axis)
