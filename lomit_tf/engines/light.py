"""A model's networks on LiteRT, from its weights and a graph that came along: starts in a tenth of TensorFlow's time.

`graph.npz` beside a model's weights holds the networks as a TFLite file in which every weight is 0, and where each
variable of `generator.npz` belongs in it. So the weights are shipped once, and what LiteRT runs is always made of them.
The graph depends on the architecture alone; `python -m export.light` writes it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import threading
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from lomit_tf.config import LomitConfig
from lomit_tf.engines.outline import Outline, Painting
from lomit_tf.runtime import litert

GRAPH = "graph.npz"
FORMAT = 1  # of graph.npz; another one is not read
SIGNATURES = ("masks", "styles", "paint")


class GraphError(ValueError):
    """A graph that is damaged, or does not belong to the weights beside it."""


@dataclasses.dataclass(frozen=True)
class Graph:
    """A TFLite file without its weights.

    Attributes:
      content: (n,) uint8, with zeros where weights belong.
      offsets: (N,) int64, the first byte of each of the model's N variables in it.
      sizes: (N,) int64, how many float32 each has.
      turned: (N,) bool, whether its last axis comes first there (TFLite's kernels have the outputs first).
      architecture: what `architecture` gave for the model that it was made for.
    """

    content: np.ndarray
    offsets: np.ndarray
    sizes: np.ndarray
    turned: np.ndarray
    architecture: str

    def to_bytes(self) -> bytes:
        """As `graph.npz`."""
        buffer = io.BytesIO()
        arrays = {f.name: np.asarray(getattr(self, f.name)) for f in dataclasses.fields(self)}
        np.savez_compressed(buffer, format=np.int64(FORMAT), **arrays)  # type: ignore[arg-type]
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Graph:
        """What `to_bytes` gave. Raises GraphError for anything else."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                if int(arrays["format"]) != FORMAT:
                    raise GraphError(f"of format {int(arrays['format'])}; this version reads {FORMAT}")
                values = {f.name: arrays[f.name] for f in dataclasses.fields(cls)}
        except GraphError:
            raise
        except (OSError, KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise GraphError(f"damaged ({type(error).__name__})") from error
        return cls(**values | {"architecture": str(values["architecture"])})

    def filled(self, weights: Sequence[np.ndarray]) -> bytes:
        """The TFLite file with these weights, in the order of the generator's variables.

        Raises GraphError where there are more or fewer, or one has another size.
        """
        if [w.size for w in weights] != self.sizes.tolist():
            raise GraphError(f"made for {len(self.sizes)} variables of other sizes; received {len(weights)}")
        if not all(
            0 <= start <= len(self.content) - 4 * w.size for start, w in zip(self.offsets, weights, strict=True)
        ):
            raise GraphError("damaged (weights beyond its end)")
        file = self.content.copy()
        for start, turned, value in zip(self.offsets.tolist(), self.turned.tolist(), weights, strict=True):
            content = np.ascontiguousarray(np.moveaxis(value, -1, 0) if turned else value, "<f4").reshape(-1)
            file[start : start + content.nbytes] = content.view(np.uint8)
        return file.tobytes()


def architecture(config: LomitConfig) -> str:
    """A digest of everything in a configuration that the networks of a translation depend on."""
    chosen = {
        field.name: value
        for field in dataclasses.fields(config.model)
        if (value := getattr(config.model, field.name)) != field.default and not field.name.startswith("critic_")
    }  # without defaults, so that a setting which is added later changes no digest
    chosen.pop("colour_groups", None)  # their names do not matter
    chosen.pop("connected_groups", None)  # what is made of the masks is no part of the networks
    chosen.pop("competing_groups", None)
    chosen.pop("unfiltered_groups", None)
    parts = {
        "size": config.data.image_size, "groups": len(config.data.group_labels), "coloured": config.colour_indices,
        "model": chosen,
    }  # fmt: skip
    if config.unfiltered_indices:
        parts["unfiltered"] = config.unfiltered_indices
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class LightInference:
    """`outline.Networks` on LiteRT, image after image.

    Args:
      outline: of the model.
      file: of `Graph.filled`.

    Raises GraphError for a file that LiteRT does not take.
    """

    def __init__(self, outline: Outline, file: bytes) -> None:
        self.outline = outline
        self._lock = threading.Lock()
        try:
            # One thread: the networks take 15 ms, and so there are no threads that a forked process would miss.
            interpreter = litert.interpreter(model_content=file, num_threads=1)
            self._runners: dict[str, Callable[..., dict[str, np.ndarray]]] = {
                name: interpreter.get_signature_runner(name) for name in SIGNATURES
            }
        except (RuntimeError, ValueError) as error:
            raise GraphError(" ".join(str(error).split())) from error

    def _run(self, signature: str, **arrays: np.ndarray) -> dict[str, np.ndarray]:
        """One image's arrays, without the axis B, in and out."""
        given = {name: np.ascontiguousarray(array[None], np.float32) for name, array in arrays.items()}
        with self._lock:
            return {name: np.array(value[0]) for name, value in self._runners[signature](**given).items()}

    def masks(self, images: np.ndarray) -> np.ndarray:
        """As `outline.Networks`."""
        return np.stack([self._run("masks", image=image)["masks"] for image in images])

    def styles(self, images: np.ndarray, masks: np.ndarray) -> np.ndarray:
        """As `outline.Networks`."""
        pairs = zip(images, masks, strict=True)
        return np.stack([self._run("styles", image=image, masks=mask)["styles"] for image, mask in pairs])

    def paint(self, images: np.ndarray, masks: np.ndarray, styles: np.ndarray, transfer: np.ndarray) -> list[Painting]:
        """As `outline.Networks`."""
        each = zip(images, masks, styles, transfer, strict=True)
        return [Painting(m, **self._run("paint", image=i, masks=m, styles=s, transfer=t)) for i, m, s, t in each]

    def translate(self, images: np.ndarray, styles: np.ndarray, transfer: np.ndarray) -> list[Painting]:
        """As `outline.Networks`."""
        return self.paint(images, self.masks(images), styles, transfer)


def load(folder: Path, config: LomitConfig, weights: Sequence[np.ndarray]) -> LightInference:
    """The networks of a folder with a graph beside its weights.

    Args:
      folder: with `graph.npz`.
      config, weights: what the folder's manifest and weights say.

    Raises GraphError, naming the file, where the graph is missing, damaged, or of another architecture.
    """
    path = folder / GRAPH
    try:
        graph = Graph.from_bytes(path.read_bytes())
        if graph.architecture != architecture(config):
            raise GraphError("made for another architecture")
        return LightInference(Outline.of(config), graph.filled(weights))
    except OSError as error:
        raise GraphError(f"{path}: {error.strerror or error}") from error
    except GraphError as error:
        raise GraphError(f"{path}: {error}") from error
