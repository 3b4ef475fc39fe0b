"""Caches of evaluated prompts, for :meth:`llama_cpp.Llama.set_cache`.

A cache maps token sequences to states of the context. Looking up a prompt finds the entry that
shares the longest beginning with it.
"""

from __future__ import annotations

import contextlib
import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Dict, Iterable, Iterator, Optional, Sequence, Tuple

from .._errors import StateError

if TYPE_CHECKING:
    from .state import LlamaState


def longest_token_prefix(a: Sequence[int], b: Sequence[int]) -> int:
    """Returns how many tokens `a` and `b` have in common at their beginning."""
    a, b = tuple(a), tuple(b)
    low, high = 0, min(len(a), len(b))
    while low < high:  # comparing slices by halves is faster than token by token
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


class BaseLlamaCache(ABC):
    """The interface of a cache. `capacity_bytes` limits the size."""

    def __init__(self, capacity_bytes: int = (2 << 30)):
        self.capacity_bytes = capacity_bytes

    @property
    @abstractmethod
    def cache_size(self) -> int:
        """Size of all entries in bytes."""
        raise NotImplementedError

    def _find_longest_prefix_key(self, key: Tuple[int, ...]) -> Optional[Tuple[int, ...]]:
        best, best_length = None, 0
        for candidate in self._keys():
            length = longest_token_prefix(candidate, key)
            if length > best_length:
                best, best_length = candidate, length
        return best

    def _keys(self) -> Iterable[Tuple[int, ...]]:
        return ()

    @abstractmethod
    def __getitem__(self, key: Sequence[int]) -> LlamaState:
        """Returns the state that shares the longest beginning with `key`, or raises KeyError."""
        raise NotImplementedError

    def __contains__(self, key: Sequence[int]) -> bool:
        """Whether any entry begins like `key`."""
        return self._find_longest_prefix_key(tuple(key)) is not None

    @abstractmethod
    def __setitem__(self, key: Sequence[int], value: LlamaState) -> None:
        """Keeps `value`, and drops old entries until the cache fits its capacity."""
        raise NotImplementedError


class LlamaRAMCache(BaseLlamaCache):
    """A cache in memory that drops the entry that was not used for longest.

    Several Llamas, each in a thread of its own, may share one.

    Attributes:
        cache_state: The entries, the one that was not used for longest first.
    """

    def __init__(self, capacity_bytes: int = (2 << 30)):
        super().__init__(capacity_bytes)
        self._lock = threading.RLock()
        self.cache_state: OrderedDict[Tuple[int, ...], LlamaState] = OrderedDict()

    @property
    def cache_size(self) -> int:
        with self._lock:
            return sum(state.n_bytes for state in self.cache_state.values())

    def _keys(self) -> Iterable[Tuple[int, ...]]:
        with self._lock:
            return list(self.cache_state)

    def __getitem__(self, key: Sequence[int]) -> LlamaState:
        with self._lock:
            found = self._find_longest_prefix_key(tuple(key))
            if found is None:
                raise KeyError("no cached prompt begins like this one")
            self.cache_state.move_to_end(found)
            return self.cache_state[found]

    def __setitem__(self, key: Sequence[int], value: LlamaState) -> None:
        key = tuple(key)
        with self._lock:
            self.cache_state[key] = value
            self.cache_state.move_to_end(key)
            while self.cache_state and self.cache_size > self.capacity_bytes:
                self.cache_state.popitem(last=False)

    def __getstate__(self) -> Dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: Dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.RLock()


LlamaCache = LlamaRAMCache


class LlamaDiskCache(BaseLlamaCache):
    """A cache in a folder, which several processes may share. The oldest entries go first.

    It needs the package `diskcache`. Entries are pickled: use a folder that only you can write to.
    An entry that cannot be read is removed. StateError if the folder itself cannot be used.

    Attributes:
        cache: The ``diskcache.Cache``.
    """

    def __init__(self, cache_dir: str = ".cache/llama_cache", capacity_bytes: int = (2 << 30)):
        super().__init__(capacity_bytes)
        try:
            import diskcache
        except ImportError as error:
            raise ImportError(
                "LlamaDiskCache needs the diskcache package: pip install diskcache"
            ) from error
        self._cache_dir = cache_dir
        with self._in_use():
            self.cache = diskcache.Cache(cache_dir)

    @contextlib.contextmanager
    def _in_use(self) -> Iterator[None]:
        """Turns errors of the folder into StateError."""
        try:
            yield
        except StateError:
            raise
        # A damaged database or pickle may raise any exception.
        except Exception as error:
            reason = str(error) or type(error).__name__
            raise StateError(
                f"The prompt cache in {self._cache_dir} cannot be used: {reason}\n"
                "Make room on the disk, or delete the folder: its prompts are evaluated again then."
            ) from error

    @property
    def cache_size(self) -> int:
        with self._in_use():
            return int(self.cache.volume())

    def _keys(self) -> Iterable[Tuple[int, ...]]:
        with self._in_use():
            return [key for key in self.cache.iterkeys() if isinstance(key, tuple)]

    def __getitem__(self, key: Sequence[int]) -> LlamaState:
        found = self._find_longest_prefix_key(tuple(key))
        if found is None:
            raise KeyError("no cached prompt begins like this one")
        try:
            return self.cache[found]
        except KeyError:
            raise
        except Exception as error:  # unpickling may raise any
            with self._in_use():
                self.cache.delete(found)
            raise KeyError("the cached prompt could not be read, and was removed") from error

    def __setitem__(self, key: Sequence[int], value: LlamaState) -> None:
        with self._in_use():
            self.cache[tuple(key)] = value
            while len(self.cache) and self.cache_size > self.capacity_bytes:
                self.cache.delete(next(iter(self.cache)))
