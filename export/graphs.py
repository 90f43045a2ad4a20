"""The two graphs that every format holds, built from the model's own functions: mask net and generator.

Outside the model masks have one channel for each group, (B, S, S, G) in 0..1; the background is what they leave, so
that an application edits a mask without keeping two channels complementary.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from lomit_tf.model import Lomit


def regions(masks: Any) -> Any:
    """Masks of groups (B, S, S, G) -> the model's regions (B, S, S, G + 1), summing to 1.

    Where edited masks of several groups overlap to more than 1, they share the place in proportion.
    """
    if masks.shape[-1] == 1:
        return tf.concat([masks, 1.0 - masks], axis=-1)
    total = tf.reduce_sum(masks, axis=-1, keepdims=True)
    masks = masks / tf.maximum(total, 1.0)
    return tf.concat([masks, 1.0 - tf.minimum(total, 1.0)], axis=-1)


def mask_net(model: Lomit, image: Any) -> Any:
    """Image (B, S, S, 3) in [-1, 1] -> masks of the groups (B, S, S, G)."""
    g = model.inference_generator
    return g.masks(g.encode_content(image), image)[..., : g.num_groups]


def generator(
    model: Lomit, image: Any, exemplar: Any, image_masks: Any, exemplar_masks: Any, transfer: Any = None
) -> Any:
    """Input and exemplar (B, S, S, 3) and their masks (B, S, S, G) -> the translation (B, S, S, 3) in [-1, 1].

    `transfer` (B, G) says which groups are taken from the exemplar; all where None.
    """
    return model.translate(image, exemplar, transfer, regions(image_masks), regions(exemplar_masks))["image"]


class MobileModule(tf.Module):
    """Mask net and generator as two functions of fixed batch 1 with named inputs and outputs, for TFLite and ONNX.

    Attributes:
        mask_net: {"image"} -> {"masks"}.
        generator: {"image", "exemplar", "image_masks", "exemplar_masks"[, "transfer" where G > 1]} -> {"translation"}.
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
            lambda *tensors: {"translation": generator(model, *tensors)},
            input_signature=[specs[name] for name in names], autograph=False,
        )  # fmt: skip


def generator_inputs(model: Lomit) -> tuple[str, ...]:
    """Names of the generator's inputs, in the order of `generator`'s arguments."""
    names = ("image", "exemplar", "image_masks", "exemplar_masks")
    return (*names, "transfer") if len(model.group_names) > 1 else names


def input_specs(model: Lomit, batch: int | None) -> dict[str, tf.TensorSpec]:
    """Shape and name of every input, for a batch of this size (None: any)."""
    size, groups = model.config.data.image_size, len(model.group_names)
    shapes: dict[str, tuple[int | None, ...]] = {
        "image": (batch, size, size, 3), "exemplar": (batch, size, size, 3),
        "image_masks": (batch, size, size, groups), "exemplar_masks": (batch, size, size, groups),
        "transfer": (batch, groups),
    }  # fmt: skip
    return {name: tf.TensorSpec(shape, tf.float32, name=name) for name, shape in shapes.items()}
