"""Refine a model's masks: `python -m lomit_tf.refine_masks --model=... --data_dir=... --out=masks.npz`.

Exit codes: 0 done; 2 flags, model or data that cannot be used; 130 or 143 interrupted by Ctrl-C or SIGTERM, after which
the same command goes on.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from lomit_tf.commands import Command, report, unusable
from lomit_tf.commands.models import check_lomit
from lomit_tf.commands.refine_flags import Invocation, help_text, parse
from lomit_tf.commands.training import messages
from lomit_tf.runtime.places import check_file
from lomit_tf.settings.mask_teacher import RefineConfig


def run(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code (see the module)."""
    goes_on = "the same command goes on from there"
    return Command("lomit-refine-masks", help_text, parse, _refine, goes_on, check=_check).run(argv)


def _check(asked: Invocation[RefineConfig]) -> None:
    check_file("out", Path(asked.run.out))
    check_lomit("model", asked.run.model, "refining masks")


def _refine(asked: Invocation[RefineConfig]) -> None:
    """The part that takes TensorFlow, which is imported before it: seconds after any usage error."""
    import lomit_tf
    from lomit_tf.data.image_set import DataError
    from lomit_tf.training import mask_refinement

    run_flags, bar = asked.run, mask_refinement.Bar("refining masks")
    try:
        with unusable(DataError):
            model = lomit_tf.load(run_flags.model)
            data = dataclasses.replace(model.config.data, **asked.data)
            with messages():
                found = mask_refinement.refine_masks(
                    model, data, asked.options, run_flags.out, name=run_flags.model, threads=run_flags.threads, say=bar
                )
    finally:
        bar.close()
    report(f"{len(found.chosen)} of {len(found.keys)} masks in {Path(run_flags.out)}", found.counts())


if __name__ == "__main__":
    sys.exit(run())
