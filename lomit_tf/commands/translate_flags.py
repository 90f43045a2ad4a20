"""The flags of `lomit-translate`, and the jobs that they ask for. Imports no TensorFlow."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Sequence
from typing import Any

from lomit_tf.commands import FlagSet
from lomit_tf.config import NEEDED, option
from lomit_tf.imaging.crops import parse_crop
from lomit_tf.imaging.formats import ImageError
from lomit_tf.photos.file_plan import (
    ENDINGS,
    MOST_STRENGTH,
    STREAM,
    FileJob,
    MaskFiles,
    PlanError,
    Settings,
    expand_exemplars,
    plan_folder,
    plan_one,
    swatches,
)  # fmt: skip

FORMATS = tuple(ending[1:] for ending in ENDINGS.values())
INTRO = """\
Translate pictures: transfer an attribute, such as hair colour, from the exemplar to the input, within the model's
masks. Shipped models: celeba_hair for the hair in photographs of faces, celeba for lipstick, smiles and facial hair
too, drawn_faces for drawn faces.

  lomit-translate --model=celeba_hair --input=photo.jpg --exemplar=star.jpg --output=out.png
      one picture; the face is found and framed, and everything outside of the masks stays as it was
  lomit-translate --model=celeba_hair --input=photos --exemplar=star.jpg --output=results
      all pictures in a folder and its sub-folders; started again, it goes on with those that are missing
  lomit-translate --model=celeba_hair --input=photo.jpg --exemplar=star.jpg --output=out.png --save_masks
      also the masks, as out.png.input_mask.<group>.png and out.png.exemplar_mask.<group>.png; edit them, and:
  lomit-translate --model=celeba_hair --input=photo.jpg --exemplar=star.jpg --output=again.png \\
      --input_mask=out.png.input_mask.hair.png
      white is changed, black stays
  lomit-translate --model=celeba_hair --input=photo.jpg --colour=#8a3b12 --output=out.png
      a colour instead of an exemplar, for models that paint by colour curves
  lomit-translate --model=celeba --input=photo.jpg --groups=lips --colour=#b3122d --output=out.png
      lipstick; --groups says which parts of the face are changed: hair, lips, smile, facial_hair
  lomit-translate --model=celeba --input=photo.jpg --groups=smile,facial_hair --exemplar=star.jpg --output=out.png
      the smile and the beard of the exemplar
  cat photo.jpg | lomit-translate --model=celeba_hair --input=- --exemplar=star.jpg --output=- > out.png
      from standard input to standard output

A JPEG is compressed anew when it is written: to keep what is outside of the masks to the bit, write PNG."""


@dataclasses.dataclass(frozen=True)
class TranslateFlags:
    """What a command line asks for."""

    input: str = option(NEEDED, "picture, folder of pictures, or - for standard input", form="I")
    output: str = option(
        NEEDED, "picture (png, jpg, webp, tif, bmp), - for standard output, or a folder, which mirrors the input's",
        form="O",
    )  # fmt: skip
    model: str = option(
        "celeba_hair", "name of shipped weights, a --workdir of lomit_tf.train, or a checkpoint of one", form="M"
    )
    exemplar: tuple[str, ...] = option(
        (), "picture, folder of pictures, or -; may be repeated: with several, the results of each lie in a "
        "sub-folder of its name below --output", form="E", repeated=True,
    )  # fmt: skip
    colour: tuple[str, ...] = option(
        (), "a colour instead of an exemplar, for the first colour group of the model or the one of --groups: #8a3b12, "
        "rgb(138, 59, 18) or a name of CSS; may be repeated, and go with --exemplar", form="COLOUR", repeated=True,
    )  # fmt: skip
    input_mask: tuple[str, ...] = option(
        (), "where to change the input: white yes, black no, at the input's size; for a model of several groups name "
        "the group, and repeat the flag; for a folder, a folder of masks as --save_masks names them (default: the "
        "model's own)", form="[GROUP=]FILE", repeated=True,
    )  # fmt: skip
    exemplar_mask: tuple[str, ...] = option(
        (), "what to take of the exemplar; the same way (default: the model's own)", form="[GROUP=]FILE", repeated=True
    )
    groups: str | None = option(
        None, "take only these attribute groups from the exemplar (default: all that the model has; with a smile or a "
        "beard beside hair and lips, mouths are often smeared)", form="A,B",
    )  # fmt: skip
    strength: float = option(
        1.0, "how much of the change to make: 0 none, 1 all, up to 2 exaggerates, with halos in smiles", least=0,
        most=MOST_STRENGTH,
    )  # fmt: skip
    face: str = option(
        "largest", "which face, where there are several: largest, all (each in turn), or a number from 1 on, counted "
        "from the left", form="WHICH",
    )  # fmt: skip
    crop: str = option(
        "face", "what the model sees of the input: face (the largest; where there is none, the centre), center, none "
        "(all of it), or x,y,width,height in pixels", form="HOW",
    )  # fmt: skip
    exemplar_crop: str = option(
        "", "the same for the exemplar (default: as --crop where that is a word, else face)", form="HOW"
    )
    keep_background: bool = option(
        True, "leave everything outside of the masks as it was; without, see what the network itself paints"
    )
    save_masks: bool = option(False, "also write the masks of input and exemplar, beside the output")
    compare: bool = option(False, "also write input, exemplar and output side by side, as OUTPUT.compare.png")
    format: str | None = option(
        None, "of standard output, and in folders instead of each picture's own (default: png, and each its own)",
        FORMATS,
    )  # fmt: skip
    runner: str = option(
        "local", "beam: with Apache Beam, for very many files; --input is then a folder or a pattern such as "
        "'photos/**.jpg', what fails is listed in OUTPUT/failures.jsonl, and Beam's own flags follow after --",
        ("local", "beam"),
    )  # fmt: skip
    engine: str = option(
        "auto", "what computes the networks: litert starts at once and takes shipped models, tensorflow takes any "
        "model; auto is litert wherever it can be", ("auto", "litert", "tensorflow"),
    )  # fmt: skip
    overwrite: bool = option(False, "translate again what is there already (a single output always is)")


FLAGS = FlagSet(TranslateFlags, INTRO)


def plan(flags: TranslateFlags) -> list[FileJob] | Iterator[FileJob | OSError]:
    """The jobs that flags ask for: a list for one picture, an iterator for a folder.

    Raises PlanError for contradictory flags.
    """
    _check_not_empty(flags)
    settings = settings_of(flags)
    exemplars = exemplars_of(flags)
    exemplar_mask = mask_files("exemplar_mask", flags.exemplar_mask)
    if flags.input != STREAM and os.path.isdir(flags.input):
        masks = _one_folder_of_masks(flags)
        return plan_folder(flags.input, exemplars, flags.output, settings, masks, exemplar_mask)
    settings = dataclasses.replace(settings, overwrite=True)
    return plan_one(
        flags.input, exemplars, flags.output, settings, mask_files("input_mask", flags.input_mask), exemplar_mask
    )


def _check_not_empty(flags: TranslateFlags) -> None:
    """Raise PlanError for flags that are given empty, as by a variable of a script that is not set."""
    for flag, needed in (
        ("exemplar", "give a picture, a folder of pictures, or - for standard input"),
        ("colour", "write #rrggbb such as #8a3b12, rgb(138, 59, 18) or a name of CSS"),
        ("input_mask", "give a file, or leave it out for the model's own masks"),
        ("exemplar_mask", "give a file, or leave it out for the model's own masks"),
    ):
        if any(not value.strip() for value in getattr(flags, flag)):
            raise PlanError(f"--{flag} is empty; {needed}")
    if flags.groups is not None and not all(name.strip() for name in flags.groups.split(",")):
        what = f"--groups={flags.groups}: a name is empty" if flags.groups.strip() else "--groups is empty"
        raise PlanError(f"{what}; write --groups=A,B, or leave it out for all groups of the model")


def exemplars_of(flags: TranslateFlags) -> list[str]:
    """Exemplars and colours. Raises PlanError where there is neither, or one cannot be used."""
    if not flags.exemplar and not flags.colour:
        raise PlanError("give --exemplar=PICTURE or --colour=#8a3b12: what the result is to look like")
    if flags.colour and flags.exemplar_mask:
        raise PlanError("--exemplar_mask goes with --exemplar; a colour has no mask")
    return expand_exemplars(flags.exemplar) + swatches(flags.colour)


def plan_beam(flags: TranslateFlags) -> dict[str, Any]:
    """The arguments of beam_jobs.Plan. Raises PlanError for contradictory flags."""
    _check_not_empty(flags)
    settings = settings_of(flags)
    if STREAM in (flags.input, flags.output, *flags.exemplar):
        raise PlanError("--runner=beam reads and writes files; - is for one picture, without it")
    return {
        "model": flags.model, "input": flags.input, "exemplars": tuple(exemplars_of(flags)),
        "output": flags.output, "settings": settings, "input_masks": _one_folder_of_masks(flags),
        "exemplar_mask": mask_files("exemplar_mask", flags.exemplar_mask), "engine": flags.engine,
    }  # fmt: skip


def _one_folder_of_masks(flags: TranslateFlags) -> str:
    if len(flags.input_mask) > 1:
        raise PlanError("--input_mask: with a folder as --input, give one folder of masks")
    return "".join(flags.input_mask)


def settings_of(flags: TranslateFlags) -> Settings:
    """How files are to be translated. Raises PlanError for a crop that cannot be read."""
    for flag, crop in (("crop", flags.crop), ("exemplar_crop", flags.exemplar_crop)):
        try:
            parse_crop(crop or "face")
        except ImageError as error:
            raise PlanError(f"--{flag}{str(error).removeprefix('crop')}") from error
    rectangle = "," in flags.crop
    format = next((f for f, ending in ENDINGS.items() if ending[1:] == flags.format), "")
    return Settings(
        crop=flags.crop,
        face=_face(flags),
        exemplar_crop=flags.exemplar_crop or ("face" if rectangle else flags.crop),
        groups=None if flags.groups is None else tuple(g.strip() for g in flags.groups.split(",")),
        strength=flags.strength,
        keep_background=flags.keep_background,
        save_masks=flags.save_masks,
        compare=flags.compare,
        overwrite=flags.overwrite,
        format=format,
    )


def _face(flags: TranslateFlags) -> int | str:
    """--face, checked here: nothing heavy may be imported for it."""
    if flags.face not in ("largest", "all") and not (flags.face.isascii() and flags.face.isdigit() and int(flags.face)):
        raise PlanError(
            f"--face must be largest, all, or a number from 1 on, counted from the left; received {flags.face}"
        )
    if flags.face != "largest" and flags.crop != "face":
        raise PlanError(f"--face={flags.face} needs --crop=face, which looks for faces; received --crop={flags.crop}")
    return flags.face if flags.face in ("largest", "all") else int(flags.face)


def mask_files(flag: str, values: Sequence[str]) -> MaskFiles:
    """(group, path) pairs of "path" or "group=path" values; group "" where none is named."""
    pairs = []
    for value in values:
        group, equals, path = value.partition("=")
        if not equals or os.path.exists(value):
            group, path = "", value
        if not os.path.isfile(path):
            what = "a folder, and --input is one picture; name its mask" if os.path.isdir(path) else "no such file"
            raise PlanError(f"--{flag}={value}: {what}")
        pairs.append((group.strip(), path))
    if len({group for group, _ in pairs}) < len(pairs):
        raise PlanError(f"--{flag}: given more than once for a group; write --{flag}=GROUP=FILE, each group once")
    return tuple(pairs)
