"""Photographs that a job needs for nothing else are changed in their place, and the results are the same."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lomit_tf.photos import batch_jobs, portraits
from lomit_tf.photos.batch_jobs import translate_file, translate_files
from lomit_tf.photos.file_plan import SWATCH, FileJob, Settings
from lomit_tf.photos.translator import Translator
from tests.helpers.photo_files import exif, profile

COLOURS, FACES = ("#8a3b12", "#2244cc"), ("largest", "all")


@pytest.fixture(scope="module")
def hair() -> Translator:
    return Translator("celeba_hair", log_notes=False)


@pytest.fixture
def two_faces(tmp_path) -> dict[str, Path]:
    """Two portraits side by side, in files of several kinds."""
    rows = [
        Image.open(portraits.PORTRAITS[name]).convert("RGB").resize((256, 256))
        for name in list(portraits.PORTRAITS)[:2]
    ]
    rgb = np.concatenate([np.asarray(row) for row in rows], axis=1)
    alpha = np.full(rgb.shape[:2], 200, np.uint8)
    kinds = {
        "plain.jpg": {"image": rgb, "quality": 95},
        "wide.jpg": {"image": np.rot90(rgb), "exif": b"Exif\0\0" + exif(6), "icc_profile": profile("AdobeRGB")},
        "clear.png": {"image": np.dstack([rgb, alpha])},
    }
    for name, options in kinds.items():
        Image.fromarray(np.ascontiguousarray(options.pop("image"))).save(tmp_path / name, **options)
    return {name: tmp_path / name for name in kinds}


def test_the_same_files_where_the_photograph_is_needed_again(hair, two_faces, monkeypatch, tmp_path):
    """One colour after the other, each photograph spent; both colours of one reading; and beside a comparison."""
    spent = []
    monkeypatch.setattr(
        batch_jobs,
        "encode",
        lambda *args, encode=batch_jobs.encode, **more: spent.append(more) or encode(*args, **more),
    )
    cases = [(name, face, ending) for name, ending in (("plain.jpg", "jpg"), ("clear.png", "png")) for face in FACES]
    for name, face, ending in [*cases, ("wide.jpg", "largest", "jpg")]:
        settings = Settings(overwrite=True, face=face, save_masks=True)
        outputs = [str(tmp_path / f"{i}.{ending}") for i in range(len(COLOURS))]
        jobs = [
            FileJob(str(two_faces[name]), output, f"{SWATCH}{colour}", settings=settings)
            for output, colour in zip(outputs, COLOURS, strict=True)
        ]
        spent.clear()
        alone = [translate_file(hair, job) for job in jobs]
        assert spent == [{"spent": True}] * 2
        files = {file: Path(file).read_bytes() for job in alone for file in job.files}
        assert len(files) == 4
        compared = dataclasses.replace(jobs[0], settings=dataclasses.replace(settings, compare=True))
        for others in (jobs, [compared]):
            spent.clear()
            assert all(job.status == "written" for job in translate_files(hair, others))
            assert {"spent": True} not in spent
            assert {file: Path(file).read_bytes() for file in files} == files, (name, face, ending)


def test_what_a_caller_holds_is_never_overwritten(hair):
    given = np.asarray(Image.open(portraits.PORTRAITS["Grace Hopper"]).convert("RGB"))
    kept = given.copy()
    framed = hair.prepare(given)
    results = [hair.translate(framed, exemplar=hair.encode_colour(colour)).photo for colour in COLOURS]
    assert (results[0].values != results[1].values).any()
    np.testing.assert_array_equal(framed.photo.values, kept)
    np.testing.assert_array_equal(given, kept)
