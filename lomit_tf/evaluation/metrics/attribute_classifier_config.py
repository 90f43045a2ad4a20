"""The settings of a classifier. Nothing here imports TensorFlow, so that the command can refuse bad flags at once."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

from lomit_tf.config import ConfigError, DataConfig, option

NETWORK, RECORD = "classifier.keras", "classifier.json"


def check_classifier(folder: Path) -> None:
    """Raise ConfigError for a folder without the files of a classifier."""
    missing = [name for name in (NETWORK, RECORD) if not (folder / name).is_file()]
    if missing:
        raise ConfigError(
            f"no classifier at {folder}: {' and '.join(missing)} missing; train one with "
            f"python -m lomit_tf.train_classifier --dataset=... --out={folder}"
        )


@dataclasses.dataclass(frozen=True)
class ClassifierConfig:
    """What a classifier is trained on, and how. Its seed differs from `TrainingConfig`'s on purpose."""

    data: DataConfig
    held_out: str = option("validation", "split that its accuracy is measured on", ("validation", "test"))
    seed: int = option(1906, "of weights, order and augmentation")
    epochs: float = option(8.0, "times that every training image is seen; --steps wins over it")
    steps: int = option(0, "updates in all (0: from --epochs)")
    batch_size: int = option(32, "images in one update")
    width: int = option(24, "channels of the first stage; each later one doubles them, up to eight times")
    learning_rate: float = option(2e-3, "AdamW's highest rate; it rises for a tenth of the steps and falls as a cosine")
    weight_decay: float = option(0.02, "AdamW's weight decay")

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "width", "learning_rate"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ConfigError(f"--{name} must be greater than 0; received {value!r}")
        for name in ("steps", "seed", "weight_decay"):
            if getattr(self, name) < 0:
                raise ConfigError(f"--{name} cannot be negative; received {getattr(self, name)!r}")
        if self.held_out not in ("validation", "test"):
            raise ConfigError(f"--held_out must be one of validation, test; received {self.held_out!r}")

    def steps_for(self, images: int) -> int:
        """Updates in all, for a training set of this many images."""
        return self.steps or max(1, round(self.epochs * images / self.batch_size))
