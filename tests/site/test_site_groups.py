"""The page with a model of several groups, in a headless Chromium, against Python's Translator on the same pictures.

The two find a face within hundredths of a degree of each other, and lips are only a few of the model's pixels high. So
Python is given the windows that the page has found here; tests/site/test_site_page.py compares what each finds.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from site_page import ROOT, WINDOW, Page, jpeg, page_of, photograph, served

from lomit_tf.webapp.mask_edits import touched_of

pytestmark = pytest.mark.slow
ALL = ("hair", "lips", "smile", "facial_hair")
EXEMPLAR = (ROOT / "lomit_tf/samples/grace_hopper.jpg").read_bytes()


@pytest.fixture(scope="module")
def translator() -> Any:
    """Python's side of the comparison."""
    from lomit_tf.photos.translator import Translator

    return Translator("celeba", log_notes=False)


@pytest.fixture(scope="module")
def visit(browser, tmp_path_factory) -> Iterator[Page]:
    """The page, loaded."""
    with served(page_of("celeba", tmp_path_factory.mktemp("site"))) as server:
        page = Page(browser, server.url)
        page.url = server.url  # type: ignore[attr-defined]
        page.ready()
        yield page
        page.context.close()
        assert page.wrong == []


def take(visit: Page, *names: str) -> None:
    """Tick these groups, and no others."""
    for g, name in sorted(enumerate(ALL), key=lambda pair: pair[1] not in names):  # never none of them
        box = visit.page.locator(f"#lomit-taken input[value='{g}']")
        if box.is_checked() != (name in names):
            visit.until(box.click)


def paint_masks_of(visit: Page, name: str) -> None:
    """Choose which group's masks the brushes show."""
    number = visit.page.locator("#lomit-input-mask .mb").get_attribute("data-id")
    visit.page.locator("#lomit-painted").get_by_label(name.replace("_", " "), exact=True).check()
    visit.page.locator(f"#lomit-exemplar-mask .mb:not([data-id='{number}'])").wait_for()
    visit.page.wait_for_timeout(200)  # until both have decoded their pictures


@pytest.fixture
def compared(visit, translator) -> Callable[..., np.ndarray]:
    """compared(data, groups, ...): the page's picture, once it is Python's but for a few values.

    Measured with the page's windows: at most 3 of 100,000 values differ by more than 1 of 255, by up to 4. What lies
    two pixels outside of the masks is the photograph, to the bit.
    """

    def framed(data: bytes) -> Any:
        from lomit_tf.imaging.framing import Window
        from lomit_tf.imaging.photo import read
        from lomit_tf.photos.translation import FramedPhoto

        window = visit.page.evaluate(WINDOW, [visit.url, base64.b64encode(data).decode()])
        framed = Window(**window, of_face=True)
        overlapping, small = translator.overlapping_groups, translator.small_groups
        return FramedPhoto(read(data), framed, translator.size, (), overlapping, small)

    def compare(
        data: bytes, groups: tuple[str, ...] = ALL, strength: float = 1.0, colour: tuple[str, str] = ("", ""),
        painted: dict[tuple[str, str], tuple[np.ndarray, np.ndarray]] | None = None,
    ) -> np.ndarray:  # fmt: skip
        from lomit_tf.webapp.photograph import Picture

        def picture(side: str, data: bytes) -> Any:
            made = Picture(translator, framed(data), side, exemplar=side == "exemplar")
            for (of, name), (layer, found) in (painted or {}).items():
                if of == side:
                    made.paint(name, np.where(touched_of(layer, found), layer, made.layers[name]))
            return made

        exemplar = (
            translator.encode_colour(colour[0], [colour[1]]) if colour[0]
            else picture("exemplar", EXEMPLAR).encoded(translator)
        )  # fmt: skip
        given = picture("input", data)
        result = translator.translate(given.full, given.masks(full=True), groups, strength, exemplar=exemplar)
        expected, before = result.photo.values.astype(int), given.full.photo.values
        made = visit.download()[1]
        assert made.shape == expected.shape
        difference = np.abs(made - expected)
        few = (difference > 1).mean()
        # Painted masks may differ by 1 of 255 from Python's, and with them how far pixels move. Both sides sample at
        # steps of 1/32 of a pixel, which at a sharp edge are 8 levels.
        most, share = (16, 1e-3) if painted else (4, 1e-4)
        assert difference.max() <= most and few < share, f"{few:.2g} of the values differ by up to {difference.max()}"
        changing = np.max([result.input_masks[name] for name in groups], axis=0)
        outside = cv2.dilate(changing, np.ones((5, 5))) == 0  # where masks end, one of the two may round to 0
        assert outside.mean() > 0.3 and np.array_equal(made[outside], before[outside])
        changed = (made != before).any(axis=-1).mean()
        assert 0.001 < changed < 0.6, f"{changed:.3f} of the pixels changed"
        return made

    return compare


# Turned, those that move pixels, and all.
@pytest.mark.parametrize(
    ("angle", "taken"),
    [
        (0, ("hair", "lips", "smile", "smile facial_hair", "hair smile", "lips smile", " ".join(ALL))),
        (12, ("smile facial_hair", " ".join(ALL))),
    ],
)
def test_groups_are_taken_alone_and_together(visit, compared, angle, taken):
    data = jpeg(photograph((700, 600), angle=angle))
    visit.open("input", data, "photo.jpg")
    visit.open("exemplar", EXEMPLAR, "hopper.jpg")
    for names in taken:
        groups = tuple(names.split())
        take(visit, *groups)
        compared(data, groups)
    visit.set_strength(1.6)  # of which the second look depends, too
    compared(data, strength=1.6)
    visit.set_strength(0)
    with Image.open(io.BytesIO(data)) as image:
        assert np.array_equal(visit.download()[1], np.asarray(image.convert("RGB")))
    visit.set_strength(1)


def test_a_large_photograph(visit, compared):
    """Of 12 megapixels: tests/site/test_site_page.py."""
    data = jpeg(photograph((2400, 1800)), orientation=6)
    visit.open("input", data, "large.jpg")
    visit.open("exemplar", EXEMPLAR, "hopper.jpg")
    assert compared(data).shape == (1800, 2400, 3)


def test_masks_of_each_group_are_painted_on_both_sides(visit, compared):
    data, painted = jpeg(photograph((640, 480), angle=0)), {}
    visit.open("input", data, "small.jpg")
    visit.open("exemplar", EXEMPLAR, "hopper.jpg")
    strokes = {
        "lips": ((0.4, 0.5), (0.6, 0.55)), "smile": ((0.45, 0.35), (0.55, 0.4)), "hair": ((0.1, 0.1), (0.3, 0.1)),
    }  # fmt: skip
    for name, stroke in strokes.items():
        paint_masks_of(visit, name)
        found = {side: visit.layer(side) for side in ("input", "exemplar")}
        for side in found:
            visit.until(lambda side=side, stroke=stroke: visit.stroke(side, *stroke))
            painted[side, name] = visit.layer(side), found[side]
            assert not np.array_equal(*painted[side, name])
    compared(data, painted=painted)
    for name in strokes:
        paint_masks_of(visit, name)
        for side in ("input", "exemplar"):
            assert np.array_equal(visit.layer(side), painted[side, name][0]), "what was painted stays"
    take(visit, "hair")
    compared(data, ("hair",), painted=painted)
    said = visit.page.locator("#lomit-status").inner_text()
    assert "Note: The mask of lips was painted, but lips is not taken." in said
    take(visit, *ALL)
    paint_masks_of(visit, "facial_hair")
    visit.until(lambda: visit.page.locator("#lomit-input-mask .mb-clear").click())
    assert "Note: Nothing of facial hair is marked on your picture." in visit.page.locator("#lomit-status").inner_text()
    visit.until(lambda: visit.page.locator("#lomit-exemplar-mask .mb-clear").click())
    said = visit.page.locator("#lomit-status").inner_text()
    assert "Note: The exemplar's mask of facial hair is empty: nothing of it is transferred." in said


def test_a_colour_is_for_one_group(visit, compared):
    data = jpeg(photograph((640, 480), angle=0))
    visit.open("input", data, "small.jpg")
    visit.page.locator("#lomit-colour-group select").select_option("lips")
    visit.colour("#a01030")
    compared(data, ("lips",), colour=("#a01030", "lips"))
    said = visit.page.locator("#lomit-status").inner_text()
    assert "Note: #a01030 is a colour of lips; nothing else changes (hair, smile, facial hair)." in said
    assert visit.download()[0] == "small_as_a01030_lips.png"
    visit.until(lambda: visit.page.locator("#lomit-colour-group select").select_option("hair"))
    compared(data, ("hair",), colour=("#a01030", "hair"))
    take(visit, "smile")
    assert "Note: #a01030 is a colour of hair, which is not taken." in visit.page.locator("#lomit-status").inner_text()
    take(visit, *ALL)


def test_nothing_taken_is_said_and_keeps_the_result(visit):
    take(visit, "smile")
    shown = visit.results()
    visit.page.locator("#lomit-taken").get_by_label("smile").uncheck()
    visit.page.locator("#lomit-status", has_text="Choose at least one attribute to take from the exemplar.").wait_for()
    assert visit.results() == shown
    assert visit.page.locator("#lomit-save-picture").is_disabled()
    visit.until(lambda: visit.page.locator("#lomit-taken").get_by_label("lips").check())
    assert visit.page.locator("#lomit-save-picture").is_enabled()
    take(visit, *ALL)


def test_without_a_face_only_hair_changes(visit):
    """As tests/photos/test_translator_trained.py of Python: nothing of lips and smiles, until they are painted."""
    colours = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)
    nobody = jpeg(Image.fromarray(colours).resize((180, 120), Image.Resampling.BICUBIC))
    take(visit, "smile", "lips")
    visit.open("input", nobody, "nobody.jpg")
    visit.open("exemplar", EXEMPLAR, "hopper.jpg")
    status = visit.page.locator("#lomit-status")
    said = "Note: Without a face nothing changes of lips, smile, unless you paint where it is."
    assert said in status.inner_text()
    before = visit.download()[1]
    paint_masks_of(visit, "smile")
    visit.until(lambda: visit.stroke("input", (0.4, 0.8), (0.6, 0.8)))
    assert "Note: Without a face nothing changes of lips, unless" in status.inner_text()
    assert not np.array_equal(visit.download()[1], before)
    visit.open("input", jpeg(photograph((640, 480), angle=0)), "small.jpg")
    visit.open("exemplar", nobody, "nobody.jpg")
    assert "Note: Exemplar: without a face nothing of lips, smile is taken from it." in status.inner_text()
    paint_masks_of(visit, "hair")
    take(visit, *ALL)


def test_groups_are_chosen_by_keys_and_have_names(visit):
    page = visit.page
    paint_masks_of(visit, "lips")
    paint_masks_of(visit, "hair")
    page.get_by_role("radio", name="hair", exact=True).focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("radio", name="lips", exact=True).is_checked()
    page.get_by_role("checkbox", name="facial hair").focus()
    visit.until(lambda: page.keyboard.press("Space"))
    assert not page.get_by_role("checkbox", name="facial hair").is_checked()
    visit.until(lambda: page.keyboard.press("Space"))
    for name in ("Show and paint the masks of", "Take from the exemplar"):
        assert page.get_by_role("group", name=name).is_visible()
    offered = page.get_by_role("combobox", name="The colour is for").locator("option")
    assert offered.all_inner_texts() == ["hair", "lips"]


def test_it_fits_a_phone(visit):
    page = visit.page
    page.set_viewport_size({"width": 390, "height": 844})
    try:
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        for name in ("painted", "taken"):
            for label in page.locator(f"#lomit-{name} label").all():
                assert label.bounding_box()["height"] >= 32
    finally:
        page.set_viewport_size({"width": 1280, "height": 900})
