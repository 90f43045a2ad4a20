"""A colour among the page's exemplars, without a browser: compared with the Translator itself."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from untrained import begun, untrained

from lomit_tf.data import drawn_faces
from lomit_tf.imaging import framing
from lomit_tf.imaging.celeba_framing import SHAPE
from lomit_tf.imaging.faces import Face
from lomit_tf.imaging.formats import ImageError
from lomit_tf.photos import portraits
from lomit_tf.webapp import examples, mask_edits
from lomit_tf.webapp.session import MAX_EXEMPLARS, Session, Settings

COLOURS = {"system": "recipe", "colour_groups": ("hair",)}


@pytest.fixture(scope="module")
def translator(tiny):
    """The hair is painted by curves, the mouth freely."""
    return untrained(tiny, **COLOURS)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pictures")
    paths = [folder / f"face{n}.png" for n in range(2)]
    for path, image in zip(paths, drawn_faces.draw(range(2), size=96).images, strict=True):
        Image.fromarray(image).save(path)
    return paths


@pytest.fixture
def session(translator, files) -> Session:
    return begun(translator, files[0], files[1])


def test_a_colour_is_one_more_exemplar_and_gives_what_the_translator_gives(session, translator, files, tmp_path):
    before = session.show(Settings())
    swatch = session.open_colour(" SaddleBrown")
    assert (swatch.name, swatch.group, session.exemplar) == ("#8b4513", "hair", swatch)
    shown = session.show(Settings())
    assert [name for name, _ in shown.after] == ["ex.png", "#8b4513"]
    assert (shown.encoded, shown.painted) == (1, 1)
    np.testing.assert_array_equal(shown.after[0][1], before.after[0][1])
    expected = translator.translate(files[0], exemplar=translator.encode_colour("#8b4513"))
    np.testing.assert_array_equal(shown.after[1][1], expected.photo.rgb)
    assert np.any(expected.photo.rgb != shown.before)

    picture, archive = session.save(Settings(), tmp_path)
    assert picture.name == "in_as_8b4513.png"
    np.testing.assert_array_equal(np.asarray(Image.open(picture)), expected.photo.rgb)
    with zipfile.ZipFile(archive) as packed:
        assert sorted(packed.namelist()) == [f"in_as_8b4513.png.input_mask.{g}.png" for g in ("hair", "mouth")]


def test_strength_masks_and_groups_work_with_it(session):
    session.open_colour("#2b6fd6")
    whole = session.show(Settings()).after[1][1].astype(int)
    before = session.show(Settings(strength=0.0))
    np.testing.assert_array_equal(before.after[1][1], before.before)
    half = session.show(Settings(strength=0.5)).after[1][1].astype(int)
    inside = (whole > 0) & (whole < 255)
    assert np.abs(2 * (half - before.before) - (whole - before.before))[inside].max() <= 2
    without = session.show(Settings(groups=("mouth",)))
    np.testing.assert_array_equal(without.after[1][1], without.before)
    assert "#2b6fd6 is a colour of hair, which is not taken" in without.notes

    layer = np.zeros(session.input.size, np.uint8)
    layer[:, : layer.shape[1] // 2] = 255
    number = session.for_browser("input", "hair")["id"]
    assert session.paint("input", number, mask_edits.layer_url(layer))
    left = session.show(Settings(groups=("hair",))).after[1][1]
    columns = np.any(left != before.before, axis=(0, 2))
    assert columns[: columns.size // 2 - 2].any() and not columns[columns.size // 2 + 2 :].any()


def test_there_is_nothing_to_paint_on_a_colour(session):
    swatch = session.open_colour("#2b6fd6")
    shown = session.for_browser("exemplar", "hair")
    assert shown["plain"] and not mask_edits.read_layer(shown["mask"], swatch.size).any()
    before = session.show(Settings()).after[1][1]
    session.paint("exemplar", shown["id"], mask_edits.layer_url(np.full(swatch.size, 255, np.uint8)))
    after = session.show(Settings())
    assert after.painted == 0
    np.testing.assert_array_equal(after.after[1][1], before)


def test_colours_are_removed_limited_and_refused(session, files):
    with pytest.raises(ImageError, match="'mauvish' cannot be read; give #rrggbb"):
        session.open_colour("mauvish")
    assert len(session.exemplars) == 1
    assert not session.remove_chosen()  # the only one stays
    for n in range(1, MAX_EXEMPLARS):
        session.open_colour(f"rgb({n}, 0, 0)")
    with pytest.raises(ImageError, match="#010203: there are 8 exemplars already; remove one first"):
        session.open_colour("#010203")
    session.choose(1)
    assert session.remove_chosen()
    assert [p.name for p in session.exemplars] == ["ex.png", *(f"#{n:02x}0000" for n in range(2, MAX_EXEMPLARS))]
    assert session.exemplar.name == "ex.png"
    session.choose(3)
    session.keep_chosen()
    assert [name for name, _ in session.show(Settings()).after] == ["#040000"]
    session.open("exemplar", str(files[1]), "new.png")  # as a picture replaces a picture
    assert [name for name, _ in session.show(Settings()).after] == ["new.png"]


def test_a_model_without_colour_groups_takes_none(tiny, files):

    translator = untrained(tiny)
    assert translator.colour_groups == ()
    with pytest.raises(ImageError, match="no group of this model is painted by colour curves"):
        Session(translator).open_colour("#010203")


def test_examples_are_portraits_for_models_of_faces(translator, tmp_path, tiny):
    from lomit_tf.model import Lomit
    from lomit_tf.photos.translator import Translator

    drawn = examples.for_model(translator, tmp_path / "drawn")
    assert not translator.knows_faces and list(drawn)[:2] == ["Example 1", "Example 2"]
    faces = Translator(Lomit(tiny(dataset="celeb_a")), log_notes=False)
    assert faces.knows_faces and examples.for_model(faces, tmp_path / "none") == portraits.PORTRAITS
    assert not (tmp_path / "none").exists()


def test_the_notice_stands_below_the_title_as_text():
    pytest.importorskip("gradio", reason="gradio is not installed (extra app)")
    from lomit_tf.webapp.parts import introduction

    assert "lomit-note" not in introduction("", "")
    shown = introduction("for <b>research</b> only", "by us")
    assert shown.index("</h1>") < shown.index("for &lt;b&gt;research&lt;/b&gt; only") < shown.index("by us")


def test_notes_are_in_the_pages_words():
    """The page has a strip of faces instead of --face, and no --crop; its ticks say which groups are taken."""
    pytest.importorskip("gradio", reason="gradio is not installed (extra app)")
    from lomit_tf.webapp.parts import on_the_page, said
    from lomit_tf.webapp.session import ScreenView

    face = [Face(0.9, SHAPE * size + 100, np.array([100.0, 100.0]), size) for size in (90, 60)]
    _, (several,) = framing._of_faces(face, "largest", 1.0)
    assert several.endswith(" (face=all or 1 to 2 takes others)")
    of_hair = "input mask of hair: hair is not among the groups to change, and its mask only keeps others out"
    view = ScreenView(np.zeros((1, 1, 3), np.uint8), (), 0.0, 0, 0, (several, of_hair, "it is <b>dark</b>"))
    notes = said(view).split("  \n")[1:]
    assert notes == ["Note: 2 faces were found; the largest was taken.", "Note: it is &lt;b&gt;dark&lt;/b&gt;."]
    with pytest.raises(ImageError) as error:
        framing.choose(np.zeros((8, 8, 3), np.uint8), "face")
    assert on_the_page(str(error.value)).endswith("; give a larger photograph")
