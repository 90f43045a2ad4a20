"""Drawn faces: determinism, independence of the attributes, truth of the masks, arguments, TFDS."""

import itertools

import numpy as np
import pytest

from lomit_tf.data.drawn_faces import (
    ATTRIBUTES,
    HAIR_COLOURS,
    REGION_OF,
    REGIONS,
    SPLITS,
    draw,
    generate,
    labels_of,
    split_indices,
)

# Smiling, Eyeglasses, Bangs of faces 0 to 5; sums of the pictures of faces 0 and 1.
PINNED_LABELS = [[1, 0, 0], [1, 0, 1], [1, 1, 1], [0, 0, 0], [1, 1, 0], [1, 1, 0]]
PINNED_SUMS = [1474516, 1912036]


@pytest.fixture(scope="module")
def many():
    return draw(range(2000), seed=11)


def flipped(labels, name):
    """Labels with one attribute changed: the next hair colour, or the opposite."""
    out = labels.copy()
    if name in HAIR_COLOURS:
        out[:, :4] = np.roll(out[:, :4], 1 + HAIR_COLOURS.index(name) % 3, axis=1)
    else:
        out[:, ATTRIBUTES.index(name)] ^= True
    return out


def grown(mask):
    """Boolean (N, S, S) grown by one pixel to all sides."""
    padded = np.pad(mask, ((0, 0), (1, 1), (1, 1)))
    size = mask.shape[1]
    return np.any([padded[:, i : i + size, j : j + size] for i in range(3) for j in range(3)], axis=0)


def test_shapes_and_types():
    faces = draw([5, 3, 5], size=70)
    assert faces.images.shape == faces.masks.shape == (3, 70, 70, 3)
    assert faces.images.dtype == faces.masks.dtype == np.uint8
    assert faces.labels.shape == (3, 7) and faces.labels.dtype == bool
    assert len(faces) == 3 and len(draw([])) == 0
    np.testing.assert_array_equal(faces.images[0], faces.images[2])
    assert (faces.images[0] != faces.images[1]).mean() > 0.5


@pytest.mark.parametrize("size", [64, 93, 128])
def test_a_face_does_not_depend_on_its_batch(size):
    indices = np.array([4, 10**7, 77, 2**40, 0, 12, 13, 14] * 4)
    together = draw(indices, seed=3, size=size)
    for threads in (1, 3):
        again = draw(indices[::-1], seed=3, size=size, threads=threads)
        np.testing.assert_array_equal(again.images[::-1], together.images)
        np.testing.assert_array_equal(again.masks[::-1], together.masks)
    for n in (1, 3):
        alone = draw([int(indices[n])], seed=3, size=size)
        np.testing.assert_array_equal(alone.images[0], together.images[n])
        np.testing.assert_array_equal(alone.masks[0], together.masks[n])
        np.testing.assert_array_equal(alone.labels[0], together.labels[n])


def test_seeds_draw_different_faces():
    assert (draw([7], seed=0).images != draw([7], seed=1).images).mean() > 0.5


def test_pinned_values():
    """A change here changes every data set drawn before: raise the TFDS version."""
    assert labels_of(range(6), seed=0)[:, 4:].astype(int).tolist() == PINNED_LABELS
    assert [int(x) for x in draw([0, 1], seed=0).images.reshape(2, -1).sum(1)] == PINNED_SUMS


def test_another_size_shows_the_same_face():
    small, large = draw(range(24), size=64), draw(range(24), size=128)
    np.testing.assert_array_equal(small.labels, large.labels)
    for a, b, limit in ((small.images, large.images, 9.0), (small.masks, large.masks, 3.0)):
        halved = b.reshape(24, 64, 2, 64, 2, 3).astype(float).mean(axis=(2, 4))
        difference = np.abs(halved - a).mean(axis=(1, 2, 3))
        assert difference.max() < limit
        assert np.abs(np.roll(halved, 1, axis=0) - a).mean() > 2 * difference.mean()


def test_labels_of_matches_draw():
    np.testing.assert_array_equal(labels_of([9, 2, 10**7], seed=5), draw([9, 2, 10**7], seed=5).labels)


def test_label_marginals_and_independence():
    labels = labels_of(range(40_000), seed=1).astype(float)
    assert (labels[:, :4].sum(axis=1) == 1).all()
    np.testing.assert_allclose(labels.mean(axis=0), [0.25] * 4 + [0.5, 0.3, 0.5], atol=0.012)
    correlation = np.corrcoef(labels.T)
    correlation[:4, :4] = 0  # exactly one of the colours is on
    np.fill_diagonal(correlation, 0)
    assert np.abs(correlation).max() < 0.025


@pytest.mark.parametrize("size", [64, 128])
@pytest.mark.parametrize("name", ["Black_Hair", "Blond_Hair", "Brown_Hair", "Smiling", "Eyeglasses", "Bangs"])
def test_an_attribute_shows_only_in_its_region(name, size):
    count = 120 if size == 64 else 32
    before = draw(range(count), seed=2, size=size)
    after = draw(range(count), seed=2, size=size, labels=flipped(before.labels, name))
    region = REGIONS.index(REGION_OF[name])
    changed = (before.images != after.images).any(axis=-1)
    allowed = grown((before.masks[..., region] > 0) | (after.masks[..., region] > 0))
    assert not (changed & ~allowed).any()
    assert (changed.sum(axis=(1, 2)) > 15 * (size / 64) ** 2).all()  # and it does show
    if name == "Smiling":
        np.testing.assert_array_equal(before.masks, after.masks)
    if name in HAIR_COLOURS:
        np.testing.assert_array_equal(before.masks, after.masks)
        assert changed[before.masks[..., region] > 128].mean() > 0.99


def test_masks(many):
    areas = (many.masks / 255.0).mean(axis=(1, 2))
    hair, mouth, glasses = areas.T
    on = dict(zip(ATTRIBUTES, many.labels.T, strict=True))
    assert (many.masks[~on["Eyeglasses"]][..., 2] == 0).all()
    assert (glasses[on["Eyeglasses"]] > 0.015).all()
    assert (hair > 0.03).all() and hair.max() < 0.6
    assert (mouth > 0.01).all() and mouth.max() < 0.06
    assert abs(mouth[on["Smiling"]].mean() / mouth[~on["Smiling"]].mean() - 1) < 0.02
    assert hair[on["Bangs"]].mean() > 1.1 * hair[~on["Bangs"]].mean()
    assert many.masks.astype(int).sum(axis=-1).max() <= 257  # shares of a pixel, each rounded


def test_what_is_outside_the_regions_does_not_tell_the_attributes(many):
    """Means by class of background, clothes, skin colour and the mouth's place: equal but for chance."""
    images = many.images.astype(float)
    mouth = many.masks[..., 1].astype(float)
    rows = np.arange(64.0)
    sums = [(mouth.sum(axis=axis) * rows).sum(axis=1) for axis in (1, 2)]  # x, y
    place = np.stack(sums, axis=1) / mouth.sum(axis=(1, 2))[:, None]
    cheek = images[np.arange(len(images)), (place[:, 1] - 6.5).astype(int), place[:, 0].astype(int)]
    corners = images[:, :6, [0, 1, 2, 61, 62, 63]].mean(axis=(1, 2))
    clothes = images[:, -2:, 28:36].mean(axis=(1, 2))
    outside = np.concatenate([corners, clothes, cheek, place], axis=1)
    for name, on in zip(ATTRIBUTES, many.labels.T, strict=True):
        # Long hair may lie over the clothes, so their colour is left out for the hair colours.
        columns = [k for k in range(outside.shape[1]) if not (name in HAIR_COLOURS and k in (3, 4, 5))]
        a, b = outside[on][:, columns], outside[~on][:, columns]
        z = (a.mean(axis=0) - b.mean(axis=0)) / np.sqrt(a.var(axis=0) / len(a) + b.var(axis=0) / len(b))
        assert np.abs(z).max() < 4.0, (name, z)


def test_hair_colours_are_told_apart_by_mean_colour(many):
    share = many.masks[..., :1] / 255.0
    colour = (many.images * share).sum(axis=(1, 2)) / share.sum(axis=(1, 2))
    which = many.labels[:, :4].argmax(axis=1)
    half = len(which) // 2
    features = np.concatenate([colour, colour**2 / 255, np.ones((len(which), 1))], axis=1)
    fit = np.linalg.lstsq(features[:half], np.eye(4)[which[:half]], rcond=None)[0]
    assert ((features[half:] @ fit).argmax(axis=1) == which[half:]).mean() > 0.97


def test_generate():
    faces = draw(range(5, 12), seed=4, size=65)
    singles = list(generate(7, seed=4, size=65, start=5, batch=3))
    assert [face.index for face in singles] == list(range(5, 12))
    np.testing.assert_array_equal([face.image for face in singles], faces.images)
    np.testing.assert_array_equal([face.label for face in singles], faces.labels)
    np.testing.assert_array_equal([face.mask for face in singles], faces.masks)


def test_splits_do_not_overlap():
    spans = sorted(SPLITS.values(), key=lambda span: span.start)
    assert all(a.stop <= b.start for a, b in itertools.pairwise(spans))
    assert split_indices("validation", 2).tolist() == [10_000_000, 10_000_001]
    with pytest.raises(ValueError, match="'valid'; use one of train, validation, test"):
        split_indices("valid", 2)
    with pytest.raises(ValueError, match="0 to 10000000"):
        split_indices("train", 10_000_001)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"indices": [-1]}, "holds -1"),
        ({"indices": [0.5]}, "float64"),
        ({"indices": [True]}, "bool"),
        ({"indices": 3}, r"shape \(\)"),
        ({"indices": [[1]]}, r"shape \(1, 1\)"),
        ({"indices": [1], "size": 63}, "size is 63; give 64 to 256"),
        ({"indices": [1], "size": 257}, "size is 257"),
        ({"indices": [1], "size": 64.5}, "size is 64.5"),
        ({"indices": [1], "seed": -1}, "seed is -1"),
        ({"indices": [1], "seed": "a"}, "seed is 'a'"),
        ({"indices": [1], "threads": 0}, "threads is 0"),
        ({"indices": [1], "labels": np.zeros((1, 7))}, "labels is float64"),
        ({"indices": [1], "labels": np.zeros((2, 7), bool)}, r"labels is bool of shape \(2, 7\)"),
        ({"indices": [1], "labels": np.zeros((1, 7), bool)}, "row 0 has 0 hair colours"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        draw(**arguments)


def test_bad_arguments_of_generate():
    with pytest.raises(ValueError, match="count -1"):
        generate(-1)
    with pytest.raises(ValueError, match="size is 8"):
        generate(1, size=8)


def test_tfds_round_trip(tmp_path):
    pytest.importorskip("tensorflow_datasets")
    from lomit_tf.data.drawn_faces_tfds import DrawnFaces, DrawnFacesConfig

    counts = {"train": 5, "validation": 2, "test": 2}
    config = DrawnFacesConfig(name="tiny", size=66, seed=9, examples=counts)
    builder = DrawnFaces(data_dir=tmp_path, config=config)
    builder.download_and_prepare()
    for split, count in counts.items():
        assert builder.info.splits[split].num_examples == count
        examples = list(builder.as_dataset(split=split).as_numpy_iterator())
        faces = draw(split_indices(split, count), seed=9, size=66)
        assert [e["index"] for e in examples] == split_indices(split, count).tolist()
        np.testing.assert_array_equal([e["image"] for e in examples], faces.images)
        np.testing.assert_array_equal([e["masks"] for e in examples], faces.masks)
        labels = [[e["attributes"][name] for name in ATTRIBUTES] for e in examples]
        np.testing.assert_array_equal(labels, faces.labels)
    assert [c.size for c in DrawnFaces.BUILDER_CONFIGS] == [64, 128, 256]
