"""How faces move with a label, found for pairs of training images: what `movement_teaching` teaches.

    targets = find_movements(config, FindConfig(), "smiles.npz")
    MovementTargets.load("smiles.npz")

docs/method.md, 9.5. No landmarks and no other network take part; labels alone say which faces are compared.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from absl import logging

from lomit_tf.config import ConfigError, LomitConfig
from lomit_tf.data.image_set import DataError, ImageSet
from lomit_tf.data.sources import open_set
from lomit_tf.data.store import ImageStore
from lomit_tf.imaging.local_means import LocalMeans, pairs
from lomit_tf.runtime.atomic import write_bytes
from lomit_tf.settings.close_ups import box_of
from lomit_tf.settings.data import DataConfig
from lomit_tf.settings.movement_teacher import FindConfig
from lomit_tf.training import pieces
from lomit_tf.training.mask_refinement import key_of
from lomit_tf.training.mask_refiners import as_bytes
from lomit_tf.training.movement_labels import label_of

Say = Callable[[int, int], None]
FINE = 8  # steps of a displacement in a pixel
COARSE = 2  # of 255, a step of a change of colour
MOST_TRIES = 20  # pairs that are drawn for one that is kept
RECORDED = "label", "place", "close_up", "image_size", "crop"  # what every file says


@dataclasses.dataclass(frozen=True)
class MovementTargets:
    """Movements of pairs of a data set.

    Attributes:
      keys: (N,) names of the images, as `key_of` gives them.
      faces, exemplars: (n,) indices into them.
      mirrored: (n, 2) bool, whether the face and the exemplar are to be mirrored.
      moves: (n, s, s, 2) int8, the displacement within the close-up, in eighths of a pixel of the whole picture.
      changes: (n, s, s, 3) int8, what is added to the colours, in steps of COARSE of 255.
      record: what made them: data, label, settings.
    """

    keys: np.ndarray
    faces: np.ndarray
    exemplars: np.ndarray
    mirrored: np.ndarray
    moves: np.ndarray
    changes: np.ndarray
    record: dict[str, Any]

    def displacement(self, rows: np.ndarray) -> np.ndarray:
        """(k, s, s, 2) float32, in pixels."""
        return self.moves[rows].astype(np.float32) / FINE

    def change(self, rows: np.ndarray) -> np.ndarray:
        """(k, s, s, 3) float32, of 0..255."""
        return self.changes[rows].astype(np.float32) * COARSE

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> MovementTargets:
        """What `find_movements` wrote. Raises ConfigError naming a file that is missing or is none."""
        try:
            with np.load(path, allow_pickle=False) as file:
                parts = {f.name: file[f.name] for f in dataclasses.fields(cls) if f.name != "record"}
                record = json.loads(str(file["record"]))
                if missing := [name for name in RECORDED if name not in record]:
                    raise KeyError(missing[0])
                return cls(**parts, record=record)
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            # NumPy's own words for a file of another kind advise to trust it.
            reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is a file of another kind"
            raise ConfigError(
                f"{path}: no movements that can be read ({reason}); write them with python -m lomit_tf.find_movements"
            ) from None


def whole_data(data: DataConfig, more: Sequence[str] = ()) -> DataConfig:
    """The data of a close-up as whole pictures, all of them, with further labels."""
    attributes = tuple(dict.fromkeys([*data.attributes, *more]))
    return dataclasses.replace(
        data, close_up="", image_size=data.whole_size, attributes=attributes, labelled_only=False, match=(),
        pairing="random", groups="",
    )  # fmt: skip


def find_movements(
    config: LomitConfig, options: FindConfig, out: str | os.PathLike[str], *, threads: int = 0, say: Say | None = None
) -> MovementTargets:
    """Find the movements of pairs of training images and write them to one file; an interrupted run goes on.

    Args:
        config: of a model that sees faces from near, framed as CelebA's are.
        options: which pairs, and which faces are taken together.
        out: the file; beside it lies the folder `out`.parts until all is there. One that the same settings made is
            taken as it is, and no other one is written over.
        threads: that work, 0 for one a core.
        say: called with the number of pairs done, and of all.

    Raises:
        ConfigError: a model or settings that do not fit, or pieces that other settings left.
        DataError, CorruptDataError: as of the data set; also where too few faces are alike.
    """
    label, out, data = label_of(config, options), Path(out), config.data
    wide = whole_data(data, (*options.kinds, *options.never_given))
    try:
        images = open_set(wide, "train")
    except ConfigError as error:
        if wide.attributes == data.attributes:
            raise
        more = ", ".join((*options.kinds, *options.never_given))
        raise ConfigError(f"{error} (--kinds and --never_given add {more})") from None
    record = {
        "dataset": data.dataset, "crop": data.crop, "close_up": data.close_up, "image_size": data.image_size,
        "images": len(images), **dataclasses.asdict(options), "label": label,
    }  # fmt: skip
    record = json.loads(json.dumps(record))
    parts = out.with_name(out.name + ".parts")
    if (before := pieces.finished(out, record, MovementTargets.load)) is not None:
        return before
    record = pieces.take_up(parts, record)
    piece = record["piece"]
    count = max(1, threads or os.cpu_count() or 1)
    pictures, found = ImageStore(images, wide, num_workers=count, cache=False).readable(np.arange(len(images)))
    kinds = _having(images, options.kinds)[found] @ (1 << np.arange(len(options.kinds)))
    try:
        means = LocalMeans.of(
            pictures, _having(images, (label,))[found, 0], kinds, options.place,
            _having(images, options.never_given)[found].any(axis=1), neighbours=options.neighbours,
            own_weight=options.own_weight, wanted_weight=options.wanted_weight,
        )  # fmt: skip
        del pictures  # `means` has them, and their mirror images
    except ValueError as error:
        raise DataError(
            f"{error}: too few for means of --neighbours={options.neighbours}; take fewer, fewer --kinds or more images"
        ) from None
    usable = int(means.usable().sum()) // 2
    logging.info(
        "%d of %d images are faces of a kind (--kinds) of which there are enough with and without %s", usable,
        len(found), label,
    )  # fmt: skip
    left, top, side = box_of(data.close_up, data.image_size)[0]
    within = (slice(top, top + side), slice(left, left + side))
    starts = range(0, options.pairs, piece)
    with ThreadPoolExecutor(count) as pool:
        for start in starts:
            place, stop = parts / f"{start:08d}.npz", min(start + piece, options.pairs)
            if not place.exists():
                write_bytes(place, as_bytes(_piece(means, start, stop - start, within, options, pool)))
            if say is not None:
                say(stop, options.pairs)
    made = [dict(np.load(parts / f"{start:08d}.npz")) for start in starts]
    whole = {name: np.concatenate([one[name] for one in made]) for name in made[0]}
    whole["keys"] = np.array([key_of(images.keys[i], data.data_dir) for i in found], np.str_)
    write_bytes(out, as_bytes(whole | {"record": np.array(json.dumps(record))}))
    shutil.rmtree(parts)
    return MovementTargets(**whole, record=record)


def _having(images: ImageSet, labels: Sequence[str]) -> np.ndarray:
    """(N, n) bool: whether an image has each of the labels."""
    return images.labels[:, [images.label_names.index(label) for label in labels]].astype(bool)


def _piece(
    means: LocalMeans, start: int, count: int, within: tuple[slice, slice], options: FindConfig,
    pool: ThreadPoolExecutor,
) -> dict[str, np.ndarray]:  # fmt: skip
    """`count` pairs whose movements do not fold. Raises DataError where hardly any does not."""
    drawn = pairs(means.labels, means.usable(), np.random.default_rng([options.seed, start]), options.same)

    def found(pair: tuple[int, int]) -> tuple[np.ndarray, np.ndarray] | None:
        movement = means.movement(*pair)
        if movement.folds:
            return None
        return _steps(movement.displacement[within] * FINE), _steps(movement.change[within] / COARSE)

    chosen: list[tuple[int, int]] = []
    made: list[tuple[np.ndarray, np.ndarray]] = []
    tried = 0
    while len(chosen) < count:
        some = [next(drawn) for _ in range(min(64, count - len(chosen)))]
        tried += len(some)
        for pair, movement in zip(some, pool.map(found, some), strict=True):
            if movement is not None:
                chosen.append(pair)
                made.append(movement)
        if tried > MOST_TRIES * count:
            raise DataError(
                f"{tried - len(chosen)} of {tried} movements fold faces; are the images framed alike, as CelebA's are?"
            )
    faces, exemplars = (np.array([pair[side] for pair in chosen]) for side in (0, 1))
    half = len(means.pictures) // 2
    return {
        "faces": faces % half, "exemplars": exemplars % half,
        "mirrored": np.stack([faces >= half, exemplars >= half], axis=1),
        "moves": np.stack([moves for moves, _ in made]), "changes": np.stack([changes for _, changes in made]),
    }  # fmt: skip


def _steps(values: np.ndarray) -> np.ndarray:
    return np.clip(np.round(values), -128, 127).astype(np.int8)


__all__ = ["MovementTargets", "find_movements", "whole_data"]
