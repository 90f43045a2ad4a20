"""Python's search for garbage, put off while graphs are built."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

SELDOM = (100_000, 20, 5)  # of gc.set_threshold; Python's own are some hundreds of objects, and then a tenth as often


@contextlib.contextmanager
def searched_seldom() -> Iterator[None]:
    """Within it garbage is searched for seldom; afterwards as before.

    To compile a training step makes millions of objects that stay. To look at all of them again and again took a
    seventh of the time (docs/performance.md).
    """
    before = gc.get_threshold()
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)
