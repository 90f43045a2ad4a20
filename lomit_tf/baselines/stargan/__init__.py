"""StarGAN (Choi et al. 2018, arXiv:1711.09020): one generator that is told the labels its picture is to have."""

from __future__ import annotations

from typing import Any

from lomit_tf.baselines.stargan.facts import FACTS as FACTS


def model_class() -> type[Any]:
    """The Keras model."""
    from lomit_tf.baselines.stargan.model import StarGAN

    return StarGAN
