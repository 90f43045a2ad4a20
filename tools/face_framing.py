"""Fit and measure how CelebA's 178 px centre crop lies around the faces that are found in its aligned images.

    python tools/face_framing.py /path/to/celeba/img_align_celeba [how_many]

Three quarters of the images, each with its mirror image, give the constants of lomit_tf/imaging/celeba_framing.py,
which are printed as they stand there; the last quarter says how near the windows of framing.py come to the crop with
the constants that are in use, and with the printed ones.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from lomit_tf.data.preprocess import decode
from lomit_tf.imaging.celeba_framing import CELEBA_CROP, crop_around
from lomit_tf.imaging.faces import MIRRORED, find

PENALTY = 1e-4  # of the regression, so that points which move together share their weight
ROUNDS, OUTLIER = 8, 2.5  # of reweighting: errors above so many medians count less


def normalised(paths: list[Path]) -> tuple[np.ndarray, int, int]:
    """Points of the largest face of each image, (N, 6) complex in the crop's coordinates -1/2..1/2; images without a
    face, and with several."""
    found, misses, several = [], 0, 0
    for path in paths:
        image = decode(path)
        faces = find(image)
        misses, several = misses + (not faces), several + (len(faces) > 1)
        if faces:
            middle = (np.array([image.shape[1], image.shape[0]]) - 1) / 2
            x, y = ((faces[0].points - middle) / CELEBA_CROP).T
            found.append(x + 1j * y)
    return np.array(found), misses, several


def fit(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """SHAPE (6, 2) and CORRECTION (13, 4) of points in the crop's coordinates, which its mirror image shares."""
    both = np.concatenate([points, -np.conj(points)[:, MIRRORED]])
    shape = np.median(both.real, axis=0) + 1j * np.median(both.imag, axis=0)
    from_mean = shape - shape.mean()
    a = (both - both.mean(axis=1, keepdims=True)) @ from_mean.conj() / (np.abs(from_mean) ** 2).sum()
    b = both.mean(axis=1) - a * shape.mean()
    left = (both - b[:, None]) / a[:, None] - shape
    features = np.concatenate([left.real, left.imag, np.ones((len(left), 1))], axis=1)
    turn, centre = np.log(1 / a), -b / a
    targets = np.stack([turn.real, turn.imag, centre.real, centre.imag], axis=1)
    penalty = PENALTY * len(both) * 0.01 * np.diag([1.0] * 12 + [0.0])
    weights, correction = np.ones(len(both)), np.zeros((13, 4))
    for _ in range(ROUNDS):
        weighted = features * weights[:, None]
        correction = np.linalg.solve(weighted.T @ features + penalty, weighted.T @ targets)
        errors = np.abs(targets - features @ correction)
        weights = 1 / np.maximum(1, (errors / np.median(errors, axis=0)).max(axis=1) / OUTLIER)
    return np.stack([shape.real, shape.imag], axis=1), correction


def measure(name: str, points: np.ndarray, *constants: np.ndarray) -> None:
    """Print how near the windows around faces come to the crop."""
    framed = [crop_around(CELEBA_CROP * np.stack([z.real, z.imag], axis=1), *constants) for z in points]
    turn, centre = np.array(framed).T / CELEBA_CROP
    off, size, angle = np.abs(centre), np.abs(np.abs(turn) - 1), np.degrees(np.abs(np.angle(turn)))
    print(
        f"{name}: centre within 5 % of the side {np.mean(off < 0.05):.1%} (median {np.median(off):.2%}), size within "
        f"5 % {np.mean(size < 0.05):.1%} (median {np.median(size):.2%}), angle within 3 degrees "
        f"{np.mean(angle < 3):.1%} (median {np.median(angle):.2f}); mean size {np.mean(np.abs(turn)):.3f}"
    )


def main(folder: str, count: int = 1000) -> None:
    """Print the constants, found faces, and how far the framing that follows is from the crop."""
    paths = sorted(Path(folder).glob("*.jpg"))[:count]
    points, misses, several = normalised(paths)
    print(f"{len(paths)} images: no face in {misses}, several in {several}")
    learn = len(points) * 3 // 4
    shape, correction = fit(points[:learn])
    print("SHAPE =", np.array2string(shape, separator=", ", precision=4, suppress_small=True))
    print("CORRECTION =", np.array2string(correction, separator=", ", precision=4, suppress_small=True))
    measure("in use", points[learn:])
    measure("as printed", points[learn:], shape, correction)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="of CelebA's aligned images, *.jpg")
    parser.add_argument("count", type=int, nargs="?", default=1000, help="how many of them")
    given = parser.parse_args()
    if not any(Path(given.folder).glob("*.jpg")):
        parser.error(f"{given.folder}: there is no *.jpg; name the folder of CelebA's aligned images")
    main(given.folder, given.count)
