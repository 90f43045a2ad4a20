"""The classifier: an attribute classifier that no LOMIT network has seen, to say which labels a translation has.

It is a residual network with batch normalisation, so that it shares neither weights nor architecture nor seed with
the critic's D_cls (plain strided convolutions), and it learns from real images and labels only.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from lomit_tf.config import ConfigError, DataConfig
from lomit_tf.data.image_set import ImageSet
from lomit_tf.data.pairs import batches
from lomit_tf.data.sources import open_set
from lomit_tf.data.store import ImageStore
from lomit_tf.evaluation.metrics.attribute_classifier_config import NETWORK, RECORD, ClassifierConfig, classifier_folder
from lomit_tf.evaluation.metrics.augment import augment
from lomit_tf.runtime.atomic import write_text
from lomit_tf.training.callbacks import ProgressBar, TrainingError

FINEST = 4  # pixels on a side after the last stage
RANGE_SLACK = 1e-3  # float32 arithmetic may leave -1..1 by this much


def build_classifier(config: ClassifierConfig) -> keras.Model:
    """The network: images (B, S, S, 3) in -1..1 -> logits (B, K), one for each label.

    A strided 3x3 convolution, then residual stages of two 3x3 convolutions with batch normalisation, each half the
    size of the one before down to 4x4, global average, dropout, dense. Weights depend on the seed alone.
    """
    size, width = config.data.image_size, config.width
    rng = np.random.default_rng(config.seed)
    numbers: dict[str, Any] = {"dtype": "float32"}  # whatever keras.json says
    maps = numbers | {"data_format": "channels_last"}

    def seed() -> int:
        return int(rng.integers(2**31))

    def conv(x: Any, channels: int, kernel: int, strides: int = 1) -> Any:
        return layers.Conv2D(
            channels, kernel, strides, "same", use_bias=False, kernel_initializer=keras.initializers.HeNormal(seed()),
            **maps,
        )(x)  # fmt: skip

    def norm(x: Any) -> Any:
        return layers.BatchNormalization(momentum=0.95, epsilon=1e-3, **numbers)(x)

    def relu(x: Any) -> Any:
        return layers.ReLU(**numbers)(x)

    images = keras.Input((size, size, 3), name="images", **numbers)
    x = relu(norm(conv(images, width, 3, 2)))  # (B, S/2, S/2, width)
    side, stage = size // 2, 0
    while True:
        channels = width * min(8, 2**stage)
        strides = 1 if stage == 0 else 2
        shortcut = x
        if strides == 2:
            shortcut = norm(conv(layers.AveragePooling2D(2, **maps)(x), channels, 1))
        x = relu(norm(conv(x, channels, 3, strides)))
        x = relu(layers.Add(**numbers)([norm(conv(x, channels, 3)), shortcut]))
        side, stage = side // strides, stage + 1
        if side <= FINEST:
            break
    x = layers.GlobalAveragePooling2D(**maps)(x)  # (B, C)
    x = layers.Dropout(0.2, seed=seed(), **numbers)(x)
    logits = layers.Dense(
        len(config.data.label_names), name="logits", kernel_initializer=keras.initializers.GlorotUniform(seed()),
        **numbers,
    )(x)  # fmt: skip
    return keras.Model(images, logits, name="classifier")


class AttributeClassifier:
    """A trained attribute classifier with the record of how it was made and how well it does."""

    def __init__(self, network: keras.Model, record: dict[str, Any]) -> None:
        self.network, self.record = network, record

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> AttributeClassifier:
        """The classifier that `python -m lomit_tf.train_classifier --out=PATH` wrote, or a shipped one by its name.

        Raises ConfigError when the folder holds none, or one that cannot be read.
        """
        folder = classifier_folder(path)
        try:
            record = json.loads((folder / RECORD).read_text())
            network = keras.saving.load_model(folder / NETWORK, compile=False)
            labels = record["attributes"]
        except (ValueError, KeyError, OSError, TypeError) as error:
            raise ConfigError(f"the classifier at {folder} cannot be read: {error}; train it again") from error
        if network.output_shape[-1] != len(labels):
            raise ConfigError(
                f"the classifier at {folder}: {NETWORK} gives {network.output_shape[-1]} labels and {RECORD} names "
                f"{len(labels)}; both must come from one training"
            )
        return cls(network, record)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write classifier.keras and classifier.json into the folder, which is made where it is missing."""
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        self.network.save(folder / NETWORK)
        write_text(folder / RECORD, json.dumps(self.record, indent=1) + "\n")

    @property
    def label_names(self) -> tuple[str, ...]:
        """The K labels, in the order of `predict`'s columns."""
        return tuple(self.record["attributes"])

    @property
    def image_size(self) -> int:
        """Height and width in pixels of the network's input."""
        return int(self.network.input_shape[1])

    def predict(self, images: np.ndarray, batch_size: int = 128) -> np.ndarray:
        """Probabilities (N, K) float32 of the labels of images (N, H, W, 3), float in -1..1, framed as in training.

        Images of another size are resized to the classifier's, antialiased bilinear.

        Raises ValueError for other shapes, integer images, and values out of range or not finite.
        """
        images = np.asarray(images)
        if images.ndim != 4 or images.shape[-1] != 3:
            raise ValueError(f"images must be (N, H, W, 3); received {images.shape}")
        if not np.issubdtype(images.dtype, np.floating):
            raise ValueError(f"images must be float in -1..1; received {images.dtype}")
        if images.size and not np.abs(images).max() <= 1 + RANGE_SLACK:  # also false for NaN
            raise ValueError(f"images must be within -1..1; received {images.min():g}..{images.max():g}")
        size, results = self.image_size, [np.zeros((0, len(self.label_names)), np.float32)]
        for start in range(0, len(images), batch_size):
            part = tf.cast(images[start : start + batch_size], tf.float32)
            if part.shape[1:3] != (size, size):
                part = tf.image.resize(part, (size, size), method="bilinear", antialias=True)
            results.append(tf.sigmoid(self.network(part, training=False)).numpy())
        return np.concatenate(results)


class _Batches(keras.utils.PyDataset):
    """Augmented batches; batch `step` is a function of (seed, step) alone."""

    def __init__(self, images: ImageSet, config: ClassifierConfig, steps: int) -> None:
        super().__init__(workers=1, max_queue_size=4)
        self.store = ImageStore(images, config.data, seed=config.seed, num_workers=min(16, os.cpu_count() or 1))
        self.config, self.steps, self.labels = config, steps, images.labels

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        size, count = self.config.batch_size, len(self.labels)
        places = np.arange(step * size, (step + 1) * size)
        orders = {
            epoch: np.random.default_rng([self.config.seed, 0, epoch]).permutation(count)
            for epoch in range(int(places[0] // count), int(places[-1] // count) + 1)
        }
        chosen = np.array([orders[place // count][place % count] for place in places.tolist()])
        pictures, actual = self.store.get(chosen)
        rng = np.random.default_rng([self.config.seed, 1, step])
        return augment(pictures, rng, flip=self.config.data.flip), self.labels[actual]


def train_classifier(
    config: ClassifierConfig, out: str | os.PathLike[str], *, command: str = "", progress: bool = True
) -> AttributeClassifier:
    """Train a classifier on the real labels of a data set, measure it on held-out images, and write it to `out`.

    The loss is sigmoid cross-entropy, with each label's positives weighted by sqrt(negatives / positives) within
    1/4..4: a label that is rare among real faces is not rare among translations.

    Args:
      config: the data and the training.
      out: folder of classifier.keras and classifier.json.
      command: what to write into the record as the command.
      progress: show a bar, or lines, on standard error.

    Raises:
      ConfigError, DataError: flags or data that cannot be used; among them a label without positives or negatives.
      TrainingError: the loss is not finite.
    """
    images, held_out = (open_set(config.data, split) for split in ("train", config.held_out))  # type: ignore[arg-type]
    out = Path(out)
    try:
        out.mkdir(parents=True, exist_ok=True)  # now, not after minutes of training
    except OSError as error:
        raise ConfigError(f"--out={out} cannot be made a folder: {error.strerror}") from error
    positives = images.labels.mean(axis=0)
    for name, share in zip(images.label_names, positives, strict=True):
        if share in (0, 1):
            quantity = "no" if share == 0 else "every"
            raise ConfigError(f"--attributes: {quantity} training image has {name}; leave it out")
    weights = np.clip(np.sqrt((1 - positives) / positives), 0.25, 4.0).astype(np.float32)

    steps = config.steps_for(len(images))
    network = build_classifier(config)
    warmup = steps // 10
    rate = keras.optimizers.schedules.CosineDecay(
        config.learning_rate / 10, steps - warmup, warmup_target=config.learning_rate, warmup_steps=warmup
    )
    # A second model around the same layers takes the optimizer, so that the saved one is without its state.
    trained = keras.Model(network.inputs, network.outputs)
    trained.compile(
        keras.optimizers.AdamW(rate, weight_decay=config.weight_decay),
        loss=lambda labels, logits: weighted_cross_entropy(labels, logits, weights),
    )
    callbacks = [ProgressBar(steps, 0, config.batch_size, max(1, steps // 20))] if progress else []
    history = trained.fit(_Batches(images, config, steps), epochs=1, shuffle=False, verbose=0, callbacks=callbacks)
    if not np.isfinite(history.history["loss"][-1]):  # the mean over all steps
        raise TrainingError("the classifier's loss is not finite; lower --learning_rate. Nothing was written")

    record = {
        "attributes": list(images.label_names), "image_size": config.data.image_size, "crop": config.data.crop,
        "dataset": config.data.dataset, "command": command, "seed": config.seed, "steps": steps,
        "batch_size": config.batch_size, "training_images": len(images), "parameters": network.count_params(),
    }  # fmt: skip
    classifier = AttributeClassifier(network, record)
    record["held_out"] = {"split": config.held_out, "per_attribute": measure(classifier, held_out, config.data)}
    classifier.save(out)
    return classifier


def weighted_cross_entropy(labels: Any, logits: Any, weights: Any) -> Any:
    """Sigmoid cross-entropy (B,), mean over K labels, with the positives of label k weighted by weights[k].

    labels (B, K) in {0, 1}, logits (B, K), weights (K,).
    """
    labels = keras.ops.cast(labels, logits.dtype)
    losses = labels * weights * keras.ops.softplus(-logits) + (1 - labels) * keras.ops.softplus(logits)
    return keras.ops.mean(losses, axis=-1)


def measure(classifier: AttributeClassifier, images: ImageSet, config: DataConfig) -> dict[str, dict[str, Any]]:
    """Per label: accuracy, balanced accuracy (None where one class is missing), count and positives."""
    parts = [(classifier.predict(batch["x"]), batch["y"]) for batch in batches(images, config, 128)]
    return accuracies(
        np.concatenate([p for p, _ in parts]), np.concatenate([y for _, y in parts]), classifier.label_names
    )


def accuracies(probabilities: np.ndarray, labels: np.ndarray, names: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """The numbers of `measure` from probabilities (N, K) and labels (N, K) in {0, 1}; a label is given from 0.5 on."""
    right, truth = (probabilities >= 0.5) == (labels >= 0.5), labels >= 0.5
    result: dict[str, dict[str, Any]] = {}
    for k, name in enumerate(names):
        classes = [right[truth[:, k] == value, k] for value in (True, False)]
        balanced = float(np.mean([c.mean() for c in classes])) if all(len(c) for c in classes) else None
        result[name] = {
            "accuracy": float(right[:, k].mean()), "balanced_accuracy": balanced,
            "count": len(right), "positives": int(truth[:, k].sum()),
        }  # fmt: skip
    return result
