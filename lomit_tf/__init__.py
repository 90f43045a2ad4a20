"""LOMIT: local-mask-based, exemplar-guided image-to-image translation (arXiv 1906.03598).

Public names: LomitConfig, Lomit (the Keras model), load (a trained model from a workdir), Translator (photographs).
They are imported at their first use, so that the flags can be checked without waiting for TensorFlow.
"""

from __future__ import annotations

import importlib
from typing import Any

from lomit_tf.runtime import forks as forks  # watches forks from here on
from lomit_tf.runtime.backend import check_backend

_HOMES = {
    "LomitConfig": "lomit_tf.config",
    "Lomit": "lomit_tf.model",
    "load": "lomit_tf.zoo",
    "Translator": "lomit_tf.photos.translator",
}


def __getattr__(name: str) -> Any:
    """The public name from the module that defines it."""
    if name not in _HOMES:
        raise AttributeError(f"module 'lomit_tf' has no attribute {name!r}; public are {', '.join(_HOMES)}")
    if name != "LomitConfig":
        forks.check_fork()
        check_backend()
    return getattr(importlib.import_module(_HOMES[name]), name)
