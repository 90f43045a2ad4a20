"""What a workdir holds, and how a run is saved into it and taken up again."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lomit_tf.config import RESUMABLE, ConfigError, LomitConfig
from lomit_tf.runtime.atomic import write_text
from lomit_tf.settings import methods, older
from lomit_tf.settings.files import read_json
from lomit_tf.settings.text import effective_flagfile
from lomit_tf.settings.training import AUTO
from lomit_tf.training import checkpoint_files as files

Model = Any  # a LomitBase, or a model of another method (`baselines.base.Baseline`)
RESUME_MODES = ("auto", "never", "must")


class Workdir:
    """Paths of one run's files. Makes and reads nothing by itself."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.checkpoints = self.path / "checkpoints"
        self.config = self.path / "config.json"
        self.flagfile = self.path / "flags.cfg"
        self.log = self.path / "log.jsonl"
        self.tensorboard = self.path / "tensorboard"
        self.samples = self.path / "samples"

    @property
    def latest(self) -> Path | None:
        """The last whole checkpoint."""
        return files.latest(self.checkpoints)

    def check(self, config: LomitConfig, resume: str) -> None:
        """Refuse a workdir that holds another run, before any work.

        Raises ConfigError: for a run of another configuration (with the differing fields), for one that has
        checkpoints and `never`, for one that has none and `must`, for a path that is not a folder, and for a run of an
        older version.
        """
        if resume not in RESUME_MODES:
            raise ConfigError(f"--resume must be one of {', '.join(RESUME_MODES)}; received {resume!r}")
        if self.path.exists() and not self.path.is_dir():
            raise ConfigError(f"--workdir={self.path} is a file; name a folder")
        started = self.latest is not None
        if resume == "never" and started:
            raise ConfigError(
                f"--workdir={self.path} has checkpoints and --resume=never; use another folder or --resume=auto"
            )
        if resume == "must" and not started:
            raise ConfigError(f"--workdir={self.path} has no checkpoint and --resume=must; check the folder's name")
        if started and self.config.exists():
            before, now = self.saved().flat(), config.flat()
            free = RESUMABLE if config.scheduled else RESUMABLE | {"schedule_steps"}
            if config.training.precision == AUTO:
                free = free | {"precision"}  # what the run began with is what it goes on with
            differing = [k for k in now if k not in free and before[k] != now[k]]
            if differing == ["precision"]:
                raise other_precision(self.path, before, now)
            if differing:
                lines = "\n".join(f"  --{k}: was {before[k]!r}, now {now[k]!r}" for k in differing)
                more = ""
                if differing == ["schedule_steps"]:
                    more = f", or --schedule_steps={before['schedule_steps']} to go on with its schedules"
                raise ConfigError(
                    f"--workdir={self.path} holds a run of another configuration:\n{lines}\n"
                    f"Use another --workdir, or --flagfile={self.flagfile} to go on with that run{more}"
                )

    def saved(self, **changes: Any) -> LomitConfig:
        """The configuration of the run in it, with changes; settings that it does not name have their defaults.

        Raises ConfigError for settings of an older version, and for a file that is damaged.
        """
        values = read_json(self.config)
        older.check(values, self.config, self.path)
        return LomitConfig.from_flat(values | changes)

    def prepare(self, config: LomitConfig) -> None:
        """Make the folders and write the effective configuration, as JSON and as a flagfile that repeats the run."""
        for folder in (self.checkpoints, self.tensorboard, self.samples):
            folder.mkdir(parents=True, exist_ok=True)
        write_text(self.config, json.dumps(config.flat(), indent=1) + "\n")
        write_text(self.flagfile, effective_flagfile(config))


def other_precision(path: Path, before: dict[str, Any], now: dict[str, Any]) -> ConfigError:
    """What a checkpoint of the other --precision is answered with."""
    was, asked = before.get("precision"), now["precision"]
    return ConfigError(
        f"{path} was trained with --precision={was}, and this run asks for --precision={asked}: use {was}, or "
        "another --workdir that starts from its weights by --init_from"
    )


@dataclasses.dataclass
class RunState:
    """The part of a checkpoint that is not a variable: generator steps done, data position, configuration."""

    config: LomitConfig
    step: int = 0

    def record(self) -> dict[str, Any]:
        """The state, JSON-ready. The data position is the first pair that has not been used."""
        t = self.config.training
        position = self.step * t.batch_size * t.n_critic
        return {"step": self.step, "data_position": position, "config": self.config.flat()}


class Checkpoints:
    """Saves and restores networks, moving average, both optimizers, random state and RunState.

    A checkpoint is one file (`checkpoint_files`), which has its name only when it is whole, so a run killed at any
    moment goes on from the one before. It is the same whatever Keras' backend is: either goes on with the other's.

    Args:
        model: compiled.
        state: of the run.
        folder: for the files.
        keep: how many checkpoints to keep.
        chief: whether this process writes; of several that train together one does, and all read.
    """

    def __init__(self, model: Model, state: RunState, folder: Path, keep: int, *, chief: bool = True) -> None:
        self.model, self.state, self.folder, self.keep, self.chief = model, state, folder, keep, chief

    def restore(self) -> int:
        """Restore the latest checkpoint, if there is one; the number of generator steps done.

        Raises ConfigError: it is damaged, of another --precision, or does not fit the model.
        """
        path = files.latest(self.folder)
        if path is not None:
            saved = files.read(path)
            now = self.state.config.flat()
            if saved.record["config"].get("precision") != now["precision"]:
                raise other_precision(path, saved.record["config"], now)
            assign(variables_by_part(self.model), saved, path)
            self.state.step = saved.step
        return self.state.step

    def save(self, step: int) -> str:
        """Save after `step` generator steps; the checkpoint's path."""
        self.state.step = step
        path = self.folder / f"step-{step}.npz"
        if self.chief:
            parts = {name: [v.numpy() for v in part] for name, part in variables_by_part(self.model).items()}
            path = files.write(self.folder, files.CheckpointContents(parts, self.state.record()))
            files.prune(self.folder, self.keep)
        return str(path)

    @property
    def latest(self) -> str | None:
        """Path of the last whole checkpoint."""
        path = files.latest(self.folder)
        return None if path is None else str(path)


def variables_by_part(model: Model) -> dict[str, list[Any]]:
    """Every Keras variable of a compiled model that a checkpoint holds, by part."""
    return model.checkpoint_parts()


def networks_by_part(model: Model) -> dict[str, list[Any]]:
    """The variables of the networks, by part."""
    return model.network_parts()


def assign(parts: dict[str, list[Any]], saved: files.CheckpointContents, path: Path) -> None:
    """Give variables the arrays of a checkpoint. Raises ConfigError, before any is given, where the two do not fit."""
    for name, variables in parts.items():
        there, here = [v.shape for v in saved.parts.get(name, ())], [tuple(v.shape) for v in variables]
        if there != here:
            raise ConfigError(
                f"{path}: does not fit this version's networks: {name} has {len(there)} arrays there and {len(here)} "
                "here, or other shapes"
            )
    for name, variables in parts.items():
        for variable, value in zip(variables, saved.parts.get(name, ()), strict=True):
            variable.assign(value.astype(variable.dtype, copy=False))  # seeds are int64 on TensorFlow, uint32 on JAX


def find(path: str | os.PathLike[str]) -> tuple[Workdir, Path]:
    """The workdir of a trained model and the file of its checkpoint, for a path as `load` takes it.

    Raises ConfigError where there is no such run or checkpoint.
    """
    path = Path(path)
    workdir = Workdir(path)
    checkpoint = workdir.latest if workdir.config.exists() else None
    if checkpoint is None and not path.is_dir():
        workdir = Workdir(path.parent.parent)
        checkpoint = next((p for p in files.found(path.parent) if path in (p, p.with_suffix(""))), None)
    if checkpoint is None or not workdir.config.exists():
        what = f"no trained model at {path}" if path.exists() else f"there is nothing at {path}"
        raise ConfigError(f"{what}; expected a --workdir of lomit_tf.train with a checkpoint in it")
    return workdir, checkpoint


def load(path: str | os.PathLike[str], make_model: Callable[[LomitConfig], Model] | None = None) -> Model:
    """A trained model from a workdir or from one of its checkpoints, for inference, which is in float32.

    Args:
        path: a workdir (its latest checkpoint is taken), or `workdir/checkpoints/step-N` with or without its ending.
        make_model: as of `loop.train`; by default the class of the run's method.

    Raises:
        ConfigError: if there is no such run or checkpoint, or it is of an older version.
    """
    workdir, checkpoint = find(path)
    # The weights are float32 whatever the steps were computed in, and so is what uses them.
    config = workdir.saved(precision="float32")
    model = (make_model or methods.model_class(config.model.method))(config)
    model.build()
    assign(networks_by_part(model), files.read(checkpoint), checkpoint)
    return model
