"""MUNIT (Huang et al. 2018, arXiv:1804.04732): an autoencoder of content and style for each of two domains."""

from __future__ import annotations

from typing import Any

from lomit_tf.baselines.munit.facts import FACTS as FACTS


def model_class() -> type[Any]:
    """The Keras model."""
    from lomit_tf.baselines.munit.model import Munit

    return Munit
