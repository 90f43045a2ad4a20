"""The settings of distillation. Nothing here imports TensorFlow, so that the command can refuse bad flags at once."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from lomit_tf.config import PRESETS, ConfigError, LomitConfig, loss_defaults, option
from lomit_tf.settings.methods import need_lomit, need_one

# Settings of the loop that are not the teacher's; flags win over them. One sub-batch: there is no critic to train.
DEFAULTS = {
    "n_critic": 1, "batch_size": 4, "learning_rate": 1e-3, "steps": 3000, "schedule_steps": 0, "decay_start": 0.5,
    "decay_every": 0.1, "ema_decay": 0.99, "data_dir": "", "sample_every": 500,
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class DistillConfig:
    """Weights of the terms of distillation."""

    mask_weight: float = option(1.0, "weight of the cross-entropy with the teacher's masks")
    translation_weight: float = option(5.0, "weight of the L1 to what the teacher painted")
    region_weight: float = option(2.0, "weight of that L1 within each group's region, small and large regions alike")
    own_weight: float = option(5.0, "weight of the L1 of images painted in their own styles")
    style_weight: float = option(1.0, "weight of the L1 to the teacher's style codes")
    outside: float = option(0.2, "what a pixel outside the painted region counts in both, from 0 to 1; for a composite")
    warm_start: bool = option(True, "start from the teacher's weights wherever the shapes are the same")

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not (math.isfinite(value) and value >= 0):
                raise ConfigError(f"--{field.name} cannot be negative; received {value!r}")
        if self.outside > 1:
            raise ConfigError(f"--outside lies between 0 and 1; received {self.outside}")
        if not any(self.weights().values()):
            raise ConfigError("all weights of distillation are 0; give --mask_weight or --translation_weight")

    def weights(self) -> dict[str, float]:
        """Term -> its weight."""
        return {
            "mask": self.mask_weight, "translation": self.translation_weight, "region": self.region_weight,
            "reconstruction": self.own_weight, "style": self.style_weight,
        }  # fmt: skip


def check_teacher(teacher: LomitConfig, size: int) -> None:
    """Raise ConfigError for a teacher of another method, or a student's size that is no multiple of the teacher's."""
    need_lomit(teacher.model.method, "teaching a student")
    need_one(teacher.model, "teaching a student")
    own = teacher.data.image_size
    if size % own:
        raise ConfigError(
            f"--image_size={size} is not a multiple of the teacher's {own}; use {own * max(1, round(size / own))}"
        )


def student_config(teacher: LomitConfig, preset: str = "mobile", **fields: Any) -> LomitConfig:
    """The student's configuration: the teacher's without its losses, the preset's sizes, the loop's settings, `fields`.

    Raises ConfigError as `check_teacher`, for values that do not fit together, and for groups that are not the
    teacher's.
    """
    if preset not in PRESETS:
        raise ConfigError(f"--preset={preset!r} is unknown; choose from {', '.join(PRESETS)}")
    values = teacher.flat() | loss_defaults() | dict(PRESETS[preset]) | DEFAULTS | fields
    config = LomitConfig.from_flat(values)
    check_teacher(teacher, config.data.image_size)
    if config.data.group_labels != teacher.data.group_labels:
        raise ConfigError(
            f"a student has its teacher's groups, {dict(teacher.data.group_labels)}; received "
            f"{dict(config.data.group_labels)}. Leave out --attributes and --groups"
        )
    if config.model.system != teacher.model.system:
        raise ConfigError(f"a student has its teacher's --system={teacher.model.system}; leave it out")
    return config
