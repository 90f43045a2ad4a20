"""Results as one page that needs nothing else: styles inline, curves and pictures as data URIs, no script."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from lomit_tf.evaluation.report import cells as report_cells
from lomit_tf.evaluation.report import curves as report_curves
from lomit_tf.evaluation.report.results import Results
from lomit_tf.evaluation.templates.render import data_uri, render


def html(results: Results, out_dir: Path) -> str:
    """The whole report. Raises ValueError, naming the key, for a grid that is no PNG file below `out_dir`."""
    return render(
        "report.html", results=results, facts=report_cells.facts(results), legend=report_cells.LEGEND,
        sections=[(section, *report_cells.lines(section, results.methods)) for section in results.sections],
        grids=[
            (grid, *read_png(out_dir, grid.file, f"results['grids'][{g}]['file']"))
            for g, grid in enumerate(results.grids)
        ],
        curves=[
            (curve, {scheme: data_uri(report_curves.svg(curve, scheme), "svg+xml") for scheme in ("light", "dark")},
             report_curves.remark(curve))
            for curve in results.curves
        ],
        tables=[(table, report_cells.empty_cells(table)) for table in results.tables], free=report_cells.free,
    )  # fmt: skip


def read_png(out_dir: Path, name: str, key: str) -> tuple[str, int, int]:
    """A PNG file below `out_dir`: data URI, width and height in pixels. Raises ValueError naming the key."""
    path = out_dir / name
    if Path(name).is_absolute() or not path.resolve().is_relative_to(out_dir.resolve()):
        raise ValueError(f"{key} must be a path below {out_dir}; received {name!r}")
    try:
        data = path.read_bytes()
        with Image.open(path, formats=["PNG"]) as picture:
            return data_uri(data, "png"), *picture.size
    except Image.UnidentifiedImageError:
        raise ValueError(f"{key}: {path} is not a PNG file") from None
    except OSError as error:
        raise ValueError(f"{key}: cannot read {path}: {error.strerror or error}") from error
