"""The native libraries, loaded for ctypes, and functions of them."""

from __future__ import annotations

import functools
from typing import Any, Callable, Optional

from .._ctypes_extensions import own_library
from .arguments import Parameters, checked_parameters, convert
from .checks import CHECKS


class Library:
    """A library that the native module uses as well: the very same copy.

    Attributes:
        cdll: The library for ctypes.
    """

    def __init__(self, name: str) -> None:
        self.cdll = own_library(name)

    def function(
        self, name: str, result: Any, parameters: list[Any], names: str, doc: str
    ) -> Callable[..., Any]:
        """Returns a C function.

        A function with a model, context or vocabulary among its parameters is wrapped: an object of
        this package in its place is kept alive during the call, and raises ClosedError if it is
        closed. So is one with an array and its size, which are compared.

        Args:
            name: its name.
            result: ctypes type of its result.
            parameters: ctypes types of its parameters.
            names: their names, with commas.
            doc: its docstring.
        """
        raw = getattr(self.cdll, name)
        raw.restype = result
        raw.argtypes = parameters
        raw.__doc__ = doc
        checked = checked_parameters(name, parameters, names.split(", "))
        if checked is None:
            return raw
        check = functools.partial(CHECKS[name], self.cdll, name) if name in CHECKS else None
        return _wrapper(name, raw, checked, names, doc, check)


def _wrapper(
    name: str,
    raw: Any,
    parameters: Parameters,
    names: str,
    doc: str,
    check: Optional[Callable[..., None]],
) -> Callable[..., Any]:
    count = len(raw.argtypes)

    def call(*arguments: Any) -> Any:
        if len(arguments) != count:
            raise TypeError(f"{name}({names}) takes {count} arguments, not {len(arguments)}")
        converted, _leases = convert(parameters, arguments)
        if check is not None:
            check(*converted)
        return raw(*converted)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = doc
    return call


@functools.lru_cache(maxsize=None)
def library(name: str) -> Library:
    """Returns a library by upstream's name, such as ``llama``."""
    return Library(name)
