"""Parts of pictures that are seen from near: as settings say them, and what is read of a picture."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from lomit_tf.commands import flags
from lomit_tf.config import ConfigError, DataConfig, LomitConfig
from lomit_tf.data import host
from lomit_tf.data.sources import open_set
from lomit_tf.data.store import ImageStore
from lomit_tf.imaging import label_places
from lomit_tf.settings.close_ups import box_of, in_pixels, parse_box, parse_boxes

LOWER = "0.25, 0.5, 0.5"
BOTH = {
    "system": "recipe", "image_size": 128, "attributes": ("Black_Hair", "Smiling"),
    "groups": "hair: Black_Hair; smile: Smiling", "colour_groups": ("hair",),
}  # fmt: skip


def test_boxes_are_read():
    assert parse_box("close_up", LOWER) == (Fraction(1, 4), Fraction(1, 2), Fraction(1, 2))
    assert parse_boxes(f"smile: {LOWER}; eyes: 0.125,0.25,0.75") == {
        "smile": (Fraction(1, 4), Fraction(1, 2), Fraction(1, 2)),
        "eyes": (Fraction(1, 8), Fraction(1, 4), Fraction(3, 4))
    }  # fmt: skip
    assert parse_boxes("") == {}
    assert in_pixels("close_ups", parse_box("close_ups", LOWER), 128, 64) == (32, 64, 64)
    assert box_of(LOWER, 64) == ((32, 64, 64), 128)


@pytest.mark.parametrize(
    "text", ["", "1", "a,b,c", "0.25,0.5", "0.6,0.5,0.5", "0,0,1", "0,0,0", "-0.1,0,0.5", "1/0,0,0.5"]
)
def test_boxes_that_cannot_be_read(text):
    with pytest.raises(ConfigError, match="--close_up: "):
        parse_box("close_up", text)


@pytest.mark.parametrize("text", ["smile", "smile: ", ": 0.25,0.5,0.5", f"smile: {LOWER}; smile: {LOWER}"])
def test_lists_that_cannot_be_read(text):
    with pytest.raises(ConfigError, match="--close_ups: "):
        parse_boxes(text)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"close_ups": f"nose: {LOWER}"}, "'nose' is not a group"),
        ({"close_ups": f"hair: {LOWER}"}, "hair is in both"),
        ({"close_ups": f"smile: {LOWER}", "colour_groups": ()}, "and --colour_groups"),
        ({"close_ups": f"smile: {LOWER}", "system": "paper", "colour_groups": ()}, "needs --system=recipe"),
        ({"close_ups": "smile: 0.25,0.5,0.25"}, "a multiple of 64"),
        ({"close_ups": "smile: 0.251,0.5,0.5"}, "whole pixels"),
        ({"close_ups": f"smile: {LOWER}", "attributes": ("Black_Hair", "Smiling", "Male"),
          "groups": "hair: Black_Hair; smile: Smiling; sex: Male"}, "sex is in none"),
    ],
)  # fmt: skip
def test_models_that_cannot_be(fields, said):
    with pytest.raises(ConfigError) as error:
        LomitConfig.create("small", **BOTH | fields)
    assert said in str(error.value)


def test_a_part_that_is_no_share_of_whole_pixels():
    with pytest.raises(ConfigError, match="1/2 or 1/4"):
        DataConfig(dataset="celeb_a", image_size=64, close_up="0,0,0.3")
    with pytest.raises(ConfigError, match="--dataset=drawn_faces"):
        DataConfig(image_size=64, close_up=LOWER)


def test_joint_models_are_not_trained():
    from lomit_tf import train

    asked = [
        "--system=recipe", "--attributes=a,b", "--groups=x: a; y: b", "--colour_groups=x", f"--close_ups=y: {LOWER}",
        "--image_size=128",
    ]  # fmt: skip
    assert flags.parse(asked).config.boxes == {1: (32, 64, 64)}
    assert train.run(asked) == 2


def test_what_is_read_is_the_part_of_the_whole_picture(tmp_path):
    """As the square of the whole picture and a slice of it by hand, from files, with the labels of the whole."""
    random = np.random.default_rng(0)
    lines = ["file,Smiling"]
    for i in range(3):
        coarse = random.integers(0, 255, (14, 11, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((178, 218), Image.Resampling.BICUBIC).save(tmp_path / f"{i}.png")
        lines.append(f"{i}.png,{i % 2}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    config = DataConfig(
        dataset="labelled_folder",
        data_dir=str(tmp_path),
        attributes=("Smiling",),
        image_size=64,
        close_up=LOWER,
        crop=178,
    )
    assert config.whole_size == 128
    images = open_set(config, "train")
    store = ImageStore(images, config, cache=False)
    pictures, found = store.readable(np.arange(len(images.keys)))
    assert pictures.shape == (len(found), 64, 64, 3)
    for picture, i in zip(pictures, found, strict=True):
        whole = host.square(images.read(int(i))[None], 178, 128)[0]
        assert np.abs(picture.astype(int) - whole[64:, 32:96]).max() <= 1  # of Pillow's rounding
    assert pictures.std() > 20


def test_the_middle_of_the_face_in_a_close_up():
    """The ellipse covers the same skin there: a pixel is in one where it is in the other."""
    y, x = np.mgrid[0:64, 0:64] / 64

    def within(ellipse):
        across, down = (x - ellipse[0]) / ellipse[2], (y - ellipse[1]) / ellipse[3]
        return across**2 + down**2 <= 1

    box = (0.25, 0.5, 0.5)
    near = label_places.in_close_up(label_places.MIDDLE, box)
    whole_x, whole_y = box[0] + box[2] * x, box[1] + box[2] * y
    centre_x, centre_y, across, down = label_places.MIDDLE
    expected = ((whole_x - centre_x) / across) ** 2 + ((whole_y - centre_y) / down) ** 2 <= 1
    np.testing.assert_array_equal(within(near), expected)
    assert expected.mean() > 0.05
