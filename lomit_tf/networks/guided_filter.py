"""The guided filter (He, Sun and Tang 2010): gives masks the image's edges (docs/method.md, eqs. (3.3), (3.4))."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops

from lomit_tf.networks.colour import luminance

EPSILON = 4e-3  # variance, of values in [-1, 1], at and below which an edge of the guide counts as none


def box(x: Any, radius: int) -> Any:
    """Mean over the squares of side 2 radius + 1 within the image: (B, H, W, C) -> the same shape.

    Two pools, and as gradient the same two on g / n, times n, with n the pixels in each square: the sums over squares
    are symmetric. TensorFlow's gradient of a pool takes ten times as long as the pool (docs/performance.md).
    """

    def means(x: Any) -> Any:
        for window in ((2 * radius + 1, 1), (1, 2 * radius + 1)):
            x = ops.average_pool(x, window, strides=1, padding="same", data_format="channels_last")
        return x

    def within(size: int) -> list[float]:  # pixels of the window around each of a line's
        return [min(i + radius, size - 1) - max(i - radius, 0) + 1.0 for i in range(size)]

    rows, columns = (within(size) for size in x.shape[1:3])
    counts = ops.convert_to_tensor([[[row * column] for column in columns] for row in rows], dtype="float32")

    @ops.custom_gradient
    def mean(x: Any) -> Any:
        def gradient(*args: Any, upstream: Any = None) -> Any:
            return counts * means((args[0] if upstream is None else upstream) / counts)

        return means(x), gradient

    return mean(x)


def guided_filter(values: Any, guide: Any, radius: int, epsilon: float = EPSILON) -> Any:
    """In every square the line a * guide + b nearest to the values; at each pixel the mean of its squares' lines.

    Linear in the values. Where the guide is flat they are averaged, where it has an edge they take it over.

    Args:
        values: (B, H, W, C), float32.
        guide: (B, H, W, 1) in [-1, 1], float32.
        radius: of the squares, in pixels.
        epsilon: of the guide's variance: what counts as flat.
    """
    means = box(ops.concatenate([guide, guide * guide, values, guide * values], axis=-1), radius)
    mean, square = means[..., :1], means[..., 1:2]  # slices: XNNPACK takes splits into equal parts only
    of_values, of_products = ops.split(means[..., 2:], 2, axis=-1)
    slope = (of_products - mean * of_values) / (square - mean * mean + epsilon)
    lines = box(ops.concatenate([slope, of_values - slope * mean], axis=-1), radius)
    slope, offset = ops.split(lines, 2, axis=-1)
    return slope * guide + offset


def sharpen(masks: Any, images: Any, radius: int, kept: Sequence[int] = ()) -> Any:
    """Masks (B, H, W, R) that sum to 1, background last, with the edges of the images (B, H, W, 3) in [-1, 1].

    The filter leaves 0..1 by a little at edges: cut off, and where groups then exceed 1 together they are scaled. The
    images get no gradient. Groups of the indices `kept` are not filtered.
    """
    guide = ops.stop_gradient(luminance(ops.cast(images, "float32")))
    if kept:
        each = [masks[..., g : g + 1] for g in range(masks.shape[-1] - 1)]
        chosen = [g for g in range(len(each)) if g not in kept]
        if chosen:
            filtered = guided_filter(ops.concatenate([each[g] for g in chosen], axis=-1), guide, radius)
            for n, g in enumerate(chosen):
                each[g] = filtered[..., n : n + 1]
        groups = ops.relu(ops.concatenate(each, axis=-1))
    else:
        groups = ops.relu(guided_filter(masks[..., :-1], guide, radius))
    groups = groups / ops.maximum(ops.sum(groups, axis=-1, keepdims=True), 1.0)
    return ops.concatenate([groups, 1 - ops.sum(groups, axis=-1, keepdims=True)], axis=-1)
