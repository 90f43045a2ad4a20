"""Distil a trained model: `python -m lomit_tf.distill --teacher=... --preset=mobile --image_size=128 --workdir=...`.

Exit codes as of `lomit_tf.train`: 0 done; 1 the training stopped itself; 2 flags, model or data that cannot be used;
130 or 143 interrupted by Ctrl-C or SIGTERM, after saving.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence

from lomit_tf import zoo
from lomit_tf.commands import Command
from lomit_tf.commands.models import check_model
from lomit_tf.commands.student_flags import StudentFlags, StudentInvocation, listed
from lomit_tf.commands.training import carry_out
from lomit_tf.config import NEEDED, option
from lomit_tf.runtime.places import check_folder
from lomit_tf.training.distill_config import DEFAULTS, DistillConfig, student_config

INTRO = f"""\
Distil a trained model into a smaller or larger-sized one, which follows its masks, translations and styles.

  python -m lomit_tf.distill --teacher=drawn_faces --preset=mobile --image_size=128 --workdir=runs/mobile
  python -m lomit_tf.distill --teacher=runs/celeba --data_dir=/path/to/celeba --workdir=runs/celeba_mobile

The student has the teacher's settings; the preset's sizes, then
{listed(DEFAULTS)},
then flags win over them. All flags of lomit_tf.train are taken (its --help lists them), and:
"""


@dataclasses.dataclass(frozen=True)
class Sources:
    """What the student learns from."""

    teacher: str = option(NEEDED, "a model's name, a workdir or a checkpoint", form="M")


FLAGS = StudentFlags(Sources, DistillConfig, INTRO, workdir="runs/mobile")


def run(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code (see the module)."""
    lost = "what came after the last checkpoint is lost"
    return Command("lomit-distill", FLAGS.help_text, FLAGS.parse, _distill, lost, check=_check).run(argv)


def _check(asked: StudentInvocation[DistillConfig]) -> None:
    check_folder("workdir", asked.workdir)
    name = asked.sources["teacher"]
    check_model("teacher", name)
    student_config(zoo.config_of(name), **{"preset": "mobile"} | asked.fields)


def _distill(asked: StudentInvocation[DistillConfig]) -> None:
    """The part that takes TensorFlow, which is imported before it: seconds after any usage error."""
    import lomit_tf
    from lomit_tf.training import distillation
    from lomit_tf.training.driver import TrainingResult

    name = asked.sources["teacher"]

    def training() -> TrainingResult:
        teacher = lomit_tf.load(name)
        config = student_config(teacher.config, **{"preset": "mobile"} | asked.fields)
        return distillation.distill(teacher, config, asked.workdir, asked.options, resume=asked.resume, name=name)

    carry_out(training)


if __name__ == "__main__":
    sys.exit(run())
