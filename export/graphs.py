"""The two graphs that every format holds, built from the model's own functions: mask net and generator.

Outside the model masks have one channel for each group, (B, S, S, G) in 0..1; the background is what they leave, so
that an application edits a mask without keeping two channels complementary.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from lomit_tf import core
from lomit_tf.model import Lomit
from lomit_tf.networks.colour import MOMENTS


def mask_net(model: Lomit, image: Any) -> Any:
    """Image (B, S, S, 3) in [-1, 1] -> masks of the groups (B, S, S, G)."""
    g = model.inference_generator
    return core.masks(g, image)[..., : g.num_groups]


def generator(
    model: Lomit, image: Any, exemplar: Any, image_masks: Any, exemplar_masks: Any, transfer: Any = None,
    colours: Any = None,
) -> dict[str, Any]:  # fmt: skip
    """Input and exemplar (B, S, S, 3) and their complete masks (B, S, S, G) -> the outputs, by name.

    Groups whose masks together exceed 1 share the place, but in models with --close_ups. `transfer` (B, G) says which
    groups are taken from the exemplar; all where None. `colours` (B, C, 8) sets colours of the C colour groups, as of
    `core.with_colours`.

    Returns:
        translation: the composite, (B, S, S, 3) in [-1, 1]; raw: what G painted, for applications that make the
        composite at a photograph's own size, in models with free groups; displacement: (B, S, S, 2), by how many pixels
        these are to move before, in models with it; curves: (B, S/8, S/8, C * 32) of the C colour groups, in models
        that have some.
    """
    overlapping = bool(model.inference_generator.boxes)
    masks = [core.complete(given, overlapping=overlapping) for given in (image_masks, exemplar_masks)]
    styles, _ = model.encode_exemplar(exemplar, masks[1])
    if colours is not None:
        styles = core.with_colours(model.inference_generator, styles, colours)
    out = model.apply_styles(image, styles, transfer, masks[0])
    parts = model.inference_generator.parts(model.config.data.image_size)
    return {"translation": out["image"]} | {name: out[name] for name in parts}


class MobileModule(tf.Module):
    """Mask net and generator as two functions of fixed batch 1 with named inputs and outputs, for TFLite and ONNX.

    Attributes:
        mask_net: {"image"} -> {"masks"}.
        generator: what `generator_inputs` names, to {"translation"} and what `Generator.parts` names.
    """

    def __init__(self, model: Lomit) -> None:
        super().__init__()
        self.weights = [v.value for v in model.inference_generator.variables]  # tracked, so that they are saved
        specs = input_specs(model, batch=1)
        self.mask_net = tf.function(
            lambda image: {"masks": mask_net(model, image)}, input_signature=[specs["image"]], autograph=False
        )
        names = generator_inputs(model)
        self.generator = tf.function(
            lambda *tensors: generator(model, **dict(zip(names, tensors, strict=True))),
            input_signature=[specs[name] for name in names], autograph=False,
        )  # fmt: skip


def generator_inputs(model: Lomit) -> tuple[str, ...]:
    """Names of the generator's inputs: `transfer` where groups can be chosen, `colours` where colours can be set."""
    return ("image", "exemplar", "image_masks", "exemplar_masks", *choices(model, 1))


def choices(model: Lomit, batch: int) -> dict[str, np.ndarray]:
    """What `generator` takes beside pictures and masks, with values that choose all groups and set no colour."""
    groups, colours = len(model.group_names), len(model.inference_generator.colour_groups)
    found = {"transfer": np.ones((batch, groups), np.float32)} if groups > 1 else {}
    return found | ({"colours": np.zeros((batch, colours, MOMENTS), np.float32)} if colours else {})


def input_specs(model: Lomit, batch: int | None) -> dict[str, tf.TensorSpec]:
    """Shape and name of every input, for a batch of this size (None: any)."""
    size, groups = model.config.data.image_size, len(model.group_names)
    shapes: dict[str, tuple[int | None, ...]] = {
        "image": (batch, size, size, 3), "exemplar": (batch, size, size, 3),
        "image_masks": (batch, size, size, groups), "exemplar_masks": (batch, size, size, groups),
        "transfer": (batch, groups), "colours": (batch, len(model.inference_generator.colour_groups), MOMENTS),
    }  # fmt: skip
    return {name: tf.TensorSpec(shape, tf.float32, name=name) for name, shape in shapes.items()}
