"""Translate any number of files with Apache Beam: the work of batch_jobs, on as many workers as the runner has.

tally = translate_pattern(Plan("celeba_hair", "photos/**.jpg", ("star.jpg",), "results"), ["--direct_num_workers=2"])

Files are named by one step, shuffled, and translated by others; nothing but names, one batch of pictures and one
model for each process is in memory. What cannot be translated becomes a line of the dead-letter list.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import re
from collections.abc import Iterator, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.io import fileio
from apache_beam.metrics.metric import Metrics, MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.utils.shared import Shared

from lomit_tf.data.opening import CorruptImageError
from lomit_tf.imaging.formats import ImageError
from lomit_tf.photos.batch_jobs import BATCH, chunks, exemplar_of, translate_files
from lomit_tf.photos.file_plan import (
    FileJob,
    MaskFiles,
    PlanError,
    Settings,
    exemplar_folders,
    given_masks,
    is_picture,
    output_name,
    plan_folder,
    read_saved_masks,
)  # fmt: skip
from lomit_tf.photos.outcomes import Tally, failure
from lomit_tf.photos.translator import Translator
from lomit_tf.photos.wording import in_flags, of_exemplar

FAILURES = "failures"  # the dead-letter list: failures.jsonl in the output folder
NAMESPACE = "lomit"
# What FnApiRunner is: DirectRunner's engine; DirectRunner itself first tries to download another one (Prism).
LOCAL_RUNNER = "FnApiRunner"
_translators = Shared()


@dataclasses.dataclass(frozen=True)
class Plan:
    """What to translate. Plain values, so that every worker can have it.

    Attributes:
      model: what `lomit_tf.load` takes; every worker must be able to read it.
      input: a folder, or a pattern of Beam's: * within a folder, ** also across them, ? and [...].
      exemplars: paths; with several, the results of each lie in a sub-folder of its name.
      output: a folder. Results are named as by the local mode: after their place below the folder, or below what
        comes before the pattern's first wildcard.
      input_masks: a folder of masks as --save_masks names them, or "".
      engine: as of Translator.
    """

    model: str
    input: str
    exemplars: tuple[str, ...]
    output: str
    settings: Settings = dataclasses.field(default_factory=Settings)
    input_masks: str = ""
    exemplar_mask: MaskFiles = ()
    engine: str = "auto"


def translate_pattern(plan: Plan, options: Sequence[str] = ()) -> Tally:
    """Run the pipeline and wait for its end.

    Args:
      options: Beam's own: --runner=FlinkRunner, --direct_num_workers=4, ...

    Returns:
      counts; 0 of everything where a runner does not report metrics.

    Raises:
      PlanError: an invalid input or output.
    """
    check(plan)
    beam_options = PipelineOptions(list(options))
    standard = beam_options.view_as(StandardOptions)
    standard.runner = standard.runner or LOCAL_RUNNER
    pipeline = beam.Pipeline(options=beam_options)
    jobs = pipeline | "Name" >> _JobsOfPlan(plan)
    failures = jobs | "Translate" >> _TranslateJobs(plan.model, plan.engine)
    os.makedirs(plan.output, exist_ok=True)
    failures | "Dead letters" >> beam.io.WriteToText(
        os.path.join(plan.output, FAILURES), ".jsonl", num_shards=1, shard_name_template=""
    )
    result = pipeline.run()
    result.wait_until_finish()
    found = result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))["counters"]
    counts = {counter.key.metric.name: counter.result for counter in found}
    return Tally(**{name: counts.get(name, 0) for name in ("written", "skipped", "failed")})


def check(plan: Plan) -> None:
    """Raise PlanError for a contradictory plan, before any work."""
    exemplar_folders(plan.exemplars)
    if os.path.isdir(plan.input):
        plan_folder(plan.input, plan.exemplars, plan.output, plan.settings, plan.input_masks)
        return
    read_saved_masks(plan.input_masks)
    if not wild(plan.input):
        raise PlanError(f"--input={plan.input}: no such folder; name a folder, or a pattern such as 'photos/**.jpg'")
    if os.path.realpath(root(plan.input)) == os.path.realpath(plan.output):
        raise PlanError(f"--output={plan.output} is the input folder; name another, so that nothing is overwritten")


def check_model(plan: Plan) -> None:
    """Load the model here, and let it look at settings and exemplars, before workers are started.

    Raises ConfigError, ImageError or CorruptImageError, as Translator does.
    """
    translator = Translator(plan.model, log_notes=False, engine=plan.engine)
    s = plan.settings
    translator.check_settings(s.groups, s.strength, s.crop, s.exemplar_crop)
    for exemplar in plan.exemplars:
        try:
            exemplar_of(translator, FileJob("", "", exemplar, (), plan.exemplar_mask, s))
        except (CorruptImageError, ImageError) as error:
            raise type(error)(of_exemplar(exemplar, error)) from error


def wild(pattern: str) -> bool:
    """Whether it is a pattern rather than a path."""
    return bool(re.search(r"[*?\[]", pattern))


def root(pattern: str) -> str:
    """The folder before a pattern's first wildcard: a/b of a/b/c*/*.jpg."""
    return os.path.dirname(re.split(r"[*?\[]", pattern, maxsplit=1)[0])


class _JobsOfPlan(beam.PTransform):
    """The jobs of a plan; and a failed one for each folder that is shut."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan

    def expand(self, begin: Any) -> Any:
        if os.path.isdir(self.plan.input):
            named = begin | beam.Create([self.plan]) | beam.FlatMap(_jobs_of_folder)
        else:
            matched = begin | beam.Create([self.plan.input])
            matched |= fileio.MatchAll(fileio.EmptyMatchTreatment.ALLOW)
            named = matched | beam.FlatMap(_jobs_of_file, self.plan)
        return named | beam.Reshuffle()


def _jobs_of_folder(plan: Plan) -> Iterator[FileJob]:
    """As the local mode names them, one after the other."""
    for job in plan_folder(
        plan.input, plan.exemplars, plan.output, plan.settings, plan.input_masks, plan.exemplar_mask
    ):
        if isinstance(job, OSError):
            yield FileJob(str(job.filename), "", "").failed(job.strerror or str(job))
        else:
            yield job


@functools.lru_cache(maxsize=1)
def _masks(folder: str) -> dict[str, MaskFiles]:
    """Those of --input_mask; each worker reads the folder once, and not once for each picture."""
    return read_saved_masks(folder)


def _jobs_of_file(file: Any, plan: Plan) -> Iterator[FileJob]:
    name = os.path.relpath(file.path, root(plan.input) or ".")
    within = os.path.abspath(file.path).startswith(os.path.abspath(plan.output) + os.sep)
    if within or not is_picture(name):
        return
    named = output_name(name, plan.settings.format)
    for exemplar, folder in exemplar_folders(plan.exemplars).items():
        masks = given_masks(root(plan.input), _masks(plan.input_masks), name, plan.settings.format, folder)
        target = os.path.join(plan.output, folder, named)
        yield FileJob(file.path, target, exemplar, masks, plan.exemplar_mask, plan.settings)


class _TranslateJobs(beam.PTransform):
    """Jobs -> the dead letters, lines of JSON; the results are written on the way."""

    def __init__(self, model: str, engine: str) -> None:
        super().__init__()
        self.model, self.engine = model, engine

    def expand(self, jobs: Any) -> Any:
        batches = jobs | beam.BatchElements(min_batch_size=BATCH, max_batch_size=BATCH)
        return batches | beam.ParDo(_Translate(self.model, self.engine))


class _Translate(beam.DoFn):
    """Translates batches of jobs with one model for each process."""

    def __init__(self, model: str, engine: str) -> None:
        self.model, self.engine = model, engine
        self.counters = {n: Metrics.counter(NAMESPACE, n) for n in ("written", "skipped", "failed")}

    def setup(self) -> None:
        model, engine = self.model, self.engine
        made = lambda: Translator(model, log_notes=False, engine=engine)  # noqa: E731
        self.translator = _translators.acquire(made, tag=f"{engine} {model}")

    def process(self, batch: Sequence[FileJob]) -> Iterator[str]:
        done = [job for job in batch if job.status != "planned"]
        for chunk in chunks([job for job in batch if job.status == "planned"], BATCH):
            done += done_jobs(self.translator, chunk)
        for job in done:
            self.counters[job.status].inc()
            if job.status == "failed":
                yield dead_letter(job)


def done_jobs(translator: Translator, jobs: Sequence[FileJob]) -> list[FileJob]:
    """`translate_files`, where even what nobody thought of fails one job only, and not the pipeline."""
    try:
        return translate_files(translator, jobs)
    except Exception as error:
        if len(jobs) == 1:
            return [failure(jobs[0], error)]
        return [done for job in jobs for done in done_jobs(translator, [job])]


def dead_letter(job: FileJob) -> str:
    """A failed job as a line of JSON; bytes of a name that are no UTF-8 as escapes, as JSON can hold them."""
    fields = {"input": job.input, "output": job.output, "exemplar": job.exemplar, "message": in_flags(job.message)}
    if job.traceback:
        fields["traceback"] = job.traceback
    line = json.dumps(fields, ensure_ascii=False, default=str)
    try:
        line.encode()
    except UnicodeEncodeError:
        line = json.dumps(fields, default=str)  # \udcXX, which json.loads turns into the name that os.fsencode knows
    return line
