"""The folder of a run, or of weights, of an older version -> one that this version goes on with."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from lomit_tf.config import ConfigError, LomitConfig
from lomit_tf.runtime.atomic import write_text
from lomit_tf.settings import older
from lomit_tf.settings.text import effective_flagfile

CONFIG, FLAGFILE, MANIFEST = "config.json", "flags.cfg", "model.json"
# Kinds of runs that do not train with the configuration's losses, by a file that they leave: Adam's decays there.
OTHERS = {"teacher.json": (0.9, 0.99), "mask_teacher.json": (0.9, 0.999)}


def convert(run: Path, out: Path | None = None, *, approximate: bool = False) -> bool:
    """Convert a folder where it lies, or a copy of it at `out`.

    In place, config.json and flags.cfg are kept as config.older.json and flags.older.cfg. Checkpoints and weights are
    not touched. Nothing is written before all settings are converted.

    Returns:
        False where the settings are this version's already; then nothing is written.

    Raises:
        ConfigError: no run there, settings that this version does not have (see `older.converted`), or `out` exists.
        OSError: what cannot be written.
    """
    shipped = run / MANIFEST
    source = shipped if shipped.is_file() else run / CONFIG
    record, values = _settings(run, source)
    if not older.is_older(values):
        LomitConfig.from_flat(values)  # raises for what are no settings at all
        return False
    try:
        config = _converted(run, values, approximate or source == shipped)
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from error
    if out is not None:
        if out.exists():
            raise ConfigError(f"--out={out} exists; name a new folder")
        part = out.with_name(f"{out.name}.part-{os.getpid()}")
        shutil.copytree(run, part, symlinks=True)
        _write(part, source.name, record, config, keep=False)
        os.replace(part, out)
    else:
        _write(run, source.name, record, config, keep=True)
    return True


def _settings(run: Path, source: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a folder's file of settings holds, and the settings in it; ConfigError where there are none."""
    none = f"{run}: no run of lomit_tf.train and no folder of weights"
    try:
        record = json.loads(source.read_text(encoding="utf-8"))
        values = record["config"] if source.name == MANIFEST else record
    except OSError as error:
        what = f"there is no {source.name} in it" if run.is_dir() else "there is no such folder"
        raise ConfigError(f"{none}: {what}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{none}: {source.name} holds no settings") from error
    if not isinstance(values, dict) or "dataset" not in values:
        raise ConfigError(f"{none}: {source.name} holds no settings")
    return record, values


def _converted(run: Path, values: dict[str, Any], approximate: bool) -> LomitConfig:
    for file, betas in OTHERS.items():
        if (run / file).exists():
            return older.converted(values, betas=betas, adversarial=False, approximate=approximate)
    return older.converted(values, approximate=approximate)


def _write(folder: Path, name: str, record: dict[str, Any], config: LomitConfig, *, keep: bool) -> None:
    """The settings' files; the one that tells the versions apart comes last, so that an interruption is made good."""
    if name == MANIFEST:
        write_text(folder / MANIFEST, json.dumps(record | {"config": config.flat()}, indent=1) + "\n")
        return
    for file in (FLAGFILE, CONFIG) if keep else ():
        kept = folder / f"{Path(file).stem}.older{Path(file).suffix}"
        if (folder / file).exists() and not kept.exists():
            write_text(kept, (folder / file).read_text(encoding="utf-8"))
    write_text(folder / FLAGFILE, effective_flagfile(config))
    write_text(folder / CONFIG, json.dumps(config.flat(), indent=1) + "\n")
