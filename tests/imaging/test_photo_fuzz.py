"""Photographs of every kind, drawn at random: no traceback, no lost pixel; and known faults are found when put back.

`make test` draws a few of each kind; `make fuzz`, 2,000 in all.
"""

from __future__ import annotations

import collections
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from PIL import Image

from lomit_tf.data import colour, exif, opening, pixels, png_chunks
from lomit_tf.data.drawn_faces import draw
from lomit_tf.imaging import tiff, writing
from lomit_tf.imaging.photo import Photo
from lomit_tf.photos import batch_jobs, file_plan
from lomit_tf.photos.translator import Translator
from tests.helpers.photo_cases import KINDS, cases
from tests.helpers.photo_checks import check

TOTAL = int(os.environ.get("LOMIT_FUZZ", "96"))
TO_FIND = 60  # examples of a kind among which a fault that was put back must show


@pytest.fixture(autouse=True)
def star(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(draw([3]).images[0]).save("star.png")


def run(kind: str, examples: int, translator: Translator, folder: Path) -> int:
    """Check so many cases of a kind; how many were."""
    count = 0

    @settings(
        max_examples=examples, deadline=None, database=None, derandomize=True, print_blob=False,
        phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
    )  # fmt: skip
    @given(case=cases(kind))
    def one(case: Any) -> None:
        nonlocal count
        count += 1
        check(case, translator, folder)

    one()
    return count


def test_photographs_of_every_kind_lose_no_pixel(translator, tmp_path, capsys):
    counts = collections.Counter({kind: run(kind, -(-TOTAL // len(KINDS)), translator, tmp_path) for kind in KINDS})
    shares = {kind: count / counts.total() for kind, count in counts.items()}
    with capsys.disabled():
        print(f"\n{counts.total()} photographs")
        for kind, share in shares.items():
            print(f"  {share:6.1%}  {kind}")
    assert counts.total() >= TOTAL and min(shares.values()) >= 0.05


def _old_with_srgb(self: Photo, srgb: np.ndarray, part: Any = (slice(None), slice(None)), where: Any = None) -> Photo:
    """The change added to the file's own values, whatever their colours are."""
    own, white = self.values[part], self.scale
    moved = np.clip(own / white + (srgb - self.srgb(part)), 0, 1) * white
    values = self.values.copy()
    values[part] = np.where(
        np.ones(own.shape[:2], bool)[..., None] if where is None else where[..., None],
        np.round(moved).astype(own.dtype),
        own,
    )
    return self.with_values(values)


def _old_split(image: Image.Image) -> tuple[np.ndarray, np.ndarray | None]:
    return (np.array(image.convert("RGB")), None) if image.mode == "F" else _split(image)


def _old_compare(photos: Any) -> Photo:
    made = _compare(photos)
    return Photo(made.values)


def _raise(job: Any, error: Exception) -> Any:
    raise error


def _without_metadata(
    array: np.ndarray, exif: bytes = b"", icc: bytes = b"", xmp: bytes = b"", dpi: Any = None
) -> bytes:
    return _encode_tiff(array)


def _metadata_without(*names: str) -> Callable[..., Any]:
    def metadata(photo: Photo, format: str) -> Any:
        held, notes = _metadata(photo, format)
        return held | {name: None if name == "dpi" else b"" for name in names}, notes

    return metadata


_split, _compare, _encode_tiff, _metadata = pixels._split, batch_jobs.side_by_side, tiff.encode_tiff, writing._metadata
_SMALL = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif")
_HUGE = {"exif": 1 << 40, "xmp": 1 << 40}
FAULTS: dict[str, tuple[str, list[tuple[Any, str, Any]]]] = {  # the kind that shows it, and what is put back
    "EXIF of any size goes into a JPEG": ("EXIF over 64 KB", [(writing, "_SEGMENT", _HUGE)]),
    "one file's exception ends the run": (
        "EXIF over 64 KB", [(writing, "_SEGMENT", _HUGE), (batch_jobs, "failure", _raise)],
    ),
    "orientations are written again": ("an orientation that is none", [(exif, "cleaned", lambda data: (data, ()))]),
    "damaged EXIF is trusted": ("damaged EXIF", [(exif, "cleaned", lambda data: (data, ()))]),
    "Pillow reads a PNG's metadata": ("damaged chunks of a PNG", [(png_chunks, "split", lambda data: (data, {}, ()))]),
    "a profile that cannot be used is kept": (
        "a profile that cannot be used",
        [(pixels, "_profile", lambda image, block, notes: (image.info.get("icc_profile") or b"", None))],
    ),
    "no limit is known": ("too long for the format", [(writing, "LONGEST_SIDE", {})]),
    "profiles are not applied": ("a colour profile", [(colour, "profile_of", lambda icc: None)]),
    "gammas are not applied": ("a gamma, or a grey profile", [(colour, "profile_of", lambda icc: None)]),
    "changes come back as if all were sRGB": ("a colour profile", [(Photo, "with_srgb", _old_with_srgb)]),
    "comparisons have no profile": ("a colour profile", [(batch_jobs, "side_by_side", _old_compare)]),
    "a TIFF of 16 bits loses its metadata": ("16 bits with metadata", [(tiff, "encode_tiff", _without_metadata)]),
    "16 bits are read as 8": ("16 bits with metadata", [(pixels, "_deep_colours", lambda image: None)]),
    "the density is lost": ("density and XMP", [(writing, "_metadata", _metadata_without("dpi"))]),
    "XMP is dropped": ("density and XMP", [(writing, "_metadata", _metadata_without("xmp"))]),
    "EXIF is dropped": ("density and XMP", [(writing, "_metadata", _metadata_without("exif"))]),
    "the thumbnail stays": (
        "a thumbnail",
        [(exif._Block, "remove_thumbnail", lambda self: None), (exif._Block, "end", lambda self: len(self.data)),
         (exif, "_JPEG", b"\0none")],
    ),
    "floats are read as black": ("floats", [(pixels, "_split", _old_split)]),
    "HEIC is not read": ("HEIC", [(opening, "readers", lambda: ("JPEG", "PNG", "TIFF", "WEBP", "GIF"))]),
    "HEIC is left out of folders": ("HEIC", [(file_plan, "is_picture", lambda name: name.lower().endswith(_SMALL))]),
    "what cannot be read is left out": (
        "kinds that cannot be read", [(file_plan, "is_picture", lambda name: name.lower().endswith(_SMALL))],
    ),
    "a raw photograph's preview passes for it": (
        "kinds that cannot be read", [(opening, "_refuse_previews", lambda image, data, name: None)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_found_when_it_is_put_back(fault, translator, tmp_path, monkeypatch):
    kind, changes = FAULTS[fault]
    for where, name, value in changes:
        monkeypatch.setattr(where, name, value)
    with pytest.raises((AssertionError, ValueError, KeyError, OSError)):
        run(kind, TO_FIND, translator, tmp_path)
