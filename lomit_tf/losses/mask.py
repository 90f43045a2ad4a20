"""R1 (similarity) and R2 (sparsity), and the other losses of masks (docs/method.md, 5 and 6)."""

from __future__ import annotations

from typing import Any

from keras import ops

COSINE_EPSILON = 1e-12
EDGE_SCALE = 0.2  # colour difference, of 2.0, at which the edge term counts two near pixels as unlike


def cosine_similarity(features: Any) -> Any:
    """cos(c_i, c_j) of all pairs: (B, N, C) -> (B, N, N). A zero vector has similarity 0 with everything."""
    squared = ops.sum(ops.square(features), axis=-1, keepdims=True)
    unit = features / ops.sqrt(squared + COSINE_EPSILON)
    return ops.matmul(unit, ops.transpose(unit, (0, 2, 1)))


def mask_similarity(masks: Any, features: Any, *, cut_negative: bool = False) -> Any:
    """R1 = sum_g mean_{b, i, j} |m_i - m_j| cos(c_i, c_j): like pixels should have like mask values.

    docs/method.md, eq. (5.9). The mean over pixel pairs is from the authors' code; the paper writes a sum. Gradients
    through `features` are stopped here; that R1 reaches the mask decoder only is the caller's part (lomit_tf/model.py).

    Args:
        masks: foreground masks at the features' resolution, (B, h, w, G).
        features: content features, or colours normalised per channel, (B, h, w, C).
        cut_negative: negative similarities count as 0; otherwise unlike pixels are pushed apart.
    """
    height, width, groups = masks.shape[1:]
    count = height * width
    features = ops.stop_gradient(ops.cast(features, "float32"))
    similarity = cosine_similarity(ops.reshape(features, (-1, count, features.shape[-1])))
    if cut_negative:
        similarity = ops.maximum(similarity, 0)
    values = ops.reshape(ops.cast(masks, "float32"), (-1, count, groups))
    total = 0.0
    for g in range(groups):  # one (B, N, N) matrix at a time, not G of them: N^2 floats per image
        m = values[..., g]
        difference = ops.abs(ops.expand_dims(m, 2) - ops.expand_dims(m, 1))
        total = total + ops.mean(difference * similarity)
    return total


EDGE_STEPS = ((0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0))  # rows and columns to the neighbours compared


def edge_smoothness(masks: Any, images: Any, scale: float = EDGE_SCALE) -> Any:
    """sum_g mean |m_i - m_j| exp(-|x_i - x_j|^2 / (2 scale^2)) over near pixels: R1 made local, at full resolution.

    docs/method.md, eq. (6.8). A mask's edge costs little where the image has one too, and its length where it has none
    (a weighted total variation, as the pairwise term of Boykov and Jolly 2001).

    Args:
        masks: foreground masks (B, H, W, G).
        images: (B, H, W, 3) in [-1, 1]; no gradient.
        scale: distance in colour at which exp(-1/2) is left.
    """
    height, width = masks.shape[1:3]
    images, total = ops.stop_gradient(images), 0.0
    for down, right in EDGE_STEPS:
        rows = slice(0, height - down), slice(down, height)
        left = max(0, -right)
        columns = slice(left, width - max(0, right)), slice(left + right, width - left if right < 0 else width)
        here, there = (masks[:, r, c] for r, c in zip(rows, columns, strict=True))
        a, b = (images[:, r, c] for r, c in zip(rows, columns, strict=True))
        alike = ops.exp(-ops.sum(ops.square(a - b), axis=-1, keepdims=True) / (2 * scale * scale))
        total = total + ops.sum(ops.mean(ops.abs(here - there) * alike, axis=(0, 1, 2)))
    return total / len(EDGE_STEPS)


def irreversible(masks: Any, returned: Any, images: Any, counted: Any) -> Any:
    """sum_g mean_b w_bg mean_(pixels, channels) m_g |x121 - x1|: the cycle's error within the mask.

    docs/method.md, eq. (6.5). Gradients reach the masks only. Hair that was repainted can be painted back; skin or
    background that was painted over as hair cannot, and so the mask leaves it.

    Args:
        masks: foreground masks (B, H, W, G).
        returned, images: x121 and x1, (B, H, W, 3).
        counted: weight of each image and group, (B, G).
    """
    error = ops.stop_gradient(ops.mean(ops.abs(returned - images), axis=-1, keepdims=True))
    return ops.sum(ops.mean(ops.mean(masks * error, axis=(1, 2)) * counted, axis=0))


def normalised_channels(maps: Any) -> Any:
    """Each channel of each image brought to mean 0 and deviation 1 over space, (B, h, w, C) -> the same shape.

    Of colours it is the paper's c-hat.
    """
    maps = ops.cast(maps, "float32")
    mean = ops.mean(maps, axis=(1, 2), keepdims=True)
    variance = ops.mean(ops.square(maps - mean), axis=(1, 2), keepdims=True)
    return (maps - mean) / ops.sqrt(variance + 1e-5)


def mask_sparsity(masks: Any, success: Any | None = None, pixels: Any | None = None) -> Any:
    """R2 = sum_g mean(m_g), for foreground masks (B, H, W, G) in 0..1: docs/method.md, eq. (5.11).

    With `success` (G,), of `mask_gate`: sum_g success_g mean(m_g), without gradient to success.
    With `pixels` (B, H, W, G), of `change_weights`: sum_g mean(pixels_g m_g), without gradient to pixels.
    """
    masks = ops.cast(masks, "float32")
    if pixels is not None:
        masks = masks * ops.stop_gradient(pixels)
    area = ops.mean(masks, axis=(1, 2))  # (B, G)
    per_group = ops.mean(area, axis=0)
    return ops.sum(per_group if success is None else ops.stop_gradient(success) * per_group)


LEAST_CHANGE = 0.02  # of colours in [-1, 1]: where styles agree already, hardly any pixel changes, and none counts more


def change_weights(masks: Any, changes: list[Any], asked: Any, strength: float) -> Any:
    """What R2 counts at each pixel: more where painting changes the image less than on average within the mask.

    1 + strength * clip(1 - d / d_g, -1, 1), with d = mean over channels of |change_g| and d_g its mean weighted by m_g,
    at least LEAST_CHANGE: a region that is hardly painted does not belong to the mask, while the sparsity of the whole
    stays as it is. The scale is each image's own, since black to brown is a smaller change than black to blond.

    Args:
        masks: foreground masks (B, H, W, G); no gradient.
        changes: of every group, what its painter changes in the image, (B, H, W, 3); no gradient.
        asked: (B, G), 1 where the group was transferred; elsewhere nothing is painted, and all pixels count 1.
        strength: 0..1.

    Returns:
        (B, H, W, G), from 1 - strength to 1 + strength.
    """
    masks = ops.stop_gradient(ops.cast(masks, "float32"))
    change = ops.concatenate([ops.mean(ops.abs(ops.cast(c, "float32")), axis=-1, keepdims=True) for c in changes], -1)
    change = ops.stop_gradient(change)
    total = ops.sum(masks, axis=(1, 2), keepdims=True)
    average = ops.sum(masks * change, axis=(1, 2), keepdims=True) / ops.maximum(total, 1e-6)
    less = ops.clip(1 - change / ops.maximum(average, LEAST_CHANGE), -1, 1)
    return 1 + strength * less * ops.reshape(asked, (-1, 1, 1, masks.shape[-1]))
