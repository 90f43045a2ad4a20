"""The settings of a classifier, and where one lies. Nothing here imports TensorFlow, so that commands refuse bad flags
at once."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from pathlib import Path
from typing import Any

from lomit_tf.config import ConfigError, DataConfig, option
from lomit_tf.zoo import FOLDER

NETWORK, RECORD = "classifier.keras", "classifier.json"


def shipped_classifiers() -> dict[str, str]:
    """Name of each classifier that comes with the package -> the data set that it was trained on."""
    return {p.parent.name: record_of(p.parent)["dataset"] for p in sorted(FOLDER.glob(f"*/{RECORD}"))}


def record_of(folder: Path) -> dict[str, Any]:
    """How a classifier was made: its data set, labels, framing and accuracy. Raises ConfigError where it is damaged."""
    try:
        return dict(json.loads((folder / RECORD).read_text()))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{folder / RECORD} cannot be read ({error}); train the classifier again") from error


def classifier_folder(name_or_path: str | os.PathLike[str]) -> Path:
    """The folder of a classifier: of `lomit_tf.train_classifier` by path, or of the package by name.

    A path wins over a name where it holds a classifier. Raises ConfigError where there is neither.
    """
    folder = Path(name_or_path)
    missing = [name for name in (NETWORK, RECORD) if not (folder / name).is_file()]
    if missing and os.fspath(name_or_path) in shipped_classifiers():
        return FOLDER / folder
    if missing:
        raise ConfigError(
            f"no classifier at {folder}: {' and '.join(missing)} missing; train one with "
            f"python -m lomit_tf.train_classifier --dataset=... --out={folder}, or use "
            f"{' or '.join(shipped_classifiers())}, which come with the package"
        )
    return folder


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
