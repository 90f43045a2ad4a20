"""The page in a real browser: upload, paint, erase, undo, groups, exemplars, colours, bad files, downloads, on a phone.

Needs Gradio (extra app), Playwright and a Chromium. The model is untrained: its masks are soft everywhere and what it
paints differs from what it is given, so that every masked pixel changes.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from lomit_tf.data import drawn_faces

WIDTH, HEIGHT = 160, 120
READY = "[...document.querySelectorAll('.mb')].every(m => m.dataset.id) && document.querySelector('#lomit-slider img')"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def url(tiny) -> Iterator[str]:
    """A served page, with a model of two groups."""
    pytest.importorskip("gradio", reason="gradio is not installed (extra app)")
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install playwright)")
    from lomit_tf.model import Lomit
    from lomit_tf.photos.translator import Translator
    from lomit_tf.webapp import server as serving

    config = tiny(attributes=("Black_Hair", "Smiling"), groups="hair: Black_Hair; mouth: Smiling")
    keras.utils.set_random_seed(7)
    with serving.serve(Translator(Lomit(config), log_notes=False), port=0) as served:
        yield served.url


@pytest.fixture(scope="module")
def colours_url(tiny) -> Iterator[str]:
    """A served page, with a model whose only group is painted by colour curves, and a licence notice."""
    pytest.importorskip("gradio", reason="gradio is not installed (extra app)")
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install playwright)")
    from lomit_tf.model import Lomit
    from lomit_tf.photos.translator import Translator
    from lomit_tf.webapp import server as serving

    config = tiny(system="recipe", colour_groups=("all",))
    keras.utils.set_random_seed(7)
    with serving.serve(Translator(Lomit(config), log_notes=False), port=0, notice="For <birds> only.") as served:
        yield served.url


@pytest.fixture
def open_page(browser, url) -> Iterator[Callable[..., Any]]:
    """open_page(width): the page once it shows a result. Fails the test for errors and requests to other servers."""
    wrong: list[str] = []
    contexts = []

    def opened(width: int = 1280, at: str = url, **options: Any) -> Any:
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, **options))
        page = contexts[-1].new_page()
        page.set_default_timeout(90_000)  # other tests run beside it
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("request", lambda r: None if r.url.startswith((at, "data:", "blob:")) else wrong.append(r.url))
        page.goto(at)
        page.wait_for_function(READY)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def photo(tmp_path) -> Path:
    face = drawn_faces.draw([3], size=WIDTH).images[0][:HEIGHT]
    Image.fromarray(face).save(tmp_path / "my photo.png")
    return tmp_path / "my photo.png"


def result(page: Any) -> str:
    """The addresses of the slider's two pictures, which Gradio makes of their contents."""
    return page.evaluate("[...document.querySelectorAll('#lomit-slider img')].map(i => i.src).join(' ')")


def until(page: Any, before: str, act: Callable[[], Any]) -> str:
    """Do something, wait for another result than before, and give it."""
    act()
    page.wait_for_function(
        "before => { const now = [...document.querySelectorAll('#lomit-slider img')].map(i => i.src).join(' ');"
        " return now && now !== before; }",
        arg=before,
    )
    return result(page)


def upload(page: Any, side: str, *paths: Path) -> str:
    """Upload pictures, and wait until the brush shows the last and the result has followed."""
    mask = page.locator(f"#lomit-{side}-mask .mb")
    shown = mask.get_attribute("data-id")
    now = until(
        page, result(page), lambda: page.locator(f"#lomit-{side}-file input").set_input_files([str(p) for p in paths])
    )
    page.wait_for_function(
        "([side, shown]) => document.querySelector(`#lomit-${side}-mask .mb`).dataset.id !== shown", arg=[side, shown]
    )
    return now


def tool(page: Any, name: str, side: str = "input") -> Any:
    return page.locator(f"#lomit-{side}-mask").get_by_role("button", name=name, exact=True)


def stroke(page: Any, start: tuple[float, float], end: tuple[float, float], side: str = "input") -> None:
    """Draw from one point to another, in parts of the picture's width and height, with the mouse."""
    canvas = page.locator(f"#lomit-{side}-mask .mb-mask")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.mouse.move(*points[0])
    page.mouse.down()
    page.mouse.move(*points[1], steps=6)
    page.mouse.up()


def distance(start: tuple[float, float], end: tuple[float, float]) -> np.ndarray:
    """Of each pixel (HEIGHT, WIDTH) from the line between two points, in pixels."""
    a, b = (np.array([x * WIDTH, y * HEIGHT]) for x, y in (start, end))
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    along = np.clip(((x - a[0]) * (b - a)[0] + (y - a[1]) * (b - a)[1]) / ((b - a) ** 2).sum(), 0, 1)
    return np.hypot(x - a[0] - along * (b - a)[0], y - a[1] - along * (b - a)[1])


def download(page: Any, kind: str) -> tuple[str, bytes]:
    with page.expect_download(timeout=90_000) as found:
        page.locator(f"#lomit-save-{kind}").click()
    return found.value.suggested_filename, Path(found.value.path()).read_bytes()


def layer(page: Any, group: str) -> np.ndarray:
    """The input's mask of a group, as it is downloaded, (HEIGHT, WIDTH) uint8."""
    with zipfile.ZipFile(io.BytesIO(download(page, "masks")[1])) as packed:
        (name,) = (n for n in packed.namelist() if n.endswith(f".input_mask.{group}.png"))
        return np.asarray(Image.open(io.BytesIO(packed.read(name))))


def changed(page: Any, photo: Path) -> np.ndarray:
    """Which pixels of the downloaded picture differ from the uploaded, (HEIGHT, WIDTH)."""
    name, data = download(page, "picture")
    assert name.startswith("my_photo_as_")
    return np.any(np.asarray(Image.open(io.BytesIO(data))) != np.asarray(Image.open(photo)), axis=-1)


def test_painted_erased_and_undone_pixels_change_and_no_others(open_page, photo):
    page = open_page()
    now = upload(page, "input", photo)
    # Both groups' masks are emptied, then one is painted.
    now = until(page, now, tool(page, "Clear").click)
    page.locator("#lomit-painted").get_by_text("mouth").click()
    page.wait_for_function(
        "before => document.querySelector('#lomit-input-mask .mb').dataset.id !== before",
        arg=page.locator("#lomit-input-mask .mb").get_attribute("data-id"),
    )
    now = until(page, now, tool(page, "Clear").click)
    assert not changed(page, photo).any()
    tool(page, "Hard").click()
    page.get_by_label("Brush size").first.fill("20")
    first = (0.2, 0.3), (0.8, 0.3)
    painted = until(page, now, lambda: stroke(page, *first))
    found, away, radius = changed(page, photo), distance(*first), 0.2 * WIDTH / 2
    assert found[away < radius - 1.5].mean() > 0.9
    assert not found[away > radius + 1.5].any()

    tool(page, "Erase").click()
    second = (0.5, 0.1), (0.5, 0.5)
    erased = until(page, painted, lambda: stroke(page, *second))
    found, from_second = changed(page, photo), distance(*second)
    assert not found[(away > radius + 1.5) | (from_second < radius - 1.5)].any()
    assert found[(away < radius - 1.5) & (from_second > radius + 1.5)].mean() > 0.9

    assert until(page, erased, tool(page, "Undo").click) == painted
    assert until(page, painted, tool(page, "Redo").click) == erased
    page.locator("#lomit-input-mask .mb").focus()
    assert until(page, erased, lambda: page.keyboard.press("Control+z")) == painted

    # A soft brush: its mask falls from 1 to 0, and half way it is neither.
    tool(page, "Clear").click()
    tool(page, "Paint").click()
    tool(page, "Soft").click()
    until(page, painted, lambda: stroke(page, *first))
    assert download(page, "masks")[0].endswith(".masks.zip")
    mask = layer(page, "mouth") / 255
    assert mask.shape == (HEIGHT, WIDTH)
    assert mask[away < 1].min() > 0.9
    assert mask[away > radius * 1.8].max() == 0
    rim = mask[np.abs(away - radius * 0.7) < 1]
    assert 0.3 < rim.mean() < 0.7

    # The model's masks again, of both groups.
    tool(page, "Reset").click()
    assert 0 < layer(page, "mouth").max() < 255


def test_only_the_chosen_groups_change(open_page, photo):
    page = open_page()
    now = upload(page, "input", photo)
    now = until(page, now, tool(page, "Clear").click)
    tool(page, "Hard").click()
    line = (0.2, 0.2), (0.8, 0.2)
    now = until(page, now, lambda: stroke(page, *line))
    both = changed(page, photo)
    assert both[distance(*line) > 0.12 * WIDTH].any()  # the mouth's own mask is everywhere else
    until(page, now, page.locator("#lomit-taken").get_by_text("mouth").click)
    hair = changed(page, photo)
    assert hair.any()
    assert not hair[distance(*line) > 0.06 * WIDTH + 1.5].any()
    page.locator("#lomit-taken").get_by_text("hair").click()
    page.get_by_text("at least one attribute").wait_for()


def test_bad_files_are_named_and_change_nothing(open_page, photo, tmp_path):
    page = open_page()
    now = upload(page, "input", photo)
    (tmp_path / "holiday.png").write_text("this is no picture")
    page.locator("#lomit-input-file input").set_input_files(str(tmp_path / "holiday.png"))
    toast = page.locator(".toast-body", has_text="holiday.png")
    toast.wait_for()
    assert "not an image" in toast.inner_text()
    assert result(page) == now
    # The page goes on: a stroke counts at once, and the drop zone takes the next file.
    until(page, now, tool(page, "Clear").click)
    assert not layer(page, "hair").any()
    assert page.locator("#lomit-input-file input").count() == 1


def test_a_stroke_made_while_a_refused_file_is_read_counts(open_page, photo, tmp_path):
    page = open_page()
    now = upload(page, "input", photo)
    shown = page.locator("#lomit-input-mask .mb").get_attribute("data-id")
    # Its upload takes longer than the stroke; it is cut off, so that it is refused only after all of it was read.
    noise = np.random.default_rng(0).integers(0, 256, (3000, 3000, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "cut.png", compress_level=0)
    data = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(data[:-2000])
    page.locator("#lomit-input-file input").set_input_files(str(tmp_path / "cut.png"))
    tool(page, "Clear").click()
    page.locator(".toast-body", has_text="cut.png").wait_for()
    page.wait_for_timeout(1000)  # time to draw the brush anew, which must not happen
    assert page.locator("#lomit-input-mask .mb").get_attribute("data-id") == shown
    assert result(page) != now
    assert not layer(page, "hair").any()


def test_a_stroke_made_while_another_group_is_on_its_way_counts_for_the_first(open_page, photo):
    page = open_page()
    now = upload(page, "input", photo)
    clear_at_once = """() => {
        document.querySelector("#lomit-painted input[value=mouth]").click();
        document.querySelector("#lomit-input-mask .mb-clear").click();
    }"""
    until(page, now, lambda: page.evaluate(clear_at_once))
    assert not layer(page, "hair").any()
    assert layer(page, "mouth").any()


def test_strength_and_several_exemplars(open_page, photo, tmp_path):
    page = open_page()
    start = result(page)
    now = until(page, start, lambda: page.locator("#lomit-strength input[type=number]").fill("0"))
    before, after = now.split(" ")
    assert before == after
    until(page, now, lambda: page.locator("#lomit-strength input[type=number]").fill("1"))
    assert result(page) == start

    more = tmp_path / "<b>evil ${1+1}.png"
    Image.fromarray(drawn_faces.draw([8], size=64).images[0]).save(more)
    upload(page, "exemplar", photo, more)
    page.wait_for_function("document.querySelectorAll('#lomit-all .strip button').length === 2")
    names = page.locator("#lomit-all .strip span").all_inner_texts()
    assert names[0] == "my photo.png"
    assert "evil" in names[1]
    assert page.locator("#lomit-all .strip b").count() == 0
    second = result(page)
    first = until(page, second, page.locator("#lomit-exemplars .strip button").first.click)
    assert download(page, "picture")[0].endswith("_as_my_photo.png")
    assert until(page, first, page.locator("#lomit-all .strip button").nth(1).click) == second
    # An exemplar's mask decides, too.
    until(page, second, tool(page, "Clear", "exemplar").click)
    page.get_by_label("Compare several").uncheck()
    page.wait_for_function("document.querySelectorAll('#lomit-all .strip button').length === 0")


def test_a_colour_is_added_compared_saved_and_removed(open_page, colours_url, photo):
    page = open_page(at=colours_url)
    assert "For <birds> only." in page.locator("#lomit-title").inner_text()
    upload(page, "input", photo)
    each = "document.querySelectorAll('#lomit-all .strip button').length === "
    page.locator(".colour-text").fill("mauvish")
    page.locator(".colour-add").click()
    page.locator(".toast-body", has_text="'mauvish' cannot be read").wait_for()
    assert page.locator("#lomit-all .strip button").count() == 0

    page.locator(".colour-text").fill("saddlebrown")
    page.locator(".colour-text").press("Enter")
    page.wait_for_function(each + "2")
    page.locator(".colour-pick").fill("#2b6fd6")
    assert page.locator(".colour-text").input_value() == "#2b6fd6"
    page.locator(".colour-add").click()
    page.wait_for_function(each + "3")
    assert page.locator("#lomit-all .strip span").all_inner_texts()[1:] == ["#8b4513", "#2b6fd6"]
    assert page.get_by_label("Compare several").is_checked()
    assert not page.locator("#lomit-exemplar-mask .mb-tools").first.is_visible()
    name, data = download(page, "picture")
    assert name == "my_photo_as_2b6fd6.png"
    assert np.any(np.asarray(Image.open(io.BytesIO(data))) != np.asarray(Image.open(photo)))

    page.locator("#lomit-remove").click()
    page.wait_for_function(each + "2")
    assert page.locator("#lomit-all .strip span").all_inner_texts()[1:] == ["#8b4513"]
    page.locator("#lomit-remove").click()
    page.wait_for_function(each + "0")
    assert not page.locator("#lomit-remove").is_visible()
    assert tool(page, "Clear", "exemplar").is_visible()


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_it_fits_a_phone_and_a_desktop(open_page, width, scheme):
    page = open_page(width, color_scheme=scheme, has_touch=width < 500)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    canvas = page.locator("#lomit-input-mask .mb-mask")
    picture = page.locator("#lomit-input-mask .mb-picture")
    assert canvas.bounding_box() == pytest.approx(picture.bounding_box(), abs=1)
    now = result(page)
    if width < 500:  # with a finger, on the same spot that a person sees
        canvas.scroll_into_view_if_needed()
        until(page, now, canvas.tap)
    else:
        until(page, now, lambda: stroke(page, (0.3, 0.8), (0.7, 0.8)))
    assert tool(page, "Undo").is_enabled()
