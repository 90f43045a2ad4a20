"""Smiles taken over in photographs as people give them: by faces that are found, and not framed as in training.

    python tools/smiles_in_photographs.py --data_dir=/path/to/celeba --split=validation MODEL [MODEL ...]

CelebA's aligned images are taken for photographs. Of those with and of those without a smile, by their labels, half of
--pairs each is drawn by --seed, and the n-th of the one is translated after the n-th of the other. A translation
succeeds if CelebA's own crop of the result shows the exemplar's label to a classifier. Each model is measured twice:
`found`, where the window is that of the face that is found, and `crop`, where it is the crop of training, which no
photograph of a person's comes with. Where the size of found windows goes along with the smile, a model that was
trained on aligned faces alone takes the one for the other, and the two differ. A line of JSON each.
"""

from __future__ import annotations

import argparse
import json

import numpy as np

from lomit_tf.config import ConfigError, DataConfig
from lomit_tf.data.image_set import DataError
from lomit_tf.data.preprocess import preprocess
from lomit_tf.data.sources import open_set
from lomit_tf.evaluation.metrics.attribute_classifier import AttributeClassifier
from lomit_tf.imaging.celeba_framing import CELEBA_CROP
from lomit_tf.photos.translator import Translator

LABEL, GROUP, CLASSIFIER, SIZE = "Smiling", "smile", "celeba_classifier", 128
WIDTH, HEIGHT = 178, 218  # of CelebA's aligned images
FRAMINGS = {"found": "face", "crop": f"0,{(HEIGHT - CELEBA_CROP) // 2},{CELEBA_CROP},{CELEBA_CROP}"}


def pairs(smiles: np.ndarray, count: int, seed: int) -> list[tuple[int, int]]:
    """(image, exemplar) of `count` pairs, of which the first half takes a smile away."""
    rng = np.random.default_rng(seed)
    with_one, without = (rng.permutation(np.flatnonzero(smiles == value))[: count // 2] for value in (1, 0))
    least = min(len(with_one), len(without))
    away = list(zip(with_one[:least].tolist(), without[:least].tolist(), strict=True))
    return away + [(image, exemplar) for exemplar, image in away]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL", help="shipped weights by name, workdirs or checkpoints")
    parser.add_argument("--data_dir", required=True, help="folder of CelebA's files, as of configs/celeba.cfg")
    parser.add_argument("--split", choices=("train", "validation", "test"), default="train", help="train to choose by")
    parser.add_argument("--pairs", type=int, default=120, help="an even number")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--strength", type=float, default=1.0, help="of the change, as of lomit-translate")
    given = parser.parse_args()
    if given.pairs < 2 or given.pairs % 2:
        parser.error(f"--pairs must be even and at least 2; received {given.pairs}")
    try:
        images = open_set(DataConfig(dataset="celeb_a", data_dir=given.data_dir, attributes=(LABEL,)), given.split)
        translators = {name: Translator(name, log_notes=False) for name in given.models}
    except (ConfigError, DataError) as error:
        raise SystemExit(str(error)) from None
    for name, translator in translators.items():
        if GROUP not in translator.groups:
            raise SystemExit(f"{name} has no group {GROUP}, but {', '.join(translator.groups)}; name another model")
    drawn = pairs(images.labels[:, 0], given.pairs, given.seed)
    photographs = {i: images.read(i) for pair in drawn for i in pair}
    classifier = AttributeClassifier.load(CLASSIFIER)
    column = classifier.label_names.index(LABEL)
    away = len(drawn) // 2

    def report(name: str, framing: str, made: list[np.ndarray]) -> None:
        seen = np.stack([np.asarray(preprocess(one, CELEBA_CROP, SIZE)) for one in made]).astype(np.float32)
        hit = (classifier.predict(seen)[:, column] > 0.5) == (np.arange(len(drawn)) >= away)
        change = np.mean(
            [np.abs(np.int16(one) - photographs[i]).mean() for one, (i, _) in zip(made, drawn, strict=True)]
        )
        row = {"model": name, "framing": framing, "pairs": len(drawn), "success": hit.mean(), "away": hit[:away].mean()}
        row |= {"on": hit[away:].mean(), "change": change / 255}
        print(
            json.dumps({k: round(float(v), 4) if isinstance(v, np.floating) else v for k, v in row.items()}), flush=True
        )

    report("untouched", "-", [photographs[i] for i, _ in drawn])
    for name, translator in translators.items():
        for framing, crop in FRAMINGS.items():
            made = []
            for image, exemplar in drawn:
                like = translator.encode_exemplar(photographs[exemplar], crop=crop)
                asked = translator.request(photographs[image], None, [GROUP], given.strength, crop=crop, exemplar=like)
                (result,) = translator.translate_batch([asked])
                made.append(np.asarray(result.image))
            report(name, framing, made)


if __name__ == "__main__":
    main()
