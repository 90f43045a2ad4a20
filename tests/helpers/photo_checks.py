"""What must become of a drawn photograph (photo_cases.py) when it is translated: its pixels, metadata and messages."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
from PIL import Image

from lomit_tf.data.preprocess import decode
from lomit_tf.imaging.photo import read
from lomit_tf.photos import batch_jobs, file_plan
from lomit_tf.photos.file_plan import FileJob, Settings
from lomit_tf.photos.translator import Translator
from tests.helpers import photo_files as files
from tests.helpers.photo_cases import MAKER, ORIENTATION, Case
from tests.helpers.photo_files import JPEG_START

_numbers = itertools.count()


def check(case: Case, translator: Translator, folder: Path) -> None:
    """Translate a case as a folder run would, and look at every pixel that must not have changed."""
    folder = folder / str(next(_numbers))
    (folder / "in").mkdir(parents=True)
    path, out = folder / "in" / case.name, folder / f"out{case.ending}"
    path.write_bytes(case.data)
    assert list(file_plan.walk(folder / "in")) == [case.name], "left out without a word"
    size = (8, 8) if case.values is None else case.values.shape[:2]
    mask = np.zeros(size, np.uint8)
    mask[:, size[1] // 2 :] = 255
    Image.fromarray(mask).save(folder / "hair.png")
    Image.fromarray(mask * 0).save(folder / "mouth.png")
    given = (("hair", str(folder / "hair.png")), ("mouth", str(folder / "mouth.png")))
    job = FileJob(str(path), str(out), "star.png", given, settings=Settings(crop="none", compare=bool(case.icc)))
    [done] = batch_jobs.translate_files(translator, [job])
    assert not done.traceback, done.traceback
    assert done.status == ("failed" if case.fails else "written"), done.message
    if case.fails:
        assert case.fails in done.message and not out.exists(), done.message
        return
    assert case.values is not None
    if case.noted is not None:
        assert any("left out" in note for note in done.notes) == case.noted, done.notes
    _check_pixels(case, out, mask == 0)
    _check_metadata(case, out)
    photo = read(path)
    np.testing.assert_array_equal(decode(path), photo.rgb)
    if case.reference is None:
        return
    off = np.abs(photo.rgb.astype(int) - case.reference).mean()
    assert off < 1.6, f"the model sees other colours: {off}"
    planes = {"hair": mask > 0, "mouth": np.zeros(mask.shape, bool)}
    alike = translator.translate(case.reference, planes, crop="none", exemplar=translator.exemplar_of_file("star.png"))
    own = translator.translate(photo, planes, crop="none", exemplar=translator.exemplar_of_file("star.png"))
    off = np.abs(own.photo.rgb.astype(int) - alike.photo.rgb).mean()
    assert off < 2.5, f"equal pictures become different ones: {off}"


def _check_pixels(case: Case, out: Path, kept: np.ndarray) -> None:
    """Where nothing was to change, the file has the pixels that it had."""
    written, values = files.as_read(str(out)), case.values
    assert values is not None
    if values.dtype.kind == "f":
        values = np.round(values * 65_535).astype(np.uint16)
    if case.ending not in (".png", ".tif") and values.dtype == np.uint16:
        values = (values >> 8).astype(np.uint8)
    assert written.dtype == values.dtype and written.shape[:2] == values.shape[:2], (written.dtype, written.shape)
    clear = values.shape[-1] == 4
    if case.ending in (".png", ".tif", ".webp"):
        np.testing.assert_array_equal(written[kept], values[kept])
    elif not clear and not (case.ending == ".bmp" and _wide(case)):
        # A JPEG's blocks of 8x8 with a changed pixel in them are another matter; in the others its steps at quality 95,
        # up to 12 a coefficient, leave 4 on average at most.
        width = kept[0].sum() // 8 * 8 if case.ending == ".jpg" else kept[0].sum()
        off = np.abs(written[:, :width].astype(int) - values[:, :width])
        assert off.size == 0 or off.mean() < (0.001 if case.ending == ".bmp" else 4), off.mean()


def _wide(case: Case) -> bool:
    """Whether its colours are not sRGB's, which BMP cannot say: it is written in sRGB."""
    return bool(read(case.data).icc)


def _check_metadata(case: Case, out: Path) -> None:
    image = Image.open(out)
    found, info, bmp = image.getexif(), image.info, case.ending == ".bmp"
    assert found.get(ORIENTATION, 1) == 1 and JPEG_START not in info.get("exif", b"") and not found.get_ifd(1)
    if bmp:
        return
    again = read(out)
    assert not [note for note in again.notes if "animation" not in note], again.notes
    if case.maker:
        assert found[MAKER] == "Maker"
    if case.icc is not None:
        assert info.get("icc_profile", b"") == case.icc
        if case.icc:
            assert Image.open(f"{out}.compare.png").info["icc_profile"] == case.icc
    if case.xmp:
        assert info["xmp"].strip(b"\0") == case.xmp
    if case.dpi and case.ending != ".webp":
        assert np.allclose(info["dpi"], case.dpi, atol=0.6), info["dpi"]
