"""Black and blond hair exchanged on CelebAMask-HQ's faces: how often a classifier sees the exemplar's colour.

    python tools/hair_exchange.py --data_dir=/path/to/celebamask --half=odd MODEL [MODEL ...]

The data set has no labels: a face counts as black- or blond-haired where the classifier says so with a probability of
at least 0.8, and gives no other hair colour as much. Every such face is translated after one of the other colour,
the n-th after the n-th, over again where there are fewer, with the first group of the model that is painted by colour
curves, through the Translator at 256 pixels. A translation succeeds
if the exemplar's colour is the most probable of the hair colours. Beside the model: the untouched faces, and the
closed-form colour map with the model's masks and with the true ones. A line of JSON each.

The classifier sees the picture as it is: CelebAMask-HQ's framing is that of the crop it was trained on.
"""

from __future__ import annotations

import json

import celebamask
import numpy as np
from PIL import Image

from lomit_tf.config import ConfigError
from lomit_tf.evaluation.metrics.attribute_classifier import AttributeClassifier
from lomit_tf.evaluation.metrics.photographs import METHODS, recoloured
from lomit_tf.photos.translator import Translator

HAIR, SIZE = 13, 256
COLOURS = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair")
EXCHANGED = ("Black_Hair", "Blond_Hair")
SURE = 0.8
LEAST = 0.01  # of the picture: with less hair a face is left out
CLASSIFIER = "celeba_classifier"


def hair_colours(classifier: AttributeClassifier, pictures: list[np.ndarray]) -> np.ndarray:
    """Probabilities (N, 4) of COLOURS."""
    columns = [classifier.label_names.index(name) for name in COLOURS]
    return classifier.predict(np.stack(pictures).astype(np.float32) / 127.5 - 1)[:, columns]


def partners(found: np.ndarray) -> list[tuple[int, int, int]]:
    """Of probabilities (N, 4): face, exemplar, and the place in COLOURS of the exemplar's, for both directions."""
    one, other = (COLOURS.index(name) for name in EXCHANGED)
    pairs = []
    for own, colour in ((one, other), (other, one)):
        faces, exemplars = (np.flatnonzero((found[:, c] >= SURE) & (found.argmax(axis=1) == c)) for c in (own, colour))
        if len(exemplars):
            pairs += [(int(face), int(exemplars[n % len(exemplars)]), colour) for n, face in enumerate(faces)]
    return pairs


def main() -> None:
    given, paths = celebamask.asked(__doc__)
    try:
        translators = {name: Translator(name, log_notes=False) for name in given.models}
    except ConfigError as error:
        raise SystemExit(str(error)) from None
    for name, translator in translators.items():
        if not translator.colour_groups:
            raise SystemExit(f"{name} has no group that is painted by colour curves; name another model")
    photographs, truth = [], []
    for path in paths:
        with Image.open(path) as picture, Image.open(given.data_dir / "masks" / f"{path.stem}.png") as classes:
            hair = np.asarray(classes.resize((SIZE, SIZE), Image.Resampling.NEAREST)) == HAIR
            if hair.mean() >= LEAST:
                photographs.append(np.asarray(picture.convert("RGB").resize((SIZE, SIZE), Image.Resampling.LANCZOS)))
                truth.append(hair.astype(np.float32))
    if not photographs:
        raise SystemExit(f"--data_dir={given.data_dir}: class {HAIR} of the masks, hair, is nowhere; see the docstring")
    classifier = AttributeClassifier.load(CLASSIFIER)
    pairs = partners(hair_colours(classifier, photographs))
    if not pairs:
        raise SystemExit("no face with black hair, or none with blond hair, among those asked for; take more of them")
    wanted = np.array([colour for _, _, colour in pairs])
    for name in given.models:
        translator = translators[name]
        group = translator.colour_groups[0]
        made: dict[str, list[np.ndarray]] = {method: [] for method in METHODS}
        for face, exemplar, _ in pairs:
            image, like = photographs[face], photographs[exemplar]
            encoded = translator.encode_exemplar(like)
            (result,) = translator.translate_batch([translator.request(image, None, [group], exemplar=encoded)])
            masks = result.input_masks[group], result.exemplar_masks[group]
            closed = [recoloured(image, like, *both) for both in (masks, (truth[face], truth[exemplar]))]
            for method, output in zip(METHODS, (image, result.image, *closed), strict=True):
                made[method].append(output)
        for method, pictures in made.items():
            success = hair_colours(classifier, pictures).argmax(axis=1) == wanted
            row = {"model": name, "half": given.half, "what": method, "pairs": len(pairs), "success": success.mean()}
            row |= {f"to {COLOURS[c]}": success[wanted == c].mean() for c in sorted(set(wanted.tolist()))}
            rounded = {k: round(float(v), 3) if isinstance(v, np.floating) else v for k, v in row.items()}
            print(json.dumps(rounded), flush=True)


if __name__ == "__main__":
    main()
