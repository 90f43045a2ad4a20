"""A translated picture without training: `python -m lomit_tf.demo`, with the shipped weights.

Exit codes: 0 done; 1 the picture cannot be written; 2 a flag or model that cannot be used.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from lomit_tf.backend import check_backend
from lomit_tf.config import ConfigError


def parser() -> argparse.ArgumentParser:
    """The command's flags."""
    p = argparse.ArgumentParser(
        prog="lomit-demo", allow_abbrev=False,
        description="Translate drawn faces that were not in the training data, with the shipped weights.",
    )  # fmt: skip
    p.add_argument("--model", default="drawn_faces", help="shipped weights or a workdir, trained on drawn faces")
    p.add_argument("--out", default="runs/demo.png", help="the picture (default: %(default)s)")
    p.add_argument("--pairs", type=int, default=8, help="how many faces (default: %(default)s)")
    p.add_argument("--seed", type=int, default=0, help="which faces (default: %(default)s)")
    return p


def run(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    try:
        args = parser().parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        path = demo(args.model, Path(args.out), args.pairs, args.seed)
    except ConfigError as error:
        print(f"lomit-demo: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"lomit-demo: --out={args.out}: {error}", file=sys.stderr)
        return 1
    print(f"each column: a face, its mask, an exemplar, its mask, the face in the exemplar's style\n  {path}")
    return 0


def demo(model_name: str, out: Path, pairs: int, seed: int) -> Path:
    """Translate `pairs` drawn faces of the test split and write the grid as PNG; its path.

    Raises ConfigError for a model that is not there or was not trained on drawn faces; OSError for the file.
    """
    if not 1 <= pairs <= 64 or seed < 0:
        raise ConfigError(f"--pairs lies between 1 and 64 and --seed is not negative; received {pairs} and {seed}")
    check_backend()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
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
