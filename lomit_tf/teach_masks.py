"""Teach refined masks: `python -m lomit_tf.teach_masks --model=... --refined_masks=masks.npz --workdir=...`.

Exit codes as of `lomit_tf.train`: 0 done; 1 the training stopped itself; 2 flags, model or data that cannot be used;
130 or 143 interrupted by Ctrl-C or SIGTERM, after saving.
"""

from __future__ import annotations

import dataclasses
import os
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from absl import flags as absl_flags

from lomit_tf import flags, train
from lomit_tf.config import ConfigError
from lomit_tf.flagfiles import as_text, read_command_line
from lomit_tf.mask_teaching_config import LOOP, TeachConfig

PROGRAM = "lomit-teach-masks"
INTRO = f"""\
Teach a trained model's content encoder and mask decoder the masks that python -m lomit_tf.refine_masks wrote.

  python -m lomit_tf.teach_masks --model=celeba_small --refined_masks=runs/masks.npz --data_dir=/path/to/celeba \\
      --workdir=runs/taught

The run has the model's settings, then
{textwrap.fill(", ".join(f"{name}={value}" for name, value in LOOP.items()), 100)},
then flags win over them. --image_size may be another than the model's: its networks are convolutions. All flags of
lomit_tf.train are taken (its --help lists them), and:
  --model: a model's name, a workdir or a checkpoint
  --refined_masks: the file of refined masks"""


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
    own = flags.fields_of(TeachConfig)
    flags.define_fields(own, known)
    for name, text in (("model", "a model's name, a workdir or a checkpoint"), ("refined_masks", "the refined masks")):
        absl_flags.DEFINE_string(name, None, text, flag_values=known)
    given = {name: flag.value for name, flag in read_command_line(argv, known).items()}
    options = TeachConfig(**{name: given.pop(name) for name in own if name in given})
    if "preset" in given:
        raise ConfigError("--preset: the networks are those of --model; leave it out")
    for name, example in (("model", "celeba_small"), ("refined_masks", "runs/masks.npz"), ("workdir", "runs/taught")):
        if not given.get(name):
            raise ConfigError(f"--{name} is missing; e.g. --{name}={example}")
    workdir = Path(given.pop("workdir")).expanduser()
    return Invocation(
        given.pop("model"), given.pop("refined_masks"), workdir, given.pop("resume", "auto"), given, options
    )


def run(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code (see the module)."""
    argv = sys.argv[1:] if argv is None else argv
    if flags.wants_help(argv):
        print(INTRO)
        for field in dataclasses.fields(TeachConfig):
            print(f"  --{field.name}: {field.metadata['help']} (default: {as_text(field.default)})")
        return 0
    try:
        asked = parse(argv)
    except ConfigError as error:
        return _failed(str(error), train.UNUSABLE)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import lomit_tf
    from lomit_tf import mask_refinement, mask_teaching
    from lomit_tf.allocator import keep_freed_memory
    from lomit_tf.callbacks import TrainingError
    from lomit_tf.data.image_set import DataError

    keep_freed_memory()
    try:
        targets = mask_refinement.MaskTargets.load(asked.masks)
        model = lomit_tf.load(asked.model)
        config = mask_teaching.taught_config(model.config, **asked.fields)
        with train.messages():
            result = mask_teaching.teach_masks(
                model, targets, config, asked.workdir, asked.options, resume=asked.resume, name=asked.model
            )
    except (ConfigError, DataError) as error:
        return _failed(str(error), train.UNUSABLE)
    except TrainingError as error:
        return _failed(str(error), train.STOPPED)
    except KeyboardInterrupt:
        return _failed("stopped at once; what came after the last checkpoint is lost", train.INTERRUPTED + train.SIGINT)
    train.report(result)
    if result.interrupted is None:
        return 0
    return _failed(f"interrupted and saved after step {result.step}", train.INTERRUPTED + result.interrupted)


def _failed(message: str, code: int) -> int:
    print(f"{PROGRAM}: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(run())
