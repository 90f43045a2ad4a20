"""Which files a translation of files reads and writes. Imports nothing heavy, so that mistakes are found at once."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from lomit_tf.data.picture_names import is_picture
from lomit_tf.imaging.crops import parse_colour
from lomit_tf.imaging.formats import FORMATS, ImageError, format_of
from lomit_tf.photos.mask_files import MaskFiles, masks_of, saved_masks
from lomit_tf.photos.portraits import SWATCHES

STREAM = "-"  # standard input or output
SWATCH = "colour:"  # what a FileJob's exemplar begins with where it is a colour
ENDINGS = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp", "TIFF": ".tif", "BMP": ".bmp"}

MOST_STRENGTH = 2  # with more, faces fold
OF_MASKS = ("strength", "keep_background", "save_masks", "compare", "face")  # settings that need LOMIT's masks


@dataclasses.dataclass(frozen=True)
class Settings:
    """How files are translated; see Translator.translate for the first seven."""

    crop: Any = "face"
    face: Any = "largest"
    exemplar_crop: Any = "face"
    groups: tuple[str, ...] | None = None
    strength: float = 1.0
    keep_background: bool = True
    save_masks: bool = False  # also write the masks of input and exemplar
    compare: bool = False  # also write input, exemplar and output side by side
    overwrite: bool = False  # also when the output is there
    format: str = ""  # of standard output, and of results whose name does not say it: a key of ENDINGS


@dataclasses.dataclass(frozen=True)
class FileJob:
    """One file to translate after one exemplar and, once that was tried, what became of it.

    Plain values: it can be pickled, compared and used as a key.

    Attributes:
      status: planned; written; skipped (all its files were there); failed.
      message: why it failed, one line without the input's name.
      notes: what a person should know of one that was written.
      files: what was written, or what was there.
      disk_full: it failed because nothing more can be written there: others will fail too.
      out_of_memory: it failed for want of memory, also alone.
      traceback: of an error that nobody thought of, for a log file; else empty.
    """

    input: str  # a path, or "-"
    output: str  # a path, or "-"
    exemplar: str
    input_mask: MaskFiles = ()
    exemplar_mask: MaskFiles = ()
    settings: Settings = Settings()
    status: Literal["planned", "written", "skipped", "failed"] = "planned"
    message: str = ""
    notes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    disk_full: bool = False
    out_of_memory: bool = False
    traceback: str = ""

    def written(self, notes: tuple[str, ...], files: tuple[str, ...] = ()) -> FileJob:
        """The same job, done."""
        return dataclasses.replace(self, status="written", notes=notes, files=files)

    def skipped(self, files: tuple[str, ...] = ()) -> FileJob:
        """The same job, whose files were there."""
        return dataclasses.replace(self, status="skipped", files=files)

    def failed(self, message: str, **known: Any) -> FileJob:
        """The same job, failed; `known` are `disk_full`, `out_of_memory` and `traceback`."""
        return dataclasses.replace(self, status="failed", message=message, **known)

    @property
    def masked(self) -> tuple[str, ...]:
        """Whose masks --save_masks writes: a colour has none."""
        return ("input_mask",) if self.exemplar.startswith(SWATCH) else ("input_mask", "exemplar_mask")

    def beside(self, what: str, group: str = "") -> str:
        """Path of a further file of this job: masks ("input_mask", "exemplar_mask" and the group), or "compare"."""
        return beside(self.output, what, group)


class PlanError(ImageError):
    """Files that cannot be translated as asked, whatever is in them; the message names the flag and what to do."""


def beside(output: str, what: str, group: str = "") -> str:
    """out.png -> out.png.input_mask.hair.png; without a group, out.png.compare.png."""
    plain = "".join(c if c.isalnum() or c in "-_. " else "_" for c in group)
    return f"{output}.{what}.{plain}.png" if group else f"{output}.{what}.png"


def walk(folder: Path, leave_out: Sequence[Path] = ()) -> Iterator[str | OSError]:
    """Relative paths of all pictures below a folder, sorted; and the OSError of each folder that cannot be read.

    `leave_out` are folders within, such as that of given masks. Links to folders are not followed.
    """
    barred = {os.path.realpath(path) for path in leave_out}
    errors: list[OSError] = []
    for here, folders, files in os.walk(folder, onerror=errors.append):
        yield from errors
        errors.clear()
        folders[:] = sorted(f for f in folders if os.path.realpath(os.path.join(here, f)) not in barred)
        for name in sorted(files):
            if is_picture(name):
                yield os.path.relpath(os.path.join(here, name), folder)
    yield from errors


def output_name(name: str, format: str = "") -> str:
    """Name of a result: that of the input, with the format's ending added where the input's does not fit.

    Added, not exchanged, so that a.jpg and a.gif do not become the same file.
    """
    own = FORMATS.get(Path(name).suffix.lower())
    target = format or own or "PNG"
    return name if own == target else name + ENDINGS[target]


def swatches(colours: Sequence[str]) -> list[str]:
    """--colour as exemplars of FileJob: SWATCH and the colour. Raises PlanError for a colour that cannot be read."""
    for colour in colours:
        try:
            parse_colour(colour)
        except ImageError:
            known = SWATCHES.get(colour.strip().lower())
            hint = f"; {colour.strip()} as the page has it is {known}" if known else ""
            forms = "#rrggbb such as #8a3b12, rgb(138, 59, 18) or a name of CSS"
            raise PlanError(f"--colour={colour}: not a colour; write {forms}{hint}") from None
    return [SWATCH + colour.strip() for colour in dict.fromkeys(colours)]


def exemplar_folders(exemplars: Sequence[str]) -> dict[str, str]:
    """Exemplar -> the sub-folder of its results: none for a single one, else its name without the ending.

    Raises PlanError where two have the same name.
    """
    if len(exemplars) == 1:
        return {exemplars[0]: ""}

    def plain(exemplar: str) -> str:
        return re.sub(r"[^\w.-]+", "_", exemplar.removeprefix(SWATCH)).strip("_")

    def stem(exemplar: str) -> str:
        return plain(exemplar) if exemplar.startswith(SWATCH) else Path(exemplar).stem

    def name(exemplar: str) -> str:
        return plain(exemplar) if exemplar.startswith(SWATCH) else Path(exemplar).name

    for name_of in (stem, name):
        names = {exemplar: name_of(exemplar) for exemplar in exemplars}
        if len(set(names.values())) == len(exemplars):
            return names
    double = sorted(n for n in set(names.values()) if list(names.values()).count(n) > 1)
    raise PlanError(f"--exemplar: two are called {double[0]}, and their results would overwrite each other; rename one")


def expand_exemplars(exemplars: Sequence[str]) -> list[str]:
    """Each file once; a folder stands for the pictures in it (not those of its sub-folders)."""
    found: list[str] = []
    for exemplar in exemplars:
        if exemplar != STREAM and not os.path.exists(exemplar):
            raise PlanError(f"--exemplar={exemplar}: no such file")
        if exemplar != STREAM and os.path.isdir(exemplar):
            try:
                inside = sorted(n for n in os.listdir(exemplar) if is_picture(n))
            except OSError as error:
                raise PlanError(f"--exemplar={exemplar}: {error.strerror}") from error
            if not inside:
                raise PlanError(f"--exemplar={exemplar}: there is no picture in this folder")
            found += [os.path.join(exemplar, name) for name in inside]
        else:
            found.append(exemplar)
    return list(dict.fromkeys(found))


def plan_one(
    input: str, exemplars: Sequence[str], output: str, settings: Settings,
    input_mask: MaskFiles = (), exemplar_mask: MaskFiles = (),
) -> list[FileJob]:  # fmt: skip
    """Jobs of one input file: one for each exemplar. Raises PlanError for a contradictory request."""
    if input != STREAM and not os.path.exists(input):
        raise PlanError(f"--input={input}: no such file or folder")
    streams = [input, *exemplars].count(STREAM)
    if streams > 1:
        raise PlanError("only one of --input and --exemplar can be - (standard input)")
    name = output_name("stdin.png" if input == STREAM else Path(input).name, settings.format)
    into_folder = output != STREAM and (os.path.isdir(output) or output.endswith(os.sep))
    if len(exemplars) > 1 and not into_folder:
        raise PlanError(
            f"--output={output}: with {len(exemplars)} exemplars or colours, name a folder (end it with {os.sep})"
        )
    if output == STREAM and (settings.save_masks or settings.compare):
        raise PlanError("--save_masks and --compare write files beside the output; with --output=- there is no place")
    if not into_folder and output != STREAM and settings.format:
        _same_format(output, settings.format)
    jobs = []
    for exemplar, folder in exemplar_folders(exemplars).items():
        target = os.path.join(output, folder, name) if into_folder else output
        if target != STREAM and not os.path.exists(target):
            _writable_format(target)
        _never_over(target, {"input": input, "exemplar": exemplar}, (*input_mask, *exemplar_mask))
        jobs.append(FileJob(input, target, exemplar, input_mask, exemplar_mask, settings))
    return jobs


def plan_folder(
    input: str, exemplars: Sequence[str], output: str, settings: Settings,
    input_masks: str = "", exemplar_mask: MaskFiles = (),
) -> Iterator[FileJob | OSError]:  # fmt: skip
    """Jobs of all pictures below a folder, mirrored below `output`; an OSError for each sub-folder that is shut.

    Args:
      input_masks: a folder of masks as --save_masks names them (photo.jpg.input_mask.<group>.png); pictures without
        any keep the network's.

    Raises PlanError, before any work, for a contradictory request.
    """
    if output == STREAM:
        raise PlanError("--output=- takes one picture; for a folder, name a folder")
    if os.path.exists(output) and not os.path.isdir(output):
        raise PlanError(f"--output={output} is a file; with a folder as --input, name a folder")
    if os.path.realpath(input) == os.path.realpath(output):
        raise PlanError(f"--output={output} is the input folder; name another, so that nothing is overwritten")
    if _lies_within(output, input):  # where it cannot be told from a folder of photographs
        raise PlanError(f"--output={output} lies within --input={input}; name a folder outside of it")
    for exemplar in exemplars:
        if _lies_within(exemplar, output):
            raise PlanError(
                f"--exemplar={exemplar} lies within --output={output}, where a result could overwrite it; name another "
                "folder for the results"
            )
    if input_masks and not os.path.isdir(input_masks):
        raise PlanError(f"--input_mask={input_masks}: with a folder as --input, name a folder of masks")
    saved = read_saved_masks(input_masks)
    folders = exemplar_folders(exemplars)

    def jobs() -> Iterator[FileJob | OSError]:
        for name in walk(Path(input), [Path(input_masks)] if input_masks else []):
            if isinstance(name, OSError):
                yield name
                continue
            for exemplar, folder in folders.items():
                given = given_masks(input, saved, name, settings.format, folder)
                target = os.path.join(output, folder, output_name(name, settings.format))
                yield FileJob(os.path.join(input, name), target, exemplar, given, exemplar_mask, settings)

    return jobs()


def _writable_format(target: str) -> None:
    try:
        format_of(target)
    except ImageError as error:
        raise PlanError(f"--output={error}") from error


def _same_format(output: str, format: str) -> None:
    """Raise PlanError where a named output and --format ask for different formats."""
    _writable_format(output)
    if format_of(output) != format:
        ending = ENDINGS[format]
        raise PlanError(
            f"--format={ending[1:]} and --output={output} ask for different formats; leave --format away, or name "
            f"--output={Path(output).with_suffix(ending)}"
        )


def read_saved_masks(folder: str) -> dict[str, MaskFiles]:
    """`saved_masks` of --input_mask, of which "" is none. Raises PlanError for a folder without any."""
    saved = saved_masks(folder) if folder else {}
    if folder and not saved:
        raise PlanError(
            f"--input_mask={folder}: there is no mask in it; they are called photo.jpg.input_mask.GROUP.png, as "
            "--save_masks writes them"
        )
    return saved


def given_masks(input: str, saved: Mapping[str, MaskFiles], name: str, format: str, folder: str) -> MaskFiles:
    """The masks of the picture `name` below `input`, among those that an earlier run saved.

    That run may have had another --format, or a single exemplar instead of one of the sub-folder `folder`. A name that
    is another input's own is left to that one.
    """
    if not saved:
        return ()
    own = output_name(name, format)
    others = [name, *(name + ending for ending in ENDINGS.values())]
    names = [own, *(other for other in others if other == name or not os.path.exists(os.path.join(input, other)))]
    return masks_of(saved, names, (folder, ""))


def _lies_within(path: str, folder: str) -> bool:
    inner, outer = Path(os.path.realpath(path)), Path(os.path.realpath(folder))
    return outer in inner.parents


def _never_over(target: str, sources: dict[str, str], masks: MaskFiles) -> None:
    """Refuse an output that is one of the files to be read."""
    named = [*sources.items(), *(("mask", path) for _, path in masks)]
    for what, source in named:
        if STREAM in (target, source) or not os.path.exists(source):
            continue
        if os.path.realpath(target) == os.path.realpath(source) or (
            os.path.exists(target) and os.path.samefile(target, source)
        ):
            raise PlanError(f"--output={target} is the {what}; name another file, so that nothing is overwritten")
