"""Weights that come with the package: `load("drawn_faces")`. Each lies in lomit_tf/weights/NAME with its model card.

TensorFlow is imported by what loads a model, not by the module: commands read `DEFAULT` for their --help.
"""

from __future__ import annotations

import glob
import hashlib
import io
import json
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lomit_tf.baselines import methods
from lomit_tf.config import ConfigError, LomitConfig, near
from lomit_tf.runtime.atomic import write_bytes, write_text
from lomit_tf.runtime.forks import check_fork
from lomit_tf.settings import older

if TYPE_CHECKING:
    from lomit_tf.model_base import LomitBase

FOLDER = Path(__file__).parent / "weights"
WEIGHTS, MANIFEST = "generator.npz", "model.json"
MOST_BYTES = 8 * 2**20
DEFAULT = "celeba_hair"  # for real faces; the model of the page and of the demo


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
    from lomit_tf.training.checkpoints import load as load_checkpoint

    try:
        return load_checkpoint(name_or_path)
    except ConfigError as error:
        raise _not_found(os.fspath(name_or_path), str(error)) from None


def folder_of(name_or_path: str | os.PathLike[str]) -> Path | None:
    """The folder of shipped weights of this name, or of `save_folder` at this path; None for anything else."""
    text = os.fspath(name_or_path)
    if text in names():
        return FOLDER / text
    return Path(text) if (Path(text) / MANIFEST).is_file() else None


def recorded(name_or_path: str | os.PathLike[str]) -> dict[str, Any]:
    """The settings that a model was saved with, by name; empty where they cannot be read. Imports no TensorFlow.

    Takes what `load` takes. Raises ConfigError where nothing at all is of that name, as `load` would, seconds earlier.
    """
    text = os.fspath(name_or_path)
    path = FOLDER / text if text in names() else Path(text)
    if not path.exists() and not any(path.parent.glob(f"{glob.escape(path.name)}.*")):
        raise _not_found(text, f"there is nothing at {path}")
    for name, part in ((MANIFEST, "config"), ("config.json", None)):
        try:
            values = json.loads((path / name).read_text())
            return dict(values[part] if part else values)
        except (OSError, ValueError, KeyError, TypeError):  # what is damaged, `load` names
            continue
    return {}


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
    """Which method a model is of, without loading it; LOMIT's name where no settings lie there: `load` says why."""
    text = Path(os.fspath(name_or_path))
    for folder in (text, text.parent.parent):
        try:
            values = json.loads((folder / "config.json").read_text())
            return str(values.get("method", methods.DEFAULT))
        except (OSError, ValueError, AttributeError):
            continue
    return methods.DEFAULT


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
    manifest, weights = folder / MANIFEST, folder / WEIGHTS
    try:
        record = json.loads(manifest.read_text())
        content = weights.read_bytes()
    except (OSError, ValueError) as error:
        raise ConfigError(f"{folder}: not a folder of weights ({error})") from error
    found = hashlib.sha256(content).hexdigest()
    if found != record["sha256"]:
        raise ConfigError(f"{weights}: damaged; its SHA-256 is {found}, {manifest.name} says {record['sha256']}")
    older.check(record["config"], manifest, folder)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            values = [arrays[f"{i:03d}"] for i in range(len(arrays.files))]
    except (KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ConfigError(f"{weights}: does not fit this version's networks ({error})") from error
    return LomitConfig.from_flat(record["config"]), values


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
