"""--help of benchmarks that take no flags of their own, or hand them on to the training command."""

from __future__ import annotations

import sys


def explain(text: str | None) -> None:
    """Print the text and end with exit code 0, where the command line asks for help."""
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(text)
        raise SystemExit(0)
