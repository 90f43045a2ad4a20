"""Styles of exemplars for the photographs that take them: of their faces in the light of the photograph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lomit_tf.engines.outline import Networks
from lomit_tf.imaging import light
from lomit_tf.photos.translation import Exemplar, FramedPhoto, Seen


def encode(networks: Networks, framed: FramedPhoto, masks: np.ndarray) -> tuple[np.ndarray, Seen | None]:
    """An exemplar's `styles` and `seen`, of its framed face and its masks (S, S, R) for the networks."""
    styles = networks.styles(framed.pixels[None], masks[None])[0]
    seen = networks.outline.competing and framed.window.of_face
    return styles, (framed.pixels, masks, light.of_face(framed.pixels)) if seen else None


def for_faces(networks: Networks, exemplars: Sequence[Exemplar], faces: Sequence[FramedPhoto]) -> np.ndarray:
    """The styles (N, G, D) of N exemplars, each in the light of its photograph's face: docs/method.md, eq. (10.9).

    Of a colour that a person named, and where exemplar or photograph show no face that was found, or one whose light is
    not known, they are what they were.
    """
    styles = np.stack([exemplar.styles for exemplar in exemplars])
    changed = []
    for n, (exemplar, face) in enumerate(zip(exemplars, faces, strict=True)):
        if exemplar.seen is None or not face.window.of_face:
            continue
        pixels, masks, own = exemplar.seen
        made = light.changed(pixels, own, light.of_face(face.pixels))
        if made is not pixels:
            changed.append((n, made, masks))
    if changed:
        which, pictures, masks_of = zip(*changed, strict=True)
        styles[list(which)] = networks.styles(np.stack(pictures), np.stack(masks_of))
    return styles


__all__ = ["encode", "for_faces"]
