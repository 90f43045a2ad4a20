"""The mean of two models' weights as a folder of weights: `python tools/mean_weights.py --out=DIR MODEL MODEL`.

Of weights on one way of training, some way apart, the mean is often better than either end (stochastic weight
averaging, Izmailov et al. 2018): what they have in common stays, and what each exaggerates in its own way can go. The
folder has no graph.npz: `python -m export.light DIR` adds it, so that LiteRT can run the model.

Exit codes: 0 written; 1 a model that cannot be read, or a folder that cannot be written; 2 models that do not fit
together, or flags that cannot be used.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


def main() -> int:
    """Reads two models, writes DIR/{generator.npz, model.json}."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("models", nargs=2, metavar="MODEL", help="shipped weights by name, workdirs or checkpoints")
    p.add_argument("--out", required=True, type=Path, help="folder to write; must not be there")
    given = p.parse_args()
    if given.out.exists():
        p.error(f"--out={given.out} is there already; name another folder")
    import lomit_tf
    from lomit_tf import zoo
    from lomit_tf.config import ConfigError

    try:
        one, other = (lomit_tf.load(name) for name in given.models)
    except (ConfigError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    mine, theirs = (model.inference_generator.variables for model in (one, other))
    same = [tuple(v.shape) for v in mine] == [tuple(v.shape) for v in theirs] and one.group_names == other.group_names
    if not same:
        p.error(f"{given.models[0]} and {given.models[1]} have other groups or networks; only one model's weights mix")
    means = [(a.numpy() + b.numpy()) / 2 for a, b in zip(mine, theirs, strict=True)]
    for generator in filter(None, (one.generator, one.ema_generator)):
        for variable, mean in zip(generator.variables, means, strict=True):
            variable.assign(mean)
    facts = {"command": f"python tools/mean_weights.py {' '.join(given.models)}"}
    notices = [notice for notice in map(zoo.notice, given.models) if notice]
    try:
        zoo.save_folder(one, given.out, facts | ({"notice": notices[0]} if notices else {}))
    except OSError as error:
        print(f"--out={given.out} cannot be written: {error}", file=sys.stderr)
        return 1
    print(f"{given.out}: the mean of {given.models[0]} and {given.models[1]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
