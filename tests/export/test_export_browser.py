"""The ONNX files of shipped weights in a browser page: onnxruntime-web in a headless Chromium, against Keras."""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

import lomit_tf

DIST = os.environ.get("LOMIT_ONNXRUNTIME_WEB", "")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PAGE = '<!doctype html><script src="ort.wasm.min.js"></script>'
RUN = """
async ([part, inputs]) => {
    ort.env.wasm.numThreads = 1;
    const session = await ort.InferenceSession.create(part + ".onnx", {executionProviders: ["wasm"]});
    const feed = {};
    for (const [name, shape] of Object.entries(inputs)) {
        const data = await (await fetch(name + ".bin")).arrayBuffer();
        feed[name] = new ort.Tensor("float32", new Float32Array(data), shape);
    }
    const result = Object.values(await session.run(feed))[0];
    return [Array.from(result.dims), Array.from(result.data)];
}
"""


class Files(http.server.SimpleHTTPRequestHandler):
    """Quiet."""

    def log_message(self, *args: object) -> None:
        """Nothing."""


@pytest.mark.slow
def test_a_page_gets_the_models_numbers(tmp_path):
    if not DIST:
        pytest.skip("LOMIT_ONNXRUNTIME_WEB does not name the folder onnxruntime-web/dist of the npm package")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra dev)")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser: looked for {', '.join(BROWSERS)}")
    from export import graphs
    from export.onnx_models import write_onnx

    model = lomit_tf.load("drawn_faces")
    for part in ("mask_net", "generator"):
        write_onnx(model, part, tmp_path / f"{part}.onnx")
    (tmp_path / "index.html").write_text(PAGE)
    for file in Path(DIST).glob("ort*wasm*"):
        (tmp_path / file.name).symlink_to(file)
    random = np.random.default_rng(7)
    feed = {name: random.uniform(-1, 1, (1, 64, 64, 3)).astype("<f4") for name in ("image", "exemplar")}
    for name in ("image_masks", "exemplar_masks"):
        feed[name] = random.uniform(0, 1, (1, 64, 64, 2)).astype("<f4")
    feed["transfer"] = np.array([[1, 0]], "<f4")
    for name, value in feed.items():
        (tmp_path / f"{name}.bin").write_bytes(value.tobytes())

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with playwright.sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"] if os.geteuid() == 0 else [])
            page = browser.new_page()
            page.set_default_timeout(60_000)
            page.goto(f"http://127.0.0.1:{server.server_address[1]}/index.html")
            shapes = {name: list(value.shape) for name, value in feed.items()}
            masks_shape, masks = page.evaluate(RUN, ["mask_net", {"image": shapes["image"]}])
            shape, translation = page.evaluate(RUN, ["generator", shapes])
            browser.close()
    finally:
        server.shutdown()
    expected = np.asarray(graphs.mask_net(model, feed["image"]))
    np.testing.assert_allclose(np.reshape(masks, masks_shape), expected, atol=1e-4)
    expected = np.asarray(graphs.generator(model, *feed.values())["translation"])
    np.testing.assert_allclose(np.reshape(translation, shape), expected, atol=1e-4)
