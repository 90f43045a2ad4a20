"""The one translation core: edits, styles, both painters in one model, and that nothing paints past it."""

from __future__ import annotations

import ast
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from lomit_tf import core
from lomit_tf.imaging import given_masks as mask_files
from lomit_tf.networks import colour, curves
from lomit_tf.networks.decoder import changed
from lomit_tf.networks.generator import Generator, with_contrast

ROOT = Path(__file__).resolve().parents[2]
GROUPS = {"attributes": ("Black_Hair", "Smiling"), "groups": "hair: Black_Hair; smile: Smiling"}
RECIPE = {**GROUPS, "system": "recipe"}


def random_masks(rng, count: int, groups: int, size: int = 16) -> np.ndarray:
    raw = rng.uniform(size=(count, size, size, groups + 1)) ** 3
    return (raw / raw.sum(axis=-1, keepdims=True)).astype("float32")


@pytest.fixture(scope="module")
def both(tiny) -> Generator:
    """Hair painted by curves, the smile freely; styles made strong, so that they show."""
    keras.utils.set_random_seed(5)
    made = Generator(tiny(**RECIPE, colour_groups=("hair",)).model, 2, None, (0,))
    image = np.zeros((1, 32, 32, 3), "float32")
    core.translate(made, image, image)
    for kernel in (made.curve_head.maps.conv.kernel, made.style_encoder.code.kernel):
        kernel.assign(kernel * 5)
    return made


@pytest.fixture
def pictures(rng) -> tuple[tf.Tensor, tf.Tensor]:
    return tuple(tf.constant(rng.uniform(-1, 1, (2, 32, 32, 3)), tf.float32) for _ in range(2))


# Edited masks.


def test_an_edit_stays_as_given_and_the_others_share_what_is_left():
    own = np.zeros((1, 1, 1, 3), "float32") + np.array([0.2, 0.5, 0.3], "float32")
    for edit, expected in (
        ([1.0, -1.0], [1, 0, 0]),
        ([0.5, -1.0], [0.5, 0.5 * 0.5 / 0.8, 0.5 * 0.3 / 0.8]),
        ([-1.0, 0.0], [0.2 / 0.5, 0, 0.3 / 0.5]),
        ([0.8, 0.8], [0.5, 0.5, 0]),
        ([-1.0, -1.0], [0.2, 0.5, 0.3]),
    ):
        found = core.with_edits(own, np.array(edit, "float32").reshape(1, 1, 1, 2))
        np.testing.assert_allclose(np.ravel(found), expected, atol=1e-6)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_edits_in_the_network_are_those_of_photographs(rng, groups):
    own = random_masks(rng, 3, groups)
    own[0, :4] = 0
    own[0, :4, :, 0] = 1.0  # nothing is left for the others there
    for edited in range(1, 2**groups):
        channels = [g for g in range(groups) if edited >> g & 1]
        edits = np.full((*own.shape[:3], groups), -1.0, "float32")
        edits[..., channels] = rng.uniform(size=(*own.shape[:3], len(channels)))
        found = np.asarray(core.with_edits(own, edits))
        for b in range(3):
            expected = mask_files.replace(own[b], {g: edits[b, ..., g] for g in channels})
            np.testing.assert_allclose(found[b], expected, atol=2e-6)
        np.testing.assert_allclose(found.sum(-1), 1, atol=1e-6)


def test_complete_masks_are_normalised_only_where_they_exceed_one(rng):
    masks = rng.uniform(0, 0.8, (2, 8, 8, 2)).astype("float32")
    found = np.asarray(core.complete(masks))
    total = masks.sum(-1)
    np.testing.assert_allclose(found[..., :2][total <= 1], masks[total <= 1], atol=1e-6)
    np.testing.assert_allclose(found[..., 2], np.maximum(1 - total, 0), atol=1e-6)
    np.testing.assert_allclose(found[..., :2][total > 1].sum(-1), 1, atol=1e-6)


def test_contrast_sharpens_and_keeps_a_partition(rng):
    masks = random_masks(rng, 2, 3)
    np.testing.assert_allclose(with_contrast(masks, 0.0), masks, atol=1e-6)
    found = np.asarray(with_contrast(masks, 1.0))
    np.testing.assert_allclose(found.sum(-1), 1, atol=1e-6)
    t = np.clip((masks[..., :-1] - 0.2) / 0.25, 0, 1)
    smooth = t * t * (3 - 2 * t)
    np.testing.assert_allclose(found[..., :-1], smooth / np.maximum(smooth.sum(-1, keepdims=True), 1), atol=1e-6)


# Both painters in one model.


def test_own_styles_change_nothing_to_the_bit(both, pictures):
    e = core.encode(both, pictures[0])
    made = core.paint(both, pictures[0], e.content, e.masks, e.styles, e.styles, np.array([[1, 0]] * 2, "float32"))
    assert not np.any(made.curves)
    np.testing.assert_array_equal(made.image, pictures[0])


def test_painting_is_free_groups_first_and_then_curves_in_what_they_made(both, pictures):
    image, exemplar = pictures
    transfer = np.array([[1, 1], [0, 1]], "float32")
    styles, _ = core.encode_exemplar(both, exemplar)
    made = core.apply_styles(both, image, styles, transfer)
    masks, grid = np.asarray(made.masks), np.asarray(made.curves)
    z = image + masks[..., 1:2] * (np.asarray(made.raw) - image)
    y = z + transfer[:, 0, None, None, None] * masks[..., :1] * np.asarray(curves.change(grid, z))
    np.testing.assert_allclose(made.image, y, atol=1e-5)
    assert np.abs(grid[0]).max() > 0.01 and not grid[1].any()
    np.testing.assert_allclose(made.image[1], z[1], atol=1e-6)


def test_a_smile_does_not_recolour_hair_nor_hair_the_smile(both, pictures):
    image, exemplar = pictures
    styles, _ = core.encode_exemplar(both, exemplar)
    one, alone = (core.apply_styles(both, image, styles, np.array([t] * 2, "float32")) for t in ([1, 1], [1, 0]))
    np.testing.assert_allclose(one.curves, alone.curves, atol=1e-6)
    smile = core.apply_styles(both, image, styles, np.array([[0, 1]] * 2, "float32"))
    np.testing.assert_allclose(one.raw, smile.raw, atol=1e-6)
    assert not np.any(smile.curves)


def test_a_style_of_colours_alone_keeps_the_own_code(both, rng):
    code, own, exemplar = both.code_size, *(rng.normal(size=(2, 3, both.style_size)).astype("float32") for _ in "ab")
    own[..., -1], exemplar[..., -1] = 1.0, 1.0
    exemplar[0, 0, -1] = core.COLOURS_ONLY
    mixed = np.asarray(core.mix_styles(own, exemplar, np.ones((2, 2), "float32"), code))
    np.testing.assert_array_equal(mixed[0, 0], [*own[0, 0, :code], *exemplar[0, 0, code:-1], 1.0])
    np.testing.assert_array_equal(mixed[0, 1], exemplar[0, 1])
    np.testing.assert_array_equal(mixed[:, 2], own[:, 2])


def test_an_empty_region_has_no_colours_and_is_not_transferred(both, pictures):
    nowhere = np.zeros((2, 32, 32, 3), "float32")
    nowhere[..., 2] = 1
    styles, _ = core.encode_exemplar(both, pictures[1], nowhere)
    assert not np.any(styles)
    made = core.apply_styles(both, pictures[0], styles)
    np.testing.assert_array_equal(made.image, pictures[0])
    # An input without the region: there is nothing to paint, and nothing to paint it from.
    styles, _ = core.encode_exemplar(both, pictures[1])
    made = core.apply_styles(both, pictures[0], styles, np.array([[1, 0]] * 2, "float32"), nowhere)
    assert np.isfinite(made.curves).all() and not np.any(made.curves)
    np.testing.assert_array_equal(made.image, pictures[0])


def test_moments_against_numpy(rng):
    images, masks = rng.uniform(-1, 1, (2, 8, 8, 3)), rng.uniform(size=(2, 8, 8, 2))
    masks[1, ..., 1] = 0
    found = np.asarray(colour.region_moments(images.astype("float32"), masks.astype("float32")))
    ycc = images @ np.array(colour.TO_YCC).T
    for b, r in ((0, 0), (0, 1), (1, 0)):
        w = masks[b, ..., r] ** 3
        mean = np.average(ycc[b].reshape(-1, 3), axis=0, weights=w.ravel())
        deviation = np.sqrt(np.average((ycc[b].reshape(-1, 3) - mean) ** 2, axis=0, weights=w.ravel()))
        away = (ycc[b].reshape(-1, 3) - mean) * w.reshape(-1, 1) / w.sum()
        covariance = away.T @ (ycc[b].reshape(-1, 3) - mean)
        slopes = covariance[0, 1:] / (covariance[0, 0] + colour.FLAT)
        np.testing.assert_allclose(found[b, r], [*mean, *deviation, *slopes], atol=1e-5)
    np.testing.assert_allclose(found[1, 1], [0, 0, 0] + [colour.LEAST_DEVIATION] * 3 + [0, 0], atol=1e-6)


def test_slopes_are_those_of_a_line_and_0_of_a_flat_region(rng):
    light = rng.uniform(-0.8, 0.4, (1, 32, 32))
    ycc = np.stack([light, 0.1 - 0.3 * light, 0.2 + 0.05 * light], axis=-1)
    images = (ycc @ np.linalg.inv(np.array(colour.TO_YCC)).T).astype("float32")
    mask = np.ones((1, 32, 32, 1), "float32")
    found = np.asarray(colour.region_moments(images, mask))[0, 0]
    np.testing.assert_allclose(found[colour.FIRST :], [-0.3, 0.05], rtol=0.02)
    flat = np.asarray(colour.region_moments(np.full_like(images, 0.3), mask))[0, 0]
    np.testing.assert_allclose(flat[colour.FIRST :], 0, atol=1e-3)


def test_networks_do_not_see_the_slopes(both, pictures):
    content = both.encode_content(pictures[0])
    masks = both.masks(content, pictures[0])
    styles = np.asarray(both.styles(pictures[0], masks))
    other = styles.copy()
    other[..., both.code_size + colour.FIRST : -1] += 1
    np.testing.assert_array_equal(both.decode(content, masks, styles), both.decode(content, masks, other))
    assert np.any(both.curves(pictures[0], content, masks, other, styles))  # through the closed form alone


# Nothing else paints.


# What a generator's parts are called; Generator itself, core.py and painting.py alone may take hold of them.
PARTS = {"decode", "decode_moving", "curves", "decoder", "curve_head", "encode_content"}
LEAST_ARGUMENTS = {"decode": 3, "decode_moving": 3, "curves": 4, "decoder": 3, "curve_head": 1, "encode_content": 0}


def painting_calls(source: str) -> list[int]:
    """Lines that compute with the parts of a generator: its content, its painters.

    Found are calls with as many arguments as these take (`blazeface.decode` and other functions of these names take
    as many, or are methods of other classes), the bound methods of anything that is named as a generator, and getattr
    with such a name.
    """
    tree = ast.parse(source)
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}  # g.curve_head.maps
    tested = {id(part) for node in ast.walk(tree) if isinstance(node, (ast.Compare, ast.IfExp, ast.BoolOp))
              for part in ast.iter_child_nodes(node)}  # "... if g.curve_head else ..."  # fmt: skip
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in PARTS:
            of_module = isinstance(node.func.value, ast.Name) and node.func.value.id == "blazeface"
            if len(node.args) + len(node.keywords) >= LEAST_ARGUMENTS[node.func.attr] and not of_module:
                found.append(node.lineno)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "getattr":
            if any(isinstance(a, ast.Constant) and a.value in PARTS for a in node.args):
                found.append(node.lineno)
        elif isinstance(node, ast.Attribute) and node.attr in PARTS and id(node) not in inner | tested:
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            if (owner == "g" or owner.lower().endswith("generator")) and node.lineno not in found:
                found.append(node.lineno)
    return sorted(set(found))


@pytest.mark.parametrize(
    "line",
    [
        "g.decode(a, b, c)",
        "g.curves(x, a, b, target=c, own=d)",
        "model.generator.decoder(content, wide, statistics)",
        "x.curve_head(content, wide, statistics)",
        "g.masks(g.encode_content(x), x)",
        "paint = model.inference_generator.decode",
        "paint, curve = g.decoder, g.curve_head",
        "tf.function(generator.curves)",
        "getattr(g, 'decode')(a, b, c)",
    ],
)
def test_what_computes_with_a_generators_parts_is_found(line):
    assert painting_calls(line) == [1]


@pytest.mark.parametrize(
    "line",
    [
        "data.decode('utf-8')", "blazeface.decode(a, b, c, d)", "painting.curves", "g.curve_head.maps.conv",
        "1 if g.curve_head else 0", "core.masks(g, x)", "a.decode(content, style)",
    ],
)  # fmt: skip
def test_what_does_not_is_left_alone(line):
    assert painting_calls(line) == []


def test_only_the_core_computes_with_a_generators_parts():
    found = set()
    for folder in ("lomit_tf", "export", "tools", "benchmarks", "site"):
        for path in (ROOT / folder).rglob("*.py"):
            if "node_modules" not in path.parts and painting_calls(path.read_text(encoding="utf-8")):
                found.add(str(path.relative_to(ROOT)))
    core = {"lomit_tf/core.py", "lomit_tf/painting.py"}
    assert found == core | {f"lomit_tf/networks/{name}generator.py" for name in ("", "joint_")}


# Free groups painted as a change.


def _changed(image, wanted, present):
    """Eq. (3.10) before its clip, in NumPy, with the mean over squares written out."""
    size = np.abs(wanted - present).mean(axis=-1)
    around = np.zeros_like(size)
    height, width = size.shape[1:]
    for i in range(height):
        for j in range(width):
            around[:, i, j] = size[:, max(0, i - 2) : i + 3, max(0, j - 2) : j + 3].mean(axis=(1, 2))
    kept = (0.2**2 / (around**2 + 0.2**2))[..., None]
    return wanted + kept * (image - present)


def test_where_much_changes_the_inputs_own_details_go(rng):
    """Eq. (3.10): what G does not paint stays where its pictures agree, and goes where they differ by much."""
    texture = rng.choice([-0.1, 0.1], (1, 32, 32, 3)).astype("float32")
    present = np.zeros((1, 32, 32, 3), "float32")
    wanted = present.copy()
    wanted[:, :, 16:] = 0.8
    found = np.asarray(changed(present + texture, wanted, present)) - wanted
    np.testing.assert_allclose(found[:, :, :14], texture[:, :, :14], atol=1e-6)
    assert np.abs(found[:, :, 18:]).max() < 0.01


@pytest.mark.parametrize("colours", [(), ("hair",)])
def test_a_change_is_the_input_and_the_difference_of_two_pictures(tiny, pictures, colours):
    """Eq. (3.10): against G's two pictures by hand; nothing at all changes in the own styles."""
    keras.utils.set_random_seed(6)
    config = tiny(**RECIPE, colour_groups=colours, free_change=True).model
    made = Generator(config, 2, None, tuple(range(len(colours))))
    x, exemplar = pictures
    core.translate(made, x, exemplar)
    made.style_encoder.code.kernel.assign(made.style_encoder.code.kernel * 5)
    e = core.encode(made, x)
    other = core.encode(made, exemplar).styles
    transfer = np.array([[0, 1]] * 2, "float32")
    target = core.mix_styles(e.styles, other, transfer, made.code_size)
    found = core.paint(made, x, e.content, e.regions, e.styles, target, transfer, reconstruct=True)
    wanted, own = (made.decode(e.content, e.regions, styles).numpy() for styles in (target, e.styles))
    np.testing.assert_allclose(found.raw, np.clip(_changed(x, wanted, own), -1, 1), atol=1e-5)
    np.testing.assert_allclose(found.reconstruction, own, atol=1e-5)
    mask = np.asarray(e.regions)[..., 1:2]
    np.testing.assert_allclose(found.image, x + mask * (np.asarray(found.raw) - x), atol=1e-5)
    assert np.abs(np.asarray(found.image) - x).max() > 0.01
    again = core.paint(made, x, e.content, e.regions, e.styles, e.styles, transfer)
    np.testing.assert_allclose(again.image, x, atol=1e-6)
    assert again.reconstruction is None


def test_a_model_of_one_free_group_takes_its_own_style_for_a_change(tiny, pictures):
    """Without a change the own foreground style goes unused, and is not computed; with it, it counts."""
    keras.utils.set_random_seed(7)
    config = tiny(attributes=("Smiling",), system="recipe", free_change=True).model
    made = Generator(config, 1, None, ())
    x, _ = pictures
    own = core.encode_exemplar(made, x)[0]
    np.testing.assert_allclose(core.apply_styles(made, x, own).image, x, atol=1e-5)
