"""The models that flags name, looked for before TensorFlow is imported."""

from __future__ import annotations

from lomit_tf import zoo
from lomit_tf.config import ConfigError, LomitConfig


def check_model(flag: str, name: str) -> LomitConfig:
    """The configuration of the model that a flag names. Raises ConfigError, naming the flag, where there is none."""
    try:
        return zoo.config_of(name)
    except ConfigError as error:
        raise ConfigError(f"--{flag}: {error}") from error
