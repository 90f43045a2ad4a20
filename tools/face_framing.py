"""Measure how CelebA's 178 px centre crop lies around the box of the face detector that translation uses.

    python tools/face_framing.py ../shared/data/celeba/img_align_celeba [how_many]

lomit_tf/imaging/framing.py holds the two medians, as SIDE_OF_BOX and UP_OF_BOX.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from lomit_tf.data.preprocess import decode
from lomit_tf.imaging.framing import CELEBA_CROP, face_window, find_faces


def main(folder: str, count: int = 500) -> None:
    """Print found faces, the two ratios, and how far the framing that follows is from the crop."""
    paths = sorted(Path(folder).glob("*.jpg"))[:count]
    ratios, misses, several = [], 0, 0
    windows = []
    for path in paths:
        image = decode(path)
        boxes = find_faces(image)
        misses, several = misses + (not boxes), several + (len(boxes) > 1)
        if boxes:
            left, top, width, height = boxes[0]
            middle_x, middle_y = image.shape[1] / 2, image.shape[0] / 2
            x, y = left + width / 2, top + height / 2
            ratios.append([CELEBA_CROP / width, (y - middle_y) / width, (x - middle_x) / width])
            window = face_window(boxes[0])
            windows.append(
                [window.width, window.left + window.width / 2 - middle_x, window.top + window.height / 2 - middle_y]
            )
    side, up, right = np.median(ratios, axis=0)
    print(f"{len(paths)} images: no face in {misses}, several in {several}")
    spread = np.percentile(np.array(ratios)[:, 0], [5, 95]).round(3)
    print(f"crop side / box width: median {side:.3f}; 5 % to 95 %: {spread}")
    print(f"box centre below crop centre, in box widths: {up:.3f}; to the right of it: {right:.3f}")
    print(
        f"side of the window that framing.py makes: median {np.median(windows, axis=0)[0]:.0f} px of {CELEBA_CROP}; its"
    )
    print(f"centre is off by (median of the magnitude) {np.median(np.abs(windows), axis=0)[1:].round(1)} px")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:3]))
