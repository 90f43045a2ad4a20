"""Graphs for LiteRT beside weights: `python -m export.light [NAME or FOLDER ...]`.

Writes `graph.npz` (lomit_tf/engines/light.py says what it holds) into each folder. It depends on the architecture
alone, not on the weights, so it is made again only when code or sizes of the networks change.

Exit codes: 0 done; 2 a name that is no folder of weights, or flags that cannot be used.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence

from lomit_tf import zoo
from lomit_tf.commands import Command, FlagSet
from lomit_tf.config import ConfigError, option

INTRO = """\
Write the graphs by which LiteRT runs models, so that lomit-translate starts without TensorFlow.

  python -m export.light
      of all shipped weights, after a change of the networks' code
  python -m export.light FOLDER
      of your own weights, in a folder that lomit_tf.zoo.save_folder wrote"""


@dataclasses.dataclass(frozen=True)
class Options:
    """Which weights."""

    folder: tuple[str, ...] = option(
        (), "shipped weights by name, or a folder of weights, with or without --folder= before it", repeated=True
    )


FLAGS = FlagSet(Options, INTRO, words="folder")


def run(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code (see the module)."""
    return COMMAND.run(argv)


def _check(options: Options) -> None:
    for name in options.folder:
        if zoo.folder_of(name) is None:
            raise ConfigError(f"{name} is neither shipped weights ({', '.join(zoo.names())}) nor a folder of weights")
        zoo.config_of(name)


def _write(options: Options) -> None:
    import lomit_tf
    from export.light_graph import graph_of
    from lomit_tf.engines.light import GRAPH
    from lomit_tf.runtime.atomic import write_bytes

    for name in options.folder or zoo.names():
        folder = zoo.folder_of(name)
        assert folder is not None  # `_check` has seen to it
        data = graph_of(lomit_tf.load(folder)).to_bytes()
        write_bytes(folder / GRAPH, data)
        print(f"{folder / GRAPH}: {len(data):,} bytes", flush=True)


COMMAND = Command("export.light", FLAGS.help_text, FLAGS.parse, _write, check=_check)

if __name__ == "__main__":
    sys.exit(run())
