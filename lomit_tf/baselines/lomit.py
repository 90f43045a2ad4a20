"""LOMIT's own room in the registry of methods, beside those of the systems that it is compared with."""

from __future__ import annotations

from typing import Any

from lomit_tf.runtime.backend import backend_name
from lomit_tf.settings.methods import LOMIT

FACTS = LOMIT


def model_class() -> type[Any]:
    """Lomit on TensorFlow, and its networks without a training step on Keras' other backends."""
    if backend_name() != "tensorflow":
        from lomit_tf.model_base import LomitBase

        return LomitBase
    from lomit_tf.model import Lomit

    return Lomit
