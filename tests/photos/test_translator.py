"""The Translator: masks, exemplars, edits, sizes and types, on a tiny model."""

from __future__ import annotations

import io
import os

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import lomit_tf
from lomit_tf.config import ConfigError
from lomit_tf.data import preprocess
from lomit_tf.data.drawn_faces import draw
from lomit_tf.imaging.formats import ImageError
from lomit_tf.imaging.framing import Window
from lomit_tf.imaging.paste_back import MASK_FLOOR
from lomit_tf.model import Lomit
from lomit_tf.photos.translator import NoExemplarError, Translator


def random_model(config) -> Lomit:
    """A model whose masks vary over the image, as random ones hardly do."""
    model = Lomit(config)
    model.build()
    random = np.random.default_rng(5)
    for variable in model.inference_generator.mask_decoder.variables:
        variable.assign(random.normal(0, 0.7, variable.shape))
    return model


@pytest.fixture(scope="module")
def model(tiny, loaded_once) -> Lomit:
    return random_model(tiny(dataset="drawn_faces", crop=0, system="recipe"))


@pytest.fixture(scope="module")
def translator(model) -> Translator:
    made = Translator(model, crop="none", log_notes=False)
    made.set_exemplar(faces()[1])
    return made


@pytest.fixture(scope="module")
def grouped(tiny) -> Translator:
    made = Translator(random_model(tiny(groups="hair: Black_Hair; mouth: Smiling")), crop="none", log_notes=False)
    made.set_exemplar(faces()[1])
    return made


def faces(size: int = 64) -> np.ndarray:
    return draw(range(3), size=size).images


def test_an_order_that_says_what_to_do(model):
    with pytest.raises(NoExemplarError, match=r"call set_exemplar\(image\) before translate"):
        Translator(model).translate(faces()[0])
    with pytest.raises(ImageError, match="exemplar: received str; pass what encode_exemplar or encode_colour gave"):
        Translator(model).translate(faces()[0], exemplar="star.png")


def test_at_the_models_size_it_is_the_model(model, translator):
    image, exemplar = faces()[:2]
    x, e = (preprocess.to_model_range(tf.constant(a[None])) for a in (image, exemplar))
    expected = model.translate(x, e)
    result = translator.translate(image)
    assert (result.image != image).mean() > 0.2
    strong = expected["image_masks"][0, :, :, 0].numpy() >= MASK_FLOOR
    off = np.abs(result.image.astype(int) - preprocess.from_model_range(expected["image"])[0].numpy())
    assert off[strong].max() <= 1
    np.testing.assert_allclose(result.input_masks["all"], expected["image_masks"][0, :, :, 0], atol=1e-5)
    np.testing.assert_allclose(result.exemplar_masks["all"], expected["exemplar_masks"][0, :, :, 0], atol=1e-5)
    bare = translator.translate(image, keep_background=False)
    off = np.abs(bare.image.astype(int) - preprocess.from_model_range(expected["raw"])[0].numpy())
    assert off.max() <= 1


def test_groups_at_the_models_size(grouped):
    model = grouped.inference.model
    assert grouped.groups == ("hair", "mouth")
    image, exemplar = faces()[:2]
    x, e = (preprocess.to_model_range(tf.constant(a[None])) for a in (image, exemplar))
    for groups, transfer in ((["hair"], [1, 0]), ("mouth", [0, 1]), ("hair,mouth", [1, 1]), (None, [1, 1])):
        expected = model.translate(x, e, transfer=tf.constant([transfer], tf.float32))
        painted = grouped.translate(image, groups=groups, keep_background=False).image
        off = np.abs(painted.astype(int) - preprocess.from_model_range(expected["image"])[0].numpy())
        assert off.max() <= 1, groups
    for bad, says in (("hat", "'hat' is not a group"), ([], "groups is empty"), (["hair", "x"], "'x' is not a group")):
        with pytest.raises(ImageError, match=says):
            grouped.translate(image, groups=bad)


def test_only_the_masks_of_the_chosen_groups_change(grouped):
    image = faces()[0]
    masks = {"hair": np.zeros((64, 64)), "mouth": np.zeros((64, 64))}
    masks["hair"][:20], masks["mouth"][40:] = 1, 1
    out = grouped.translate(image, masks, groups="mouth").image
    np.testing.assert_array_equal(out[:40], image[:40])
    assert (out[40:] != image[40:]).any()


def test_strength_scales_the_change(translator):
    image = faces()[0].astype(np.float64) / 255
    whole = translator.translate(image).image - image
    np.testing.assert_array_equal(translator.translate(image, strength=0).image, image)
    half = translator.translate(image, strength=0.5).image - image
    free = (image + whole > 0.01) & (image + whole < 0.99)  # not clipped
    np.testing.assert_allclose(half[free], whole[free] / 2, atol=1e-4)
    for bad in (-1, 2.1, float("nan"), float("inf"), "1", None):
        with pytest.raises(ImageError, match="strength must be a number from 0 to 2"):
            translator.translate(image, strength=bad)


def test_masks_given_back_unchanged_change_nothing(translator, grouped):
    big = faces(200)[0]
    for t in (translator, grouped):
        plain = t.translate(big)
        again = t.translate(big, t.masks(big))
        difference = np.abs(plain.image.astype(int) - again.image)
        assert np.percentile(difference, 99) <= 8 and difference.mean() < 1.5


def test_erased_parts_of_the_input_mask_do_not_change(translator):
    image = faces(150)[0]
    mask = translator.masks(image)["all"].copy()
    mask[:, :75] = 0
    result = translator.translate(image, mask)
    np.testing.assert_array_equal(result.image[:, :75], image[:, :75])
    assert (result.image[:, 75:] != image[:, 75:]).mean() > 0.2
    np.testing.assert_array_equal(result.input_masks["all"], mask)
    empty = translator.translate(image, np.zeros((150, 150)))
    np.testing.assert_array_equal(empty.image, image)
    assert "input mask: nothing is marked" in empty.notes


def test_an_edited_exemplar_mask_changes_what_is_taken(translator):
    image, exemplar = faces()[:2]
    own = translator.translate(image).image
    mask = np.zeros((64, 64), np.float32)
    mask[40:60, 20:40] = 1
    edited = translator.encode_exemplar(exemplar, mask)
    result = translator.translate(image, exemplar=edited)
    assert (result.image != own).any()
    np.testing.assert_array_equal(result.exemplar_masks["all"], mask)
    assert "exemplar: exemplar mask: nothing is marked" in translator.encode_exemplar(exemplar, mask * 0).notes


def test_given_masks_and_the_rest_sum_to_one(grouped):
    image = faces(100)[0]
    given = np.zeros((100, 100), np.float32)
    given[30:60, 20:70] = 0.75
    result = grouped.translate(image, {"hair": given})
    np.testing.assert_array_equal(result.input_masks["hair"], given)
    total = result.input_masks["hair"] + result.input_masks["mouth"]
    assert total.max() <= 1 + 1e-5
    own = grouped.masks(image)
    rest = 1 - own["hair"]
    sure = rest > 0.05  # where next to nothing is left to share, rounding decides
    expected = own["mouth"] / np.maximum(rest, 0.05) * (1 - given)
    np.testing.assert_allclose(result.input_masks["mouth"][sure], expected[sure], atol=2e-3)
    with pytest.raises(ImageError, match="the groups hair, mouth"):
        grouped.translate(image, given)


def test_where_a_mask_is_nearly_1_the_rest_still_sums_to_one(grouped, rng):
    """What is left of it for the background is lost in rounding, and may be negative: the rest is divided by that."""
    framed = grouped.prepare(faces(100)[0])
    side = framed.pixels.shape[0]
    mouth = rng.uniform(1e-6, 2e-5, (side, side)).astype(np.float32)
    framed.own_masks = np.stack([1 - mouth, mouth, np.zeros_like(mouth)], axis=-1)
    masks = grouped.translate(framed, {"hair": np.full((100, 100), 0.5)}).input_masks
    assert (masks["hair"] + masks["mouth"]).max() <= 1 + 1e-5


def test_nothing_outside_of_the_crop_changes_and_masks_there_are_noted(translator):
    image = faces(256)[0]
    mask = np.ones((256, 256))
    result = translator.translate(image, mask, crop="50,60,100,110")
    changed = (result.image != image).any(axis=-1)
    assert changed[60:170, 50:150].mean() > 0.5
    changed[60:170, 50:150] = False
    assert not changed.any()
    assert "input mask: what is marked outside of the crop is ignored" in result.notes
    assert result.input_masks["all"][:60].max() == 0
    far = np.zeros((256, 256))
    far[200:] = 1
    assert "nothing is marked within the crop" in translator.translate(image, far, crop="50,60,100,110").notes[0]


def test_a_large_photograph_stays_large_and_untouched_where_the_mask_is_0(translator):
    big = np.asarray(Image.fromarray(faces(256)[0]).resize((1300, 1100)))
    mask = np.zeros((1100, 1300), np.float32)
    mask[300:500, 400:700] = 1
    out = translator.translate(big, mask, crop="center").image
    assert out.shape == big.shape and out.dtype == np.uint8
    untouched = mask == 0
    np.testing.assert_array_equal(out[untouched], big[untouched])
    assert (out[300:500, 400:700] != big[300:500, 400:700]).mean() > 0.5


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (7, 5), (64, 64), (63, 190)])
@pytest.mark.parametrize("crop", ["face", "center", "none"])
def test_any_size(translator, rng, size, crop):
    image = rng.integers(0, 256, (*size, 3), np.uint8)
    result = translator.translate(image, crop=crop)
    assert result.image.shape == image.shape
    assert result.input_masks["all"].shape == size
    assert {m.shape for m in translator.masks(image, crop=crop).values()} == {size}
    assert (np.abs(translator.masks(image)["all"] - 0.5) <= 0.5).all()


def test_the_same_type_comes_back(translator, tmp_path):
    image = faces(80)[0]
    expected = translator.translate(image).image
    path = tmp_path / "ein Bild ü.png"
    Image.fromarray(image).save(path)
    for given in (path, str(path), Image.open(path)):
        back = translator.translate(given).image
        assert isinstance(back, Image.Image)
        np.testing.assert_array_equal(np.asarray(back), expected)
    back = translator.translate(path.read_bytes()).image
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(back))), expected)
    floats = translator.translate((image / 255).astype(np.float32)).image
    assert floats.dtype == np.float32
    np.testing.assert_allclose(floats, expected / 255, atol=0.51 / 255)
    deep = translator.translate(image.astype(np.uint16) * 257).image
    assert deep.dtype == np.uint16
    np.testing.assert_allclose(deep / 257, expected, atol=1)
    grey = translator.translate(image[..., 0]).image
    assert grey.shape == (80, 80, 3)


def test_transparency_is_kept(translator):
    rgba = np.dstack([faces(80)[0], np.full((80, 80), 255, np.uint8)])
    rgba[:30, :, 3] = 17
    out = translator.translate(rgba).image
    np.testing.assert_array_equal(out[..., 3], rgba[..., 3])
    assert (out[..., :3] != rgba[..., :3]).any()


def test_many_equals_one_by_one(translator, grouped):
    images = [faces(64)[0], faces(90)[1], faces(64)[2]]
    for t in (translator, grouped):
        together = t.translate_many(images)
        for image, result in zip(images, together, strict=True):
            off = np.abs(result.image.astype(int) - t.translate(image).image)
            assert off.max() <= 1  # sums over a batch may be ordered differently
    mask = np.zeros((90, 90))
    mixed = translator.translate_many(images, [None, mask, None])
    np.testing.assert_array_equal(mixed[1].image, images[1])
    assert (mixed[0].image != images[0]).any()
    other = translator.encode_exemplar(faces()[2])
    requests = [
        translator.request(images[0], **asked)
        for asked in ({"strength": 0.0}, {"exemplar": other}, {"keep_background": False})
    ]
    results = translator.translate_batch(requests)
    np.testing.assert_array_equal(results[0].image, images[0])
    assert np.abs(results[1].image.astype(int) - translator.translate(images[0], exemplar=other).image).max() <= 1
    assert translator.translate_many([]) == []
    with pytest.raises(ImageError, match="3 images need as many masks; received 1"):
        translator.translate_many(images, [None])


def test_repeated_calls_do_not_trace_again(translator):
    parts = translator.inference
    functions = (parts._masks, parts._styles, parts._paint, parts._translate)

    def use() -> None:
        translator.set_exemplar(faces()[1])
        for count in (1, 2, 3):
            images = list(faces(64 + count)[:count])
            translator.translate_many(images, strength=count / 4)
            translator.translate_many(images, [np.ones(i.shape[:2]) for i in images])
        translator.masks(faces(70)[0])

    use()
    before = [f.experimental_get_tracing_count() for f in functions]
    use()
    assert [f.experimental_get_tracing_count() for f in functions] == before == [1, 1, 1, 1]


def test_an_exemplar_is_encoded_once(translator, tmp_path):
    path = tmp_path / "e.png"
    Image.fromarray(faces()[1]).save(path)
    first = translator.exemplar_of_file(path)
    assert translator.exemplar_of_file(path) is first
    assert translator.exemplar_of_file(path, crop="center") is not first
    Image.fromarray(faces()[2]).save(path)
    os.utime(path, (1, 1))
    assert translator.exemplar_of_file(path) is not first


def test_prepared_photographs_keep_their_masks(translator):
    prepared = translator.prepare(faces(90)[0])
    masks = translator.masks(prepared)
    assert prepared.own_masks is not None
    result = translator.translate(prepared)
    np.testing.assert_array_equal(result.input_masks["all"], masks["all"])


def test_notes_are_kept_and_logged(model, caplog):
    quiet, loud = Translator(model, log_notes=False), Translator(model)
    wide, exemplar = faces()[0][:50], quiet.encode_exemplar(faces()[1][:, :40])
    with caplog.at_level("WARNING", logger="absl"):
        result = quiet.translate(wide, exemplar=exemplar)
        assert not caplog.records
        loud.translate(wide, exemplar=exemplar)
    word = "this model was not trained on photographs of faces, so the centre was cropped"
    assert result.notes == (word, f"exemplar: {word}")
    assert word in caplog.text
    assert quiet.translate(faces()[0], exemplar=exemplar).notes == (f"exemplar: {word}",)  # nothing was cropped


def test_models_by_name(tmp_path):
    with pytest.raises(ConfigError, match="nothing"):
        Translator(tmp_path / "nothing")
    assert lomit_tf.Translator is Translator
    with pytest.raises(ImageError, match="crop must be face, center, none"):
        Translator(tmp_path, crop="middle")


@pytest.mark.shared
def test_a_face_in_a_photograph(shared, tiny):
    """A CelebA face on a large canvas: the crop is around the face, the rest stays as it was to the bit."""
    translator = Translator(random_model(tiny(dataset="celeb_a")), log_notes=False)
    paths = sorted((shared / "data/celeba/img_align_celeba").glob("*.jpg"))
    translator.set_exemplar(paths[1])
    canvas = np.full((900, 1200, 3), 180, np.uint8)
    canvas[300:736, 500:856] = np.asarray(Image.open(paths[0]).resize((356, 436)))
    result = translator.translate(canvas)
    window = translator.prepare(canvas).window
    assert isinstance(window, Window) and 300 < window.width < 420
    assert abs(window.left + window.width / 2 - 678) < 25 and abs(window.top + window.height / 2 - 518) < 25
    changed = (result.image != canvas).any(axis=-1)
    inside = np.zeros_like(changed)
    inside[window.inside(changed.shape)] = True
    assert changed[inside].mean() > 0.3 and not changed[~inside].any()
    assert translator.translate(paths[2]).notes == translator.prepare(paths[2]).notes
