"""The page itself: Gradio's components, and which of them hears of what. What they do is in session.py."""

from __future__ import annotations

import functools
import html
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from lomit_tf.imaging.formats import ImageError
from lomit_tf.photos import portraits
from lomit_tf.photos.file_plan import MOST_STRENGTH
from lomit_tf.photos.translator import Translator
from lomit_tf.webapp import examples
from lomit_tf.webapp.mask_edits import LayerError
from lomit_tf.webapp.parts import LARGE, SMALL, brush, click, colour, introduction, on_the_page, said, strip, warm_up
from lomit_tf.webapp.photograph import face_thumbnails, thumbnail
from lomit_tf.webapp.session import SIDES, Session, Settings

TITLE = "LOMIT: repaint the masks"
HEADINGS = {
    "input": "<h2>Your picture <span>red: what changes</span></h2>",
    "exemplar": "<h2>Exemplar <span>red: what is taken</span></h2>",
    "result": "<h2>Result <span>drag the line</span></h2>",
}
UNCHANGED = [gr.skip()] * 9  # what `_Page._everything` gives, where nothing changed


def build(translator: Translator, folder: Path, notice: str = "") -> gr.Blocks:
    """The page, not yet served.

    Args:
      translator: the model to use.
      folder: where the examples and the downloads are written; the caller removes it.
      notice: what users must know of the weights' licence, a line below the title.
    """
    return _Page(translator, folder, notice).blocks


class _Page:
    """The components and their handlers."""

    def __init__(self, translator: Translator, folder: Path, notice: str) -> None:
        self.translator, self.folder = translator, folder
        credit = f"Examples: {portraits.CREDIT}." if translator.knows_faces else ""
        self.introduction = introduction(notice, credit)
        named = examples.for_model(translator, folder / "examples")
        self.examples = [str(path) for path in named.values()]
        self.groups = list(translator.groups)
        # The first visitor would wait for TensorFlow to compile its functions.
        self.thumbnails = warm_up(translator, named)
        with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(600, 3600)) as self.blocks:
            self._lay_out()
            self._connect()

    def _lay_out(self) -> None:
        self.state = gr.State(None, time_to_live=12 * 3600)
        gr.HTML(self.introduction, elem_id="lomit-title")
        self.painted = gr.Radio(
            self.groups, value=self.groups[0], label="Show and paint the masks of", visible=len(self.groups) > 1,
            elem_id="lomit-painted",
        )  # fmt: skip
        self.brush: dict[str, gr.HTML] = {}
        self.file: dict[str, gr.File] = {}
        self.tray: dict[str, gr.HTML] = {}
        tray = {"chosen": None, "pictures": self.thumbnails}
        with gr.Row(equal_height=False, elem_id="lomit-work"):
            for side in SIDES:
                with gr.Column(min_width=280, elem_id=f"lomit-{side}"):
                    gr.HTML(HEADINGS[side], elem_classes="lomit-heading")
                    self.file[side] = gr.File(
                        label="Picture file", show_label=False, file_types=["image"], height=56,
                        file_count="single" if side == "input" else "multiple",
                        elem_id=f"lomit-{side}-file", elem_classes="lomit-drop",
                    )  # fmt: skip
                    self.tray[side] = strip("Examples", f"lomit-{side}-examples", tray)
                    if side == "exemplar" and self.translator.colour_groups:
                        self.colour = colour(portraits.SWATCHES)
                    self.brush[side] = brush(side)
                    if side == "input":
                        self.faces = strip("Click on the face to change", "lomit-faces", named=True)
                    if side == "exemplar":
                        self.several = gr.Checkbox(
                            False, label="Compare several exemplars", elem_id="lomit-several",
                            info="what you pick next is added, and each gives its own result",
                        )  # fmt: skip
                        self.chosen = strip("Your exemplars", "lomit-exemplars")
                        self.remove = gr.Button(
                            "Remove the chosen one", size="sm", visible=False, elem_id="lomit-remove"
                        )  # fmt: skip
            with gr.Column(min_width=280, elem_id="lomit-result"):
                gr.HTML(HEADINGS["result"], elem_classes="lomit-heading")
                self.slider = gr.ImageSlider(
                    label="Before and after", show_label=False, type="numpy", interactive=False, buttons=["fullscreen"],
                    slider_position=50, format="jpeg", elem_id="lomit-slider",
                )  # fmt: skip
                self.status = gr.Markdown("Loading ...", elem_id="lomit-status")
                self.strength = gr.Slider(
                    0, MOST_STRENGTH, value=1, step=0.05, elem_id="lomit-strength",
                    label="Strength", info="0: no change; 1: as the model does it",
                )  # fmt: skip
                self.taken = gr.CheckboxGroup(
                    self.groups, value=self.groups, label="Take from the exemplar",
                    visible=len(self.groups) > 1, elem_id="lomit-taken",
                )  # fmt: skip
                with gr.Row():
                    self.save = {
                        kind: gr.Button(f"Download {kind}", size="md", min_width=120, elem_id=f"lomit-save-{kind}")
                        for kind in ("picture", "masks")
                    }
                self.ready = {
                    kind: gr.DownloadButton(elem_id=f"lomit-ready-{kind}", visible="hidden") for kind in self.save
                }
        self.all = strip("The result with each exemplar", "lomit-all", named=True)

    def _connect(self) -> None:
        settings = [self.painted, self.taken, self.strength]
        pictures = [*self.brush.values(), self.faces, self.chosen, self.several, self.remove]
        results = [self.slider, self.status, self.all]
        quiet: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": 4, "api_visibility": "private"}

        def on(event: Any, act: Callable[..., Any], inputs: list[Any], outputs: list[Any], **more: Any) -> Any:
            return event(act, [self.state, *settings, *inputs], outputs, **(quiet | more))

        self.blocks.load(self._start, settings, [self.state, *pictures, *results], **quiet)
        for side in SIDES:
            opens = [*pictures, *results]
            on(
                self.file[side].upload, functools.partial(self._upload, side), [self.several, self.file[side]],
                [self.file[side], *opens],
            )  # fmt: skip
            on(self.tray[side].select, self._example(side), [self.several], opens)
            on(
                self.brush[side].input, functools.partial(self._paint, side), [self.brush[side]], results,
                trigger_mode="always_last",
            )  # fmt: skip
        for row in (self.chosen, self.all):
            on(row.select, self._choose, [], [*pictures, *results])
        on(self.faces.select, self._face, [], [*pictures, *results])
        if self.translator.colour_groups:
            on(self.colour.select, self._colour, [], [*pictures, *results])
        on(self.remove.click, self._remove, [], [*pictures, *results])
        on(self.several.input, self._compare, [self.several], [*pictures, *results])
        on(self.painted.input, self._switch, [], [*self.brush.values()], trigger_mode="always_last")
        for changed in (self.taken.change, self.strength.change):
            on(changed, self._results, [], results, trigger_mode="always_last")
        for kind, button in self.save.items():
            act = functools.partial(self._save, kind)
            done = on(button.click, act, [], [self.ready[kind]], show_progress="minimal")
            done.success(None, None, None, js=click(f"lomit-ready-{kind}"))

    # Handlers: each takes the session, the group that is painted, the groups that are taken, and the strength.

    def _start(self, painted: str, taken: list[str], strength: float) -> list[Any]:
        session = Session(self.translator)
        for side, path in zip(SIDES, self.examples, strict=False):
            session.open(side, path, Path(path).name)
        return [session, *self._everything(session, painted, taken, strength)]

    def _upload(
        self, side: str, session: Session, painted: str, taken: list[str], strength: float, several: bool, paths: Any
    ) -> list[Any]:
        names = [paths] if isinstance(paths, str) else list(paths or [])
        opened = False
        for path in names:
            opened |= self._open(session, side, path, several)
            several = several or len(names) > 1
        if not opened:  # nothing is drawn anew, so that no stroke of this moment is lost
            return [None, *UNCHANGED]
        return [None, *self._everything(session, painted, taken, strength, side, compare=several)]

    def _example(self, side: str) -> Callable[..., list[Any]]:
        # Gradio finds by a function's own annotation that it wants the event, so functools.partial will not do.
        def opened(
            session: Session, painted: str, taken: list[str], strength: float, several: bool, event: gr.EventData
        ) -> list[Any]:
            if not self._open(session, side, self.examples[int(event.index)], several):
                return UNCHANGED
            return self._everything(session, painted, taken, strength, side, compare=several)

        return opened

    def _open(self, session: Session, side: str, path: str, add: bool) -> bool:
        """Open a file, or say what is wrong with it; whether it was opened."""
        try:
            _live(session).open(side, path, Path(path).name, add=add)
        except (ValueError, OSError) as error:
            gr.Warning(html.escape(on_the_page(str(error))), duration=None)
            return False
        return True

    def _paint(
        self, side: str, session: Session, painted: str, taken: list[str], strength: float, value: dict[str, Any] | None
    ) -> list[Any]:
        try:
            if not _live(session).paint(side, (value or {}).get("id", 0), (value or {}).get("mask", "")):
                return [gr.skip()] * 3
        except LayerError as error:
            gr.Warning(html.escape(str(error)))
            return [gr.skip()] * 3
        return self._results(session, painted, taken, strength)

    def _choose(
        self, session: Session, painted: str, taken: list[str], strength: float, event: gr.EventData
    ) -> list[Any]:
        if not _live(session).choose(int(event.index)):
            return UNCHANGED
        return self._everything(session, painted, taken, strength, "exemplar")

    def _face(
        self, session: Session, painted: str, taken: list[str], strength: float, event: gr.EventData
    ) -> list[Any]:
        if not _live(session).choose_face(int(event.index)):
            return UNCHANGED
        return self._everything(session, painted, taken, strength, "input")

    def _compare(self, session: Session, painted: str, taken: list[str], strength: float, several: bool) -> list[Any]:
        if several:
            return UNCHANGED
        _live(session).keep_chosen()
        return self._everything(session, painted, taken, strength, "none")

    def _colour(
        self, session: Session, painted: str, taken: list[str], strength: float, event: gr.EventData
    ) -> list[Any]:
        try:
            _live(session).open_colour(str(event.colour), painted)
        except ImageError as error:
            gr.Warning(html.escape(on_the_page(str(error))), duration=None)
            return UNCHANGED
        return self._everything(session, painted, taken, strength, "exemplar", compare=len(session.exemplars) > 1)

    def _remove(self, session: Session, painted: str, taken: list[str], strength: float) -> list[Any]:
        if not _live(session).remove_chosen():
            return UNCHANGED
        return self._everything(session, painted, taken, strength, "exemplar")

    def _switch(self, session: Session, painted: str, taken: list[str], strength: float) -> list[Any]:
        return [_live(session).for_browser(side, painted) for side in SIDES]

    def _save(self, kind: str, session: Session, painted: str, taken: list[str], strength: float) -> str:
        try:
            with tempfile.TemporaryDirectory(dir=self.folder) as folder:
                files = _live(session).save(_settings(taken, strength), Path(folder))
                return str(self.ready[kind].move_resource_to_block_cache(files[kind == "masks"]))
        except (ValueError, OSError) as error:
            raise gr.Error(html.escape(str(error))) from error

    # What the components show.

    def _everything(
        self,
        session: Session,
        painted: str,
        taken: list[str],
        strength: float,
        side: str = "",
        compare: bool | None = None,
    ) -> list[Any]:
        """For the brushes (all, or one side's), strips of faces and exemplars, the tick of several, the button that
        removes one, and the results."""
        brushes = [_live(session).for_browser(s, painted) if side in ("", s) else gr.skip() for s in SIDES]
        small = [{"url": thumbnail(p.rgb, SMALL), "name": p.name} for p in session.exemplars]
        chosen = {"chosen": session.chosen, "pictures": small} if len(small) > 1 else None
        tick = gr.skip() if compare is None else compare
        faces = gr.skip() if side not in ("", "input") else None
        if side in ("", "input") and session.input is not None and session.input.faces:
            faces = {"chosen": session.input.face, "pictures": face_thumbnails(session.input, SMALL)}
        remove = gr.update(visible=len(small) > 1)
        return [*brushes, faces, chosen, tick, remove, *self._results(session, painted, taken, strength)]

    def _results(self, session: Session, painted: str, taken: list[str], strength: float) -> list[Any]:
        """For the slider, the line below it, and the strip of all exemplars' results."""
        if not taken:
            return [gr.skip(), "Choose at least one attribute to take from the exemplar.", gr.skip()]
        try:
            shown = _live(session).show(_settings(taken, strength))
        except ValueError as error:
            raise gr.Error(html.escape(str(error))) from error
        if shown is None:
            return [None, "Open a picture and an exemplar.", None]
        chosen = min(session.chosen, len(shown.after) - 1)
        each = None
        if len(shown.after) > 1:
            large = [{"url": thumbnail(image, LARGE), "name": name} for name, image in shown.after]
            each = {"chosen": chosen, "pictures": large}
        return [(shown.before, shown.after[chosen][1]), said(shown), each]


def _live(session: Session | None) -> Session:
    if session is None:
        raise gr.Error("This page was open for too long; reload it.")
    return session


def _settings(taken: list[str], strength: float) -> Settings:
    return Settings(tuple(taken), float(strength))
