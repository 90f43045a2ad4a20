"""Times steps of the authors' PyTorch code, in a Python that has torch; `benchmarks.authors_step` starts it.

    python benchmarks/authors_worker.py FOLDER

It prints one line of JSON: median seconds of a step by the clock and by the processor, and the number of weights.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
import types
from pathlib import Path
from typing import Any

PAIRS, LABELS, STEPS = 2, 10, 4
# What their files import for pictures and data, and a step has no use for.
UNUSED = (
    "matplotlib", "matplotlib.pyplot", "mpl_toolkits", "mpl_toolkits.axes_grid1", "scipy", "scipy.misc", "cv2",
    "torchvision", "torchvision.utils", "seaborn", "data_loader",
)  # fmt: skip


class _Nothing(types.ModuleType):
    """A module with any name in it, which does nothing."""

    __all__ = ("get_loader",)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_, **__: None


def run_of(folder: Path, config: dict[str, Any]) -> Any:
    """Their `Run`: networks, optimizers and updates; what their file does when it is imported, it starts to train."""
    sys.path.insert(0, str(folder))
    for name in UNUSED:
        sys.modules[name] = _Nothing(name)
    source = (folder / "run.py").read_text().split("\ndef main()")[0]
    space: dict[str, Any] = {"config": config, "__name__": "run"}
    exec(compile(source, str(folder / "run.py"), "exec"), space)
    return space["Run"](config)


def main(argv: list[str]) -> int:
    """Measure."""
    if len(argv) != 1 or "--help" in argv:
        print(__doc__)
        return 0 if "--help" in argv else 2
    import torch
    import yaml

    folder = Path(argv[0]).resolve()
    config = yaml.safe_load((folder / "configs" / "config_celebA.yaml").read_text())
    config |= {"C_DIM": LABELS, "BATCH_SIZE": PAIRS, "MODEL_SAVE_PATH": tempfile.mkdtemp()}
    torch.manual_seed(0)
    run = run_of(folder, config)
    run.train_ready()
    size = config["IMG_SIZE"]
    images = [torch.rand(PAIRS, 3, size, size) * 2 - 1 for _ in range(2)]
    labels = [torch.randint(0, 2, (PAIRS, LABELS)).float() for _ in range(2)]
    clock, processor = [], []
    for _ in range(STEPS + 1):  # the first is not counted
        start = time.perf_counter(), time.process_time()
        loss = run.update_D(*images, labels[0])
        run.update_D(*images[::-1], labels[1], d_loss=loss, update=True)
        run.update_G(*images, *labels)
        clock.append(time.perf_counter() - start[0])
        processor.append(time.process_time() - start[1])
    weights = [sum(p.numel() for p in net.parameters()) for net in (run.G, run.D)]
    figures = {"seconds": statistics.median(clock[1:]), "processor": statistics.median(processor[1:])}
    print(json.dumps(figures | {"weights": weights}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
