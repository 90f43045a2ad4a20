"""How far a run of six steps of some methods is from one that went on after its checkpoint of step 4, as JSON.

Run as a process of its own, since sums have one order only where TensorFlow has not run before: `--deterministic`.

    python tests/helpers/resumed_run.py FOLDER METHODS
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from lomit_tf.data.pairs import training_pairs
from lomit_tf.data.sources import open_set
from lomit_tf.training import loop as training
from lomit_tf.training.checkpoint_files import read
from lomit_tf.training.checkpoints import assign
from tests.helpers.baselines_sizes import tiny_config

STEPS, STOPPED = 6, 4  # beyond phase 1 of AGGAN, with rates that fall and its pool full


def distances(method: str, folder: Path) -> dict[str, dict[str, float]]:
    """Greatest difference of each part of a checkpoint: of the run that went on, and of one with other pairs."""
    config = tiny_config(
        method, steps=STEPS, train_images=24, checkpoint_every=2, keep_checkpoints=4, deterministic=True
    )
    kept: list[Any] = []
    compiled = training.make_step

    def make_step(strategy: Any, model: Any) -> Any:
        found = compiled(strategy, model)
        kept.extend((model, training.logged(found)))
        return found

    training.make_step = make_step
    training.train(config, folder, draw=False)
    training.make_step = compiled
    model, step = kept[0], kept[1]

    def arrays(number: int, first: int) -> dict[str, list[np.ndarray]]:
        """What a checkpoint holds after going on from step `number` to the end, with the pairs from step `first` on."""
        path = folder / "checkpoints" / f"step-{number}.npz"
        assign(model.checkpoint_parts(), read(path), path)
        t = config.training
        pairs = training_pairs(
            open_set(config.data, "train"), config.data, batch_size=t.batch_size, n_critic=t.n_critic, num_groups=1,
            seed=t.seed, start_step=first,
        )  # fmt: skip
        for _, element in zip(range(number, STEPS), pairs.dataset, strict=False):
            step(element)
        return {name: [np.asarray(v).copy() for v in part] for name, part in model.checkpoint_parts().items()}

    def furthest(found: dict[str, list[np.ndarray]]) -> dict[str, float]:
        return {
            name: max(
                (float(np.abs(np.float64(x - y)).max()) for x, y in zip(part, whole[name], strict=True)), default=0.0
            )
            for name, part in found.items()
        }

    whole = arrays(STEPS, STEPS)
    return {"resumed": furthest(arrays(STOPPED, STOPPED)), "other pairs": furthest(arrays(STOPPED, STOPPED - 1))}


def main(folder: Path, *methods: str) -> None:
    # Not compiled, which would take longer than these few steps; nothing is kept in a trace that a step changes.
    tf.config.run_functions_eagerly(True)
    print(json.dumps({method: distances(method, folder / method) for method in methods}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
