"""A whole run's settings: `LomitConfig`, made of the four sections, and the rules between them.

Everything else takes it from `lomit_tf.config`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from lomit_tf.settings import methods
from lomit_tf.settings.close_ups import Box, in_pixels, parse_boxes
from lomit_tf.settings.data import IMAGE_MULTIPLE, DataConfig
from lomit_tf.settings.loss import SCHEDULES, LossConfig
from lomit_tf.settings.model import PRESETS, ModelConfig
from lomit_tf.settings.options import ConfigError, near
from lomit_tf.settings.schedule import Schedule
from lomit_tf.settings.training import AUTO, TrainingConfig

SECTIONS: Mapping[str, type] = {
    "data": DataConfig, "model": ModelConfig, "loss": LossConfig, "training": TrainingConfig
}  # fmt: skip
# What may change between a run and its continuation without making it another experiment. Schedules are fractions of
# --schedule_steps, which stay, so that --steps only says how long the run goes on.
RESUMABLE = frozenset({"steps", "checkpoint_every", "keep_checkpoints", "log_every", "sample_every", "mask_patience",
                       "data_dir", "max_corrupt", "connected_groups", "competing_groups"})  # fmt: skip


@dataclasses.dataclass(frozen=True)
class LomitConfig:
    """Everything that decides a run. Build with `LomitConfig.create(preset, **fields)`."""

    data: DataConfig = dataclasses.field(default_factory=DataConfig)
    model: ModelConfig = dataclasses.field(default_factory=ModelConfig)
    loss: LossConfig = dataclasses.field(default_factory=LossConfig)
    training: TrainingConfig = dataclasses.field(default_factory=TrainingConfig)

    def __post_init__(self) -> None:
        n_critic = methods.check(self)
        if n_critic is not None:  # filled in here, so that what is saved with a run says it
            object.__setattr__(self, "training", dataclasses.replace(self.training, n_critic=n_critic))
        model, training = self.model, self.training
        self._check_recipe()
        for field in ("colour_groups", "connected_groups", "competing_groups", "unfiltered_groups"):
            for name in getattr(model, field):
                if name not in self.data.group_labels:
                    raise ConfigError(f"--{field}: {name!r} is not a group; {near(name, self.data.group_labels)}")
        for name in model.competing_groups:
            if name not in model.colour_groups:
                raise ConfigError(
                    f"--competing_groups: {name} is not among --colour_groups={','.join(model.colour_groups)}; only "
                    "hair that is painted by colour curves competes"
                )
        self._check_close_ups()
        if model.displacement and len(self.colour_indices) == len(self.data.group_labels):
            raise ConfigError(
                f"--displacement={model.displacement} moves pixels of groups that are painted pixel by pixel; all "
                f"groups of this model are --colour_groups={','.join(model.colour_groups)}"
            )
        if training.freeze_masks and not training.init_from:
            raise ConfigError("--freeze_masks needs --init_from, which says whose masks to keep")
        if training.strategy != "one_device":
            if training.deterministic:
                raise ConfigError(f"--deterministic needs --strategy=one_device; received {training.strategy}")
            if training.jit == "on":
                raise ConfigError(
                    f"--jit=on cannot reach variables on other devices; with --strategy={training.strategy} "
                    "use --jit=auto or off"
                )
            if training.precision == AUTO and training.strategy == "multi_worker":
                raise ConfigError(
                    f"--precision={AUTO} measures one machine; with --strategy=multi_worker name float32 or "
                    "mixed_bfloat16"
                )
        if training.precision != "float32" and training.deterministic:
            raise ConfigError("--deterministic needs --precision=float32")

    def _check_close_ups(self) -> None:
        """Every group is painted by curves or, in a model with --close_ups, from near."""
        named = parse_boxes(self.model.close_ups)
        if not named:
            return
        groups = list(self.data.group_labels)
        for name in named:
            if name not in groups:
                raise ConfigError(f"--close_ups: {name!r} is not a group; {near(name, groups)}")
        for name in groups:
            if (name in named) == (name in self.model.colour_groups):
                raise ConfigError(
                    f"--close_ups and --colour_groups: each group of this model is in one of them; {name} is in "
                    f"{'both' if name in named else 'none'}"
                )
        _ = self.boxes  # raises where they are no whole pixels

    def _check_recipe(self) -> None:
        """What only the recipe has."""
        if self.model.recipe:
            return
        loss, asked = self.loss, f"received --system={self.model.system}"
        for name in ("mask_cycle_weight", "mask_sparsity_change"):
            if getattr(loss, name) > 0:
                raise ConfigError(f"--{name} needs --system=recipe, whose masks have losses of their own; {asked}")
        if loss.mask_gate == "success":
            raise ConfigError(f"--mask_gate=success needs --system=recipe, which asks about each mask; {asked}")
        if loss.mask_losses != Schedule(1.0, 1.0):
            raise ConfigError(
                f"--mask_losses={loss.mask_losses} needs --system=recipe, whose masks have losses of their own; {asked}"
            )
        if self.training.freeze_masks:
            raise ConfigError(f"--freeze_masks needs --system=recipe, whose painters learn without the masks; {asked}")

    @classmethod
    def create(cls, preset: str = "lomit", **fields: Any) -> LomitConfig:
        """A configuration from a preset's network sizes and any fields of the four sections by name.

        Raises ConfigError for an unknown preset or field (naming the near ones) and for bad values.
        """
        if preset not in PRESETS:
            raise ConfigError(f"--preset={preset!r} is unknown; {near(preset, PRESETS)}")
        values = dict(PRESETS[preset]) | fields
        sections = {}
        for section, kind in SECTIONS.items():
            names = {f.name for f in dataclasses.fields(kind)}
            sections[section] = kind(**{k: values.pop(k) for k in list(values) if k in names})
        if values:
            name = next(iter(values))
            raise ConfigError(f"unknown configuration field {name!r}; {near(name, field_names())}")
        return cls(**sections)

    @property
    def colour_indices(self) -> tuple[int, ...]:
        """Positions, among the groups, of those that are painted by colour curves."""
        return tuple(i for i, name in enumerate(self.data.group_labels) if name in self.model.colour_groups)

    @property
    def connected_indices(self) -> tuple[int, ...]:
        """Positions, among the groups, of those whose masks are one connected region in photographs."""
        return tuple(i for i, name in enumerate(self.data.group_labels) if name in self.model.connected_groups)

    @property
    def competing_indices(self) -> tuple[int, ...]:
        """Positions, among the groups, of those whose masks compete with other regions in photographs."""
        return tuple(i for i, name in enumerate(self.data.group_labels) if name in self.model.competing_groups)

    @property
    def unfiltered_indices(self) -> tuple[int, ...]:
        """Positions, among the groups, of those whose masks the guided filter leaves as they are."""
        return tuple(i for i, name in enumerate(self.data.group_labels) if name in self.model.unfiltered_groups)

    @property
    def boxes(self) -> dict[int, Box]:
        """Position of each group that is painted from near -> the square that its networks see, in pixels."""
        named, size = parse_boxes(self.model.close_ups), self.data.image_size
        return {
            i: in_pixels("close_ups", named[name], size, IMAGE_MULTIPLE)
            for i, name in enumerate(self.data.group_labels) if name in named
        }  # fmt: skip

    @property
    def scheduled(self) -> bool:
        """Whether anything in the run depends on how far it is, so that --schedule_steps matters."""
        own = [getattr(self.loss, name) for name in SCHEDULES]
        if self.model.method != methods.DEFAULT:
            return True
        return self.training.decay_start < 1 or not all(schedule.constant for schedule in own)

    def flat(self) -> dict[str, Any]:
        """All fields of all sections as one dict, in declaration order; tuples become lists, schedules texts (JSON)."""
        merged = {name: getattr(getattr(self, section), name) for section, name in _places()}
        return {
            k: list(v) if isinstance(v, tuple) else str(v) if isinstance(v, Schedule) else v for k, v in merged.items()
        }

    @classmethod
    def from_flat(cls, values: Mapping[str, Any]) -> LomitConfig:
        """The inverse of `flat()`. Settings of an older version are unknown fields: see `lomit_tf.settings.older`."""
        return cls.create("lomit", **{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


def field_names() -> list[str]:
    """Names of all fields of all sections."""
    return [name for _, name in _places()]


def _places() -> list[tuple[str, str]]:
    """Section and name of every field."""
    return [(section, f.name) for section, kind in SECTIONS.items() for f in dataclasses.fields(kind)]
