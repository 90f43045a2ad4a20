"""`open_set`: from a configuration to labelled images with random access, whatever the source."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from absl import logging

from lomit_tf.config import DATASETS, ConfigError, DataConfig, near, parse_domains
from lomit_tf.data import celeb_a, drawn_faces, folders, tfds_sets
from lomit_tf.data.image_set import SPLITS, DataError, ImageSet, Split, label_columns, subset

__all__ = ["DRAWN_COUNTS", "DataError", "ImageSet", "SPLITS", "Split", "open_set"]

# Of train, --train_images says otherwise; the other two are enough for stable metrics and quick to draw.
DRAWN_COUNTS = {"train": 10_000, "validation": 1_000, "test": 1_000}


def open_set(config: DataConfig, split: Split, seed: int = 0) -> ImageSet:
    """Opens one split of the configured data set.

    Args:
      config: `dataset`, `data_dir`, `labels_file`, `attributes`, `image_size` and `train_images` are used.
      split: train, validation or test.
      seed: of the drawn faces; left alone, every run has the same data set, whatever its training seed.

    Raises:
      ConfigError: an attribute or split that the data set does not have; the message names the near ones.
      DataError: files that are missing or malformed; the message says where it looked and where to get them.
    """
    if split not in SPLITS:
        raise ConfigError(f"split {split!r} is unknown; {near(split, SPLITS)}")
    if config.domains:
        try:
            images = with_domains(_open(labelled(config), split, seed), config)
        except ConfigError as error:  # of a label, which the readers know as one of the attributes
            said = str(error).removeprefix("--attributes: ")
            raise ConfigError(f"--domains={config.domains!r}: {said}") from error
    elif config.match:  # read beside the attributes, then split off
        both = dataclasses.replace(config, attributes=(*config.attributes, *config.match), match=(), groups="")
        images = with_cells(_open(both, split, seed), len(config.attributes))
    else:
        images = _open(config, split, seed)
    if config.labelled_only and not config.two_domains:
        chosen = np.flatnonzero(images.labels.any(axis=1))
        if not len(chosen):
            raise DataError(
                f"--labelled_only leaves no {split} image of {images.name}: none has any of "
                f"{', '.join(images.label_names)}"
            )
        images = subset(images, chosen)
    if split == "train":
        _check_variation(images, config)
    return images


def labelled(config: DataConfig) -> DataConfig:
    """The set that `config.domains` divides: the labels that its conditions name, once each, are its attributes."""
    names = tuple(dict.fromkeys(label for label, _ in parse_domains(config.domains)))
    return dataclasses.replace(config, domains="", attributes=names)


def with_domains(images: ImageSet, config: DataConfig) -> ImageSet:
    """The images of exactly one of the two domains of `config.domains`, A's first, under one label (0 = A, 1 = B).

    Raises DataError for a domain that no image of the split is in.
    """
    conditions = parse_domains(config.domains)
    within = [(images.labels[:, images.label_names.index(name)] > 0) == there for name, there in conditions]
    sides = [np.flatnonzero(within[0] & ~within[1]), np.flatnonzero(within[1] & ~within[0])]
    for letter, side, (name, there), every in zip("AB", sides, conditions, within, strict=True):
        if not len(side):
            said = f"{every.sum()} are {'with' if there else 'without'} {name}, and all of those are in the other too"
            raise DataError(
                f"--domains={config.domains!r}: domain {letter} is empty; of {len(images)} {images.split} images of "
                f"{images.name} {said}"
            )
    count = len(sides[0])
    chosen = subset(images, np.concatenate(sides))
    labels = (np.arange(len(chosen)) >= count).astype(np.float32)[:, None]
    domains = (np.arange(count), np.arange(count, len(chosen)))
    return dataclasses.replace(chosen, labels=labels, label_names=config.label_names, domains=domains)


def _check_variation(images: ImageSet, config: DataConfig) -> None:
    """Raise DataError for a label that all training images share; warn where --train_images has made it so."""
    for name, column in zip(images.label_names, images.labels.T, strict=True):
        if column.min() != column.max():
            continue
        said = f"{images.name}: {'all' if column[0] else 'none'} of the {len(images)} training images have {name}"
        if config.train_images:
            logging.warning("%s; with a larger --train_images some would differ", said)
        else:
            by = " that --labelled_only leaves" if config.labelled_only else ""
            raise DataError(f"{said}{by}; nothing can be learned from a label that never varies: leave it out")


def with_cells(images: ImageSet, attributes: int) -> ImageSet:
    """A set whose labels after the first `attributes` become the cells in which pairs must agree."""
    cells = np.unique(images.labels[:, attributes:], axis=0, return_inverse=True)[1]
    names = images.label_names[:attributes]
    return dataclasses.replace(images, labels=images.labels[:, :attributes], label_names=names, cells=cells.reshape(-1))


def _open(config: DataConfig, split: Split, seed: int) -> ImageSet:
    if config.dataset == "drawn_faces":
        return _drawn(config, split, seed)
    if not config.data_dir and config.dataset in ("labelled_folder", "two_domains"):
        raise ConfigError(f"--dataset={config.dataset} needs --data_dir, the folder of the data set")
    root = Path(config.data_dir).expanduser()
    if config.data_dir and not root.is_dir():
        raise DataError(f"--data_dir={config.data_dir}: no such folder (looked for {root.absolute()})")
    if config.dataset == "celeb_a":
        elsewhere = None
        if config.data_dir and not celeb_a.has_lists(config.data_dir):
            elsewhere = celeb_a.layout_near(config.data_dir)
        if elsewhere:
            raise DataError(f"--data_dir={config.data_dir} is not CelebA's folder, which is {elsewhere}: give that one")
        if celeb_a.has_folder_layout(config.data_dir):
            return celeb_a.open_celeb_a(config, split)
        return tfds_sets.open_celeb_a(config, split)
    if config.dataset == "labelled_folder":
        return folders.open_labelled(config, split)
    if config.dataset == "two_domains":
        return folders.open_two_domains(config, split)
    if config.dataset.startswith("cycle_gan/"):
        if config.data_dir and (root / "trainA").is_dir():
            return folders.open_two_domains(config, split)
        return tfds_sets.open_cycle_gan(config, split)
    raise ConfigError(f"--dataset={config.dataset!r} is unknown; {near(config.dataset, DATASETS)}")


def _drawn(config: DataConfig, split: Split, seed: int) -> ImageSet:
    """Drawn faces: pictures, labels and true masks are functions of the index; nothing is read or stored."""
    count = (split == "train" and config.train_images) or DRAWN_COUNTS[split]
    numbers = np.asarray(drawn_faces.split_indices(split, count))
    columns = label_columns(config.attributes, drawn_faces.ATTRIBUTES, "drawn_faces")
    size = config.image_size
    if size > drawn_faces.MAX_SIZE:
        raise ConfigError(f"--image_size={size}: drawn_faces are at most {drawn_faces.MAX_SIZE} pixels wide")

    def read_many(indices: np.ndarray) -> np.ndarray:
        return drawn_faces.draw(numbers[indices], seed=seed, size=size).images

    def read_masks(indices: np.ndarray) -> np.ndarray:
        return drawn_faces.draw(numbers[indices], seed=seed, size=size).masks

    labels = np.asarray(drawn_faces.labels_of(numbers, seed=seed))[:, columns].astype(np.float32)
    keys = [f"drawn_faces/{split}/{i}" for i in range(count)]
    return ImageSet(
        "drawn_faces", split, labels, config.attributes, keys, lambda index: read_many(np.array([index]))[0],
        read_many=read_many, framed=True, read_masks=read_masks, region_names=tuple(drawn_faces.REGIONS),
    )  # fmt: skip
