"""The page's networks as one TFLite file: what a translation needs and nothing more.

The generator that `python -m export` writes takes an exemplar's picture, and so it cannot be given a colour. Here the
styles are an input of their own: `mask_net` finds masks, `style_net` makes styles of a picture and its masks, and what
paints is given a picture, its masks and styles: `free_net` the groups that are painted freely, where there are any, and
`curve_net` those of colour curves. They are two, since where a picture takes both, the second is given another picture
than the first (lomit_tf/photos/second_look.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from export.converter import converted
from lomit_tf import core
from lomit_tf.engines.outline import Outline
from lomit_tf.imaging import framing
from lomit_tf.model import Lomit


class PageModule(tf.Module):
    """The networks as functions of batch 1 with named inputs and outputs.

    Below, S is the model's image size, G its groups, of which C are painted by curves, and D the length of a style.

    Attributes:
      outline: of the model.
      parts: names of the functions.
      mask_net: {"image": (1, S, S, 3) in -1..1} -> {"masks": (1, S, S, G) in 0..1}.
      style_net: {"image", "masks"} -> {"styles": (1, G, D)}, all 0 for a group whose mask is empty.
      free_net: {"image", "masks", "styles", "transfer": (1, G), 1 for each group to take} -> {"raw": (1, S, S, 3)}, and
        "displacement": (1, S, S, 2) in models that move pixels.
      curve_net: the same -> {"curves": (1, S/8, S/8, 32 C)}.
    """

    def __init__(self, model: Lomit) -> None:
        """Raises ValueError for a model without colour groups, or one whose painting is not composed with the input."""
        super().__init__()
        g, self.outline = model.inference_generator, Outline.of(model.config)
        if not g.colour_groups:
            raise ValueError(
                "the page takes a model in which at least one group is painted by colour curves; received the groups "
                f"{', '.join(self.outline.groups)}, all painted freely"
            )
        if not g.composite:
            raise ValueError("the page takes a model whose painting is composed with the picture (--system=recipe)")
        self.weights = [v.value for v in g.variables]  # tracked, so that they are saved
        size, count = self.outline.size, g.num_groups
        image = tf.TensorSpec((1, size, size, 3), tf.float32, name="image")
        masks = tf.TensorSpec((1, size, size, count), tf.float32, name="masks")
        styles = tf.TensorSpec((1, count, g.style_size), tf.float32, name="styles")
        transfer = tf.TensorSpec((1, count), tf.float32, name="transfer")

        def regions(masks: Any) -> Any:
            return core.complete(masks, overlapping=bool(self.outline.overlapping))

        def painting(image: Any, masks: Any, styles: Any, transfer: Any) -> core.Painting:
            return core.apply_styles(g, image, styles, transfer, masks=regions(masks))

        def function(made: Callable[..., dict[str, Any]], *signature: tf.TensorSpec) -> Any:
            return tf.function(made, input_signature=signature, autograph=False)

        self.mask_net = function(lambda image: {"masks": core.masks(g, image)[..., :count]}, image)
        self.style_net = function(lambda i, m: {"styles": core.encode_exemplar(g, i, regions(m))[0]}, image, masks)
        given = image, masks, styles, transfer
        self.curve_net = function(lambda *arrays: {"curves": painting(*arrays).curves}, *given)
        self.parts = ("mask_net", "style_net", "curve_net")
        if self.outline.free:
            made = tuple(name for name in g.parts(size) if name != "curves")

            def free(*arrays: Any) -> dict[str, Any]:
                painted = painting(*arrays)
                return {name: getattr(painted, name) for name in made}

            self.free_net = function(free, *given)
            self.parts += ("free_net",)


def file_of(model: Lomit) -> bytes:
    """The networks as the signatures of one TFLite file in float32, whose weights they share."""
    module = PageModule(model)
    return converted(module, {part: getattr(module, part) for part in module.parts})


def facts_of(model: Lomit) -> dict[str, Any]:
    """What the page has to know of the model: `Outline`, with a style's code and the zoom of its crop."""
    outline = Outline.of(model.config)
    return {
        "size": outline.size, "codeSize": outline.code_size, "zoom": zoom(model), "groups": outline.groups,
        "coloured": outline.coloured, "free": outline.free, "connected": outline.connected,
        "competing": outline.competing, "boxes": dict(outline.boxes), "small": outline.small,
    }  # fmt: skip


def zoom(model: Lomit) -> float:
    """The model's own crop over CelebA's, as `Translator` has it."""
    data = model.config.data
    cropped = data.dataset == "celeb_a" and 0 < data.crop < framing.CELEBA_CROP
    return data.crop / framing.CELEBA_CROP if cropped else 1.0
