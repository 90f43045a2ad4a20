"""Which runs a workdir goes on with: more steps, newer settings, older versions."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lomit_tf import convert_run
from lomit_tf.config import ConfigError
from lomit_tf.settings import older
from lomit_tf.training.checkpoints import Workdir, load
from tests.helpers.older_run import OLD
from tests.helpers.serving import save_workdir

SCHEDULED = {"system": "recipe", "mask_losses": "0:1@0.25-0.5", "steps": 8}


@pytest.fixture(scope="module")
def started(tiny, tmp_path_factory) -> Workdir:
    """A run of 8 steps with a schedule, begun."""
    return Workdir(save_workdir(tiny(**SCHEDULED), tmp_path_factory.mktemp("started") / "run"))


def test_more_steps_have_to_say_what_becomes_of_the_schedules(started, tiny):
    with pytest.raises(ConfigError) as error:
        started.check(tiny(**SCHEDULED | {"steps": 16}), "must")
    for word in ("--schedule_steps: was 8, now 16", f"--flagfile={started.flagfile}", "or --schedule_steps=8 to go on"):
        assert word in str(error.value)
    started.check(tiny(**SCHEDULED | {"steps": 16, "schedule_steps": 8}), "must")
    started.check(tiny(**SCHEDULED), "must")
    with pytest.raises(ConfigError, match=r"--seed: was 0, now 1"):
        started.check(tiny(**SCHEDULED, seed=1), "must")


def test_a_run_without_schedules_takes_any_number_of_steps(started, tiny, monkeypatch, tmp_path):
    plain = {"steps": 8, "decay_start": 1.0}
    monkeypatch.setattr(started, "config", tmp_path / "config.json")
    started.config.write_text(json.dumps(tiny(**plain).flat()))
    started.check(tiny(**plain | {"steps": 16}), "must")
    with pytest.raises(ConfigError, match="schedule_steps: was 8, now 16"):
        started.check(tiny(**plain | {"steps": 16, "decay_start": 0.5}), "must")


def test_a_setting_that_a_run_does_not_name_has_its_default(started, tiny, monkeypatch, tmp_path):
    saved = tiny(**SCHEDULED).flat()
    del saved["augment"]
    monkeypatch.setattr(started, "config", tmp_path / "config.json")
    started.config.write_text(json.dumps(saved))
    started.check(tiny(**SCHEDULED), "must")
    with pytest.raises(ConfigError, match=r"--augment: was 0.0, now 0.5"):
        started.check(tiny(**SCHEDULED, augment=0.5), "must")


def test_a_run_of_an_older_version_is_converted_and_goes_on(tmp_path, capsys):
    config = older.converted(OLD)
    run = Workdir(save_workdir(config, tmp_path / "run"))
    before = [np.asarray(v) for v in load(run.path).generator.variables]
    run.config.write_text(json.dumps(OLD))
    said = f"{run.config}: settings of an older version; convert them with python -m lomit_tf.convert_run {run.path}"
    for use in (lambda: load(run.path), lambda: run.check(config, "auto")):
        with pytest.raises(ConfigError) as error:
            use()
        assert str(error.value) == said
    assert convert_run.run([str(run.path)]) == 0
    run.check(config, "must")
    for variable, value in zip(load(run.path).generator.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)
    capsys.readouterr()
