"""Movements found and taught: the loss against NumPy, batches, both commands with resume, on files of drawn mouths."""

from __future__ import annotations

import dataclasses
import json

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf

import lomit_tf
from lomit_tf import find_movements, teach_movements
from lomit_tf.config import ConfigError
from lomit_tf.data.augment import Augmentation
from lomit_tf.data.image_set import DataError
from lomit_tf.data.movement_batches import MovementLoader
from lomit_tf.data.order import epoch_places
from lomit_tf.data.sources import open_set
from lomit_tf.data.store import ImageStore
from lomit_tf.losses.movement_teaching import MOVED, PAINTED, SEEN, movement_terms
from lomit_tf.settings.movement_teacher import FindConfig
from lomit_tf.training import movement_targets
from lomit_tf.training.movement_labels import label_of
from lomit_tf.training.movement_targets import COARSE, FINE, MovementTargets
from tests.helpers.eager import uncompiled
from tests.helpers.mouths import save_celeba
from tests.helpers.serving import save_workdir

COUNT, SIDE, BOX = 60, 128, (32, 64, 64)
FEW = ["--neighbours=8", "--kinds=", "--never_given=", "--pairs=24", "--piece=8"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return save_celeba(tmp_path_factory.mktemp("data") / "celeba", COUNT, SIDE)


@pytest.fixture(scope="module")
def config(tiny, data):
    return tiny(
        dataset="celeb_a", data_dir=str(data), crop=0, attributes=("Smiling",), groups="smile: Smiling", image_size=64,
        close_up="0.25,0.5,0.5", system="recipe", free_change=True, displacement=4, mask_feather=2, ema_decay=0.9,
    )  # fmt: skip


@pytest.fixture(scope="module")
def start(config, tmp_path_factory):
    """A workdir of a model with random weights that sees the lower half from near."""
    return save_workdir(config, tmp_path_factory.mktemp("start") / "run")


@pytest.fixture(scope="module")
def targets(config, tmp_path_factory):
    options = FindConfig(neighbours=8, kinds=(), never_given=(), pairs=24, piece=24)
    return movement_targets.find_movements(config, options, tmp_path_factory.mktemp("found") / "smiles.npz", threads=1)


def numpy_displaced(image: np.ndarray, d: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[: image.shape[1], : image.shape[2]]
    found = np.zeros_like(image)
    for b in range(len(image)):
        across = np.clip(x + d[b, ..., 0], 0, image.shape[2] - 1)
        down = np.clip(y + d[b, ..., 1], 0, image.shape[1] - 1)
        for dy in (0, 1):
            for dx in (0, 1):
                at = np.minimum(np.floor(down).astype(int) + dy, image.shape[1] - 1)
                to = np.minimum(np.floor(across).astype(int) + dx, image.shape[2] - 1)
                weight = (1 - np.abs(down - np.floor(down) - dy)) * (1 - np.abs(across - np.floor(across) - dx))
                found[b] += weight[..., None] * image[b, at, to]
    return found


def test_the_loss_against_numpy_and_nothing_pulls_at_what_was_found(rng):
    image = rng.uniform(-1, 1, (2, 8, 8, 3))
    mask = rng.uniform(0, 1, (2, 8, 8, 1))
    d, made = rng.uniform(-2, 2, (2, 2, 8, 8, 2))
    change, result = rng.uniform(-0.5, 0.5, (2, 2, 8, 8, 3))
    given = [tf.constant(v, tf.float32) for v in (image, mask, result, made, d, change)]
    loss, terms = movement_terms(*given)
    moved = np.mean(np.sqrt(((made - mask * d) ** 2).sum(-1) + 0.01)) - 0.1
    painted = np.abs(result - numpy_displaced(image, made) - mask * change).mean()
    seen = np.abs(result - numpy_displaced(image, mask * d) - mask * change).mean()
    np.testing.assert_allclose([terms[n] for n in ("moved", "painted", "seen")], [moved, painted, seen], rtol=1e-4)
    np.testing.assert_allclose(loss, MOVED * moved + PAINTED * painted + SEEN * seen, rtol=1e-4)
    perfect = numpy_displaced(image, mask * d) + mask * change
    known = [tf.constant(v, tf.float32) for v in (image, mask, perfect, mask * d, d, change)]
    assert float(movement_terms(*known)[0]) < 1e-5
    still, only = movement_terms(given[0], given[1], given[2], None, given[4], given[5])
    plain = np.abs(result - image - mask * change).mean()
    np.testing.assert_allclose([still, only["painted"]], [(PAINTED + SEEN) * plain, plain], rtol=1e-4)
    by = tf.Variable(made, dtype=tf.float32)
    with tf.GradientTape() as tape:
        found = movement_terms(given[0], given[1], given[2], by, given[4], given[5])[1]["moved"]
    wrong = made - mask * d
    expected = wrong / np.sqrt((wrong**2).sum(-1, keepdims=True) + 0.01) / (2 * 8 * 8)
    np.testing.assert_allclose(tape.gradient(found, by), expected, atol=1e-5)


def test_movements_are_found_where_mouths_are_and_a_file_brings_them_back(targets, config, tmp_path):
    assert len(targets.faces) == 24 and targets.moves.shape == (24, 64, 64, 2) and len(targets.keys) == COUNT
    smiles = np.arange(COUNT) % 2 == 1
    put_on = np.flatnonzero(~smiles[targets.faces] & smiles[targets.exemplars])
    taken = np.flatnonzero(smiles[targets.faces] & ~smiles[targets.exemplars])
    assert len(put_on) > 4 and len(taken) > 4
    d = targets.displacement(put_on)
    assert d[:, 22:36, 20, 1].mean() > 0.5 and targets.displacement(taken)[:, 22:36, 20, 1].mean() < -0.5
    assert np.abs(d[:, :2]).max() < 0.3  # far from the mouth
    again = movement_targets.find_movements(
        config,
        FindConfig(neighbours=8, kinds=(), never_given=(), pairs=24, piece=24),
        tmp_path / "again.npz",
        threads=2,
    )
    loaded = MovementTargets.load(tmp_path / "again.npz")
    for name in ("keys", "faces", "exemplars", "mirrored", "moves", "changes"):
        np.testing.assert_array_equal(getattr(again, name), getattr(targets, name))
        np.testing.assert_array_equal(getattr(loaded, name), getattr(targets, name))
    assert loaded.record == targets.record
    before = (tmp_path / "again.npz").stat()
    options = FindConfig(neighbours=8, kinds=(), never_given=(), pairs=24)
    same = movement_targets.find_movements(config, options, tmp_path / "again.npz")
    np.testing.assert_array_equal(same.moves, targets.moves)
    with pytest.raises(ConfigError, match=r"again.npz was made otherwise \(pairs was 24, now 25\)"):
        movement_targets.find_movements(config, dataclasses.replace(options, pairs=25), tmp_path / "again.npz")
    assert (tmp_path / "again.npz").stat().st_mtime_ns == before.st_mtime_ns


def loader(config, targets, how: Augmentation, gain: float = 1.0, batch: int = 24) -> MovementLoader:
    wide = movement_targets.whole_data(config.data)
    store = ImageStore(open_set(wide, "train"), wide)
    pairs = np.stack([targets.faces, targets.exemplars], axis=1)
    return MovementLoader(
        store, pairs, targets.mirrored, targets.moves, targets.changes, fine=FINE, coarse=COARSE, box=BOX, how=how,
        gain=gain, seed=0, batch_size=batch, rows=slice(0, batch),
    )  # fmt: skip


def test_batches_are_the_pictures_and_what_was_found(config, targets):
    made = loader(config, targets, Augmentation(flip=False), gain=1.5)
    x1, x2, d, change = made.load(np.int64(0))
    pictures, _ = made.store.get(np.arange(COUNT))
    order = epoch_places(0, 0, 24, 24).tolist()
    assert sorted(order) == list(range(24)) and order != list(range(24))
    for n, row in enumerate(order):
        for found, index, side in ((x1, targets.faces, 0), (x2, targets.exemplars, 1)):
            picture = pictures[index[row]][:, ::-1] if targets.mirrored[row, side] else pictures[index[row]]
            np.testing.assert_allclose(found[n], picture[64:, 32:96] / 127.5 - 1, atol=1e-3)
        np.testing.assert_allclose(d[n], 1.5 * targets.displacement(np.array([row]))[0], atol=1e-5)
    expected = 1.5 * targets.change(np.array(order)) / 127.5
    clipped = np.abs(change - expected) > 1e-3  # where colours would leave 0..255
    assert clipped.mean() < 0.05
    second = made.load(np.int64(1))[2]  # another order of the same
    np.testing.assert_allclose(second, 1.5 * targets.displacement(epoch_places(0, 1, 24, 24)), atol=1e-5)


def test_batches_turn_pictures_and_movements_together(config, targets):
    """What a moved picture shows, turned, is what the turned picture shows when it moves by the turned displacement."""
    made = loader(config, targets, Augmentation(True, 20, 0.2, 0.05, 0))
    x1, _, d, _ = made.load(np.int64(0))
    plain = loader(config, targets, Augmentation(flip=False)).load(np.int64(0))
    assert np.abs(x1 - plain[0]).mean() > 0.02 and not np.isnan(d).any()
    rng = np.random.default_rng([0, 0])
    from lomit_tf.data.augment import affine

    matrix = affine(rng, SIDE, made.how)
    face = np.zeros((SIDE, SIDE), np.float32)
    face[64:, 32:96] = plain[0][0, ..., 0]
    by = np.zeros((SIDE, SIDE, 2), np.float32)
    by[64:, 32:96] = plain[2][0]
    down, right = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    moved = cv2.remap(face, right + by[..., 0], down + by[..., 1], cv2.INTER_LINEAR)
    expected = cv2.warpAffine(moved, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)[64:, 32:96]
    found = numpy_displaced(x1[:1].astype(float), d[:1].astype(float))[0, ..., 0]
    middle = (slice(14, 48), slice(16, 48))  # where the picture's parts beyond the square play no role
    assert np.abs(found - expected)[middle].mean() < 0.35 * np.abs(x1[0, ..., 0] - expected)[middle].mean()
    jittered = loader(config, targets, Augmentation(False, jitter=0.3)).load(np.int64(0))
    np.testing.assert_array_equal(jittered[2], plain[2])
    assert np.abs(jittered[0] - plain[0]).mean() > 0.02
    assert np.corrcoef(jittered[3].ravel(), plain[3].ravel())[0, 1] > 0.9  # the change goes with its picture


@pytest.mark.slow
def test_the_commands_find_and_teach_and_go_on(start, data, tmp_path, capsys, monkeypatch):
    out, run = tmp_path / "smiles.npz", tmp_path / "taught"
    flags = [f"--model={start}", f"--data_dir={data}", f"--out={out}", *FEW]
    real, done = movement_targets._piece, []

    def stop(*args):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(1)
        return real(*args)

    monkeypatch.setattr(movement_targets, "_piece", stop)
    assert find_movements.run(flags) == 130
    assert sorted(p.name for p in (tmp_path / "smiles.npz.parts").glob("*.npz")) == ["00000000.npz", "00000008.npz"]
    assert find_movements.run([*flags, "--same=0.5"]) == 2
    assert "another run (same was 0.2, now 0.5)" in capsys.readouterr().err
    monkeypatch.setattr(movement_targets, "_piece", lambda *args: done.append(1) or real(*args))
    assert find_movements.run(flags) == 0
    assert len(done) == 3 and "24 movements in" in capsys.readouterr().out
    steps = [f"--model={start}", f"--movements={out}", f"--data_dir={data}", f"--workdir={run}", "--batch_size=4",
             "--checkpoint_every=4", "--log_every=1", "--learning_rate=0.003", "--mask_patience=0",
             "--decay_start=1"]  # fmt: skip
    with uncompiled():
        assert teach_movements.run([*steps, "--steps=4"]) == 0
        assert teach_movements.run([*steps, "--steps=10"]) == 0
    rows = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(1, 11))
    first, last = (np.mean([row["generator/painted"] for row in some]) for some in (rows[:3], rows[-3:]))
    assert last < first
    before, after = lomit_tf.load(start).inference_generator, lomit_tf.load(run).inference_generator

    def changed(part: str) -> bool:
        pairs = zip(getattr(before, part).variables, getattr(after, part).variables, strict=True)
        return any(np.abs(np.subtract(a, b)).max() > 1e-6 for a, b in pairs)  # averaging rounds

    assert changed("decoder") and changed("style_encoder")
    assert not changed("mask_decoder") and not changed("content_encoder")
    capsys.readouterr()
    assert teach_movements.run([*steps, "--steps=11", "--gain=2"]) == 2
    assert "taught otherwise (gain)" in capsys.readouterr().err
    keras.backend.clear_session()


def test_mistakes_are_said_in_a_line(config, targets, tmp_path):
    for wrong, said in (({"close_up": "", "displacement": 0}, "from near"), ({"displacement": 0}, "--displacement")):
        with pytest.raises(ConfigError, match=said):
            label_of(lomit_tf.LomitConfig.from_flat(config.flat() | wrong), FindConfig())
    still = lomit_tf.LomitConfig.from_flat(config.flat() | {"displacement": 0})
    assert label_of(still, FindConfig(place="beard", never_given=())) == "Smiling"
    for wrong, said in (
        ({"place": "beard"}, "nothing moves"),
        ({"kinds": ("Male", "Smiling")}, "--kinds=Male,Smiling names Smiling itself"),
        ({"kinds": ("Mouth_Slightly_Open",)}, "both name Mouth_Slightly_Open"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=said):
            label_of(still if "place" in wrong else config, FindConfig(**wrong))
    two = lomit_tf.LomitConfig.from_flat(config.flat() | {"attributes": ("Smiling", "Male"), "groups": ""})
    assert label_of(two, FindConfig(label="Male", kinds=())) == "Male"
    with pytest.raises(ConfigError, match="--label is missing; the model has Smiling, Male"):
        label_of(two, FindConfig())
    with pytest.raises(ConfigError, match=r"--label='Mal' is not one .* Male"):
        label_of(two, FindConfig(label="Mal", kinds=()))
    with pytest.raises(ConfigError, match=r"\(--kinds and --never_given add Young\)"):
        movement_targets.find_movements(config, FindConfig(kinds=("Young",), never_given=()), tmp_path / "a.npz")
    with pytest.raises(DataError, match="--neighbours=60; take fewer"):
        movement_targets.find_movements(config, FindConfig(kinds=(), never_given=()), tmp_path / "a.npz")
    (tmp_path / "no.npz").write_bytes(b"nothing")
    for name in ("no.npz", "missing.npz"):
        with pytest.raises(ConfigError, match=f"{name}: no movements that can be read"):
            MovementTargets.load(tmp_path / name)
    for wrong in ({"pairs": 0}, {"same": 2.0}, {"own_weight": -1.0}, {"place": "ear"}):
        with pytest.raises(ConfigError, match=f"--{next(iter(wrong))}"):
            FindConfig(**wrong)
    older = {name: value for name, value in targets.record.items() if name != "place"}
    parts = {f.name: getattr(targets, f.name) for f in dataclasses.fields(targets) if f.name != "record"}
    np.savez(tmp_path / "older.npz", **parts, record=np.array(json.dumps(older)))
    with pytest.raises(ConfigError, match=r"older\.npz: no movements that can be read"):
        MovementTargets.load(tmp_path / "older.npz")
    elsewhere = dataclasses.replace(targets, keys=np.array([f"other/{key}" for key in targets.keys]))
    from lomit_tf.settings.movement_teacher import TeachMovementsConfig
    from lomit_tf.training.movement_teaching import taught_config, teach_movements

    model = lomit_tf.Lomit(config)
    model.build()
    cut = dataclasses.replace(targets, record=targets.record | {"crop": 178})
    for wrong, said in ((elsewhere, "0 of 24 pairs are of images"), (cut, "--crop=178; the model has .* --crop=0")):
        with pytest.raises(ConfigError, match=said):
            teach_movements(model, wrong, taught_config(config), tmp_path / "run", TeachMovementsConfig())
