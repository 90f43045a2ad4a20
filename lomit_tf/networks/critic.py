"""D, the critic D_src and the attribute classifier D_cls on one trunk (docs/method.md, 2.7)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from lomit_tf.config import ModelConfig
from lomit_tf.networks.style_encoder import leaky_relu


class HalvingConv2D(layers.Conv2D):
    """Conv2D, 4x4, stride 2, "same": (B, H, W, C) -> (B, H/2, W/2, filters), H and W even.

    On small maps, and on those of up to 16x16 with many channels, it gathers the taps by reshapes and multiplies once,
    which is the same sum: the gradients of TensorFlow's CPU convolution are several times slower there
    (docs/performance.md), and a critic whose penalty needs second derivatives spends most of its time in them.
    """

    def __init__(self, filters: int, **kwargs: Any) -> None:
        super().__init__(filters, 4, 2, padding="same", data_format="channels_last", **kwargs)

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """The convolution without bias and activation."""
        height, width, channels = inputs.shape[1:]
        if height > 4 and not (height <= 16 and channels >= 256):
            return super().convolution_op(inputs, kernel)
        rows, columns = height // 2, width // 2
        # The padded map in 2x2 blocks, whose 2x2 windows are the 4x4 windows; taps in the order of the kernel's.
        x = ops.pad(inputs, ((0, 0), (1, 1), (1, 1), (0, 0)))
        x = ops.reshape(x, (-1, rows + 1, 2, columns + 1, 2 * channels))
        x = ops.transpose(ops.concatenate([x[:, :, :, :-1], x[:, :, :, 1:]], axis=-1), (0, 1, 3, 2, 4))
        x = ops.reshape(x, (-1, rows + 1, columns, 8 * channels))
        taps = ops.concatenate([x[:, :-1], x[:, 1:]], axis=-1)
        out = ops.matmul(ops.reshape(taps, (-1, 16 * channels)), ops.reshape(kernel, (16 * channels, -1)))
        return ops.reshape(out, (-1, rows, columns, self.filters))


class Critic(layers.Layer):
    """Image (B, H, W, 3) in [-1, 1] and labels (B, K) -> source score (B,) and classifier logits (B, K); float32.

    No normalisation: the gradient penalty is a property of each image alone, and so is every row of the output,
    which makes it exact to pass several batches as one.

    The score of the paper's system judges the image: the mean of the patch scores, eq. (2.11). That of the recipe
    judges the image under its labels, eq. (2.12): two patch scores per label, one for each of its values, averaged
    with `label_weights`, so that a smile is not outvoted by four hair colours.
    """

    def __init__(self, config: ModelConfig, num_labels: int, label_weights: Sequence[float] | None = None) -> None:
        """Weights (K,) of the labels in the score, summing to 1; alike where they are not given."""
        super().__init__(dtype="float32")
        self.conditioned = config.recipe
        self.num_labels = num_labels
        self.label_weights = tuple(label_weights or [1 / num_labels] * num_labels)
        if len(self.label_weights) != num_labels:
            raise ValueError(f"label_weights must have {num_labels} entries; received {len(self.label_weights)}")
        normal = keras.initializers.RandomNormal(stddev=0.02)
        self.trunk = [
            HalvingConv2D(
                config.critic_channels * 2**i, activation=leaky_relu, kernel_initializer=normal.clone(), dtype="float32"
            )
            for i in range(config.critic_layers)
        ]
        maps = 2 * num_labels if self.conditioned else 1
        self.source = layers.Conv2D(
            maps, 3, padding="same", use_bias=False, kernel_initializer=normal.clone(), dtype="float32",
            data_format="channels_last",
        )  # fmt: skip
        # A convolution as large as its map is a dense layer on the flattened map.
        self.classify = layers.Dense(num_labels, use_bias=False, kernel_initializer=normal.clone(), dtype="float32")
        self.built = True  # no weights of its own: the parts are built by their first call

    def call(self, image: Any, labels: Any) -> tuple[Any, Any]:
        """Shapes as in the class; labels may be soft; the paper's score ignores them."""
        x = image
        for block in self.trunk:
            x = block(x)
        logits = self.classify(ops.reshape(x, (-1, math.prod(x.shape[1:]))))
        maps = ops.mean(self.source(x), axis=(1, 2))
        if self.conditioned:
            without, with_label = ops.split(maps, 2, axis=-1)
            weights = ops.convert_to_tensor(self.label_weights, "float32")
            score = ops.sum(((1 - labels) * without + labels * with_label) * weights, axis=-1)
        else:
            score = maps[:, 0]
        return score, logits
