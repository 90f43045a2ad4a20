"""Serving the page, from threads of this process."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # Gradio reads it when it is imported

import gradio as gr

from lomit_tf.photos.translator import Translator
from lomit_tf.webapp import page, parts

MAX_FILE = "64mb"
MAX_VISITORS = 20  # whose pictures are kept in memory at a time; the one who was away for longest gives way
FONTS = ("system-ui", "sans-serif")  # of the visitor's machine: the page asks no other server for anything


class RunningPage:
    """A page that is being served; a context manager that stops it and removes its files."""

    def __init__(self, blocks: gr.Blocks, folder: tempfile.TemporaryDirectory[str]) -> None:
        self.blocks, self.folder = blocks, folder
        self.url: str = blocks.local_url
        self.share_url: str | None = blocks.share_url

    def __enter__(self) -> RunningPage:
        return self

    def __exit__(self, *error: object) -> None:
        self.blocks.close(verbose=False)
        self.folder.cleanup()


def serve(
    translator: Translator, *, host: str = "127.0.0.1", port: int = 7860, share: bool = False, notice: str = ""
) -> RunningPage:
    """Serve the page from threads of this process, until the result is closed.

    Args:
      translator: the model to use.
      host, port: where to listen; port 0 takes a free one.
      share: also open a public link through Gradio's servers.
      notice: what users must know of the weights' licence; the page shows it.

    Raises:
      OSError: the address or port cannot be used.
    """
    folder = tempfile.TemporaryDirectory(prefix="lomit-app-")
    try:
        port = free_port(host, port)
        blocks = page.build(translator, Path(folder.name), notice)
        blocks.launch(
            server_name=host,
            server_port=port,
            share=share,
            prevent_thread_lock=True,
            quiet=True,
            inbrowser=False,
            show_error=True,
            max_file_size=MAX_FILE,
            state_session_capacity=MAX_VISITORS,
            footer_links=[],
            ssr_mode=False,
            css=parts.asset("page.css"),
            theme=gr.themes.Default(primary_hue="pink", font=FONTS, font_mono=("monospace",)).set(
                body_text_color_subdued="*neutral_500", body_text_color_subdued_dark="*neutral_400"
            ),
        )
    except BaseException:
        folder.cleanup()
        raise
    return RunningPage(blocks, folder)


def free_port(host: str, port: int) -> int:
    """The port, or a free one for 0. Raises OSError where it cannot be listened on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        return int(found.getsockname()[1])
