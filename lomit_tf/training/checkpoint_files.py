"""The files of a run's checkpoints: NumPy archives that any of Keras' backends writes and reads.

`step-N.npz` holds every array under `part/number` (`generator/0000`), parts and numbers in the order of the model's
variables, and `record`, JSON: steps done, data position, configuration. Nothing in it is a backend's own.

Earlier versions saved in TensorFlow's form, `step-N.index` beside `step-N.data-*`. They are found and read here
too, and `old_checkpoints.py` converts them.
"""

from __future__ import annotations

import dataclasses
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lomit_tf.config import ConfigError
from lomit_tf.runtime.atomic import PART, PREFIX, replacing
from lomit_tf.runtime.backend import backend_name

PARTS = ("generator", "critic", "average", "generator_optimizer", "critic_optimizer", "random")
RECORD = "record"
VALUE, STATE = ".ATTRIBUTES/VARIABLE_VALUE", "run/.ATTRIBUTES/py_state"  # in TensorFlow's form
NAME = re.compile(r"step-(\d+)\.(npz|index)")
DAMAGE = (zipfile.BadZipFile, KeyError, ValueError, EOFError, OSError)


@dataclasses.dataclass(frozen=True)
class CheckpointContents:
    """What a checkpoint holds: the arrays of every part in the order of its variables, and the run's record."""

    parts: Mapping[str, Sequence[np.ndarray]]
    record: dict[str, Any]

    @property
    def step(self) -> int:
        """Generator steps done."""
        return int(self.record["step"])


def found(folder: Path) -> list[Path]:
    """The whole checkpoints of a folder, oldest first: .npz files, and .index files of TensorFlow's form.

    A step that is there in both forms counts once, as .npz.
    """
    by_step: dict[int, Path] = {}
    if not folder.is_dir():
        return []
    for path in folder.iterdir():
        match = NAME.fullmatch(path.name)
        if match and (match[2] == "npz" or not folder.joinpath(f"step-{match[1]}.npz").exists()):
            by_step[int(match[1])] = path
    return [by_step[step] for step in sorted(by_step)]


def latest(folder: Path) -> Path | None:
    """The last whole checkpoint of a folder."""
    return next(reversed(found(folder)), None)


def write(folder: Path, saved: CheckpointContents) -> Path:
    """Write a checkpoint; its name stands for the whole of it or is not there, whenever we are stopped."""
    arrays = {f"{part}/{i:04d}": np.asarray(v) for part, values in saved.parts.items() for i, v in enumerate(values)}
    record = np.frombuffer(json.dumps(saved.record).encode(), np.uint8)
    path = folder / f"step-{saved.step}.npz"
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(path, sync=True) as file:
        np.savez(file, **{RECORD: record}, **arrays)  # type: ignore[arg-type]
    return path


def read(path: Path) -> CheckpointContents:
    """A checkpoint of either form.

    Raises ConfigError: it is damaged, or TensorFlow's form where TensorFlow is not the backend.
    """
    if path.suffix == ".index":
        if backend_name() != "tensorflow":
            raise ConfigError(
                f"{path.with_suffix('')}: a checkpoint in TensorFlow's form, of an earlier version; where TensorFlow "
                f"is installed, python -m lomit_tf.training.old_checkpoints {path.parent.parent} converts it"
            )
        return read_old(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            record = json.loads(file[RECORD].tobytes())
            parts: dict[str, list[np.ndarray]] = {name: [] for name in PARTS}
            for key in sorted(name for name in file.files if name != RECORD):
                parts.setdefault(key.partition("/")[0], []).append(file[key])
    except DAMAGE as error:
        then = "to go on from the one before" if found(path.parent)[:1] != [path] else "to start anew"
        raise ConfigError(f"{path}: damaged or not a checkpoint ({error}); move it away {then}") from error
    return CheckpointContents(parts, record)


def read_old(path: Path) -> CheckpointContents:
    """A checkpoint in TensorFlow's form; `path` is its .index file. Raises ConfigError where it is damaged."""
    import tensorflow as tf

    try:
        reader = tf.train.load_checkpoint(str(path.with_suffix("")))
        names = reader.get_variable_to_shape_map()
        record = json.loads(reader.get_tensor(STATE))
        parts = {}
        for part in PARTS:
            count = sum(name.startswith(f"{part}/") and name.endswith(VALUE) for name in names)
            parts[part] = [reader.get_tensor(f"{part}/{i}/{VALUE}") for i in range(count)]
    except (tf.errors.OpError, ValueError, KeyError) as error:
        raise ConfigError(f"{path.with_suffix('')}: damaged or not a checkpoint ({error})") from error
    return CheckpointContents(parts, record)


def prune(folder: Path, keep: int) -> None:
    """Remove all but the last `keep` checkpoints, and what a killed process left half written."""
    for path in found(folder)[:-keep]:
        remove(path)
    for path in folder.glob(f"{PREFIX}*{PART}"):
        path.unlink(missing_ok=True)


def remove(path: Path) -> None:
    """Remove the files of one checkpoint. The first to go is the one without which it is not found any more."""
    path.unlink(missing_ok=True)
    for data in path.parent.glob(f"{path.stem}.data-*"):
        data.unlink(missing_ok=True)
    if path.suffix == ".npz":
        path.with_suffix(".index").unlink(missing_ok=True)
    elif not any(path.parent.glob("*.index")):
        path.with_name("checkpoint").unlink(missing_ok=True)  # TensorFlow's list of its own
