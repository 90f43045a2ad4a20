"""Evaluate a trained model: `python -m lomit_tf.evaluate --checkpoint=runs/drawn_faces --out=DIR`.

Exit codes: 0 done; 1 the report cannot be written; 2 flags, model or data that cannot be used; 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import shlex
import sys
from collections.abc import Sequence

from lomit_tf.backend import check_backend
from lomit_tf.config import DATASETS, ConfigError

EXAMPLES = """\
examples:
  python -m lomit_tf.train_judge --dataset=drawn_faces --out=runs/judge
  python -m lomit_tf.evaluate --checkpoint=runs/drawn_faces --judge=runs/judge --out=runs/evaluation
      masks, background, attributes, colours and reconstruction on 1,000 pairs of drawn faces never trained on
  python -m lomit_tf.evaluate --checkpoint=celeba_small --dataset=celebamask --data_dir=/path/to/celebamask \\
      --judge=runs/judge_celeba --segmenter=hair_segmentation.tflite --out=runs/evaluation_masks
      real faces with true masks; the judge says which hair colours the pairs have

It writes results.json, results.md and index.html, which opens in any browser, offline."""


def parser() -> argparse.ArgumentParser:
    """The command's flags."""
    p = argparse.ArgumentParser(
        prog="lomit-evaluate", description="Measure a model's masks, what its translations change and what they keep.",
        epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
    )  # fmt: skip
    p.add_argument(
        "--checkpoint",
        required=True,
        help="a workdir of lomit_tf.train, one of its checkpoints, or shipped weights by name",
    )
    p.add_argument("--out", required=True, help="folder for the report")
    p.add_argument(
        "--dataset", default="", metavar="NAME",
        help=f"{', '.join(DATASETS)}, celebamask (CelebAMask-HQ's classes) or horses; default: the model's own",
    )  # fmt: skip
    p.add_argument("--data_dir", default="", help="folder of the data set; default: the model's own")
    p.add_argument(
        "--split",
        default="auto",
        choices=("auto", "train", "validation", "test"),
        help="default: test, or validation where there are no test images",
    )
    p.add_argument("--pairs", type=int, default=1000, help="how many pairs (default: %(default)s)")
    p.add_argument("--seed", type=int, default=0, help="of the choice of pairs (default: %(default)s)")
    p.add_argument("--batch_size", type=int, default=32, help="pairs translated at once (default: %(default)s)")
    p.add_argument(
        "--judge", default="", help="folder of lomit_tf.train_judge; without one attributes are not measured"
    )
    p.add_argument("--embedder", default="", help="inception_v3, or a .tflite or .keras image embedder, for realism")
    p.add_argument(
        "--embedder_range",
        default=None,
        metavar="LOW,HIGH",
        help="what black and white are for the embedder, where its file does not say",
    )
    p.add_argument("--segmenter", default="", help="a supervised .tflite segmenter, whose masks are measured beside")
    p.add_argument(
        "--identity", action=argparse.BooleanOptionalAction, default=True, help="measure the untouched input too"
    )
    p.add_argument(
        "--copy_exemplar_colour", action=argparse.BooleanOptionalAction, default=True,
        help="measure recolouring by the true masks too",
    )  # fmt: skip
    p.add_argument("--grid_pairs", type=int, default=8, help="pairs in the pictures (default: %(default)s)")
    return p


def run(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    argv = sys.argv[1:] if argv is None else list(argv)
    try:
        given = vars(parser().parse_args(argv))
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        return _evaluate(given, "python -m lomit_tf.evaluate " + shlex.join(argv))
    except KeyboardInterrupt:
        print("lomit-evaluate: stopped; nothing was written but grids", file=sys.stderr)
        return 130


def _evaluate(given: dict[str, object], command: str) -> int:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    try:
        check_backend()
        options = _options(given)
        from lomit_tf.data.image_set import DataError
        from lomit_tf.evaluation.report import summary, write
        from lomit_tf.evaluation.run import evaluate

        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        try:
            with Progress(*columns, console=Console(stderr=True)) as bar:
                task = bar.add_task("starting", total=1.0)
                results = evaluate(
                    options, command, lambda what, share: bar.update(task, description=what, completed=share)
                )
        except DataError as error:
            raise ConfigError(str(error)) from error
    except ConfigError as error:
        print(f"lomit-evaluate: {error}", file=sys.stderr)
        return 2
    try:
        paths = write(results, options.out)
    except OSError as error:
        print(f"lomit-evaluate: --out={options.out}: {error}", file=sys.stderr)
        return 1
    print(summary(results))
    for name, path in paths.items():
        print(f"  {name + ':':<10}{path}")
    return 0


def _options(given: dict[str, object]):  # type: ignore[no-untyped-def]
    """Checked options; ConfigError for a number out of range."""
    from lomit_tf.evaluation.run import Options

    for name, least in (("pairs", 2), ("batch_size", 1), ("grid_pairs", 1), ("seed", 0)):
        value = given[name]
        if not isinstance(value, int) or value < least:
            raise ConfigError(f"--{name} must be at least {least}; received {value}")
    values = dict(given)
    if values["embedder_range"] is not None:
        try:
            low, high = (float(x) for x in str(values["embedder_range"]).split(","))
        except ValueError:
            raise ConfigError(f"--embedder_range must be LOW,HIGH; received {values['embedder_range']}") from None
        values["embedder_range"] = (low, high)
    known = {f.name for f in dataclasses.fields(Options)}
    return Options(**{k: v for k, v in values.items() if k in known})  # type: ignore[arg-type]


if __name__ == "__main__":
    sys.exit(run())
