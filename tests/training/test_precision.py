"""--precision=auto: the faster one is taken, kept with the run, and never left to a model."""

from __future__ import annotations

import itertools

import pytest

from lomit_tf.config import ConfigError
from lomit_tf.model import Lomit
from lomit_tf.training import loop as training
from lomit_tf.training import precision
from lomit_tf.training.checkpoints import Workdir

DRAWN = {"dataset": "drawn_faces", "crop": 0, "train_images": 24, "sample_every": 0, "system": "recipe"}


def clock(float32: float, bfloat16: float):
    """A clock by which convolutions take so many seconds, in turns."""
    gaps = itertools.cycle([float32, 0.0, bfloat16, 0.0])
    now = itertools.accumulate(gaps, initial=0.0)
    return lambda: next(now)


@pytest.mark.parametrize(
    "float32, bfloat16, expected",
    [(1.0, 0.5, "mixed_bfloat16"), (1.0, 0.95, "float32"), (1.0, 4.7, "float32")],
    ids=["faster", "hardly", "slower"],
)
def test_bfloat16_is_taken_where_it_is_faster_by_a_margin(tiny, tmp_path, float32, bfloat16, expected):
    config = tiny(**DRAWN, precision="auto")
    found = precision.decided(config, Workdir(tmp_path), clock(float32, bfloat16))
    assert found.training.precision == expected
    assert found.flat() | {"precision": "auto"} == config.flat()


def test_both_precisions_are_really_timed(tiny):
    took = precision.seconds_of(tiny(**DRAWN))
    assert took.keys() == {"float32", "mixed_bfloat16"} and min(took.values()) > 0


def test_a_run_keeps_the_precision_that_it_began_with(tiny, tmp_path, monkeypatch, uncompiled):
    monkeypatch.setattr(precision, "seconds_of", lambda *_: {"float32": 1.0, "mixed_bfloat16": 0.5})
    config = tiny(**DRAWN, precision="auto", steps=1, checkpoint_every=1)
    training.train(config, tmp_path)
    work = Workdir(tmp_path)
    assert work.saved().training.precision == "mixed_bfloat16"
    monkeypatch.setattr(precision, "seconds_of", lambda *_: {"float32": 0.5, "mixed_bfloat16": 1.0})
    again = tiny(**DRAWN, precision="auto", steps=2, schedule_steps=1, checkpoint_every=1)
    result = training.train(again, tmp_path)
    assert result.step == 2 and work.saved().training.precision == "mixed_bfloat16"
    with pytest.raises(ConfigError, match="was trained with --precision=mixed_bfloat16"):
        work.check(tiny(**DRAWN, precision="float32", steps=2, schedule_steps=1, checkpoint_every=1), "auto")


def test_a_model_needs_a_precision_that_is_named(tiny):
    with pytest.raises(ConfigError, match="--precision=auto is decided where a training begins"):
        Lomit(tiny(**DRAWN, precision="auto"))
