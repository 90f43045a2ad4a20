"""What computes a model's networks: TensorFlow, or LiteRT, which starts in a tenth of the time.

`auto` takes LiteRT for models that come with a graph for it (all shipped ones), and TensorFlow for everything else:
runs and checkpoints, models that are already loaded, and where LiteRT or a usable graph is missing.
"""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING

from absl import logging

from lomit_tf import zoo
from lomit_tf.config import ConfigError
from lomit_tf.engines import light
from lomit_tf.engines.outline import Networks
from lomit_tf.runtime.forks import check_fork
from lomit_tf.runtime.quiet import import_tensorflow

if TYPE_CHECKING:
    from lomit_tf.model import Lomit

ENGINES = ("auto", "litert", "tensorflow")


class NoGraphError(light.GraphError):
    """A model that never had a graph for LiteRT, or no LiteRT."""


def networks_of(model_or_name: Lomit | str | os.PathLike[str], engine: str = "auto") -> Networks:
    """A model's networks, ready for photographs.

    Args:
      model_or_name: a Lomit, or what `zoo.load` takes.
      engine: one of ENGINES.

    Raises:
      ConfigError: there is no such model; an unknown engine; litert for a model that LiteRT cannot run.
      ForkedError: TensorFlow had worked in the process that this one was forked from.
    """
    if engine not in ENGINES:
        raise ConfigError(f"engine must be one of {', '.join(ENGINES)}; received {engine!r}")
    check_fork()
    if not isinstance(model_or_name, (str, os.PathLike)) and not hasattr(model_or_name, "config"):
        raise ConfigError(f"model: expected a name, folder or Lomit; received {type(model_or_name).__name__}")
    name = os.fspath(model_or_name) if isinstance(model_or_name, (str, os.PathLike)) else None
    if engine != "tensorflow":
        try:
            return _light(name)
        except light.GraphError as error:
            if engine == "litert":
                raise ConfigError(f"engine litert: {error}; use tensorflow, or auto") from error
            if not isinstance(error, NoGraphError):
                anew = f"python -m export.light {name} writes it anew"
                logging.warning("%s; TensorFlow is used, which takes longer; %s", error, anew)
    return _whole(model_or_name)


def _light(name: str | None) -> Networks:
    """On LiteRT. Raises NoGraphError where that cannot be, and GraphError for a damaged graph."""
    if name is None:
        raise NoGraphError("a Lomit object runs on TensorFlow; give its name or folder")
    if importlib.util.find_spec("ai_edge_litert") is None:
        raise NoGraphError("ai-edge-litert is not installed")
    folder = zoo.folder_of(name)
    if folder is None or not (folder / light.GRAPH).is_file():
        zoo.config_of(name)  # which says where there is no such model at all
        raise NoGraphError(f"{name} has no {light.GRAPH}; python -m export.light FOLDER writes one beside weights")
    return light.load(folder, *zoo.read_folder(folder))


def _whole(model_or_name: Lomit | str | os.PathLike[str]) -> Networks:
    """On TensorFlow."""
    import_tensorflow()
    import lomit_tf
    from lomit_tf import inference

    if isinstance(model_or_name, (str, os.PathLike)):
        return inference.Inference(lomit_tf.load(model_or_name))
    return inference.Inference(model_or_name)
