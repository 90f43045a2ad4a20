"""What DRIT is, and the sizes of its networks. Imports no TensorFlow."""

from __future__ import annotations

import dataclasses

from lomit_tf.settings.methods import Facts


@dataclasses.dataclass(frozen=True)
class Sizes:
    """Of the networks; the defaults are the authors'."""

    channels: int = 64  # of the first convolutions
    residual_blocks: int = 3  # of each domain, in the content encoder and in the decoder; one more is shared
    edge_kernel: int = 7  # of the content encoder's first convolution
    attribute_blocks: int = 3
    attribute_dim: int = 8
    critic_channels: int = 64
    critic_layers: int = 4
    critic_scales: int = 3
    content_kernel: int = 7  # of the content critic's convolutions of stride 2
    content_layers: int = 3  # how many of them


SIZES = {
    "authors": Sizes(),
    "small": Sizes(
        channels=16, residual_blocks=1, edge_kernel=3, attribute_blocks=2, critic_channels=16, critic_layers=3,
        content_kernel=3, content_layers=2,
    ),
}  # fmt: skip
FACTS = Facts(
    title="DRIT",
    paper="arXiv:1808.00948",
    takes="domains",
    has_masks=False,
    exemplar="the whole picture's attributes, eight numbers",
    uses_exemplar_style=True,
    changes_whole_picture=True,
    cannot=(
        "It has no masks: every pixel is painted anew.",
        "It knows two domains and no labels: another attribute needs another model.",
    ),
    sizes=SIZES,
    n_critic=3,  # updates of the content critic to one of everything else
    batch_size=1,
)
