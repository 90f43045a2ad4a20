"""The Keras model: its step against docs/method.md, read one direction at a time; fit, averages, editing, saving."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from lomit_tf.model import HalvingSchedule, Lomit
from tests.helpers.lomit_models import GROUPS, PAPER, RECIPE, logs_of, make, tensors


@pytest.fixture(scope="module")
def models(tiny):
    """The paper's system and the decoupled recipe, with optimizers that change nothing."""
    return {name: make(tiny(**fields)) for name, fields in (("paper", PAPER), ("recipe", RECIPE))}


# The whole step, read from docs/method.md one direction at a time. Networks are the model's; nothing else is.


def hadain_styles(own, exemplar, transfer):
    """The groups of T take the exemplar's style; the last region, the background, its own."""
    chosen = [np.where(transfer[:, g : g + 1] == 1, exemplar[:, g], own[:, g]) for g in range(transfer.shape[1])]
    return np.stack([*chosen, own[:, -1]], axis=1)


def composite(config, bare, masks, transfer, image):
    if not config.model.recipe:
        return bare
    m = sum(masks[..., g : g + 1] * transfer[:, g].reshape(-1, 1, 1, 1) for g in range(transfer.shape[1]))
    return m * bare + (1 - m) * image


def cross_entropy(logits, labels, counted=1.0) -> np.ndarray:
    """Per image, summed over the labels that count, in float64."""
    z, y = np.asarray(logits, "float64"), np.asarray(labels, "float64")
    return ((np.logaddexp(0, z) - z * y) * counted).sum(axis=-1)


def penalty(critic, real, fake, labels, alpha) -> float:
    """Mean over images of (norm of the score's derivative at x_hat - 1)^2, image by image."""
    found = []
    for i in range(len(real)):
        mixed = tf.constant(alpha[i] * real[i : i + 1] + (1 - alpha[i]) * fake[i : i + 1], tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(mixed)
            score = critic(mixed, labels[i : i + 1])[0][0]
        found.append((np.linalg.norm(np.ravel(tape.gradient(score, mixed)).astype("float64")) - 1) ** 2)
    return float(np.mean(found))


def r1(config, masks, content) -> float:
    """Mean over images and pairs of places at H/4 of |m_i - m_j| cos(c_i, c_j), summed over groups."""
    batch, side, _, groups = masks.shape
    small = masks.reshape(batch, side // 4, 4, side // 4, 4, groups).mean(axis=(2, 4)).reshape(batch, -1, groups)
    c = np.asarray(content, "float64").reshape(batch, small.shape[1], -1)
    c = c / np.linalg.norm(c, axis=-1, keepdims=True)
    cosine = c @ c.transpose(0, 2, 1)
    if config.model.recipe:
        cosine = np.maximum(cosine, 0)
    return sum(float((np.abs(m[:, :, None] - m[:, None, :]) * cosine).mean()) for m in np.moveaxis(small, -1, 0))


def widened(masks, margin):
    """Foreground masks grown by a maximum over squares, pixel by pixel; (B, H, W) of all groups together, at most 1."""
    grown = np.zeros_like(masks[..., :-1])
    for i, j in np.ndindex(masks.shape[1:3]):
        rows, columns = slice(max(0, i - margin), i + margin + 1), slice(max(0, j - margin), j + margin + 1)
        grown[:, i, j] = masks[:, rows, columns, :-1].max(axis=(1, 2))
    return np.minimum(grown.sum(-1, keepdims=True), 1)


def edge(masks, image, scale) -> float:
    """Mean over pairs of near pixels of |m_i - m_j| exp(-|x_i - x_j|^2 / (2 scale^2)), over neighbours and groups."""
    total = 0.0
    padded_m = np.pad(masks, ((0, 0), (0, 2), (2, 2), (0, 0)), constant_values=np.nan)
    padded_x = np.pad(image, ((0, 0), (0, 2), (2, 2), (0, 0)), constant_values=np.nan)
    side = masks.shape[1]
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0)):
        there = slice(down, down + side), slice(2 + right, 2 + right + side)
        alike = np.exp(-np.sum((padded_x[:, *there] - image) ** 2, axis=-1, keepdims=True) / (2 * scale**2))
        total += np.nanmean(np.abs(padded_m[:, *there] - masks) * alike, axis=(0, 1, 2)).sum() / 6
    return total


def expected_logs(model, data) -> dict[str, float]:
    """Every log of one step, both directions one after the other; a term is the mean of the two directions'."""
    config, g, d = model.config, model.generator, model.critic
    x, y = [data["x1"][:, 0], data["x2"][:, 0]], [data["y1"][:, 0], data["y2"][:, 0]]
    transfer, alpha = data["transfer"][:, 0], data["alpha"][:, 0]
    groups = transfer.shape[1]
    label_group = [next(i for i, names in enumerate(config.data.group_labels.values()) if label in names)
                   for label in config.data.label_names]  # fmt: skip
    taken = transfer[:, label_group]
    content = [g.encode_content(v) for v in x]
    masks = [np.asarray(g.masks(c, v)) for c, v in zip(content, x, strict=True)]
    styles = [np.asarray(g.styles(v, m)) for v, m in zip(x, masks, strict=True)]

    target_styles = [hadain_styles(styles[i], styles[1 - i], transfer) for i in (0, 1)]
    bare = [np.asarray(g.decode(content[i], masks[i], target_styles[i])) for i in (0, 1)]
    translated = [composite(config, bare[i], masks[i], transfer, x[i]) for i in (0, 1)]
    target = [taken * y[1 - i] + (1 - taken) * y[i] for i in (0, 1)]
    within = [np.asarray(g.decode(content[i], masks[i], styles[i])) for i in (0, 1)]

    o = config.loss.reconstruction_outside
    counted = [o + (1 - o) * widened(m, config.model.style_margin) for m in masks]

    content2 = [g.encode_content(v) for v in translated]
    masks2 = [np.asarray(g.masks(c, v)) for c, v in zip(content2, translated, strict=True)]
    styles2 = [np.asarray(g.styles(v, m)) for v, m in zip(translated, masks2, strict=True)]
    back = [hadain_styles(styles2[i], styles2[1 - i], transfer) for i in (0, 1)]
    bare2 = [np.asarray(g.decode(content2[i], masks2[i], back[i])) for i in (0, 1)]
    returned = [composite(config, bare2[i], masks2[i], transfer, translated[i]) for i in (0, 1)]

    logs: dict[str, list[float]] = {}
    answers: list[list] = [[] for _ in range(groups)]
    for i in (0, 1):
        real_score, real_logits = (np.asarray(v) for v in d(x[i], y[i]))
        fake_score, fake_logits = (np.asarray(v) for v in d(translated[i], target[i]))
        real_side = x[1 - i] if config.model.recipe else x[i]
        terms = {
            "critic/wasserstein": fake_score.mean() - real_score.mean(),
            "critic/classification": cross_entropy(real_logits, y[i]).mean(),
            "critic/gradient_penalty": penalty(d, real_side, translated[i], target[i], alpha[:, i]),
            "critic/accuracy": ((real_logits > 0) == (y[i] == 1)).mean(),
            "generator/adversarial": -fake_score.mean(),
            "generator/classification": cross_entropy(fake_logits, target[i]).mean(),
            "generator/reconstruction": (counted[i] * np.abs(within[i] - x[i])).mean(),
            "generator/cycle": np.abs(returned[i] - x[i]).mean(),
            "generator/content": np.abs(np.asarray(content2[i][0]) - np.asarray(content[i][0])).mean(),
            "generator/style_foreground": np.abs(styles2[i][:, :groups] - target_styles[i][:, :groups]).mean(),
            "generator/style_background": np.abs(styles2[i][:, groups] - styles[i][:, groups]).mean(),
            "generator/mask_sparsity": sum(masks[i][..., k].mean() for k in range(groups)),
            "generator/edge": edge(masks[i][..., :groups], x[i], 0.2),
            "generator/mask_similarity": r1(config, masks[i][..., :groups], content[i][0]),
        }
        if config.model.recipe:
            terms |= {f"generator/mask_{name}": 0.0 for name in ("classification", "critic", "cycle")}
            for k in range(groups):
                m = masks[i][..., k : k + 1]
                belongs = np.array([label_group[label] == k for label in range(len(label_group))])
                asked = np.where(belongs, y[1 - i], y[i])
                score, logits = d(m * bare[i] + (1 - m) * x[i], asked)
                terms["generator/mask_classification"] += (cross_entropy(logits, asked) * transfer[:, k]).mean()
                terms["generator/mask_critic"] -= (np.asarray(score) * transfer[:, k]).mean()
                sure = np.exp(-cross_entropy(logits, asked, belongs))
                new = transfer[:, k] * (np.abs(asked - y[i]) * belongs).any(axis=1)
                lost = (masks[i][..., k] * np.abs(returned[i] - x[i]).mean(-1)).mean((1, 2)) * transfer[:, k]
                terms["generator/mask_cycle"] += lost.mean()
                answers[k].append((sure[new == 1], np.asarray(score) * transfer[:, k], masks[i][..., k].mean(), lost))
        for k, name in enumerate(model.group_names):
            terms[f"mask/{name}/mean"] = masks[i][..., k].mean()
            terms[f"mask/{name}/variance"] = masks[i][..., k].var(axis=(1, 2)).mean()
        for name, value in terms.items():
            logs.setdefault(name, []).append(float(value))
    means = {name: sum(values) / 2 for name, values in logs.items()}
    if config.loss.mask_gate == "success":  # over both directions together
        sure_of = [np.concatenate([a[0] for a in found]) for found in answers]
        gates = [np.mean(values) if len(values) else 0.0 for values in sure_of]
        pairs = list(zip(gates, answers, strict=True))
        means["generator/mask_critic"] = -sum(gate * np.mean([a[1] for a in found]) for gate, found in pairs)
        means["generator/mask_cycle"] = sum(gate * np.mean([a[3] for a in found]) for gate, found in pairs)
        means["generator/mask_sparsity"] = sum(gate * np.mean([a[2] for a in found]) for gate, found in pairs)
    weights = {n: getattr(config.loss, f"{n}_weight") for n in (
        "adversarial", "reconstruction", "cycle", "edge", "mask_cycle")}  # fmt: skip
    weights |= {"mask_similarity": 0.3, "mask_sparsity": 0.7, "mask_critic": 0.2}
    for name in ("classification", "content", "style_foreground", "style_background", "mask_classification"):
        weights[name] = 1.0
    means["generator/total"] = sum(w * means.get(f"generator/{name}", 0.0) for name, w in weights.items())
    return means


@pytest.mark.parametrize("name", ["paper", "recipe"])
def test_a_step_is_the_specs_read_one_direction_at_a_time(models, element, name):
    model = models[name]
    data = element(model.config, pairs=3, seed=5)
    expected = expected_logs(model, data)
    found = logs_of(model, tensors(data))
    assert set(found) == set(expected) | {"critic/gradient_norm", "generator/gradient_norm"}
    for log, value in expected.items():  # float32 through some twenty layers, twice, in batches of other sizes
        assert found[log] == pytest.approx(value, rel=2e-3, abs=2e-4), log
    assert found["generator/gradient_norm"] > 0 and found["critic/gradient_norm"] > 0
    # Drawn the other way round, alpha gives another penalty: this test would see it.
    turned = expected_logs(model, {**data, "alpha": data["alpha"][..., ::-1]})["critic/gradient_penalty"]
    assert turned != pytest.approx(expected["critic/gradient_penalty"], rel=4e-3)


@pytest.mark.parametrize("name", ["paper", "recipe"])
def test_an_image_of_one_colour_leaves_the_gradients_finite(models, element, name):
    """Without deviation, every norm multiplies gradients by up to 1 / sqrt(epsilon); a stack of them overflows."""
    model = models[name]
    data = element(model.config)
    data["x1"][0] = 1.0  # white
    logs = logs_of(model, tensors(data))
    assert all(np.isfinite(value) for value in logs.values()), logs
    assert logs["generator/gradient_norm"] < 1e4  # some 10 to 100 for ordinary images


def test_the_critic_takes_every_sub_batch_and_the_generator_the_last(tiny, models, element):
    model = models["recipe"]
    data = element(tiny(**RECIPE, n_critic=2), seed=6)
    before = int(model.generator_optimizer.iterations), int(model.critic_optimizer.iterations)
    both = logs_of(model, tensors(data))
    assert int(model.generator_optimizer.iterations) == before[0] + 1
    assert int(model.critic_optimizer.iterations) == before[1] + 2
    assert both == pytest.approx(logs_of(model, tensors(data, last=True)), rel=1e-3, abs=1e-5)
    model.critic_optimizer.learning_rate.assign(0.01)
    weights = model.critic.get_weights()
    learnt = logs_of(model, tensors(data))
    model.critic_optimizer.learning_rate.assign(0.0)
    model.critic.set_weights(weights)
    # The first critic update came before the second one's loss, and both before the generator's.
    for name in ("critic/wasserstein", "generator/adversarial"):
        assert abs(learnt[name] - both[name]) > 1e-4, name


def test_draws_that_the_element_lacks_are_made_up(models):
    model = models["recipe"]
    data = model._with_draws({"x1": tf.zeros((4000, 1, 1, 1, 3))})
    transfer, alpha = data["transfer"].numpy(), data["alpha"].numpy()
    assert transfer.shape == (4000, 1, 2) and alpha.shape == (4000, 1, 2)
    assert set(np.unique(transfer)) == {0.0, 1.0}
    assert transfer.any(axis=-1).all()  # T is never empty
    everything = transfer.all(axis=-1).mean()
    assert everything >= 0.5 and 0.05 < (transfer[..., 0] > transfer[..., 1]).mean() < 0.3
    assert alpha.min() >= 0 and alpha.max() < 1
    assert abs(alpha.mean() - 0.5) < 0.02  # 8000 draws: a standard error of 0.003
    assert not np.array_equal(model._with_draws({"x1": tf.zeros((4000, 1, 1, 1, 3))})["alpha"], alpha)


def test_average_follows_its_formula(tiny, element):
    model = make(tiny(ema_decay=0.2, **PAPER), rate=0.01)
    averaged = model.inference_generator
    assert averaged is model.ema_generator
    average = [v.numpy() for v in model.generator.variables]
    for found, start in zip(averaged.variables, average, strict=True):
        np.testing.assert_array_equal(found.numpy(), start)
    assert not set(map(id, model.trainable_variables)) & set(map(id, averaged.variables))
    data = tensors(element(model.config))
    for decay in (2 / 11, 0.2, 0.2):  # min(0.2, (1 + t) / (10 + t)) after t = 1, 2, 3 steps
        model.train_step(data)
        average = [decay * a + (1 - decay) * v.numpy() for a, v in zip(average, model.generator.variables, strict=True)]
    weights = [v.numpy() for v in model.generator.variables]
    for found, value in zip(averaged.variables, average, strict=True):
        np.testing.assert_allclose(found.numpy(), value, rtol=1e-5, atol=1e-6)
    assert max(np.abs(a - w).max() for a, w in zip(average, weights, strict=True)) > 1e-4


# fit().


FEW = {"residual_blocks": 0, "mask_upsamples": 0, "style_downsamples": 1, "critic_layers": 2}  # quick to trace


def test_compile_and_fit_learn_to_reconstruct_a_fixed_batch(tiny, element):
    keras.utils.set_random_seed(2)
    config = tiny(**FEW, **GROUPS, system="recipe", ema_decay=0.0, learning_rate=2e-3)
    model = Lomit(config)
    model.compile()
    data = element(config)
    for side in ("x1", "x2"):  # smooth pictures: noise has no structure to learn
        coarse = data[side][:, :, ::16, ::16]
        data[side] = coarse.repeat(16, axis=2).repeat(16, axis=3)
    history = model.fit(tf.data.Dataset.from_tensors(data), epochs=15, verbose=0).history
    assert all(np.all(np.isfinite(values)) for values in history.values())
    errors = history["generator/reconstruction"]
    assert np.mean(errors[-3:]) < 0.8 * errors[0]  # 0.65 when this was written; 1 without learning
    assert int(model.generator_optimizer.iterations) == 15
    # An element without draws, and a last batch of another size: the batch size is then unknown when traced.
    plain = element(config, pairs=3, draws=False)
    assert set(plain) == {"x1", "x2", "y1", "y2"}
    history = model.fit(tf.data.Dataset.from_tensor_slices(plain).batch(2), verbose=0).history
    assert int(model.generator_optimizer.iterations) == 17
    assert all(np.all(np.isfinite(values)) for values in history.values())


@pytest.mark.parametrize(("rate", "start", "every", "rates"), [
    (0.1, 20, 5, {0: 0.1, 19: 0.1, 20: 0.05, 24: 0.05, 25: 0.025, 30: 0.0125}),
    (0.1, 0, 5, {0: 0.1, 1000: 0.1}),
])  # fmt: skip
def test_halving_schedule(rate, start, every, rates):
    schedule = HalvingSchedule(rate, start, every)
    again = HalvingSchedule(**json.loads(json.dumps(schedule.get_config())))
    for step, expected in rates.items():
        halvings = sum(1 for s in range(1, step + 1) if start and s >= start and (s - start) % every == 0)
        assert expected == pytest.approx(rate * 0.5**halvings)
        for s in (step, tf.constant(step, tf.int64)):
            assert float(schedule(s)) == pytest.approx(expected)
            assert float(again(s)) == pytest.approx(expected)


def test_both_sides_halve_their_rates_at_the_same_time(tiny):
    config = tiny(n_critic=3, steps=40, decay_start=0.25, decay_every=0.1, learning_rate=1e-3)
    model = Lomit(config)
    model.compile()
    for step in (0, 9, 10, 13, 14):
        model.generator_optimizer.iterations.assign(step)
        rate = 1e-3 * 0.5 ** (0 if step < 10 else 1 + (step - 10) // 4)
        assert float(model.generator_optimizer.learning_rate) == pytest.approx(rate)
        for j in range(3):
            model.critic_optimizer.iterations.assign(3 * step + j)
            assert float(model.critic_optimizer.learning_rate) == pytest.approx(rate)
    for optimizer in (model.generator_optimizer, model.critic_optimizer):
        assert (optimizer.beta_1, optimizer.beta_2, optimizer.weight_decay) == (0.5, 0.999, None)


# Translation and editing.
