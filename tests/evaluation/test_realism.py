"""Frechet and kernel distances against closed forms and plain loops; embedders against the networks themselves."""

import os
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from lomit_tf.config import ConfigError
from lomit_tf.evaluation.metrics import realism as realism_module
from lomit_tf.evaluation.metrics.embedders import Embedder, open_embedder
from lomit_tf.evaluation.metrics.realism import frechet_distance, kernel_distance, realism, squared_mmd

SHARED = Path(os.environ.get("LOMIT_SHARED") or Path(__file__).parents[2] / ".." / "shared")


def with_moments(mean, covariance, rng, count=50):
    """Samples whose mean and unbiased covariance are exactly the given ones."""
    x = rng.standard_normal((count, len(mean)))
    x -= x.mean(axis=0)
    whitened = x @ np.linalg.inv(np.linalg.cholesky(np.atleast_2d(np.cov(x, rowvar=False))).T)
    return whitened @ np.linalg.cholesky(np.array(covariance)).T + mean


def test_frechet_of_one_dimensional_gaussians(rng):
    """(mu_a - mu_b)^2 + (sigma_a - sigma_b)^2."""
    a, b = with_moments([1.0], [[4.0]], rng), with_moments([-2.0], [[0.25]], rng, 80)
    assert frechet_distance(a, b) == pytest.approx(3**2 + (2 - 0.5) ** 2)


def test_frechet_of_correlated_gaussians_in_the_plane(rng):
    """For 2x2 matrices tr sqrt(M) = sqrt(tr M + 2 sqrt(det M))."""
    p, q = np.array([[2.0, 0.9], [0.9, 1.0]]), np.array([[1.0, -0.6], [-0.6, 3.0]])
    a, b = with_moments([0.0, 1.0], p, rng), with_moments([1.0, 3.0], q, rng)
    root = np.sqrt(np.trace(p @ q) + 2 * np.sqrt(np.linalg.det(p @ q)))
    assert frechet_distance(a, b) == pytest.approx(1 + 4 + np.trace(p) + np.trace(q) - 2 * root)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a))


def test_frechet_against_the_roots_of_the_product_itself(rng):
    """tr sqrt(AB) as the sum of the roots of AB's eigenvalues, from a general solver."""
    a, b = rng.standard_normal((300, 20)) @ rng.standard_normal((20, 20)), rng.standard_normal((200, 20)) + 0.3
    p, q = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = np.sqrt(np.linalg.eigvals(p @ q).real).sum()
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(p) + np.trace(q) - 2 * root
    assert frechet_distance(a, b) == pytest.approx(expected)


def test_frechet_agrees_with_scipy(rng):
    linalg = pytest.importorskip("scipy.linalg", reason="scipy is not installed")
    a, b = rng.standard_normal((100, 12)) @ rng.standard_normal((12, 12)), rng.uniform(size=(90, 12))
    p, q = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(p + q - 2 * linalg.sqrtm(p @ q).real)
    assert frechet_distance(a, b) == pytest.approx(expected)


@pytest.mark.parametrize("counts", [(15, 10), (15, 90), (90, 15), (40, 41), (39, 40)])
def test_frechet_with_few_samples_for_40_features(rng, counts):
    """Rank-deficient covariances, on both sides of where the way of computing changes; of very different scales."""
    a, b = rng.standard_normal((counts[0], 40)).astype(np.float32), 1e3 * rng.standard_normal((counts[1], 40)) + 5
    p, q = np.cov(a.astype(np.float64), rowvar=False), np.cov(b, rowvar=False)
    root = np.sqrt(np.maximum(np.linalg.eigvals(p @ q).real, 0)).sum()
    expected = ((a.mean(0, dtype=np.float64) - b.mean(0)) ** 2).sum() + np.trace(p) + np.trace(q) - 2 * root
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)
    assert 0 <= frechet_distance(a, a) < 1e-6


def test_frechet_where_nothing_varies():
    assert frechet_distance(np.ones((5, 3)), np.ones((4, 3))) == 0
    assert frechet_distance(np.zeros((5, 3)), np.ones((4, 3))) == pytest.approx(3)
    assert frechet_distance(np.zeros((3, 5)), np.ones((4, 5))) == pytest.approx(5)


def mmd_by_loops(a, b):
    def k(x, y):
        return (float(np.dot(x, y)) / len(x) + 1) ** 3

    n, m = len(a), len(b)
    within_a = sum(k(a[i], a[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    within_b = sum(k(b[i], b[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return within_a + within_b - 2 * sum(k(x, y) for x in a for y in b) / (n * m)


def test_squared_mmd_against_loops(rng):
    a, b = rng.standard_normal((9, 4)), rng.standard_normal((7, 4)) + 0.5
    assert squared_mmd(a, b) == pytest.approx(mmd_by_loops(a, b))


def test_kernel_distance_over_subsets(rng):
    a, b = rng.standard_normal((8, 4)), rng.standard_normal((8, 4)) + 1
    whole = kernel_distance(a, b, subsets=3, subset_size=8)
    assert whole.mean == pytest.approx(mmd_by_loops(a, b)) and whole.std == pytest.approx(0, abs=1e-9)

    a, b = rng.standard_normal((400, 4)), rng.standard_normal((300, 4)) + 0.5
    some = kernel_distance(a, b, seed=1)
    assert (some.subsets, some.subset_size) == (50, 150) and some.std > 0
    assert abs(some.mean - squared_mmd(a, b)) < 4 * some.std / np.sqrt(50)
    assert some == kernel_distance(a, b, seed=1) != kernel_distance(a, b, seed=2)


def test_subsets_are_the_same_with_and_without_the_whole_kernel(rng, monkeypatch):
    a, b = rng.standard_normal((30, 6)), rng.standard_normal((25, 6)) + 0.5
    whole = kernel_distance(a, b, seed=4)
    monkeypatch.setattr(realism_module, "WHOLE_KERNEL", 10)
    parts = kernel_distance(a, b, seed=4)
    assert (parts.mean, parts.std) == (pytest.approx(whole.mean), pytest.approx(whole.std))


def test_kernel_distance_is_unbiased(rng):
    """Of two sets from one distribution the estimates scatter around 0, which a biased estimate would not."""
    values = [squared_mmd(rng.standard_normal((20, 5)), rng.standard_normal((20, 5))) for _ in range(300)]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(300)
    assert min(values) < 0 < max(values)


@pytest.mark.parametrize("distance", [frechet_distance, kernel_distance])
def test_features_that_cannot_be_compared(distance):
    good = np.zeros((4, 3))
    for bad, message in [
        (np.zeros((4, 2)), r"\(n, D\) and \(m, D\)"),
        (np.zeros(4), r"\(n, D\) and \(m, D\)"),
        (np.zeros((1, 3)), "at least two samples"),
        (np.full((4, 3), np.nan), "finite"),
    ]:
        with pytest.raises(ValueError, match=message):
            distance(good, bad)


def test_subset_size_must_fit():
    with pytest.raises(ValueError, match=r"subset_size must be in 2..4"):
        kernel_distance(np.zeros((4, 3)), np.zeros((9, 3)), subset_size=5)


def averaging(low=0.0, high=1.0, size=8):
    """An embedder whose features are the mean of each channel."""
    return Embedder("means", (size, size), (low, high), "the test", lambda x: x.mean(axis=(1, 2)))


def test_embedders_get_8_bit_values_antialiased_and_in_their_range():
    stripes = np.zeros((1, 64, 64, 3), np.float32)
    stripes[:, ::2], stripes[:, 1::2] = 1, -1
    for low, high in ((0, 1), (-1, 1), (0, 255)):
        pixels = Embedder("pixels", (8, 8), (low, high), "the test", lambda x: x[:, 1:-1, 1:-1, 0].reshape(len(x), -1))
        # Without antialiasing the stripes would be black or white, not their mean.
        assert pixels.features(stripes) == pytest.approx((low + high) / 2, abs=0.02 * (high - low))
    values = np.array([-1.5, -1, 0.0021, 1, 7])[:, None, None, None] * np.ones((1, 8, 8, 3))
    assert averaging(0, 255).features(values)[:, 0] == pytest.approx([0, 0, 128, 255, 255], abs=1e-3)


def test_features_are_the_same_whatever_the_batch(rng):
    images = rng.uniform(-1, 1, (7, 16, 16, 3)).astype(np.float32)
    features = averaging().features(images, batch_size=3)
    assert features.shape == (7, 3) and features.dtype == np.float64
    assert features == pytest.approx(averaging().features(images, batch_size=7))


@pytest.mark.parametrize("images", [np.zeros((2, 8, 8, 3), np.uint8), np.zeros((8, 8, 3)), np.zeros((0, 8, 8, 3)),
                                    np.full((1, 8, 8, 3), np.inf)])  # fmt: skip
def test_features_of_what_is_no_image(images):
    with pytest.raises(ValueError, match="images must be"):
        averaging().features(images)


def test_only_inception_may_be_called_fid(rng):
    real, translated = rng.standard_normal((2, 30, 3))
    result = realism(real, translated, averaging())
    assert result.frechet_name == "Frechet distance (means)" and result.kernel_name == "kernel distance (means)"
    assert result.frechet == frechet_distance(real, translated)
    assert (result.real_count, result.translated_count, result.features, result.note) == (30, 30, 3, "")
    assert "antialiased" in result.as_dict()["resize_filter"]
    inception = Embedder("InceptionV3", (299, 299), (-1, 1), "keras", lambda x: x, imagenet_inception=True)
    result = realism(real[:3], translated, inception)
    assert (result.frechet_name, result.kernel_name) == ("FID", "KID")
    assert "3 images for 3 features" in result.note


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(3)
    layers = [
        keras.Input((16, 16, 3)),
        keras.layers.Conv2D(4, 3, activation="relu"),
        keras.layers.GlobalAveragePooling2D(),
    ]
    return keras.Sequential(layers)


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_a_keras_file_as_embedder(network, tmp_path, rng, suffix):
    path = tmp_path / f"little.{suffix}"
    network.save(path)
    images = rng.uniform(-1, 1, (5, 16, 16, 3)).astype(np.float32)
    embedder = open_embedder(str(path), (0.0, 1.0))
    assert (embedder.name, embedder.input_size, embedder.imagenet_inception) == (path.name, (16, 16), False)
    rounded = np.round((images + 1) * 127.5) / 255
    assert embedder.features(images) == pytest.approx(network(rounded).numpy(), abs=1e-5)
    with pytest.raises(ConfigError, match="does not say its range of values; give --embedder_range"):
        open_embedder(str(path))


def test_embedders_that_cannot_be_used(tmp_path, monkeypatch):
    def refused(name, message, value_range=(0.0, 1.0)):
        with pytest.raises(ConfigError, match=message):
            open_embedder(str(name), value_range)

    refused("inception_v4", "is neither inception_v3 nor a file that ends in .tflite, .keras, .h5")
    refused(tmp_path / "none.keras", "no such file")
    refused(tmp_path / "none.keras", "must be LOW,HIGH", (1.0, 0.0))
    broken = tmp_path / "broken.keras"
    broken.write_bytes(b"nonsense")
    refused(broken, "no Keras model that can be read")
    maps = tmp_path / "maps.keras"
    keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Conv2D(4, 3)]).save(maps)
    refused(maps, r"expected features \(N, D\)")
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)  # as where it is not installed
    (tmp_path / "some.tflite").write_bytes(b"TFL3")
    refused(tmp_path / "some.tflite", r"needs ai-edge-litert.*pip install ai-edge-litert")


def test_inception_without_its_weights_says_so(monkeypatch, tmp_path):
    """No network here: Keras is pointed at a server that does not exist, and at an empty cache."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    module = sys.modules["keras.src.applications.inception_v3"]
    monkeypatch.setattr(module, "WEIGHTS_PATH_NO_TOP", "http://127.0.0.1:9/inception.h5")
    monkeypatch.setattr(module.file_utils, "get_file", cached_in(tmp_path, module.file_utils.get_file))
    with pytest.raises(ConfigError, match=r"ImageNet weights cannot be had.*--embedder=FILE.tflite"):
        open_embedder("inception_v3")


def cached_in(folder, get_file):
    return lambda *args, **fields: get_file(*args, **(fields | {"cache_dir": str(folder)}))


def tflite_file(network, path, quantised, rng):
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    if quantised:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        samples = [rng.uniform(-1, 1, (1, 16, 16, 3)).astype(np.float32) for _ in range(20)]
        samples += [np.full((1, 16, 16, 3), v, np.float32) for v in (-1, 1)]
        converter.representative_dataset = lambda: [[s] for s in samples]
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    path.write_bytes(converter.convert())
    return path


@pytest.mark.parametrize("quantised", [False, True])
def test_a_tflite_file_as_embedder(network, tmp_path, rng, quantised):
    pytest.importorskip("ai_edge_litert.interpreter", reason="ai-edge-litert is not installed")
    path = tflite_file(network, tmp_path / "little.tflite", quantised, rng)
    images = rng.uniform(-1, 1, (5, 16, 16, 3)).astype(np.float32)
    if not quantised:
        with pytest.raises(ConfigError, match="neither metadata nor a quantised input"):
            open_embedder(str(path))
    embedder = open_embedder(str(path), None if quantised else (-1.0, 1.0))
    assert embedder.value_range == pytest.approx((-1, 1), abs=0.01)
    features = embedder.features(images, batch_size=3)
    expected = network(images).numpy()
    assert features.shape == (5, 4) and features == pytest.approx(expected, abs=0.015 if quantised else 0.002)
    assert np.ptp(expected) > (0.06 if quantised else 0.01)  # so that the tolerance tells one feature from another
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"nonsense")
    with pytest.raises(ConfigError, match="no TFLite model that can be run"):
        open_embedder(str(broken))


@pytest.mark.shared
def test_the_shared_embedder_tells_real_faces_from_disturbed_ones(rng):
    """Metadata give its range; noise moves the distances far more than another half of the same faces does."""
    pytest.importorskip("ai_edge_litert.interpreter", reason="ai-edge-litert is not installed")
    path = SHARED / "judges" / "mobilenet_v2_035_96_embedder.tflite"
    if not path.is_file():
        pytest.skip(f"{path} is missing (LOMIT_SHARED names another place)")
    from lomit_tf.data import drawn_faces

    embedder = open_embedder(str(path))
    assert embedder.input_size == (96, 96) and embedder.value_range == (-1.0, 1.0)
    assert embedder.range_from == "the model's metadata"
    faces = drawn_faces.draw(range(80), size=64).images / np.float32(127.5) - 1
    real, other = embedder.features(faces[:40]), embedder.features(faces[40:])
    disturbed = embedder.features(np.clip(faces[40:] + rng.normal(0, 0.4, (40, 64, 64, 3)), -1, 1))
    assert real.shape == (40, 1280)
    fair, worse = realism(real, other, embedder), realism(real, disturbed, embedder)
    assert worse.frechet > 2 * fair.frechet and worse.kernel.mean > 5 * abs(fair.kernel.mean)
    assert fair.frechet_name == "Frechet distance (mobilenet_v2_035_96_embedder.tflite)" and fair.note
