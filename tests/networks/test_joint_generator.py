"""A model whose free groups are painted from near: against its parts, each alone."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import lomit_tf
from export import graphs
from lomit_tf import core, join, zoo
from lomit_tf.config import ConfigError, LomitConfig
from lomit_tf.imaging import given_masks
from lomit_tf.inference import Inference
from lomit_tf.model import Lomit
from lomit_tf.networks.joint_generator import JointGenerator, cut, uncut
from lomit_tf.settings.mask_teacher import RefineConfig
from lomit_tf.training import distill_config, mask_teaching
from lomit_tf.training.joining import joined
from lomit_tf.training.mask_refinement import refine_masks
from lomit_tf.training.warm_start import start_from
from tests.helpers.joint_configs import SHARES, part_config, whole_config

BOX = (32, 64, 64)  # left, top and width in pictures of 128: the lower face


def trained(config: LomitConfig, seed: int) -> Lomit:
    """A model with random weights whose styles differ visibly and whose masks are neither 0 nor 1."""
    keras.utils.set_random_seed(seed)
    model = Lomit(config)
    model.build()
    for g in (model.generator, model.ema_generator):
        g.style_encoder.code.kernel.assign(g.style_encoder.code.kernel * 5)
        logits = g.mask_decoder.logits
        logits.conv.bias.assign(logits.conv.bias - 0.8)
    return model


@pytest.fixture(scope="module")
def models() -> tuple[Lomit, Lomit, Lomit, Lomit]:
    """The base, two parts, and the three put together."""
    base = trained(whole_config(), 1)
    smile, beard = trained(part_config(), 2), trained(part_config("No_Beard", "facial_hair"), 3)
    return base, smile, beard, joined(base, {"runs/smile": smile, "runs/beard": beard})


@pytest.fixture(scope="module")
def faces() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(4)
    coarse = random.uniform(-0.7, 0.7, (4, 16, 16, 3))
    smooth = np.kron(coarse, np.ones((1, 8, 8, 1))) + random.normal(0, 0.1, (4, 128, 128, 3))
    x, exemplar = np.split(np.clip(smooth, -1, 1).astype("float32"), 2)
    return x, exemplar


def faded(part: Lomit, near: np.ndarray) -> np.ndarray:
    """A part's masks of its squares, less towards their edges: eq. (3.14) by hand."""
    masks = np.asarray(core.masks(part.inference_generator, near))[..., :1].copy()
    for y, x in np.ndindex(64, 64):
        masks[:, y, x] = np.minimum(masks[:, y, x], (min(x, y, 63 - x, 63 - y) + 0.5) / 8)
    return np.concatenate([masks, 1 - masks], axis=-1)


def chosen(*groups: int) -> np.ndarray:
    return np.array([[float(g in groups) for g in range(4)]] * 2, "float32")


def test_names_sizes_and_order(models):
    *_, joint = models
    assert joint.group_names == ("hair", "lips", "smile", "facial_hair")
    outline = Inference(joint).outline
    assert (outline.coloured, outline.free, outline.connected) == ((0, 1), (2, 3), (0, 2, 3))
    g = joint.inference_generator
    assert (g.style_size, outline.style_size, outline.code_size) == (33, 33, 24)
    assert g.parts(128) == {"raw": (128, 128, 3), "curves": (16, 16, 2 * 4 * 8)}


def test_masks_are_those_of_the_parts_in_their_places(models, faces):
    base, smile, beard, joint = models
    x, _ = faces
    found = np.asarray(core.masks(joint.inference_generator, x))
    whole = np.asarray(core.masks(base.inference_generator, x))
    near = [faded(m, cut(x, BOX))[..., :1] for m in (smile, beard)]
    np.testing.assert_allclose(found[..., :2], whole[..., :2], atol=1e-6)
    for i, mask in enumerate(near):
        assert 0.05 < mask.mean() < 0.95
        np.testing.assert_allclose(found[:, 64:, 32:96, 2 + i], mask[..., 0], atol=1e-6)
        outside = found[..., 2 + i].copy()
        outside[:, 64:, 32:96] = 0
        assert not outside.any()
    np.testing.assert_allclose(found[..., -1], 1 - np.minimum(found[..., :-1].sum(axis=-1), 1), atol=1e-6)
    assert found[..., :-1].sum(axis=-1).max() > 1.01  # they overlap, and this is what `masks` says of it


def test_colours_are_those_of_the_base(models, faces):
    base, *_, joint = models
    x, exemplar = faces
    found = joint.translate(x, exemplar, chosen(0, 1))
    alone = base.translate(x, exemplar)
    np.testing.assert_allclose(found["image"], alone["image"], atol=1e-5)
    np.testing.assert_allclose(found["curves"], alone["curves"], atol=1e-5)
    np.testing.assert_array_equal(found["raw"], x)
    assert np.abs(np.asarray(found["image"]) - x).max() > 0.01


@pytest.mark.parametrize(("group", "place"), [(2, 1), (3, 2)])
def test_one_group_is_painted_as_its_part_paints_it_alone(models, faces, group, place):
    part, joint = models[place], models[-1]
    x, exemplar = faces
    found = np.asarray(joint.translate(x, exemplar, chosen(group))["image"])
    near, star = cut(x, BOX), cut(exemplar, BOX)
    alone = np.asarray(part.translate(near, star, None, faded(part, near), faded(part, star))["image"])
    np.testing.assert_allclose(found[:, 64:, 32:96], alone, atol=1e-5)
    outside = np.abs(found - x)
    outside[:, 64:, 32:96] = 0
    assert not outside.any()
    assert np.abs(alone - cut(x, BOX)).max() > 0.01


def test_groups_that_overlap_add_their_changes_and_raw_says_the_same(models, faces):
    """Eqs. (3.11) and (3.12), by hand; the composite of raw within all masks together is the picture."""
    *_, joint = models
    g = joint.inference_generator
    x, exemplar = faces
    each = [np.asarray(core.translate(g, x, exemplar, chosen(group)).image) - x for group in (2, 3)]
    painting = core.translate(g, x, exemplar, chosen(2, 3))
    np.testing.assert_allclose(painting.image, x + each[0] + each[1], atol=1e-5)
    masks = np.asarray(painting.masks)[..., 2:4].sum(axis=-1, keepdims=True)
    there = np.minimum(masks, 1.0)
    again = x + there * (np.asarray(painting.raw) - x)
    inside = (np.abs(painting.raw) < 0.999) & (masks > 1e-3)
    np.testing.assert_allclose(again[inside], np.asarray(painting.image)[inside], atol=1e-5)
    assert inside.mean() > 0.1


def test_own_styles_change_nothing(models, faces):
    *_, joint = models
    g, (x, _) = joint.inference_generator, faces
    e = core.encode(g, x)
    found = core.paint(g, x, e.content, e.masks, e.styles, e.styles, chosen(0, 1, 2, 3), reconstruct=True)
    np.testing.assert_array_equal(found.image, x)
    np.testing.assert_array_equal(found.reconstruction, x)


def test_an_exemplar_without_a_group_changes_nothing(models, faces):
    *_, joint = models
    x, exemplar = faces
    empty = np.asarray(core.masks(joint.inference_generator, exemplar)).copy()
    empty[..., 2] = 0
    styles, _ = joint.encode_exemplar(exemplar, empty)
    assert not np.asarray(styles)[:, 2].any() and np.asarray(styles)[:, 3].any()
    np.testing.assert_array_equal(joint.apply_styles(x, styles, chosen(2))["image"], x)


def test_an_edit_of_one_group_leaves_those_that_overlap(models, faces):
    """An edited smile takes nothing from lips and beard; edited lips share with the hair; in NumPy as in the graph."""
    *_, joint = models
    x, _ = faces
    masks = np.asarray(core.masks(joint.inference_generator, x))
    for group, kept in ((2, (0, 1, 3)), (1, (2, 3))):
        given = np.random.default_rng(group).uniform(0, 1, (2, 128, 128)).astype("float32")
        edits = np.full((2, 128, 128, 4), -1, "float32")
        edits[..., group] = given
        found = np.asarray(core.with_edits(masks, edits, (2, 3)))
        np.testing.assert_array_equal(found[..., kept], masks[..., kept])
        np.testing.assert_allclose(found[..., group], given, atol=1e-6)
        np.testing.assert_allclose(found[..., -1], 1 - np.minimum(found[..., :-1].sum(axis=-1), 1), atol=1e-6)
        again = np.stack([given_masks.replace(m, {group: g}, (2, 3)) for m, g in zip(masks, given, strict=True)])
        np.testing.assert_allclose(again, found, atol=1e-6)
    whole = np.concatenate([masks[..., :2], 1 - masks[..., :2].sum(axis=-1, keepdims=True)], axis=-1)
    shared = np.asarray(core.with_edits(whole, edits[..., :2]))
    np.testing.assert_allclose(found[..., :2], shared[..., :2], atol=1e-6)
    assert np.abs(found[..., 0] - masks[..., 0]).max() > 0.05


def test_masks_given_back_change_nothing(models, faces):
    """What the network found, given as edits: the same translation."""
    *_, joint = models
    x, exemplar = faces
    styles, _ = joint.encode_exemplar(exemplar)
    own = np.asarray(core.masks(joint.inference_generator, x))[..., :-1]
    plain = joint.apply_styles(x, styles, chosen(0, 1, 2, 3))
    again = joint.apply_styles(x, styles, chosen(0, 1, 2, 3), edits=own)
    np.testing.assert_allclose(again["image_masks"], plain["image_masks"], atol=1e-5)
    np.testing.assert_allclose(again["image"], plain["image"], atol=1e-4)


def test_a_given_mask_fades_out_at_the_edges_of_the_square(models, faces):
    *_, joint = models
    x, exemplar = faces
    styles, _ = joint.encode_exemplar(exemplar)
    edits = np.full((2, 128, 128, 4), -1, "float32")
    edits[..., 2] = 1
    found = joint.apply_styles(x, styles, chosen(2), edits=edits)
    changed = np.abs(np.asarray(found["image"]) - x).max(axis=(0, 3))
    outside = changed.copy()
    outside[64:, 32:96] = 0
    assert not outside.any() and changed[64:, 32:96].max() > 0.02
    edge = np.concatenate([changed[64, 32:96], changed[127, 32:96], changed[64:, 32], changed[64:, 95]])
    assert edge.max() < changed[72:120, 40:88].max() / 4


def test_exported_graphs_keep_masks_that_overlap(models, faces):
    """A round trip through the two graphs, masks in between, is the model's own translation."""
    *_, joint = models
    x, exemplar = faces
    of_x, of_exemplar = (graphs.mask_net(joint, picture) for picture in (x, exemplar))
    made = graphs.generator(joint, x, exemplar, of_x, of_exemplar, chosen(0, 1, 2, 3))
    expected = joint.translate(x, exemplar, chosen(0, 1, 2, 3))
    for name, part in (("translation", "image"), ("raw", "raw"), ("curves", "curves")):
        np.testing.assert_allclose(made[name], expected[part], atol=1e-5)


def test_cut_and_uncut():
    x = np.arange(2 * 128 * 128, dtype="float32").reshape(2, 128, 128, 1)
    part = np.asarray(cut(x, BOX))
    np.testing.assert_array_equal(part, x[:, 64:128, 32:96])
    back = np.asarray(uncut(part, BOX, 128))
    np.testing.assert_array_equal(back[:, 64:128, 32:96], part)
    assert back.sum() == part.sum()


def test_every_group_needs_a_painter():
    with pytest.raises(ValueError, match="3 groups"):
        JointGenerator(whole_config().model, 3, None, (0,), (), {2: BOX})


# Putting models together.


def test_the_command_joins_folders_of_weights(models, faces, tmp_path, capsys, monkeypatch):
    base, smile, _, joint = models
    monkeypatch.chdir(tmp_path)
    for name, model in (("base", base), ("smile", smile)):
        zoo.save_folder(model, tmp_path / name, {"notice": f"Of {name}."} if name == "base" else {})
    asked = ["--base=base", "--part=smile", "--out=both"]
    assert join.run(asked) == 0
    assert capsys.readouterr().out == "both: hair, lips, smile\n"
    made = lomit_tf.load(tmp_path / "both")
    assert made.config.model.close_ups == f"smile: {SHARES}" and zoo.notice(tmp_path / "both") == "Of base."
    x, exemplar = faces
    np.testing.assert_allclose(
        made.translate(x, exemplar, chosen(2)[:, :3])["image"],
        joint.translate(x, exemplar, chosen(2))["image"],
        atol=1e-5,
    )
    assert join.run(asked) == 2
    assert "there are weights already" in capsys.readouterr().err
    assert join.run([*asked, "--overwrite"]) == 0
    capsys.readouterr()
    assert join.run(["--base=base", "--part=smile", "--part=smile", "--out=twice"]) == 2
    assert capsys.readouterr().err == "lomit-join: --part=smile is given 2 times; give each part once\n"


def test_what_was_put_together_is_not_trained_further(models, tmp_path):
    joint = models[-1]
    zoo.save_folder(joint, tmp_path / "joint", {})
    asked = [
        lambda: distill_config.student_config(joint.config),
        lambda: mask_teaching.taught_config(joint.config),
        lambda: refine_masks(joint, joint.config.data, RefineConfig(), tmp_path / "masks.npz"),
        lambda: start_from(models[0], str(tmp_path / "joint")),
    ]
    for ask in asked:
        with pytest.raises(ConfigError, match=r"put together .* of parts for smile, facial_hair"):
            ask()


def test_a_part_alone_translates_no_photographs(models):
    with pytest.raises(ConfigError, match=r"lomit_tf\.join"):
        lomit_tf.Translator(models[1])


@pytest.fixture(scope="module")
def moving(models) -> tuple[Lomit, Lomit, Lomit, Lomit]:
    """The base, a smile that moves pixels, a beard that does not, and the three put together."""
    base, _, beard, _ = models
    smile = trained(part_config(displacement=4), 7)
    for g in (smile.generator, smile.ema_generator):
        kernel = g.decoder.displacement.field.conv.kernel
        kernel.assign(np.random.default_rng(5).normal(0, 0.3, kernel.shape))
    return base, smile, beard, joined(base, {"runs/smile": smile, "runs/beard": beard})


def test_pixels_move_in_the_square_of_the_part_that_moves_them(moving, faces):
    """Eq. (3.15): the displacement is the part's in its place; what is put on by others is as without it."""
    _, smile, beard, joint = moving
    x, exemplar = faces
    assert joint.config.model.displacement == 4
    assert joint.inference_generator.parts(128)["displacement"] == (128, 128, 2)
    found = joint.translate(x, exemplar, chosen(2))
    near, other = cut(x, BOX), cut(exemplar, BOX)
    part = smile.translate(near, other, np.ones((2, 1), "float32"), faded(smile, near), faded(smile, other))
    by = np.asarray(found["displacement"])
    assert np.abs(by).max() > 0.05
    np.testing.assert_allclose(cut(by, BOX), part["displacement"], atol=1e-4)
    np.testing.assert_allclose(cut(np.asarray(found["image"]), BOX), part["image"], atol=1e-4)
    np.testing.assert_allclose(uncut(cut(by, BOX), BOX, 128), by)
    still = joint.translate(x, exemplar, chosen(3))
    assert not np.asarray(still["displacement"]).any()
    alone = beard.translate(near, other, np.ones((2, 1), "float32"), faded(beard, near), faded(beard, other))
    np.testing.assert_allclose(cut(np.asarray(still["image"]), BOX), alone["image"], atol=1e-4)
