"""Refine a model's masks: `python -m lomit_tf.refine_masks --model=... --data_dir=... --out=masks.npz`.

Exit codes: 0 done; 2 flags, model or data that cannot be used; 130 interrupted, after which the same command goes on.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Sequence
from typing import Any

from absl import flags as absl_flags

from lomit_tf import flags, train
from lomit_tf.config import ConfigError
from lomit_tf.flagfiles import as_text, read_command_line
from lomit_tf.mask_teaching_config import RefineConfig

PROGRAM = "lomit-refine-masks"
DATA = (
    "dataset",
    "data_dir",
    "labels_file",
    "crop",
    "train_images",
    "max_corrupt",
)  # fields of the data that flags may give
INTRO = """\
Refine a trained model's masks of its training images by GrabCut, for python -m lomit_tf.teach_masks. Labels decide
which refinements are used; true masks are never read.

  python -m lomit_tf.refine_masks --model=celeba_small --data_dir=/path/to/celeba --out=runs/masks.npz
  python -m lomit_tf.refine_masks --model=drawn_faces --face= --refuse= --train_images=500 --out=runs/masks.npz

The same command goes on where an interrupted one stopped.

  --model: a model's name, a workdir or a checkpoint
  --out: the file of refined masks
  --threads: that refine at once (default: one a core)
  --dataset, --data_dir, --labels_file, --crop, --train_images, --max_corrupt: as of lomit_tf.train; the model's own"""


def parse(argv: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any], RefineConfig]:
    """Read a command line, without the program's name: the run's flags, the data's and the refinement's.

    Raises ConfigError for unknown flags, bad values, or without --model and --out.
    """
    known = absl_flags.FlagValues()
    own = flags.fields_of(RefineConfig)
    flags.define_fields(own, known)
    flags.define_fields({name: flags.config_fields()[name] for name in DATA}, known)
    for name, text in (("model", "the model"), ("out", "the file"), ("flagfile", "a file of flags")):
        absl_flags.DEFINE_string(name, None, text, flag_values=known)
    absl_flags.DEFINE_integer("threads", None, "threads", lower_bound=0, flag_values=known)
    given = {name: flag.value for name, flag in read_command_line(argv, known).items()}
    for name, example in (("model", "celeba_small"), ("out", "runs/masks.npz")):
        if not given.get(name):
            raise ConfigError(f"--{name} is missing; e.g. --{name}={example}")
    options = RefineConfig(**{name: given.pop(name) for name in own if name in given})
    return given, {name: given.pop(name) for name in DATA if name in given}, options


def run(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code (see the module)."""
    argv = sys.argv[1:] if argv is None else argv
    if flags.wants_help(argv):
        print(INTRO)
        for field in dataclasses.fields(RefineConfig):
            print(f"  --{field.name}: {field.metadata['help']} (default: {as_text(field.default) or 'empty'})")
        return 0
    try:
        asked, fields, options = parse(argv)
    except ConfigError as error:
        return _failed(str(error), train.UNUSABLE)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import lomit_tf
    from lomit_tf import mask_refinement
    from lomit_tf.data.image_set import DataError

    bar = mask_refinement.Bar("refining masks")
    try:
        model = lomit_tf.load(asked["model"])
        data = dataclasses.replace(model.config.data, **fields)
        with train.messages():
            found = mask_refinement.refine_masks(
                model, data, options, asked["out"], name=asked["model"], threads=asked.get("threads", 0), say=bar
            )
    except (ConfigError, DataError) as error:
        return _failed(str(error), train.UNUSABLE)
    except KeyboardInterrupt:
        return _failed("interrupted; the same command goes on from there", train.INTERRUPTED + train.SIGINT)
    finally:
        bar.close()
    print(f"{len(found.chosen)} of {len(found.keys)} masks in {asked['out']}")
    for name, count in found.counts().items():
        print(f"  {name + ':':<24}{count}")
    return 0


def _failed(message: str, code: int) -> int:
    print(f"{PROGRAM}: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(run())
