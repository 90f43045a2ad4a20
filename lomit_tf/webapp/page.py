"""The page itself: Gradio's components, and which of them hears of what. What they do is in session.py."""

from __future__ import annotations

import functools
import itertools
import os
import socket
import tempfile
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # Gradio reads it when it is imported

import gradio as gr

from lomit_tf.translator import Translator
from lomit_tf.webapp import examples
from lomit_tf.webapp.mask_edits import LayerError, read_layer
from lomit_tf.webapp.session import MAX_EXEMPLARS, Session, Settings

TITLE = "LOMIT: repaint the masks"
INTRO = """<h1>LOMIT: repaint the masks</h1>
<p>Your picture takes the look of an exemplar, only where the masks say so. The model finds the masks; paint or erase
them with the brush, and the result follows. Red on your picture: what changes. Red on the exemplar: what is taken.</p>"""
MAX_FILE = "64mb"
SIDES = ("input", "exemplar")
FONTS = ("system-ui", "sans-serif")  # of the visitor's machine: the page asks no other server for anything


class Served:
    """A page that is being served; a context manager that stops it and removes its files."""

    def __init__(self, blocks: gr.Blocks, folder: tempfile.TemporaryDirectory[str]) -> None:
        self.blocks, self.folder = blocks, folder
        self.url: str = blocks.local_url
        self.share_url: str | None = blocks.share_url

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *error: object) -> None:
        self.blocks.close(verbose=False)
        self.folder.cleanup()


def serve(translator: Translator, *, host: str = "127.0.0.1", port: int = 7860, share: bool = False) -> Served:
    """Serve the page from threads of this process, until the result is closed.

    Args:
      translator: the model to use.
      host, port: where to listen; port 0 takes a free one.
      share: also open a public link through Gradio's servers.

    Raises:
      OSError: the address or port cannot be used.
    """
    folder = tempfile.TemporaryDirectory(prefix="lomit-app-")
    try:
        port = free_port(host, port)
        blocks = build(translator, Path(folder.name))
        blocks.launch(
            server_name=host, server_port=port, share=share, prevent_thread_lock=True, quiet=True, inbrowser=False,
            show_error=True, max_file_size=MAX_FILE, footer_links=[], ssr_mode=False, css=asset("page.css"),
            theme=gr.themes.Default(primary_hue="pink", font=FONTS, font_mono=("monospace",)),
        )  # fmt: skip
    except BaseException:
        folder.cleanup()
        raise
    return Served(blocks, folder)


def free_port(host: str, port: int) -> int:
    """The port, or a free one for 0. Raises OSError where it cannot be listened on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        return int(found.getsockname()[1])


def asset(name: str) -> str:
    """The text of a file beside this module."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def build(translator: Translator, folder: Path) -> gr.Blocks:
    """The page, not yet served.

    Args:
      translator: the model to use.
      folder: where the examples and the downloads are written; the caller removes it.
    """
    return _Page(translator, folder).blocks


class _Page:
    """The components and their handlers."""

    def __init__(self, translator: Translator, folder: Path) -> None:
        self.translator, self.folder = translator, folder
        self.examples = [str(path) for path in examples.write(folder / "examples")]
        self.groups = list(translator.groups)
        self.ids = itertools.count(1)
        with gr.Blocks(title=TITLE, analytics_enabled=False) as self.blocks:
            self._lay_out()
            self._connect()

    def _lay_out(self) -> None:
        several = len(self.groups) > 1
        self.state = gr.State(None, time_to_live=3 * 3600)
        gr.HTML(INTRO, elem_id="lomit-title")
        self.brush: dict[str, gr.HTML] = {}
        self.file: dict[str, gr.File] = {}
        self.tray: dict[str, gr.Gallery] = {}
        with gr.Row(equal_height=False):
            for side, title in zip(SIDES, ("Your picture", "Exemplar"), strict=True):
                with gr.Column(min_width=300, elem_id=f"lomit-{side}"):
                    self.file[side] = gr.File(
                        label=f"{title}: drop or pick a file", file_types=["image"], height=96,
                        elem_id=f"lomit-{side}-file", elem_classes="lomit-drop",
                    )  # fmt: skip
                    self.brush[side] = gr.HTML(
                        None, html_template=asset("mask_brush.html"), js_on_load=asset("mask_brush.js"),
                        apply_default_css=False, elem_id=f"lomit-{side}-mask",
                    )  # fmt: skip
                    self.tray[side] = self._gallery(
                        "Examples", side, [(path, None) for path in self.examples], columns=len(self.examples)
                    )
                    if side == "exemplar":
                        self.chosen = self._gallery("Your exemplars: click one to paint its mask", "chosen", None)
                        self.remove = gr.Button("Remove this exemplar", size="sm", visible=False)
            with gr.Column(min_width=300, elem_id="lomit-result"):
                self.slider = gr.ImageSlider(
                    label="Before and after", type="numpy", interactive=False, buttons=["fullscreen"],
                    slider_position=50, elem_id="lomit-slider",
                )  # fmt: skip
                self.status = gr.Markdown("Loading ...", elem_id="lomit-status")
                self.strength = gr.Slider(
                    0, 2, value=1, step=0.05, label="Strength", info="0: no change; 1: as the model does it",
                    elem_id="lomit-strength",
                )  # fmt: skip
                self.painted = gr.Radio(
                    self.groups, value=self.groups[0], label="Paint the mask of", visible=several,
                    elem_id="lomit-painted",
                )  # fmt: skip
                self.taken = gr.CheckboxGroup(
                    self.groups, value=self.groups, label="Take from the exemplar", visible=several,
                    elem_id="lomit-taken",
                )  # fmt: skip
                with gr.Row():
                    self.save = {
                        kind: gr.Button(f"Download {kind}", size="md", min_width=120, elem_id=f"lomit-save-{kind}")
                        for kind in ("picture", "masks")
                    }
                self.ready = {
                    kind: gr.DownloadButton(elem_id=f"lomit-ready-{kind}", visible="hidden") for kind in self.save
                }
        self.all = gr.Gallery(
            label="With each exemplar: click one to see it large", show_label=True, columns=4, height="auto",
            object_fit="contain", allow_preview=False, visible=False, elem_id="lomit-all", interactive=False,
        )  # fmt: skip

    def _gallery(self, label: str, name: str, value: Any, columns: int = MAX_EXEMPLARS) -> gr.Gallery:
        return gr.Gallery(
            value, label=label, columns=columns, rows=1, height=84, object_fit="cover", allow_preview=False,
            interactive=False, buttons=[], elem_id=f"lomit-{name}-tray", elem_classes="lomit-tray",
            visible=value is not None,
        )  # fmt: skip

    def _connect(self) -> None:
        settings = [self.taken, self.strength]
        pictures = [*self.brush.values(), self.chosen, self.remove]
        results = [self.slider, self.status, self.all]
        quiet: dict[str, Any] = {
            "show_progress": "hidden",
            "queue": True,
            "concurrency_limit": 4,
            "api_visibility": "private",
        }

        def on(
            event: Callable[..., Any], act: Callable[..., Any], inputs: list[Any], outputs: list[Any], **more: Any
        ) -> Any:
            return event(act, [self.state, self.painted, *settings, *inputs], outputs, **(quiet | more))

        self.blocks.load(self._start, [self.painted, *settings], [self.state, *pictures, *results], **quiet)
        for side in SIDES:
            emptied = [self.file[side], *pictures, *results]
            on(self.file[side].upload, functools.partial(self._upload, side), [self.file[side]], emptied)
            on(self.tray[side].select, self._example(side), [], [*pictures, *results])
            on(
                self.brush[side].input, functools.partial(self._paint, side), [self.brush[side]], results,
                trigger_mode="always_last",
            )  # fmt: skip
        for gallery in (self.chosen, self.all):
            on(gallery.select, self._choose, [], [*pictures, *results])
        on(self.remove.click, self._remove, [], [*pictures, *results])
        on(self.painted.change, self._switch, [], [*self.brush.values()], trigger_mode="always_last")
        for changed in (self.taken.change, self.strength.change):
            on(changed, self._results, [], results, trigger_mode="always_last")
        for kind, button in self.save.items():
            done = on(
                button.click, functools.partial(self._save, kind), [], [self.ready[kind]], show_progress="minimal"
            )
            done.success(None, None, None, js=_click(f"lomit-ready-{kind}"))

    # Handlers: each takes the session, the group that is painted, the groups that are taken, and the strength.

    def _start(self, painted: str, taken: list[str], strength: float) -> list[Any]:
        session = Session(self.translator)
        for side, path in zip(SIDES, self.examples, strict=False):
            session.open(side, path, Path(path).name)
        return [session, *self._pictures(session, painted), *self._results(session, painted, taken, strength)]

    def _upload(
        self, side: str, session: Session, painted: str, taken: list[str], strength: float, path: str | None
    ) -> list[Any]:
        if path is None:
            raise gr.Error("No file arrived; try again", title="Not opened")
        _opened(session, side, path)
        return [None, *self._after(session, side, painted, taken, strength)]

    def _example(self, side: str) -> Callable[..., list[Any]]:
        # Gradio finds by a function's own annotation that it wants the event, so functools.partial will not do.
        def opened(
            session: Session, painted: str, taken: list[str], strength: float, event: gr.SelectData
        ) -> list[Any]:
            _opened(session, side, self.examples[int(event.index)])
            return self._after(session, side, painted, taken, strength)

        return opened

    def _paint(
        self, side: str, session: Session, painted: str, taken: list[str], strength: float, value: dict[str, Any] | None
    ) -> list[Any]:
        """A stroke; one that was meant for another picture or group comes too late, and is dropped."""
        shown = _live(session).shown.get(side)
        picture = session.picture(side)
        if not value or shown is None or picture is None or value.get("id") != shown[0]:
            return [gr.skip()] * 3
        try:
            layer = read_layer(value.get("mask", ""), picture.size)
        except LayerError as error:
            raise gr.Error(str(error), title="Not painted") from error
        picture.paint(shown[1], layer)
        return self._results(session, painted, taken, strength)

    def _choose(
        self, session: Session, painted: str, taken: list[str], strength: float, event: gr.SelectData
    ) -> list[Any]:
        _live(session).choose(int(event.index))
        return self._after(session, "exemplar", painted, taken, strength)

    def _remove(self, session: Session, painted: str, taken: list[str], strength: float) -> list[Any]:
        _live(session).remove()
        return self._after(session, "exemplar", painted, taken, strength)

    def _switch(self, session: Session, painted: str, taken: list[str], strength: float) -> list[Any]:
        return [self._for_brush(_live(session), side, painted) for side in SIDES]

    def _save(self, kind: str, session: Session, painted: str, taken: list[str], strength: float) -> str:
        try:
            with tempfile.TemporaryDirectory(dir=self.folder) as folder:
                files = _live(session).save(_settings(taken, strength), Path(folder))
                return str(Path(self.ready[kind].move_resource_to_block_cache(files[kind == "masks"]) or ""))
        except (ValueError, OSError) as error:
            raise gr.Error(str(error), title="Not saved") from error

    # What the components show.

    def _after(self, session: Session, side: str, painted: str, taken: list[str], strength: float) -> list[Any]:
        return [*self._pictures(session, painted, side), *self._results(session, painted, taken, strength)]

    def _pictures(self, session: Session, painted: str, only: str | None = None) -> list[Any]:
        """For both brushes (or one), the tray of exemplars, and the button that removes one."""
        brushes = [self._for_brush(session, side, painted) if only in (None, side) else gr.skip() for side in SIDES]
        several = len(session.exemplars) > 1
        small = [(p.screen.photo.rgb, None) for p in session.exemplars] if several else None
        tray = gr.update(value=small, visible=several, selected_index=session.chosen if several else None)
        return [*brushes, tray, gr.update(visible=several)]

    def _for_brush(self, session: Session, side: str, group: str) -> dict[str, Any] | None:
        picture = session.picture(side)
        if picture is None:
            return None
        number = next(self.ids)
        session.shown[side] = number, group
        return {"id": number, **picture.for_browser(group)}

    def _results(self, session: Session, painted: str, taken: list[str], strength: float) -> list[Any]:
        """For the slider, the line below it, and the gallery of all exemplars."""
        if not taken:
            return [gr.skip(), "Choose at least one attribute to take from the exemplar.", gr.skip()]
        try:
            shown = _live(session).show(_settings(taken, strength))
        except ValueError as error:
            raise gr.Error(str(error), title="Not translated") from error
        if shown is None:
            return [None, "Open a picture and an exemplar.", gr.update(visible=False)]
        several = len(shown.after) > 1
        gallery = gr.update(value=[(image, name) for name, image in shown.after] if several else None, visible=several)
        return [(shown.before, shown.after[session.chosen][1]), _said(shown), gallery]


def _live(session: Session | None) -> Session:
    if session is None:
        raise gr.Error("This page was open for too long; reload it.", title="Expired")
    return session


def _opened(session: Session, side: str, path: str) -> None:
    try:
        _live(session).open(side, path, Path(path).name)
    except (ValueError, OSError) as error:
        raise gr.Error(str(error), title="Not opened", duration=None) from error


def _settings(taken: list[str], strength: float) -> Settings:
    return Settings(tuple(taken), float(strength))


def _said(shown: Any) -> str:
    """The line below the result: how long it took, and the notes."""
    count = len(shown.after)
    what = f"{count} exemplars" if count > 1 else "Translated"
    how = f"{what} in **{shown.seconds * 1000:.0f} ms**"
    kept = count - shown.encoded
    if kept:
        how += " (exemplar kept from before)" if count == 1 else f" ({kept} of them kept from before)"
    return how + "".join(f"  \n{note[:1].upper()}{note[1:]}." for note in shown.notes)


def _click(elem_id: str) -> str:
    """JavaScript that clicks a hidden download button once it has its file."""
    return f"""() => setTimeout(() => {{
        const found = document.querySelector("#{elem_id} a, a#{elem_id}, #{elem_id} button, button#{elem_id}");
        found.click();
    }}, 100)"""
