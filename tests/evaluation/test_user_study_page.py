"""The user study's page and the report in a real browser. Needs Playwright and a Chromium."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lomit_tf.evaluation import user_study as studies

METHODS = ("first", "second", "third")
WHO = 'Ann, "A"'


@pytest.fixture
def study(tmp_path) -> studies.Key:
    """A study of three images and methods in tmp_path / "study.html": its key."""
    for n, name in enumerate(("in", "ex", *METHODS)):
        (tmp_path / name).mkdir()
        for k in range(3):
            Image.new("RGB", (16, 16), (40 * n, 60 * k, 120)).save(tmp_path / name / f"{k}.png")
    methods = tuple(f"{name}={tmp_path / name}" for name in METHODS)
    _, texts = studies.make(studies.MakeOptions(f"{tmp_path}/in", f"{tmp_path}/ex", methods, f"{tmp_path}/study.html"))
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    return studies.Key.read(tmp_path / "study.key.json")


def opened(browser: Any, path: Path, context: Any = None, **options: Any) -> tuple[Any, Any, list[str]]:
    """A page of a file, its context, and the list that its errors and requests to anywhere else go to."""
    context = context or browser.new_context(accept_downloads=True, **options)
    page, wrong = context.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("request", lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else wrong.append(r.url))
    page.set_default_timeout(20_000)
    page.goto(path.as_uri())
    return page, context, wrong


def ranking(page: Any, study: studies.Key, question: int, preferred: tuple[str, ...]) -> list[Any]:
    """The result buttons of a question in the order of preferred methods, which only the key tells."""
    shown = study.shown[f"q{question}"]
    return [page.locator(f"#q{question} .option").nth(shown.index(method)) for method in preferred]


def test_three_questions_answered_and_scored(browser, study, tmp_path):
    page, context, wrong = opened(browser, tmp_path / "study.html", viewport={"width": 390, "height": 800})
    page.get_by_label("Your name").fill(WHO)
    page.get_by_role("button", name="Start").click()
    expected = [("first", "third", "second"), ("third", "first", "second"), ("first", "second", "third")]

    # With the pointer; a second tap on a ranked result takes its rank back.
    buttons = ranking(page, study, 1, expected[0])
    assert page.locator("#q1 .option img").evaluate_all("all => all.every(i => i.complete && i.naturalWidth === 16)")
    buttons[2].click()
    assert buttons[2].inner_text().endswith("No. 1") and buttons[2].get_attribute("aria-pressed") == "true"
    assert page.get_by_role("button", name="Next").is_disabled()
    buttons[2].click()
    assert "No." not in buttons[2].inner_text()
    for button in buttons:
        button.click()
    page.get_by_role("button", name="Next").click()

    # With the keyboard alone; and what is done so far outlives the page.
    first, *others = ranking(page, study, 2, expected[1])
    others[0].focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Space")  # the focus stays: takes it back
    assert others[0].get_attribute("aria-pressed") == "false"
    first.focus()
    page.keyboard.press("Enter")
    page.close()
    page, _, wrong_again = opened(browser, tmp_path / "study.html", context)
    assert page.get_by_role("heading", level=2).inner_text() == "Question 2 of 3"
    first, *others = ranking(page, study, 2, expected[1])
    assert first.inner_text().endswith("No. 1")
    for button in others:
        button.focus()
        page.keyboard.press("Enter")
    page.get_by_role("button", name="Next").focus()
    page.keyboard.press("Enter")

    for button in ranking(page, study, 3, expected[2]):
        button.focus()
        page.keyboard.press("Enter")
    page.get_by_role("button", name="Finish").click()
    with page.expect_download() as download:
        page.get_by_text("Download answers").click()
    saved = tmp_path / download.value.suggested_filename
    download.value.save_as(saved)
    assert saved.name == f"answers-{study.study}-Ann-A.csv"
    assert page.locator("#csv").input_value() == saved.read_text()
    assert wrong + wrong_again == []
    context.close()

    rows = list(csv.DictReader(saved.open(newline="")))
    assert [row["participant"] for row in rows] == [WHO] * 3
    assert studies.read_answers([saved], study)[0].tolist() == [
        [order.index(method) + 1 for method in METHODS] for order in expected
    ]


def test_another_person_starts_anew(browser, study, tmp_path):
    page, context, wrong = opened(browser, tmp_path / "study.html")
    page.get_by_label("Your name").fill("   ")
    page.get_by_role("button", name="Start").click()
    assert page.locator(".question:visible").count() == 0
    for who, question in itertools.product(("a", "b"), (1, 2, 3)):
        if question == 1:
            page.get_by_label("Your name").fill(who)
            page.get_by_role("button", name="Start").click()
        assert page.locator(".question:visible .main").is_disabled()
        for button in ranking(page, study, question, METHODS):
            button.click()
        page.locator(".question:visible .main").click()
        if question == 3:
            assert page.locator("#csv").input_value().count(f',"{who}",q') == 3
            page.once("dialog", lambda dialog: dialog.accept())
            page.get_by_role("button", name="Another person").click()
    assert wrong == []
    context.close()


def test_it_works_where_nothing_can_be_saved(browser, study, tmp_path):
    """A browser that forbids localStorage, as some do in private windows."""
    context = browser.new_context()
    context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } })"
    )
    page, _, wrong = opened(browser, tmp_path / "study.html", context)
    assert page.locator("#unsaved").is_visible()
    page.get_by_label("Your name").fill("a")
    page.get_by_role("button", name="Start").click()
    for question in (1, 2, 3):
        for button in ranking(page, study, question, METHODS):
            button.click()
        page.locator(".question:visible .main").click()
    assert page.locator("#csv").input_value().count("\n") == 4
    assert wrong == []
    context.close()


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1200, "light")])
def test_pages_fit_a_phone_and_a_desktop(browser, study, tmp_path, width, scheme):
    from lomit_tf.evaluation.report import files as report

    values = {"a_method_of_a_rather_long_name": 0.5, "another_method_of_a_long_name": 0.25}
    row = {"metric": "distance", "key": "d", "unit": "", "better": "lower", "digits": 3, "values": values}
    Image.new("RGB", (1500, 300), "red").save(tmp_path / "wide.png")
    results = {
        "title": "T" * 90, "command": "c" * 300, "date": "d", "model": "m/" * 60, "dataset": "d", "split": "s",
        "pairs": 1, "seed": 0, "image_size": 64, "seconds": 1.0, "notes": ["n" * 200], "methods": list(values),
        "sections": [{"name": "S", "about": "", "rows": [row]}],
        "tables": [{"title": "t", "about": "", "columns": ["c" * 30] * 9, "rows": [[1.5] * 9]}],
        "curves": [{"title": "t", "x_label": "x", "y_label": "y", "series": {"l" * 99: [[0.0, 0.0], [1.0, 1.0]]}}],
        "grids": [{"title": "g", "about": "", "file": "wide.png"}],
    }  # fmt: skip
    held = report.write(results, tmp_path)["html"]
    for path in (held, tmp_path / "study.html"):
        page, context, wrong = opened(
            browser, path, viewport={"width": width, "height": 800}, color_scheme=scheme, has_touch=width < 500
        )
        if path != held:
            page.get_by_label("Your name").fill("a")
            page.get_by_role("button", name="Start").click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        dark = sum(map(int, page.evaluate("getComputedStyle(document.body).backgroundColor")[4:-1].split(","))) < 380
        assert dark == (scheme == "dark")
        if path == held:
            shown = page.locator(".grid img")
            assert shown.bounding_box()["width"] < width
            page.locator(".zoom").focus()
            page.keyboard.press("Space")
            assert shown.bounding_box()["width"] == 1500
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert wrong == []
        context.close()
