"""The report of a comparison: a Markdown page and a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lomit_tf.training import grid

SHOWN, AMPLIFIED = 6, 8


def markdown(report: Mapping[str, Any]) -> str:
    """The page: numbers, latency, ops, acceptance thresholds."""
    rows = report["rows"]
    lines = [
        "# Parity with the Keras model", "",
        f"{report['samples']} pairs of {report['data']}, {report['image_size']} px. Errors of images in [-1, 1]; the "
        "translation is made by both files together, as an application does it. Mask IoU is with the Keras model's "
        "masks at 0.5. Attribute success is judged by "
        f"{report['classifier']}, background error is of 0..1.", "",
        "| artefact | bytes | image max | image mean | PSNR dB | mask max | mask IoU | success | background |",
        "|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for row in rows:
        if "image" not in row:
            cells = ["", "", "", "", "", ""]
        else:
            image, mask = row["image"], row["mask"]
            cells = [
                f"{row['bytes']:,}", f"{image['max']:.1e}", f"{image['mean']:.1e}", f"{image['psnr']:.1f}",
                f"{mask['max']:.1e}", f"{row['iou']:.4f}",
            ]  # fmt: skip
        success = "not judged" if row["success"] is None else f"{row['success']:.3f}"
        lines.append(f"| {' | '.join([row['name'], *cells, success, format(row['background'], '.4f')])} |")
    lines += _latency(rows) + _operations(rows) + ["", "## Bars", ""]
    lines += [
        f"- {threshold['text']}{'' if threshold['fatal'] else ' (does not fail the export)'}"
        for threshold in report["acceptance"]
    ]
    return "\n".join([*lines, "", "![Inputs, exemplars, translations and their differences](parity.png)", ""])


def _latency(rows: list[dict[str, Any]]) -> list[str]:
    timed = [row for row in rows if row.get("latency")]
    if not timed:
        return []
    float32 = next((row["latency"]["1"]["cpu_ms"] for row in timed if row["name"] == "TFLite float32"), None)
    lines = [
        "", "## Latency and memory", "",
        "Of one translation: masks of two images, then the generator. Medians after a warm-up, each file in a process "
        "of its own. The ratio is of processor time on one thread, which a busy machine disturbs least.", "",
        "| artefact | ms, 1 thread | ms, 2 threads | CPU ms, 1 thread | faster than float32 TFLite | mask net ms | "
        "generator ms | peak MB |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for row in timed:
        one, two = row["latency"]["1"], row["latency"]["2"]
        ratio = f"{float32 / one['cpu_ms']:.2f}" if float32 else ""
        cells = [one["wall_ms"], two["wall_ms"], one["cpu_ms"]]
        rest = [one["mask_net_ms"], one["generator_ms"], row["peak_mb"]]
        texts = [*(f"{v:.1f}" for v in cells), ratio, *(f"{v:.1f}" for v in rest)]
        lines.append(f"| {' | '.join([row['name'], *texts])} |")
    return lines


def _operations(rows: list[dict[str, Any]]) -> list[str]:
    counted = [row for row in rows if row.get("operations")]
    if not counted:
        return []
    lines = [
        "", "## Ops", "", "| artefact | part | ops | XNNPACK partitions | kinds |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for row in counted:
        for part, found in row["operations"].items():
            kinds = ", ".join(f"{name} {n}" for name, n in sorted(found["kinds"].items(), key=lambda item: -item[1]))
            lines.append(f"| {row['name']} | {part} | {found['ops']} | {found.get('partitions', '')} | {kinds} |")
    return lines


def picture(shown: Mapping[str, np.ndarray], path: Path) -> None:
    """One column for each of the first pairs: what was shown, and each artefact's difference to Keras, amplified."""
    rows = {name: grid.picture(images[:SHOWN]) for name, images in shown.items()}
    for name, images in list(shown.items())[3:]:
        difference = np.abs(images[:SHOWN] - shown["Keras"][:SHOWN]) * AMPLIFIED - 1
        rows[f"{name}\n- Keras, x{AMPLIFIED}"] = grid.picture(difference)
    grid.save_png(grid.draw_grid(rows), path)
