"""The command `lomit-translate` on one picture, its flags, and what is refused."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lomit_tf.photos import file_plan
from lomit_tf.photos.batch_jobs import translate_file
from lomit_tf.photos.file_plan import FileJob, Settings
from tests.helpers.files import ROOT, pixels, tree

pytestmark = pytest.mark.usefixtures("photo_folder")


def test_one_picture(lomit, translator):
    assert lomit("--input=photos/a.png", "--exemplar=star.png", "--output=out.png")[:2] == (0, "out.png\n")
    expected = translator.translate("photos/a.png", exemplar=translator.encode_exemplar("star.png"))
    np.testing.assert_array_equal(pixels("out.png"), np.asarray(expected.image))
    assert (pixels("out.png") != pixels("photos/a.png")).any()
    code, _, err = lomit("--input=photos/a.png", "--exemplar=star.png", "--output=out.png", "--strength=0")
    assert code == 0 and "note: " not in err
    np.testing.assert_array_equal(pixels("out.png"), pixels("photos/a.png"))  # a single output is made anew
    Image.open("photos/a.png").crop((0, 0, 64, 50)).save("wide.png")
    _, _, err = lomit("--input=wide.png", "--exemplar=star.png", "--output=out.png")
    assert "note: this model was not trained on photographs of faces, so the centre was cropped" in err


def test_masks_saved_edited_and_given_again(lomit):
    flags = ("--input=photos/a.png", "--exemplar=star.png", "--output=out.png", "--save_masks", "--compare")
    assert lomit(*flags)[0] == 0
    masks = [f"out.png.{what}.{group}.png" for what in ("exemplar_mask", "input_mask") for group in ("hair", "mouth")]
    assert set(tree(".")) >= {"out.png", "out.png.compare.png", *masks}
    assert pixels("out.png.compare.png").shape == (64, 3 * 64 + 2, 3)
    mask = pixels("out.png.input_mask.hair.png").copy()
    mask[:, :32] = 0
    Image.fromarray(mask).save("hair.png")
    Image.fromarray(mask * 0).save("none.png")
    flags = ("--input=photos/a.png", "--exemplar=star.png", "--output=again.png")
    edits = ("--input_mask=hair=hair.png", "--input_mask=mouth=none.png", "--exemplar_mask=hair=hair.png")
    assert lomit(*flags, *edits)[0] == 0
    np.testing.assert_array_equal(pixels("again.png")[:, :32], pixels("photos/a.png")[:, :32])
    assert (pixels("again.png")[:, 32:] != pixels("photos/a.png")[:, 32:]).any()
    code, _, err = lomit(*flags, "--input_mask=hair.png")
    assert code == 2 and "the groups hair, mouth; say of which group it is, such as --input_mask=hair=hair.png" in err
    Image.fromarray(mask[:40]).save("other size.png")
    code, _, err = lomit(*flags, "--input_mask=hair=other size.png")
    assert code == 1 and "photos/a.png: " in err and "the mask is 64x40, the image 64x64" in err
    code, _, err = lomit(*flags, "--exemplar_mask=hair=other size.png")
    assert code == 1 and "the mask is 64x40" in err


def test_flags_reach_the_translation(lomit, translator):
    exemplar = translator.encode_exemplar("star.png", crop="center")
    flags = ("--input=photos/a.png", "--exemplar=star.png", "--output=out.png")
    settings = {"groups": ["mouth"], "strength": 0.5, "keep_background": False, "crop": "4,6,40,50"}
    given = ("--groups=mouth", "--strength=0.5", "--nokeep_background", "--crop=4,6,40,50")
    assert lomit(*flags, *given)[0] == 0
    expected = translator.translate("photos/a.png", exemplar=exemplar, **settings)
    np.testing.assert_array_equal(pixels("out.png"), np.asarray(expected.image))


def test_a_stream_in_and_out(groups_workdir):
    command = [sys.executable, "-m", "lomit_tf.translate", f"--model={groups_workdir}", "--exemplar=star.png"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, "--input=-", "--output=-", "--format=webp", "--strength=0"],
        input=Path("photos/a.png").read_bytes(), capture_output=True, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not re.search(rb"oneDNN|cuda|absl::", done.stderr)  # nothing of what TensorFlow says on every start
    image = Image.open(io.BytesIO(done.stdout))
    assert image.format == "WEBP"
    np.testing.assert_array_equal(np.asarray(image), pixels("photos/a.png"))


def test_other_formats_by_the_outputs_ending(translator):
    for ending, format in (("jpg", "JPEG"), ("webp", "WEBP"), ("tif", "TIFF"), ("bmp", "BMP")):
        assert translate_file(translator, FileJob("photos/a.png", f"o.{ending}", "star.png")).status == "written"
        assert Image.open(f"o.{ending}").format == format
    (job,) = file_plan.plan_one("photos/a.png", ["star.png"], "new/", Settings())
    assert job.output == "new/a.png"


# Contradictory flags


@pytest.mark.parametrize(
    "flags, says",
    [
        (["--output=o.png", "--strenght=1"], "--strenght is unknown; did you mean --strength?"),
        (["--output=photos/a.png"], "--output=photos/a.png is the input; name another file"),
        (["--output=star.png"], "--output=star.png is the exemplar"),
        (["--output=o.gif"], "--output=o.gif: cannot write pictures ending in '.gif'; use one of"),
        (["--output=o"], "--output=o has no ending; use one of"),
        (["--output=o.png", "--format=webp"], "leave --format away, or name --output=o.webp"),
        (["--output=o.png", "--input=gone.png"], "--input=gone.png: no such file or folder"),
        (["--output=o.png", "--exemplar=gone.png"], "--exemplar=gone.png: no such file"),
        (["--output=o.png", "--input_mask=gone.png"], "--input_mask=gone.png: no such file"),
        (["--output=o.png", "--strength=-1"], "--strength must be at least 0; received -1"),
        (["--output=o.png", "--strength=50"], "--strength must be at most 2; received 50"),
        (["--output=o.png", "--strength=nan"], "--strength must be a finite number; received nan"),
        (["--output=o.png", "--strength=much"], "--strength must be a number; received 'much'"),
        (["--output=o.png", "--crop=middle"], "--crop must be face, center, none, or x,y,width,height"),
        (["--output=o.png", "--exemplar_crop=1,2,3"], "--exemplar_crop must be face, center, none, or x,y,"),
        (["--output=/proc/o.png"], "--output=/proc/o.png cannot be written: "),
        (["--output=/proc/o/", "--input=photos"], "--output=/proc/o cannot be written: "),
        (["--output=star.png/o.png"], "star.png is a file, not a folder; name another file"),
        (["--output=o.png", "--colour=rgb(300,1,2)"], "--colour=rgb(300,1,2): not a colour"),
        (["--output=o.png", "--groups=hat"], "--groups=hat: 'hat' is not a group of "),
        (["--output=o.png", "--groups=hat"], ", which has hair, mouth\n"),
        (["--output=o.png", "--groups=hair,facial_hair", "--model=celeba_mobile"], "'facial_hair' is not a group of "
         "celeba_mobile, which has hair, lips, smile; --model=celeba has facial_hair\n"),
        (["--output=o.png", "--input_mask=lips=star.png", "--model=celeba_hair"], "which has hair; --model=celeba and "
         "--model=celeba_colours and --model=celeba_mobile have lips\n"),
        (["--output=o.png", "--groups="], "--groups is empty; write --groups=A,B, or leave it out for all groups"),
        (["--output=o.png", "--groups=hair,"], "--groups=hair,: a name is empty; write --groups=A,B"),
        (["--output=o.png", "--exemplar="], "--exemplar is empty; give a picture, a folder"),
        (["--output=o.png", "--colour="], "--colour is empty; write #rrggbb"),
        (["--output=o.png", "--input_mask="], "--input_mask is empty; give a file"),
        (["--output=o", "--input=photos", "--input_mask="], "--input_mask is empty; give a file"),
        (["--output=-", "--save_masks"], "--save_masks and --compare write files beside the output"),
        (["--output=o.png", "--exemplar=photos"], "with 2 exemplars or colours, name a folder"),
        (["--output=-", "--input=photos"], "--output=- takes one picture"),
        (["--output=photos", "--input=photos"], "--output=photos is the input folder"),
        (["--output=photos/../photos/", "--input=photos"], "is the input folder"),
        (["--output=photos/more", "--input=photos"], "--output=photos/more lies within --input=photos; name a folder"),
        (["--output=.", "--input=photos"], "lies within --output=., where a result could overwrite it"),
        (["--output=star.png", "--input=photos"], "--output=star.png is a file"),
        (["--output=o", "--input=photos", "--input_mask=star.png"], "name a folder of masks"),
        (["--output=o", "--input=photos", "--input_mask=photos"], "photos: there is no mask in it; they are called"),
        (["--output=o.png", "--input_mask=photos"], "--input_mask=photos: a folder, and --input is one picture"),
        (["--output=o.png", "--input_mask=hat=star.png"], "--input_mask=hat=star.png: 'hat' is not a group of"),
        (["--output=o.png", "--input_mask=star.png"], "such as --input_mask=hair=star.png"),
        (["--output=o.png", "--model=gone"], "--model: 'gone' is neither the name of shipped weights"),
        (["--output=o.png", "--model=photos"], "--model: 'photos' is neither the name of shipped weights"),
        (["--output=o.png", "--model=photos/"], "--model: no trained model at photos"),
        (["o.png"], "'o.png' is not a flag; write it like --input=..."),
        (["--output=o.png", "--strength=1", "--strength=2"], "--strength is given twice"),
        ([], "--output is missing; give --output=O"),
    ],
)  # fmt: skip
def test_flags_that_cannot_be_meant(lomit, flags, says):
    base = [f for f in ("--input=photos/a.png", "--exemplar=star.png") if not any(g.startswith(f[:8]) for g in flags)]
    before = tree(".")
    code, out, err = lomit(*base, *flags)
    assert (code, out) == (2, "")
    assert err.startswith("lomit-translate: ") and err.count("\n") == 1
    assert says in err
    assert tree(".") == before


def test_help_in_plain_words_and_without_tensorflow():
    code = """
import sys
from lomit_tf.translate import run
assert run(["--help"]) == 0
assert run(["--model=m", "--input=gone", "--exemplar=star.png", "--output=o.png"]) == 2
assert not {"tensorflow", "keras", "numpy", "cv2"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    flags = ["model", "input", "exemplar", "output", "input_mask", "exemplar_mask", "groups", "strength", "crop",
             "exemplar_crop", "[no]keep_background", "[no]save_masks", "[no]compare", "format",
             "[no]overwrite"]  # fmt: skip
    for flag in flags:
        assert f"--{flag}" in done.stdout
    assert "lomit-translate --model=celeba_hair --input=photos" in done.stdout
