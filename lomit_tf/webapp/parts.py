"""Pieces of the page: its components of our own, and what is said below a result."""

from __future__ import annotations

import html
from importlib import resources
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from lomit_tf.imaging import framing
from lomit_tf.photos.steps import NOT_ASKED
from lomit_tf.photos.translator import Translator
from lomit_tf.webapp.photograph import thumbnail
from lomit_tf.webapp.session import SIDES, ScreenView, Session, Settings

INTRO = """<h1>LOMIT: repaint the masks</h1>
<p>Your picture takes the look of an exemplar, but only where the masks say so. The model finds the masks;
paint or erase them with the brush, and the result follows.</p>"""
SMALL, LARGE = 112, 400  # sides of the pictures in strips, in pixels


def asset(name: str) -> str:
    """The text of a file beside this module."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def brush(side: str) -> gr.HTML:
    """The picture of a side of the page with its mask, to paint on."""
    return gr.HTML(
        None, html_template=asset("mask_brush.html"), js_on_load=asset("mask_brush.js"), apply_default_css=False,
        elem_id=f"lomit-{side}-mask",
    )  # fmt: skip


def strip(title: str, elem_id: str, value: Any = None, *, named: bool = False) -> gr.HTML:
    """A row of pictures to choose from."""
    return gr.HTML(
        value, html_template=asset("strip.html"), js_on_load=asset("strip.js"), apply_default_css=False,
        elem_id=elem_id, title=title, named=named,
    )  # fmt: skip


def colour(offered: dict[str, str]) -> gr.HTML:
    """A colour to add to the exemplars; `offered` has some, {name: "#rrggbb"}."""
    return gr.HTML(
        offered, html_template=asset("colour.html"), js_on_load=asset("colour.js"), apply_default_css=False,
        elem_id="lomit-colour",
    )  # fmt: skip


def introduction(notice: str, credit: str) -> str:
    """The page's head, with what the weights' licence asks for and whose portraits the examples are, if anybody's."""
    notes = "".join(f'<p class="lomit-note">{html.escape(note)}</p>' for note in (notice, credit) if note)
    return INTRO + notes


def warm_up(translator: Translator, paths: dict[str, Path]) -> list[dict[str, str]]:
    """Let TensorFlow compile all that a session calls; the pictures as entries of a strip."""
    session = Session(translator)
    pictures = [
        session.open(side, path, Path(path).name) for side, path in zip(SIDES, map(str, paths.values()), strict=False)
    ]
    session.show(Settings())
    for picture in pictures:
        for group in translator.groups:
            picture.paint(group, np.zeros(picture.size, np.uint8))
    session.show(Settings())
    return [{"url": thumbnail(np.asarray(Image.open(path)), SMALL), "name": name} for name, path in paths.items()]


def on_the_page(note: str) -> str:
    """A note or an error in the page's words: without the arguments that it names, of which the page has none.

    Another face is clicked on, in a strip that says so.
    """
    return framing.OTHERS_SAID.sub("", note).replace(framing.ANOTHER_CROP, "")


def said(shown: ScreenView) -> str:
    """The line below the result: how long it took, and the notes, as `on_the_page`.

    That a mask is of a group which is not taken is no news here, where both stand beside each other.
    """
    count = len(shown.after)
    kept = count - shown.encoded
    how = f"Translated after {count} exemplars" if count > 1 else "Translated"
    how += f" in **{shown.seconds * 1000:.0f} ms**"
    if kept:
        how += " (exemplar kept from before)" if count == 1 else f" ({kept} of them kept from before)"
    notes = [on_the_page(note) for note in shown.notes if NOT_ASKED.format("") not in note]
    return how + "".join(f"  \nNote: {html.escape(note)}." for note in dict.fromkeys(notes))


def click(elem_id: str) -> str:
    """JavaScript that clicks a hidden download button once it has its file."""
    return f"""() => setTimeout(() => {{
        document.querySelector("#{elem_id} a, a#{elem_id}, #{elem_id} button, button#{elem_id}").click();
    }}, 100)"""
