"""`lomit-translate` on a folder as people have them: one of every kind of trouble among good files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lomit_tf.data.drawn_faces import draw
from lomit_tf.imaging.photo import read
from lomit_tf.photos import batch_jobs
from lomit_tf.photos.batch_jobs import run_jobs
from lomit_tf.photos.file_plan import FileJob
from lomit_tf.photos.translator import Translator
from tests.helpers import photo_files as files
from tests.helpers.files import tree
from tests.helpers.photo_files import encoded, exif, png_chunk, png_with

pytestmark = pytest.mark.usefixtures("photo_folder")


def hard(rgb: np.ndarray) -> dict[str, bytes]:
    """Files that are damaged or unusual around sound pixels, which must be translated: one of every kind."""
    deep = rgb.astype(np.uint16) * 257
    return {
        "large EXIF.jpg": files.jpeg_with_exif(encoded(rgb, "JPEG"), exif(1, note=bytes(80_000))),
        "orientation 0.tif": files.tiff(rgb, {0x0112: 0, 0x010F: "Maker"}),
        "damaged EXIF.webp": encoded(rgb, "WEBP", lossless=True, exif=files.DAMAGED["cut"]),
        "doubled prefix.png": png_with(encoded(rgb), png_chunk(b"eXIf", b"Exif\0\0" + exif(1))),
        "wrong checksum.png": png_with(encoded(rgb), png_chunk(b"tEXt", b"a\0b", sound=False)),
        "bad profile.tif": files.tiff(deep, {34675: b"no profile"}),
        "Display P3.png": encoded(rgb, icc_profile=files.profile("Display P3")),
        "gamma.png": png_with(encoded(rgb), png_chunk(b"gAMA", (100_000).to_bytes(4, "big"))),
        "16 bits.tif": files.tiff(deep, {34675: files.profile("AdobeRGB"), 700: files.XMP}),
        "thumbnail.jpg": files.jpeg_with_exif(encoded(rgb, "JPEG"), exif(6, thumbnail=encoded(rgb, "JPEG"))),
        "floats.tif": encoded(rgb[..., 0].astype(np.float32) / 255, "TIFF"),
        "IMG_0001.HEIC": encoded(rgb, "HEIF"),
        "phone.heif": encoded(rgb, "HEIF"),
        "saved as.jfif": encoded(rgb, "JPEG"),
        "small.avif": encoded(rgb, "AVIF"),
    }  # fmt: skip


def hopeless(rgb: np.ndarray) -> dict[str, tuple[bytes, str]]:
    """Files that cannot be translated, and what must be said of each."""
    wide = np.zeros((1, 17_000, 3), np.uint8)
    return {
        "photo.jxl": (files.unreadable("jxl", rgb), "JPEG XL, which cannot be read"),
        "photo.dng": (files.unreadable("dng", rgb), "a raw photograph"),
        "photo.nef": (files.unreadable("nef", rgb), "a raw photograph"),
        "photo.cr3": (files.unreadable("cr3", rgb), "a raw photograph"),
        "wide.webp": (encoded(wide), "WEBP holds at most 16,383 pixels a side, and this is 17,000x1"),  # a PNG in truth
        "bright floats.tif": (encoded(rgb[..., 0].astype(np.float32), "TIFF"), "a picture of floats"),
        "empty.heic": (b"", "the file is empty"),
        "cut.heic": (encoded(rgb, "HEIF")[:200], ""),
    }  # fmt: skip


def test_one_of_every_kind_among_100_good_files(lomit):
    folder, rgb = Path("many"), draw([5]).images[0]
    folder.mkdir()
    made, lost = hard(rgb), hopeless(rgb)
    for i, face in enumerate(draw(range(100 - len(made))).images):
        Image.fromarray(face).save(folder / f"{i:03d}.png")
    for name, data in [*made.items(), *((name, data) for name, (data, _) in lost.items())]:
        (folder / name).write_bytes(data)
    (folder / "notes.txt").write_text("no picture")
    code, out, err = lomit("--input=many", "--exemplar=star.png", "--output=out")
    assert (code, out) == (1, f"100 written, 0 skipped (done before), {len(lost)} failed\n"), err
    results = tree("out")
    assert len(results) == 100
    assert {"IMG_0001.HEIC.png", "phone.heif.png", "Display P3.png", "large EXIF.jpg", "small.avif.png"} < set(results)
    for name, (_, says) in lost.items():
        lines = [line for line in err.splitlines() if line.startswith(f"lomit-translate: many/{name}: {says}")]
        assert len(lines) == 1, (name, err)
    assert "Traceback" not in err and "errors.log" not in err
    for part in ("EXIF data cannot be read", "metadata are damaged", "colour profile cannot be used", "64 KB of EXIF"):
        assert sum("note: " in line and part in line for line in err.splitlines()) == 1, part
    assert read("out/Display P3.png").icc == files.profile("Display P3")
    code, out, _ = lomit("--input=many", "--exemplar=star.png", "--output=out")
    assert (code, out) == (1, f"0 written, 100 skipped (done before), {len(lost)} failed\n")


def test_an_error_that_nobody_thought_of_is_one_files(lomit, monkeypatch):
    encode = batch_jobs.encode

    def failing(photo, format, **more):
        if photo.name.endswith("a.png"):
            raise RuntimeError("nobody thought\nof this")
        return encode(photo, format, **more)

    monkeypatch.setattr(batch_jobs, "encode", failing)
    code, out, err = lomit("--input=photos", "--exemplar=star.png", "--output=out")
    assert (code, out) == (1, "2 written, 0 skipped (done before), 1 failed\n")
    assert "photos/a.png: RuntimeError: nobody thought of this (traceback in out/errors.log)" in err
    assert "Traceback" not in err
    log = Path("out/errors.log").read_text()
    assert log.startswith("photos/a.png\nTraceback") and "RuntimeError: nobody thought" in log
    code, _, err = lomit("--input=photos/a.png", "--exemplar=star.png", "--output=single.png")
    assert code == 1 and "(traceback in single.png.errors.log)" in err and Path("single.png.errors.log").exists()


def test_a_batch_that_the_network_refuses_is_tried_one_by_one(translator, monkeypatch):
    paint = translator.paint

    def failing(requests):
        if len(requests) > 1 or requests[0].framed.photo.name.endswith("a.png"):
            raise MemoryError
        return paint(requests)

    monkeypatch.setattr(translator, "paint", failing)
    jobs = [FileJob(f"photos/{name}", f"o/{name}", "star.png") for name in ("a.png", "c.jpg", "sub dir/b ü.png")]
    seen = []
    tally = run_jobs(translator, jobs, seen.append)
    assert (tally.written, tally.failed, tally.stopped) == (2, 1, "")
    assert seen[0].message == "there is not enough memory for this picture"


def test_no_memory_for_two_pictures_stops_the_run(lomit, monkeypatch):
    def failing(self, ready):
        raise MemoryError

    monkeypatch.setattr(Translator, "paint", failing)
    monkeypatch.setattr(batch_jobs, "BATCH_BYTES", 1)
    code, out, err = lomit("--input=photos", "--exemplar=star.png", "--output=out")
    assert (code, out) == (1, "0 written, 0 skipped (done before), 2 failed, 1 left\n")
    assert err.count("stopped: there is not enough memory") == 1


def test_an_exemplar_that_cannot_be_read_is_named_and_the_others_are_used(lomit):
    Path("stars").mkdir()
    Image.fromarray(draw([9]).images[0]).save("stars/good.png")
    Path("stars/bad.jxl").write_bytes(b"\xff\x0a" + bytes(20))
    code, out, err = lomit("--input=photos", "--exemplar=stars", "--output=out")
    assert (code, out) == (1, "3 written, 0 skipped (done before), 3 failed\n")
    assert err.count("stars/bad.jxl: JPEG XL, which cannot be read") == 1


def test_a_comparison_has_the_results_colours(lomit):
    rgb = draw([5]).images[0]
    profile = files.profile("ProPhoto")
    Path("wide.png").write_bytes(encoded(rgb, icc_profile=profile))
    flags = ("--exemplar=star.png", "--output=out.png", "--compare", "--strength=0")
    assert lomit("--input=wide.png", *flags)[0] == 0
    compared = read("out.png.compare.png")
    assert compared.icc == profile
    height, width = rgb.shape[:2]
    np.testing.assert_array_equal(compared.values[:, :width], rgb)  # the input in its own colours
    star = read("star.png").rgb
    gap = max(1, height // 50)
    shown = compared.rgb[:, width + gap : 2 * width + gap]
    assert np.abs(shown.astype(int) - star).mean() < 2  # and the exemplar, which is sRGB, looks as it did
