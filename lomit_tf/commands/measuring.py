"""What `lomit_tf.evaluate` and `lomit_tf.compare` do with what they measured: progress, files, a summary."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

from lomit_tf.commands.command import report, require_extra, unusable, writing
from lomit_tf.config import DATASETS, ConfigError, near
from lomit_tf.evaluation.metrics.attribute_classifier_config import classifier_folder
from lomit_tf.evaluation.options import MASK_SETS, RESULTS
from lomit_tf.runtime.places import check_folder, check_there

OptionsT = TypeVar("OptionsT")
Progressed = Callable[[str, float], None]


@dataclasses.dataclass(frozen=True)
class Invocation(Generic[OptionsT]):
    """What a command line asks for, and the command line itself, for the report."""

    options: OptionsT
    command: str


def check_report(options: Any) -> None:
    """Check what every report needs, before TensorFlow is imported: a second instead of ten for a mistyped path.

    Args:
        options: of an evaluation or a comparison.

    Raises Failure where what reports are made with is not installed, and ConfigError for an `out` that cannot be
    written or has a report without `overwrite`, a `classifier` without a classifier in it, and other files and folders
    that are not there.
    """
    check_folder("out", Path(options.out))
    if not options.overwrite and (Path(options.out) / RESULTS).exists():
        raise ConfigError(f"--out={options.out}: there is a report already; give another folder, or --overwrite")
    if options.classifier:
        classifier_folder(options.classifier)
    known = (*DATASETS, *MASK_SETS)
    if options.dataset and options.dataset not in known:
        raise ConfigError(f"--dataset={options.dataset} is unknown; {near(options.dataset, known)}")
    if options.dataset in MASK_SETS:  # others may be downloaded to a folder that is yet to be made
        check_there("data_dir", options.data_dir, folder=True)
    if Path(options.embedder).suffix:  # without one it is a name
        check_there("embedder", options.embedder)
    check_there("segmenter", getattr(options, "segmenter", ""))
    require_extra("evaluate", "jinja2", "matplotlib", "pydantic", "scipy")


def measured(asked: Invocation[Any], measure: Callable[[Any, str, Progressed], Any]) -> None:
    """Measure with a bar on stderr, write the report into --out, and print its summary.

    Args:
        asked: whose options have `out`.
        measure: options, command line, and what takes a description and the share that is done -> results.

    Raises Failure for models or data that cannot be used, and for an --out that cannot be written.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from lomit_tf.data.image_set import DataError
    from lomit_tf.evaluation.report.files import summary, write

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    shown = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    with unusable(DataError), shown as bar:
        task = bar.add_task("starting", total=1.0)
        results = measure(
            asked.options, asked.command, lambda what, share: bar.update(task, description=what, completed=share)
        )
    with writing(f"--out={asked.options.out}"):
        paths = write(results, asked.options.out)
    report(summary(results), paths)
