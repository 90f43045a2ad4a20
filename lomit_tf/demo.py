"""Translated pictures without training: `python -m lomit_tf.demo`, with the shipped weights.

Exit codes: 0 done; 1 a picture cannot be written; 2 a flag or model that cannot be used; 130 or 143 interrupted.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from lomit_tf import zoo
from lomit_tf.commands import Command, FlagSet, writing
from lomit_tf.commands.models import check_lomit
from lomit_tf.config import ConfigError, option
from lomit_tf.runtime.places import check_file

INTRO = """\
Translate two portraits after colours and after each other, with the shipped weights.

  python -m lomit_tf.demo
      writes an overview, runs/demo.png, and each result at its full size into runs/demo
  python -m lomit_tf.demo --model=drawn_faces
      drawn faces that were not in the training data, as runs/demo.png"""


@dataclasses.dataclass(frozen=True)
class DemoFlags:
    """What a command line asks for."""

    model: str = option("celeba", "shipped weights or a workdir, trained on faces or drawn faces", form="M")
    out: str = option(
        "runs/demo.png", "the picture; for portraits an overview, beside a folder of its name", form="FILE.png"
    )
    pairs: int = option(8, "how many drawn faces, 1 to 64")
    seed: int = option(0, "which drawn faces", least=0)


FLAGS = FlagSet(DemoFlags, INTRO)


def run(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code (see the module)."""
    return Command("lomit-demo", FLAGS.help_text, FLAGS.parse, _demo, "what is written stays", check=_check).run(argv)


def _check(flags: DemoFlags) -> None:
    from lomit_tf.imaging.formats import ImageError, format_of
    from lomit_tf.photos.steps import FACE_DATASETS

    if not 1 <= flags.pairs <= 64:
        raise ConfigError(f"--pairs lies between 1 and 64; received {flags.pairs}")
    dataset = check_lomit("model", flags.model, "the demo").data.dataset
    if dataset not in (*FACE_DATASETS, "drawn_faces"):
        raise ConfigError(f"--model={flags.model} was trained on {dataset}; the demo shows faces and drawn faces only")
    try:
        format_of(flags.out)
    except ImageError as error:
        raise ConfigError(f"--out={error}") from error
    check_file("out", Path(flags.out))
    print(f"loading {flags.model} ...", flush=True)


def _demo(flags: DemoFlags) -> None:
    from lomit_tf.commands.demonstration import show_drawn_faces, show_portraits
    from lomit_tf.photos.steps import FACE_DATASETS

    out = Path(flags.out)
    with writing(f"--out={flags.out}"):
        if zoo.config_of(flags.model).data.dataset in FACE_DATASETS:
            show_portraits(flags.model, out)
        else:
            show_drawn_faces(zoo.load(flags.model), out, flags.pairs, flags.seed)


if __name__ == "__main__":
    sys.exit(run())
