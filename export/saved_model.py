"""The SavedModel for servers: five signatures, dynamic batch, preprocessing inside, no lomit_tf needed to load it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf

from export.warmup import write_warmup_requests
from lomit_tf import core
from lomit_tf.data import preprocess
from lomit_tf.model import Lomit

VERSION = "1"  # TensorFlow Serving loads the highest numbered folder
OWN = -1.0  # in place of a mask's value: what the network's own mask has there
SIGNATURES = ("serving_default", "translate", "masks", "encode_exemplar", "apply")


def decode_image(encoded: Any) -> Any:
    """Encoded bytes (scalar string) -> (H, W, 3) uint8: JPEG, PNG, BMP, WebP, or the first frame of a GIF.

    As data.preprocess.decode does with Pillow, greyscale is repeated and transparency laid over white; EXIF
    orientation is not read here (TensorFlow has no reader). The values of a JPEG are those of Pillow: by itself
    TensorFlow takes a faster transform, which is up to 22 of 255 off in photographs.

    Raises InvalidArgumentError for an animated WebP: TensorFlow 2.21 would write it beyond the memory it has for it.
    """
    harmless = tf.debugging.Assert(tf.logical_not(_animated_webp(encoded)), ["an animated WebP; send one frame of it"])
    with tf.control_dependencies([harmless]):
        encoded = tf.identity(encoded)

    def jpeg() -> Any:
        return tf.io.decode_jpeg(encoded, channels=0, dct_method="INTEGER_ACCURATE")

    def other() -> Any:
        return tf.ensure_shape(tf.io.decode_image(encoded, channels=0, expand_animations=False), (None, None, None))

    image = tf.cond(tf.io.is_jpeg(encoded), jpeg, other)
    channels = tf.shape(image)[-1]
    colour = tf.cond(channels < 3, lambda: tf.repeat(image[..., :1], 3, axis=-1), lambda: image[..., :3])
    opaque = tf.cond(
        tf.logical_or(tf.equal(channels, 2), tf.equal(channels, 4)),
        lambda: tf.cast(image[..., -1:], tf.float32) * (1 / 255.0),
        lambda: tf.ones_like(image[..., :1], tf.float32),
    )
    flat = tf.round(255.0 + opaque * (tf.cast(colour, tf.float32) - 255.0))
    return tf.ensure_shape(tf.cast(flat, tf.uint8), (None, None, 3))


def _animated_webp(encoded: Any) -> Any:
    """Whether a file is a WebP whose header (RIFF....WEBPVP8X....f) has the flag of animations."""
    start = tf.strings.join([tf.strings.substr(encoded, 0, 21), "\0" * 21])  # substr refuses to begin beyond the end
    extended = tf.logical_and(
        tf.equal(tf.strings.substr(start, 0, 4), "RIFF"), tf.equal(tf.strings.substr(start, 8, 8), "WEBPVP8X")
    )
    flags = tf.io.decode_raw(tf.strings.substr(start, 20, 1), tf.uint8)[0]
    return tf.logical_and(extended, tf.bitwise.bitwise_and(flags, 2) > 0)


class ServingModule(tf.Module):
    """The functions behind the signatures. S is the model's image size, G its number of groups.

    Where a mask is an input, values in 0..1 are an edited mask, and negative ones stand for the network's own value at
    that pixel; anything that broadcasts to (B, S, S, G) will do, (B, 1, 1, 1) of -1 for no edit at all. `transfer`
    (B, G) is there for models of several groups only.
    """

    def __init__(self, model: Lomit) -> None:
        super().__init__()
        self._model = model
        self.weights = [v.value for v in model.inference_generator.variables]
        self.size, self.crop = model.config.data.image_size, model.config.data.crop
        self.groups = len(model.group_names)

    def _images(self, encoded: Any) -> Any:
        squares = tf.map_fn(
            lambda one: preprocess.square(decode_image(one), self.crop, self.size), encoded,
            fn_output_signature=tf.TensorSpec((self.size, self.size, 3), tf.uint8),
        )  # fmt: skip
        return preprocess.to_model_range(squares)

    def _edits(self, masks: Any) -> Any:
        """Edits at full size: a value that is alike everywhere may come as (B, 1, 1, 1)."""
        return tf.broadcast_to(masks, (tf.shape(masks)[0], self.size, self.size, self.groups))

    def serving_default(self, image_bytes: Any, exemplar_bytes: Any, transfer: Any = None) -> dict[str, Any]:
        """Encoded images (B,) -> the translations as PNGs (B,). The suffix makes TensorFlow Serving's REST use b64."""
        image, exemplar = self._images(image_bytes), self._images(exemplar_bytes)
        translation = self._model.translate(image, exemplar, transfer)["image"]
        png = tf.map_fn(tf.io.encode_png, preprocess.from_model_range(translation), fn_output_signature=tf.string)
        return {"translation_bytes": png}

    def translate(
        self, image: Any, exemplar: Any, image_masks: Any, exemplar_masks: Any, transfer: Any = None
    ) -> dict[str, Any]:
        """Images (B, S, S, 3) in [-1, 1] -> what `apply` gives, and the exemplar's masks as used (B, S, S, G)."""
        encoded = self.encode_exemplar(exemplar, exemplar_masks)
        out = self.apply(image, encoded["styles"], image_masks, transfer)
        return out | {"exemplar_masks": encoded["exemplar_masks"]}

    def masks(self, image: Any) -> dict[str, Any]:
        """Images (B, S, S, 3) in [-1, 1] -> the masks (B, S, S, G)."""
        return {"masks": core.masks(self._model.inference_generator, image)[..., : self.groups]}

    def encode_exemplar(self, exemplar: Any, exemplar_masks: Any) -> dict[str, Any]:
        """Exemplars (B, S, S, 3) -> styles (B, G, style_size), for a client to keep, and the masks as used."""
        styles, masks = self._model.encode_exemplar(exemplar, edits=self._edits(exemplar_masks))
        return {"styles": styles, "exemplar_masks": masks[..., : self.groups]}

    def apply(self, image: Any, styles: Any, image_masks: Any, transfer: Any = None) -> dict[str, Any]:
        """Images (B, S, S, 3) in the styles of `encode_exemplar` -> the translation, its parts (`Generator.parts`),
        and the masks as used."""
        out = self._model.apply_styles(image, styles, transfer, edits=self._edits(image_masks))
        parts = {name: out[name] for name in self._model.inference_generator.parts(self.size)}
        return {"translation": out["image"], "image_masks": out["image_masks"][..., : self.groups]} | parts

    def concrete(self) -> dict[str, Any]:
        """Signature name -> concrete function."""
        s, style = self.size, self._model.inference_generator.style_size
        image, mask = (None, s, s, 3), (None, None, None, None)
        inputs: dict[str, dict[str, Any]] = {
            "serving_default": {"image_bytes": None, "exemplar_bytes": None},
            "translate": {"image": image, "exemplar": image, "image_masks": mask, "exemplar_masks": mask},
            "masks": {"image": image},
            "encode_exemplar": {"exemplar": image, "exemplar_masks": mask},
            "apply": {"image": image, "styles": (None, self.groups, style), "image_masks": mask},
        }
        made = {}
        for name, shapes in inputs.items():
            specs = [
                tf.TensorSpec((None,), tf.string, key) if shape is None else tf.TensorSpec(shape, tf.float32, key)
                for key, shape in shapes.items()
            ]
            if self.groups > 1 and name in ("serving_default", "translate", "apply"):
                specs.append(tf.TensorSpec((None, self.groups), tf.float32, "transfer"))
            made[name] = tf.function(getattr(self, name), autograph=False).get_concrete_function(*specs)
        return made


def write_saved_model(model: Lomit, folder: Path) -> Path:
    """Write `folder`/1, with warm-up requests for TensorFlow Serving; the path of the version's folder."""
    module = ServingModule(model)
    path = folder / VERSION
    tf.saved_model.save(module, str(path), signatures=module.concrete())
    write_warmup_requests(path, module.size, module.groups)
    return path
