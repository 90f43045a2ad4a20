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
from typing import TYPE_CHECKING, Any

from lomit_tf.commands import FAILED, Command, Failure, require_extra, unusable
from lomit_tf.config import ConfigError
from lomit_tf.file_plan import STREAM, FileJob
from lomit_tf.imaging.formats import ImageError
from lomit_tf.quiet import import_tensorflow
from lomit_tf.translate_flags import FLAGS, TranslateFlags, plan, plan_beam

if TYPE_CHECKING:
    from lomit_tf.batch_jobs import Outcome, Tally

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
    return _beam(jobs, beams) if isinstance(jobs, dict) else _translate(flags.model, jobs)


def _beam(planned: dict[str, Any], options: Sequence[str]) -> int:
    """All files of a pattern, as an Apache Beam pipeline."""
    require_extra("beam", "apache_beam")
    import_tensorflow()
    from lomit_tf.beam_jobs import FAILURES, Plan, check, check_model, translate_pattern

    todo = Plan(**planned)
    try:
        with unusable(ImageError):
            check(todo)
            check_model(todo)
    except ConfigError:  # a ValueError, as the next one is
        raise
    except ValueError as error:  # CorruptImageError: an exemplar or its mask
        raise Failure(str(error)) from error
    tally = translate_pattern(todo, options)
    if not tally.written + tally.skipped + tally.failed:
        raise Failure(f"--input={todo.input}: there is no picture")
    _summary(tally, tally.written + tally.skipped + tally.failed, True, to_stdout=False)
    if tally.failed:
        _say(f"what failed, and why: {os.path.join(todo.output, FAILURES)}.jsonl")
    return FAILED if tally.failed else 0


def _translate(model: str, planned: list[FileJob] | Iterator[FileJob | OSError]) -> int:
    """The part that takes TensorFlow, which is imported only here: seconds after any usage error."""
    import_tensorflow()
    from PIL import Image

    from lomit_tf.batch_jobs import exemplar_of, run_jobs
    from lomit_tf.translator import Translator

    warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is stricter
    folder = not isinstance(planned, list)
    found = list(planned)
    jobs = [job for job in found if isinstance(job, FileJob)]
    shut = [error for error in found if isinstance(error, OSError)]
    for error in shut:
        _say(f"{error.filename}: {error.strerror}")
    if not jobs:
        raise Failure("there is no picture in the input folder")
    settings = jobs[0].settings
    with unusable(ImageError):
        translator = Translator(model, log_notes=False)
        translator.check_settings(settings.groups, settings.strength, settings.crop, settings.exemplar_crop)
    try:
        for job in {job.exemplar: job for job in jobs}.values():
            exemplar_of(translator, job)
    except ValueError as error:  # CorruptImageError and ImageError: an exemplar or its mask
        raise Failure(str(error)) from error
    with _shown(len(jobs), folder) as report:
        tally = run_jobs(translator, jobs, report)
    tally.failed += len(shut)
    _summary(tally, len(found), folder, to_stdout=jobs[0].output == STREAM)
    return FAILED if tally.failed else 0


@contextlib.contextmanager
def _shown(total: int, folder: bool) -> Iterator[Callable[[Outcome], None]]:
    """A function that shows each outcome; with a progress bar for a folder, where standard error is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True, soft_wrap=True)
    with Progress(
        BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console,
        disable=not (folder and console.is_terminal),
    ) as progress:  # fmt: skip
        task = progress.add_task("", total=total)
        said: list[str] = []
        stopped: list[bool] = []

        def report(outcome: Outcome) -> None:
            if outcome.status == "failed":
                name = "standard input" if outcome.job.input == STREAM else outcome.job.input
                line = f"{name}: {outcome.message}"
                if line not in said[-1:]:  # the same file, after another exemplar
                    _say(line)
                    said[:] = [line]
            if outcome.disk_full and not stopped:
                stopped.append(True)
                _say("stopped: there is no space left for results; make room, and give the same command again")
            progress.advance(task)

        yield report


def _summary(tally: Tally, total: int, folder: bool, *, to_stdout: bool) -> None:
    """Notes on standard error, each once with how many pictures it is about; for a folder, the counts."""
    for note, count in tally.notes.items():
        _say(f"note: {note}" + (f" ({count} pictures)" if count > 1 else ""))
    if folder:
        left = total - tally.written - tally.skipped - tally.failed
        counts = f"{tally.written} written, {tally.skipped} skipped (done before), {tally.failed} failed"
        print(counts + (f", {left} left" if left else ""), file=sys.stderr if to_stdout else sys.stdout)


def _say(message: str) -> None:
    print(f"{NAME}: {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(run())
