"""What AGGAN is, and the sizes of its networks. Imports no TensorFlow."""

from __future__ import annotations

import dataclasses

from lomit_tf.settings.methods import Facts


@dataclasses.dataclass(frozen=True)
class Sizes:
    """Of the networks; the defaults are the authors'."""

    channels: int = 64  # of the generators' first convolutions
    residual_blocks: int = 0  # of the generators; 0: 9 for pictures of 256 pixels and more, 6 for smaller ones
    edge_kernel: int = 7  # of the first and the last convolutions
    attention_channels: int = 32
    critic_channels: int = 64
    critic_layers: int = 3  # of stride 2; two more of stride 1 follow
    pool: int = 50  # translations of the past that a critic is shown half of the time

    def blocks(self, image_size: int) -> int:
        """Residual blocks of the generators for pictures of a size."""
        return self.residual_blocks or (9 if image_size >= 256 else 6)


SIZES = {
    "authors": Sizes(),
    "small": Sizes(
        channels=16, residual_blocks=3, edge_kernel=3, attention_channels=8, critic_channels=16, critic_layers=2
    ),
}  # fmt: skip
FACTS = Facts(
    title="AGGAN",
    paper="arXiv:1806.02311",
    takes="domains",
    has_masks=True,
    exemplar="nothing but its domain",
    uses_exemplar_style=False,
    changes_whole_picture=False,
    cannot=(
        "It takes no style from the exemplar: two exemplars of the same domain give the same picture.",
        "It knows two domains and no labels: another attribute needs another model.",
    ),
    sizes=SIZES,
    n_critic=1,
    batch_size=1,
)
