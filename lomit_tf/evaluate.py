"""Evaluate a trained model: `python -m lomit_tf.evaluate --checkpoint=runs/drawn_faces --out=DIR`.

Exit codes: 0 done; 1 the report cannot be written; 2 flags, model or data that cannot be used; 130 or 143 interrupted.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence

from lomit_tf.commands import Command, FlagSet
from lomit_tf.commands.measuring import Invocation, check_report, measured
from lomit_tf.commands.models import check_model
from lomit_tf.config import IMAGE_MULTIPLE, ConfigError
from lomit_tf.evaluation.options import Options

INTRO = """\
Measure a model's masks, what its translations change and what they keep.

  python -m lomit_tf.evaluate --checkpoint=runs/drawn_faces --classifier=drawn_faces_classifier --out=runs/evaluation
      masks, background, attributes, colours and reconstruction on 1,000 pairs of drawn faces never trained on
  python -m lomit_tf.evaluate --checkpoint=celeba_small --dataset=celebamask --data_dir=/path/to/celebamask \\
      --image_size=64 --classifier=celeba_classifier --segmenter=hair_segmentation.tflite \\
      --out=runs/evaluation_masks
      real faces with true masks; the classifier says which hair colours the pairs have

It writes results.json, results.md and index.html, which opens in any browser, offline."""
FLAGS = FlagSet(Options, INTRO)


def parse(argv: Sequence[str]) -> Invocation[Options]:
    """Read a command line, without the program's name. Raises ConfigError for what cannot be used."""
    options = FLAGS.parse(argv)
    options.embedder_bounds()
    return Invocation(options, "python -m lomit_tf.evaluate " + shlex.join(argv))


def run(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code (see the module)."""
    return Command(
        "lomit-evaluate", FLAGS.help_text, parse, _evaluate, "nothing was written but grids", check=_check
    ).run(argv)


def _check(asked: Invocation[Options]) -> None:
    check_model("checkpoint", asked.options.checkpoint)
    check_report(asked.options)
    if asked.options.photograph_size % IMAGE_MULTIPLE:
        raise ConfigError(
            f"--photograph_size={asked.options.photograph_size} must be a multiple of {IMAGE_MULTIPLE}, or 0 for none"
        )


def _evaluate(asked: Invocation[Options]) -> None:
    """The part that takes TensorFlow, which is imported before it: seconds after any usage error."""
    from lomit_tf.evaluation.run import evaluate

    measured(asked, evaluate)


if __name__ == "__main__":
    sys.exit(run())
