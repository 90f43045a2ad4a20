"""The report of an evaluation: its three files, and what it refuses."""

from __future__ import annotations

import copy
import json
import math
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lomit_tf.atomic import PART
from lomit_tf.evaluation import report, report_cells, report_curves

HOSTILE = """<script>alert(1)</script> & "a" 'b' | `c` *d* [e](http://x.example) $title {{data}}"""
VOID = {"meta", "img", "input", "br", "wbr", "hr", "link"}
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
    for wanted in (["IoU ↑", "0.333", f"{none} (1)", "7"], ["AP ↑", f"{none} (2)", "0.300", "7"],
                   ["PSNR (dB) ↑", "31.2", "**∞** (3)", "7"], ["error ↓", "**0.042**", "0.250", none]):  # fmt: skip
        assert "| " + " | ".join(wanted) + " |" in text
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
            assert re.match(r"data:image/png;base64,|#|margin", value), (tag, name, value[:60])
    style = source[source.index("<style>") : source.index("</style>")]
    assert "url(" not in style and "@import" not in style
    assert "<script" not in source and "<link" not in source
    images = [value for tag, name, value in page.attributes if tag == "img" and name == "alt"]
    assert images == ["Hair: input, mask"]
    assert ("img", "width", "20") in page.attributes and ("img", "height", "10") in page.attributes


def test_hostile_texts_are_shown_literally(results, tmp_path):
    plain = json.loads(json.dumps(report.json_ready(results)))
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


def test_curves_lie_inside_their_boxes(results, tmp_path):
    rng = np.random.default_rng(0)
    wild = {
        "line": [[float(x), float(y)] for x, y in rng.normal(0, 1e4, (50, 2))],
        "one": [[3.0, -7.0]],
        "none": [],
    }
    for series in (results["curves"][0]["series"], wild, {"one": [[5.0, 0.0]]}, {"flat": [[1e9, 1e-9], [2e9, 1e-9]]}):
        curve = {"title": "t", "x_label": "x", "y_label": "y", "series": series}
        page = Page(report_curves.figure(curve))
        _, _, width, height = map(float, page.values("viewbox")[0].split())
        xs = [float(v) for name in ("x", "x1", "x2", "cx") for v in page.values(name)]
        ys = [float(v) for name in ("y", "y1", "y2", "cy") for v in page.values(name)]
        for points in page.values("points"):
            for point in points.split():
                x, y = map(float, point.split(","))
                xs.append(x)
                ys.append(y)
        assert 0 <= min(xs) <= max(xs) <= width
        assert 0 <= min(ys) <= max(ys) <= height
    drawn = Page(report_curves.figure(results["curves"][0]))
    assert [len(points.split()) for points in drawn.values("points")] == [1, 1, 2]  # NaN interrupts the line
    assert "1 of 5 points have no value" in "".join(drawn.texts)
    assert "No points." in report_curves.figure({"title": "t", "x_label": "", "y_label": "", "series": {}})


def test_points_are_where_the_axes_say():
    """The labels of the ticks, read back from the drawing, give each point's data coordinates."""
    points = [[0.13, 20.0], [0.5, 61.5], [0.97, 44.0]]
    page = Page(report_curves.figure({"title": "t", "x_label": "", "y_label": "", "series": {"a": points}}))
    labels = re.findall(
        r"<text x='([\d.]+)' y='([\d.]+)' text-anchor='(middle|end)'>([-\d.]+)</text>",
        report_curves.figure({"title": "t", "x_label": "", "y_label": "", "series": {"a": points}}),
    )
    across = [(float(x), float(v)) for x, _, anchor, v in labels if anchor == "middle"]
    up = [(float(y) - 4, float(v)) for _, y, anchor, v in labels if anchor == "end"]
    fits = [np.polyfit(*zip(*pairs, strict=True), 1) for pairs in (across, up)]
    for (x, y), placed in zip(points, page.values("points")[0].split(), strict=True):
        px, py = map(float, placed.split(","))
        assert np.polyval(fits[0], px) == pytest.approx(x, abs=0.002)
        assert np.polyval(fits[1], py) == pytest.approx(y, abs=0.1)


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([0, 1], [0, 0.2, 0.4, 0.6, 0.8, 1]),
        ([0.1, 0.3], [0.1, 0.15, 0.2, 0.25, 0.3]),
        ([-3, 4], [-3, -2, -1, 0, 1, 2, 3, 4]),
        ([2, 2], [1, 1.5, 2, 2.5, 3]),
        ([0], [-0.6, -0.4, -0.2, 0, 0.2, 0.4, 0.6]),
    ],
)
def test_ticks(values, wanted):
    assert report_curves.ticks(values) == pytest.approx(wanted)


def test_tick_labels_differ():
    for values in ([0, 1], [0.1, 0.1003], [1e7, 3e7], [-2e-7, 9e-7], [-5, 70]):
        labels = report_curves.tick_labels(report_curves.ticks(values))
        assert len(set(labels)) == len(labels) and "-0.0" not in labels


@pytest.mark.parametrize(
    ("values", "better", "wanted"),
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
def test_best_value(values, better, wanted):
    assert report_cells.best(row("m", values, better), METHODS) == wanted


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
    for wanted in ("Masks", "IoU ↑", "0.333", "(1) the input has no mask", "0.042*", "∞* (3)"):
        assert wanted in text


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
        (["pairs"], "many", r"results\['pairs'\] must be a whole number of 0 or more; received 'many' \(str\)"),
        (["pairs"], True, r"results\['pairs'\].*True"),
        (["seconds"], math.nan, r"results\['seconds'\].*nan"),
        (["title"], KeyError, r"results\['title'\] is missing"),
        (["tabels"], [], r"results\['tabels'\] is not known"),
        (["notes"], "one", r"results\['notes'\] must be a list"),
        (["methods"], ["a", "a"], r"results\['methods'\] must be different names"),
        (["sections", 0, "rows", 0, "better"], "more", r"\['sections'\]\[0\]\['rows'\]\[0\]\['better'\]"),
        (["sections", 0, "rows", 0, "values", "lomit"], np.float32(1), r"\['values'\]\['lomit'\].*float32"),
        (["sections", 0, "rows", 0, "values", "lomit"], KeyError, r"\['values'\]\['lomit'\] is missing"),
        (["sections", 0, "rows", 0, "values", "other"], 1.0, r"\['values'\]\['other'\]: not one of"),
        (["sections", 0, "rows", 0, "reason"], {}, r"\['values'\]\['identity'\] is None without"),
        (["sections", 0, "rows", 1, "key"], "masks/IoU", r"\['rows'\]\[1\]\['key'\] is 'masks/IoU', as .*\[0\]"),
        (["tables", 0, "rows", 1], [1, 2], r"\['tables'\]\[0\]\['rows'\]\[1\] has 2 cells for 3"),
        (["curves", 0, "series", "lomit", 1], [1.0], r"\['series'\]\['lomit'\]\[1\] must be \[x, y\]"),
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
