"""Many calls, some of them at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any, Callable, Iterable, List, Sequence


def in_parallel(calls: Sequence[Callable[[], Any]], n_at_once: int, progress: bool) -> List[Any]:
    """Returns the results, in order. The first exception ends the calls that have not begun.

    Args:
        calls: the calls.
        n_at_once: most calls at a time.
        progress: show a bar by the package tqdm, if it is installed.
    """
    with ThreadPoolExecutor(n_at_once, thread_name_prefix="llama-engine-batch") as pool:
        futures = [pool.submit(call) for call in calls]
        try:
            for future in _shown(as_completed(futures), len(futures), progress):
                future.result()
        except BaseException:
            for future in futures:
                future.cancel()
            raise
    return [future.result() for future in futures]


def _shown(futures: Iterable[Any], total: int, progress: bool) -> Iterable[Any]:
    if not progress:
        return futures
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return futures
    return tqdm(futures, total=total)
