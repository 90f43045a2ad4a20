"""The models that flags name, looked for before TensorFlow is imported."""

from __future__ import annotations

from lomit_tf import zoo
from lomit_tf.config import ConfigError, LomitConfig
from lomit_tf.settings.methods import need_lomit


def check_model(flag: str, name: str) -> LomitConfig:
    """The configuration of the model that a flag names. Raises ConfigError, naming the flag, where there is none."""
    if not name:
        raise ConfigError(f"--{flag} is empty; give {', '.join(zoo.names())}, or a folder")
    try:
        return zoo.config_of(name)
    except ConfigError as error:
        raise ConfigError(f"--{flag}: {error}") from error


def check_lomit(flag: str, name: str, what: str) -> LomitConfig:
    """As `check_model`, for `what` takes LOMIT's masks. Raises ConfigError for a model of another method, too."""
    config = check_model(flag, name)
    need_lomit(config.model.method, what)
    return config
