"""Weights that come with the package: `load("drawn_faces")`. Each lies in lomit_tf/weights/NAME with its model card.

TensorFlow is imported by what loads a model, not by the module: commands read `DEFAULT` for their --help.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lomit_tf.config import ConfigError, LomitConfig, near
from lomit_tf.runtime.atomic import write_bytes, write_text
from lomit_tf.runtime.forks import check_fork
from lomit_tf.settings import methods, older
from lomit_tf.settings.files import read_json

if TYPE_CHECKING:
    from lomit_tf.model_base import LomitBase
    from lomit_tf.training.checkpoints import Workdir

FOLDER = Path(__file__).parent / "weights"
WEIGHTS, MANIFEST = "generator.npz", "model.json"
MOST_BYTES = 12 * 2**20
EXPERIMENTS = {"celeba": ("facial_hair",)}  # groups of shipped models whose results are not taken for photographs
DEFAULT = "celeba_hair"  # for real faces


def names() -> tuple[str, ...]:
    """Names of the shipped weights."""
    return tuple(sorted(p.parent.name for p in FOLDER.glob(f"*/{MANIFEST}")))


def load(name_or_path: str | os.PathLike[str]) -> LomitBase:
    """A trained model for inference: shipped weights by name, or a workdir or checkpoint of lomit_tf.train by path.

    A path wins over a name only where it exists and holds a run. Shipped models have no trained critic.

    Raises:
        ConfigError: neither a name nor a run; the message lists the names that are near. Also for shipped files that
            are damaged (their checksum differs).
    """
    check_fork()
    folder = folder_of(name_or_path)
    if folder is not None:
        return load_folder(folder)
    _find_run(name_or_path)
    from lomit_tf.training.checkpoints import load as load_checkpoint

    return load_checkpoint(name_or_path)


def folder_of(name_or_path: str | os.PathLike[str]) -> Path | None:
    """The folder of shipped weights of this name, or of `save_folder` at this path; None for anything else.

    Raises ConfigError for what is neither a name nor a path.
    """
    if not isinstance(name_or_path, (str, os.PathLike)):
        raise ConfigError(f"model: expected a name or a folder; received {type(name_or_path).__name__}")
    text = os.fspath(name_or_path)
    if not text:
        raise ConfigError(f"model: the name is empty; give {', '.join(names())}, or a folder")
    if text in names():
        return FOLDER / text
    return Path(text) if (Path(text) / MANIFEST).is_file() else None


def config_of(name_or_path: str | os.PathLike[str]) -> LomitConfig:
    """The configuration of a trained model, from its files and without TensorFlow, of which `load` has need.

    Takes what `load` takes. Raises ConfigError where there is no such model, or its settings cannot be used.
    """
    folder = folder_of(name_or_path)
    if folder is None:
        return _find_run(name_or_path).saved()
    if not (folder / WEIGHTS).is_file():
        raise ConfigError(f"{folder / WEIGHTS} is missing; {folder / MANIFEST} belongs to it")
    return LomitConfig.from_flat(_manifest(folder)["config"])


def _find_run(name_or_path: str | os.PathLike[str]) -> Workdir:
    """The workdir of a run, or of a checkpoint of one. Raises ConfigError where no checkpoint is found."""
    from lomit_tf.training.checkpoints import find

    try:
        return find(name_or_path)[0]
    except ConfigError as error:
        raise _not_found(os.fspath(name_or_path), str(error)) from None


def _not_found(text: str, why: str) -> ConfigError:
    if os.sep in text:
        return ConfigError(why)
    shipped = near(text, names()) if names() else "no weights are shipped"
    return ConfigError(f"{text!r} is neither the name of shipped weights ({shipped}) nor a run: {why}")


def lasting_name(name_or_path: str | os.PathLike[str]) -> str:
    """What `load` takes for the same model in another process or folder: the name, or the whole path."""
    text = os.fspath(name_or_path)
    return text if text in names() else os.path.abspath(text)


def method_of(name_or_path: str | os.PathLike[str]) -> str:
    """Which method a model is of, without loading it. Raises ConfigError as `config_of`."""
    return config_of(name_or_path).model.method


def notice(name_or_path: str | os.PathLike[str]) -> str:
    """What whoever uses these weights must know of their licence, one sentence from their manifest.

    Empty for weights without such terms, and for a run of one's own. Takes what `load` takes.
    """
    text = os.fspath(name_or_path)
    folder = FOLDER / text if text in names() else Path(text)
    try:
        return str(json.loads((folder / MANIFEST).read_text()).get("notice", ""))
    except (OSError, ValueError):  # a run or checkpoint; what is damaged, `load` names
        return ""


def read_folder(folder: Path) -> tuple[LomitConfig, list[np.ndarray]]:
    """Configuration and generator-side variables, in their order, of a folder that `save_folder` wrote.

    Raises ConfigError naming the file that is missing or damaged.
    """
    record, manifest, weights = _manifest(folder), folder / MANIFEST, folder / WEIGHTS
    try:
        content = weights.read_bytes()
    except OSError as error:
        raise ConfigError(f"{weights}: {error.strerror}; {manifest} belongs to it") from error
    found = hashlib.sha256(content).hexdigest()
    if found != record["sha256"]:
        raise ConfigError(f"{weights}: damaged; its SHA-256 is {found}, {manifest.name} says {record['sha256']}")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            values = [arrays[f"{i:03d}"] for i in range(len(arrays.files))]
    except (KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ConfigError(f"{weights}: does not fit this version's networks ({error})") from error
    return LomitConfig.from_flat(record["config"]), values


def _manifest(folder: Path) -> dict[str, Any]:
    """What the manifest of a folder says. Raises ConfigError for one that is damaged, or of an older version."""
    path = folder / MANIFEST
    record = read_json(path)
    for name, kind in (("config", dict), ("sha256", str)):
        if not isinstance(record.get(name), kind):
            raise ConfigError(f"{path} has no {name!r}; copy it again")
    older.check(record["config"], path, folder)
    return record


def load_folder(folder: Path) -> LomitBase:
    """The model in a folder that `save_folder` wrote. Raises ConfigError naming the file that is missing or damaged."""
    config, values = read_folder(folder)
    weights = folder / WEIGHTS
    model = methods.model_class(config.model.method)(config)
    model.build()
    model.has_critic = False
    for part in (model.generator, model.ema_generator):
        if part is None:
            continue
        if len(part.variables) != len(values):
            raise ConfigError(
                f"{weights}: does not fit this version's networks ({len(part.variables)} variables here, {len(values)} "
                "there)"
            )
        for variable, value in zip(part.variables, values, strict=True):
            if tuple(variable.shape) != value.shape:
                raise ConfigError(f"{weights}: {variable.path} is {tuple(variable.shape)} here and {value.shape} there")
            variable.assign(value)
    return model


def save_folder(model: LomitBase, folder: Path, facts: dict[str, Any]) -> Path:
    """Write a model's averaged generator side as float32, with its configuration, checksum and facts (JSON-ready).

    Args:
        facts: what else the manifest says: `command`, `steps`; `notice` is what `notice` gives.

    Raises ConfigError for more than MOST_BYTES: shipped weights stay small.
    """
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {f"{i:03d}": np.asarray(v) for i, v in enumerate(model.inference_generator.variables)}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    data = buffer.getvalue()
    size = len(data)
    if size > MOST_BYTES:
        raise ConfigError(f"{folder}: {size / 2**20:.1f} MiB of weights; at most {MOST_BYTES / 2**20:.0f} are shipped")
    digest = hashlib.sha256(data).hexdigest()
    write_bytes(folder / WEIGHTS, data)
    # Where the data lay in training is private, and the precision of the training steps does not matter to users.
    flat = model.config.flat() | {"data_dir": "", "precision": "float32", "init_from": "", "freeze_masks": False}
    parameters = int(sum(a.size for a in arrays.values()))
    record = {"sha256": digest, "bytes": size, "parameters": parameters, **facts, "config": flat}
    write_text(folder / MANIFEST, json.dumps(record, indent=1) + "\n")
    return folder
