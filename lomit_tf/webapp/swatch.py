"""A colour as an exemplar: what the session asks of a Picture, without masks to paint."""

from __future__ import annotations

from typing import Any

import numpy as np

from lomit_tf.imaging import colours
from lomit_tf.photos.translator import Exemplar, Translator
from lomit_tf.webapp import mask_edits
from lomit_tf.webapp.photograph import EDITOR_SIDE


class Swatch:
    """A colour that a person picked, for one group.

    Attributes:
      name: the colour as #rrggbb, with the group where the model has several that take colours.
      group: the group that gets it.
      rgb: a square of it, (64, 64, 3) uint8.
      found: {}; it has no masks.
      size: height and width at which the page shows it.
      version: 0; it never changes.
    """

    version = 0
    size = (EDITOR_SIDE, EDITOR_SIDE)

    def __init__(self, translator: Translator, colour: str, group: str = "") -> None:
        """Take a colour, as `colours.parse` reads it, for a group; for the first one that takes colours, if it cannot.

        Raises ImageError for a colour that cannot be read, and for a model without groups that take colours.
        """
        code = "#{:02x}{:02x}{:02x}".format(*colours.parse(colour))
        able = translator.colour_groups
        self._exemplar = translator.encode_colour(code, [group] if group in able else None)
        self.group = group if group in able else able[0]
        self.name = f"{code} ({self.group})" if len(able) > 1 else code
        self.rgb = self._exemplar.photo.rgb
        self.found: dict[str, np.ndarray] = {}

    def encoded(self, translator: Translator) -> Exemplar:
        """Its style."""
        return self._exemplar

    def for_browser(self, group: str) -> dict[str, Any]:
        """As of `Picture.for_browser`, without mask, and marked as `plain`: there is nothing to paint on."""
        empty = mask_edits.layer_url(np.zeros(self.size, np.uint8))
        return {
            "picture": mask_edits.picture_url(mask_edits.resized(self.rgb, self.size)),
            "mask": empty,
            "found": empty,
            "plain": True,
        }

    def paint(self, group: str, layer: np.ndarray) -> bool:
        """Nothing; False."""
        return False

    def masks(self, *, full: bool) -> None:
        """None: nobody painted any."""
        return None
