"""What StarGAN is, and the sizes of its networks. Imports no TensorFlow."""

from __future__ import annotations

import dataclasses

from lomit_tf.settings.methods import Facts


@dataclasses.dataclass(frozen=True)
class Sizes:
    """Of the networks; the defaults are the authors'."""

    channels: int = 64  # of the generator's first convolution
    residual_blocks: int = 6
    edge_kernel: int = 7  # of the first and the last convolution
    critic_channels: int = 64
    critic_layers: int = 6
    # The labels come in as constant planes. An instance normalisation right behind the first convolution takes all of
    # them away but what the border, padded with zeros, lets through: so the authors have it, and it learns slowly.
    first_norm: bool = True


SIZES = {
    "authors": Sizes(),
    "small": Sizes(
        channels=24, residual_blocks=3, edge_kernel=3, critic_channels=32, critic_layers=4, first_norm=False
    ),
}
FACTS = Facts(
    title="StarGAN",
    paper="arXiv:1711.09020",
    takes="either",
    has_masks=False,
    exemplar="its labels only",
    uses_exemplar_style=False,
    changes_whole_picture=True,
    cannot=(
        "It has no masks: every pixel is painted anew.",
        "It takes no style from the exemplar: two exemplars of the same labels give the same picture.",
    ),
    sizes=SIZES,
    n_critic=None,
)
