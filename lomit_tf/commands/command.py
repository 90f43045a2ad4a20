"""A command from its arguments to its exit code: help, errors, signals and messages, the same for all of them."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import io
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

from lomit_tf.config import ConfigError
from lomit_tf.runtime.backend import EVERYTHING, check_backend
from lomit_tf.runtime.forks import ForkedError, check_fork
from lomit_tf.runtime.onednn import prefer_onednn
from lomit_tf.runtime.quiet import import_tensorflow
from lomit_tf.runtime.signals import check_interrupt, interrupting_signals

FAILED, UNUSABLE, INTERRUPTED = 1, 2, 128  # exit codes; the last one plus the signal's number
HELP_WORDS = ("-h", "-?", "-help", "--help", "--helpshort", "--helpfull")
Options = TypeVar("Options")


class Failure(Exception):
    """The command ends here, with this message on standard error and this exit code."""

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code


@dataclasses.dataclass(frozen=True)
class Command(Generic[Options]):
    """One command.

    Attributes:
      name: what stands before its messages, e.g. lomit-train.
      help: gives the text of --help.
      parse: reads the arguments; raises ConfigError for those that cannot be used.
      main: does the work; its return value is the exit code, None stands for 0. It raises ConfigError for what the
        user gave and cannot be used (exit code 2) and Failure for anything else that ends it; other exceptions are
        faults of ours and keep their traceback.
      interrupted: what to say after Ctrl-C or SIGTERM; empty says nothing.
      backends: Keras' backends that it runs models on; none for a command that runs no models.
      check: refuses values that can be judged without TensorFlow, which is imported after it, without its lines on
        standard error, and before `main`. None for a command that does not need TensorFlow, or not always.
    """

    name: str
    help: Callable[[], str]
    parse: Callable[[Sequence[str]], Options]
    main: Callable[[Options], int | None]
    interrupted: str = ""
    backends: tuple[str, ...] = EVERYTHING
    check: Callable[[Options], None] | None = None

    def run(self, argv: Sequence[str] | None = None) -> int:
        """Run the command on arguments without the program's name (None: the process's) and return its exit code."""
        argv = sys.argv[1:] if argv is None else list(argv)
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # its errors are harmless, or raise exceptions, too
        prefer_onednn()
        if isinstance(sys.stdout, io.TextIOWrapper):  # a code page that lacks a character shows its escape, as stderr
            sys.stdout.reconfigure(errors="backslashreplace")
        with interrupting_signals() as received:
            try:
                return self._run(argv)
            except BrokenPipeError:
                # Python flushes it at exit, and would complain again.
                sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
                return self._failed("standard output was closed before everything was written", FAILED)
            except ConfigError as error:
                return self._failed(str(error), UNUSABLE)
            except Failure as failure:
                return self._failed(str(failure), failure.code)
            except ForkedError as error:
                return self._failed(str(error), FAILED)
            except KeyboardInterrupt:
                return self._ended_by(received[-1] if received else signal.SIGINT)
            except Exception:
                if not received:
                    raise
                return self._ended_by(received[-1])  # what compiled code made of the KeyboardInterrupt

    def _run(self, argv: Sequence[str]) -> int:
        if any(word in HELP_WORDS for word in argv):
            print(self.help(), flush=True)
            return 0
        options = self.parse(argv)
        if self.backends:
            check_fork()
            check_backend(self.backends)
        if self.check is not None:
            self.check(options)
            import_tensorflow()
        code = self.main(options) or 0
        sys.stdout.flush()
        check_interrupt()
        return code

    def _ended_by(self, number: int) -> int:
        word = "terminated" if number == signal.SIGTERM else "interrupted"
        code = INTERRUPTED + int(number)
        return self._failed(f"{word}; {self.interrupted}", code) if self.interrupted else code

    def say(self, message: str) -> None:
        """One line on standard error, after the command's name."""
        print(f"{self.name}: {message}", file=sys.stderr, flush=True)

    def _failed(self, message: str, code: int) -> int:
        self.say(message)
        return code


@contextlib.contextmanager
def unusable(*kinds: type[Exception]) -> Iterator[None]:
    """Turn exceptions of these kinds into a ConfigError: the user gave something that cannot be used (exit code 2)."""
    try:
        yield
    except kinds as error:
        if isinstance(error, OSError) and error.filename and error.strerror:  # without its number
            raise ConfigError(f"{error.filename}: {error.strerror}") from error
        raise ConfigError(str(error)) from error


@contextlib.contextmanager
def writing(places: str) -> Iterator[None]:
    """Turn an OSError into a Failure that says where to: a result could not be written (exit code 1)."""
    try:
        yield
    except OSError as error:
        named = f"{error.filename}: " if error.filename else ""
        raise Failure(f"{places}: {named}{error.strerror or error}") from error


def require_extra(extra: str, *modules: str) -> None:
    """Raise Failure, with the command that installs them, where one of an extra's modules is missing.

    Looks them up and imports none.
    """
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise Failure(f"needs {', '.join(missing)}: pip install 'lomit_tf[{extra}]'", UNUSABLE)


def report(head: str, places: Mapping[str, Any]) -> None:
    """Say on standard output what was done and, one a line, where the results are."""
    print(head)
    width = max(map(len, places), default=0) + 2
    for name, place in places.items():
        print(f"  {name + ':':<{width}}{place or 'none'}")
