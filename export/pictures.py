"""Images to calibrate with and to compare on: a folder's, a data set's, or drawn faces."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from lomit_tf.config import ConfigError, DataConfig
from lomit_tf.data import drawn_faces, preprocess
from lomit_tf.data.folders import IMAGE_SUFFIXES
from lomit_tf.data.sources import DataError, Split, open_set


@dataclasses.dataclass(frozen=True)
class Pairs:
    """N inputs and exemplars (N, S, S, 3) in [-1, 1]; where known, labels (N, K) and unowned pixels (N, S, S)."""

    image: np.ndarray
    exemplar: np.ndarray
    labels: np.ndarray | None = None
    exemplar_labels: np.ndarray | None = None
    background: np.ndarray | None = None


def from_folder(folder: str, config: DataConfig, count: int) -> np.ndarray:
    """Up to `count` images of a folder (and of those in it), framed as the model needs them: (N, S, S, 3) in [-1, 1].

    Raises ConfigError: no such folder, or no image in it; CorruptImageError for a file that cannot be read.
    """
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise ConfigError(f"--calibration={folder}: no such folder")
    paths = sorted(path for path in root.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES and path.name[0] != ".")
    if not paths:
        raise ConfigError(f"--calibration={folder}: no images there (looked for {', '.join(IMAGE_SUFFIXES)})")
    chosen = [paths[i] for i in np.linspace(0, len(paths) - 1, min(count, len(paths))).astype(int)]
    size = config.image_size
    return np.stack([np.asarray(preprocess.preprocess(preprocess.decode(p), config.crop, size)) for p in chosen])


def of_data(config: DataConfig, split: Split, count: int, data_dir: str = "") -> Pairs:
    """Pairs of `count` images of the model's data set, or drawn faces where it is another one and no data_dir is given.

    An image's exemplar is the nearest following image with other labels. Raises DataError when files are missing.
    """
    if config.dataset != "drawn_faces" and not data_dir:
        faces = drawn_faces.draw(drawn_faces.split_indices(split, count), size=config.image_size)
        images = np.asarray(preprocess.to_model_range(faces.images))
        return Pairs(images, np.roll(images, 1, axis=0))
    chosen = dataclasses.replace(config, data_dir=data_dir or config.data_dir, train_images=0)
    try:
        data = open_set(chosen, split)
    except DataError:
        if split != "test" or not data_dir:
            raise
        data = open_set(chosen, "validation")  # a set without test images: these are not trained on either
    order = np.linspace(0, len(data) - 1, min(count, len(data))).astype(int)
    partners = [_partner(data.labels, int(i)) for i in order]

    def read(indices: np.ndarray) -> np.ndarray:
        if data.read_many is not None:
            return np.asarray(preprocess.to_model_range(data.read_many(indices)))
        size = config.image_size
        return np.stack([np.asarray(preprocess.preprocess(data.read(int(i)), config.crop, size)) for i in indices])

    background = None
    if data.read_masks is not None:
        owned = {drawn_faces.REGION_OF[name] for name in data.label_names if name in drawn_faces.REGION_OF}
        regions = [i for i, name in enumerate(data.region_names) if name in owned]
        background = (data.read_masks(order)[..., regions] == 0).all(axis=-1)
    return Pairs(read(order), read(np.array(partners)), data.labels[order], data.labels[partners], background)


def _partner(labels: np.ndarray, index: int) -> int:
    """The next image whose labels differ; the next one where none does."""
    count = len(labels)
    following = (index + 1 + np.arange(count)) % count
    differing = following[(labels[following] != labels[index]).any(axis=1)]
    return int(differing[0] if len(differing) else following[0])
