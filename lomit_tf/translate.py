"""Translate pictures: `python -m lomit_tf.translate --model=... --input=... --exemplar=... --output=...`, or
`lomit-translate`. `--help` lists the flags.

Exit codes: 0 done; 1 something could not be translated, and was named; 2 flags that cannot be used; 128 and the
signal's number when interrupted: the same command then goes on with what is missing.
"""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lomit_tf.commands import FAILED, Command, Failure, require_extra, unusable
from lomit_tf.commands.translate_flags import FLAGS, TranslateFlags, plan, plan_beam
from lomit_tf.config import ConfigError
from lomit_tf.imaging.formats import ImageError
from lomit_tf.photos.file_plan import STREAM, FileJob
from lomit_tf.runtime.backend import check_backend
from lomit_tf.runtime.places import check_file, check_folder
from lomit_tf.settings.methods import DEFAULT

if TYPE_CHECKING:
    from lomit_tf.photos.outcomes import Outcome, Tally
    from lomit_tf.photos.translator import Translator

NAME = "lomit-translate"
Invocation = tuple[TranslateFlags, Sequence[str]]  # and the flags for Apache Beam


def run(argv: Sequence[str] | None = None) -> int:
    """The command: translates, says what failed, and returns the exit code (see the module).

    Args:
      argv: the arguments without the program's name; None takes the process's.
    """
    missing = "the same command goes on with what is missing"
    return Command(NAME, FLAGS.help_text, parse, _run, missing).run(argv)


def parse(argv: Sequence[str]) -> Invocation:
    """The command's flags, and those for Apache Beam, which stand after a lone --."""
    at = list(argv).index("--") if "--" in argv else len(argv)
    flags, beams = FLAGS.parse(argv[:at]), list(argv[at + 1 :])
    if flags.runner == "local" and beams:
        raise ConfigError(f"{' '.join(beams)}: flags after -- are Apache Beam's, and need --runner=beam")
    return flags, beams


def _run(invocation: Invocation) -> int:
    flags, beams = invocation
    with unusable(ImageError):  # PlanError among them
        jobs = plan_beam(flags) if flags.runner == "beam" else plan(flags)
    if isinstance(jobs, dict):
        require_extra("beam", "apache_beam")
    else:
        _check_output(flags.output, folder=not isinstance(jobs, list))
    _check_model(flags)
    check_backend()
    return _beam(jobs, beams) if isinstance(jobs, dict) else _translate(flags, jobs)


def _check_output(output: str, *, folder: bool) -> None:
    """Raise ConfigError for an --output that cannot be written."""
    if output == STREAM:
        return
    if folder or os.path.isdir(output) or output.endswith(os.sep):
        check_folder("output", Path(output))
    else:
        check_file("output", Path(output))


def _check_model(flags: TranslateFlags) -> None:
    """Raise ConfigError, before TensorFlow loads, for a model that is not there, and for what it does not have: groups,
    or colours.
    """
    from lomit_tf import zoo
    from lomit_tf.commands.models import check_model
    from lomit_tf.photos.swatches import chosen_groups

    config = check_model("model", flags.model)
    if flags.groups is not None and config.model.method == DEFAULT:
        try:
            chosen_groups(tuple(config.data.group_labels), flags.groups)
        except ImageError as error:
            raise ConfigError(f"--groups={flags.groups}: {error}") from error
    if flags.colour and not config.colour_indices:
        raise ConfigError(
            f"--colour={flags.colour[0]}: {flags.model} paints no group by colour curves, and cannot take a colour; "
            f"use --model={zoo.DEFAULT}, or an exemplar"
        )


def _beam(planned: dict[str, Any], options: Sequence[str]) -> int:
    """All files of a pattern, as an Apache Beam pipeline."""
    from lomit_tf.photos.beam_jobs import FAILURES, Plan, check, check_model, translate_pattern

    todo = Plan(**planned)
    try:
        with unusable(ImageError):
            check(todo)
            check_model(todo)
    except ConfigError:  # a ValueError, as the next one is
        raise
    except ValueError as error:  # CorruptImageError: an exemplar or its mask
        raise Failure(str(error)) from error
    _licence(todo.model)
    tally = translate_pattern(todo, options)
    if not tally.written + tally.skipped + tally.failed:
        raise Failure(f"--input={todo.input}: there is no picture")
    _summary(tally, tally.written + tally.skipped + tally.failed, True, to_stdout=False)
    if tally.failed:
        _say(f"what failed, and why: {os.path.join(todo.output, FAILURES)}.jsonl")
    return FAILED if tally.failed else 0


def _translate(flags: TranslateFlags, planned: list[FileJob] | Iterator[FileJob | OSError]) -> int:
    """The part that takes networks, which are loaded only here: after any usage error."""
    from PIL import Image

    from lomit_tf import zoo
    from lomit_tf.photos.batch_jobs import run_jobs
    from lomit_tf.photos.translator import Translator

    warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is stricter
    warnings.filterwarnings("ignore", module="PIL")  # about metadata; our own notes say what was left out
    folder = not isinstance(planned, list)
    found = list(planned)
    jobs = [job for job in found if isinstance(job, FileJob)]
    shut = [error for error in found if isinstance(error, OSError)]
    for error in shut:
        _say(f"{error.filename}: {error.strerror}")
    if not jobs:
        raise Failure(f"--input={flags.input}: there is no picture")
    settings = jobs[0].settings
    if zoo.method_of(flags.model) != DEFAULT:
        return _whole_pictures(flags.model, jobs, len(found), shut, Log(flags.output, folder), folder)
    try:
        translator = Translator(flags.model, log_notes=False, engine=flags.engine)
    except ConfigError as error:
        raise ConfigError(str(error).replace("engine litert:", "--engine=litert:")) from error
    with unusable(ImageError):
        translator.check_settings(settings.groups, settings.strength, settings.crop, settings.exemplar_crop)
    log = Log(flags.output, folder)
    no_use = _unusable_exemplars(translator, jobs, log)
    usable = [job for job in jobs if job.exemplar not in no_use]
    if not usable:
        return FAILED
    _licence(flags.model)
    with _shown(len(usable), folder, log) as report:
        tally = run_jobs(translator, usable, report)
    if tally.stopped:
        _say(f"stopped: {tally.stopped}, and give the same command again")
    tally.failed += len(shut) + len(jobs) - len(usable)
    _summary(tally, len(found), folder, to_stdout=jobs[0].output == STREAM)
    return FAILED if tally.failed else 0


def _whole_pictures(model: str, jobs: list[FileJob], total: int, shut: list[OSError], log: Log, folder: bool) -> int:
    """The same for a model of another method, which has no masks to work within."""
    from lomit_tf.runtime.quiet import import_tensorflow

    import_tensorflow()
    import lomit_tf
    from lomit_tf.photos.whole_pictures import WholePictures

    with unusable(ImageError):
        translator = WholePictures(lomit_tf.load(model), jobs[0].settings)
    with _shown(len(jobs), folder, log) as report:
        tally = translator.run(jobs, report)
    tally.failed += len(shut)
    _summary(tally, total, folder, to_stdout=False)
    return FAILED if tally.failed else 0


def _unusable_exemplars(translator: Translator, jobs: list[FileJob], log: Log) -> set[str]:
    """Read every exemplar once, and name those that cannot be used."""
    from lomit_tf.photos.batch_jobs import exemplar_of
    from lomit_tf.photos.outcomes import failure

    unusable = set()
    for job in {job.exemplar: job for job in jobs}.values():
        try:
            exemplar_of(translator, job)
        except ValueError as error:  # CorruptImageError and ImageError: an exemplar or its mask
            _say(str(error))
            unusable.add(job.exemplar)
        except Exception as error:
            _say(f"{job.exemplar}: {failure(job, error).message}{log.add(job.exemplar, failure(job, error).traceback)}")
            unusable.add(job.exemplar)
    return unusable


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
def _shown(total: int, folder: bool, log: Log) -> Iterator[Callable[[Outcome], None]]:
    """A function that shows each outcome: what failed, and without a folder what was written.

    With a progress bar for a folder, where standard error is a terminal.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True, soft_wrap=True)
    with Progress(
        BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console,
        disable=not (folder and console.is_terminal),
    ) as progress:  # fmt: skip
        task = progress.add_task("", total=total)
        said: list[str] = []

        def report(outcome: Outcome) -> None:
            if outcome.status == "failed":
                name = "standard input" if outcome.job.input == STREAM else outcome.job.input
                line = f"{name}: {outcome.message}{log.add(name, outcome.traceback)}"
                if line not in said[-1:]:  # the same file, after another exemplar
                    _say(line)
                    said[:] = [line]
            elif not folder and outcome.job.output != STREAM:
                print(outcome.job.output, flush=True)
            progress.advance(task)

        yield report


def _summary(tally: Tally, total: int, folder: bool, *, to_stdout: bool) -> None:
    """Notes on standard error, each once with how many pictures it is about; for a folder, the counts."""
    for note, count in tally.notes.items():
        _say(f"note: {note}{_pictures(count, tally.noted.get(note, [])) if folder else ''}")
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


def _licence(model: str) -> None:
    """The weights' licence notice, once for a run, however many pictures there are."""
    from lomit_tf import zoo

    if notice := zoo.notice(model):
        _say(f"note: {notice}")


def _say(message: str) -> None:
    print(f"{NAME}: {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(run())
