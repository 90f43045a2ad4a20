"""A model's masks of its training images, refined by the images' own colours: what `mask_teaching` teaches back.

    refined = refine_masks(lomit_tf.load("celeba_small"), data, RefineConfig(), "masks.npz", name="celeba_small")
    MaskTargets.load("masks.npz")

docs/method.md, 9.2 to 9.4. No true mask and no supervised segmenter takes part; labels only decide which refinements
may be used.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from lomit_tf.config import ConfigError, DataConfig, near
from lomit_tf.data.image_set import ImageSet
from lomit_tf.data.sources import labelled, open_set
from lomit_tf.data.store import ImageStore
from lomit_tf.imaging import mask_cut
from lomit_tf.model import Lomit
from lomit_tf.runtime.atomic import write_bytes
from lomit_tf.settings.mask_teacher import RefineConfig
from lomit_tf.settings.methods import need_one
from lomit_tf.training import pieces
from lomit_tf.training.mask_refiners import Refiners, as_bytes
from lomit_tf.training.students import fingerprint

Say = Callable[[int, int], None]


@dataclasses.dataclass(frozen=True)
class MaskTargets:
    """Refined masks of a data set.

    Attributes:
      keys: (N,) names of all images that were looked at, as `key_of` gives them.
      states: (N,) uint8, what became of each (`mask_cut.STATES`).
      ratios: (N,) float32, the refinement's area over the mask's; NaN where there was none.
      chosen: (n,) indices into them of the images that are used.
      packed: (n, S * S / 2) uint8, their refined masks v as `mask_cut.pack` packs them.
      record: what made them: model, fingerprint of its weights, settings.
    """

    keys: np.ndarray
    states: np.ndarray
    ratios: np.ndarray
    chosen: np.ndarray
    packed: np.ndarray
    record: dict[str, Any]

    @property
    def size(self) -> int:
        """S, height and width of the means."""
        return int(self.record["refine_size"])

    def means(self, rows: np.ndarray) -> np.ndarray:
        """Rows (k,) of `packed`: (k, S, S) float32 in 0..1; the refinement alone is what is above 1/2."""
        return mask_cut.unpack(self.packed[rows], self.size)

    def row_of(self) -> dict[str, int]:
        """Image name -> row of `packed`, of the images that are used."""
        return {str(self.keys[i]): row for row, i in enumerate(self.chosen)}

    def whole(self) -> np.ndarray:
        """(n,) bool, of the rows of `packed`: whether all of the mask is known, not only that the top is bare."""
        return self.states[self.chosen] != mask_cut.BARE_BY_LABEL

    def counts(self) -> dict[str, int]:
        """How many images ended in which state."""
        return {name: int((self.states == state).sum()) for state, name in enumerate(mask_cut.STATES)}

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> MaskTargets:
        """What `refine_masks` wrote. Raises ConfigError naming a file that is missing or is none."""
        try:
            with np.load(path, allow_pickle=False) as file:
                parts = {f.name: file[f.name] for f in dataclasses.fields(cls) if f.name != "record"}
                return cls(**parts, record=json.loads(str(file["record"])))
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            # NumPy's own words for a file of another kind advise to trust it.
            reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is a file of another kind"
            raise ConfigError(
                f"{path}: no refined masks that can be read ({reason}); write them with python -m lomit_tf.refine_masks"
            ) from None


def key_of(key: str, data_dir: str) -> str:
    """An image's name in a file of masks: its path below data_dir, so that the data may move."""
    if not data_dir:
        return key
    path, root = Path(key), Path(data_dir).expanduser()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else key


def refined_data(data: DataConfig, options: RefineConfig) -> DataConfig:
    """The data to refine: all images, whatever their labels, with the labels that decide among them."""
    if data.domains:
        data = labelled(data)
    names = list(dict.fromkeys([*options.refuse, *options.absent, *options.bare, *options.controls]))
    attributes = tuple(dict.fromkeys([*data.attributes, *names]))
    if data.two_domains:
        if names:
            raise ConfigError(
                f"--dataset={data.dataset} has no labels; give --refuse= (empty) and no --absent, --bare, --controls"
            )
        attributes = data.attributes
    return dataclasses.replace(
        data, attributes=attributes, labelled_only=False, match=(), pairing="random", groups="",
        image_size=options.refine_size,
    )  # fmt: skip


def group_index(model: Lomit, options: RefineConfig) -> int:
    """The channel of the masks to refine. Raises ConfigError for a group that the model has not."""
    if options.group and options.group not in model.group_names:
        raise ConfigError(
            f"--group={options.group!r} is not a group of the model; {near(options.group, model.group_names)}"
        )
    return model.group_names.index(options.group) if options.group else 0


def refine_masks(
    model: Lomit, data: DataConfig, options: RefineConfig, out: str | os.PathLike[str], *,
    name: str = "", threads: int = 0, say: Say | None = None,
) -> MaskTargets:  # fmt: skip
    """Refine the masks of all training images and write them to one file; an interrupted run goes on where it was.

    Args:
        model: whose averaged networks find the masks.
        data: where the images are; which are read is decided by `train_images`, and by nothing else.
        options: how to refine.
        out: the file; beside it lies the folder `out`.parts until all is there. One that the same settings made is
            taken as it is, and no other one is written over.
        name: what the model is called, for the record.
        threads: that refine, 0 for one a core.
        say: called with the number of images done, and of all.

    Raises:
        ConfigError: settings that do not fit model or data, or pieces that other settings or another model left.
        DataError, CorruptDataError: as of the data set.
    """
    need_one(model.config.model, "refining masks")
    out, group = Path(out), group_index(model, options)
    size = model.config.data.image_size
    if options.refine_size % size:
        nearest = size * max(1, round(options.refine_size / size))
        raise ConfigError(f"--refine_size={options.refine_size} is not a multiple of the model's {size}; use {nearest}")
    wide = refined_data(data, options)
    try:
        images = open_set(wide, "train")
    except ConfigError as error:
        if wide.attributes == data.attributes:
            raise
        raise ConfigError(
            f"{error} (--refuse, --absent, --bare and --controls add "
            f"{', '.join(options.refuse + options.absent + options.bare + options.controls)})"
        ) from None
    record = {
        "model": name, "weights": fingerprint(model), "group": model.group_names[group], "images": len(images),
        **{k: v for k, v in dataclasses.asdict(options).items() if k != "group"}, "dataset": data.dataset,
        "crop": data.crop,
    }  # fmt: skip
    record = json.loads(json.dumps(record))
    parts = out.with_name(out.name + ".parts")
    if (before := pieces.finished(out, record, MaskTargets.load)) is not None:
        return before
    record = pieces.take_up(parts, record)
    piece = record["piece"]
    store = ImageStore(images, wide, num_workers=max(1, threads or os.cpu_count() or 1), cache=False)
    absent, refused, bare = (_any_of(images, labels) for labels in (options.absent, options.refuse, options.bare))
    refused, bare = refused & ~absent, bare & ~absent & ~refused
    work = Refiners(model, group, options)
    starts = range(0, len(images), piece)
    with ThreadPoolExecutor(max(1, threads or os.cpu_count() or 1)) as pool:
        work.prepare(pool, store, np.flatnonzero(~refused & ~absent & ~bare), parts / f"{options.by}.npz")
        for start in starts:
            place, stop = parts / f"{start:08d}.npz", min(start + piece, len(images))
            if not place.exists():
                pictures, found = store.readable(np.arange(start, stop))
                refined = work.all(pool, pictures, refused[found], absent[found], bare[found])
                keys = [key_of(images.keys[i], data.data_dir) for i in found]
                write_bytes(place, as_bytes(_piece(keys, refined, options.refine_size)))
            if say is not None:
                say(stop, len(images))
    whole = _joined([dict(np.load(parts / f"{start:08d}.npz")) for start in starts])
    targets = MaskTargets(**whole, record=record)
    write_bytes(out, as_bytes(whole | {"record": np.array(json.dumps(record))}))
    shutil.rmtree(parts)
    return targets


def _any_of(images: ImageSet, labels: Sequence[str]) -> np.ndarray:
    """(N,) bool: whether an image has any of the labels."""
    return np.asarray(images.labels[:, [images.label_names.index(label) for label in labels]].any(axis=1))


def _piece(keys: Sequence[str], refined: Iterator[mask_cut.MaskRefinement], size: int) -> dict[str, np.ndarray]:
    results = list(refined)
    chosen = [i for i, r in enumerate(results) if r.mean is not None]
    means = np.array([results[i].mean for i in chosen], np.float32).reshape(len(chosen), size, size)
    return {
        "keys": np.array(keys, np.str_), "states": np.array([r.state for r in results], np.uint8),
        "ratios": np.array([r.ratio for r in results], np.float32), "chosen": np.array(chosen, np.int64),
        "packed": mask_cut.pack(means),
    }  # fmt: skip


def _joined(pieces: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    first = np.cumsum([0, *(len(piece["keys"]) for piece in pieces)])
    moved = [piece | {"chosen": piece["chosen"] + start} for piece, start in zip(pieces, first, strict=False)]
    return {name: np.concatenate([piece[name] for piece in moved]) for name in pieces[0]}


class Bar:
    """Images done, on standard error: a bar on a terminal, a line now and then elsewhere."""

    def __init__(self, title: str, every: int = 1024) -> None:
        self.title, self.every, self.last = title, every, 0
        self.console = Console(file=sys.stderr)
        self.progress: Progress | None = None

    def __call__(self, done: int, count: int) -> None:
        """`done` of `count`."""
        if self.console.is_terminal:
            if self.progress is None:
                self.progress = Progress(
                    TextColumn(self.title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
                    console=self.console,
                )  # fmt: skip
                self.progress.start()
                self.task = self.progress.add_task(self.title, total=count)
            self.progress.update(self.task, completed=done)
        elif done - self.last >= self.every or done == count:
            self.last = done
            print(f"{self.title}: {done}/{count}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self.progress is not None:
            self.progress.stop()
