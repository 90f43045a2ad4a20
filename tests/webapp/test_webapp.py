"""What the page does with pictures, strokes and settings, without a browser: compared with the Translator itself."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from untrained import begun, untrained

from lomit_tf.data import drawn_faces
from lomit_tf.data.preprocess import CorruptImageError
from lomit_tf.imaging.formats import ImageError
from lomit_tf.webapp import examples, mask_edits
from lomit_tf.webapp.mask_edits import LayerError
from lomit_tf.webapp.session import MAX_EXEMPLARS, Session, Settings, plain


@pytest.fixture(scope="module")
def translator(tiny):
    return untrained(tiny)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> list[Path]:
    """Drawn faces in three sizes: small, not square, and larger than the screen copy."""
    folder = tmp_path_factory.mktemp("pictures")
    paths = []
    for n, (image, size) in enumerate(
        zip(drawn_faces.draw(range(3), size=128).images, [(128, 128), (200, 150), (1600, 1200)], strict=True)
    ):
        paths.append(folder / f"face {n}.png")
        Image.fromarray(image).resize(size).save(paths[-1])
    return paths


@pytest.fixture
def session(translator, files) -> Session:
    return begun(translator, files[1], files[0])


def paint(session: Session, side: str, group: str, layer: np.ndarray) -> bool:
    """As the page does it: ask for what the brush shows, and send a layer for that."""
    shown = session.for_browser(side, group)
    return session.paint(side, shown["id"], mask_edits.layer_url(layer))


def read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_nothing_painted_is_what_the_translator_gives(session, translator, files):
    shown = session.show(Settings())
    exemplar = translator.encode_exemplar(files[0])
    expected = np.asarray(translator.translate(files[1], exemplar=exemplar).image)
    np.testing.assert_array_equal(shown.after[0][1], expected)
    np.testing.assert_array_equal(shown.before, read(files[1]))
    assert np.any(expected != shown.before)


def test_only_painted_pixels_change(session, files, tmp_path):
    size = session.input.size
    nothing, patch = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
    patch[100:300, 120:260] = 255
    assert paint(session, "input", "hair", patch)
    assert paint(session, "input", "mouth", nothing)
    picture, _ = session.save(Settings(), tmp_path)
    changed = np.any(read(picture) != read(files[1]), axis=-1)
    scale = size[0] / changed.shape[0]
    rows, columns = ((np.arange(n) + 0.5) * scale for n in changed.shape)
    wide = np.logical_and.outer(
        (rows > 100 - scale) & (rows < 300 + scale), (columns > 120 - scale) & (columns < 260 + scale)
    )
    narrow = np.logical_and.outer(
        (rows > 100 + scale) & (rows < 300 - scale), (columns > 120 + scale) & (columns < 260 - scale)
    )
    assert not changed[~wide].any()
    assert changed[narrow].mean() > 0.9

    assert paint(session, "input", "hair", nothing)
    picture, _ = session.save(Settings(), tmp_path)
    np.testing.assert_array_equal(read(picture), read(files[1]))


def test_the_exemplars_mask_decides_what_is_taken(session):
    before = session.show(Settings()).after[0][1]
    half = np.zeros(session.exemplar.size, np.uint8)
    half[:, :200] = 255
    assert paint(session, "exemplar", "hair", half)
    assert np.any(session.show(Settings()).after[0][1] != before)
    restored = mask_edits.read_layer(session.for_browser("exemplar", "hair")["found"], session.exemplar.size)
    assert paint(session, "exemplar", "hair", restored)
    np.testing.assert_array_equal(session.show(Settings()).after[0][1], before)


def test_nothing_is_computed_twice(session, files):
    first = session.show(Settings())
    assert (first.encoded, first.painted) == (1, 1)
    weak = session.show(Settings(strength=0.5))
    assert (weak.encoded, weak.painted) == (0, 0)
    difference = np.abs(weak.after[0][1].astype(int) - weak.before)
    whole = np.abs(first.after[0][1].astype(int) - first.before)
    within = (first.after[0][1] > 0) & (first.after[0][1] < 255)  # elsewhere the change was cut off
    assert np.abs(difference - whole / 2)[within].max() <= 1
    paint(session, "input", "hair", np.zeros(session.input.size, np.uint8))
    again = session.show(Settings())
    assert (again.encoded, again.painted) == (0, 1)
    session.open("exemplar", str(files[2]), "more.png", add=True)
    more = session.show(Settings())
    assert (more.encoded, more.painted, len(more.after)) == (1, 1, 2)
    np.testing.assert_array_equal(more.after[0][1], again.after[0][1])


def test_groups_that_are_not_taken_keep_their_look(session):
    size = session.input.size
    top, bottom = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
    top[: size[0] // 2], bottom[size[0] // 2 :] = 255, 255
    paint(session, "input", "hair", top)
    paint(session, "input", "mouth", bottom)
    shown = session.show(Settings(groups=("hair",)))
    changed = np.any(shown.after[0][1] != shown.before, axis=-1)
    rows = changed.shape[0]
    assert changed[: rows // 2 - 2].any()
    assert not changed[rows // 2 + 2 :].any()


def test_a_large_photograph_is_saved_at_its_own_size(translator, files, tmp_path):
    session = Session(translator)
    picture = session.open("input", str(files[2]), "große Bilder.png")
    session.open("exemplar", str(files[0]), "ex.png")
    shown = session.show(Settings())
    assert max(shown.before.shape) == 1024
    saved, archive = session.save(Settings(), tmp_path)
    assert saved.name == "große_Bilder_as_ex.png"
    expected = translator.translate(files[2], exemplar=translator.encode_exemplar(files[0]))
    off = np.abs(read(saved).astype(int) - np.asarray(expected.image))  # rounding: the filter's planes are grouped
    assert off.max() <= 1
    assert np.count_nonzero(off) < 1e-4 * off.size
    near = np.abs(read(saved)[::4, ::4].mean(axis=(0, 1)) - shown.after[0][1].mean(axis=(0, 1)))
    assert near.max() < 2
    with zipfile.ZipFile(archive) as packed:
        masks = {
            name.split(".png.")[1]: np.asarray(Image.open(io.BytesIO(packed.read(name)))) for name in packed.namelist()
        }
    assert sorted(masks) == [
        f"{kind}_mask.{group}.png" for kind in ("exemplar", "input") for group in ("hair", "mouth")
    ]
    np.testing.assert_array_equal(masks["input_mask.hair.png"], np.round(picture.found["hair"] * 255).astype(np.uint8))
    assert masks["exemplar_mask.hair.png"].shape == (128, 128)


def test_a_stroke_counts_for_what_the_brush_showed_then(session, files):
    """A person paints while the page is on its way to another group, or to another exemplar."""
    empty = mask_edits.layer_url(np.zeros(session.input.size, np.uint8))
    hair = session.for_browser("input", "hair")
    session.for_browser("input", "mouth")
    assert session.paint("input", hair["id"], empty)
    assert not session.input.layers["hair"].any() and session.input.layers["mouth"].any()
    first = session.exemplars[0]
    shown = session.for_browser("exemplar", "hair")
    session.open("exemplar", str(files[2]), "another", add=True)
    session.for_browser("exemplar", "hair")
    assert session.paint("exemplar", shown["id"], mask_edits.layer_url(np.zeros(first.size, np.uint8)))
    assert not first.layers["hair"].any() and session.exemplar.layers["hair"].any()
    assert not session.paint("input", shown["id"], empty)  # the other side's number


def test_strokes_on_what_is_gone_or_shown_anew_are_dropped(session, files):
    shown = session.for_browser("input", "hair")
    empty = mask_edits.layer_url(np.zeros(session.input.size, np.uint8))
    now = session.for_browser("input", "hair")
    assert not session.paint("input", shown["id"], empty)
    assert session.input.version == 0
    other_size = mask_edits.layer_url(np.zeros((9, 9), np.uint8))
    cut = empty[: len(empty) // 2]
    for bad in ("", "data:text/html,x", mask_edits.PNG_URL + "!", cut, other_size, empty + "A" * 10_000_000, None):
        with pytest.raises(LayerError):
            session.paint("input", now["id"], bad)
    session.open("input", str(files[2]), "another")
    assert not session.paint("input", now["id"], empty)
    assert session.input.version == 0


def test_bad_pictures_are_named_and_leave_the_old_ones(session, tmp_path):
    before = session.input
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(CorruptImageError, match=r"holiday\.png"):
        session.open("input", str(tmp_path / "text.png"), "holiday.png")
    assert session.input is before
    with pytest.raises(CorruptImageError, match=r"ex\.png"):
        session.open("exemplar", str(tmp_path / "text.png"), "ex.png", add=True)
    assert len(session.exemplars) == 1


def test_exemplars_are_added_chosen_replaced_and_limited(translator, files):
    session = Session(translator)
    assert session.show(Settings()) is None
    with pytest.raises(ImageError, match="open a picture"):
        session.save(Settings(), Path("nowhere"))
    for n in range(MAX_EXEMPLARS):
        session.open("exemplar", str(files[0]), f"{n}.png", add=n > 0)
    assert session.exemplar.name == f"{MAX_EXEMPLARS - 1}.png"
    with pytest.raises(ImageError, match="8 exemplars"):
        session.open("exemplar", str(files[0]), "more.png", add=True)
    session.choose(2)
    session.choose(99)
    assert session.exemplar.name == "2.png"
    session.open("input", str(files[0]), "in.png")
    assert len(session.show(Settings()).after) == MAX_EXEMPLARS
    session.keep_chosen()
    assert [name for name, _ in session.show(Settings()).after] == ["2.png"]
    session.open("exemplar", str(files[1]), "new.png")
    assert [name for name, _ in session.show(Settings()).after] == ["new.png"]


def test_settings_that_cannot_be_used(session):
    with pytest.raises(ImageError, match="strength"):
        session.show(Settings(strength=-1))
    with pytest.raises(ImageError, match="group"):
        session.show(Settings(groups=("nose",)))


def test_examples_are_drawn_faces_of_different_hair(tmp_path):
    paths = examples.write(tmp_path / "new", 4)
    assert len(set(paths)) == 4
    assert {Image.open(path).size for path in paths} == {(256, 256)}
    start = drawn_faces.SPLITS["test"].start
    labels = drawn_faces.labels_of([start + int(path.stem.split("_")[1]) for path in paths])
    np.testing.assert_array_equal(labels[:, :4].argmax(axis=1), range(4))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a b.jpg", "a_b"), ("../../etc/passwd", "passwd"), ("?.png", "picture"), ("ü" * 99 + ".png", "ü" * 60)],
)
def test_names_of_downloads_are_plain(name, expected):
    assert plain(name) == expected
