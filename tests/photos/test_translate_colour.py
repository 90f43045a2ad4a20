"""Colours that a person names, and photographs through colour curves: own styles, depths, beyond the crop."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from lomit_tf import core, translate
from lomit_tf.data.drawn_faces import draw
from lomit_tf.engines import choice
from lomit_tf.imaging.formats import ImageError
from lomit_tf.photos.translator import Translator
from tests.helpers.serving import save_workdir

GROUPS = {"attributes": ("Black_Hair", "Smiling"), "groups": "hair: Black_Hair; smile: Smiling"}


@pytest.fixture(scope="module")
def workdir(tiny, tmp_path_factory) -> Path:
    """Random weights: hair by curves, the smile free."""
    keras.utils.set_random_seed(2)
    config = tiny(**GROUPS, colour_groups=("hair",), system="recipe", dataset="drawn_faces", crop=0)
    return save_workdir(config, tmp_path_factory.mktemp("colour") / "run")


@pytest.fixture(scope="module")
def translator(workdir, loaded_once) -> Translator:
    return Translator(workdir, crop="none", log_notes=False)


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    return draw(range(4)).images


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_photograph_as_its_own_exemplar_keeps_its_colours_to_the_bit(translator, faces, dtype):
    scale = {"uint8": 1, "uint16": 257, "float32": 1 / 255}[dtype]
    photo = (faces[0].astype(float) * scale).astype(dtype)
    result = translator.translate(photo, exemplar=translator.encode_exemplar(photo), groups="hair")
    error = np.abs(result.image.astype(float) - photo).max()
    assert result.image.dtype == photo.dtype
    assert error == 0 if dtype != "float32" else error < 1e-5  # the style is encoded in two passes, 1e-6 apart


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_colour_changes_the_hair_alone_in_the_photographs_own_depth(translator, faces, dtype):
    photo = faces[0] if dtype == "uint8" else faces[0].astype(np.uint16) * 257
    translator.set_colour("#2050c0")
    result = translator.translate(photo, {"hair": half_mask(photo)})
    changed = (result.image != photo).any(axis=-1)
    assert changed[: len(photo) // 2].mean() > 0.9 and not changed[len(photo) // 2 :].any()
    assert result.image.dtype == photo.dtype
    before, after = (x[: len(photo) // 2].mean(axis=(0, 1)) for x in (photo, result.image))
    assert after[2] - after[0] > before[2] - before[0]  # bluer


def half_mask(photo: np.ndarray) -> np.ndarray:
    mask = np.zeros(photo.shape[:2], np.float32)
    mask[: len(mask) // 2] = 1
    return mask


def test_strength_scales_the_change(translator, faces):
    exemplar = translator.encode_colour("#2050c0")
    mask = {"hair": half_mask(faces[1])}
    none, half, full = (
        translator.translate(faces[1].astype(np.float32) / 255, mask, exemplar=exemplar, strength=s).image
        for s in (0.0, 0.25, 0.5)
    )
    np.testing.assert_array_equal(none, faces[1].astype(np.float32) / 255)
    inside = (full > 0.02) & (full < 0.98)
    np.testing.assert_allclose((full - none)[inside], 2 * (half - none)[inside], atol=1e-3)


def test_the_free_group_is_left_alone_by_a_colour(translator, faces):
    exemplar = translator.encode_colour("saddlebrown")
    assert exemplar.styles[0, -1] == core.COLOURS_ONLY and not exemplar.styles[1].any()
    result = translator.translate(faces[2], exemplar=exemplar)
    only = translator.translate(faces[2], exemplar=exemplar, groups="hair")
    np.testing.assert_array_equal(result.image, only.image)
    assert not result.notes


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("#12345",), "colour '#12345' cannot be read"),
        (("#123456", "smile"), "smile is not a colour; colours can be set for hair"),
        (("#123456", "nose"), "'nose' is not a group"),
    ],
)
def test_what_cannot_be_a_colour(translator, arguments, words):
    with pytest.raises(ImageError, match=words):
        translator.encode_colour(*arguments)


def test_a_model_without_colour_groups_says_so(groups_workdir):
    with pytest.raises(ImageError, match="no group of this model is painted by colour curves"):
        Translator(groups_workdir, log_notes=False).encode_colour("#123456")


def test_the_command_refuses_a_colour_for_a_free_group(workdir, photo_folder, capsys):
    flags = [f"--model={workdir}", "--input=photos/a.png", "--crop=none", "--colour=red", "--output=red.png"]
    assert translate.run([*flags, "--groups=hair, smile"]) == 2
    assert "--colour=red: smile is not a colour; with --colour, --groups may name hair" in capsys.readouterr().err
    assert not Path("red.png").exists()


def test_the_command_takes_colours_beside_exemplars(workdir, loaded_once, photo_folder, capsys):
    flags = [f"--model={workdir}", "--input=photos/a.png", "--crop=none"]
    assert translate.run([*flags, "--colour=#8a3b12", "--output=brown.png", "--save_masks"]) == 0
    assert sorted(p.name for p in Path().glob("brown.png.*")) == [
        f"brown.png.input_mask.{g}.png" for g in ("hair", "smile")
    ]
    expected = Translator(workdir, crop="none", log_notes=False)
    expected.set_colour("#8a3b12")
    image = expected.translate("photos/a.png").image
    np.testing.assert_array_equal(np.asarray(Image.open("brown.png")), np.asarray(image))
    several = [*flags, "--colour=#8a3b12", "--colour=rgb(1, 2, 3)", "--exemplar=star.png", "--output=out/"]
    assert translate.run(several) == 0
    written = sorted(p.relative_to("out").as_posix() for p in Path("out").rglob("*.png"))
    assert written == ["8a3b12/a.png", "rgb_1_2_3/a.png", "star/a.png"]


@pytest.mark.parametrize(
    "flags, words",
    [
        (["--colour=mauvish"], "--colour=mauvish: not a colour"),
        (["--colour=Auburn"], "or a name of CSS; Auburn as the page has it is #8a3b12"),
        ([], "give --exemplar=PICTURE or --colour="),
        (["--colour=red", "--exemplar_mask=star.png"], "--exemplar_mask goes with --exemplar"),
        (["--colour=red", "--model=drawn_faces"], "drawn_faces paints no group by colour curves"),
        (["--colour=red", "--model=celeba_hare"], "shipped weights (did you mean celeba_hair or"),
    ],
)
def test_the_command_refuses_in_one_line_before_anything_slow(workdir, photo_folder, capsys, monkeypatch, flags, words):
    monkeypatch.setattr(choice, "networks_of", lambda *_: pytest.fail("networks were asked for"))
    model = [] if any(flag.startswith("--model=") for flag in flags) else [f"--model={workdir}"]
    assert translate.run([*model, "--input=photos/a.png", "--output=out.png", *flags]) == 2
    out, err = capsys.readouterr()
    assert words in err and err.count("\n") == 1 and not out and not Path("out.png").exists()


def test_hair_goes_on_changing_below_the_crop_where_it_is_connected(translator):
    """A brown stripe runs out of the crop's lower side; beside it, unconnected, lies a brown patch."""
    photo = np.full((300, 200, 3), 235, np.uint8)
    photo[60:290, 80:120] = (90, 60, 40)
    photo[220:280, 10:40] = (90, 60, 40)
    prepared = translator.prepare(photo, crop="0,0,200,200")
    own = np.zeros((translator.size, translator.size, 3), np.float32)
    scale = translator.size / 200
    own[int(60 * scale) :, int(80 * scale) : int(120 * scale), 0] = 1
    own[..., 2] = 1 - own[..., 0]
    prepared.own_masks = own
    exemplar = translator.encode_colour("#2050c0")
    result = translator.translate(prepared, exemplar=exemplar, groups="hair")
    changed = (result.image != photo).any(axis=-1)
    assert changed[205:240, 90:110].mean() > 0.9  # below the crop, in the stripe
    assert not changed[205:290, :40].any()  # the patch
    assert result.input_masks["hair"][205:240, 90:110].mean() > 0.5
