"""What the tests of the static page share: building it, serving it with faults, and using it in a browser."""

from __future__ import annotations

import base64
import contextlib
import functools
import http.server
import importlib.util
import io
import json
import os
import shutil
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "site"
WINDOW = """async ([base, data]) => {
    globalThis.networks ??= await (await import('./js/networks.js')).load(base, null, () => {});
    const { decoded } = await import('./js/photo.js'), { FramedPhoto } = await import('./js/framed_photo.js');
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    return (await FramedPhoto.open(networks, await decoded(new Blob([bytes]), 'a'), 'a', 'input')).window;
}"""
FACES = """async ([base, portraits]) => {
    globalThis.networks ??= await (await import('./js/networks.js')).load(base, null, () => {});
    const { decoded } = await import('./js/photo.js'), { findFaces } = await import('./js/faces.js');
    const found = [];
    for (const portrait of portraits) {
        const bytes = Uint8Array.from(atob(portrait), (letter) => letter.charCodeAt(0));
        found.push((await findFaces(networks.face, await decoded(new Blob([bytes]), 'portrait.png'))).all);
    }
    return found;
}"""
OFFLINE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH")


def faces_of(page: Any, url: str, path: Path) -> list[list[dict[str, Any]]]:
    """The faces that a page of `url` finds in a picture, and in it upside down, as `findFaces` has them."""
    turned = io.BytesIO()
    Image.open(path).rotate(180).save(turned, "PNG")
    both = [base64.b64encode(data).decode() for data in (path.read_bytes(), turned.getvalue())]
    found: list[list[dict[str, Any]]] = page.evaluate(FACES, [url, both])
    return found


def builder() -> ModuleType:
    """site/build.py as a module; `site` itself is one of Python's own."""
    found = importlib.util.spec_from_file_location("lomit_site_build", SITE / "build.py")
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[found.name] = module
    found.loader.exec_module(module)
    return module


def installed(build: ModuleType) -> Path:
    """site/node_modules, installed from the lock file; skips where npm or its registry is missing."""
    from lomit_tf.commands import Failure

    if shutil.which("npm") is None:
        pytest.skip("npm is not installed (it comes with Node.js 20 or newer)")
    try:
        return build.install()
    except Failure as failure:
        if any(code in str(failure) for code in OFFLINE):
            pytest.skip(f"npm cannot reach its registry: {failure}")
        raise


def page_of(model: str, folder: Path) -> Path:
    """A page with this model: one of those that $LOMIT_PAGE names, or built into a new folder."""
    for given in filter(None, os.environ.get("LOMIT_PAGE", "").split(os.pathsep)):
        if json.loads((Path(given) / "lomit-page.json").read_text(encoding="utf-8"))["model"] == model:
            return Path(given)
    build = builder()
    installed(build)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SITE))
        assert build.run([f"--out={folder / 'page'}", f"--model={model}"]) == 0
    return folder / "page"


class Server:
    """A folder over HTTP. It remembers what it was asked for, and cuts off or refuses what it is told to.

    Attributes:
      asked: paths of all requests, in their order.
      cut: {path: how often} answers end half way through a file.
      refused: paths that are answered with 404.
    """

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        self.cut: dict[str, int] = {}
        self.refused: set[str] = set()
        self._open: set[socket.socket] = set()
        outer = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            """Quiet, and with the faults of the server around it."""

            protocol_version = "HTTP/1.1"

            def log_message(self, *args: object) -> None:
                """Nothing."""

            def setup(self) -> None:
                """Connections are kept: browsers would go on using them after the end."""
                super().setup()
                outer._open.add(self.connection)

            def do_GET(self) -> None:
                path = self.path.lstrip("/")
                outer.asked.append(path)
                if path in outer.refused:
                    self.send_error(404)
                elif outer.cut.get(path, 0) > 0:
                    outer.cut[path] -= 1
                    data = (folder / path).read_bytes()
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data[: len(data) // 2])
                    self.close_connection = True
                else:
                    with contextlib.suppress(ConnectionError):
                        super().do_GET()

        handler = functools.partial(Handler, directory=str(folder))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Nobody listens at the address any more, nor at the other end of connections from before."""
        self.server.shutdown()
        self.server.server_close()
        for connection in self._open:
            with contextlib.suppress(OSError):  # closed already
                connection.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def served(folder: Path) -> Iterator[Server]:
    """A Server for a block."""
    server = Server(folder)
    try:
        yield server
    finally:
        server.stop()


class Page:
    """The page in a browser. What it logs as an error, and what it asks other servers for, is in `wrong`."""

    def __init__(self, browser: Any, url: str, width: int = 1280, **options: Any) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(240_000)
        self.wrong: list[str] = []
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", lambda m: self.wrong.append(m.text) if m.type == "error" else None)
        self.page.on(
            "request", lambda r: None if r.url.startswith((url, "data:", "blob:")) else self.wrong.append(r.url)
        )
        self.page.goto(url)

    def ready(self) -> str:
        """Wait until everything is loaded and the examples are translated: "offline", or "online"."""
        self.page.locator("body[data-ready]").wait_for()
        return str(self.page.locator("body").get_attribute("data-ready"))

    def fault(self) -> str:
        """Wait for a sentence about what went wrong, and close it."""
        fault = self.page.locator("#fault")
        fault.wait_for()
        text = fault.locator("p").inner_text()
        fault.get_by_role("button").click()
        return text

    def results(self) -> int:
        """How many results were shown."""
        return int(self.page.locator("#lomit-slider").get_attribute("data-result") or 0)

    def until(self, act: Callable[[], Any]) -> None:
        """Do something, and wait for another result, and until nothing is being computed."""
        before = self.results()
        act()
        self.page.locator(f"#lomit-slider:not([data-result='{before}'])").wait_for(state="attached")
        self.page.locator("body:not(.working)").wait_for()

    def upload(self, side: str, data: bytes, name: str) -> None:
        """Give the page a file."""
        file = {"name": name, "mimeType": "image/jpeg", "buffer": data}
        self.page.locator(f"#lomit-{side}-file input").set_input_files(file)  # type: ignore[arg-type]

    def open(self, side: str, data: bytes, name: str = "picture.jpg") -> None:
        """Give the page a picture, and wait for its result."""
        self.until(lambda: self.upload(side, data, name))

    def colour(self, text: str) -> None:
        """Take a colour instead of an exemplar."""
        self.page.locator(".colour-text").fill(text)
        self.until(lambda: self.page.locator(".colour-add").click())

    def set_strength(self, value: float) -> None:
        """Move the slider of the strength."""
        self.until(lambda: self.page.locator("#strength").fill(str(value)))

    def download(self) -> tuple[str, np.ndarray]:
        """The file's name, and the picture as (H, W, 3 or 4) uint8."""
        with self.page.expect_download() as waiting:
            self.page.locator("#lomit-save-picture").click()
        with Image.open(waiting.value.path()) as image:
            return waiting.value.suggested_filename, np.asarray(image)

    def layer(self, side: str) -> np.ndarray:
        """The mask as it lies on the brush's canvas: (h, w) uint8."""
        url = self.page.locator(f"#lomit-{side}-mask .mb-mask").evaluate("canvas => canvas.toDataURL('image/png')")
        from lomit_tf.webapp.mask_edits import PNG_URL, base64

        with Image.open(io.BytesIO(base64.b64decode(url.removeprefix(PNG_URL)))) as image:
            return np.asarray(image.convert("RGBA"))[..., 3]

    def stroke(self, side: str, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Draw from one point to another, in parts of the picture's width and height, with the mouse."""
        canvas = self.page.locator(f"#lomit-{side}-mask .mb-mask")
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
        self.page.mouse.move(*points[0])
        self.page.mouse.down()
        self.page.mouse.move(*points[1], steps=6)
        self.page.mouse.up()


def photograph(size: tuple[int, int], angle: float = 12.0) -> Image.Image:
    """A picture of this width and height with a turned face in it: the portrait of lomit_tf/samples, enlarged, and
    wide bands of other colours beside it, with the grain that cameras have."""
    with Image.open(ROOT / "lomit_tf" / "samples" / "astronaut.png") as sample:
        face = sample.convert("RGB").crop((60, 0, 372, 312))
    side = round(0.8 * min(size))
    bicubic = Image.Resampling.BICUBIC
    face = face.resize((side, side), bicubic).rotate(angle, bicubic, fillcolor=(96, 99, 110))
    picture = Image.linear_gradient("L").resize(size).convert("RGB")
    picture.paste(face, ((size[0] - side) // 2, (size[1] - side) // 3))
    random = np.random.default_rng(1)
    grain = random.integers(-6, 7, (size[1] // 4, size[0] // 4, 1), np.int16).repeat(4, 0).repeat(4, 1)
    pixels = np.asarray(picture, np.int16).copy()
    pixels[: grain.shape[0], : grain.shape[1]] += grain
    return Image.fromarray(np.uint8(np.clip(pixels, 0, 255)))


def jpeg(picture: Image.Image, orientation: int = 1, **options: Any) -> bytes:
    """A JPEG file whose pixels lie as a camera with this EXIF orientation writes them."""
    back = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT], 3: [Image.Transpose.ROTATE_180], 4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE], 6: [Image.Transpose.ROTATE_90], 7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }  # fmt: skip
    for method in back.get(orientation, []):
        picture = picture.transpose(method)
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", exif=exif, **{"quality": 92} | options)
    return buffer.getvalue()
