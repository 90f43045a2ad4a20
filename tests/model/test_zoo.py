"""The shipped weights: whole, small, documented, and as good as their cards say; the demo that shows them."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
from PIL import Image

import lomit_tf
from lomit_tf import app, demo, zoo
from lomit_tf.evaluation.metrics import differences as pictures
from lomit_tf.evaluation.metrics.cases import make_cases, open_images
from lomit_tf.evaluation.metrics.mask_quality import mask_quality
from lomit_tf.evaluation.metrics.methods import TrainedModel
from lomit_tf.photos import portraits
from tests.helpers.serving import save_workdir

NAMES = (
    "celeba", "celeba_colours", "celeba_faces", "celeba_hair", "celeba_mobile", "celeba_small", "drawn_faces",
    "drawn_faces_mobile",
)  # fmt: skip


def test_these_come_along():
    assert zoo.names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_weights_are_small_whole_and_have_a_card(name):
    folder = zoo.FOLDER / name
    content = (folder / zoo.WEIGHTS).read_bytes()
    record = json.loads((folder / zoo.MANIFEST).read_text())
    assert len(content) == record["bytes"] <= zoo.MOST_BYTES
    assert hashlib.sha256(content).hexdigest() == record["sha256"]
    assert record["config"]["data_dir"] == ""
    assert record["command"].startswith(tuple(f"python -m lomit_tf.{name} " for name in ("train", "distill", "join")))
    card = (folder / "README.md").read_text()
    for word in (name, "licence", "Limits", "Biases", f"{record['parameters']:,}"):
        assert word in card, word


@pytest.mark.parametrize("name", NAMES)
def test_weights_load_and_outside_the_mask_nothing_changes(name):
    model = lomit_tf.load(name)
    size = model.config.data.image_size
    x = np.random.default_rng(0).uniform(-1, 1, (2, 2, size, size, 3)).astype("float32")
    out = model.translate(x[0], x[1])
    where = (1 - np.asarray(out["image_masks"])[..., -1:]) < 1e-3
    np.testing.assert_allclose(np.where(where, out["image"], 0), np.where(where, x[0], 0), atol=4e-3)


@pytest.mark.parametrize(("name", "pairs"), [("drawn_faces", 60), ("drawn_faces_mobile", 24)])
def test_drawn_faces_find_the_hair_and_take_the_exemplars_colour(name, pairs):
    """The card's numbers, with room for fewer pairs than its 300 or 500; those of 128 px take four times as long."""
    model = lomit_tf.load(name)
    config, groups = model.config.data, dict(model.config.data.group_labels)
    cases = make_cases(open_images(config, "drawn_faces", "test"), config, pairs, 0, groups, None)
    out = TrainedModel(model)(
        cases.input.images, cases.exemplar.images, np.ones((pairs, len(groups)), np.float32), None, None
    )
    hair = groups["hair"]
    differ = (cases.input.labels[:, :4] != cases.exemplar.labels[:, :4]).any(axis=1)
    truth, theirs = cases.truth(cases.owned(hair)), cases.truth(cases.owned(hair), "exemplar")
    assert mask_quality(out.masks[..., 0], truth).iou > 0.7
    after = pictures.colour_followed(out.image[differ], truth[differ], cases.exemplar.images[differ], theirs[differ])
    assert after.rgb < 0.08
    everything = cases.truth(cases.owned(hair + groups["smile"]))
    assert pictures.kept(cases.input.images, out.image, pictures.outside(everything)).error < 0.005


def test_a_model_of_bfloat16_steps_is_used_and_shipped_in_float32(tiny, tmp_path):
    workdir = save_workdir(tiny(precision="mixed_bfloat16"), tmp_path / "run")
    model = lomit_tf.load(workdir)
    again = lomit_tf.load(zoo.save_folder(model, tmp_path / "shipped", {}))
    image = np.zeros((1, model.config.data.image_size, model.config.data.image_size, 3), "float32")
    for loaded in (model, again):
        assert loaded.config.training.precision == "float32"
        content = loaded.inference_generator.encode_content(image)[0]
        assert content.dtype == "float32"
    for a, b in zip(model.inference_generator.variables, again.inference_generator.variables, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_demo_draws_its_grid(tmp_path, capsys):
    out = tmp_path / "deep" / "demo.png"
    assert demo.run([f"--out={out}"]) == 0
    said = capsys.readouterr().out
    assert zoo.notice("celeba") in said and portraits.CREDIT in said and str(out) in said
    written = sorted((tmp_path / "deep" / "demo").iterdir())
    names = {path.stem for path in written}
    hair = {f"astronaut_{word.replace(' ', '_')}_hair" for word in portraits.SWATCHES}
    lips = {f"{who}_{word}_lips" for who in ("astronaut", "grace_hopper") for word in portraits.LIPSTICKS}
    assert names == hair | lips | {"astronaut_smile_as_grace_hopper", "grace_hopper_smile_as_eileen_collins"}
    for path in written:
        assert str(path) in said
        (source,) = (p for p in portraits.PORTRAITS.values() if path.name.startswith(p.stem))
        with Image.open(path) as result, Image.open(source) as portrait:
            before, after = np.asarray(portrait), np.asarray(result)
        assert before.shape == after.shape and 0 < np.any(before != after, axis=-1).mean() < 0.5
    with Image.open(out) as picture:
        assert picture.size[0] > 2 * 384
    # A model of hair alone has nothing for a portrait with a cap.
    assert demo.run(["--model=celeba_hair", f"--out={tmp_path / 'hair.png'}"]) == 0
    assert "Grace Hopper: left out; this model changes hair, of which" in capsys.readouterr().out
    assert len(list((tmp_path / "hair").iterdir())) == len(portraits.SWATCHES)


def test_the_demo_says_what_it_cannot_show(tiny, tmp_path, capsys):
    model = lomit_tf.load(save_workdir(tiny(dataset="two_domains", groups=""), tmp_path / "run"))
    folder = zoo.save_folder(model, tmp_path / "fruit", {})
    assert demo.run([f"--model={folder}", f"--out={tmp_path / 'x.png'}"]) == 2
    assert "was trained on two_domains; the demo shows faces" in capsys.readouterr().err
    assert not (tmp_path / "x.png").exists()


def test_notices_are_those_of_the_manifest(tiny, tmp_path):
    assert "CelebA" in zoo.notice("celeba_small") and "non-commercial research" in zoo.notice("celeba_small")
    assert zoo.notice("drawn_faces") == ""
    assert zoo.notice(tmp_path / "nothing") == ""
    workdir = save_workdir(tiny(dataset="celeb_a"), tmp_path / "run")
    assert zoo.notice(workdir) == ""  # a run of one's own
    model = lomit_tf.load(workdir)
    assert zoo.notice(zoo.save_folder(model, tmp_path / "shipped", {"notice": "For birds only."})) == "For birds only."
    assert zoo.notice(zoo.save_folder(model, tmp_path / "plain", {})) == ""


def test_real_face_weights_say_their_terms_and_the_default_is_one_of_them():
    assert zoo.DEFAULT in zoo.names()
    for name in zoo.names():
        config = json.loads((zoo.FOLDER / name / zoo.MANIFEST).read_text())["config"]
        assert bool(zoo.notice(name)) == (config["dataset"] == "celeb_a"), name
    assert zoo.notice(zoo.DEFAULT)
    assert app.AppFlags().model == zoo.DEFAULT and demo.DemoFlags().model in zoo.names()
    assert zoo.notice(demo.DemoFlags().model)


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        (["--model=drawn_facez"], 2, "drawn_faces"),
        (["--out=x.xyz"], 2, "x.xyz"),
        (["--pairs=0"], 2, "--pairs lies between 1 and 64"),
        (["--out=/proc/nowhere/x.png"], 2, "--out=/proc/nowhere/x.png"),
        (["--what"], 2, "--what"),
    ],
)
def test_the_demos_mistakes_are_one_line(flags, code, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert demo.run(flags) == code
    assert words in capsys.readouterr().err
