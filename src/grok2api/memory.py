"""How the process gives memory back that a large request has needed.

glibc learns from each large block that is freed to take the next one from the heap, where a small neighbour then keeps
it: after a few pictures an idle gateway is three times its size. With fixed limits large blocks go back when they are
freed.
"""

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
#: Blocks of this size and above are mapped on their own. Nothing on the hot path is as large.
_LARGE = 1024 * 1024
#: Free bytes at the heap's end that are kept for the next request.
_KEPT = 8 * 1024 * 1024


def give_back_large_blocks() -> bool:
    """Fix the limits; whether this C library has them."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _LARGE)) and bool(mallopt(_M_TRIM_THRESHOLD, _KEPT))
