"""The colour painter: local curves of luminance, painted as the difference between two styles.

A curve says for each of BINS luminances how a pixel's colour changes; a coarse grid of them covers the picture. What
is painted at full resolution is only the look-up, in the photograph's own pixels (docs/method.md, 7.2).
"""

from __future__ import annotations

from typing import Any

from keras import layers, ops

from lomit_tf.config import ModelConfig
from lomit_tf.networks.blocks import ConvBlock, DType, ResidualBlock, area_pool
from lomit_tf.networks.colour import FIRST, LEAST_DEVIATION, TO_RGB, luminance
from lomit_tf.networks.hadain import HighwayAdaIN

BINS = 8  # K
CURVE = 4 * BINS  # numbers of a finished curve: the change of red, green and blue, and of saturation, of each bin
CELL = 8  # pixels of the image to one cell of the grid
CENTRES = tuple((2 * k + 1) / BINS - 1 for k in range(BINS))  # luminances of the bins, in [-1, 1]
# b: the learned correction of Y, Cb and Cr stays within +-b, of values in [-1, 1]. With 0.12 for the colour differences
# it left patches of violet and pink, and brought the mean colour no nearer (docs/lab_book.md, tints).
CORRECTION = (0.4, 0.02, 0.02)
GAIN = (0.6, 1.6)  # bounds of the ratio of deviations: beyond, a region turns chalky or grainy
FLOOR, CEILING, SOFTNESS = -0.92, 0.97, 0.08  # of painted luminance, and how softly it bends there
SATURATION = (0.3, 1.0)  # bounds of the ratio of deviations from the lines: none becomes more colourful than it was
LINE_END = 1.5  # deviations of luminance from the mean, beyond which colour differences stay as they are there
LEAST_DARK = 0.02  # of luminance above black: a line's lower end is at least as light
# So many deviations from the region's mean luminance pixels change fully, and not at all; a deviation counts as at
# least the third.
LIKELY = (2.5, 4.0, 0.08)
# Where a region ends: shares of the surroundings beside it and within from which both are known, differences of
# luminance from which one tells them apart, and where between the two mixtures begin and end.
EDGE = (0.02, 0.1)
CONTRAST = (0.15, 0.4)
MIXED = (0.15, 0.9)
TOWARDS = (0.0, 0.3)  # by how much the region's luminance moves towards its surroundings' for this to matter
LEAST_AREA = 1e-4
SLOPE = (0.1, 2.0)  # of the whole tone curve: neighbouring luminances neither invert nor tear apart


class CurveHead(layers.Layer):
    """F: HAdaIN -> residual blocks (layer norm) -> conv 3x3 -> a grid of curves (B, H/8, W/8, 3 * BINS), float32.

    Channel 3 k + colour, in luminance and two colour differences, unbounded; `correction` bounds the difference of two.
    """

    def __init__(self, config: ModelConfig, dtype: DType = None) -> None:
        super().__init__(dtype=dtype)
        channels = 4 * config.base_channels
        self.statistics = 2 * channels  # of one region: what the style MLPs have to give
        self.inject = HighwayAdaIN(dtype=dtype)
        self.residual = [ResidualBlock(channels, norm="layer", dtype=dtype) for _ in range(config.residual_blocks)]
        self.maps = ConvBlock(3 * BINS, 3, norm=None, activation=None, initializer="glorot_uniform", dtype=dtype)
        self.built = True  # no weights of its own: the parts are built by their first call

    def call(self, content: Any, masks: Any, statistics: Any) -> Any:
        """c (B, H/4, W/4, C), masks (B, H, W, R) and statistics (B, R, self.statistics) as of HighwayAdaIN."""
        x = self.inject(content, masks, statistics)
        for block in self.residual:
            x = block(x)
        maps = ops.cast(self.maps(x), "float32")
        return area_pool(maps, maps.shape[1] // 2)


def correction(target: Any, own: Any) -> Any:
    """b tanh((F(target) - F(own)) / b): grids (..., 3 * BINS), exactly 0 where the two are equal. Eq. (7.5)."""
    bound = ops.convert_to_tensor(CORRECTION * BINS, dtype="float32")
    return bound * ops.tanh((target - own) / bound)


def closed_form(target: Any, own: Any) -> Any:
    """Curves that carry one region's colour moments to another's, without anything learned: eqs. (7.2) to (7.4).

    Y:      bend((c_k - mean_o) clip(dev_w / dev_o, GAIN) + mean_w) - bend((c_k - mean_o) + mean_o)
    Cb, Cr: line_w(Y after) - line_o(Y before), line(l) = mean + slope clip(l - mean_Y, +-LINE_END dev_Y), which goes
            straight to 0 from its lower end to black

    Blond hair is yellow where it is of middle lightness, and less so in its shadows and highlights: a shift that is
    alike for all luminances would leave these blue. Equal moments give exactly 0, since both sides are one expression.

    Args:
        target, own: moments (B, R, 8) of `region_moments`.

    Returns:
        (B, R, 3 * BINS), channel 3 k + colour, in luminance and colour differences.
    """
    centres = ops.reshape(ops.convert_to_tensor(CENTRES, dtype="float32"), (1, 1, BINS))
    around = centres - own[..., :1]
    ratio = (target[..., 3:4] + LEAST_DEVIATION) / (own[..., 3:4] + LEAST_DEVIATION)
    after = _bend(around * ops.clip(ratio, *GAIN) + target[..., :1])
    before = _bend(around * 1.0 + own[..., :1])
    parts = [after - before]
    for colour in (1, 2):
        parts.append(_line(target, colour, after) - _line(own, colour, before))
    joined = ops.stack(parts, axis=-1)  # (B, R, BINS, 3)
    return ops.reshape(joined, (-1, target.shape[1], 3 * BINS))


def _bend(luminances: Any) -> Any:
    """A soft floor and ceiling of painted luminance."""
    raised = FLOOR + SOFTNESS * ops.softplus((luminances - FLOOR) / SOFTNESS)
    return CEILING - SOFTNESS * ops.softplus((CEILING - raised) / SOFTNESS)


def _line(moments: Any, colour: int, luminances: Any) -> Any:
    """The colour difference 1 or 2 that a region has at luminances (B, R, BINS): of one saturation below its line."""
    reach = LINE_END * moments[..., 3:4]
    away = ops.minimum(ops.maximum(luminances - moments[..., :1], -reach), reach)
    line = moments[..., colour : colour + 1] + moments[..., FIRST + colour - 1 : FIRST + colour] * away
    end = ops.maximum(moments[..., :1] - reach, LEAST_DARK - 1)
    return line * ops.clip((luminances + 1) / (end + 1), 0.0, 1.0)


def finished(curves: Any, target: Any, own: Any, shares: Any = 1.0) -> Any:
    """What a region's curves become: likely luminances alone, monotone, in red, green and blue, and in saturation.

    Eqs. (7.5), (7.6) and (7.13).

    Args:
        curves: (B, h, w, 3 * BINS) in luminance and colour differences.
        target, own: the region's moments as they are to be and in the picture that is painted, (B, 8).
        shares: of `edge_shares` (B, h, w, BINS): how much of a pixel beside the region is the region's.

    Returns:
        (B, h, w, 4 * BINS), channel 4 k + colour; the fourth is what each pixel's own colour differences are
        multiplied by, less 1.
    """
    share = _for_grid(likely(own)) * shares
    less = saturation(target, own)  # (B, 1)
    centres = _bend(ops.reshape(ops.convert_to_tensor(CENTRES, dtype="float32"), (1, BINS)) + 0.0 * own[:, :1])
    # gamma scales what a pixel deviates from its region's line: gamma (C - line) + line = C + (gamma - 1) (C - line).
    back = [-less * _line(own, colour, centres) for colour in (1, 2)]
    moved = curves + _for_grid(_interleave(0.0 * back[0], *back))
    painted = to_rgb(monotone(moved * _interleave(share, share, share), own))
    rgb = [painted[..., c::3] for c in range(3)]
    # `+ 0 * rgb` makes it a whole grid, also where `shares` is one number.
    return _interleave(*rgb, share * _for_grid(less) + 0.0 * rgb[0])


def saturation(target: Any, own: Any) -> Any:
    """gamma - 1 of eq. (7.13): moments (B, 8) twice -> (B, 1), exactly 0 for equal ones."""

    def deviation(moments: Any) -> Any:
        """Of both colour differences from their lines: sqrt(sum_C max(0, dev_C^2 - slope_C^2 dev_Y^2))."""
        left = [
            ops.square(moments[:, 3 + c : 4 + c]) - ops.square(moments[:, FIRST - 1 + c : FIRST + c] * moments[:, 3:4])
            for c in (1, 2)
        ]
        return ops.sqrt(sum(ops.maximum(part, LEAST_DEVIATION**2) for part in left))

    return ops.clip(deviation(target) / deviation(own), *SATURATION) - 1.0


def edge_shares(images: Any, mask: Any, lighter: Any) -> Any:
    """How much of a pixel of each luminance is the region's, where it ends: (B, H/8, W/8, BINS) in 0..1, eq. (7.12).

    At an outline pixels are mixtures of the region and of what is beside it. Between the mean luminances l_m of the
    region and l_n of what is outside of it, within one cell of a cell, a pixel of luminance l has the share
    (l_n - l) / (l_n - l_m). Painted like the region, dark hair made light would get a bright edge. Every share is 1
    within the region, where both are of like luminance, and where the region's luminance moves away from what is
    outside.

    Args:
        images: (B, H, W, 3) in [-1, 1].
        mask: the region's (B, H, W, 1).
        lighter: by how much the region's mean luminance changes (B, 1).
    """
    size = images.shape[1] // CELL
    light, mask = luminance(ops.cast(images, "float32")), ops.cast(mask, "float32")
    outside, core = 1.0 - mask, mask * mask * mask
    parts = ops.concatenate([outside, outside * light, core, core * light], axis=-1)
    # Means over the squares of three cells that are in the picture.
    near = ops.average_pool(area_pool(parts, size), 3, strides=1, padding="same", data_format="channels_last")
    beside, of_beside, within, of_within = ops.split(near, 4, axis=-1)
    here = of_within / ops.maximum(within, LEAST_AREA)
    away = of_beside / ops.maximum(beside, LEAST_AREA) - here
    far = ops.abs(away)
    known = _smooth(beside, *EDGE) * _smooth(within, *EDGE) * _smooth(far, *CONTRAST)
    known = known * _smooth(ops.sign(away) * _for_grid(lighter), *TOWARDS)
    centres = ops.reshape(ops.convert_to_tensor(CENTRES, dtype="float32"), (1, 1, 1, BINS))
    towards = (centres - here) * ops.sign(away) / ops.maximum(far, CONTRAST[0])
    share = ops.clip((MIXED[1] - towards) / (MIXED[1] - MIXED[0]), 0.0, 1.0)
    return 1.0 - known * (1.0 - share)


def _smooth(x: Any, low: float, high: float) -> Any:
    """smoothstep of x between two values."""
    t = ops.clip((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def likely(own: Any) -> Any:
    """How much a region with these moments (B, 8) has to do with the luminances of the bins: (B, BINS) in 0..1.

    1 - smoothstep of the distance from its mean, in deviations. In dark hair nothing is as light as skin, and what a
    mask takes of a forehead beside it keeps its colour instead of becoming a light edge.
    """
    centres = ops.reshape(ops.convert_to_tensor(CENTRES, dtype="float32"), (1, BINS))
    near, far, least = LIKELY
    away = ops.abs(centres - own[:, :1]) / ops.maximum(own[:, 3:4], least)
    t = ops.clip((away - near) / (far - near), 0.0, 1.0)
    return 1.0 - t * t * (3.0 - 2.0 * t)


def monotone(curves: Any, own: Any) -> Any:
    """Limit the slope of the tone curve l + dY(l) to SLOPE, keeping it at the region's mean luminance: eq. (7.6).

    (B, h, w, 3 * BINS) in luminance and colour differences, and moments (B, 8) -> the same shape as the first. Curves
    within the limits stay; all 0 stays exactly 0.
    """
    step = 2.0 / BINS
    at_mean = _for_grid(_bin_weights(own[:, :1]))
    tone = curves[..., 0::3]
    steps = ops.clip(tone[..., 1:] - tone[..., :-1], (SLOPE[0] - 1) * step, (SLOPE[1] - 1) * step)
    sums = [[1.0 if j < k else 0.0 for k in range(BINS)] for j in range(BINS - 1)]  # of the steps below each bin
    rising = ops.matmul(steps, ops.convert_to_tensor(sums, dtype="float32"))
    limited = rising + ops.sum(at_mean * (tone - rising), axis=-1, keepdims=True)
    return _interleave(limited, curves[..., 1::3], curves[..., 2::3])


def to_rgb(curves: Any) -> Any:
    """Curves (..., 3 * BINS) in luminance and colour differences -> in red, green and blue."""
    parts = [curves[..., c::3] for c in range(3)]
    return _interleave(*[sum(w * part for w, part in zip(row, parts, strict=True) if w) for row in TO_RGB])


def _interleave(*colours: Any) -> Any:
    """n of (..., BINS) -> (..., n * BINS), channel n k + colour."""
    return ops.concatenate([colour[..., k : k + 1] for k in range(BINS) for colour in colours], axis=-1)


def _for_grid(values: Any) -> Any:
    """(B, n) -> (B, 1, 1, n)."""
    return ops.expand_dims(ops.expand_dims(values, 1), 1)


def bin_weights(images: Any) -> Any:
    """w_k(l) = max(0, 1 - |clip(K l, 1/2, K - 1/2) - k - 1/2|) of l, the luminance in 0..1; they sum to 1: eq. (7.8).

    (B, H, W, 3) in [-1, 1] -> (B, H, W, BINS).
    """
    return _bin_weights(luminance(ops.cast(images, "float32")))


def _bin_weights(luminances: Any) -> Any:
    """(..., 1) in [-1, 1] -> (..., BINS)."""
    places = ops.clip(BINS * (luminances + 1) / 2, 0.5, BINS - 0.5) - 0.5
    return ops.relu(1.0 - ops.abs(places - ops.convert_to_tensor([float(k) for k in range(BINS)], dtype="float32")))


def change(curves: Any, images: Any) -> Any:
    """What curves change in images: sum_k w_k(l(p)) bilinear(curves)_k(p), the fourth times x - l: eq. (7.7).

    Args:
        curves: a grid (B, h, w, 4 * BINS) of `finished`, channel 4 k + colour; half-pixel centres, edges repeated.
        images: (B, H, W, 3) in [-1, 1], in whose luminance the curves are looked up.

    Returns:
        (B, H, W, 3), exactly 0 where the curves are.
    """
    size = (images.shape[1], images.shape[2])
    by_colour = ops.concatenate([curves[..., c::4] for c in range(4)], axis=-1)
    by_colour = ops.image.resize(by_colour, size, interpolation="bilinear", data_format="channels_last")
    weights = bin_weights(images)
    parts = [ops.sum(weights * by_colour[..., c * BINS : (c + 1) * BINS], axis=-1, keepdims=True) for c in range(4)]
    images = ops.cast(images, "float32")
    return ops.concatenate(parts[:3], axis=-1) + parts[3] * (images - luminance(images))
