"""A translated picture without training: `python -m lomit_tf.demo`, with the shipped weights.

Exit codes: 0 done; 1 the picture cannot be written; 2 a flag or model that cannot be used; 130 or 143 interrupted.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from lomit_tf.commands import Command, Failure, FlagSet, report
from lomit_tf.config import ConfigError, option

INTRO = """\
Translate drawn faces that were not in the training data, with the shipped weights.

  python -m lomit_tf.demo
      writes runs/demo.png"""


@dataclasses.dataclass(frozen=True)
class DemoFlags:
    """What a command line asks for."""

    model: str = option("drawn_faces", "shipped weights or a workdir, trained on drawn faces", form="M")
    out: str = option("runs/demo.png", "the picture", form="FILE.png")
    pairs: int = option(8, "how many faces, 1 to 64")
    seed: int = option(0, "which faces", least=0)


FLAGS = FlagSet(DemoFlags, INTRO)


def run(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code (see the module)."""
    return Command("lomit-demo", FLAGS.help_text, FLAGS.parse, _demo, "nothing was written").run(argv)


def _demo(flags: DemoFlags) -> None:
    try:
        path = demo(flags.model, Path(flags.out), flags.pairs, flags.seed)
    except OSError as error:
        raise Failure(f"--out={flags.out}: {error}") from error
    report("each column: a face, its mask, an exemplar, its mask, the face in the exemplar's style", {"picture": path})


def demo(model_name: str, out: Path, pairs: int, seed: int) -> Path:
    """Translate `pairs` drawn faces of the test split and write the grid as PNG; its path.

    Raises ConfigError for a model that is not there or was not trained on drawn faces; OSError for the file.
    """
    if not 1 <= pairs <= 64:
        raise ConfigError(f"--pairs lies between 1 and 64; received {pairs}")
    import tensorflow as tf

    from lomit_tf import grid, zoo
    from lomit_tf.data.pairs import sample_pairs
    from lomit_tf.data.sources import open_set

    model = zoo.load(model_name)
    data = model.config.data
    if data.dataset != "drawn_faces":
        raise ConfigError(f"--model={model_name} was trained on {data.dataset}; the demo draws its faces")
    drawn = sample_pairs(open_set(data, "test"), data, pairs, seed)
    found = model.translate(tf.constant(drawn["x1"]), tf.constant(drawn["x2"]))
    rows = {
        "input": grid.picture(drawn["x1"]),
        "its mask": grid.mask_picture(found["image_masks"].numpy()),
        "exemplar": grid.picture(drawn["x2"]),
        "its mask ": grid.mask_picture(found["exemplar_masks"].numpy()),
        "input in the\nexemplar's style": grid.picture(found["image"]),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    grid.save_png(grid.draw_grid(rows), out)
    return out


if __name__ == "__main__":
    sys.exit(run())
