"""One step's computations (docs/method.md, 4 to 6), each against the unbatched, direction-by-direction reading."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from lomit_tf import core, objectives
from lomit_tf.losses import classification
from lomit_tf.networks.critic import Critic
from lomit_tf.networks.generator import Generator
from lomit_tf.objectives import paper

CLOSE: dict[str, Any] = {"rtol": 2e-4, "atol": 2e-5}  # float32, the same sums in blocks of other sizes
GROUPS = "hair: Black_Hair, Blond_Hair; smile: Smiling"
MEMBERSHIP = np.array([[1, 1, 0], [0, 0, 1]], "float32")


@pytest.fixture(scope="module")
def configs(tiny):
    return {
        system: tiny(attributes=("Black_Hair", "Blond_Hair", "Smiling"), groups=GROUPS, system=system)
        for system in ("paper", "recipe")
    }


@pytest.fixture(scope="module")
def generators(configs) -> dict[str, Generator]:
    """Of both systems, with two groups; styles made strong, so that a wrong style shows."""
    found = {}
    for system, config in configs.items():
        keras.utils.set_random_seed(8)
        made = found[system] = Generator(config.model, 2)
        image = np.zeros((1, 16, 16, 3), "float32")
        core.translate(made, image, image)
        made.style_encoder.code.kernel.assign(made.style_encoder.code.kernel * 20)
    return found


@pytest.fixture
def pairs(rng) -> objectives.Pairs:
    """Three pairs of 16 px images, with other subsets of the groups each."""
    x1, x2 = (tf.constant(rng.uniform(-1, 1, (3, 16, 16, 3)), tf.float32) for _ in range(2))
    y1 = tf.constant([[1, 0, 0], [1, 0, 0], [1, 0, 0]], tf.float32)
    y2 = tf.constant([[0, 1, 1], [0, 1, 1], [0, 1, 1]], tf.float32)
    transfer = tf.constant([[1, 1], [1, 0], [0, 1]], tf.float32)
    return objectives.Pairs.of(x1, y1, x2, y2, transfer, MEMBERSHIP)


@pytest.mark.parametrize("pairs_", [1, 3])
def test_swap_gives_each_image_its_partner(pairs_):
    x = tf.range(2 * pairs_)
    assert objectives.swap(x).numpy().tolist() == [*range(pairs_, 2 * pairs_), *range(pairs_)]


def test_swap_works_where_the_batch_size_is_known_only_at_run_time():
    swap = tf.function(objectives.swap, input_signature=[tf.TensorSpec((None, 2), tf.float32)])
    for size in (2, 6):
        x = tf.reshape(tf.range(2.0 * size), (size, 2))
        np.testing.assert_array_equal(swap(x), np.roll(x, size // 2, axis=0))


def test_pairs_hold_both_directions_and_the_labels_each_must_have(pairs):
    assert pairs.labels.numpy().tolist() == [[1, 0, 0]] * 3 + [[0, 1, 1]] * 3
    assert pairs.transfer.numpy().tolist() == [[1, 1], [1, 0], [0, 1]] * 2
    # x1 in the hair and smile, the hair, the smile of x2; then x2 in those of x1.
    assert pairs.target.numpy().tolist() == [[0, 1, 1], [0, 1, 0], [1, 0, 1], [1, 0, 0], [1, 0, 1], [0, 1, 0]]


def test_mix_styles_never_takes_the_exemplars_background(rng):
    own, exemplar = rng.normal(size=(3, 4, 5)).astype("float32"), rng.normal(size=(3, 4, 5)).astype("float32")
    transfer = np.array([[1, 0, 1], [0, 1, 0], [1, 1, 1]], "float32")
    mixed = np.asarray(core.mix_styles(own, exemplar, transfer))
    for b, r in np.ndindex(3, 4):
        taken = r < 3 and transfer[b, r] == 1
        np.testing.assert_array_equal(mixed[b, r], (exemplar if taken else own)[b, r])


def test_chosen_mask_is_the_union_of_the_transferred_groups(rng):
    raw = rng.uniform(size=(4, 3, 3, 3))
    masks = (raw / raw.sum(axis=-1, keepdims=True)).astype("float32")
    transfer = np.array(list(itertools.product([0, 1], repeat=2)), "float32")
    found = np.asarray(core.chosen_mask(masks, transfer))
    assert found.shape == (4, 3, 3, 1)
    for b, y, x in np.ndindex(4, 3, 3):
        assert found[b, y, x, 0] == pytest.approx(sum(masks[b, y, x, g] for g in range(2) if transfer[b, g]), abs=1e-6)


def test_a_painting_is_raw_or_a_composite_outside_which_the_input_stays(tiny, rng):
    image = tf.constant(rng.uniform(-1, 1, (2, 16, 16, 3)), tf.float32)
    masks = np.zeros((2, 16, 16, 3), "float32")
    masks[:, :8, :, 0], masks[:, 8:12, :, 1], masks[:, 12:, :, 2] = 1, 1, 1  # hair above, then smile, then background
    transfer = np.array([[1, 0], [1, 1]], "float32")
    for system in ("paper", "recipe"):
        generator = Generator(tiny(system=system).model, 2)
        e = core.encode(generator, image, regions=masks)
        painting = core.paint(generator, image, e.content, masks, e.styles, e.styles + 1.0, transfer)
        raw = painting.raw
        if system == "paper":
            assert painting.image is raw
        else:
            np.testing.assert_array_equal(painting.image[0], tf.concat([raw[0, :8], image[0, 8:]], axis=0))
            np.testing.assert_array_equal(painting.image[1], tf.concat([raw[1, :12], image[1, 12:]], axis=0))


def one_by_one(generator, config, pairs):
    """For each image of both directions: its translation, its reconstruction and its encoding, alone."""
    results = []
    for i in range(6):
        j = (i + 3) % 6  # its exemplar
        image, exemplar = pairs.images[i : i + 1], pairs.images[j : j + 1]
        content = generator.encode_content(image)
        masks = generator.masks(content, image)
        own = generator.styles(image, masks)
        other = generator.styles(exemplar, generator.masks(generator.encode_content(exemplar), exemplar))
        regions = [other[:, g] if pairs.transfer[i, g] == 1 else own[:, g] for g in range(2)] + [own[:, 2]]
        target_styles = tf.stack(regions, axis=1)
        bare, again = generator.decode(content, masks, target_styles), generator.decode(content, masks, own)
        image_out = bare
        if config.model.recipe:
            m = sum(masks[..., g : g + 1] for g in range(2) if pairs.transfer[i, g] == 1)
            image_out = m * bare + (1 - m) * image
        results.append({"image": image_out, "raw": bare, "reconstruction": again, "target_styles": target_styles,
                        "own": own, "content": content[0], "masks": masks})  # fmt: skip
    return {name: tf.concat([r[name] for r in results], axis=0) for name in results[0]}


@pytest.mark.parametrize("system", ["paper", "recipe"])
def test_translation_and_reconstruction_in_one_pass_are_those_of_each_image_alone(generators, configs, pairs, system):
    generator, config = generators[system], configs[system]
    expected = one_by_one(generator, config, pairs)
    found = objectives.translate(generator, config, pairs, reconstruct=True)
    for name in ("image", "raw", "reconstruction"):
        np.testing.assert_allclose(getattr(found.painting, name), expected[name], **CLOSE, err_msg=name)
    np.testing.assert_allclose(found.target_styles, expected["target_styles"], **CLOSE)
    np.testing.assert_allclose(found.encoding.styles, expected["own"], **CLOSE)
    np.testing.assert_allclose(found.encoding.masks, expected["masks"], **CLOSE)
    assert np.abs(expected["raw"] - expected["reconstruction"]).max() > 0.05  # the exemplar's style does something
    only = objectives.translate(generator, config, pairs, reconstruct=False)
    np.testing.assert_allclose(only.image, expected["image"], **CLOSE)


def test_cycle_takes_the_foreground_style_from_the_other_translation(generators, configs, pairs):
    generator, config = generators["recipe"], configs["recipe"]  # the paper's: tests/model/test_model.py
    first = objectives.translate(generator, config, pairs, reconstruct=True)
    step = objectives.Step(generator, None, config, MEMBERSHIP, pairs, first)  # without a critic, which has no part
    terms, returned = objectives.cycle_terms(step)
    there = one_by_one(generator, config, pairs)
    # The way back is the same translation, between x12 and x21.
    second = objectives.Pairs(there["image"], pairs.labels, pairs.transfer, pairs.target)
    back = one_by_one(generator, config, second)
    np.testing.assert_allclose(returned, back["image"], rtol=2e-3, atol=2e-4)
    from_x1 = core.mix_styles(back["own"], objectives.swap(there["own"]), pairs.transfer)  # the wrong source
    assert np.abs(from_x1 - back["target_styles"]).max() > 1e-2
    expected = {
        "cycle": np.abs(back["image"] - pairs.images).mean(),
        "content": np.abs(back["content"] - there["content"]).mean(),
        "style_foreground": np.abs(back["own"][:, :2] - there["target_styles"][:, :2]).mean(),
        "style_background": np.abs(back["own"][:, 2] - there["own"][:, 2]).mean(),
    }
    assert set(terms) == set(expected)
    for name, value in expected.items():
        assert float(terms[name]) == pytest.approx(value, rel=2e-3), name


def test_the_size_of_the_change_counts_where_it_is_asked_for(generators, configs, pairs):
    """Eq. (5.12), in NumPy; it passes its gradient to the painter, and without its weight there is no such term."""
    generator, config = generators["recipe"], configs["recipe"]
    weighed = dataclasses.replace(config, loss=dataclasses.replace(config.loss, change_weight=3.0))
    first = objectives.translate(generator, weighed, pairs, reconstruct=True)
    found = {}
    for name, asked in (("without", config), ("with", weighed)):
        found[name] = paper.image_terms(objectives.Step(generator, None, asked, MEMBERSHIP, pairs, first))[0]
    assert set(found["with"]) - set(found["without"]) == {"change"}
    expected = np.abs(np.asarray(first.image) - np.asarray(pairs.images)).mean()
    assert float(found["with"]["change"]) == pytest.approx(float(expected), rel=1e-5) and expected > 0
    assert float(objectives.generator_weights(weighed, 0)["change"]) == 3


def test_mask_composites_ask_one_question_for_each_group(rng):
    """A dark-haired, unsmiling x1 and a blond, smiling x2: worked out by hand."""
    x1, x2 = np.full((1, 2, 2, 3), -0.5, "float32"), np.full((1, 2, 2, 3), 0.5, "float32")
    y1, y2 = np.array([[1, 0, 0]], "float32"), np.array([[0, 1, 1]], "float32")
    pairs = objectives.Pairs.of(x1, y1, x2, y2, np.ones((1, 2), "float32"), MEMBERSHIP)
    masks = np.zeros((2, 2, 2, 3), "float32")
    masks[:, 0, :, 0], masks[:, 1, :, 1], masks[..., 2] = 1.0, 0.25, 0.0  # hair above; below a quarter smile
    masks[:, 1, :, 2] = 0.75
    encoding = core.Encoding(content=(None,) * 3, masks=masks, regions=masks, styles=None)
    painted = tf.fill((2, 2, 2, 3), 0.1)
    first = objectives.Translation(encoding, None, None)
    changed = [painted - pairs.images] * 2
    step = objectives.Step(None, None, None, MEMBERSHIP, pairs, first)  # only what the composites are made of
    images, labels = objectives.mask_composites(step, changed)
    assert images.shape == (4, 2, 2, 3)
    for i, (image, question) in enumerate(itertools.product((-0.5, 0.5), ("hair", "smile"))):
        found = np.asarray(images)[2 * (question == "smile") + (i >= 2)]
        if question == "hair":
            np.testing.assert_allclose(found[0], 0.1, atol=1e-6)
            np.testing.assert_allclose(found[1], image, atol=1e-6)
        else:
            np.testing.assert_allclose(found[0], image, atol=1e-6)
            np.testing.assert_allclose(found[1], 0.25 * 0.1 + 0.75 * image, atol=1e-6)
    # hair: x1 blond but unsmiling, x2 dark but smiling; smile: x1 dark and smiling, x2 blond and unsmiling.
    assert np.asarray(labels).tolist() == [[0, 1, 0], [1, 0, 1], [1, 0, 1], [0, 1, 0]]


@pytest.mark.parametrize("system", ["paper", "recipe"])
def test_critic_terms_set_real_images_under_their_labels_against_fakes_under_their_targets(tiny, pairs, rng, system):
    critic = Critic(tiny(system=system).model, 3)
    fake = tf.constant(rng.uniform(-1, 1, (6, 16, 16, 3)), tf.float32)
    critic(fake, pairs.labels)
    for variable in critic.variables:
        variable.assign(rng.normal(size=variable.shape) * 0.3)
    terms, logits = objectives.critic_terms(critic, pairs, fake)
    real = [critic(pairs.images[i : i + 1], pairs.labels[i : i + 1]) for i in range(6)]
    forged = [critic(fake[i : i + 1], pairs.target[i : i + 1]) for i in range(6)]
    wasserstein = sum(float(s[0]) for s, _ in forged) / 6 - sum(float(s[0]) for s, _ in real) / 6
    assert float(terms["critic/wasserstein"]) == pytest.approx(wasserstein, rel=1e-3, abs=1e-4)
    cross = [float(classification.classification_loss(z, pairs.labels[i : i + 1])) for i, (_, z) in enumerate(real)]
    assert float(terms["critic/classification"]) == pytest.approx(sum(cross) / 6, rel=1e-4)
    np.testing.assert_allclose(logits, np.concatenate([z for _, z in real]), rtol=1e-3, atol=1e-4)


def test_penalty_interpolates_with_the_input_or_for_a_conditioned_critic_with_the_exemplar(tiny, pairs):
    plain = objectives.real_for_penalty(tiny(system="paper"), pairs)
    np.testing.assert_array_equal(plain, pairs.images)
    found = objectives.real_for_penalty(tiny(system="recipe"), pairs)
    np.testing.assert_array_equal(found[:3], pairs.images[3:])
    np.testing.assert_array_equal(found[3:], pairs.images[:3])


@pytest.mark.parametrize("features", ["content", "colour"])
def test_r1_works_at_the_contents_resolution_on_the_features_named(tiny, rng, features):
    config = tiny(mask_similarity_features=features, system="recipe")
    masks, content = rng.uniform(size=(2, 8, 8, 3)), rng.normal(size=(2, 2, 2, 5))
    image = rng.uniform(-1, 1, (2, 8, 8, 3))
    f32 = [np.asarray(v, "float32") for v in (masks, content, image)]
    expected = 0.0
    for b in range(2):
        cells = [(slice(4 * i, 4 * i + 4), slice(4 * j, 4 * j + 4)) for i, j in np.ndindex(2, 2)]
        small = np.array([masks[b][c].mean(axis=(0, 1)) for c in cells])
        seen = content[b].reshape(4, 5)
        if features == "colour":
            colours = np.array([image[b][c].mean(axis=(0, 1)) for c in cells])
            seen = (colours - colours.mean(axis=0)) / np.sqrt(colours.var(axis=0) + 1e-5)
        for i, j, g in np.ndindex(4, 4, 2):  # the background, the third mask, does not count
            cosine = seen[i] @ seen[j] / np.linalg.norm(seen[i]) / np.linalg.norm(seen[j])
            expected += abs(small[i, g] - small[j, g]) * max(cosine, 0) / 32
    assert float(objectives.similarity_term(config, *f32)) == pytest.approx(expected, rel=1e-4)


def test_weights_ramp_the_masks_own_terms_only_and_only_in_the_recipe(tiny):
    given = {"mask_similarity": 0.2, "mask_sparsity": 2.0, "edge_weight": 6.0, "steps": 8000}
    config = tiny(**given, mask_cycle_weight=4.0, mask_losses="0:1@0.05-0.1", system="recipe")
    for step, share in ((0, 0.0), (400, 0.0), (600, 0.5), (800, 1.0), (5000, 1.0)):
        weights = {name: float(w) for name, w in objectives.generator_weights(config, step).items()}
        assert weights == pytest.approx({
            "adversarial": 1, "classification": 1, "reconstruction": 10, "colour": 10, "cycle": 10, "content": 1,
            "change": 0, "roughness": 10, "style_foreground": 1, "style_background": 1,
            "mask_similarity": 0.2 * share, "mask_sparsity": 2 * share,
            "mask_classification": share, "mask_critic": 0.2 * share, "mask_cycle": 4 * share, "edge": 6 * share,
        })  # fmt: skip
    of_paper = objectives.generator_weights(tiny(**given), 0)
    assert (float(of_paper["mask_similarity"]), float(of_paper["mask_sparsity"])) == pytest.approx((0.2, 2.0))
    late = tiny(system="recipe", steps=1000, mask_similarity="0:12@0.1-0.3", mask_losses="0:1@0-0.4")
    for step, weight in ((0, 0.0), (100, 0.0), (200, 12 * 0.5 * 0.5), (300, 12 * 0.75), (400, 12.0), (9000, 12.0)):
        assert float(objectives.generator_weights(late, step)["mask_similarity"]) == pytest.approx(weight)


@pytest.mark.parametrize("steps", [10, 4000])
def test_a_run_of_any_length_has_the_same_shape(tiny, steps):
    schedules = {"mask_sparsity": "4:3@0.5-0.7", "mask_losses": "0:1@0.1-0.3"}
    config = tiny(system="recipe", steps=steps, mask_contrast=0.8, **schedules)
    shape = {0.0: (0.0, 0.0), 0.1: (0.0, 0.0), 0.2: (2.0, 0.4), 0.3: (4.0, 0.8), 0.5: (4.0, 0.8), 0.6: (3.5, 0.8),
             0.7: (3.0, 0.8), 1.0: (3.0, 0.8), 2.0: (3.0, 0.8)}  # fmt: skip
    for share, (sparsity, contrast) in shape.items():
        step = round(share * steps)
        assert float(objectives.generator_weights(config, step)["mask_sparsity"]) == pytest.approx(sparsity, abs=1e-5)
        assert float(objectives.mask_contrast(config, step)) == pytest.approx(contrast, abs=1e-6)
    longer = dataclasses.replace(config, training=dataclasses.replace(config.training, steps=2 * steps))
    step = round(0.6 * steps)  # more steps leave the shape as it was
    assert float(objectives.generator_weights(longer, step)["mask_sparsity"]) == pytest.approx(3.5)


def test_mask_questions_are_asked_only_of_groups_that_were_painted(generators, configs, pairs, rng):
    generator, config = generators["recipe"], configs["recipe"]
    critic = Critic(config.model, 3)
    critic(pairs.images, pairs.labels)
    for variable in critic.variables:
        variable.assign(rng.normal(size=variable.shape) * 0.3)
    first = objectives.translate(generator, config, pairs, reconstruct=True)
    step = objectives.Step(generator, critic, config, MEMBERSHIP, pairs, first)
    terms = objectives.generator_terms(step)
    cross, score = 0.0, 0.0
    for i, g in itertools.product(range(6), range(2)):
        if pairs.transfer[i, g] == 0:
            continue
        m = first.encoding.masks[i : i + 1, ..., g : g + 1]
        composite = m * first.painting.raw[i : i + 1] + (1 - m) * pairs.images[i : i + 1]
        own, other = pairs.labels[i].numpy(), pairs.labels[(i + 3) % 6].numpy()
        target_styles = np.where(MEMBERSHIP[g] == 1, other, own)[None]
        s, z = critic(composite, target_styles)
        cross += float(classification.classification_loss(z, target_styles)) / 6
        score -= float(s[0]) / 6
    assert float(terms["mask_classification"]) == pytest.approx(cross, rel=1e-3)
    assert float(terms["mask_critic"]) == pytest.approx(score, rel=1e-3, abs=1e-4)
    fooled = critic(first.image, pairs.target)
    assert float(terms["adversarial"]) == pytest.approx(-float(tf.reduce_mean(fooled[0])), rel=1e-3, abs=1e-4)
    expected = float(classification.classification_loss(fooled[1], pairs.target))
    assert float(terms["classification"]) == pytest.approx(expected, rel=1e-3)
    assert float(terms["mask_sparsity"]) == pytest.approx(first.encoding.masks[..., :2].numpy().mean() * 2, rel=1e-4)


def test_a_region_without_a_mask_has_no_style_and_is_not_transferred():
    styles = np.arange(1, 13, dtype="float32").reshape(2, 2, 3)
    masks = np.zeros((2, 8, 8, 2), "float32")
    masks[0, 3, 4, 0], masks[1, ..., 0], masks[1, ..., 1] = 0.03, 0.02, 1.0  # one pixel; nowhere above; everywhere
    found = np.asarray(core.without_empty(styles, masks))
    np.testing.assert_array_equal(found, styles * np.array([[1, 0], [0, 1]])[..., None])
    asked = np.array([[1, 1], [1, 0]], "float32")
    np.testing.assert_array_equal(core.transferable(found, asked), [[1, 0], [0, 0]])
    np.testing.assert_array_equal(core.transferable(styles, asked), asked)
