"""The page's pure functions in Node, its words and colours, and what a person can look up of it; no model is loaded."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from site_page import ROOT, SITE, builder, installed, photograph

from lomit_tf.engines.outline import Painting
from lomit_tf.imaging import (
    averaging,
    celeba_framing,
    colours,
    framing,
    given_masks,
    mask_edges,
    mask_planes,
    moving,
    paste_back,
)
from lomit_tf.photos import second_look
from lomit_tf.webapp import mask_edits

pytestmark = pytest.mark.quick
TURNED, UPRIGHT = framing.Window(190, 60, 170, 170, 14.0), framing.Window(150, 30, 181, 181)


def test_pure_functions_in_node(tmp_path):
    """site/test: against the golden files of the Java core, and against what OpenCV and NumPy give here."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed (Node.js 20 or newer)")
    installed(builder())
    write_golden(tmp_path)
    write_groups(tmp_path)
    write_moving(tmp_path)
    done = subprocess.run(
        [node, "--test", "--test-reporter=tap"], cwd=SITE, capture_output=True, text=True,
        env={"PATH": str(Path(node).parent), "LOMIT_GOLDEN": tmp_path.as_uri() + "/"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    counted = {name: int(count) for name, count in re.findall(r"^# (\w+) (\d+)$", done.stdout, re.MULTILINE)}
    assert counted["pass"] >= 40 and counted["skipped"] == counted["todo"] == 0, counted


def write_golden(folder: Path) -> None:
    """Pictures and numbers that OpenCV and NumPy make, for site/test to compare with."""
    photo = photograph((480, 360), angle=0)
    rgb = np.asarray(photo)
    photo.save(folder / "photo.png")
    colour = np.random.default_rng(3).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(colour).save(folder / "colours.png")
    Image.fromarray(cv2.cvtColor(colour, cv2.COLOR_RGB2LAB)).save(folder / "lab.png")
    Image.fromarray(cv2.GaussianBlur(colour, (0, 0), 1.0)).save(folder / "blurred.png")
    for name, scale in (("half", 0.5), ("third", 0.37)):
        size = round(480 * scale), round(360 * scale)
        Image.fromarray(averaging.averaged(rgb, *size)).save(folder / f"{name}.png")
    rows, columns = np.mgrid[:64, :64]
    mask = np.float32(np.round(255 * np.clip(1.7 - np.hypot(rows - 40, columns - 30) / 30, 0, 1)) / 255)
    facts: dict[str, object] = {}
    for name, window in (("upright", UPRIGHT), ("turned", TURNED)):
        made, place = mask_edges.extend(rgb, np.dstack([mask, mask]), window.matrix, [1])
        plane, ended = mask_planes.shown_masks(made, place, rgb.shape[:2]).transpose(2, 0, 1)
        assert 0.1 < plane.mean() < 0.9 and (plane > 0.5).any() and 0.02 < ended.mean() < plane.mean() - 0.02
        plane.astype("<f4").tofile(folder / f"{name}.bin")
        ended.astype("<f4").tofile(folder / f"{name}_ended.bin")
        facts[name] = [window.left, window.top, window.width, window.height, window.angle]
    Image.fromarray(np.uint8(np.round(255 * mask))).save(folder / "mask.png")
    found = mask_edits.layer_of(cv2.resize(mask, (480, 360)), (192, 256))
    layer = found.copy()
    layer[60:100, 40:130] = np.linspace(0, 255, 90, dtype=np.uint8)
    for name, plane in (("found", found), ("layer", layer)):
        Image.fromarray(plane).save(folder / f"{name}.png")
    whole = cv2.resize(mask, (480, 360))
    whole.astype("<f4").tofile(folder / "whole.bin")
    mask_edits.applied(layer, found, whole).astype("<f4").tofile(folder / "applied.bin")
    given = [(138, 59, 18), (12, 10, 9), (255, 255, 255), (43, 111, 214)]
    facts["moments"] = [[list(colour), colours.moments(colour).tolist()] for colour in given]
    (folder / "facts.json").write_text(json.dumps(facts))


def write_groups(folder: Path) -> None:
    """Masks of four groups, the last two of which overlap the others; and what a second look makes of a picture."""
    random, side = np.random.default_rng(4), 24
    own = random.uniform(0, 0.6, (side, side, 4)).astype(np.float32)
    given, found = (random.uniform(0, 1, own.shape).astype(np.float32) for _ in range(2))
    regions = np.dstack([own, np.maximum(1 - own.sum(axis=-1), 0)])
    replaced = given_masks.replace(regions, {1: given[..., 1], 2: given[..., 2]}, (2, 3))
    before, raw = (random.uniform(-1, 1, (side, side, 3)).astype(np.float32) for _ in range(2))
    raw[: side // 2] = before[: side // 2] + 0.05 * raw[: side // 2]
    made, asked = Painting(regions, raw), np.float32([0, 0, 1, 1])
    painted = second_look._picture(before, regions, made, asked, 0.8)
    by = random.uniform(-3, 3, (side, side, 2)).astype(np.float32)
    of_moved = second_look._picture(before, regions, dataclasses.replace(made, displacement=by), asked, 0.8)
    seen = second_look._seen_again(before, painted, regions, np.dstack([found, regions[..., -1]]), [1])
    arrays = {
        "own": own, "given": given, "replaced": replaced[..., :4], "before": before, "raw": raw, "painted": painted,
        "found": found, "seen": seen[..., :4], "by": by, "painted_moved": of_moved,
    }  # fmt: skip
    for name, array in arrays.items():
        np.ascontiguousarray(array, "<f4").tofile(folder / f"{name}.bin")


def write_moving(folder: Path) -> None:
    """A picture of what the model sees, and a photograph, whose pixels have moved; in upright and turned windows."""
    random, side = np.random.default_rng(6), 16
    still = random.uniform(-1, 1, (side, side, 3)).astype(np.float32)
    by = random.uniform(-3, 3, (side, side, 2)).astype(np.float32)
    by[:4] = by[:, 12:] = 0
    noise = cv2.GaussianBlur(random.uniform(-400, 655, (120, 150, 3)), (0, 0), 1.5)
    photo = np.uint8(np.clip(np.round(noise), 0, 255))
    Image.fromarray(photo).save(folder / "moving.png")
    smooth = cv2.GaussianBlur(by, (0, 0), 1.0)
    smooth[:2] = smooth[:, :3] = smooth[:, 14:] = 0
    arrays = {
        "still": still, "small_field": by, "small_moved": moving.moved(still, by, linear=True),
        "small_half": moving.moved(still, np.float32(0.5) * by, linear=True), "field": smooth,
    }  # fmt: skip
    facts = {}
    for name, place in (
        ("within", (20, 10, 90, 84, 0.0)), ("beyond", (-15, 30, 120, 120, 0.0)), ("turned", (30, 5, 96, 96, 25.0)),
        ("shrinking", (60, 50, 12, 12, 0.0)),
    ):  # fmt: skip
        window = framing.Window(*place)
        rows, columns = window.inside(photo.shape[:2])
        weights = paste_back.fading(window, photo.shape[:2])
        expected = photo / np.float32(255)
        there = moving.in_photograph(np.float32(1.5) * smooth, window, weights, photo.shape[:2])
        expected[rows, columns] = moving.moved(np.ascontiguousarray(expected[rows, columns]), there)
        arrays[f"moved_{name}"], facts[name] = 255 * expected, place
    for name, array in arrays.items():
        np.ascontiguousarray(array, "<f4").tofile(folder / f"{name}.bin")
    (folder / "windows.json").write_text(json.dumps(facts))


def test_the_framing_is_that_of_python():
    """The numbers are written in three languages."""
    text = (SITE / "js" / "celeba_framing.js").read_text(encoding="utf-8")
    for name, expected in (("SHAPE", celeba_framing.SHAPE), ("CORRECTION", celeba_framing.CORRECTION)):
        block = re.search(rf"export const {name} = \[(.*?)\n\];", text, re.DOTALL)
        assert block
        numbers = [float(n) for n in re.findall(r"-?\d+\.\d+", block[1])]
        np.testing.assert_array_equal(np.reshape(numbers, expected.shape), expected)


def test_words_are_those_of_the_page_that_lomit_app_serves():
    page = " ".join((SITE / "index.html").read_text(encoding="utf-8").split())
    app = {name: (ROOT / "lomit_tf" / "webapp" / name).read_text(encoding="utf-8") for name in ("page.py", "parts.py")}
    words = [
        *re.findall(r'^    "\w+": "<h2>(.*?)</h2>"', app["page.py"], re.MULTILINE),
        *re.findall(r'label="(Strength)", info="(.*?)"', app["page.py"])[0],
        *re.findall(r'label="(Show and paint the masks of|Take from the exemplar)"', app["page.py"]),
        *re.findall(r'^TITLE = "(.*)"', app["page.py"], re.MULTILINE),
        " ".join(re.findall(r'INTRO = """<h1>.*?</h1>\n<p>(.*?)</p>"""', app["parts.py"], re.DOTALL)[0].split()),
    ]
    assert len(words) == 9
    for word in words:
        assert word in page, word


def luminance(code: str) -> float:
    """Relative luminance of #rgb or #rrggbb."""
    rgb = np.array(colours.parse(code)) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("dark", [False, True])
def test_text_can_be_read_in_light_and_dark(dark):
    """Contrasts of at least 4.5, which WCAG 2 asks for (AA)."""
    blocks = re.findall(r":root \{(.*?)\}", (SITE / "page.css").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    values: dict[str, str] = {}
    for block in blocks[: 1 + dark]:
        values |= dict(re.findall(r"--([\w-]+): (#\w+);", block))
    pairs = [
        ("body-text-color", "back"), ("body-text-color", "panel"), ("quiet", "panel"), ("quiet", "back"),
        ("body-text-color", "button-secondary-background-fill"), ("body-text-color", "input-background-fill"),
        ("link", "back"), ("fault-text", "fault-back"),
    ]  # fmt: skip
    codes = [(values[text], values[back]) for text, back in pairs] + [("#fff", values["accent"])]
    for text, back in codes:
        light, deep = sorted((luminance(text), luminance(back)), reverse=True)
        assert (light + 0.05) / (deep + 0.05) >= 4.5, (text, back)


def test_npm_packages_are_pinned():
    package = json.loads((SITE / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((SITE / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    for name, version in (package["dependencies"] | package["devDependencies"]).items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), name
        assert lock[f"node_modules/{name}"]["version"] == version
    assert all(entry.get("integrity", "").startswith("sha512-") for name, entry in lock.items() if name)


def test_nothing_of_node_modules_is_tracked():
    answer = subprocess.run(["git", "ls-files", "site"], cwd=ROOT, capture_output=True, text=True)
    if answer.returncode:
        pytest.skip("not a git checkout")
    assert "site/index.html" in answer.stdout
    assert "node_modules" not in answer.stdout
