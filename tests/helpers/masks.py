"""Masks of drawn faces, refined: what the tests of refining and teaching share."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import lomit_tf
from lomit_tf.settings.mask_teacher import RefineConfig
from lomit_tf.training import mask_refinement

# Fields of a model of two groups on drawn faces, beside the tiny networks of `conftest.TINY`.
MODEL = {
    "dataset": "drawn_faces", "crop": 0, "system": "recipe", "ema_decay": 0.9,
    "groups": "hair: Black_Hair; smile: Smiling",
}  # fmt: skip
# Every mask is refined, also those of a model with random weights.
ANY = RefineConfig(face="", refuse=(), refine_size=64, sure_foreground=0.55, probable=0.5, sure_background=0.45)


def refined(start: Path, place: Path, images: int = 20, **options: Any) -> mask_refinement.MaskTargets:
    """Refined masks of the first training faces, by the model of the workdir `start`, written to `place`."""
    model = lomit_tf.load(start)
    data = dataclasses.replace(model.config.data, train_images=images)
    settings = dataclasses.replace(ANY, **options)
    return mask_refinement.refine_masks(model, data, settings, place, name="start", threads=2)
