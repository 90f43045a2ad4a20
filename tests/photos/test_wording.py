"""Notes and errors name the command's flags where the command says them, and Python's arguments where Python does."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from lomit_tf import Translator
from lomit_tf.imaging.formats import ImageError
from lomit_tf.photos.portraits import FOLDER
from lomit_tf.photos.wording import in_flags

MODEL = "--model=celeba_hair"


@pytest.fixture
def pictures(tmp_path, monkeypatch) -> None:
    """A portrait, two of them side by side, and one that is too small for a face, in the current folder."""
    monkeypatch.chdir(tmp_path)
    with Image.open(FOLDER / "astronaut.png") as image:
        one = image.convert("RGB")
    one.save("one.jpg")
    Image.fromarray(np.hstack([np.asarray(one), np.asarray(one)[:, ::-1]])).save("two.png")
    one.resize((60, 60)).save("small.png")


@pytest.mark.usefixtures("pictures")
def test_the_command_names_its_flags(lomit):
    code, _, err = lomit(MODEL, "--input=two.png", "--exemplar=two.png", "--output=out.png")
    notes = [line.partition("note: ")[2] for line in err.splitlines()]
    assert code == 0
    assert "2 faces were found; the largest was taken (--face=all or 1 to 2 takes others)" in notes
    taken = "exemplar: 2 faces were found; the largest was taken"
    assert f"{taken} (--exemplar_crop=x,y,width,height takes another)" in notes
    cases = {
        ("--input=one.jpg", "--exemplar=one.jpg", "--face=3"): "one.jpg: --face=3: 1 face was found; give 1",
        ("--input=one.jpg", "--exemplar=one.jpg", "--crop=9,9,999,9"): "one.jpg: --crop=9,9,999,9 reaches beyond",
        ("--input=one.jpg", "--exemplar=one.jpg", "--exemplar_crop=9,9,999,9"): "one.jpg: --exemplar_crop=9,9,999,9 re",
        ("--input=small.png", "--exemplar=one.jpg"): "small.png: the face is too small: ",
        ("--input=one.jpg", "--exemplar=small.png"): "small.png: the face is too small: ",
    }
    for flags, said in cases.items():
        code, _, err = lomit(MODEL, *flags, "--output=none.png")
        lines = [line for line in err.splitlines() if "note: " not in line]
        assert code == 1 and len(lines) == 1 and lines[0].startswith(f"lomit-translate: {said}"), err
        if "small" in said:
            flag = "--crop" if flags[0] == "--input=small.png" else "--exemplar_crop"
            assert lines[0].endswith(f"; give a larger photograph, or {flag}=center")


@pytest.mark.usefixtures("pictures")
def test_one_note_where_mouths_are_painted_along_with_all_the_rest(lomit):
    """Not where groups are named, of a colour, or of a model without smiles."""
    said = "hair, lips, smile and facial_hair are taken from the exemplar together; with smile and facial_hair among "
    flags = ("--input=one.jpg", "--output=out.png", "--overwrite")
    _, _, err = lomit("--model=celeba", "--exemplar=one.jpg", "--exemplar=two.png", "--input=one.jpg", "--output=out/")
    assert err.count(f"lomit-translate: note: {said}") == 1 and "try fewer, such as --groups=hair\n" in err
    experiment = "lomit-translate: note: facial_hair is an experiment in celeba: a person sees that it is painted\n"
    assert err.count(experiment) == 1
    for groups, times in (("facial_hair", 1), ("smile", 0)):
        _, _, err = lomit("--model=celeba", *flags, "--exemplar=one.jpg", f"--groups={groups}")
        assert err.count(experiment) == times
    for more in (["--exemplar=one.jpg", "--groups=hair,lips,smile,facial_hair"], ["--colour=#8a3b12"]):
        code, _, err = lomit("--model=celeba", *flags, *more)
        assert code == 0 and "mouths" not in err
    code, _, err = lomit("--model=celeba_colours", *flags, "--exemplar=one.jpg")
    assert code == 0 and "mouths" not in err


@pytest.mark.usefixtures("pictures")
def test_beam_names_the_exemplar_and_the_flags(lomit):
    pytest.importorskip("apache_beam", reason="Apache Beam is not installed (extra beam)")
    flags = (MODEL, "--runner=beam", "--input=*.jpg", "--output=out")
    code, _, err = lomit(*flags, "--exemplar=small.png")
    assert code == 2
    assert "lomit-translate: small.png: the face is too small: " in err and ", or --exemplar_crop=center\n" in err
    from lomit_tf.photos.beam_jobs import dead_letter
    from lomit_tf.photos.file_plan import FileJob

    assert '"message": "--face=3: 1 face' in dead_letter(FileJob("a.png", "b.png", "c.png").failed("face=3: 1 face"))


@pytest.mark.usefixtures("pictures")
def test_python_names_its_arguments():
    translator = Translator("celeba_hair", log_notes=False)
    with pytest.raises(ImageError, match=r"^face=3: 1 face was found"):
        translator.prepare("one.jpg", face=3)
    with pytest.raises(ImageError, match=r", or crop=center$"):
        translator.prepare("small.png")
    assert (
        "2 faces were found; the largest was taken (face=all or 1 to 2 takes others)"
        in (translator.encode_exemplar("two.png").notes[0])
    )


def test_nothing_else_is_changed():
    for message in ("what is marked outside of the crop is ignored", "--face=2 needs --crop=face", "surface=3, crops"):
        assert in_flags(message) == message
    assert in_flags("crop x,y,width,height needs 4", exemplar=True) == "--exemplar_crop=x,y,width,height needs 4"
