"""`lomit-translate` on folders: what is written, skipped, and taken up again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lomit_tf.data.drawn_faces import draw
from lomit_tf.photos import file_plan
from tests.helpers.files import ROOT, pixels, tree

pytestmark = pytest.mark.usefixtures("photo_folder")


def test_a_folder_is_mirrored_and_what_is_done_is_skipped(lomit):
    Path("photos/notes.txt").write_text("no picture")
    Path("photos/.hidden.png").write_text("left alone")
    flags = ("--input=photos", "--exemplar=star.png", "--output=results")
    assert lomit(*flags)[:2] == (0, "3 written, 0 skipped (done before), 0 failed\n")
    assert tree("results") == ["a.png", "c.jpg", "sub dir/b ü.png"]
    times = {p: os.stat(Path("results", p)).st_mtime_ns for p in tree("results")}
    Path("results/c.jpg").write_bytes(b"")  # an empty file is not a result
    Path("results/.a.png.123.part").write_bytes(b"left by a crash")
    assert lomit(*flags)[:2] == (0, "1 written, 2 skipped (done before), 0 failed\n")
    assert os.stat("results/a.png").st_mtime_ns == times["a.png"]
    assert Image.open("results/c.jpg").format == "JPEG"
    assert lomit(*flags, "--overwrite")[1] == "3 written, 0 skipped (done before), 0 failed\n"
    assert lomit(*flags, "--save_masks")[1] == "3 written, 0 skipped (done before), 0 failed\n"


def test_several_exemplars_get_a_folder_each(lomit, translator):
    Image.fromarray(draw([9]).images[0]).save("other.png")
    flags = ("--input=photos", "--exemplar=star.png", "--exemplar=other.png", "--output=out", "--format=png")
    assert lomit(*flags)[:2] == (0, "6 written, 0 skipped (done before), 0 failed\n")
    names = ["a.png", "c.jpg.png", "sub dir/b ü.png"]
    assert tree("out") == [f"{e}/{n}" for e in ("other", "star") for n in names]
    for name in ("star", "other"):
        exemplar = translator.encode_exemplar(f"{name}.png")
        expected = np.asarray(translator.translate("photos/a.png", exemplar=exemplar).image)
        assert np.abs(pixels(f"out/{name}/a.png").astype(int) - expected).max() <= 1  # another batch


def test_a_folder_of_edited_masks(lomit):
    flags = ("--input=photos", "--exemplar=star.png", "--format=png")
    assert lomit(*flags, "--output=first", "--save_masks")[0] == 0
    for group in ("hair", "mouth"):
        path = f"first/c.jpg.png.input_mask.{group}.png"
        Image.fromarray(pixels(path) * 0).save(path)
    assert lomit(*flags, "--output=second", "--input_mask=first")[0] == 0
    np.testing.assert_array_equal(pixels("second/c.jpg.png"), pixels("photos/c.jpg"))
    assert (pixels("second/a.png") != pixels("photos/a.png")).any()


def test_edited_masks_of_several_exemplars_and_of_another_format(lomit):
    Image.fromarray(draw([9]).images[0]).save("other.png")
    flags = ("--input=photos", "--exemplar=star.png", "--exemplar=other.png")
    assert lomit(*flags, "--output=first", "--save_masks", "--format=png")[0] == 0
    for group in ("hair", "mouth"):
        for path in Path("first/star").glob(f"*.input_mask.{group}.png"):
            Image.fromarray(pixels(path) * 0).save(path)
    os.remove("first/other/a.png.input_mask.hair.png")
    os.remove("first/other/a.png.input_mask.mouth.png")
    code, _, err = lomit(*flags, "--output=second", "--input_mask=first", "--format=webp")
    assert code == 0 and "--input_mask=first: 1 of 6 pictures have no mask there, and keep the network's" in err
    assert "the first of them is photos/a.png" in err
    for name in ("a.png", "c.jpg"):
        np.testing.assert_array_equal(pixels(f"second/star/{name}.webp"), pixels(f"photos/{name}"))
        assert (pixels(f"second/other/{name}.webp") != pixels(f"photos/{name}")).any()


def test_a_mask_of_another_input_is_left_to_that_one(tmp_path):
    masks = [f"masks/{name}.jpg.png.input_mask.hair.png" for name in "ab"]
    for name in ("in/a.jpg", "in/a.jpg.png", *masks):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    inputs, saved = str(tmp_path / "in"), file_plan.read_saved_masks(str(tmp_path / "masks"))
    assert file_plan.given_masks(inputs, saved, "a.jpg", "", "") == ()
    assert file_plan.given_masks(inputs, saved, "a.jpg.png", "", "star") == (("hair", str(tmp_path / masks[0])),)
    assert file_plan.given_masks(inputs, saved, "b.jpg", "", "star") == (("hair", str(tmp_path / masks[1])),)


def test_exemplars_of_the_same_name():
    assert file_plan.exemplar_folders(["a/x.png", "b/x.jpg"]) == {"a/x.png": "x.png", "b/x.jpg": "x.jpg"}
    with pytest.raises(file_plan.PlanError, match=r"two are called x\.png"):
        file_plan.exemplar_folders(["a/x.png", "b/x.png"])


@pytest.mark.slow
def test_stopped_by_a_signal_and_taken_up_again(groups_workdir, lomit):
    many = Path("many")
    many.mkdir()
    for i, face in enumerate(draw(range(48), size=256).images):
        Image.fromarray(face).save(many / f"{i:03d}.png", compress_level=0)
    command = [sys.executable, "-m", "lomit_tf.translate", f"--model={groups_workdir}"]
    flags = ["--input=many", "--exemplar=star.png", "--output=out"]
    running = subprocess.Popen(
        [*command, *flags], env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    while not (os.path.isdir("out") and tree("out")) and time.monotonic() < deadline and running.poll() is None:
        time.sleep(0.02)
    running.send_signal(signal.SIGTERM)
    _, err = running.communicate(timeout=120)
    assert running.returncode == 128 + signal.SIGTERM, err
    assert "terminated; the same command goes on with what is missing" in err
    done = tree("out")
    assert 0 < len(done) < 48 and not [name for name in done if name.endswith(".part")]
    for name in done:
        Image.open(Path("out", name)).load()  # whole
    code, out, _ = lomit(*flags)
    assert (code, out) == (0, f"{48 - len(done)} written, {len(done)} skipped (done before), 0 failed\n")
    assert len(tree("out")) == 48
