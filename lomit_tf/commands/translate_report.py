"""What `lomit-translate` says while it works and at its end: failures, notes, counts, and the log of tracebacks."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from lomit_tf.photos.file_plan import STREAM, SWATCH

if TYPE_CHECKING:
    from lomit_tf.photos.file_plan import FileJob
    from lomit_tf.photos.outcomes import Tally

NAME = "lomit-translate"


class Log:
    """Tracebacks of errors that nobody thought of: OUTPUT/errors.log for a folder, else OUTPUT.errors.log."""

    def __init__(self, output: str, folder: bool) -> None:
        if output == STREAM:
            self.path = "lomit-translate.errors.log"
        elif folder or os.path.isdir(output) or output.endswith(os.sep):
            self.path = os.path.join(output, "errors.log")
        else:
            self.path = f"{output}.errors.log"

    def add(self, name: str, text: str) -> str:
        """Append a traceback, if there is one, and say where it is, for the end of a message."""
        if not text:
            return ""
        try:
            os.makedirs(os.path.dirname(self.path) or ".", exist_ok=True)
            with open(self.path, "a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(f"{name}\n{text}\n")
        except OSError as error:
            return f" (its traceback could not be written to {self.path}: {error.strerror})"
        return f" (traceback in {self.path})"


@contextlib.contextmanager
def shown(total: int, folder: bool, log: Log) -> Iterator[Callable[[FileJob], None]]:
    """A function that shows each job that was tried: what failed, and without a folder what was written.

    With a progress bar for a folder, where standard error is a terminal.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from lomit_tf.photos.wording import in_flags

    console = Console(stderr=True, soft_wrap=True)
    with Progress(
        BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console,
        disable=not (folder and console.is_terminal),
    ) as progress:  # fmt: skip
        task = progress.add_task("", total=total)
        said: list[str] = []

        def report(job: FileJob) -> None:
            if job.status == "failed":
                name = "standard input" if job.input == STREAM else job.input
                line = f"{name}: {in_flags(job.message)}{log.add(name, job.traceback)}"
                if line not in said[-1:]:  # the same file, after another exemplar
                    say(line)
                    said[:] = [line]
            elif not folder and job.output != STREAM:
                print(job.output, flush=True)
            progress.advance(task)

        yield report


def summary(tally: Tally, total: int, folder: bool, *, to_stdout: bool) -> None:
    """Notes on standard error, each once with how many pictures it is about; for a folder, the counts."""
    from lomit_tf.photos.wording import in_flags

    for note, count in tally.notes.items():
        say(f"note: {in_flags(note)}{_pictures(count, tally.noted.get(note, [])) if folder else ''}")
    if folder:
        left = total - tally.written - tally.skipped - tally.failed
        counts = f"{tally.written} written, {tally.skipped} skipped (done before), {tally.failed} failed"
        print(counts + (f", {left} left" if left else ""), file=sys.stderr if to_stdout else sys.stdout)


def _pictures(count: int, names: Sequence[str]) -> str:
    """What a note is about, for the end of it: the first pictures, and how many results there are in all."""
    if not names:  # of Apache Beam, which counts alone
        return f" ({count} pictures)" if count > 1 else ""
    every = "" if count == len(names) else f"{count} results, first "
    return f" ({every}{', '.join(names)})"


def licence(model: str) -> None:
    """The weights' licence notice, once for a run, however many pictures there are."""
    from lomit_tf import zoo

    if notice := zoo.notice(model):
        say(f"note: {notice}")


def all_groups(model: str, groups: Sequence[str] | None, exemplars: Collection[str]) -> None:
    """Once for a run, as its `licence`: that without --groups a mouth is painted anew along with hair and lips.

    Nothing where groups are named, of colours alone, which are for one group, and of models without such groups.
    """
    from lomit_tf import zoo

    config = zoo.config_of(model)
    of_pictures = any(not exemplar.startswith(SWATCH) for exemplar in exemplars)
    if groups is None and of_pictures and config.boxes and config.colour_indices:
        names = list(config.data.group_labels)
        near = " and ".join(names[g] for g in config.boxes)
        together = f"{', '.join(names[:-1])} and {names[-1]} are taken from the exemplar together"
        mouths = f"with {near} among them, mouths are often smeared"
        say(f"note: {together}; {mouths}: try fewer, such as --groups={names[config.colour_indices[0]]}")


def experiments(model: str, groups: Sequence[str] | None, exemplars: Collection[str]) -> None:
    """Once for a run: which of the groups to change are experiments in a shipped model; nothing of colours alone."""
    from lomit_tf import zoo

    if any(not exemplar.startswith(SWATCH) for exemplar in exemplars):
        for group in zoo.EXPERIMENTS.get(model, ()):
            if groups is None or group in groups:
                say(f"note: {group} is an experiment in {model}: a person sees that it is painted")


def say(message: str) -> None:
    """One line on standard error, after the command's name."""
    print(f"{NAME}: {message}", file=sys.stderr, flush=True)
