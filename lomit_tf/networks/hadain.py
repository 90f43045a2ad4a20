"""Highway AdaIN: one content, a style for each region (docs/method.md, 2.5)."""

from __future__ import annotations

from typing import Any

from keras import layers, ops

from lomit_tf.networks.blocks import DType, area_pool, instance_norm

LOG_VARIANCE_LIMIT = 6.0  # deviations within exp(+-3): beyond that, float16 phones overflow


class HighwayAdaIN(layers.Layer):
    """sum over regions r of m_r * AdaIN(c, s_r), the background being one of the regions: docs/method.md, eq. (2.8).

    With one group this is the paper's
    HAdaIN(m, c, s_f, s_b) = m * AdaIN(c, MLP_f(s_f)) + (1 - m) * AdaIN(c, MLP_b(s_b)).
    The normalised content is common to all regions, so the sum needs only two small products:
    c_hat * (sum_r m_r std_r) + (sum_r m_r mean_r).
    """

    def __init__(self, dtype: DType = None) -> None:
        super().__init__(dtype=dtype)
        # The true deviation of each channel over space; the authors' earlier code took that of deviations.
        self.normalise = instance_norm(affine=False, dtype=dtype)
        self.built = True  # no weights of its own: the parts are built by their first call

    def call(self, content: Any, masks: Any, statistics: Any) -> Any:
        """Inject styles.

        Args:
            content: (B, h, w, C) features.
            masks: (B, H, W, R) soft masks of the R = G + 1 regions, summing to 1; averaged over areas to h x w.
            statistics: (B, R, 2 * C): per region the C means, then the C log-variances (std = exp(logvar / 2)).

        Returns:
            (B, h, w, C) in the layer's compute dtype.
        """
        height, width, channels = content.shape[1:]
        regions = masks.shape[-1]
        dtype = self.compute_dtype
        pooled = ops.reshape(ops.cast(area_pool(masks, height), dtype), (-1, height * width, regions))
        mean = statistics[..., :channels]
        log_variance = LOG_VARIANCE_LIMIT * ops.tanh(statistics[..., channels:] / LOG_VARIANCE_LIMIT)
        deviation = ops.exp(log_variance / 2)
        scale = ops.reshape(ops.matmul(pooled, deviation), (-1, height, width, channels))
        offset = ops.reshape(ops.matmul(pooled, mean), (-1, height, width, channels))
        return self.normalise(content) * scale + offset


def widen(masks: Any, margin: int) -> Any:
    """Foreground regions grown by `margin` pixels on every side (a maximum filter), the background being the rest.

    Where grown regions overlap they share the place in proportion: docs/method.md, eq. (3.6).
    (B, H, W, R) -> (B, H, W, R), summing to 1.
    """
    if not margin:
        return masks
    side = 2 * margin + 1
    # Along rows, then along columns: the same maximum with 2 * side comparisons a pixel instead of side^2.
    grown = ops.max_pool(masks[..., :-1], (side, 1), strides=1, padding="same", data_format="channels_last")
    grown = ops.max_pool(grown, (1, side), strides=1, padding="same", data_format="channels_last")
    total = ops.sum(grown, axis=-1, keepdims=True)
    grown = grown / ops.maximum(total, 1.0)
    return ops.concatenate([grown, 1 - ops.minimum(total, 1.0)], axis=-1)
