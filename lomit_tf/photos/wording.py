"""Notes and errors of `Translator`, which name arguments of Python, in the words of the command: its flags."""

from __future__ import annotations

import re

from lomit_tf.imaging import framing
from lomit_tf.photos.file_plan import STREAM, SWATCH

OF_EXEMPLAR = "exemplar: "  # with which notes of an exemplar begin
_FACE, _CROP = re.compile(r"(?<![\w-])face="), re.compile(r"(?<![\w-])crop(?:=| (?=\d|x,y,))")


def in_flags(message: str, *, exemplar: bool = False) -> str:
    """A note or an error, without the name of a file, with flags instead of Python's arguments.

    Args:
      exemplar: whether it is about an exemplar, which notes say themselves. Its crop has a flag of its own, and there
        is none for its face.
    """
    exemplar = exemplar or message.startswith(OF_EXEMPLAR)
    crop = "--exemplar_crop=" if exemplar else "--crop="
    if exemplar:
        message = framing.OTHERS_SAID.sub(f" ({crop}x,y,width,height takes another)", message)
    return _CROP.sub(crop, _FACE.sub("--face=", message))


def of_exemplar(name: str, error: Exception) -> str:
    """What to say of an exemplar that cannot be used: its name, which not every error has, and why."""
    shown = "standard input" if name == STREAM else name
    why = str(error).removeprefix(f"{name}: ")
    return why if name.startswith(SWATCH) else f"{shown}: {in_flags(why, exemplar=True)}"
