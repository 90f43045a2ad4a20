"""Checkpoints of earlier versions, in TensorFlow's form, read and converted.

    python -m lomit_tf.training.old_checkpoints runs/celeba

A run that goes on, and whatever loads a model, reads them as they are, on TensorFlow; the next checkpoint is in the new
form. The command converts those of a workdir for a machine without TensorFlow, and leaves the old files alone.
"""

from __future__ import annotations

import sys
from pathlib import Path

from lomit_tf.config import ConfigError
from lomit_tf.training.checkpoint_files import found, read_old, write


def convert(workdir: Path) -> list[Path]:
    """Write every checkpoint of a workdir that is in TensorFlow's form in the new one; the new files.

    Raises ConfigError where there is none, or one is damaged.
    """
    folder = workdir / "checkpoints"
    old = [path for path in found(folder) if path.suffix == ".index"]
    if not old:
        raise ConfigError(f"{workdir}: no checkpoint in TensorFlow's form in {folder}")
    return [write(folder, read_old(path)) for path in old]


def main(workdirs: list[str]) -> int:
    """Convert the checkpoints of workdirs; the exit code, 2 for a workdir that cannot be used."""
    if not workdirs or workdirs[0].startswith("-"):
        print(__doc__)
        return 0 if workdirs else 2
    try:
        for workdir in workdirs:
            for path in convert(Path(workdir)):
                print(path)
    except ConfigError as error:
        print(f"old_checkpoints: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
