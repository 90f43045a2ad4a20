"""What the server computes: names, types and shapes, as in the exported SavedModel. Imports no TensorFlow.

S is the model's image size, G its attribute groups, D the length of a style. The leading batch axis is not written.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

Dtype = Literal["DT_STRING", "DT_FLOAT"]
METHOD = "tensorflow/serving/predict"


@dataclasses.dataclass(frozen=True)
class Tensor:
    """One input or output of a signature.

    Attributes:
      shape: of one instance; -1 for an axis that is broadcast: it has the length 1 or the one of `full`.
      full: the shape after that; `shape` where empty.
      low, high: the values that are accepted, for floats.
      optional: an input that may be left out.
      extra: the exported SavedModel does not have it, so that the metadata leave it out too.
    """

    name: str
    dtype: Dtype
    shape: tuple[int, ...] = ()
    full: tuple[int, ...] = ()
    low: float = float("-inf")
    high: float = float("inf")
    optional: bool = False
    extra: bool = False

    def described(self, signature: str) -> dict[str, Any]:
        """The TensorInfo of TensorFlow Serving's metadata; sizes are strings there."""
        sizes = ("-1", *map(str, self.shape))
        return {
            "dtype": self.dtype,
            "tensor_shape": {"dim": [{"size": n, "name": ""} for n in sizes], "unknown_rank": False},
            "name": f"{signature}_{self.name}:0",
        }

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Whether an instance may have this shape."""
        if len(shape) != len(self.shape):
            return False
        sizes = zip(shape, self.shape, self.limits, strict=True)
        return all(n == full or (asked < 0 and n == 1) for n, asked, full in sizes)

    @property
    def limits(self) -> tuple[int, ...]:
        """The full shape."""
        return self.full or self.shape


@dataclasses.dataclass(frozen=True)
class Signature:
    """Inputs and outputs, in the order in which people should read them."""

    name: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    @property
    def required(self) -> tuple[Tensor, ...]:
        """The inputs that every instance must have."""
        return tuple(t for t in self.inputs if not t.optional)

    def described(self) -> dict[str, Any]:
        """The SignatureDef of TensorFlow Serving's metadata."""
        return {
            "inputs": {t.name: t.described(self.name) for t in self.inputs if not t.extra},
            "outputs": {t.name: t.described("StatefulPartitionedCall") for t in self.outputs},
            "method_name": METHOD,
        }


def signatures(
    size: int,
    groups: int,
    style_size: int,
    *,
    parts: Mapping[str, tuple[int, ...]] | None = None,
    default_exemplar: bool = False,
) -> dict[str, Signature]:
    """All signatures of a model, by name: those of export/saved_model.py, whose inputs may partly be left out here.

    Args:
      size, groups, style_size: S, G and D.
      parts: shapes of what `translate` and `apply` also give, by name: what G painted (raw), the colour groups' curves.
      default_exemplar: whether exemplars may be left out, because the server was given one.
    """
    picture, planes = (size, size, 3), (size, size, groups)

    def pixels(name: str, optional: bool = False) -> Tensor:
        return Tensor(name, "DT_FLOAT", picture, low=-1.0, high=1.0, optional=optional)

    def edit(name: str, extra: bool = False) -> Tensor:  # negative: the network's own value
        return Tensor(name, "DT_FLOAT", (-1, -1, -1), planes, high=1.0, optional=True, extra=extra)

    def masks(name: str) -> Tensor:
        return Tensor(name, "DT_FLOAT", planes)

    def encoded(name: str, optional: bool = False) -> Tensor:
        return Tensor(name, "DT_STRING", optional=optional)

    styles = Tensor("styles", "DT_FLOAT", (groups, style_size))
    several = (Tensor("transfer", "DT_FLOAT", (groups,), low=0.0, high=1.0, optional=True),) if groups > 1 else ()
    made = [Tensor(name, "DT_FLOAT", shape) for name, shape in (parts or {}).items()]
    all_of_them = (
        Signature(
            "serving_default",
            (
                encoded("image_bytes"), encoded("exemplar_bytes", default_exemplar), *several,
                edit("image_masks", extra=True), edit("exemplar_masks", extra=True),
            ),
            (encoded("translation_bytes"),),
        ),
        Signature(
            "translate",
            (
                pixels("image"), pixels("exemplar", default_exemplar),
                edit("image_masks"), edit("exemplar_masks"), *several,
            ),
            (pixels("translation"), masks("image_masks"), masks("exemplar_masks"), *made),
        ),
        Signature("masks", (pixels("image"),), (masks("masks"),)),
        Signature("encode_exemplar", (pixels("exemplar"), edit("exemplar_masks")), (styles, masks("exemplar_masks"))),
        Signature(
            "apply",
            (pixels("image"), styles, edit("image_masks"), *several),
            (pixels("translation"), masks("image_masks"), *made),
        ),
    )  # fmt: skip
    return {signature.name: signature for signature in all_of_them}
