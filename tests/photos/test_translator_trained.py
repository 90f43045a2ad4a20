"""The Translator on the shipped weights: what the masks mean, and the documentation's examples as they are written."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lomit_tf import translate
from lomit_tf.data.drawn_faces import draw, labels_of
from lomit_tf.imaging.formats import ImageError
from lomit_tf.photos.portraits import PORTRAITS
from lomit_tf.photos.translator import Translator
from tests.helpers.files import ROOT, tree


@pytest.fixture(scope="module")
def trained() -> Translator:
    """The shipped weights for drawn faces, or the model that $LOMIT_TEST_MODEL names."""
    name = os.environ.get("LOMIT_TEST_MODEL", "drawn_faces")
    return Translator(name, log_notes=False)


def of_hair_colour(column: int, start: int = 20_000_000) -> int:
    """Index of a drawn face of this hair colour (black, blond, brown, gray) without glasses."""
    labels = labels_of(range(start, start + 200))
    return start + int(np.flatnonzero(labels[:, column] & ~labels[:, 5])[0])


def test_trained_an_input_mask_decides_where(trained):
    pair = draw([of_hair_colour(0), of_hair_colour(1)], size=trained.size)
    image, hair = pair.images[0], pair.masks[0, ..., 0] / 255
    exemplar = trained.encode_exemplar(pair.images[1])
    group = trained.groups[0]
    plain = trained.translate(image, groups=[group], exemplar=exemplar)
    moved = np.abs(plain.image.astype(int) - image).mean(axis=-1)
    assert moved[hair > 0.9].mean() > 25 > 3 * moved[hair < 0.02].mean()  # of 255
    half, erased = trained.size // 2, plain.input_masks[group].copy()
    erased[:, :half] = 0
    result = trained.translate(image, {group: erased}, groups=[group], exemplar=exemplar)
    np.testing.assert_array_equal(result.image[:, :half], image[:, :half])
    right = np.abs(result.image.astype(int) - image)[:, half:].mean(axis=-1)
    assert right[(hair > 0.9)[:, half:]].mean() > 15


@pytest.mark.parametrize("groups", [None, ["smile"], ["lips", "smile"]])
def test_trained_masks_that_overlap_can_be_given_back(groups):
    """Of celeba, whose smile lies on the lips: the masks that it used, or one of them, make the same picture."""
    celeba = Translator("celeba", log_notes=False)
    photo, star = PORTRAITS.values()
    exemplar = celeba.encode_exemplar(star)
    result = celeba.translate(photo, groups=groups, exemplar=exemplar)
    plain, masks = result.photo.rgb.astype(int), dict(result.input_masks)
    assert (masks["smile"] + masks["lips"]).max() > 1.5
    for given in (masks, {"smile": masks["smile"]}, {"lips": masks["lips"]}):
        again = celeba.translate(photo, given, groups=groups, exemplar=exemplar).photo.rgb.astype(int)
        changed = np.abs(again - plain)
        assert changed.max() <= 10 and changed.mean() < 0.1  # of 255; masks are resized on their way


def test_trained_a_mask_that_changes_nothing_is_noted():
    """A smile at the forehead, where its networks see nothing; hair that was not asked for."""
    celeba = Translator("celeba", log_notes=False)
    photo, star = PORTRAITS.values()
    exemplar, framed = celeba.encode_exemplar(star), celeba.prepare(photo)
    window = framed.window.inside(framed.photo.size)
    rows, columns = (range(s.start, s.stop) for s in window)
    forehead, mouth = np.zeros(framed.photo.size), np.zeros(framed.photo.size)
    middle = slice(columns[len(columns) * 2 // 5], columns[len(columns) * 3 // 5])
    forehead[rows[len(rows) // 10] : rows[len(rows) // 4], middle] = 1
    mouth[rows[len(rows) * 2 // 3] : rows[len(rows) * 3 // 4], middle] = 1
    for mask, group, expected in (
        ({"smile": forehead}, "smile", ["smile: what is marked lies outside of the square in which smile is painted"]),
        ({"smile": mouth}, "smile", []),
        ({"smile": mouth, "hair": forehead}, "smile", ["hair: hair is not among the groups to change"]),
        ({"hair": forehead}, None, []),
    ):
        notes = celeba.translate(framed, mask, groups=group, exemplar=exemplar).notes
        found = [note for note in notes if note.startswith("input mask of")]
        assert len(found) == len(expected) and all(e in note for e, note in zip(expected, found, strict=True)), notes


def test_trained_notes_are_about_the_groups_to_change():
    """Of lips to change within a photograph whose hair a person marked: what became of the lips."""
    celeba = Translator("celeba", log_notes=False)
    photo, star = PORTRAITS.values()
    framed, lipstick = celeba.prepare(photo), celeba.encode_colour("#b3122d", ["lips"])
    everywhere = np.ones(framed.photo.size, np.float32)
    not_asked = "input mask of hair: hair is not among the groups to change, and its mask only keeps others out"
    for hair, more in (
        (everywhere, ("input mask of hair: it leaves nothing of lips, which stays as it is",)),
        (everywhere * 0, ()),
    ):
        assert celeba.translate(framed, {"hair": hair}, groups="lips", exemplar=lipstick).notes == (not_asked, *more)
    seen = celeba.prepare(star)
    marked = celeba.encode_exemplar(seen, {"hair": np.zeros(seen.photo.size, np.float32)})
    assert "exemplar: exemplar mask of hair: nothing is marked" in marked.notes
    assert celeba.translate(framed, groups="lips", exemplar=marked).notes == ()
    assert marked.notes[0] in celeba.translate(framed, groups="hair", exemplar=marked).notes


def test_trained_lips_end_with_the_crop_and_hair_goes_on():
    """As in a grey photograph, in which a collar that the crop cuts was taken for lips."""
    celeba = Translator("celeba", log_notes=False)
    assert celeba.small_groups == ("lips",)
    framed = celeba.prepare(next(iter(PORTRAITS.values())))
    celeba.masks(framed)
    hair, lips = (framed.own_masks[..., celeba.groups.index(name)] for name in ("hair", "lips"))
    hair[-8:], lips[-8:] = 0, 0
    hair[-8:, :64], lips[-8:, 64:] = 1, 1
    outside = framed.whole(np.ones(framed.region.shape[:2], np.float32)) == 0
    result = celeba.translate(framed, groups="lips", exemplar=celeba.encode_colour("#b3122d", ["lips"]))
    near = np.zeros_like(outside)  # a row of the small copy, over which the masks' end is interpolated
    rows, columns = framed.window.inside(framed.photo.size)
    near[rows.start - 4 : rows.stop + 4, max(0, columns.start - 4) : columns.stop + 4] = True
    for masks in (celeba.masks(framed), result.input_masks):
        assert masks["hair"][outside & ~near].max() > 0.2 and masks["lips"][outside & ~near].max() == 0
    changed = (result.photo.rgb != framed.photo.rgb).any(axis=-1)
    assert changed.any() and not changed[outside & ~near].any()


def test_trained_a_colour_is_not_taken_for_another_group():
    celeba = Translator("celeba", log_notes=False)
    photo = next(iter(PORTRAITS.values()))
    result = celeba.translate(photo, groups=["smile"], exemplar=celeba.encode_colour("#b3122d", ["lips"]))
    assert result.notes == ("the colour #b3122d is not set for smile: it stays as it is",)
    np.testing.assert_array_equal(result.photo.rgb, celeba.prepare(photo).photo.rgb)


def test_trained_an_exemplar_of_another_model_is_refused():
    """Before, its styles went into the networks, which failed deep inside."""
    celeba, hair = Translator("celeba", log_notes=False), Translator("celeba_hair", log_notes=False)
    photo = next(iter(PORTRAITS.values()))
    for translator, other in ((celeba, hair), (hair, celeba), (hair, Translator("celeba_small", log_notes=False))):
        with pytest.raises(ImageError, match=r"^exemplar: another model encoded it, .* this one has .* encode it"):
            translator.translate(photo, exemplar=other.encode_exemplar(photo))
    with pytest.raises(ImageError, match=r"^exemplar: another model encoded it"):
        celeba.translate(photo, groups="hair", exemplar=hair.encode_colour("red"))


def test_trained_a_colour_is_for_hair_alone_and_says_so():
    """Of two groups that have colours; others, as smiles, are not expected to have any."""
    celeba = Translator("celeba", log_notes=False)
    result = celeba.translate(next(iter(PORTRAITS.values())), exemplar=celeba.encode_colour("#b3122d"))
    assert result.notes == ("the colour #b3122d is not set for lips: it stays as it is",)


def test_trained_without_a_face_only_hair_changes():
    """Masks of lips and smiles are somewhere in any picture; what is marked, or framed by a person, counts."""
    celeba = Translator("celeba", log_notes=False)
    parts = ["lips", "smile", "facial_hair"]
    assert list(celeba.parts_of_faces) == parts
    colours = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)
    nobody = np.asarray(Image.fromarray(colours).resize((180, 120), Image.Resampling.BICUBIC))
    photo = celeba.prepare(next(iter(PORTRAITS.values())))
    as_it_was = photo.photo.rgb
    taken = celeba.encode_exemplar(nobody)
    centre = "exemplar: no face was found, so the centre was cropped"
    result = celeba.translate(photo, groups=parts, exemplar=taken)
    assert result.notes == (
        centre, "exemplar: without a face nothing of lips, smile, facial_hair is taken from it",
    )  # fmt: skip
    np.testing.assert_array_equal(result.photo.rgb, as_it_was)
    assert celeba.translate(photo, groups="hair", exemplar=taken).notes == (centre,)
    marked = celeba.encode_exemplar(nobody, {"lips": np.ones(nobody.shape[:2], np.float32)})
    assert marked.left_out == ("smile", "facial_hair")
    for exemplar in (marked, celeba.encode_exemplar(nobody, crop="center")):
        lips = celeba.translate(photo, groups="lips", exemplar=exemplar).photo.rgb
        assert (lips != as_it_was).any()
    face = celeba.encode_exemplar(photo)
    result = celeba.translate(nobody, groups=["lips", "smile"], exemplar=face)
    assert result.notes == (
        centre.removeprefix("exemplar: "),
        "without a face nothing changes of lips, smile; a mask says where it is, or a crop",
    )
    np.testing.assert_array_equal(result.image, nobody)
    for crop, mask in (("center", None), (None, {"lips": np.ones(nobody.shape[:2], np.float32)})):
        assert (celeba.translate(nobody, mask, groups="lips", exemplar=face, crop=crop).image != nobody).any()


def test_trained_an_exemplar_mask_decides_what(trained):
    """Marking the exemplar's face instead of its black hair brings the skin's brightness into the hair."""
    pair = draw([of_hair_colour(1), of_hair_colour(0)], size=trained.size)
    hair_in, hair_ex = pair.masks[0, ..., 0] > 230, pair.masks[1, ..., 0] > 230
    group = trained.groups[0]
    own = trained.translate(pair.images[0], exemplar=trained.encode_exemplar(pair.images[1])).image
    face = np.zeros((trained.size, trained.size), np.float32)
    s = trained.size // 64
    face[28 * s : 44 * s, 26 * s : 38 * s] = 1
    face[pair.masks[1, ..., 0] > 20] = 0
    edited = trained.encode_exemplar(pair.images[1], {group: face})
    out = trained.translate(pair.images[0], exemplar=edited).image
    brightness = [a[m].mean() for a, m in ((pair.images[1], hair_ex), (pair.images[1], face > 0.5))]
    assert brightness[1] > brightness[0] + 40  # the test's own premise: dark hair, lighter skin
    assert out[hair_in].mean() > own[hair_in].mean() + 15


def test_trained_erasing_the_exemplars_mouth_removes_the_smiles_transfer(trained):
    """With the mouth marked the smile comes over; with it erased the picture stays, and the hair still changes."""
    labels = labels_of(range(20_000_000, 20_000_200))
    plain, smiling = (20_000_000 + int(np.flatnonzero((labels[:, 4] == s) & ~labels[:, 5])[0]) for s in (False, True))
    pair = draw([plain, smiling], size=trained.size)
    whole = trained.encode_exemplar(pair.images[1])
    erased = trained.encode_exemplar(pair.images[1], {"smile": np.zeros((trained.size, trained.size), np.float32)})
    mouth = pair.masks[0, ..., 1] > 200
    with_it = trained.translate(pair.images[0], groups=["smile"], exemplar=whole)
    assert np.abs(with_it.image.astype(int) - pair.images[0])[mouth].mean() > 8
    without = trained.translate(pair.images[0], groups=["smile"], exemplar=erased)
    np.testing.assert_array_equal(without.image, pair.images[0])
    assert any("smile is empty" in note for note in without.notes)
    both = trained.translate(pair.images[0], exemplar=erased).image
    assert (both != pair.images[0]).any()
    np.testing.assert_array_equal(both, trained.translate(pair.images[0], groups=["hair"], exemplar=erased).image)


# The documentation, as a person who has just installed the package would try it.


def documented(kind: str) -> list[str]:
    """Blocks about translating in the README and in docs/translate.md: "python", or "" for commands."""
    text = "".join((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/translate.md"))
    fenced = re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    about = r"Translator|^(lomit-translate|python -m lomit_tf\.translate) "
    return [block for language, block in fenced if language == kind and re.search(about, block, re.MULTILINE)]


@pytest.fixture
def a_persons_files(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, index in (("photo", 1), ("star", 2), ("photos/a", 3), ("photos/b", 4), ("stars/x", 5), ("stars/y", 6)):
        Path(name).parent.mkdir(exist_ok=True)
        Image.fromarray(draw([index], size=256).images[0]).resize((600, 600)).save(f"{name}.jpg")
    (tmp_path / "lomit_tf").symlink_to(ROOT / "lomit_tf")  # README's samples, as from the repository's folder
    return tmp_path


@pytest.mark.usefixtures("a_persons_files")
def test_the_documented_python_works():
    blocks = documented("python")
    assert len(blocks) == 2
    for block, size in zip(blocks, ((512, 512), (600, 600)), strict=True):  # the portrait's, and photo.jpg's
        exec(compile(block, "documentation", "exec"), {})
        assert Image.open("out.png").size == size
        Path("out.png").unlink()


@pytest.mark.usefixtures("a_persons_files")
def test_the_documented_commands_work(capsys):
    lines = "".join(documented("")).replace("\\\n", " ").splitlines()
    commands = [shlex.split(line, comments=True) for line in lines]
    commands = [words[1:] if words[0] == "lomit-translate" else words[3:] for words in commands if words]
    assert len(commands) >= 5
    for flags in commands:
        assert translate.run(flags) == 0, (flags, capsys.readouterr().err)
    assert set(tree(".")) >= {"out.png", "out.png.compare.png", *(f"results/{s}/{p}.jpg" for s in "xy" for p in "ab")}
