"""The settings of distillation. Nothing here imports TensorFlow, so that the command can refuse bad flags at once."""

from __future__ import annotations

import dataclasses
import math

from lomit_tf.config import ConfigError, option

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
