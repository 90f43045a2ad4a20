"""Translate files: a job comes back with what became of it, whatever is wrong. Beam calls the same.

done = translate_file(translator, FileJob("photo.jpg", "out.png", "star.jpg"))
if done.status == "failed": print(done.input, done.message)
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import itertools
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from lomit_tf.engines.outline import Painting
from lomit_tf.imaging.formats import FORMATS, format_of
from lomit_tf.imaging.side_by_side import side_by_side
from lomit_tf.imaging.writing import encode, encode_mask, lost
from lomit_tf.photos.file_plan import STREAM, SWATCH, FileJob, MaskFiles
from lomit_tf.photos.outcomes import Tally, failure
from lomit_tf.photos.translation import Exemplar, FramedPhoto, Request, Result
from lomit_tf.photos.translator import Translator
from lomit_tf.runtime.atomic import write_bytes
from lomit_tf.runtime.signals import check_interrupt

# At most so many files, and bytes of them, are worked on at once: what an interruption loses. 16 are no faster.
BATCH, BATCH_BYTES = 4, 32 << 20
ENOUGH_FAILURES = 2  # pictures one after the other for which there is no memory: the next will fail as well
T = TypeVar("T")


def translate_file(translator: Translator, job: FileJob) -> FileJob:
    """Translate one file. Errors in files are returned in the job, not raised.

    The exemplar is encoded once for each translator (`Translator.exemplar_of_file`). Folders are made, files are
    written whole or not at all, and the main one last, so that it stands for all of them.
    """
    return translate_files(translator, [job])[0]


def translate_files(translator: Translator, jobs: Sequence[FileJob]) -> list[FileJob]:
    """`translate_file` for several jobs, in one pass of the network; in the order of the jobs."""
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        return _translate_files(translator, jobs, pool)


def run_jobs(
    translator: Translator, jobs: Iterable[FileJob], report: Callable[[FileJob], None], *, batch: int = BATCH
) -> Tally:
    """Translate any number of jobs, batch after batch, reporting each as it is done.

    Memory does not grow with the number of jobs. On KeyboardInterrupt the files begun are finished first. The run
    stops, with the reason in `Tally.stopped`, for what concerns all files: a full disk, or no memory for two pictures
    one after the other (one alone may just be too large). Everything else is the failure of one file.
    """
    tally = Tally()
    without_memory: list[str] = []  # the last pictures, as long as each failed so
    pool = ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1))
    try:
        for chunk in chunks(jobs, batch):
            check_interrupt()
            for job in _translate_files(translator, chunk, pool):
                tally.add(job)
                report(job)
                without_memory = [*without_memory, job.input] if job.out_of_memory else []
                if job.disk_full:
                    tally.stopped = "there is no space left for results; make room"
                elif len(set(without_memory)) >= ENOUGH_FAILURES:
                    tally.stopped = "there is not enough memory; close other programs, or take a larger machine"
            if tally.stopped:
                break
    finally:
        pool.shutdown(cancel_futures=True)
    return tally


def chunks(jobs: Iterable[FileJob], batch: int) -> Iterator[list[FileJob]]:
    """Jobs, in order, up to `batch` of them and BATCH_BYTES of input files at once, and at least one."""
    chunk: list[FileJob] = []
    weight = 0
    for job in jobs:
        size = 0
        with contextlib.suppress(OSError):
            size = os.path.getsize(job.input)
        if chunk and (len(chunk) >= batch or weight + size > BATCH_BYTES):
            yield chunk
            chunk, weight = [], 0
        chunk.append(job)
        weight += size
    if chunk:
        yield chunk


@dataclasses.dataclass
class _Progress:
    """One job on its way: what is known of it so far, until the job is no longer planned and nothing more is done."""

    job: FileJob
    exemplar: Exemplar | None = None
    photo: FramedPhoto | None = None
    request: Request | None = None
    painted: Sequence[Painting] | None = None
    error: Exception | None = None

    def attempt(self, work: Callable[[], T]) -> T | None:
        """What the work gives, or None and a failed job."""
        try:
            return work()
        except Exception as error:
            self.error = error
            self.job = failure(self.job, error)
        return None

    @property
    def source(self) -> tuple[str, str, str]:
        """What is read for it: jobs alike in this share one reading."""
        return self.job.input, str(self.job.settings.crop), str(self.job.settings.face)


def _translate_files(translator: Translator, jobs: Sequence[FileJob], pool: ThreadPoolExecutor) -> list[FileJob]:
    each = [_Progress(job) for job in jobs]

    def going() -> list[_Progress]:
        return [p for p in each if p.job.status == "planned"]

    for p in each:
        files = files_of(p.job, translator.groups)
        if not p.job.settings.overwrite and all(_is_there(file) for file in files):
            p.job = p.job.skipped(files)
    for p in going():
        p.exemplar = p.attempt(lambda p=p: exemplar_of(translator, p.job))  # type: ignore[misc]
    _read(translator, going(), pool)
    jobs_of = collections.Counter(p.source for p in going())
    for p in going():
        spent = jobs_of[p.source] == 1 and not p.job.settings.compare
        p.request = p.attempt(lambda p=p, spent=spent: _request(translator, p, spent))  # type: ignore[misc]
    _paint(translator, going())

    def write(p: _Progress) -> None:
        request, painted = p.request, p.painted
        assert request is not None and painted is not None
        done = p.attempt(lambda: _write(p.job, translator.composite(request, painted), request, translator.groups))
        p.job = done or p.job

    list(pool.map(write, going()))
    return [p.job for p in each]


def _read(translator: Translator, each: Sequence[_Progress], pool: ThreadPoolExecutor) -> None:
    """Read and frame the jobs' photographs, each once: with several exemplars it serves several jobs."""
    first: dict[tuple[str, str, str], _Progress] = {}
    for p in each:
        first.setdefault(p.source, p)

    def read(p: _Progress) -> None:
        p.photo = p.attempt(lambda: _frame(translator, p.job))

    list(pool.map(read, first.values()))
    for p in each:
        done = first[p.source]
        p.photo = done.photo
        if p is not done and done.error is not None:
            p.job = failure(p.job, done.error)


def _paint(translator: Translator, each: Sequence[_Progress]) -> None:
    """Let the network paint the checked requests: in one pass, and one by one where that fails."""
    try:
        together = translator.paint([p.request for p in each if p.request is not None])
    except Exception:
        for p in each:
            alone = p.attempt(lambda p=p: translator.paint([p.request]))  # type: ignore[misc]
            p.painted = alone[0] if alone else None
    else:
        for p, painted in zip(each, together, strict=True):
            p.painted = painted


def files_of(job: FileJob, groups: Sequence[str]) -> tuple[str, ...]:
    """Everything that a job writes, the main file last."""
    files = []
    if job.settings.save_masks:
        files = [job.beside(what, group) for what, group in itertools.product(job.masked, groups)]
    if job.settings.compare:
        files.append(job.beside("compare"))
    return (*files, job.output)


def exemplar_of(translator: Translator, job: FileJob) -> Exemplar:
    """The job's exemplar, encoded once for all jobs of a translator.

    Raises TypeError where the job names none: whoever made it is at fault, and no file.
    """
    if not isinstance(job.exemplar, str) or not job.exemplar:
        raise TypeError(
            f"the exemplar of a FileJob must be the path of a picture, {STREAM!r} for standard input, or {SWATCH!r} "
            f"and a colour; received {job.exemplar!r}"
        )
    mask = _masks(job.exemplar_mask)
    if job.exemplar.startswith(SWATCH):
        return translator.encode_colour(job.exemplar.removeprefix(SWATCH), job.settings.groups)
    if job.exemplar == STREAM:
        if translator.exemplar is None:
            translator.set_exemplar(_standard_input(), mask, crop=job.settings.exemplar_crop)
        assert translator.exemplar is not None
        return translator.exemplar
    return translator.exemplar_of_file(job.exemplar, mask, crop=job.settings.exemplar_crop)


def _frame(translator: Translator, job: FileJob) -> FramedPhoto:
    source = _standard_input() if job.input == STREAM else job.input
    name = "standard input" if job.input == STREAM else job.input
    return translator.prepare(source, crop=job.settings.crop, name=name, face=job.settings.face)


def _request(translator: Translator, p: _Progress, spent: bool) -> Request:
    s = p.job.settings
    asked = translator.request(
        p.photo, _masks(p.job.input_mask), s.groups, s.strength, s.keep_background, exemplar=p.exemplar
    )
    return dataclasses.replace(asked, spent=spent)


def _masks(files: MaskFiles) -> Any:
    """Mask files as `translate` takes them."""
    if len(files) == 1 and not files[0][0]:
        return files[0][1]
    return dict(files) or None


def _standard_input() -> bytes:
    return sys.stdin.buffer.read()


def _write(job: FileJob, result: Result, request: Request, groups: Sequence[str]) -> FileJob:
    named = os.path.splitext(job.output)[1].lower() in FORMATS
    format = format_of(job.output) if named else job.settings.format or "PNG"
    notes = (*result.notes, *lost(result.photo, format))
    if job.output == STREAM:
        sys.stdout.buffer.write(encode(result.photo, format, spent=request.spent))
        sys.stdout.buffer.flush()
        return job.written(notes)
    os.makedirs(os.path.dirname(job.output) or ".", exist_ok=True)
    if job.settings.save_masks:
        masks = {"input_mask": result.input_masks, "exemplar_mask": result.exemplar_masks}
        for what, group in itertools.product(job.masked, groups):
            write_bytes(job.beside(what, group), encode_mask(masks[what][group]))
    if job.settings.compare:
        together = side_by_side([request.framed.photo, request.exemplar.photo, result.photo])
        write_bytes(job.beside("compare"), encode(together, "PNG"))
    write_bytes(job.output, encode(result.photo, format, spent=request.spent))
    return job.written(notes, files_of(job, groups))


def _is_there(path: str) -> bool:
    """A result of an earlier run: a file that is not empty. Devices never are."""
    return path != STREAM and os.path.isfile(path) and os.path.getsize(path) > 0
