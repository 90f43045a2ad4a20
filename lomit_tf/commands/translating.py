"""The work of `lomit-translate`: its checks before any network is loaded, and the translation of files.

On this machine, or with Apache Beam.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lomit_tf.commands import FAILED, Failure, unusable
from lomit_tf.commands.translate_flags import TranslateFlags, mask_files
from lomit_tf.commands.translate_report import Log, all_groups, experiments, licence, say, shown, summary
from lomit_tf.config import ConfigError, LomitConfig
from lomit_tf.imaging.formats import ImageError
from lomit_tf.photos.file_plan import OF_MASKS, STREAM, FileJob, Settings
from lomit_tf.runtime.places import check_file, check_folder
from lomit_tf.settings.methods import DEFAULT, need_lomit

if TYPE_CHECKING:
    from lomit_tf.photos.translator import Translator


def check_output(output: str, *, folder: bool) -> None:
    """Raise ConfigError for an --output that cannot be written."""
    if output == STREAM:
        return
    if folder or os.path.isdir(output) or output.endswith(os.sep):
        check_folder("output", Path(output))
    else:
        check_file("output", Path(output))


def check_flags_of_model(flags: TranslateFlags) -> None:
    """Raise ConfigError, before TensorFlow loads, for a model that is not there, and for what it does not have: groups,
    or colours.
    """
    from lomit_tf import zoo
    from lomit_tf.commands.models import check_model

    config = check_model("model", flags.model)
    if flags.groups is not None and config.model.method == DEFAULT:
        for name in flags.groups.split(","):
            _check_group(f"--groups={flags.groups}", flags.model, name.strip(), config)
    if config.model.method == DEFAULT:
        _check_mask_groups(flags, config)
    else:
        usual = Settings()
        given = {name: getattr(flags, name) != getattr(usual, name) for name in OF_MASKS}
        given |= {name: bool(getattr(flags, name)) for name in ("input_mask", "exemplar_mask", "colour")}
        for name in (name for name, one in given.items() if one):
            need_lomit(config.model.method, f"--{name}")
    if flags.colour and not config.colour_indices:
        raise ConfigError(
            f"--colour={flags.colour[0]}: {flags.model} paints no group by colour curves, and cannot take a colour; "
            f"use --model={zoo.DEFAULT}, or an exemplar"
        )
    if flags.colour and flags.groups is not None:
        names = tuple(config.data.group_labels)
        able = [names[g] for g in config.colour_indices]
        free = [name.strip() for name in flags.groups.split(",") if name.strip() not in able]
        if free:
            raise ConfigError(
                f"--colour={flags.colour[0]}: {free[0]} is not a colour; with --colour, --groups may name "
                f"{', '.join(able)}"
            )


def _check_group(given: str, model: str, group: str, config: LomitConfig) -> None:
    """Raise ConfigError for a group that a model does not have; it says which shipped models have it, if any do."""
    from lomit_tf import zoo

    groups = tuple(config.data.group_labels)
    if group in groups:
        return
    others = [name for name in zoo.names() if name != model]
    same = [one for one in others if zoo.config_of(one).data.dataset == config.data.dataset]  # faces, or drawn ones
    able = [f"--model={one}" for one in same if group in zoo.config_of(one).data.group_labels]
    have = f"; {' and '.join(able)} {'have' if len(able) > 1 else 'has'} {group}" if able else ""
    raise ConfigError(f"{given}: {group!r} is not a group of {model}, which has {', '.join(groups)}{have}")


def _check_mask_groups(flags: TranslateFlags, config: LomitConfig) -> None:
    """Raise ConfigError for mask files of groups that the model does not have, or of none where it has several."""
    groups = tuple(config.data.group_labels)
    for flag, values in (("input_mask", flags.input_mask), ("exemplar_mask", flags.exemplar_mask)):
        if flag == "input_mask" and (flags.runner == "beam" or os.path.isdir(flags.input)):
            continue  # a folder of masks, whose names have the groups
        for value, (group, path) in zip(values, mask_files(flag, values), strict=True):
            if group:
                _check_group(f"--{flag}={value}", flags.model, group, config)
            if not group and len(groups) > 1:
                asked = f"say of which group it is, such as --{flag}={groups[0]}={path}"
                raise ConfigError(f"--{flag}={value}: {flags.model} has the groups {', '.join(groups)}; {asked}")


def translate_with_beam(planned: dict[str, Any], options: Sequence[str]) -> int:
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
    licence(todo.model)
    all_groups(todo.model, todo.settings.groups, todo.exemplars)
    experiments(todo.model, todo.settings.groups, todo.exemplars)
    tally = translate_pattern(todo, options)
    if not tally.written + tally.skipped + tally.failed:
        raise Failure(f"--input={todo.input}: there is no picture")
    summary(tally, tally.written + tally.skipped + tally.failed, True, to_stdout=False)
    if tally.failed:
        say(f"what failed, and why: {os.path.join(todo.output, FAILURES)}.jsonl")
    return FAILED if tally.failed else 0


def translate_files(flags: TranslateFlags, planned: list[FileJob] | Iterator[FileJob | OSError]) -> int:
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
        say(f"{error.filename}: {error.strerror}")
    if not jobs:
        raise Failure(f"--input={flags.input}: there is no picture")
    settings = jobs[0].settings
    if folder and flags.input_mask and (bare := [job for job in jobs if not job.input_mask]):
        kept = f"--input_mask={flags.input_mask[0]}: {len(bare)} of {len(jobs)} pictures have no mask there, and keep"
        say(f"{kept} the network's; the first of them is {bare[0].input}")
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
    licence(flags.model)
    all_groups(flags.model, settings.groups, {job.exemplar for job in usable})
    experiments(flags.model, settings.groups, {job.exemplar for job in usable})
    with shown(len(usable), folder, log) as report:
        tally = run_jobs(translator, usable, report)
    if tally.stopped:
        say(f"stopped: {tally.stopped}, and give the same command again")
    tally.failed += len(shut) + len(jobs) - len(usable)
    summary(tally, len(found), folder, to_stdout=jobs[0].output == STREAM)
    return FAILED if tally.failed else 0


def _whole_pictures(model: str, jobs: list[FileJob], total: int, shut: list[OSError], log: Log, folder: bool) -> int:
    """The same for a model of another method, which has no masks to work within."""
    from lomit_tf.runtime.quiet import import_tensorflow

    import_tensorflow()
    import lomit_tf
    from lomit_tf.photos.whole_pictures import WholePictures

    with unusable(ImageError):
        translator = WholePictures(lomit_tf.load(model), jobs[0].settings)
    with shown(len(jobs), folder, log) as report:
        tally = translator.run(jobs, report)
    tally.failed += len(shut)
    summary(tally, total, folder, to_stdout=False)
    return FAILED if tally.failed else 0


def _unusable_exemplars(translator: Translator, jobs: list[FileJob], log: Log) -> set[str]:
    """Read every exemplar once, and name those that cannot be used."""
    from lomit_tf.photos.batch_jobs import exemplar_of
    from lomit_tf.photos.outcomes import failure
    from lomit_tf.photos.wording import of_exemplar

    unusable = set()
    for job in {job.exemplar: job for job in jobs}.values():
        try:
            exemplar_of(translator, job)
        except ValueError as error:  # CorruptImageError and ImageError: an exemplar or its mask
            say(of_exemplar(job.exemplar, error))
            unusable.add(job.exemplar)
        except Exception as error:
            say(f"{job.exemplar}: {failure(job, error).message}{log.add(job.exemplar, failure(job, error).traceback)}")
            unusable.add(job.exemplar)
    return unusable
