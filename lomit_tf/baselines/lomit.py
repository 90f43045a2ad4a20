"""LOMIT's own line in the registry of methods."""

from __future__ import annotations

from typing import Any

from lomit_tf.baselines.methods import Facts

FACTS = Facts(
    title="LOMIT",
    paper="arXiv:1906.03598",
    takes="either",
    has_masks=True,
    exemplar="the style of the region within its mask",
    uses_exemplar_style=True,
    changes_whole_picture=False,
    n_critic=None,
)


def model_class() -> type[Any]:
    """Lomit, or its networks without a training step where Keras' backend is not TensorFlow."""
    from lomit_tf.model_base import lomit_class

    return lomit_class()
