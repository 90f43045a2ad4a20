"""Drawn expressions: determinism, truth of the masks, intensities, the folder that the tool writes, arguments."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from PIL import Image

from lomit_tf.config import DataConfig
from lomit_tf.data.drawn_expressions import INTENSITIES, REGION_OF, REGIONS, UNITS, draw, intensities_of
from lomit_tf.data.sources import open_set
from tools import drawn_expressions as tool

NAMES = list(UNITS)


@pytest.mark.parametrize("size", [64, 100])
def test_a_face_depends_on_seed_and_index_alone(size):
    together = draw(range(30), seed=2, size=size)
    for i in (0, 7, 29):
        alone = draw([i], seed=2, size=size)
        np.testing.assert_array_equal(alone.images[0], together.images[i])
        np.testing.assert_array_equal(alone.masks[0], together.masks[i])
    np.testing.assert_array_equal(together.intensities, intensities_of(range(30), seed=2))
    assert (draw(range(30), seed=3, size=size).images != together.images).mean() > 0.5


def test_units_are_independent_and_of_every_intensity():
    found = intensities_of(range(20000))
    assert found.shape == (20000, 12) and found.min() == 0 and found.max() == INTENSITIES
    shares = (found > 0).mean(axis=0)
    eyes = [NAMES.index("AU5"), NAMES.index("AU43")]
    np.testing.assert_allclose(np.delete(shares, eyes[0]), 0.35, atol=0.015)
    np.testing.assert_allclose(shares[eyes[0]], 0.35 * 0.65, atol=0.015)
    assert not (found[:, eyes] > 0).all(axis=1).any()  # open and closed eyes exclude each other
    graded = [(found == k).mean() for k in range(1, INTENSITIES + 1)]
    assert max(graded) - min(graded) < 0.005
    correlation = np.corrcoef(np.delete(found > 0, eyes, axis=1).T) - np.eye(10)
    assert np.abs(correlation).max() < 0.03


@pytest.mark.parametrize("unit", NAMES)
def test_a_unit_shows_within_its_region_alone_and_grows_with_its_intensity(unit):
    """Beyond the region's soft mask nothing changes but a level of rounding at its border."""
    faces, column = range(40), NAMES.index(unit)
    rest = np.zeros((40, 12), np.int64)
    pictures = []
    for intensity in (0, 1, 3, 5):
        moved = rest.copy()
        moved[:, column] = intensity
        pictures.append(draw(faces, size=96, intensities=moved))
    inside = pictures[0].masks[..., REGIONS.index(REGION_OF[unit])]
    changes = [np.abs(p.images.astype(int) - pictures[0].images).max(axis=-1) for p in pictures[1:]]
    hidden = inside.reshape(40, -1).max(axis=1) < 200  # by the hair
    assert hidden.mean() < 0.2
    for change in changes:
        assert (change[~hidden].reshape(-1, 96 * 96).max(axis=1) > 10).all()
        assert (change[inside == 0] > 6).mean() < 2e-4
    sums = [change.sum() for change in changes]
    assert sums[0] < sums[1] < sums[2]
    np.testing.assert_array_equal(pictures[0].masks, pictures[-1].masks)


@pytest.mark.parametrize("graded", [False, True])
def test_the_folder_is_read_back_as_a_labelled_folder(tmp_path, graded, capsys):
    folder = tmp_path / "faces"
    assert tool.main([f"--out={folder}", "--count=300", *(["--graded"] if graded else [])]) == 0
    assert "300 faces" in capsys.readouterr().out
    with (folder / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    values = np.array([[int(row[unit]) for unit in UNITS] for row in rows])
    assert set(np.unique(values)) == ({0, 1, 2, 3, 4, 5, 999} if graded else {0, 1})
    config = DataConfig(dataset="labelled_folder", data_dir=str(folder), attributes=tuple(UNITS), image_size=64, crop=0)
    sizes = {}
    for split in ("train", "validation", "test"):
        images = open_set(config, split)
        sizes[split] = len(images)
        indices = np.array([int(str(key).split("/")[-1][:-4]) for key in images.keys])
        truth = intensities_of(indices) > 0
        hidden = np.array([[int(row[u]) == 999 for u in UNITS] for row in rows if row["split"] == split])
        np.testing.assert_array_equal(images.labels, truth & ~hidden)
        name = images.keys[0]
        np.testing.assert_array_equal(np.asarray(Image.open(name)), draw(indices[:1]).images[0])
    assert sizes == {"train": 270, "validation": 15, "test": 15}
    assert tool.main([f"--out={tmp_path / 'few'}", "--count=30"]) == 0
    assert len(list((tmp_path / "few" / "images").iterdir())) == 30
    with pytest.raises(SystemExit, match="2"):
        tool.main([f"--out={folder}"])
    assert "is there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"size": 32}, "size is 32"), ({"seed": -1}, "seed is -1"),
        ({"intensities": np.full((2, 12), 6)}, "whole numbers in 0..5"),
        ({"intensities": np.zeros((2, 11), int)}, "whole numbers in 0..5"),
        ({"intensities": np.zeros((2, 12))}, "whole numbers in 0..5"),
    ],
)  # fmt: skip
def test_arguments_out_of_range_are_refused(given, words):
    with pytest.raises(ValueError, match=words):
        draw(range(2), **given)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path, capsys):
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit, match="2"):
        tool.main([f"--out={tmp_path / 'file' / 'faces'}"])
    assert "cannot be made (Not a directory)" in capsys.readouterr().err


@pytest.mark.parametrize("flags", [["--count=3"], ["--size=20"], ["--seed=-4"]])
def test_the_tool_refuses_numbers_out_of_range(flags, tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        tool.main([f"--out={tmp_path / 'new'}", *flags])
    assert flags[0].split("=")[1] in capsys.readouterr().err and not (tmp_path / "new").exists()
