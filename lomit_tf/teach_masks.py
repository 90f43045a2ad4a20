"""Teach refined masks: `python -m lomit_tf.teach_masks --model=... --refined_masks=masks.npz --workdir=...`.

Exit codes as of `lomit_tf.train`: 0 done; 1 the training stopped itself; 2 flags, model or data that cannot be used;
130 or 143 interrupted by Ctrl-C or SIGTERM, after saving.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence

from lomit_tf.commands import Command
from lomit_tf.commands.models import check_lomit
from lomit_tf.commands.student_flags import StudentFlags, StudentInvocation, listed
from lomit_tf.commands.training import carry_out
from lomit_tf.config import NEEDED, option
from lomit_tf.runtime.places import check_folder
from lomit_tf.settings.mask_teacher import LOOP, TeachConfig

INTRO = f"""\
Teach a trained model's content encoder and mask decoder the masks that python -m lomit_tf.refine_masks wrote.

  python -m lomit_tf.teach_masks --model=celeba_small --refined_masks=runs/masks.npz \\
      --data_dir=/path/to/celeba --workdir=runs/taught

The run has the model's settings, then
{listed(LOOP)},
then flags win over them. --image_size may be another than the model's, whose networks are convolutions. All flags of
lomit_tf.train are taken (its --help lists them), and:
"""


@dataclasses.dataclass(frozen=True)
class Sources:
    """What the masks learn from."""

    model: str = option(NEEDED, "a model's name, a workdir or a checkpoint", form="M")
    refined_masks: tuple[str, ...] = option(
        NEEDED, "what python -m lomit_tf.refine_masks wrote; several files, each of another group, are taught together",
        form="FILE[,FILE...]",
    )  # fmt: skip


FLAGS = StudentFlags(Sources, TeachConfig, INTRO, same_networks=True)


def run(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code (see the module)."""
    lost = "what came after the last checkpoint is lost"
    return Command("lomit-teach-masks", FLAGS.help_text, FLAGS.parse, _teach, lost, check=_check).run(argv)


def _check(asked: StudentInvocation[TeachConfig]) -> None:
    check_folder("workdir", asked.workdir)
    check_lomit("model", asked.sources["model"], "teaching masks")


def _teach(asked: StudentInvocation[TeachConfig]) -> None:
    """The part that takes TensorFlow, which is imported before it: seconds after any usage error."""
    import lomit_tf
    from lomit_tf.training import mask_refinement, mask_teaching
    from lomit_tf.training.driver import TrainingResult

    name = asked.sources["model"]

    def training() -> TrainingResult:
        targets = [mask_refinement.MaskTargets.load(file) for file in asked.sources["refined_masks"]]
        model = lomit_tf.load(name)
        config = mask_teaching.taught_config(model.config, **asked.fields)
        return mask_teaching.teach_masks(
            model, targets, config, asked.workdir, asked.options, resume=asked.resume, name=name
        )

    carry_out(training)


if __name__ == "__main__":
    sys.exit(run())
