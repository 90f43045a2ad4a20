"""The signatures on a model: instances made ready in threads, computed in batches, made answers in threads.

engine = Engine(lomit_tf.load("celeba_small"), max_pixels=25_000_000)
items = [engine.prepare(signature, instance, where) for ...]
answers = [engine.answer(item, result) for item, result in zip(items, engine.run(items))]
"""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from lomit_tf import core
from lomit_tf.data import preprocess
from lomit_tf.imaging.connected import keep_connected
from lomit_tf.model import Lomit
from lomit_tf.serving.images import decode, encode_png
from lomit_tf.serving.signatures import Signature, signatures
from lomit_tf.settings.methods import need_whole

KEPT_EXEMPLARS = 64


@dataclasses.dataclass(frozen=True)
class EncodedExemplar:
    """An exemplar as the network sees it: styles (G, D), and its masks as used (S, S, G)."""

    styles: np.ndarray
    masks: np.ndarray | None


@dataclasses.dataclass
class Item:
    """One instance, ready for the network.

    Images are (S, S, 3) float32 in -1..1, masks (S, S, G) in 0..1, negative for the network's own value.
    """

    signature: Signature
    image: np.ndarray | None = None
    image_masks: np.ndarray | None = None
    transfer: np.ndarray | None = None
    exemplar: np.ndarray | None = None  # to be encoded, where `encoded` is None
    exemplar_masks: np.ndarray | None = None
    encoded: EncodedExemplar | None = None
    key: bytes = b""  # of the exemplar, for those that are remembered


class Engine:
    """A model behind the signatures. `prepare` and `answer` may be called from several threads, `run` from one.

    Args:
      model: with its weights.
      max_pixels: of an encoded image.
      default_exemplar: an encoded image for instances that have no exemplar.

    Raises:
      RequestError: the default exemplar is not an image.
    """

    def __init__(self, model: Lomit, *, max_pixels: int, default_exemplar: bytes | None = None) -> None:
        model.build()
        data = model.config.data
        need_whole(data, "serving")
        self.size, self.crop, self.max_pixels = data.image_size, data.crop, max_pixels
        self.groups = model.group_names
        style_size = model.inference_generator.style_size
        self.signatures = signatures(
            self.size,
            len(self.groups),
            style_size,
            parts=model.inference_generator.parts(self.size),
            default_exemplar=default_exemplar is not None,
        )
        self.default_exemplar = default_exemplar
        self.cache_hits = 0
        self._cache: collections.OrderedDict[bytes, EncodedExemplar] = collections.OrderedDict()
        self._lock = threading.Lock()
        self._encode, self._apply, self._masks = _functions(model)

    def warm_up(self) -> None:
        """Trace and run everything once, so that the first client does not wait for it."""
        blank = np.zeros((self.size, self.size, 3), np.float32)
        of = self.signatures
        self.run([Item(of["translate"], blank, exemplar=blank), Item(of["masks"], blank)])

    def prepare(self, signature: Signature, instance: Mapping[str, Any], where: str) -> Item:
        """Decode and frame what an instance (of wire.parse) holds. Raises RequestError (400)."""
        item = Item(signature, image_masks=instance.get("image_masks"), transfer=instance.get("transfer"))
        if "image" in instance or "image_bytes" in instance:
            item.image = self._pixels(instance, "image", where)
        if "styles" in instance:
            item.encoded = EncodedExemplar(instance["styles"], None)
        elif signature.name != "masks":
            self._take_exemplar(item, instance, where)
        return item

    def _take_exemplar(self, item: Item, instance: Mapping[str, Any], where: str) -> None:
        item.exemplar_masks = instance.get("exemplar_masks")
        named = {name: instance[name] for name in ("exemplar", "exemplar_bytes") if name in instance}
        if not named and self.default_exemplar is not None:
            named = {"exemplar_bytes": self.default_exemplar}
        digest = hashlib.sha256()
        for name, value in (*named.items(), ("masks", item.exemplar_masks)):
            digest.update(name.encode() + b"\0")
            digest.update(b"" if value is None else value if isinstance(value, bytes) else value.tobytes())
        item.key = digest.digest()
        with self._lock:
            item.encoded = self._cache.get(item.key)
            if item.encoded is not None:
                self._cache.move_to_end(item.key)
                self.cache_hits += 1
        if item.encoded is None:
            item.exemplar = self._pixels(named, "exemplar", where)

    def _pixels(self, instance: Mapping[str, Any], name: str, where: str) -> np.ndarray:
        """The image as the model sees it: the very crop, resize and range of training (data/preprocess.py)."""
        if name in instance:
            return instance[name]
        rgb = decode(instance[f"{name}_bytes"], f"{where}, {name}_bytes", self.max_pixels)
        return preprocess.preprocess(rgb, self.crop, self.size).numpy()

    def run(self, items: Sequence[Item]) -> list[dict[str, np.ndarray]]:
        """Compute items of any signatures, mixed, in at most three passes of networks; results in their order."""
        results: list[dict[str, np.ndarray]] = [{} for _ in items]
        self._encode_exemplars(items)
        paint = [i for i, item in enumerate(items) if item.image is not None and item.encoded is not None]
        look = [i for i, item in enumerate(items) if item.image is not None and item.encoded is None]
        if paint:
            chosen = [items[i] for i in paint]
            masks = self._edits([item.image_masks for item in chosen])
            everything = np.ones(len(self.groups), np.float32)
            transfer = np.stack([everything if item.transfer is None else item.transfer for item in chosen])
            styles = np.stack([item.encoded.styles for item in chosen if item.encoded is not None])
            images = np.stack([item.image for item in chosen if item.image is not None])
            made = {name: value.numpy() for name, value in self._apply(images, masks, styles, transfer).items()}
            for n, i in enumerate(paint):
                results[i] |= {name: value[n] for name, value in made.items()}
        if look:
            pictures = [image for i in look if (image := items[i].image) is not None]
            found = self._masks(np.stack(pictures)).numpy()
            for i, mask in zip(look, found, strict=True):
                results[i]["masks"] = mask
        for result, item in zip(results, items, strict=True):
            if item.encoded is not None and item.encoded.masks is not None:
                result |= {"styles": item.encoded.styles, "exemplar_masks": item.encoded.masks}
        return results

    def _encode_exemplars(self, items: Sequence[Item]) -> None:
        """Encode what is not known yet, equal ones once, and remember it."""
        first: dict[bytes, Item] = {}
        for item in items:
            if item.encoded is None and item.exemplar is not None:
                first.setdefault(item.key, item)
        if not first:
            return
        fresh = list(first.values())
        masks = self._edits([item.exemplar_masks for item in fresh])
        pictures = np.stack([item.exemplar for item in fresh if item.exemplar is not None])
        styles, used = self._encode(pictures, masks)
        encoded = dict(zip(first, map(EncodedExemplar, styles.numpy(), used.numpy()), strict=True))
        for item in items:
            if item.encoded is None and item.exemplar is not None:
                item.encoded = encoded[item.key]
        with self._lock:
            for key, value in encoded.items():
                if key:
                    self._cache[key] = value
            while len(self._cache) > KEPT_EXEMPLARS:
                self._cache.popitem(last=False)

    def _edits(self, masks: Sequence[np.ndarray | None]) -> np.ndarray:
        """Masks (B, S, S, G), negative where none are given."""
        own = np.full((self.size, self.size, len(self.groups)), -1.0, np.float32)
        return np.stack([own if mask is None else mask for mask in masks])

    def answer(self, item: Item, result: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """The outputs of the item's signature."""
        answer: dict[str, Any] = dict(result)
        if item.signature.name == "serving_default":
            answer["translation_bytes"] = encode_png(result["translation"])
        return {t.name: answer[t.name] for t in item.signature.outputs}


def check_exemplar(engine: Engine) -> None:
    """Raise RequestError for a default exemplar that cannot be used, before anyone asks for it; else encode it."""
    if engine.default_exemplar is not None:
        signature = engine.signatures["encode_exemplar"]
        engine.run([engine.prepare(signature, {"exemplar_bytes": engine.default_exemplar}, "--exemplar")])


def _functions(model: Lomit) -> tuple[Any, Any, Any]:
    """Compiled: encode(images, masks) -> styles, masks; apply(images, masks, styles, transfer) -> outputs by
    name; masks(images), whose connected groups keep their largest part. Masks are (B, S, S, G); where an edited
    one is negative, the group was not edited there."""
    g, groups = model.inference_generator, len(model.group_names)
    size, connected = model.config.data.image_size, model.config.connected_indices
    images = tf.TensorSpec((None, size, size, 3), tf.float32)
    planes = tf.TensorSpec((None, size, size, groups), tf.float32)
    styles = tf.TensorSpec((None, groups, g.style_size), tf.float32)
    transfer = tf.TensorSpec((None, groups), tf.float32)

    def found(images: tf.Tensor) -> tf.Tensor:
        masks = core.masks(g, images)
        if not connected:
            return masks
        kept = tf.numpy_function(lambda m: keep_connected(m, connected), [tf.cast(masks, tf.float32)], tf.float32)
        return tf.cast(tf.ensure_shape(kept, masks.shape), masks.dtype)

    def encode(images: tf.Tensor, edits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        styles, used = model.encode_exemplar(images, found(images), edits)
        return tf.cast(styles, tf.float32), used[..., :groups]

    def apply(images: tf.Tensor, edits: tf.Tensor, styles: tf.Tensor, transfer: tf.Tensor) -> dict[str, tf.Tensor]:
        out = model.apply_styles(images, styles, transfer, found(images), edits)
        parts = {name: tf.cast(out[name], tf.float32) for name in ("image", *g.parts(size))}
        return {"translation": parts.pop("image"), "image_masks": out["image_masks"][..., :groups]} | parts

    def masks_of(images: tf.Tensor) -> tf.Tensor:
        return tf.cast(found(images)[..., :groups], tf.float32)

    def compiled(function: Any, *signature: tf.TensorSpec) -> Any:
        return tf.function(function, input_signature=signature, autograph=False)

    return (
        compiled(encode, images, planes),
        compiled(apply, images, planes, styles, transfer),
        compiled(masks_of, images),
    )
