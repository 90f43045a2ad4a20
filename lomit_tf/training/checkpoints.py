"""What a workdir holds, and how a run is saved into it and taken up again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf

from lomit_tf.config import RESUMABLE, ConfigError, LomitConfig
from lomit_tf.config_text import effective_flagfile
from lomit_tf.model import Lomit
from lomit_tf.runtime.atomic import write_text
from lomit_tf.settings import older

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
        started = tf.train.latest_checkpoint(str(self.checkpoints)) is not None
        if resume == "never" and started:
            raise ConfigError(
                f"--workdir={self.path} has checkpoints and --resume=never; use another folder or --resume=auto"
            )
        if resume == "must" and not started:
            raise ConfigError(f"--workdir={self.path} has no checkpoint and --resume=must; check the folder's name")
        if started and self.config.exists():
            before, now = self.saved().flat(), config.flat()
            free = RESUMABLE if config.scheduled else RESUMABLE | {"schedule_steps"}
            differing = [k for k in now if k not in free and before[k] != now[k]]
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

        Raises ConfigError for settings of an older version.
        """
        values = json.loads(self.config.read_text())
        older.check(values, self.config, self.path)
        return LomitConfig.from_flat(values | changes)

    def prepare(self, config: LomitConfig) -> None:
        """Make the folders and write the effective configuration, as JSON and as a flagfile that repeats the run."""
        for folder in (self.checkpoints, self.tensorboard, self.samples):
            folder.mkdir(parents=True, exist_ok=True)
        write_text(self.config, json.dumps(config.flat(), indent=1) + "\n")
        write_text(self.flagfile, effective_flagfile(config))


class RunState(tf.train.experimental.PythonState):
    """The part of a checkpoint that is not a variable: generator steps done, data position, configuration."""

    def __init__(self, config: LomitConfig) -> None:
        super().__init__()
        self.config, self.step = config, 0

    def serialize(self) -> str:
        """State as JSON. The data position is the first pair that has not been used."""
        t = self.config.training
        position = self.step * t.batch_size * t.n_critic
        return json.dumps({"step": self.step, "data_position": position, "config": self.config.flat()})

    def deserialize(self, string_value: str | bytes) -> None:
        """Take up the step; the configuration was compared by `Workdir.check`."""
        self.step = int(json.loads(string_value)["step"])


class Checkpoints:
    """Saves and restores networks, moving average, both optimizers, random state and RunState.

    A checkpoint becomes the latest only when all of its files are whole (CheckpointManager renames its index last),
    so a run killed at any moment goes on from the one before.
    """

    def __init__(self, model: Lomit, state: RunState, folder: Path, keep: int, *, chief: bool = True) -> None:
        self.state = state
        self.checkpoint = tf.train.Checkpoint(**variables_by_name(model), run=state)
        self.manager = tf.train.CheckpointManager(
            self.checkpoint, str(folder), max_to_keep=keep, checkpoint_name="step"
        )
        # Under MultiWorkerMirroredStrategy every worker takes part in a save; only the chief's is kept.
        self.chief = chief
        self.aside = folder.parent / f"checkpoints-worker-{os.getpid()}"

    def restore(self) -> int:
        """Restore the latest checkpoint, if there is one; the number of generator steps done."""
        latest = self.manager.latest_checkpoint
        if latest:
            self.checkpoint.restore(latest).assert_consumed()
        return self.state.step

    def save(self, step: int) -> str:
        """Save after `step` generator steps; the checkpoint's path."""
        self.state.step = step
        if self.chief:
            return str(self.manager.save(checkpoint_number=step))
        path = self.checkpoint.write(str(self.aside / "discarded"))
        for file in self.aside.glob("*"):
            file.unlink()
        self.aside.rmdir()
        return str(path)

    @property
    def latest(self) -> str | None:
        """Path of the last whole checkpoint."""
        return self.manager.latest_checkpoint


def variables_by_name(model: Lomit) -> dict[str, Any]:
    """Everything of a compiled model that a checkpoint holds, as trackables with stable names."""
    parts: dict[str, list[Any]] = {
        "generator": model.generator.variables,
        "critic": model.critic.variables,
        "average": model.ema_generator.variables if model.ema_generator is not None else [],
        "generator_optimizer": model.generator_optimizer.variables,
        "critic_optimizer": model.critic_optimizer.variables,
        "random": [model.random.state],
    }
    return {name: [v.value for v in variables] for name, variables in parts.items()}


def load(path: str | os.PathLike[str], make_model: Callable[[LomitConfig], Lomit] = Lomit) -> Lomit:
    """A trained model from a workdir or from one of its checkpoints, for inference, which is in float32.

    Args:
        path: a workdir (its latest checkpoint is taken), or `workdir/checkpoints/step-N`.
        make_model: as of `loop.train`.

    Raises:
        ConfigError: if there is no such run or checkpoint, or it is of an older version.
    """
    path = Path(path)
    checkpoint: str | None = None
    workdir = Workdir(path)
    if workdir.config.exists():
        checkpoint = tf.train.latest_checkpoint(str(workdir.checkpoints))
    elif path.with_name(path.name + ".index").exists():
        workdir, checkpoint = Workdir(path.parent.parent), str(path)
    if checkpoint is None or not workdir.config.exists():
        raise ConfigError(f"no trained model at {path}: expected a --workdir of lomit_tf.train with a checkpoint in it")
    # The weights are float32 whatever the steps were computed in, and so is what uses them.
    config = workdir.saved(precision="float32")
    model = make_model(config)
    model.build()
    weights = {
        name: [v.value for v in part.variables]
        for name, part in (("generator", model.generator), ("critic", model.critic))
    }
    if model.ema_generator is not None:
        weights["average"] = [v.value for v in model.ema_generator.variables]
    tf.train.Checkpoint(**weights).restore(checkpoint).assert_existing_objects_matched().expect_partial()
    return model
