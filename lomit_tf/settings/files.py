"""Files of settings, as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lomit_tf.settings.options import ConfigError


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file. Raises ConfigError, naming the file, where it cannot be read or holds none."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{path} is not valid JSON ({error}); copy it again") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path} holds no settings; copy it again")
    return values
