"""Train a classifier of attributes: `python -m lomit_tf.train_classifier --dataset=... --out=DIR`. `--help` lists the
flags.

Exit codes: 0 done; 1 the loss was not finite; 2 flags, configuration or data that cannot be used; 130 or 143
interrupted by Ctrl-C or SIGTERM. Nothing is written unless it is done.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lomit_tf.commands import Command, Failure, report, unusable
from lomit_tf.commands.classifier_flags import Invocation, help_text, parse
from lomit_tf.config import ConfigError
from lomit_tf.data.image_set import DataError
from lomit_tf.evaluation.metrics.attribute_classifier_config import RECORD
from lomit_tf.runtime.places import check_folder

if TYPE_CHECKING:
    from lomit_tf.evaluation.metrics.attribute_classifier import AttributeClassifier


def run(argv: Sequence[str] | None = None) -> int:
    """The command: trains, prints the held-out accuracy, and returns the exit code (see the module).

    Args:
      argv: the arguments without the program's name; None takes the process's.
    """
    return Command("lomit-train-classifier", help_text, parse, _train, "nothing was written", check=_check).run(argv)


def _check(asked: Invocation) -> None:
    check_folder("out", asked.out)
    if (asked.out / RECORD).exists():
        raise ConfigError(f"--out={asked.out} holds a classifier already; name another folder, or delete that one")


def _train(asked: Invocation) -> None:
    """The part that takes TensorFlow, which is imported before it: seconds after any usage error."""
    from lomit_tf.evaluation.metrics.attribute_classifier import train_classifier
    from lomit_tf.runtime.allocator import keep_freed_memory
    from lomit_tf.training.callbacks import TrainingError

    keep_freed_memory()
    try:
        with unusable(DataError):
            classifier = train_classifier(asked.config, asked.out, command=asked.command)
    except TrainingError as error:
        raise Failure(str(error)) from error
    _report(classifier, asked.out)


def _report(classifier: AttributeClassifier, out: Path) -> None:
    """Say where the classifier is and how well it does, on standard output."""
    rows = {}
    for name, row in classifier.record["held_out"]["per_attribute"].items():
        balanced = "unknown" if row["balanced_accuracy"] is None else f"{row['balanced_accuracy']:.3f}"
        rows[name] = f"accuracy {row['accuracy']:.3f}, balanced {balanced}, {row['positives']} of {row['count']}"
    split = classifier.record["held_out"]["split"]
    report(f"classifier of {len(classifier.label_names)} labels in {out}, on {split} images:", rows)


if __name__ == "__main__":
    sys.exit(run())
