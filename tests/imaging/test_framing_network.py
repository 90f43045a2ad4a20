"""The second look at the framing of a face: what the network is shown, what follows, and that it leads to one crop."""

from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lomit_tf.data.preprocess import decode
from lomit_tf.imaging import faces, framing_network
from lomit_tf.imaging.celeba_framing import CELEBA_CROP, crop_around
from lomit_tf.imaging.framing_network import MOST, SIDE, UNIT, corrected, moved, shown
from lomit_tf.imaging.look import Look
from lomit_tf.photos import portraits

TOOL = Path(__file__).parents[2] / "tools" / "framing_network.py"


@pytest.fixture(scope="module")
def tool():
    found = importlib.util.spec_from_file_location("framing_network_tool", TOOL)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_a_crop_moves_by_hand():
    turn, centre = 100 * np.exp(0.3j), 40 + 50j
    output = np.array([1.0, -2.0, 0.5, 3.0])
    s, t, u, v = output * UNIT
    new_turn, new_centre = moved(turn, centre, output)
    np.testing.assert_allclose([abs(new_turn), np.angle(new_turn)], [100 * np.exp(s), 0.3 + t])
    along, down = np.exp(0.3j), 1j * np.exp(0.3j)  # the crop's own axes
    np.testing.assert_allclose(new_centre, centre + 100 * (u * along + v * down))
    assert moved(turn, centre, np.full(4, 50.0)) == moved(turn, centre, np.full(4, MOST))
    np.testing.assert_allclose(moved(turn, centre, np.zeros(4)), (turn, centre))


def test_what_is_shown_lies_below_the_middle_and_turns_along():
    across, centre = shown(100 + 0j, 20 + 30j)
    np.testing.assert_allclose([across, centre], [70, 20 + 39j])
    across, centre = shown(100j, 20 + 30j)  # turned by a quarter, clockwise: down is to the left
    np.testing.assert_allclose([across, centre], [70j, 11 + 30j])


def test_training_shows_where_the_crop_lies(tool, rng):
    """An image whose colours are its own x and y: the part's colours say where it lies, and its target leads back."""
    y, x = np.mgrid[:218, :178]
    image = np.stack([x, y, 0 * x], axis=-1).astype(np.uint8)
    tool.varied = lambda rng, part: part
    for _ in range(20):
        part, (s, t, u, v) = tool.squares(rng, image)
        slope = part[-1, :, 0].astype(float).mean() - part[0, :, 0].astype(float).mean()
        if part[:, -1, 0].mean() < part[:, 0, 0].mean():  # mirrored
            t, u = -t, -u
        turn = CELEBA_CROP * np.exp(-(s + 1j * t))
        centre = complex(177, 217) / 2 - turn * (u + 1j * v)
        across, middle = shown(turn, centre)
        np.testing.assert_allclose(part[..., :2].mean(axis=(0, 1)), [middle.real, middle.imag], atol=1.0)
        np.testing.assert_allclose(slope * SIDE / (SIDE - 1), -across.imag, atol=3.0)
        output = np.array([s, t, u, v]) / UNIT
        np.testing.assert_allclose(moved(turn, centre, output), (CELEBA_CROP, complex(177, 217) / 2), atol=1e-6)


@pytest.mark.parametrize("name", list(portraits.PORTRAITS))
def test_every_start_leads_to_one_crop(name):
    """Starts that differ by as much as found windows do: up to 10 % in size, 4 degrees, and 4 % of the side."""
    with Image.open(portraits.PORTRAITS[name]) as picture:
        image = np.asarray(picture.convert("RGB"))
    (face, *_), look = faces.find(image), Look(image)
    turn, centre = face.crop
    assert abs(turn / crop_around(face.points)[0] - 1) < 0.2
    ends = []
    for size, angle, off in itertools.product((0.92, 1.08), (-4, 4), (-0.03, 0.03 + 0.02j)):
        start = turn * size * np.exp(1j * np.radians(angle))
        ends.append(corrected(look, complex(start), complex(centre + off * turn)))
    found = np.array(ends)
    assert np.abs(np.abs(found[:, 0] / turn) - 1).max() < 0.04
    assert np.abs(np.degrees(np.angle(found[:, 0] / turn))).max() < 2
    assert np.abs((found[:, 1] - centre) / abs(turn)).max() < 0.03


def test_a_mirror_image_has_the_mirrored_crop():
    with Image.open(portraits.PORTRAITS["Eileen Collins"]) as picture:
        image = np.asarray(picture.convert("RGB"))
    crops = [faces.find(one)[0].crop for one in (image, np.ascontiguousarray(image[:, ::-1]))]
    (turn, centre), (other, place) = crops
    assert abs(turn.conjugate() / other - 1) < 0.03
    assert abs(complex(image.shape[1] - 1 - centre.real, centre.imag) - place) / abs(turn) < 0.02


@pytest.mark.shared
def test_faces_that_smile_are_framed_as_those_that_do_not(shared):
    """Validation images, which the network has not learned from: nearer to CelebA's own crop than points alone lead."""
    root = shared / "data/celeba"
    head, *rows = (root / "list_attr_celeba.txt").read_text().splitlines()[1:]
    smiles = {row.split()[0]: row.split()[1:][head.split().index("Smiling")] == "1" for row in rows}
    validation = [
        row.split()[0] for row in (root / "list_eval_partition.txt").read_text().splitlines() if row.endswith(" 1")
    ]
    sizes, smiling = [], []
    for name in sorted(validation)[:60]:
        image = decode(root / "img_align_celeba" / name)
        for face in faces.find(image, largest=True)[:1]:
            sizes.append([abs(crop_around(face.points)[0]) / CELEBA_CROP, abs(face.crop[0]) / CELEBA_CROP])
            smiling.append(smiles[name])
    sizes, smiling = np.log(sizes), np.array(smiling)
    assert len(sizes) > 50 and 15 < smiling.sum() < len(sizes) - 15
    before, after = sizes.T
    gap = [side[smiling].mean() - side[~smiling].mean() for side in (before, after)]
    assert gap[0] > 0.03 and abs(gap[1]) < 0.015
    assert np.sqrt((after**2).mean()) < 0.6 * np.sqrt((before**2).mean())


def test_another_network_file_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(framing_network, "NETWORK", tmp_path / "missing.tflite")
    with pytest.raises(ValueError, match=r"missing\.tflite"):
        framing_network.run(np.zeros((SIDE, SIDE, 3), np.uint8))
