"""Train and measure the network that corrects the framing of a face (lomit_tf/imaging/framing_network.py).

    python tools/framing_network.py train /path/to/celeba --out=framing.tflite   # about 26 minutes of one core
    python tools/framing_network.py measure /path/to/celeba [--network=framing.tflite]

CelebA's images are aligned, and their 178 px centre crop is the truth. For training a square near to it is drawn, as it
would follow from points that lie a little wrong, the network is shown a part of it that lies wholly within the image
(its border would tell), and learns how the crop lies in the square. Light, colours, sharpness and JPEG quality vary.
No label is used. The images of CelebA's training part are learned from; `measure` takes those of the validation part.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lomit_tf.config import DataConfig
from lomit_tf.data.image_set import DataError, ImageSet
from lomit_tf.data.sources import open_set
from lomit_tf.imaging import framing_network
from lomit_tf.imaging.celeba_framing import CELEBA_CROP, crop_around
from lomit_tf.imaging.faces import find
from lomit_tf.imaging.framing_network import SIDE
from lomit_tf.imaging.look import Look

SPREAD = (0.07, math.radians(4), 0.035, 0.035)  # standard deviations of log side, angle, and x and y of the centre
MOST = 2.5  # of them, in what is drawn
UNIT = np.array(framing_network.UNIT)
BATCH, RATE = 64, 1.5e-3
FILTERS = (16, 32, 48, 64)


def squares(rng: np.random.Generator, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A part (SIDE, SIDE, 3) uint8 of an aligned image as the network is shown it, and (4,) how the crop lies in the
    square around it: (s, t, u, v) of `framing_network.corrected`."""
    height, width = image.shape[:2]
    middle = complex(width - 1, height - 1) / 2
    while True:
        s, t, u, v = np.clip(rng.normal(size=4), -MOST, MOST) * SPREAD
        turn = CELEBA_CROP * np.exp(-(s + 1j * t))
        centre = middle - turn * (u + 1j * v)
        across, shown = framing_network.shown(turn, centre)
        corner = shown - across * (1 + 1j) / 2
        to_photo = np.array([[across.real, -across.imag, corner.real], [across.imag, across.real, corner.imag]])
        corners = np.array([[0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]]) @ to_photo.T
        if (corners >= 0).all() and (corners <= (width - 1, height - 1)).all():
            break
    fine = SIDE * int(rng.integers(1, 3))  # sampled as it is, or from twice as many pixels
    where = np.column_stack([to_photo[:, :2] / fine, to_photo[:, 2] + to_photo[:, :2].sum(axis=1) / fine / 2])
    part = cv2.warpAffine(image, where, (fine, fine), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    target = np.array([s, t, u, v])
    if rng.random() < 0.5:
        part, target = np.ascontiguousarray(part[:, ::-1]), target * (1, -1, -1, 1)
    return varied(rng, cv2.resize(part, (SIDE, SIDE), interpolation=cv2.INTER_AREA)), target


def varied(rng: np.random.Generator, part: np.ndarray) -> np.ndarray:
    """Other light, colours, sharpness and quality, and sometimes black at a side, as beyond a photograph's border."""
    values = part.astype(np.float32) / 255
    values = np.clip(values, 0, 1) ** np.exp(rng.normal(0, 0.25)) * np.exp(rng.normal(0, 0.12, 3))
    if rng.random() < 0.15:
        values = np.repeat(values.mean(axis=2, keepdims=True), 3, axis=2)
    if rng.random() < 0.3:
        ramp = np.linspace(-0.5, 0.5, SIDE) * rng.normal(0, 0.6)
        values *= (1 + (ramp[None, :, None] if rng.random() < 0.5 else ramp[:, None, None])).astype(np.float32)
    if rng.random() < 0.4:
        values = cv2.GaussianBlur(values, (0, 0), rng.uniform(0.3, 1.6))
    values += rng.normal(0, rng.uniform(0, 0.03), values.shape)
    part = np.uint8(np.clip(values, 0, 1) * 255 + 0.5)
    if rng.random() < 0.3:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 95))]
        part = cv2.imdecode(cv2.imencode(".jpg", part, quality)[1], cv2.IMREAD_COLOR)
    if rng.random() < 0.1:
        part = np.rot90(part, turns := int(rng.integers(4))).copy()
        part[: int(rng.integers(1, SIDE // 4))] = 0
        part = np.rot90(part, -turns).copy()
    return part


def batch(images: np.ndarray, seed: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """(BATCH, SIDE, SIDE, 3) in -1..1 and (BATCH, 4) in UNITs."""
    rng = np.random.default_rng(seed)
    drawn = [squares(rng, images[i]) for i in rng.integers(len(images), size=BATCH)]
    parts, targets = (np.stack(column).astype(np.float32) for column in zip(*drawn, strict=True))
    return parts * (2 / 255) - 1, targets / UNIT.astype(np.float32)


def network() -> Any:
    """The Keras model: (B, SIDE, SIDE, 3) in -1..1 -> (B, 4) in UNITs."""
    import keras
    from keras import layers

    x = image = keras.Input((SIDE, SIDE, 3), batch_size=None, name="image")
    for n, filters in enumerate(FILTERS):
        for stride in (2, 1) if n else (2,):
            x = layers.Conv2D(filters, 3 if n else 5, strides=stride, padding="same", use_bias=False)(x)
            x = layers.ReLU()(layers.BatchNormalization(momentum=0.98)(x))
    x = layers.Dense(64, activation="relu")(layers.Flatten()(x))
    return keras.Model(image, layers.Dense(4, name="correction")(x))


def file_of(model: Any) -> bytes:
    """The network as a TFLite file, with weights of 16 bits."""
    import tensorflow as tf

    from export.converter import converted

    signature = tf.TensorSpec((1, SIDE, SIDE, 3), tf.float32, name="image")
    module = tf.Module()
    module.weights = [variable.value for variable in model.variables]  # tracked, so that they are saved
    function = tf.function(lambda image: {"correction": model(image, training=False)}, [signature], autograph=False)
    return converted(module, {"framing_net": function}, halved=True)


def train(images: ImageSet, out: Path, steps: int, seed: int) -> None:
    """Train, and write the TFLite file, whose weights are float16."""
    import keras

    from lomit_tf.runtime import litert

    keras.utils.set_random_seed(seed)
    pictures = np.stack([images.read(i) for i in range(len(images))])
    model = network()
    rate = keras.optimizers.schedules.CosineDecay(0.0, steps, warmup_target=RATE, warmup_steps=min(300, steps // 10))
    model.compile(keras.optimizers.Adam(rate, use_ema=True, ema_momentum=0.998), keras.losses.Huber(), jit_compile=True)

    class Batches(keras.utils.PyDataset):
        def __len__(self) -> int:
            return steps

        def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
            return batch(pictures, (seed, index))

    model.fit(Batches(workers=1, max_queue_size=8), verbose=1)
    out.write_bytes(file_of(model))
    parts, targets = batch(pictures, (seed + 1, 0))
    run = litert.interpreter(model_path=str(out)).get_signature_runner()
    lite = np.concatenate([run(image=one[None])["correction"] for one in parts])
    kept = np.abs(lite - model.predict(parts, verbose=0)).max()
    print(json.dumps({"file": str(out), "bytes": out.stat().st_size, "tflite_difference": round(float(kept), 5),
                      "error": [round(float(e), 4) for e in np.abs(lite - targets).mean(axis=0)]}))  # fmt: skip


def measure(images: ImageSet, smiles: np.ndarray, count: int) -> None:
    """Print how near the windows of found faces come to the crop, before and after each look of the network: the mean
    and the standard deviation of their side, and the mean of its angle (degrees) and centre (sides of the crop)."""
    rows: list[list[tuple[complex, complex]]] = []
    seen = []
    for i in range(min(count, len(images))):
        image = images.read(i)
        faces = find(image)
        if not faces:
            continue
        middle = complex(image.shape[1] - 1, image.shape[0] - 1) / 2
        made = [crop_around(faces[0].points)]
        look, framing_network.LOOKS = Look(image), 1
        for _ in range(3):
            made.append(framing_network.corrected(look, *made[-1]))
        rows.append([(turn / CELEBA_CROP, (centre - middle) / CELEBA_CROP) for turn, centre in made])
        seen.append(bool(smiles[i]))
    smiling = np.array(seen)
    for looks, framed in enumerate(zip(*rows, strict=True)):
        turn, centre = np.array(framed).T
        size, right = np.abs(turn), np.abs(np.abs(turn) - 1) < 0.05
        row = {
            "size": np.exp(np.log(size).mean()), "spread": np.log(size).std(), "size_smiling": size[smiling].mean(),
            "size_others": size[~smiling].mean(), "within_5_percent": right.mean(),
            "angle": np.degrees(np.abs(np.angle(turn))).mean(), "centre": np.abs(centre).mean(),
        }  # fmt: skip
        shown = {name: round(float(value), 4) for name, value in row.items()}
        print(json.dumps({"looks": looks, "faces": len(framed), **shown}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("train", "measure"))
    parser.add_argument("data_dir", help="folder of CelebA's files, as of configs/celeba.cfg")
    parser.add_argument("--out", type=Path, default=Path("framing.tflite"), help="train: the file to write")
    parser.add_argument("--network", type=Path, help="measure: another file than the one that ships")
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--count", type=int, default=500, help="measure: how many images")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    for name, least in (("steps", 10), ("count", 20)):
        if getattr(given, name) < least:
            parser.error(f"--{name} must be at least {least}; received {getattr(given, name)}")
    if given.command == "train" and not given.out.absolute().parent.is_dir():
        parser.error(f"--out={given.out}: there is no folder {given.out.absolute().parent}; make it first")
    if given.command == "train" and given.out.exists():
        parser.error(f"--out={given.out} is there already; give another file")
    if given.network and not given.network.is_file():
        parser.error(f"--network={given.network}: there is no such file")
    data = DataConfig(dataset="celeb_a", data_dir=given.data_dir, attributes=("Smiling",))
    try:
        images = open_set(data, "train" if given.command == "train" else "validation")
    except DataError as error:
        raise SystemExit(str(error)) from None
    if given.command == "train":
        train(images, given.out, given.steps, given.seed)
        return
    if given.network:
        framing_network.NETWORK = given.network
    measure(images, images.labels[:, 0] > 0, given.count)


if __name__ == "__main__":
    main()
