"""How every command of this project reads its flags, reports, fails and exits.

`fields.py` makes absl flags of a dataclass's fields, `flagset.py` reads a command line into that dataclass and writes
the text of --help, and `command.py` runs a command and turns errors and signals into one line and an exit code. Each
command has an absl FlagValues of its own, so that no flag of one shows up in another. Nothing here imports TensorFlow.
"""

import lomit_tf.runtime.early  # isort: skip  # noqa: F401  # Ctrl-C is silent while the rest is imported

from lomit_tf.commands.command import (
    FAILED,
    INTERRUPTED,
    UNUSABLE,
    Command,
    Failure,
    report,
    require_extra,
    unusable,
    writing,
)  # fmt: skip
from lomit_tf.commands.flagset import FlagSet

__all__ = [
    "FAILED", "INTERRUPTED", "UNUSABLE", "Command", "Failure", "FlagSet", "report", "require_extra", "unusable",
    "writing",
]  # fmt: skip
