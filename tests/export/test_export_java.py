"""The SavedModel of shipped weights in a client that we did not write: TensorFlow for Java of Maven Central."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import lomit_tf
from lomit_tf.data.drawn_faces import draw

FOLDER = Path(__file__).parent / "java"
REPOSITORY = Path(os.environ.get("MAVEN_REPOSITORY", Path.home() / ".m2" / "repository"))
NEEDED = ("org/tensorflow/tensorflow-core-api", "org/tensorflow/tensorflow-core-native", "org/bytedeco/javacpp")


@pytest.mark.slow
def test_a_jvm_gets_the_same_numbers(tmp_path):
    if shutil.which("java") is None:
        pytest.skip("there is no java")
    folders = [*NEEDED, "org/tensorflow/ndarray", "com/google/protobuf/protobuf-java"]
    jars = [str(jar) for folder in folders for jar in (REPOSITORY / folder).rglob("*.jar")]
    if not all(any(name in jar for jar in jars) for name in NEEDED) or not any("linux-x86_64" in jar for jar in jars):
        pytest.skip(f"no TensorFlow for Java in {REPOSITORY}; mvn -f tests/export/java dependency:resolve fetches it")
    from export.saved_model import write_saved_model

    model = lomit_tf.load("drawn_faces")
    groups = len(model.group_names)
    saved = write_saved_model(model, tmp_path / "saved_model")
    faces = draw(range(2), size=80).images
    for name, face in zip("ab", faces, strict=True):
        (tmp_path / f"{name}.png").write_bytes(tf.io.encode_png(face).numpy())
    images = np.random.default_rng(0).uniform(-1, 1, (2, 3, 64, 64, 3)).astype("<f4")
    np.full((1, 1, 1, groups), -1, "<f4").tofile(tmp_path / "own")
    transfer = np.array([[1, 1], [1, 0], [0, 1]], "<f4")
    transfer[:1].tofile(tmp_path / "both")
    transfer.tofile(tmp_path / "transfer")
    for name, image in zip(("image", "exemplar"), images, strict=True):
        image.tofile(tmp_path / name)

    def call(signature: str, *inputs: str) -> None:
        command = ["java", "-cp", os.pathsep.join(jars), str(FOLDER / "src/main/java/SavedModelClient.java")]
        command += [str(saved), signature, str(tmp_path), *inputs]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]

    signatures = tf.saved_model.load(str(saved)).signatures
    call("serving_default", f"image_bytes={tmp_path}/a.png", f"exemplar_bytes={tmp_path}/b.png",
         f"transfer={tmp_path}/both:1x{groups}")  # fmt: skip
    read = {
        f"{key}_bytes": tf.constant([(tmp_path / f"{name}.png").read_bytes()])
        for key, name in (("image", "a"), ("exemplar", "b"))
    }
    answer = signatures["serving_default"](**read, transfer=tf.constant(transfer[:1]))["translation_bytes"]
    ours = tf.io.decode_png(answer[0]).numpy().astype(int)
    theirs = tf.io.decode_png((tmp_path / "translation_bytes").read_bytes()).numpy().astype(int)
    assert theirs.shape == (64, 64, 3) and np.abs(ours - theirs).max() <= 1  # another build of TensorFlow

    picture, own = "3x64x64x3", f"{tmp_path}/own:1x1x1x{groups}"
    given = [f"{name}={tmp_path}/{name}:{picture}" for name in ("image", "exemplar")]
    given.append(f"transfer={tmp_path}/transfer:3x{groups}")
    call("translate", *given, f"image_masks={own}", f"exemplar_masks={own}")
    minus = tf.fill((1, 1, 1, groups), -1.0)
    expected = signatures["translate"](
        image=tf.constant(images[0]), exemplar=tf.constant(images[1]), image_masks=minus, exemplar_masks=minus,
        transfer=tf.constant(transfer),
    )  # fmt: skip
    for name, value in expected.items():
        got = np.fromfile(tmp_path / name, "<f4").reshape(value.shape)
        np.testing.assert_allclose(got, value, atol=1e-4)
