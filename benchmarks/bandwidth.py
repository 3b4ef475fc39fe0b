"""The speed at which threads read memory: the limit of decoding, which reads every weight."""

from __future__ import annotations

import threading
import time

import numpy as np

_BYTES = 1 << 28  # for each thread: more than any cache
_TIMES = 5


def read_bandwidth(threads: int) -> float:
    """Returns the bytes per second that `threads` read together: the most of a few tries."""
    parts = [np.ones(_BYTES // 8) for _ in range(threads)]
    return max(_once(parts) for _ in range(_TIMES))


def _once(parts: list[np.ndarray]) -> float:
    readers = [threading.Thread(target=part.max) for part in parts]
    start = time.perf_counter()
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    return len(parts) * _BYTES / (time.perf_counter() - start)
