"""Masks of one connected region: the rule, in the Translator and in the server; other models are as before."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from lomit_tf.config import ConfigError, LomitConfig
from lomit_tf.engines import light
from lomit_tf.engines.outline import Outline, Painting
from lomit_tf.imaging.connected import keep_connected
from lomit_tf.photos.steps import Steps

OUTLINE = Outline(64, ("hair", "mouth"), (0, 1), "drawn_faces", 0)
CONNECTED = dataclasses.replace(OUTLINE, connected=(0,))


def regions(*groups: np.ndarray) -> np.ndarray:
    """Masks (S, S) of groups with their background, (1, S, S, R)."""
    planes = np.float32(np.stack(groups, axis=-1)[None])
    return np.concatenate([planes, 1 - planes.sum(axis=-1, keepdims=True)], axis=-1)


def two_parts() -> np.ndarray:
    """(64, 64): a large part with a faint rim, and a smaller part at the right."""
    mask = np.zeros((64, 64), np.float32)
    mask[8:42, 3:37] = 0.125
    mask[10:40, 5:35] = 0.4375
    mask[10:40, 50:60] = 0.4375
    return mask


def largest() -> np.ndarray:
    """What stays of it."""
    mask = two_parts()
    mask[:, 45:] = 0
    rim = mask == np.float32(0.125)
    rim[9:41, 4:36] = False
    mask[rim] = 0  # beyond one pixel from the part
    return mask


def test_smaller_parts_become_background_and_other_groups_stay():
    mouth = np.full((64, 64), 0.25, np.float32)
    made = keep_connected(regions(two_parts(), mouth), (0,))
    np.testing.assert_array_equal(made, regions(largest(), mouth))


@pytest.mark.parametrize(("width", "stays"), [(17, False), (18, True)])
def test_a_part_of_three_fifths_of_the_largest_one_stays(width, stays):
    mask = np.zeros((64, 64))
    mask[2:32, :30], mask[34:64, :width] = 0.5, 0.5
    made = keep_connected(regions(mask), (0,))[0, ..., 0]
    assert made[40, 5] == 0.5 * stays and made[10, 10] == 0.5


def test_a_pixel_barely_above_the_threshold_decides_nothing():
    """Engines and languages differ by less than 0.001 in a mask, and results must not by much more."""
    made = []
    for value in (0.1995, 0.2005):
        mask = np.zeros((64, 64))
        mask[10:40, 10:40], mask[20, 40], mask[20, 41] = 0.5, value, 0.19
        made.append(keep_connected(regions(mask), (0,))[0, ..., 0])
    assert np.abs(made[1] - made[0]).max() < 0.01 and made[0][20, 40] > 0.19


def test_a_mask_without_any_part_becomes_empty():
    made = keep_connected(regions(np.full((64, 64), 0.2)), (0,))
    assert not made[..., 0].any() and (made[..., 1] == 1).all()


def test_models_without_such_groups_get_the_very_masks():
    masks = regions(two_parts())
    assert keep_connected(masks, ()) is masks


class Networks:
    """Finds two parts for both groups in every picture; remembers what it was given to paint within, and how."""

    def __init__(self, outline: Outline) -> None:
        self.outline, self.seen, self.given = outline, [], []

    def masks(self, images: np.ndarray) -> np.ndarray:
        return np.repeat(regions(two_parts(), two_parts()), len(images), axis=0)

    def styles(self, images: np.ndarray, masks: np.ndarray) -> np.ndarray:
        self.seen.append(masks[0])
        return np.ones((len(images), 2, self.outline.style_size), np.float32)

    def paint(self, images, masks, styles, transfer) -> list[Painting]:
        self.given.append(masks[0])
        return [Painting(m, curves=np.zeros((8, 8, 2 * 32), np.float32)) for m in masks]

    def translate(self, images, styles, transfer) -> list[Painting]:
        return self.paint(images, self.masks(images), styles, transfer)


@pytest.mark.parametrize("outline", [OUTLINE, CONNECTED], ids=["without", "connected"])
def test_a_photographs_masks_are_connected_and_edits_stay_as_given(outline):
    steps = Steps(Networks(outline), crop="none", log_notes=False)
    hair = largest() if outline.connected else two_parts()
    own = regions(hair, two_parts())[0]
    photo = np.full((64, 64, 3), 90, np.uint8)
    exemplar = steps.encode_exemplar(photo)
    np.testing.assert_array_equal(steps.inference.seen[-1], own)
    np.testing.assert_array_equal(exemplar.masks["hair"], hair)
    request = steps.request(photo, exemplar=exemplar)
    result = steps.composite(request, steps.paint([request])[0])
    np.testing.assert_array_equal(steps.inference.given[-1], own)
    np.testing.assert_array_equal(result.input_masks["hair"], hair)
    np.testing.assert_array_equal(steps.masks(photo)["mouth"], two_parts())
    request = steps.request(photo, {"hair": two_parts()}, exemplar=exemplar)
    result = steps.composite(request, steps.paint([request])[0])
    np.testing.assert_allclose(steps.inference.given[-1][..., 0], two_parts(), atol=1e-6)
    np.testing.assert_array_equal(result.input_masks["hair"], two_parts())
    request = steps.request(photo, {"mouth": np.zeros((64, 64))}, exemplar=exemplar)
    steps.paint([request])
    np.testing.assert_array_equal(steps.inference.given[-1][..., 0] > 0, hair > 0)


def test_the_setting_names_groups_and_is_no_part_of_the_architecture(tiny):
    fields = {"attributes": ("Black_Hair", "Smiling"), "groups": "hair: Black_Hair; smile: Smiling"}
    with pytest.raises(ConfigError, match="--connected_groups: 'hear' is not a group; did you mean hair"):
        tiny(**fields, connected_groups=("hear",))
    before, after = tiny(**fields), tiny(**fields, connected_groups=("smile",))
    assert light.architecture(before) == light.architecture(after)
    assert (Outline.of(before).connected, Outline.of(after).connected) == ((), (1,))
    older = {name: value for name, value in after.flat().items() if name != "connected_groups"}
    assert LomitConfig.from_flat(older) == before


def test_the_server_keeps_the_largest_part_before_edits(tiny):
    """Random masks of four groups lie around 0.2, so that they fall into many parts."""
    pytest.importorskip("orjson", reason="orjson is not installed (extra serve)")
    import keras

    from lomit_tf import core
    from lomit_tf.model import Lomit
    from lomit_tf.serving.engine import Engine

    keras.utils.set_random_seed(4)
    names = ("Black_Hair", "Smiling", "Male", "Young")
    groups = "; ".join(f"g{i}: {name}" for i, name in enumerate(names))
    model = Lomit(tiny(attributes=names, groups=groups, system="recipe", connected_groups=("g1", "g2")))
    engine = Engine(model, max_pixels=10_000)
    x = np.random.default_rng(0).uniform(-1, 1, (64, 64, 3)).astype(np.float32)
    raw = np.asarray(core.masks(model.inference_generator, x[None]))
    kept = keep_connected(raw, (1, 2))
    assert (kept[..., [0, 3]] == raw[..., [0, 3]]).all() and (kept[..., 1] != raw[..., 1]).mean() > 0.05
    edits = np.full((64, 64, 4), -1, np.float32)
    edits[..., 0] = 0.25 * (np.arange(64) % 2)
    expected = np.asarray(core.with_edits(kept, edits[None]))[0, ..., :-1]
    given = {"image": x, "exemplar": x, "image_masks": edits}
    items = [
        engine.prepare(engine.signatures[name], values, "instance 0")
        for name, values in (("masks", {"image": x}), ("translate", given))
    ]
    answers = [engine.answer(item, result) for item, result in zip(items, engine.run(items), strict=True)]
    np.testing.assert_allclose(answers[0]["masks"], kept[0, ..., :-1], atol=1e-5)
    np.testing.assert_allclose(answers[1]["exemplar_masks"], kept[0, ..., :-1], atol=1e-5)
    np.testing.assert_allclose(answers[1]["image_masks"], expected, atol=1e-5)
