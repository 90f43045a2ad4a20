"""Teach refined masks: `python -m lomit_tf.teach_masks --model=... --refined_masks=masks.npz --workdir=...`.

Exit codes as of `lomit_tf.train`: 0 done; 1 the training stopped itself; 2 flags, model or data that cannot be used;
130 or 143 interrupted by Ctrl-C or SIGTERM, after saving.
"""

from __future__ import annotations

import dataclasses
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from absl import flags as absl_flags

from lomit_tf import train
from lomit_tf.commands import Command, Failure, flags, unusable
from lomit_tf.commands.fields import define_fields, field_form, fields_of, help_entry, help_with_default
from lomit_tf.commands.flagfiles import read_command_line
from lomit_tf.config import ConfigError
from lomit_tf.training.mask_teaching_config import LOOP, TeachConfig

MODEL, MASKS = "a model's name, a workdir or a checkpoint", "what python -m lomit_tf.refine_masks wrote"
INTRO = f"""\
Teach a trained model's content encoder and mask decoder the masks that python -m lomit_tf.refine_masks wrote.

  python -m lomit_tf.teach_masks --model=celeba_small --refined_masks=runs/masks.npz \\
      --data_dir=/path/to/celeba --workdir=runs/taught

The run has the model's settings, then
{textwrap.fill(", ".join(f"{name}={value}" for name, value in LOOP.items() if value != ""), 100)},
then flags win over them. --image_size may be another than the model's, whose networks are convolutions. All flags of
lomit_tf.train are taken (its --help lists them), and:
"""


@dataclasses.dataclass(frozen=True)
class Invocation:
    """What a command line asks for; `fields` are those of the configuration."""

    model: str
    masks: str
    workdir: Path
    resume: str
    fields: dict[str, Any]
    options: TeachConfig


def parse(argv: Sequence[str]) -> Invocation:
    """Read a command line, without the program's name. Raises ConfigError as `flags.parse`, and for what is missing."""
    known = flags.define_flags()
    own = fields_of(TeachConfig)
    define_fields(own, known)
    absl_flags.DEFINE_string("model", None, MODEL, flag_values=known)
    absl_flags.DEFINE_string("refined_masks", None, MASKS, flag_values=known)
    given = {name: flag.value for name, flag in read_command_line(argv, known).items()}
    options = TeachConfig(**{name: given.pop(name) for name in own if name in given})
    if "preset" in given:
        raise ConfigError("--preset: the networks are those of --model; leave it out")
    for name, example in (("model", "celeba_small"), ("refined_masks", "runs/masks.npz"), ("workdir", "runs/taught")):
        if not given.get(name):
            raise ConfigError(f"--{name} is missing; e.g. --{name}={example}")
    workdir, masks = Path(given.pop("workdir")).expanduser(), given.pop("refined_masks")
    return Invocation(given.pop("model"), masks, workdir, given.pop("resume", "auto"), given, options)


def help_text() -> str:
    """What `--help` prints: the flags that are not those of training."""
    lines = [INTRO, *help_entry("--model=M", f"{MODEL} (needed)")]
    lines += help_entry("--refined_masks=FILE", f"{MASKS} (needed)")
    for field, kind in fields_of(TeachConfig).values():
        lines += help_entry(field_form(field, kind), help_with_default(field))
    return "\n".join(lines)


def run(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code (see the module)."""
    lost = "what came after the last checkpoint is lost"
    return Command("lomit-teach-masks", help_text, parse, _teach, lost).run(argv)


def _teach(asked: Invocation) -> None:
    """The part that takes TensorFlow, which is imported only here: seconds after any usage error."""
    import lomit_tf
    from lomit_tf.data.image_set import DataError
    from lomit_tf.runtime.allocator import keep_freed_memory
    from lomit_tf.training import mask_refinement, mask_teaching
    from lomit_tf.training.callbacks import TrainingError

    keep_freed_memory()
    try:
        with unusable(DataError):
            targets = mask_refinement.MaskTargets.load(asked.masks)
            model = lomit_tf.load(asked.model)
            config = mask_teaching.taught_config(model.config, **asked.fields)
            with train.messages():
                result = mask_teaching.teach_masks(
                    model, targets, config, asked.workdir, asked.options, resume=asked.resume, name=asked.model
                )
    except TrainingError as error:
        raise Failure(str(error)) from error
    train.report_result(result)


if __name__ == "__main__":
    sys.exit(run())
