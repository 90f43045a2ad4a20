"""Put a trained model's averaged weights into the package: `tools/ship_weights.py --checkpoint=... --name=...`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


def main() -> int:
    """Reads a workdir, writes lomit_tf/weights/NAME/{generator.npz, model.json}."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--checkpoint", required=True, help="a workdir of lomit_tf.train, or one of its checkpoints")
    p.add_argument("--name", required=True, help="what users will load it by")
    p.add_argument("--command", required=True, help="the command that trained it, for the record")
    p.add_argument("--steps", type=int, required=True, help="generator steps it was trained for")
    p.add_argument("--notice", default="", help="what users must know of their licence, one sentence; see zoo.notice")
    args = p.parse_args()
    from lomit_tf import zoo
    from lomit_tf.training.checkpoints import load

    model = load(args.checkpoint)
    if model.config.data.dataset == "celeb_a" and not args.notice:
        p.error(f"{args.checkpoint} was trained on CelebA; give --notice, which the page, demo and commands show")
    facts = {"command": args.command, "steps": args.steps} | ({"notice": args.notice} if args.notice else {})
    folder = zoo.save_folder(model, zoo.FOLDER / args.name, facts)
    record = json.loads((folder / zoo.MANIFEST).read_text())
    print(f"{folder}: {record['parameters']:,} parameters, {record['bytes'] / 1e6:.2f} MB, SHA-256 {record['sha256']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
