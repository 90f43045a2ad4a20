"""G, the decoder: content, masks and styles -> image (docs/method.md, 2.6)."""

from __future__ import annotations

from typing import Any

from keras import layers, ops

from lomit_tf.config import ModelConfig
from lomit_tf.networks.blocks import ConvBlock, DType, ResidualBlock
from lomit_tf.networks.displacement import DisplacementHead, displaced
from lomit_tf.networks.hadain import HighwayAdaIN
from lomit_tf.networks.upsampling import UpsampledConvBlock

LARGE = 0.2  # a change, in units of [-1, 1], that takes half of the input's own details away
AROUND = 5  # side of the squares over which a change's size is averaged, in pixels


class Decoder(layers.Layer):
    """G: HAdaIN, residual blocks, two upsamplings, tanh. Output (B, H, W, 3) in [-1, 1], float32.

    With `displacement` a second output says how far away each pixel comes from: eq. (3.15), (B, H, W, 2) in pixels.

    In the recipe the content's finer features are added at each size: docs/method.md, eq. (2.10).

    `statistics_sizes` lists how many statistics each place of injection takes, in the order of their use.
    """

    def __init__(self, config: ModelConfig, dtype: DType = None) -> None:
        super().__init__(dtype=dtype)
        base, blocks = config.base_channels, config.residual_blocks
        content = 4 * base
        self.skips = config.recipe
        self.statistics_sizes = [2 * content]
        self.inject = HighwayAdaIN(dtype=dtype)
        self.residual = [ResidualBlock(content, norm="layer", dtype=dtype) for _ in range(blocks)]
        self.up_blocks = [
            UpsampledConvBlock(width, config.upsample_kernel, norm="layer", activation=None, dtype=dtype)
            for width in (2 * base, base)
        ]
        if self.skips:
            self.skip_hadains = [HighwayAdaIN(dtype=dtype) for _ in range(2)]
            self.statistics_sizes += [4 * base, 2 * base]
        self.image = ConvBlock(
            3, config.edge_kernel, norm=None, activation=None, initializer="glorot_uniform", dtype=dtype
        )
        reach = config.displacement
        self.displacement = DisplacementHead(reach, config.edge_kernel, dtype) if reach else None
        self.built = True  # no weights of its own: the parts are built by their first call

    @property
    def statistics(self) -> int:
        """Number of statistics for one region: the output size of the style MLPs."""
        return sum(self.statistics_sizes)

    def call(self, content: tuple[Any, Any, Any], masks: Any, statistics: Any) -> Any:
        """Paint an image.

        Args:
            content: what ContentEncoder returns.
            masks: (B, H, W, R), summing to 1 over the R = G + 1 regions.
            statistics: (B, R, self.statistics) from the style MLPs.
        """
        c, half, full = content
        cuts = [sum(self.statistics_sizes[: i + 1]) for i in range(len(self.statistics_sizes) - 1)]
        parts = iter(ops.split(statistics, cuts, axis=-1) if cuts else [statistics])
        x = self.inject(c, masks, next(parts))
        for block in self.residual:
            x = block(x)
        for i, (block, skip) in enumerate(zip(self.up_blocks, (half, full), strict=True)):
            x = block(x)
            if self.skips:  # added, not concatenated: at full size a wider convolution would cost half as much again
                x = x + self.skip_hadains[i](skip, masks, next(parts))
            x = ops.relu(x)
            if i == 0 and self.displacement is not None:
                displacement = self.displacement(x)
        image = ops.tanh(ops.cast(self.image(x), "float32"))
        return image if self.displacement is None else (image, displacement)


def composed(image: Any, mask: Any, painted: Any, displacement: Any = None) -> tuple[Any, Any]:
    """An image changed within a mask: docs/method.md, eqs. (3.8), (3.10) and (3.16).

    Args:
        image: (B, H, W, 3) in [-1, 1].
        mask: (B, H, W, 1) in 0..1.
        painted: (2 B, H, W, 3): what G paints in the wanted styles, and then in the own ones.
        displacement: (2 B, H, W, 2) likewise, in pixels, or None in models without it.

    Returns:
        The result (B, H, W, 3) in [-1, 1], and the displacement of its pixels, within the mask (B, H, W, 2), or None.
    """
    wanted, present = ops.split(painted, 2, axis=0)
    if displacement is None:
        return image + mask * (ops.clip(changed(image, wanted, present), -1.0, 1.0) - image), None
    there, here = ops.split(displacement, 2, axis=0)
    by = mask * (there - here)
    before = displaced(image, by)
    paint = ops.clip(changed(image, wanted, present, by), -1.0, 1.0) - before
    return before + mask * paint, by


def changed(image: Any, wanted: Any, present: Any, displacement: Any = None) -> Any:
    """An image with the change from one of G's pictures to another: docs/method.md, eq. (3.10).

    Where nothing changes the image stays as it is; where much does, its own details, which G's picture of it does not
    have, go: a beard that is taken away leaves less of its stubble.

    Args:
        image, wanted, present: (B, H, W, 3) in [-1, 1]: the image, and what G paints in the wanted and the own styles.
        displacement: (B, H, W, 2) in pixels; the image, and what is its own beside G's picture, move by it: eq. (3.16).

    Returns:
        (B, H, W, 3), a little beyond [-1, 1] in places.
    """
    size = ops.mean(ops.abs(wanted - present), axis=-1, keepdims=True)
    size = ops.average_pool(size, AROUND, strides=1, padding="same", data_format="channels_last")
    size = ops.square(size)
    lost = ops.stop_gradient(size / (size + LARGE**2))
    details = image - present
    if displacement is not None:
        image, details = ops.split(displaced(ops.concatenate([image, details], axis=-1), displacement), 2, axis=-1)
    return image + (wanted - present) - lost * details  # in this order equal styles change nothing at all
