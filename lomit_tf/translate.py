"""Translate pictures: `python -m lomit_tf.translate --model=... --input=... --exemplar=... --output=...`, or
`lomit-translate`. `--help` lists the flags.

Exit codes: 0 done; 1 something could not be translated, and was named; 2 flags that cannot be used; 128 and the
signal's number when interrupted: the same command then goes on with what is missing.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lomit_tf.backend import check_backend
from lomit_tf.config import ConfigError
from lomit_tf.file_plan import STREAM, FileJob
from lomit_tf.imaging.formats import ImageError
from lomit_tf.quiet import import_tensorflow
from lomit_tf.translate_flags import UNUSABLE, parser, plan, plan_beam

if TYPE_CHECKING:
    from lomit_tf.batch_jobs import Outcome, Tally
    from lomit_tf.translator import Translator

FAILED, INTERRUPTED = 1, 128  # exit codes; the second one plus the signal's number


def run(argv: Sequence[str] | None = None) -> int:
    """The command: translates, says what failed, and returns the exit code (see the module).

    Args:
      argv: the arguments without the program's name; None takes the process's.
    """
    try:
        own, beams = _split(sys.argv[1:] if argv is None else argv)
        args = parser().parse_args(own)
        if args.runner == "local" and beams:
            return _failed(f"{' '.join(beams)}: flags after -- are Apache Beam's, and need --runner=beam", UNUSABLE)
        jobs = plan_beam(args) if args.runner == "beam" else plan(args)
        check_backend()
    except SystemExit as stop:  # argparse has said why
        return int(stop.code or 0)
    except (ConfigError, ImageError) as error:  # PlanError among them
        return _failed(str(error), UNUSABLE)
    signals = [int(signal.SIGINT)]

    def stop_at(number: int, frame: Any) -> None:
        signals.append(number)
        raise KeyboardInterrupt

    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, stop_at) if main else None
    try:
        return _beam(jobs, beams) if isinstance(jobs, dict) else _translate(args.model, jobs, args.output)
    except KeyboardInterrupt:
        return _failed("interrupted; the same command goes on with what is missing", INTERRUPTED + signals[-1])
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - Python flushes it at exit, and would complain again
        return _failed("standard output was closed before the picture was written", FAILED)
    finally:
        if main:
            signal.signal(signal.SIGTERM, before)


def _split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Arguments before and after a lone --."""
    at = list(argv).index("--") if "--" in argv else len(argv)
    return list(argv[:at]), list(argv[at + 1 :])


def _beam(planned: dict[str, Any], options: Sequence[str]) -> int:
    """All files of a pattern, as an Apache Beam pipeline."""
    import_tensorflow()
    try:
        from lomit_tf.beam_jobs import FAILURES, Plan, check, check_model, translate_pattern
    except ModuleNotFoundError as error:
        return _failed(f"--runner=beam needs {error.name}: pip install 'lomit_tf[beam]'", UNUSABLE)
    todo = Plan(**planned)
    try:
        check(todo)
        check_model(todo)
    except (ConfigError, ImageError) as error:
        return _failed(str(error), UNUSABLE)
    except ValueError as error:  # CorruptImageError: an exemplar or its mask
        return _failed(str(error), FAILED)
    tally = translate_pattern(todo, options)
    if not tally.written + tally.skipped + tally.failed:
        return _failed(f"--input={todo.input}: there is no picture", FAILED)
    _summary(tally, tally.written + tally.skipped + tally.failed, True, to_stdout=False)
    if tally.failed:
        _say(f"what failed, and why: {os.path.join(todo.output, FAILURES)}.jsonl")
    return FAILED if tally.failed else 0


def _translate(model: str, planned: list[FileJob] | Iterator[FileJob | OSError], output: str) -> int:
    """The part that takes TensorFlow, which is imported only here: seconds after any usage error."""
    import_tensorflow()
    from PIL import Image

    from lomit_tf.batch_jobs import run_jobs
    from lomit_tf.translator import Translator

    warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is stricter
    warnings.filterwarnings("ignore", module="PIL")  # about metadata; our own notes say what was left out
    folder = not isinstance(planned, list)
    found = list(planned)
    jobs = [job for job in found if isinstance(job, FileJob)]
    shut = [error for error in found if isinstance(error, OSError)]
    for error in shut:
        _say(f"{error.filename}: {error.strerror}")
    if not jobs:
        return _failed("there is no picture in the input folder", FAILED)
    settings = jobs[0].settings
    try:
        translator = Translator(model, log_notes=False)
        translator.check_settings(settings.groups, settings.strength, settings.crop, settings.exemplar_crop)
    except (ConfigError, ImageError) as error:
        return _failed(str(error), UNUSABLE)
    log = Log(output, folder)
    unusable = _unusable_exemplars(translator, jobs, log)
    usable = [job for job in jobs if job.exemplar not in unusable]
    if not usable:
        return FAILED
    with _shown(len(usable), folder, log) as report:
        tally = run_jobs(translator, usable, report)
    if tally.stopped:
        _say(f"stopped: {tally.stopped}, and give the same command again")
    tally.failed += len(shut) + len(jobs) - len(usable)
    _summary(tally, len(found), folder, to_stdout=jobs[0].output == STREAM)
    return FAILED if tally.failed else 0


def _unusable_exemplars(translator: Translator, jobs: list[FileJob], log: Log) -> set[str]:
    """Read every exemplar once, and name those that cannot be used."""
    from lomit_tf.batch_jobs import exemplar_of, failure

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

        def report(outcome: Outcome) -> None:
            if outcome.status == "failed":
                name = "standard input" if outcome.job.input == STREAM else outcome.job.input
                line = f"{name}: {outcome.message}{log.add(name, outcome.traceback)}"
                if line not in said[-1:]:  # the same file, after another exemplar
                    _say(line)
                    said[:] = [line]
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
    print(f"lomit-translate: {message}", file=sys.stderr, flush=True)


def _failed(message: str, code: int) -> int:
    _say(message)
    return code


if __name__ == "__main__":
    sys.exit(run())
