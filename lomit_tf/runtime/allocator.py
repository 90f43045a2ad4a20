"""glibc's allocator, told to keep freed memory for the next training step."""

from __future__ import annotations

import ctypes
import sys

# mallopt's parameters and the values set (malloc.h). No threshold above 32 MiB is accepted, and convolutions on several
# threads take larger buffers: only without mmap are these kept, too.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -2, -3, -4
_SETTINGS = {_MMAP_THRESHOLD: 32 << 20, _TRIM_THRESHOLD: 2**31 - 1, _TOP_PAD: 64 << 20, _MMAP_MAX: 0}


def keep_freed_memory() -> bool:
    """Keep large buffers that are freed, instead of giving them back to the kernel and faulting them in again.

    A training step on a CPU allocates and frees hundreds of MB; by default glibc returns each buffer to the kernel,
    and every page of the next one costs a fault (benchmarks/page_faults.py). The process keeps its peak memory.

    Returns:
        Whether it was set; false where the C library is not glibc. Harmless to call twice.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return all([mallopt(name, value) == 1 for name, value in _SETTINGS.items()])
