"""Train every method for the same processor time, and compare them: `make compare`, or python -m lomit_tf.compare_all.

Exit codes: 0 done; 1 a method's training failed (the page says so); 2 flags that cannot be used; 130 or 143
interrupted: the same command goes on.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from lomit_tf.commands import INTERRUPTED, Command, Failure, FlagSet, unusable
from lomit_tf.commands import flags as run_flags
from lomit_tf.config import ConfigError, LomitConfig, near, option
from lomit_tf.runtime.atomic import write_text
from lomit_tf.runtime.quiet import import_tensorflow
from lomit_tf.settings.methods import DEFAULT, ROOMS

INTRO = """\
Train all methods on drawn faces, black hair to blond and back, each for the same processor time, and compare them.

  python -m lomit_tf.compare_all
      twenty minutes of processor time a method; the page is runs/compare/page/index.html
  python -m lomit_tf.compare_all --minutes=1 --methods=lomit,stargan --out=runs/compare_short

The same command goes on where it was interrupted. A method whose training fails is named in the table; the others go
on. --settings gives all of them further flags of lomit_tf.train, such as another data set."""
FAILED = "failure.json"
PARENT = "LOMIT_COMPARE_PARENT"  # the process that started this one and waits for it
# What all methods share: the data, and LOMIT's tuned flags, of which the others take those of data and loop alone.
SHARED = ("--flagfile=drawn_faces.cfg", "--domains=Black_Hair | Blond_Hair", "--groups=", "--colour_groups=all")


@dataclasses.dataclass(frozen=True)
class Flags:
    """What to train and how long."""

    out: str = option("runs/compare", "folder for the runs, the classifier and the page", form="DIR")
    minutes: float = option(20.0, "processor time for each method, in minutes")
    methods: tuple[str, ...] = option((), f"comma-separated methods (default: all, {', '.join(ROOMS)})")
    size: str = option("small", "sizes of the networks of the methods other than lomit", form="NAME")
    settings: tuple[str, ...] = option(
        (), "a flag of lomit_tf.train for all methods", form="--FLAG=VALUE", repeated=True
    )
    classifier: str = option("", "folder of an attribute classifier (default: one is trained in --out)", form="DIR")
    classifier_steps: int = option(600, "updates of the classifier that is trained", least=1)
    embedder: str = option("", "as of lomit_tf.compare (default: the classifier's features)", form="FILE")
    embedder_range: str = option("", "as of lomit_tf.compare", form="LOW,HIGH")
    pairs: int = option(1000, "pairs that are measured", least=2)
    only: str = option("", "train this method in this process, and compare nothing", form="NAME")

    @property
    def chosen(self) -> tuple[str, ...]:
        """The methods to train."""
        return self.methods or tuple(ROOMS)


FLAGS = FlagSet(Flags, INTRO)


def config_of(flags: Flags, method: str) -> LomitConfig:
    """A method's run. Raises ConfigError for settings that cannot be used."""
    size = () if method == DEFAULT else (f"--method_size={flags.size}",)
    return run_flags.parse([*SHARED, *flags.settings, f"--method={method}", *size]).config


def parse(argv: Sequence[str]) -> tuple[Flags, Sequence[str]]:
    """The flags, checked for every method, and the command line itself."""
    flags = FLAGS.parse(argv)
    if flags.minutes <= 0:
        raise ConfigError(f"--minutes must be greater than 0; received {flags.minutes:g}")
    for method in (*flags.chosen, *filter(None, [flags.only])):
        if method not in ROOMS:
            raise ConfigError(f"--methods: {method!r} is unknown; {near(method, ROOMS)}")
        config_of(flags, method)
    return flags, argv


def run(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code (see the module)."""
    lost = "the same command goes on from the last checkpoints"
    return Command("lomit-compare-all", FLAGS.help_text, parse, _run, lost).run(argv)


def _run(asked: tuple[Flags, Sequence[str]]) -> int:
    flags, argv = asked
    if flags.only:
        train_one(flags, flags.only)
        return 0
    out = Path(flags.out)
    out.mkdir(parents=True, exist_ok=True)
    failures: dict[str, str] = {}
    for i, method in enumerate(flags.chosen, 1):
        what = f"{method} ({i} of {len(flags.chosen)}, {flags.minutes:g} minutes of processor time each)"
        if is_done(out / method):
            say(f"{what}: done before")
            continue
        say(f"{what}: training")
        why = trained(out / method, [*argv, f"--only={method}"])
        if why:
            say(f"{what}: failed: {why}")
            failures[method] = why
    runs = [str(out / method) for method in flags.chosen if method not in failures]
    if not runs:
        raise Failure("no method could be trained: " + "; ".join(f"{name}: {why}" for name, why in failures.items()))
    classifier = flags.classifier or str(classifier_in(out / "classifier", flags))
    command = [
        "lomit_tf.compare", f"--runs={','.join(runs)}", f"--out={out / 'page'}", f"--classifier={classifier}",
        f"--embedder={flags.embedder}", f"--embedder_range={flags.embedder_range}", f"--pairs={flags.pairs}",
        *(f"--failed={name}={why}" for name, why in failures.items()),
    ]  # fmt: skip
    if code := child(command):
        raise Failure(f"the comparison failed with exit code {code}", code)
    return 1 if failures else 0


def train_one(flags: Flags, method: str) -> None:
    """Train one method in this process; what ends it is written beside its run, for the table."""
    from lomit_tf.data.image_set import DataError
    from lomit_tf.runtime.allocator import keep_freed_memory
    from lomit_tf.train import messages
    from lomit_tf.training.callbacks import TrainingError
    from lomit_tf.training.processor_budget import train_for

    end_with_parent()
    keep_freed_memory()
    import_tensorflow()
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
        raise Failure(f"interrupted and saved after step {result.step}", INTERRUPTED + result.interrupted)


def is_done(folder: Path) -> bool:
    """Whether a method has spent its time."""
    try:
        return bool(json.loads((folder / "budget.json").read_text())["done"])
    except (OSError, ValueError, KeyError):
        return False


def trained(folder: Path, argv: Sequence[str]) -> str:
    """Train a method in a process of its own; why it failed, empty where it did not. Raises Failure on Ctrl-C."""
    code = child(["lomit_tf.compare_all", *argv])
    if not code:
        return ""
    if code in (INTERRUPTED + 2, INTERRUPTED + 15):
        raise Failure("interrupted; the same command goes on", code)
    try:
        return str(json.loads((folder / FAILED).read_text())["why"])
    except (OSError, ValueError, KeyError):
        return f"its process ended with exit code {code}"


def classifier_in(folder: Path, flags: Flags) -> Path:
    """The folder of the classifier that judges all methods, trained where it is not there yet."""
    if not (folder / "classifier.json").exists():
        say("training the classifier that judges all methods")
        config = config_of(flags, DEFAULT).data
        command = [
            "lomit_tf.train_classifier", f"--dataset={config.dataset}", f"--data_dir={config.data_dir}",
            f"--image_size={config.image_size}", f"--crop={config.crop}", f"--attributes={','.join(config.attributes)}",
            f"--steps={flags.classifier_steps}", f"--out={folder}",
        ]  # fmt: skip
        if code := child(command):
            raise Failure(f"training the classifier failed with exit code {code}", code)
    return folder


def child(command: Sequence[str]) -> int:
    """Run a command of this package with our terminal; its exit code.

    Raises KeyboardInterrupt after Ctrl-C or SIGTERM, once the command, which is told, has saved and ended; after a
    second one it ends at once.
    """
    environment = os.environ | {PARENT: str(os.getpid())}
    # In a session of its own: a terminal's Ctrl-C is for us, who pass it on, once.
    process = subprocess.Popen([sys.executable, "-m", *command], env=environment, start_new_session=True)
    stopped: KeyboardInterrupt | None = None
    while True:
        try:
            code = process.wait()
            break
        except KeyboardInterrupt as error:
            stopped = error
            process.terminate()
    if stopped is not None:
        raise stopped
    return code


def end_with_parent() -> None:
    """Watch, in a thread, for the end of the process that started this one; save and end then, as after SIGTERM.

    Else the same command, given again, would train in the same folder beside this one.
    """
    parent = os.environ.get(PARENT)
    if parent is None:
        return

    def watch() -> None:
        while str(os.getppid()) == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="lomit-parent", daemon=True).start()


def say(text: str) -> None:
    """One line of progress."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(run())
