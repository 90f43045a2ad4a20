"""ELEGANT (Xiao et al. 2018, arXiv:1803.10562): exchanges the part of the code that stands for an attribute."""

from __future__ import annotations

from typing import Any

from lomit_tf.baselines.elegant.facts import FACTS as FACTS


def model_class() -> type[Any]:
    """The Keras model."""
    from lomit_tf.baselines.elegant.model import Elegant

    return Elegant
