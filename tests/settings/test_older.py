"""Settings of older versions, converted so that a run trains on as it would have, or refused."""

from __future__ import annotations

import json

import pytest

from lomit_tf.config import ConfigError, LomitConfig, Schedule, loss_defaults
from lomit_tf.settings import older
from tests.helpers.older_run import OLD

pytestmark = pytest.mark.quick

PAPER = {**OLD, **{name: value for name, (value, _) in older.SYSTEM_PARTS.items()}, "style_margin": 0,
         "mask_start": 0, "mask_end": 0, "mask_critic_weight": 0.0, "mask_cycle_weight": 0.0, "mask_gate": "none",
         "r2_change": 0.0}  # fmt: skip


def at(schedule: Schedule, step: int, span: int) -> float:
    """The schedule's value by its definition, in floats of Python."""
    start, end = schedule.steps(span)
    passed = float(step >= start) if start == end else min(1.0, max(0.0, (step - start) / (end - start)))
    return schedule.initial + (schedule.final - schedule.initial) * passed


def old_ramp(step: int, start: int, end: int) -> float:
    """As version 0.1.0 had it."""
    return float(step >= start) if end <= start else min(1.0, max(0.0, (step - start) / (end - start)))


def test_every_weight_is_what_it_was_at_every_step():
    config = older.converted(OLD)
    loss, t = config.loss, config.training
    assert config.model.recipe and (t.steps, t.schedule_steps) == (6500, 7000)  # R1's ramp ends beyond the run
    for step in range(0, 7200, 50):
        assert at(loss.mask_losses, step, t.schedule_steps) == old_ramp(step, 200, 600)
        assert at(loss.mask_similarity, step, t.schedule_steps) == 12 * old_ramp(step, 5000, 7000)
        assert at(loss.mask_sparsity, step, t.schedule_steps) == 4 - old_ramp(step, 4500, 5500)
    assert t.decay == (6000, 350)
    assert (loss.mask_similarity_features, loss.mask_sparsity_change) == ("colour", 1.0)
    kept = set(config.flat()) & set(OLD) - {"decay_start", "decay_every"}
    assert {name: config.flat()[name] for name in kept} == {name: OLD[name] for name in kept}
    assert LomitConfig.from_flat(json.loads(json.dumps(config.flat()))) == config


def test_the_papers_system_and_other_schedules():
    config = older.converted(PAPER | {"r1_start": 0, "r1_end": 0, "r2_schedule": "warmup", "decay_start": 0})
    assert not config.model.recipe
    span = config.training.schedule_steps
    assert (span, config.training.decay[0]) == (6500, 0)
    assert config.loss.mask_similarity == Schedule(12.0, 12.0)
    assert [at(config.loss.mask_sparsity, s, span) for s in (4500, 5000, 5500, 6500)] == [0, 2, 4, 4]
    constant = older.converted(PAPER | {"r2_schedule": "constant"})
    assert constant.loss.mask_sparsity == Schedule(4.0, 4.0)


def test_even_older_runs_have_the_defaults_of_their_time():
    few = {name: OLD[name] for name in ("dataset", "attributes", "image_size", "style_dim", "steps")}
    config = older.converted(few)
    assert config == LomitConfig.create(
        dataset="drawn_faces", attributes=("Black_Hair", "Smiling"), image_size=64, steps=6500, schedule_steps=20_000,
        decay_start=1.0, decay_every=0.1,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"skips": False}, ["systems paper and recipe alone", "nearest to recipe", "skips=False"]),
        ({"masks": "full", "output": "bare"}, ["nearest to recipe", "masks=full", "output=bare"]),
        ({"style_dim": 16}, ["no networks with style_dim=16"]),
        ({"hadain": "every", "mlp_width": 7}, ["hadain=every", "mlp_width=7 with base_channels=4"]),
        ({"upsample_kernel": 5}, ["upsample_kernel=5 with edge_kernel=3"]),
        ({"beta1": 0.9}, ["no beta1=0.9", "--approximate"]),
        ({"content_weight": 2.0, "mask_critic_weight": 0.5}, ["content_weight=2.0, mask_critic_weight=0.5"]),
        ({"r2_schedule": "area"}, ["r2_schedule=area"]),
    ],
)
def test_what_this_version_does_not_have_is_named(changes, words):
    with pytest.raises(ConfigError) as error:
        older.converted(OLD | changes)
    for word in words:
        assert word in str(error.value)


def test_what_does_not_matter_in_a_run_does_not_hinder():
    frozen = OLD | {"freeze_masks": True, "init_from": "x", "mask_critic_weight": 0.0}
    assert older.converted(frozen).training.freeze_masks
    taught = older.converted(OLD | {"beta1": 0.9, "mask_critic_weight": 0.7}, betas=(0.9, 0.999), adversarial=False)
    assert taught.training.schedule_steps == 6500
    assert all(getattr(taught.loss, name) == value for name, value in loss_defaults().items())
    assert older.converted(OLD | {"beta1": 0.9}, approximate=True).model.recipe
