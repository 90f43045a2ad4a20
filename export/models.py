"""The trained model that is exported, or that exported files are compared with."""

from __future__ import annotations

import lomit_tf
from lomit_tf.config import LomitConfig
from lomit_tf.model import Lomit
from lomit_tf.settings.methods import need_lomit, need_whole


def load_model(name: str, image_size: int = 0) -> Lomit:
    """A trained model by name, workdir or checkpoint, for images of another size than its own where one is given.

    The generator side is convolutions, so that any size it was not trained on works, if less well; the attribute
    classifier is not, and is left untrained then.

    Raises ConfigError: no such model, one that sees parts of pictures alone, or a size that is not a multiple of 64.
    """
    model = lomit_tf.load(name)
    config = model.config
    need_whole(config.data, "export")
    if not image_size or image_size == config.data.image_size:
        return model
    need_lomit(config.model.method, f"--image_size={image_size}")
    resized = Lomit(LomitConfig.from_flat(config.flat() | {"image_size": image_size}))
    resized.build()
    for value, trained in zip(resized.inference_generator.variables, model.inference_generator.variables, strict=True):
        value.assign(trained)
    return resized
