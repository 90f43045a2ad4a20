"""Failures of jobs, and counts over many jobs."""

from __future__ import annotations

import dataclasses
import errno
import traceback

from lomit_tf.data.opening import CorruptImageError
from lomit_tf.imaging.formats import ImageError
from lomit_tf.photos.file_plan import FileJob

NAMED = 3  # pictures whose names a note on many of them has
FULL = (errno.ENOSPC, errno.EDQUOT)
RESOURCES = "ResourceExhaustedError"  # TensorFlow's, which need not be there


@dataclasses.dataclass
class Tally:
    """Counts over jobs that were tried, how often each note was made, and why the run stopped early, if it did.

    Attributes:
      noted: the first NAMED inputs of each note.
    """

    written: int = 0
    skipped: int = 0
    failed: int = 0
    notes: dict[str, int] = dataclasses.field(default_factory=dict)
    noted: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    stopped: str = ""

    def add(self, job: FileJob) -> None:
        """Count one job that was tried."""
        setattr(self, job.status, getattr(self, job.status) + 1)
        for note in job.notes:
            self.notes[note] = self.notes.get(note, 0) + 1
            names = self.noted.setdefault(note, [])
            if len(names) < NAMED and job.input not in names:
                names.append(job.input)


def failure(job: FileJob, error: Exception) -> FileJob:
    """The job, failed with this exception."""
    if isinstance(error, (CorruptImageError, ImageError)):
        return job.failed(_without_name(str(error), job.input))
    if isinstance(error, MemoryError) or type(error).__name__ == RESOURCES:
        return job.failed("there is not enough memory for this picture", out_of_memory=True)
    if isinstance(error, OSError) and error.errno is not None:
        message = f"cannot write {error.filename or job.output}: {error.strerror or error}"
        return job.failed(message, disk_full=error.errno in FULL)
    message = " ".join(f"{type(error).__name__}: {error}".split())
    return job.failed(message, traceback="".join(traceback.format_exception(error)))


def _without_name(message: str, name: str) -> str:
    """A message without the file name that it begins with: whoever shows outcomes puts it there."""
    return " ".join(message.removeprefix(f"{name}: ").split())
