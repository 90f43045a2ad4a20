"""The work of `lomit-compare-all`: a training of each method, the classifier, and the comparison, each a process."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from lomit_tf.commands import INTERRUPTED, Failure, unusable
from lomit_tf.commands.compare_all_flags import CompareAllFlags, config_of
from lomit_tf.commands.measuring import check_report
from lomit_tf.commands.training import messages
from lomit_tf.config import ConfigError
from lomit_tf.evaluation.compare_options import CompareOptions
from lomit_tf.evaluation.metrics.attribute_classifier_config import (
    RECORD,
    classifier_folder,
    record_of,
    shipped_classifiers,
)  # fmt: skip
from lomit_tf.runtime.allocator import keep_freed_memory
from lomit_tf.runtime.atomic import write_text
from lomit_tf.runtime.children import child, end_with_parent
from lomit_tf.runtime.quiet import import_tensorflow
from lomit_tf.settings.methods import DEFAULT
from lomit_tf.training.budget_record import taken_up

FAILED = "failure.json"


def check(flags: CompareAllFlags) -> None:
    """Refuse at once what would fail only after hours of training.

    Raises ConfigError, and Failure where what reports are made with is not installed.
    """
    asked = CompareOptions(
        runs=(flags.out,), out=flags.out, classifier=flags.classifier, embedder=flags.embedder,
        embedder_range=flags.embedder_range, overwrite=True,
    )  # fmt: skip
    asked.evaluation().embedder_bounds()
    check_report(asked)
    data_dir = Path(config_of(flags, DEFAULT).data.data_dir).expanduser()
    if not data_dir.exists() and not data_dir.parent.exists():
        raise ConfigError(f"--settings=--data_dir={data_dir}: there is no such folder; name the one with the data")


def train_all(flags: CompareAllFlags, argv: Sequence[str]) -> dict[str, str]:
    """Train every method that has not spent its time; why those failed that did, by name.

    Args:
        flags: what to train.
        argv: the command line that gave them.

    Raises Failure when interrupted, and ConfigError, before anything is trained, for a run of another budget or
    configuration in one of the folders.
    """
    out, failures = Path(flags.out), dict[str, str]()
    out.mkdir(parents=True, exist_ok=True)
    done = {method for method in flags.chosen if is_done(flags, method)}
    for i, method in enumerate(flags.chosen, 1):
        what = f"{method} ({i} of {len(flags.chosen)}, {flags.minutes:g} minutes of processor time each)"
        if method in done:
            say(f"{what}: done before")
            continue
        say(f"{what}: training")
        why = trained(out / method, [*argv, f"--only={method}"])
        if why:
            say(f"{what}: failed: {why}")
            failures[method] = why
    return failures


def compare(flags: CompareAllFlags, failures: Mapping[str, str]) -> None:
    """Compare the methods that were trained; those that failed are columns of reasons.

    Raises Failure where none was trained, or the comparison failed.
    """
    out = Path(flags.out)
    runs = [str(out / method) for method in flags.chosen if method not in failures]
    if not runs:
        raise Failure("no method could be trained: " + "; ".join(f"{name}: {why}" for name, why in failures.items()))
    classifier = flags.classifier or judge(out / "classifier", flags)
    command = [
        "lomit_tf.compare", f"--runs={','.join(runs)}", f"--out={out / 'page'}", f"--classifier={classifier}",
        f"--embedder={flags.embedder}", f"--embedder_range={flags.embedder_range}", f"--pairs={flags.pairs}",
        "--overwrite",  # the page of the same command, which goes on
        *(f"--failed={name}={why}" for name, why in failures.items()),
    ]  # fmt: skip
    if code := child(command):
        raise Failure(f"the comparison failed with exit code {code}", code)


def train_one(flags: CompareAllFlags, method: str) -> None:
    """Train one method in this process; what ends it is written beside its run, for the table."""
    end_with_parent()
    keep_freed_memory()
    import_tensorflow()  # before Keras, which would import it with all of its lines
    from lomit_tf.data.image_set import DataError
    from lomit_tf.training.callbacks import TrainingError
    from lomit_tf.training.processor_budget import train_for

    folder = Path(flags.out, method)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FAILED).unlink(missing_ok=True)
    try:
        with messages(), unusable(DataError):
            result = train_for(config_of(flags, method), folder, flags.minutes * 60)
    except Exception as error:  # whatever it was, the table is to name it
        write_text(folder / FAILED, json.dumps({"why": f"{type(error).__name__}: {error}".splitlines()[0]}) + "\n")
        if isinstance(error, TrainingError):
            raise Failure(str(error)) from error
        raise
    if result.interrupted is not None:
        raise Failure(f"{method} is saved after step {result.step}", INTERRUPTED + result.interrupted)


def is_done(flags: CompareAllFlags, method: str) -> bool:
    """Whether a method has spent its time. Raises ConfigError for a run of another budget or configuration."""
    record = taken_up(config_of(flags, method), Path(flags.out, method), flags.minutes * 60)
    return bool(record.get("done"))


def trained(folder: Path, argv: Sequence[str]) -> str:
    """Train a method in a process of its own; why it failed, empty where it did not. Raises Failure on Ctrl-C."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return f"{folder}: {error.strerror}"
    code = child(["lomit_tf.compare_all", *argv])
    if not code:
        return ""
    if code in (INTERRUPTED + 2, INTERRUPTED + 15):
        raise Failure("interrupted; the same command goes on", code)
    try:
        return str(json.loads((folder / FAILED).read_text())["why"])
    except (OSError, ValueError, KeyError):
        return f"its process ended with exit code {code}"


def judge(folder: Path, flags: CompareAllFlags) -> str:
    """The classifier that judges all methods: the shipped one of the data set if it knows the labels, else one that is
    trained into the folder where it is not there yet.

    Raises ConfigError where the folder has one of other data or labels, Failure where its training failed.
    """
    data = config_of(flags, DEFAULT).data
    for name, dataset in shipped_classifiers().items():
        if dataset == data.dataset and set(data.attributes) <= set(record_of(classifier_folder(name))["attributes"]):
            return name
    asked = {
        "dataset": data.dataset, "attributes": list(data.attributes), "image_size": data.image_size, "crop": data.crop
    }  # fmt: skip
    if (folder / RECORD).exists():
        before = record_of(folder)
        differing = [f"{name} was {before.get(name)}, now {value}" for name, value in asked.items()
                     if before.get(name) != value]  # fmt: skip
        if differing:
            raise ConfigError(f"{folder} has a classifier of other data ({'; '.join(differing)}); use another --out")
        return str(folder)
    say("training the classifier that judges all methods")
    command = [
        "lomit_tf.train_classifier", f"--dataset={data.dataset}", f"--data_dir={data.data_dir}",
        f"--image_size={data.image_size}", f"--crop={data.crop}", f"--attributes={','.join(data.attributes)}",
        f"--steps={flags.classifier_steps}", f"--out={folder}",
    ]  # fmt: skip
    if code := child(command):
        raise Failure(f"training the classifier failed with exit code {code}", code)
    return str(folder)


def say(text: str) -> None:
    """One line of progress."""
    print(text, file=sys.stderr, flush=True)
