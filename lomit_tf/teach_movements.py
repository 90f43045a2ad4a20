"""Teach movements: `python -m lomit_tf.teach_movements --model=... --movements=smiles.npz --workdir=...`.

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
from lomit_tf.settings.movement_teacher import LOOP, TeachMovementsConfig

INTRO = f"""\
Teach a model's painter the movements that python -m lomit_tf.find_movements wrote; content and masks stay as they are.

  python -m lomit_tf.teach_movements --model=runs/celeba_smile_masks --movements=runs/smiles.npz \\
      --data_dir=/path/to/celeba --workdir=runs/celeba_smile

The run has the model's settings, then
{listed(LOOP)},
then flags win over them. All flags of lomit_tf.train are taken (its --help lists them), and:
"""


@dataclasses.dataclass(frozen=True)
class Sources:
    """What the painter learns from."""

    model: str = option(NEEDED, "a model's name, a workdir or a checkpoint", form="M")
    movements: str = option(NEEDED, "what python -m lomit_tf.find_movements wrote", form="FILE")


FLAGS = StudentFlags(Sources, TeachMovementsConfig, INTRO, same_networks=True)


def run(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code (see the module)."""
    lost = "what came after the last checkpoint is lost"
    return Command("lomit-teach-movements", FLAGS.help_text, FLAGS.parse, _teach, lost, check=_check).run(argv)


def _check(asked: StudentInvocation[TeachMovementsConfig]) -> None:
    check_folder("workdir", asked.workdir)
    check_lomit("model", asked.sources["model"], "teaching movements")


def _teach(asked: StudentInvocation[TeachMovementsConfig]) -> None:
    """The part that takes TensorFlow, which is imported before it: seconds after any usage error."""
    import lomit_tf
    from lomit_tf.training import movement_targets, movement_teaching
    from lomit_tf.training.driver import TrainingResult

    name = asked.sources["model"]

    def training() -> TrainingResult:
        targets = movement_targets.MovementTargets.load(asked.sources["movements"])
        model = lomit_tf.load(name)
        config = movement_teaching.taught_config(model.config, **asked.fields)
        return movement_teaching.teach_movements(
            model, targets, config, asked.workdir, asked.options, resume=asked.resume, name=name
        )

    carry_out(training)


if __name__ == "__main__":
    sys.exit(run())
