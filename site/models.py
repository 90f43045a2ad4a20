"""The page's three networks as one TFLite file: what a translation needs and nothing more.

The generator that `python -m export` writes takes an exemplar's picture, and so it cannot be given a colour. Here the
style is an input of its own: `mask_net` finds masks, `style_net` makes a style of a picture and its mask, and
`curve_net` makes colour curves of a picture, its mask and a style.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from export.converter import converted
from lomit_tf import core
from lomit_tf.imaging import framing
from lomit_tf.model import Lomit

PARTS = ("mask_net", "style_net", "curve_net")


class PageModule(tf.Module):
    """The three networks as functions of batch 1 with named inputs and outputs; S is the model's image size.

    Attributes:
      mask_net: {"image": (1, S, S, 3) in -1..1} -> {"masks": (1, S, S, 1) in 0..1}.
      style_net: {"image", "mask": (1, S, S, 1)} -> {"styles": (1, 1, D)}, all 0 where the mask is empty.
      curve_net: {"image", "mask", "styles"} -> {"curves": (1, S/8, S/8, 32)}.
    """

    def __init__(self, model: Lomit) -> None:
        """Raises ValueError for a model with several groups, or whose group is not painted by colour curves."""
        super().__init__()
        g = model.inference_generator
        if g.num_groups != 1 or g.colour_groups != (0,):
            raise ValueError(
                f"the page takes a model with one group that is painted by colour curves; received the groups "
                f"{', '.join(model.group_names)}, of which {len(g.colour_groups)} are"
            )
        self.weights = [v.value for v in g.variables]  # tracked, so that they are saved
        size = model.config.data.image_size
        image = tf.TensorSpec((1, size, size, 3), tf.float32, name="image")
        mask = tf.TensorSpec((1, size, size, 1), tf.float32, name="mask")
        styles = tf.TensorSpec((1, 1, g.style_size), tf.float32, name="styles")

        def mask_net(image: Any) -> dict[str, Any]:
            return {"masks": core.masks(g, image)[..., :1]}

        def style_net(image: Any, mask: Any) -> dict[str, Any]:
            return {"styles": core.encode_exemplar(g, image, core.complete(mask))[0]}

        def curve_net(image: Any, mask: Any, styles: Any) -> dict[str, Any]:
            return {"curves": core.apply_styles(g, image, styles, masks=core.complete(mask)).curves}

        self.mask_net = tf.function(mask_net, input_signature=[image], autograph=False)
        self.style_net = tf.function(style_net, input_signature=[image, mask], autograph=False)
        self.curve_net = tf.function(curve_net, input_signature=[image, mask, styles], autograph=False)


def file_of(model: Lomit) -> bytes:
    """The three networks as the signatures of one TFLite file in float32, whose weights they share."""
    module = PageModule(model)
    return converted(module, {part: getattr(module, part) for part in PARTS})


def zoom(model: Lomit) -> float:
    """The model's own crop over CelebA's, as `Translator` has it."""
    data = model.config.data
    cropped = data.dataset == "celeb_a" and 0 < data.crop < framing.CELEBA_CROP
    return data.crop / framing.CELEBA_CROP if cropped else 1.0
