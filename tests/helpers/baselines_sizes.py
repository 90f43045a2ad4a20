"""Tiny sizes of the methods, and a run of one of them, for tests."""

from __future__ import annotations

import dataclasses
from typing import Any

from lomit_tf.config import LomitConfig
from lomit_tf.settings import methods

TINY: dict[str, dict[str, Any]] = {
    "stargan": {"channels": 4, "residual_blocks": 1, "critic_channels": 4, "critic_layers": 3},
    "elegant": {"channels": (4, 4, 8, 8, 8), "critic_channels": (4, 4)},
    "munit": {
        "channels": 4, "residual_blocks": 1, "style_downsamples": 2, "mlp_width": 8, "critic_channels": 4,
        "critic_layers": 2, "critic_scales": 1,
    },
    "drit": {"channels": 4, "attribute_blocks": 1, "critic_channels": 4, "critic_layers": 2, "critic_scales": 1},
    "aggan": {
        "channels": 4, "residual_blocks": 1, "attention_channels": 4, "critic_channels": 4, "critic_layers": 2,
        "pool": 5,
    },
}  # fmt: skip


def tiny_config(method: str, **fields: Any) -> LomitConfig:
    """A run of a method with its smallest networks, on drawn faces of 64 pixels with black and with blond hair."""
    sizes = methods.facts(method).sizes
    sizes["tiny"] = dataclasses.replace(sizes["small"], **TINY[method])
    return LomitConfig.create(
        **{
            "method": method, "method_size": "tiny", "domains": "Black_Hair | Blond_Hair", "image_size": 64, "crop": 0,
            "train_images": 60, "batch_size": 2, "steps": 10, "checkpoint_every": 5, "log_every": 1, "sample_every": 0,
        }
        | fields
    )  # fmt: skip
