"""Kinds of arguments: each checks a value and returns it as the package uses it.

A kind is a function (name, value) -> value. A value of the wrong type raises TypeError, one out of
range ValueError; both messages name the parameter and its possible values. A bool is no number.
"""

from __future__ import annotations

import math
import operator
import os
import reprlib
from collections.abc import Iterable, Mapping
from typing import Any, Callable, Dict, List, Optional, Sequence, Type

from .._numpy import np

Kind = Callable[[str, Any], Any]

INT32_MAX = 2**31 - 1
_FLOAT32_MAX = 3.4028234663852886e38
_TEXT_TYPES = (str, bytes, bytearray, memoryview)


def refused(error: Type[Exception], name: str, takes: str, value: Any) -> Exception:
    """Returns the exception for a `value` that the parameter `name` does not take."""
    try:
        shown = reprlib.repr(value)
    except Exception:  # an integer too long to print, or a broken __repr__
        shown = "this one"
    return error(f"{name} has to be {takes}, not {shown} ({type(value).__name__})")


def nearest(name: str, known: Iterable[str]) -> str:
    """Returns that of the known names, one at least, which `name` resembles most."""
    import difflib  # for errors only

    return difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]


def _index(value: Any) -> Optional[int]:
    """Returns a whole number as int, None for anything else."""
    if isinstance(value, (bool, np.bool_)):
        return None
    if isinstance(value, (float, np.floating)):
        return int(value) if math.isfinite(value) and value == int(value) else None
    try:
        return operator.index(value)
    except TypeError:
        return None


def _range(low: int, high: int) -> str:
    """Says a range; a bound below zero that stands for none is not worth a number."""
    return f"from {low} to {high}" if low >= -1 else f"of at most {high}"


def integer(low: int = -(2**31), high: int = INT32_MAX, takes: str = "a whole number") -> Kind:
    """Whole numbers from `low` to `high`; also numpy's, and floats without a fraction."""

    def check(name: str, value: Any) -> int:
        number = value if type(value) is int else _index(value)
        if number is None:
            raise refused(TypeError, name, takes, value)
        if not low <= number <= high:
            raise refused(ValueError, name, f"{takes} {_range(low, high)}", value)
        return number

    return check


def number(low: float = -math.inf, above: float = -math.inf) -> Kind:
    """Finite numbers of at least `low` and greater than `above`."""

    def check(name: str, value: Any) -> float:
        real = value if type(value) is float else _float(name, value)
        if not math.isfinite(real) or abs(real) > _FLOAT32_MAX:
            raise refused(ValueError, name, "a finite number", value)
        if real < low:
            raise refused(ValueError, name, f"{low} or greater", value)
        if real <= above:
            raise refused(ValueError, name, f"greater than {above}", value)
        return real

    return check


def _float(name: str, value: Any) -> float:
    scalar = getattr(value, "ndim", 0) == 0 and not isinstance(
        value, (bool, np.bool_, complex, np.complexfloating, *_TEXT_TYPES)
    )
    try:
        if scalar:
            return float(value)
    except OverflowError:
        raise refused(ValueError, name, "a finite number", value) from None
    except (TypeError, ValueError):
        pass
    raise refused(TypeError, name, "a number", value)


def flag(name: str, value: Any) -> bool:
    """True or False; 1 and 0 count too."""
    if value is True or value is False:
        return value
    if isinstance(value, (int, np.bool_, np.integer)) and value in (0, 1):
        return bool(value)
    raise refused(TypeError, name, "True or False", value)


def text(name: str, value: Any) -> str:
    """A string."""
    if isinstance(value, str):
        return value
    raise refused(TypeError, name, "a string", value)


def word(*words: str) -> Kind:
    """One of `words`."""
    takes = "one of " + ", ".join(map(repr, words))

    def check(name: str, value: Any) -> str:
        if not isinstance(value, str):
            raise refused(TypeError, name, takes, value)
        if value not in words:
            raise refused(ValueError, name, takes, value)
        return value

    return check


def encoded(name: str, value: Any) -> bytes:
    """Bytes of UTF-8 text."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, str):
        raise TypeError(f"{name} has to be bytes, not a string: pass {name}.encode('utf-8')")
    raise refused(TypeError, name, "bytes", value)


def path(name: str, value: Any) -> Any:
    """The path of a file or directory."""
    if isinstance(value, (str, bytes, os.PathLike)):
        return value
    raise refused(TypeError, name, "a path (a string, bytes or os.PathLike)", value)


def one_of(*values: Any) -> Kind:
    """One of `values`, which are whole numbers."""
    allowed = frozenset(values)

    def check(name: str, value: Any) -> int:
        number = _index(value)
        if number is None:
            raise refused(TypeError, name, f"one of {sorted(allowed)}", value)
        if number not in allowed:
            raise refused(ValueError, name, f"one of {sorted(allowed)}", value)
        return number

    return check


def texts(name: str, value: Any) -> List[str]:
    """A list of strings, or another collection of them."""
    if isinstance(value, (Mapping, *_TEXT_TYPES)) or not isinstance(value, Iterable):
        raise refused(TypeError, name, "a list of strings", value)
    return [text(f"{name}[{index}]", each) for index, each in enumerate(value)]


def text_or_texts(name: str, value: Any) -> Any:
    """A string or a list of strings."""
    if isinstance(value, str):
        return value
    if isinstance(value, (Mapping, *_TEXT_TYPES)) or not isinstance(value, Iterable):
        raise refused(TypeError, name, "a string or a list of strings", value)
    return texts(name, value)


def stops(name: str, value: Any) -> List[str]:
    """A string or a list of strings, none of them empty; returns a list."""
    found = text_or_texts(name, value)
    found = [found] if isinstance(found, str) else found
    if "" in found:
        raise ValueError(f"{name} contains an empty string, which would end every text at once")
    return found


def numbers(name: str, value: Any) -> List[float]:
    """A list of finite numbers of at least 0."""
    if isinstance(value, (Mapping, *_TEXT_TYPES)) or not isinstance(value, Iterable):
        raise refused(TypeError, name, "a list of numbers", value)
    check = number(low=0)
    return [check(f"{name}[{index}]", each) for index, each in enumerate(value)]


def tokens(name: str, value: Any) -> Sequence[int]:
    """A sequence of token ids; see :func:`in_vocabulary` for their range."""
    takes = "a sequence of token ids (whole numbers)"
    if isinstance(value, np.ndarray):
        if value.ndim != 1 or not (value.dtype.kind in "iu" or not len(value)):
            raise refused(TypeError, name, takes, value)
        return value
    if isinstance(value, (Mapping, set, frozenset, *_TEXT_TYPES)):
        raise refused(TypeError, name, takes, value)
    if not isinstance(value, Iterable):
        raise refused(TypeError, name, takes, value)
    found = list(value)
    if set(map(type, found)) - {int}:
        found = [_token(f"{name}[{index}]", each) for index, each in enumerate(found)]
    return found


def _token(name: str, value: Any) -> int:
    number = None if isinstance(value, (float, np.floating)) else _index(value)
    if number is None:
        raise refused(TypeError, name, "a token id (a whole number)", value)
    return number


def in_vocabulary(name: str, found: Sequence[int], n_vocab: int) -> None:
    """Raises ValueError when `found` has a token that a model with `n_vocab` tokens does not."""
    if len(found) and not (0 <= min(found) and max(found) < n_vocab):
        wrong = next(token for token in found if not 0 <= token < n_vocab)
        raise ValueError(
            f"{name} contains {wrong}, a token outside of the vocabulary: tokens of this model go"
            f" from 0 to {n_vocab - 1}"
        )


def prompt(name: str, value: Any) -> Any:
    """A string, or token ids."""
    if isinstance(value, str):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        raise TypeError(
            f"{name} has to be a string or a sequence of token ids, not"
            f" {type(value).__name__}: pass {name}.decode('utf-8')"
        )
    if isinstance(value, Mapping) or not isinstance(value, Iterable):
        raise refused(TypeError, name, "a string or a sequence of token ids", value)
    return tokens(name, value)


def functions(name: str, value: Any) -> Any:
    """A function, or a list of functions; returns a list."""
    if isinstance(value, list) and all(map(callable, value)):
        return value
    if callable(value) and not isinstance(value, Iterable):
        return [value]
    if isinstance(value, tuple) and all(map(callable, value)):
        return list(value)
    raise refused(TypeError, name, "a function or a list of functions", value)


def function(name: str, value: Any) -> Any:
    """Something that can be called."""
    if callable(value):
        return value
    raise refused(TypeError, name, "a function or another callable", value)


def with_methods(takes: str, *methods: str) -> Kind:
    """An object that has these `methods`."""

    def check(name: str, value: Any) -> Any:
        builtin = isinstance(value, (type, list, dict, bytearray))
        if builtin or not all(hasattr(value, method) for method in methods):
            raise refused(TypeError, name, takes, value)
        return value

    return check


def mapping(takes: str) -> Kind:
    """A dict."""

    def check(name: str, value: Any) -> Dict[Any, Any]:
        if not isinstance(value, Mapping):
            raise refused(TypeError, name, takes, value)
        return value if isinstance(value, dict) else dict(value)

    return check


def records(takes: str) -> Kind:
    """A list of dicts."""
    refuse_wrong = mapping("a dict")

    def check(name: str, value: Any) -> Any:
        if isinstance(value, _TEXT_TYPES) or not isinstance(value, Sequence):
            raise refused(TypeError, name, takes, value)
        for index, each in enumerate(value):
            refuse_wrong(f"{name}[{index}]", each)
        return value

    return check
