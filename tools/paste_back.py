"""How well changes come back from a model's size to a photograph's: the numbers in docs/translate.md.

    python tools/paste_back.py /path/to/celebamask [model] [exemplar ...]

The folder has images/NAME.jpg and masks/NAME.png, where HAIR is hair. A change that is known at full size (hair made
darker, or lighter and yellower) is averaged to 64 and 16 pixels, and brought back. With a model and exemplars, the
fringes of its own changes are measured too: high frequencies of colour in the result, where the mask is above 1/2.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from lomit_tf.imaging.paste_back import TO_YCC, upsample_change, upsample_masks

HAIR, PICTURES, LEAST_HAIR = 13, 40, 0.05
FRINGE_SIGMA = 4.0  # pixels of 256: one of a model of 64


def bilinear(change: np.ndarray, guide: np.ndarray) -> np.ndarray:
    """The simplest way back."""
    return upsample_masks(change, guide.shape[:2])


def every_channel_guided(change: np.ndarray, guide: np.ndarray) -> np.ndarray:
    """Red, green and blue each through the filter, as the brightness is."""
    planes = [upsample_change(np.repeat(change[..., c : c + 1], 3, axis=-1), guide)[..., :1] for c in range(3)]
    return np.concatenate(planes, axis=-1)


WAYS = {"bilinear": bilinear, "red, green and blue guided": every_channel_guided, "used": upsample_change}


def known_changes(image: np.ndarray, hair: np.ndarray) -> list[np.ndarray]:
    """Hair made darker, and lighter and yellower: (h, w, 3) float32."""
    x, soft = image / 255, cv2.GaussianBlur(hair.astype(np.float32), (0, 0), 1.0)[..., None]
    targets = [np.clip(x * 0.45 * np.array([1, 0.9, 0.75]) ** -0.3, 0, 1), np.clip(x * 1.7 * [1, 0.9, 0.75], 0, 1)]
    return [((w - x) * soft).astype(np.float32) for w in targets]


def fringes(image: np.ndarray, mask: np.ndarray) -> float:
    """Root mean square of the high frequencies of colour of an image (h, w, 3) in 0..1, within a mask."""
    colour = cv2.transform(image.astype(np.float32), TO_YCC)[..., 1:]
    high = colour - cv2.GaussianBlur(colour, (0, 0), FRINGE_SIGMA)
    return float(np.sqrt((high[mask] ** 2).mean()))


def main(folder: Path, model: str = "", *exemplars: str) -> None:
    pairs = []
    for path in sorted((folder / "images").glob("*"))[::12][:PICTURES]:
        image = np.asarray(Image.open(path).convert("RGB"))
        hair = np.asarray(Image.open(folder / "masks" / f"{path.stem}.png")) == HAIR
        pairs.append((image, hair))
    painted = list(changes_of(model, exemplars, [image for image, _ in pairs])) if model else []
    print("way | rms error in the hair from 64 px | from 16 px | off from the small change, 64 px | fringes")
    if painted:
        print(f"the pictures themselves | | | | {np.mean([fringes(i / 255, m > 0.5) for i, _, m in painted]):.4f}")
    for name, way in WAYS.items():
        error: dict[int, list[float]] = {64: [], 16: []}
        off = []
        for image, hair in pairs:
            for change in known_changes(image, hair) if hair.mean() >= LEAST_HAIR else []:
                for size, found in error.items():
                    small = cv2.resize(change, (size, size), interpolation=cv2.INTER_AREA)
                    small = cv2.GaussianBlur(small, (0, 0), 0.6)
                    raised = way(small, image)
                    found.append(float(np.sqrt(((raised - change)[hair] ** 2).mean())))
                    if size == 64:
                        off.append(float(np.abs(upsample_masks(raised, (64, 64)) - small).mean()))
        seen = [fringes(np.clip(i / 255 + way(c, i) * m[..., None], 0, 1), m > 0.5) for i, c, m in painted]
        numbers = [*(f"{np.mean(found):.4f}" for found in error.values()), f"{np.mean(off):.4f}"]
        print(" | ".join([name, *numbers, f"{np.mean(seen):.4f}" if seen else ""]))


def changes_of(model: str, exemplars: tuple[str, ...], images: list[np.ndarray]):  # type: ignore[no-untyped-def]
    """(image, the model's change at its own size, the mask at the image's) of every image and exemplar."""
    from lomit_tf.photos.translator import Translator

    translator = Translator(model, log_notes=False)
    for exemplar in map(translator.encode_exemplar, exemplars):
        for image in images:
            request = translator.request(image, exemplar=exemplar, crop="none")
            ((painting,),) = translator.paint([request])
            change = (painting.raw - request.framed.pixels) / 2
            mask = sum(translator.masks(request.framed).values())
            if (mask > 0.5).sum() >= 200:
                yield image, change, mask


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("celebamask", type=Path, help="its folder, with images/*.jpg")
    parser.add_argument("model_and_exemplars", nargs="*", help="a model, and pictures in whose style to translate")
    given = parser.parse_args()
    if not any((given.celebamask / "images").glob("*.jpg")):
        parser.error(f"{given.celebamask}: there is no images/*.jpg")
    main(given.celebamask, *given.model_and_exemplars)
