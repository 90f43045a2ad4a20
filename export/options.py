"""What to export. Nothing here imports TensorFlow, so that the command can refuse bad flags at once."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from export.artefacts import FORMATS, VARIANTS
from lomit_tf.config import ConfigError
from lomit_tf.settings.methods import DEFAULT


@dataclasses.dataclass(frozen=True)
class Options:
    """What to export. `calibration` and `data_dir` as on the command line; image_size 0 keeps the model's own."""

    model: str
    out: Path
    formats: tuple[str, ...] = FORMATS
    quantize: tuple[str, ...] = tuple(VARIANTS)
    calibration: str = ""
    data_dir: str = ""
    image_size: int = 0
    calibration_images: int = 64
    samples: int = 16
    latency: bool = True
    classifier: str = ""

    def check(self) -> None:
        """Raise ConfigError for what cannot be done, before anything slow."""
        for flag, given, known in (
            ("formats", self.formats, FORMATS),
            ("quantize", self.quantize, tuple(VARIANTS)),
        ):
            unknown = [name for name in given if name not in known]
            if unknown or not given:
                received = repr(unknown[0]) if unknown else "nothing"
                raise ConfigError(f"--{flag}: received {received}; choose from {', '.join(known)}, separated by commas")
        for flag, number in (("calibration_images", self.calibration_images), ("samples", self.samples)):
            if number < 1:
                raise ConfigError(f"--{flag} must be at least 1; received {number}")
        if self.out.exists() and (not self.out.is_dir() or any(self.out.iterdir())):
            raise ConfigError(f"--out={self.out} exists and is not an empty folder; name another one or empty it")

    def check_method(self, method: str) -> None:
        """Raise ConfigError for formats in which a model of this method cannot be written."""
        if method != DEFAULT and tuple(self.formats) != ("savedmodel",):
            raise ConfigError(
                f"--formats={','.join(self.formats)}: a model of --method={method} is written as --formats=savedmodel "
                "alone"
            )
