"""What a run with a budget of processor time leaves beside its checkpoints, and the run that it planned.

Nothing here imports TensorFlow, so that a command can tell a finished run from another one at once.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lomit_tf.config import ConfigError, LomitConfig
from lomit_tf.training.checkpoints import Workdir

RECORD = "budget.json"
CHECKPOINTS = 20  # in a run


def read_record(workdir: Path) -> dict[str, Any]:
    """What a run with a budget left; empty where there was none."""
    try:
        return dict(json.loads((workdir / RECORD).read_text()))
    except (OSError, ValueError):
        return {}


def with_settings(config: LomitConfig, **changes: Any) -> LomitConfig:
    """The configuration with some settings changed, by name."""
    return LomitConfig.from_flat(config.flat() | changes)


def planned_run(config: LomitConfig, steps: int) -> LomitConfig:
    """The run of so many steps that a method's configuration leads to."""
    return with_settings(
        config, steps=steps, schedule_steps=steps, checkpoint_every=max(1, steps // CHECKPOINTS), sample_every=0,
        log_every=max(1, min(config.training.log_every, steps // 4)),
    )  # fmt: skip


def taken_up(config: LomitConfig, workdir: Path, seconds: float) -> dict[str, Any]:
    """The record of the run in a folder, which may be finished; empty where none was begun.

    Raises ConfigError for a run of another budget or configuration, naming the difference.
    """
    record = read_record(workdir)
    if not record:
        return record
    if record["budget"] != seconds:
        raise ConfigError(
            f"{workdir / RECORD}: that run was given {record['budget'] / 60:g} min, and {seconds / 60:g} min are asked "
            "for; use another --out"
        )
    try:
        Workdir(workdir).check(planned_run(config, int(record["planned"])), "auto")
    except ConfigError as error:  # which advises on flags of lomit-train
        said = " ".join(line.strip() for line in str(error).split("\nUse another --workdir")[0].splitlines())
        raise ConfigError(f"{said.removeprefix('--workdir=')}; use another --out") from None
    return record
