"""Which groups a translation changes: those asked for, of which the exemplar and the photograph have something.

A model's masks of lips or smiles are somewhere in any picture. Where a face was looked for and none was found, they say
nothing, and these groups stay as they are, but for those that a person marked.
"""

from __future__ import annotations

from collections.abc import Container, Sequence

import numpy as np

from lomit_tf.imaging.formats import ImageError
from lomit_tf.photos.swatches import chosen_groups
from lomit_tf.photos.translation import Exemplar, FramedPhoto


def left_out(framed: FramedPhoto, given: Container[str], parts: Sequence[str]) -> tuple[str, ...]:
    """Of the groups that only faces have, those that nobody marked in a photograph without a face."""
    return tuple(group for group in parts if framed.faceless and group not in given)


def check_exemplar(exemplar: object, names: Sequence[str], style_size: int) -> None:
    """Raise ImageError for what is no exemplar, or one that another model encoded, whose styles mean something else."""
    if not isinstance(exemplar, Exemplar):
        made = "pass what encode_exemplar or encode_colour gave, or call set_exemplar(image) before"
        raise ImageError(f"exemplar: received {type(exemplar).__name__}; {made}")
    if tuple(exemplar.masks) != tuple(names) or exemplar.styles.shape != (len(names), style_size):
        raise ImageError(
            f"exemplar: another model encoded it, with the groups {', '.join(exemplar.masks)} and styles of "
            f"{exemplar.styles.shape[-1]} numbers; this one has {', '.join(names)} and {style_size}: encode it again"
        )


def transfer(
    framed: FramedPhoto, exemplar: Exemplar, given: Container[str], names: Sequence[str],
    asked: Sequence[str] | str | None, parts: Sequence[str],
) -> tuple[np.ndarray, tuple[str, ...]]:  # fmt: skip
    """(G,) float32, 1 for each group to change, and notes about those that are asked for and cannot be.

    Args:
      framed, exemplar: the photograph and its exemplar.
      given: names of the groups that a person marked in the photograph.
      names: of the model's G groups.
      asked: as of `chosen_groups`, which also says what it raises.
      parts: names of the groups that only faces have.
    """
    chosen = chosen_groups(names, asked)
    notes: list[str] = []
    not_taken: list[str] = []
    for i, group in enumerate(names):
        if not chosen[i] or exemplar.styles[i].any():
            continue
        chosen[i] = 0  # as core.without_empty leaves it
        if exemplar.colour:
            if asked is not None or group in exemplar.colourable:
                notes.append(f"the colour {exemplar.colour} is not set for {group}: it stays as it is")
        elif group in exemplar.left_out:
            not_taken.append(group)
        else:
            notes.append(f"the exemplar's mask of {group} is empty: nothing of it is transferred")
    if not_taken:
        notes.append(f"exemplar: without a face nothing of {', '.join(not_taken)} is taken from it")
    kept = [group for group in left_out(framed, given, parts) if chosen[names.index(group)]]
    if kept:
        chosen[[names.index(group) for group in kept]] = 0
        notes.append(f"without a face nothing changes of {', '.join(kept)}; a mask says where it is, or a crop")
    return chosen, tuple(notes)


__all__ = ["check_exemplar", "left_out", "transfer"]
