"""Serve a model over HTTP as TensorFlow Serving does: `python -m lomit_tf.serve --model=...`, or `lomit-serve`.

Exit codes: 0 stopped by Ctrl-C or SIGTERM, after every request was answered; 1 requests had to be cut off, or the
address cannot be had; 2 flags that cannot be used.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from lomit_tf.commands import Command, require_extra
from lomit_tf.commands.models import check_lomit
from lomit_tf.commands.serve_flags import FLAGS, ServeFlags
from lomit_tf.commands.serving import NAME, build, listen, serve


def run(argv: Sequence[str] | None = None) -> int:
    """The command: serves until it is told to stop, and returns the exit code (see the module).

    Args:
      argv: the arguments without the program's name; None takes the process's.
    """
    return Command(NAME, FLAGS.help_text, FLAGS.parse, _run, check=_check).run(argv)


def _check(flags: ServeFlags) -> None:
    listen(flags.host, flags.port).close()
    check_lomit("model", flags.model, "serving")
    require_extra("serve", "uvicorn", "starlette", "orjson", "prometheus_client")


def _run(flags: ServeFlags) -> None:
    """The part that takes TensorFlow, which is imported before it: seconds after any usage error."""
    with listen(flags.host, flags.port) as listening:
        serve(build(flags.model, flags.client_name, flags.exemplar, flags.limits()), listening, flags.grace_seconds)


if __name__ == "__main__":
    sys.exit(run())
