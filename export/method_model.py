"""The SavedModel of a method other than LOMIT: its `translate`, with and without labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

VERSION = "1"  # TensorFlow Serving loads the highest numbered folder
TOLERANCE = 1e-4  # of values in [-1, 1]


class MethodModule(tf.Module):
    """The functions behind the signatures; S is the model's image size, K its number of labels."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self._model = model
        self.weights = [v.value for part in model.network_parts().values() for v in part]
        self.size, self.labels = model.config.data.image_size, model.num_labels

    def serving_default(self, image: Any, exemplar: Any) -> dict[str, Any]:
        """Images (B, S, S, 3) in [-1, 1] -> the translation, of labels that nobody knows (`Baseline.guess_labels`)."""
        return self._named(self._model.translate(image, exemplar))

    def translate(self, image: Any, exemplar: Any, labels: Any, image_labels: Any) -> dict[str, Any]:
        """Images (B, S, S, 3) in [-1, 1], wanted and own labels (B, K) -> the translation, and its masks if any."""
        return self._named(self._model.translate(image, exemplar, labels, image_labels=image_labels))

    def _named(self, out: dict[str, Any]) -> dict[str, Any]:
        named = {"translation": out["image"]}
        return named | ({"image_masks": out["image_masks"][..., :-1]} if "image_masks" in out else {})

    def concrete(self) -> dict[str, Any]:
        """Signature name -> concrete function."""
        images = [tf.TensorSpec((None, self.size, self.size, 3), tf.float32, name) for name in ("image", "exemplar")]
        labels = [tf.TensorSpec((None, self.labels), tf.float32, name) for name in ("labels", "image_labels")]
        return {
            "serving_default": tf.function(self.serving_default, autograph=False).get_concrete_function(*images),
            "translate": tf.function(self.translate, autograph=False).get_concrete_function(*images, *labels),
        }


def write_method(model: Any, folder: Path) -> Path:
    """Write `folder`/1; the path of the version's folder."""
    module, path = MethodModule(model), folder / VERSION
    tf.saved_model.save(module, str(path), signatures=module.concrete())
    return path


def compared(model: Any, path: Path, samples: int = 4) -> dict[str, Any]:
    """How far the SavedModel at `path` is from the Keras model, on random pictures: a line of a report's acceptance."""
    rng, size, count = np.random.default_rng(0), model.config.data.image_size, model.num_labels
    image, exemplar = (rng.uniform(-1, 1, (samples, size, size, 3)).astype("float32") for _ in range(2))
    labels, own = (rng.integers(0, 2, (samples, count)).astype("float32") for _ in range(2))
    given = {"image": image, "exemplar": exemplar, "labels": labels, "image_labels": own}
    loaded = tf.saved_model.load(str(path))
    there = loaded.signatures["translate"](**{name: tf.constant(value) for name, value in given.items()})["translation"]
    here = model.translate(image, exemplar, labels, image_labels=own)["image"]
    error = float(np.abs(np.asarray(there) - np.asarray(here)).max())
    text = f"SavedModel: the translation is within {error:.1e} of the Keras model's (at most {TOLERANCE:.0e})"
    return {"text": text, "fatal": True, "holds": error <= TOLERANCE, "error": error}
