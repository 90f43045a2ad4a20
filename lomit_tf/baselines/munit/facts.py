"""What MUNIT is, and the sizes of its networks. Imports no TensorFlow."""

from __future__ import annotations

import dataclasses

from lomit_tf.settings.methods import Facts


@dataclasses.dataclass(frozen=True)
class Sizes:
    """Of the networks, and whether the cycle is closed; the defaults are the authors'."""

    channels: int = 64  # of the encoders' first convolutions
    residual_blocks: int = 4  # in the content encoder, and in the decoder
    edge_kernel: int = 7  # of the first and the last convolution
    style_downsamples: int = 4
    style_dim: int = 8
    mlp_width: int = 256
    critic_channels: int = 64
    critic_layers: int = 4
    critic_scales: int = 3
    cycle_weight: float = 10.0  # 0 in some of the authors' runs


_SMALL = Sizes(
    channels=16, residual_blocks=2, edge_kernel=3, style_downsamples=3, mlp_width=64, critic_channels=16,
    critic_layers=3,
)  # fmt: skip
SIZES = {
    "authors": Sizes(),
    "small": _SMALL,
    "authors_without_cycle": Sizes(cycle_weight=0.0),
    "small_without_cycle": dataclasses.replace(_SMALL, cycle_weight=0.0),
}
FACTS = Facts(
    title="MUNIT",
    paper="arXiv:1804.04732",
    takes="domains",
    has_masks=False,
    exemplar="the whole picture's style",
    uses_exemplar_style=True,
    changes_whole_picture=True,
    cannot=(
        "It has no masks: every pixel is painted anew.",
        "It knows two domains and no labels: another attribute needs another model.",
    ),
    sizes=SIZES,
    n_critic=1,
    batch_size=1,
)
