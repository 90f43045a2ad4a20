"""What became of translating a file, and of many."""

from __future__ import annotations

import dataclasses
import errno
import traceback
from typing import Literal

from lomit_tf.data.opening import CorruptImageError
from lomit_tf.imaging.formats import ImageError
from lomit_tf.photos.file_plan import FileJob

NAMED = 3  # pictures whose names a note on many of them has
FULL = (errno.ENOSPC, errno.EDQUOT)
RESOURCES = "ResourceExhaustedError"  # TensorFlow's, which need not be there


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Attributes:
      status: written; skipped (all its files were there); failed.
      message: why it failed, one line without the input's name.
      notes: what a person should know of one that was written.
      files: what was written, or what was there.
      disk_full: it failed because nothing more can be written there: others will fail too.
      out_of_memory: it failed for want of memory, also alone.
      traceback: of an error that nobody thought of, for a log file; else empty.
    """

    job: FileJob
    status: Literal["written", "skipped", "failed"]
    message: str = ""
    notes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    disk_full: bool = False
    out_of_memory: bool = False
    traceback: str = ""


@dataclasses.dataclass
class Tally:
    """Counts over many outcomes, how often each note was made, and why the run stopped before its end, if it did.

    Attributes:
      noted: the first NAMED inputs of each note.
    """

    written: int = 0
    skipped: int = 0
    failed: int = 0
    notes: dict[str, int] = dataclasses.field(default_factory=dict)
    noted: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    stopped: str = ""

    def add(self, outcome: Outcome) -> None:
        """Count one outcome."""
        setattr(self, outcome.status, getattr(self, outcome.status) + 1)
        for note in outcome.notes:
            self.notes[note] = self.notes.get(note, 0) + 1
            names = self.noted.setdefault(note, [])
            if len(names) < NAMED and outcome.job.input not in names:
                names.append(outcome.job.input)


def failure(job: FileJob, error: Exception) -> Outcome:
    """The outcome of a job that ended with an exception."""
    if isinstance(error, (CorruptImageError, ImageError)):
        return Outcome(job, "failed", _without_name(str(error), job.input))
    if isinstance(error, MemoryError) or type(error).__name__ == RESOURCES:
        return Outcome(job, "failed", "there is not enough memory for this picture", out_of_memory=True)
    if isinstance(error, OSError) and error.errno is not None:
        message = f"cannot write {error.filename or job.output}: {error.strerror or error}"
        return Outcome(job, "failed", message, disk_full=error.errno in FULL)
    message = " ".join(f"{type(error).__name__}: {error}".split())
    return Outcome(job, "failed", message, traceback="".join(traceback.format_exception(error)))


def _without_name(message: str, name: str) -> str:
    """A message without the file name that it begins with: whoever shows outcomes puts it there."""
    return " ".join(message.removeprefix(f"{name}: ").split())
