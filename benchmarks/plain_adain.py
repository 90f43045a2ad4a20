"""An ablation: the recipe with the whole image as its mask, which makes HAdaIN plain AdaIN, as MUNIT.

    python -m benchmarks.plain_adain train --flagfile=drawn_faces.cfg --colour_groups= --mask_patience=0 \\
        --workdir=runs/plain
    python -m benchmarks.plain_adain evaluate --checkpoint=runs/plain --classifier=runs/classifier --out=runs/plain_eval

Flags are those of lomit_tf.train and lomit_tf.evaluate. --mask_patience=0, since a mask of 1 counts as dead.
"""

from __future__ import annotations

import sys
from typing import Any

from keras import ops

from benchmarks.help import explain
from lomit_tf.commands import flags, report
from lomit_tf.commands.training import messages, report_result
from lomit_tf.config import ConfigError
from lomit_tf.evaluate import parse
from lomit_tf.evaluation.report.files import summary, write
from lomit_tf.evaluation.run import evaluate
from lomit_tf.model import Lomit
from lomit_tf.networks.generator import Generator
from lomit_tf.training import checkpoints, loop


class PlainAdaIN(Generator):
    """A generator whose first group's mask is 1 everywhere; the mask decoder has no effect and no gradient."""

    def masks(self, content: tuple[Any, Any, Any], image: Any, contrast: Any = None) -> Any:
        """Ones for the first group, zeros for the others and the background: (B, H, W, R)."""
        masks = super().masks(content, image, contrast)
        first = ops.ones_like(masks[..., :1])
        return ops.concatenate([first, ops.zeros_like(masks[..., 1:])], axis=-1) + 0 * masks


class PlainLomit(Lomit):
    """A Lomit of `PlainAdaIN`. Raises ConfigError for several groups: the image is one region."""

    generator_class = PlainAdaIN

    def __init__(self, config: Any, **kwargs: Any) -> None:
        if len(config.data.group_labels) > 1:
            raise ConfigError(f"--groups names {len(config.data.group_labels)} groups; the whole image is one")
        super().__init__(config, **kwargs)


def main(argv: list[str]) -> None:
    """Train, or evaluate what was trained."""
    if argv[:1] == ["train"]:
        asked = flags.parse(argv[1:])
        with messages():
            report_result(loop.train(asked.config, asked.workdir, resume=asked.resume, make_model=PlainLomit))
    elif argv[:1] == ["evaluate"]:
        options = parse(argv[1:]).options
        command = " ".join(["python -m benchmarks.plain_adain", *argv])
        results = evaluate(options, command, load=lambda path: checkpoints.load(path, PlainLomit))
        report(summary(results), write(results, options.out))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    explain(__doc__)
    main(sys.argv[1:])
