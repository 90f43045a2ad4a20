"""Which backend Keras has, and whether this package's models run on it. Imports neither Keras nor TensorFlow."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

from lomit_tf.settings.options import ConfigError

DEFAULT = "tensorflow"
EVERYTHING = ("tensorflow",)  # backends that all commands and the package's public names run on
TRAINING = ("tensorflow", "jax")  # those that `python -m lomit_tf.train` runs on
INSTALL = {
    "jax": "pip install 'lomit_tf[jax]'",
    "tensorflow": "pip install tensorflow, or train with KERAS_BACKEND=jax",
}
# What Keras takes in keras.json for settings that it stops at; what they are does not matter to this package.
CHOICES = {"floatx": ("float32", "float16", "float64"), "image_data_format": ("channels_last", "channels_first")}


def check_backend(supported: tuple[str, ...] = EVERYTHING) -> None:
    """The one check of Keras' backend: made by commands and by the package's public names before anything heavy, and by
    `model.py`, which needs the backend, when it is imported.

    Args:
        supported: the backends that what follows runs on.

    Raises ConfigError, one line with the setting, where it was made and what to do; also where the backend is not
    installed.
    """
    if "keras" not in sys.modules:
        path = _settings_file()
        for name, values in CHOICES.items():
            value = _settings(path).get(name, values[0])
            if value not in values:
                raise ConfigError(f'"{name}": {json.dumps(value)} in {path}: Keras takes {" or ".join(values)} there')
    backend, where = _chosen()
    if backend not in supported:
        trains = "" if supported == TRAINING or backend not in TRAINING else f" ({backend} is for lomit-train alone)"
        raise ConfigError(
            f"{where}: this package's models run on Keras' backend {' or '.join(supported)}{trains}; "
            f"set KERAS_BACKEND={supported[0]} for this program"
        )
    if sys.modules.get(backend) is None and importlib.util.find_spec(backend) is None:
        raise ConfigError(f"{where}: Keras' backend {backend} is not installed; {INSTALL[backend]}")


def backend_name() -> str:
    """Keras' backend of this process: tensorflow, jax, or another that nothing here runs on."""
    return _chosen()[0]


def _chosen() -> tuple[str, str]:
    """The backend, and the setting that chose it, as Keras itself finds it: the variable wins over the file."""
    if "keras" in sys.modules and hasattr(sys.modules["keras"], "backend"):
        backend = sys.modules["keras"].backend.backend()
        return backend, f"Keras was imported with its backend {backend}"
    if backend := os.environ.get("KERAS_BACKEND", ""):
        return backend, f"KERAS_BACKEND={backend}"
    path = _settings_file()
    settings = _settings(path)
    if "backend" not in settings:
        return DEFAULT, f"KERAS_BACKEND is not set, and so {DEFAULT}"
    backend = settings["backend"]
    return backend, f'"backend": {json.dumps(backend)} in {path}'


def _settings_file() -> Path:
    home = os.path.expanduser("~")
    folder = os.environ.get("KERAS_HOME") or os.path.join(home if os.access(home, os.W_OK) else "/tmp", ".keras")
    return Path(folder, "keras.json").expanduser()


def _settings(path: Path) -> dict[str, Any]:
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # Keras too goes on without a file that it cannot read
        return {}
    return settings if isinstance(settings, dict) else {}
