"""DRIT (Lee et al. 2018, arXiv:1808.00948): content that two domains share, and attributes of each."""

from __future__ import annotations

from typing import Any

from lomit_tf.baselines.drit.facts import FACTS as FACTS


def model_class() -> type[Any]:
    """The Keras model."""
    from lomit_tf.baselines.drit.model import Drit

    return Drit
