"""AGGAN (Mejjati et al. 2018, arXiv:1806.02311): CycleGAN within attention maps, which it learns by itself."""

from __future__ import annotations

from typing import Any

from lomit_tf.baselines.aggan.facts import FACTS as FACTS


def model_class() -> type[Any]:
    """The Keras model."""
    from lomit_tf.baselines.aggan.model import Aggan

    return Aggan
