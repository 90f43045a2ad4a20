"""Find how faces move with a label: `python -m lomit_tf.find_movements --model=... --data_dir=... --out=smiles.npz`.

Exit codes: 0 done; 2 flags, model or data that cannot be used; 130 or 143 interrupted by Ctrl-C or SIGTERM, after which
the same command goes on.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from lomit_tf import zoo
from lomit_tf.commands import Command, report, unusable
from lomit_tf.commands.find_flags import Invocation, help_text, parse
from lomit_tf.commands.models import check_lomit
from lomit_tf.commands.training import messages
from lomit_tf.config import LomitConfig
from lomit_tf.runtime.places import check_file
from lomit_tf.settings.movement_teacher import FindConfig
from lomit_tf.training.movement_labels import label_of


def run(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code (see the module)."""
    goes_on = "the same command goes on from there"
    return Command("lomit-find-movements", help_text, parse, _find, goes_on, check=_check).run(argv)


def _check(asked: Invocation[FindConfig]) -> None:
    check_file("out", Path(asked.run.out))
    check_lomit("model", asked.run.model, "finding movements")
    label_of(_configured(zoo.config_of(asked.run.model), asked), asked.options)


def _configured(config: LomitConfig, asked: Invocation[FindConfig]) -> LomitConfig:
    return dataclasses.replace(config, data=dataclasses.replace(config.data, **asked.data))


def _find(asked: Invocation[FindConfig]) -> None:
    """The part that takes TensorFlow, which is imported before it: seconds after any usage error."""
    import lomit_tf
    from lomit_tf.data.image_set import DataError
    from lomit_tf.training import movement_targets
    from lomit_tf.training.mask_refinement import Bar

    run_flags, bar = asked.run, Bar("finding movements", every=500)
    try:
        with unusable(DataError):
            config = _configured(lomit_tf.load(run_flags.model).config, asked)
            with messages():
                found = movement_targets.find_movements(
                    config, asked.options, run_flags.out, threads=run_flags.threads, say=bar
                )
    finally:
        bar.close()
    report(f"{len(found.faces)} movements in {Path(run_flags.out)}", {"images": len(found.keys)})


if __name__ == "__main__":
    sys.exit(run())
