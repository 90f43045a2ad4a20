"""An untrained translator of the groups hair and mouth, and a person's session with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lomit_tf.photos.translator import Translator
from lomit_tf.webapp.session import Session


def untrained(tiny: Callable[..., Any], **fields: Any) -> Translator:
    """Its masks are soft everywhere, and it paints something else than it is given."""
    from lomit_tf.model import Lomit

    groups = {"attributes": ("Black_Hair", "Smiling"), "groups": "hair: Black_Hair; mouth: Smiling"}
    return Translator(Lomit(tiny(**groups, **fields)), log_notes=False)


def begun(translator: Translator, photo: Path, exemplar: Path) -> Session:
    """A session in which both are open, as in.png and ex.png."""
    made = Session(translator)
    made.open("input", str(photo), "in.png")
    made.open("exemplar", str(exemplar), "ex.png")
    return made
