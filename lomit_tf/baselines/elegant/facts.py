"""What ELEGANT is, and the sizes of its networks. Imports no TensorFlow."""

from __future__ import annotations

import dataclasses

from lomit_tf.settings.methods import Facts


@dataclasses.dataclass(frozen=True)
class Sizes:
    """Of the networks; the defaults are the authors'."""

    channels: tuple[int, ...] = (64, 128, 256, 512, 512)  # of the encoder's convolutions; the decoder mirrors them
    critic_channels: tuple[int, ...] = (64, 128, 256, 512)


SIZES = {"authors": Sizes(), "small": Sizes((24, 48, 96, 160, 160), (24, 48, 96, 160))}
FACTS = Facts(
    title="ELEGANT",
    paper="arXiv:1803.10562",
    takes="labels",
    has_masks=False,
    exemplar="the part of the code that stands for the attribute",
    uses_exemplar_style=True,
    changes_whole_picture=True,
    cannot=(
        "It has no masks: it adds a residual picture, which nothing keeps within the attribute's region.",
        "It needs labels: it does not know two unlabelled domains.",
    ),
    sizes=SIZES,
)
