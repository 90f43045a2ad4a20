"""The report of an evaluation: its three files, and what it refuses."""

from __future__ import annotations

import base64
import copy
import json
import math
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from lomit_tf.evaluation.report import cells as report_cells
from lomit_tf.evaluation.report import curves as report_curves
from lomit_tf.evaluation.report import files as report
from lomit_tf.evaluation.report.results import Curve, Row, checked
from lomit_tf.runtime.atomic import PART

pytestmark = pytest.mark.quick

HOSTILE = """<script>alert(1)</script> & "a" 'b' | `c` *d* [e](http://x.example) $title {{data}}"""
VOID = {"meta", "img", "input", "br", "wbr", "hr", "link", "source"}
METHODS = ["lomit", "identity"]


def row(metric: str, values: list[float | None], better: str = "higher", **more: Any) -> dict[str, Any]:
    base = {"metric": metric, "key": f"masks/{metric}", "unit": "", "better": better, "digits": 3}
    return {**base, "values": dict(zip(METHODS, values, strict=True)), "count": 7, **more}


@pytest.fixture
def results(tmp_path) -> dict[str, Any]:
    (tmp_path / "grids").mkdir()
    Image.new("RGB", (20, 10), "red").save(tmp_path / "grids/hair.png")
    third = 1 / 3
    return {
        "title": "Drawn faces", "command": "python -m lomit_tf.evaluate --seed=3", "date": "2026-11-23T14:30:00+00:00",
        "model": "runs/a", "dataset": "drawn_faces", "split": "test", "pairs": 1000, "seed": 3, "image_size": 64,
        "seconds": 71.25, "notes": ["a note"], "methods": METHODS,
        "sections": [
            {"name": "Masks", "about": "against true masks", "rows": [
                row("IoU", [third, None], reason={"identity": "the input has no mask"}),
                row("AP", [math.nan, 0.1 + 0.2]),
                row("PSNR", [31.25, math.inf], unit="dB", digits=1, reason={"identity": "no error at all"}),
                row("error", [0.0421, 0.25], better="lower", count=None),
            ]},
        ],
        "tables": [{"title": "By attribute", "about": "shares", "columns": ["attribute", "pairs", "success"],
                    "rows": [["Black_Hair", 391, 0.92345], ["Eyeglasses", 0, None]], "reason": "no pair differs"}],
        "curves": [{"title": "PR", "x_label": "recall", "y_label": "precision",
                    "series": {"lomit": [[0.0, 1.0], [0.5, math.nan], [1.0, 0.25]],
                               "chance": [[0.0, 0.2], [1.0, 0.2]]}}],
        "grids": [{"title": "Hair", "about": "input, mask", "file": "grids/hair.png"}],
    }  # fmt: skip


class Page(HTMLParser):
    """Checks that tags balance, and keeps texts, attributes and rows of tables."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.rows: list[list[str]] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        if "style" not in self.open:
            self.texts.append(data)
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data

    def values(self, name: str) -> list[str]:
        return [value for _, n, value in self.attributes if n == name]


def written(results: dict[str, Any], folder: Path) -> tuple[dict[str, Any], str, Page]:
    paths = report.write(results, folder)
    assert paths == {k: folder / n for k, n in (("json", "results.json"), ("markdown", "results.md"),
                                                ("html", "index.html"))}  # fmt: skip
    assert not [p for p in folder.iterdir() if p.suffix == PART]
    held, text, page = (paths[name].read_text(encoding="utf-8") for name in ("json", "markdown", "html"))
    return json.loads(held, parse_constant=lambda name: pytest.fail(f"{name} is no JSON")), text, Page(page)


def test_json_comes_back_exactly(results, tmp_path):
    before = copy.deepcopy(results)
    held, _, _ = written(results, tmp_path)
    assert str(results) == str(before)  # as text, since nan != nan
    rows = held["sections"][0]["rows"]
    assert rows[0]["values"] == {"lomit": 1 / 3, "identity": None}
    assert rows[1]["values"] == {"lomit": None, "identity": 0.1 + 0.2}
    assert rows[1]["reason"] == {"lomit": "not a number (NaN)"}
    assert rows[2]["values"] == {"lomit": 31.25, "identity": None}
    assert rows[2]["reason"] == {"identity": "no error at all"}
    assert held["curves"][0]["series"]["lomit"] == [[0.0, 1.0], [0.5, None], [1.0, 0.25]]
    # What is finite is unchanged, keys and order included; and the file is itself a result that can be written.
    results["sections"][0]["rows"][1:3] = []
    results["curves"][0]["series"]["lomit"].pop(1)
    again, _, _ = written(results, tmp_path)
    assert again == results and list(again) == list(results)
    assert written(again, tmp_path)[0] == again


def test_every_missing_value_has_its_reason(results, tmp_path):
    _, text, page = written(results, tmp_path)
    body = "\n".join(page.texts)
    for reason in ("the input has no mask", "not a number (NaN)", "no error at all", "no pair differs"):
        assert reason in text
        assert reason in body
    none = report_cells.NONE
    for expected in (["IoU ↑", "0.333", f"{none} (1)", "7"], ["AP ↑", f"{none} (2)", "0.300", "7"],
                   ["PSNR (dB) ↑", "31.2", "**∞** (3)", "7"], ["error ↓", "**0.042**", "0.250", none]):  # fmt: skip
        assert "| " + " | ".join(expected) + " |" in text
    assert "- (1) the input has no mask\n- (2) not a number (NaN)\n- (3) no error at all" in text
    assert page.rows[1:5] == [["IoU ↑", "0.333", f"{none}1", "7"], ["AP ↑", f"{none}2", "0.300", "7"],
                              ["PSNR (dB) ↑", "31.2", "∞3", "7"], ["error ↓", "0.042", "0.250", none]]  # fmt: skip
    ids = page.values("id")
    assert len(set(ids)) == len(ids)
    assert {"#r0-1", "#r0-2", "#r0-3"} <= {value for value in page.values("href")} <= {f"#{i}" for i in ids}


def test_page_needs_nothing_else(results, tmp_path):
    _, _, page = written(results, tmp_path)
    source = (tmp_path / "index.html").read_text(encoding="utf-8")
    for tag, name, value in page.attributes:
        if name in ("src", "href", "action", "data", "poster", "srcset", "style"):
            assert re.match(r"data:image/(png|svg\+xml);base64,|#", value), (tag, name, value[:60])
    style = source[source.index("<style>") : source.index("</style>")]
    assert "url(" not in style and "@import" not in style
    assert "<script" not in source and "<link" not in source
    images = [value for tag, name, value in page.attributes if tag == "img" and name == "alt"]
    assert images == ["Hair: input, mask", "PR: precision against recall, for lomit, chance"]
    for uri in (value for value in page.values("src") + page.values("srcset") if "svg" in value):
        drawing = ElementTree.fromstring(base64.b64decode(uri.partition(",")[2]))
        for element in drawing.iter():
            for name, value in element.attrib.items():
                assert not name.endswith("href") or value.startswith("#"), value
                assert "url(" not in value or "url(#" in value, value
            assert not element.tag.endswith(("script", "image", "foreignObject"))
    assert ("img", "width", "20") in page.attributes and ("img", "height", "10") in page.attributes


def test_hostile_texts_are_shown_literally(results, tmp_path):
    plain = json.loads(json.dumps(checked(results).json_ready()))
    calm = written(plain, tmp_path)[2]
    tags = Counter((tag, name) for tag, name, value in calm.attributes if value != "wide")
    calm_lines = (tmp_path / "results.md").read_text(encoding="utf-8").count("\n|")

    def poisoned(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {k if key != "series" else f"{k}{HOSTILE}": poisoned(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [poisoned(v, key) for v in value]
        return value + HOSTILE if isinstance(value, str) and key not in ("file", "better") else value

    bad = poisoned({k: v for k, v in plain.items() if k != "methods"})
    bad["methods"] = [f"{name}{HOSTILE}" for name in METHODS]
    for r in bad["sections"][0]["rows"]:
        for name in ("values", "reason"):
            r[name] = {f"{method}{HOSTILE}": v for method, v in r.get(name, {}).items()}
    _, text, page = written(bad, tmp_path)
    found = Counter((tag, name) for tag, name, value in page.attributes if value != "wide")  # of longer facts
    assert found == tags
    assert HOSTILE in "".join(page.texts)
    outside = re.sub(r"^(`{3,})\n.*?\n\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert "<script" not in outside and not re.search(r"(?<!\\)\]\(http", outside)
    assert outside.count("\n|") == calm_lines
    for line in outside.splitlines():
        if line.startswith("| :--"):
            width = line.count("|")
        elif line.startswith("|") and "metric" in line:
            assert len(re.findall(r"(?<!\\)\|", line)) == 2 + 3
    assert width == 4
    assert "<script>" in report.summary(bad, width=300)


def test_curves_show_their_points(results):
    """The lines of the drawing hold the points, inside its axes; what has no value interrupts them."""
    rng = np.random.default_rng(0)
    wild = {
        "line": [[float(x), float(y)] for x, y in rng.normal(0, 1e4, (50, 2))],
        "one": [[3.0, -7.0]],
        "none": [],
    }
    for series in (results["curves"][0]["series"], wild, {"one": [[5.0, 0.0]]}, {"flat": [[1e9, 1e-9], [2e9, 1e-9]]}):
        figure = report_curves.figure(Curve(title="t", x_label="x", y_label="y", series=series))
        (axes,) = figure.axes
        (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
        for line, points in zip(axes.get_lines(), series.values(), strict=True):
            np.testing.assert_array_equal(line.get_xydata(), np.reshape(points, (-1, 2)).astype(float))
            for x, y in points:
                assert left <= x <= right and (math.isnan(y) or bottom <= y <= top)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x", "y")


def test_curves_name_their_series_and_what_is_left_out(results):
    curve = Curve(**results["curves"][0])
    assert report_curves.remark(curve) == "1 of 5 points have no value and are left out."
    odd = {"$a$ b$": [[0.0, 1.0], [1.0, 2.0]], "_hidden": [[0.0, 1.0]], "nothing": [[None, 1.0]], "n" * 99: []}
    (legend,) = report_curves.figure(Curve(title="t", x_label="", y_label="", series=odd)).legends
    names = [text.get_text().replace("\n", "") for text in legend.get_texts()]
    assert names == ["$a$ b$", "_hidden", "nothing (no points)", "n" * 99 + " (no points)"]
    empty = Curve(title="t", x_label="", y_label="", series={})
    assert report_curves.remark(empty) == "No points."
    for scheme in ("light", "dark"):
        assert ElementTree.fromstring(report_curves.svg(empty, scheme)).tag.endswith("svg")
        once, again = (report_curves.svg(curve, scheme) for _ in range(2))
        assert once == again
    assert report_curves.svg(curve, "light") != report_curves.svg(curve, "dark")


@pytest.mark.parametrize(
    ("values", "better", "expected"),
    [
        ([0.5, 0.7], "higher", {"identity"}),
        ([0.5, 0.7], "lower", {"lomit"}),
        ([0.5, 0.7], "", set()),
        ([0.5, None], "higher", set()),
        ([0.5, math.nan], "higher", set()),
        ([0.5, math.inf], "higher", {"identity"}),
        ([0.50001, 0.50002], "higher", set()),
    ],
)
def test_best_value(values, better, expected):
    assert report_cells.best(Row(**row("m", values, better)), METHODS) == expected


def test_numbers_as_shown():
    assert [report_cells.number(v, 2) for v in (-0.001, 1234.5, -math.inf, None)] == [
        "0.00", "1,234.50", "-∞", report_cells.NONE
    ]  # fmt: skip
    assert [report_cells.free(v) for v in ("a", 12345, 0.123456, 1e-7)] == ["a", "12,345", "0.1235", "1e-07"]
    assert [report_cells.duration(s) for s in (3.14159, 59.96, 71.25, 3599.7, 7300)] == [
        "3.1 s", "60.0 s", "1 min 11 s", "1 h 0 min", "2 h 1 min"
    ]  # fmt: skip


def test_summary_fits_the_terminal(results):
    text = report.summary(results, width=80)
    assert all(len(line) <= 80 for line in text.splitlines())
    for expected in ("Masks", "IoU ↑", "0.333", "(1) the input has no mask", "0.042*", "∞* (3)"):
        assert expected in text


def _set(results: dict[str, Any], path: list[Any], value: Any) -> None:
    for key in path[:-1]:
        results = results[key]
    if value is KeyError:
        del results[path[-1]]
    else:
        results[path[-1]] = value


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["pairs"], "many", r"results\['pairs'\]: .*valid integer; received 'many' \(str\)"),
        (["pairs"], True, r"results\['pairs'\].*True"),
        (["seconds"], math.nan, r"results\['seconds'\].*nan"),
        (["title"], KeyError, r"results\['title'\]: Field required"),
        (["tabels"], [], r"results\['tabels'\]: Extra inputs are not permitted"),
        (["notes"], "one", r"results\['notes'\]: .*valid list; received 'one'"),
        (["methods"], ["a", "a"], r"results\['methods'\] must be different names"),
        (["sections", 0, "rows", 0, "better"], "more", r"\['sections'\]\[0\]\['rows'\]\[0\]\['better'\]"),
        (["sections", 0, "rows", 0, "values", "lomit"], np.ones(1), r"\['values'\]\['lomit'\].*ndarray"),
        (["sections", 0, "rows", 0, "count"], np.int64(1), r"\['rows'\]\[0\]\['count'\].*int64"),
        (["sections", 0, "rows", 0, "values", "lomit"], KeyError, r"\['values'\]\['lomit'\] is missing"),
        (["sections", 0, "rows", 0, "values", "other"], 1.0, r"\['values'\]\['other'\]: not one of"),
        (["sections", 0, "rows", 0, "reason"], {}, r"\['values'\]\['identity'\] is None without"),
        (["sections", 0, "rows", 1, "key"], "masks/IoU", r"2 rows have the key 'masks/IoU'"),
        (["tables", 0, "rows", 1], [1, 2], r"\['tables'\]\[0\]\['rows'\]\[1\] has 2 cells for 3"),
        (["curves", 0, "series", "lomit", 1], [1.0], r"\['series'\]\['lomit'\]\[1\]: .*at least 2 items"),
        (["grids", 0, "file"], "../x.png", r"\['grids'\]\[0\]\['file'\] must be a path below"),
        (["grids", 0, "file"], "grids/none.png", r"\['grids'\]\[0\]\['file'\]: cannot read .*No such file"),
        (["grids", 0, "file"], "text.png", r"\['grids'\]\[0\]\['file'\]: .*text.png is not a PNG"),
    ],
)
def test_wrong_results_are_refused_and_nothing_is_written(results, tmp_path, path, value, message):
    (tmp_path / "text.png").write_text("not a picture at all, but long enough")
    _set(results, path, value)
    with pytest.raises(ValueError, match=message):
        report.write(results, tmp_path)
    assert not (tmp_path / "results.json").exists()


def test_a_failed_write_leaves_the_old_report(results, tmp_path, monkeypatch):
    """A disk that fails at the last moment: the old page is whole, and no temporary file stays."""
    report.write(results, tmp_path)
    before = (tmp_path / "results.json").read_bytes()

    def failing(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", failing)
    with pytest.raises(OSError, match="No space left"):
        report.write({**results, "title": "another"}, tmp_path)
    assert (tmp_path / "results.json").read_bytes() == before
    assert {p.name for p in tmp_path.iterdir()} == {"grids", "results.json", "results.md", "index.html"}
