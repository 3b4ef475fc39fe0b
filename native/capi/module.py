"""Writes a Python module with ctypes declarations of headers."""

from __future__ import annotations

from headers import Headers
from syntax_tree import Function, Record, Typedef

_HEAD = '''"""Declarations of {names}, generated from them.

Functions, structs and numbers have the headers' names. Texts are bytes; a pointer to a struct
without declared members is an address, None for NULL.
"""

from __future__ import annotations

import ctypes
from typing import NewType

from .arguments import ContextPointer, ModelPointer, Token, VocabPointer
from .libraries import library

_function = library({library!r}).function
'''


class Module:
    """The module's text.

    Args:
        headers: their declarations.
        library: name of the library that has the functions, as upstream has it.
    """

    def __init__(self, headers: Headers, library: str) -> None:
        self._headers = headers
        self._types = headers.types
        self._library = library
        self._names: list[str] = []
        self._lines: list[str] = []

    def names(self) -> list[str]:
        """Returns the names that the module has."""
        self._write()
        return self._names

    def text(self) -> str:
        """Returns the text."""
        self._write()
        names = "\n".join(f"    {name!r}," for name in self._names)
        head = _HEAD.format(names=", ".join(self._headers.names), library=self._library)
        return "\n".join([head, *self._lines, f"\n__all__ = [\n{names}\n]"]) + "\n"

    def _write(self) -> None:
        self._names, self._lines = [], []
        headers = self._headers
        for name in headers.opaque:
            self._add(f"{name}_p", f'{name}_p = NewType("{name}_p", int)')
            self._add(f"{name}_p_ctypes", f"{name}_p_ctypes = ctypes.c_void_p")
        for record in headers.records:
            for each in (*record.nested, record):
                self._add_class(each)
        for typedef in headers.typedefs:
            self._add_typedef(typedef)
        for record in headers.records:
            for each in (*record.nested, record):
                self._add_members(each)
        for function in headers.functions:
            self._add_function(function)

    def _add(self, name: str, text: str) -> None:
        if name not in self._names:
            self._names.append(name)
            self._lines.append(text)

    def _add_class(self, record: Record) -> None:
        """Adds a class whose members come later, since structs may name each other."""
        kind = "union" if record.is_union else "struct"
        doc = record.comment or f"``{kind} {record.name}``."
        base = "Union" if record.is_union else "Structure"
        self._add(record.name, f"\n\nclass {record.name}(ctypes.{base}):\n    {doc!r}\n")
        self._add(f"{record.name}_p", f"{record.name}_p = ctypes.POINTER({record.name})")
        self._add(f"{record.name}_p_ctypes", f"{record.name}_p_ctypes = {record.name}_p")

    def _add_typedef(self, typedef: Typedef) -> None:
        expression = self._types.result(typedef.type)
        self._add(typedef.name, f"{typedef.name} = {expression}")
        if expression == "ctypes.c_void_p":
            self._add(f"{typedef.name}_ctypes", f"{typedef.name}_ctypes = {expression}")

    def _add_members(self, record: Record) -> None:
        anonymous = []
        lines = []
        for member in record.members or ():
            name = member.name or "value"
            if not member.name:
                anonymous.append(name)
            expression = self._types.expression(member.type)
            if expression.startswith("ctypes.CFUNCTYPE(") and "(*)" in member.type:
                callback = f"{record.name}_{name}"
                self._add(callback, f"{callback} = {expression}")
                expression = callback
            lines.append(f'    ("{name}", {expression}),')
        if anonymous:
            self._lines.append(f"{record.name}._anonymous_ = {tuple(anonymous)!r}")
        self._lines.append("\n".join([f"{record.name}._fields_ = [", *lines, "]"]))

    def _add_function(self, function: Function) -> None:
        types = ", ".join(self._types.parameter(each.type) for each in function.parameters)
        names = ", ".join(each.name for each in function.parameters)
        self._add(
            function.name,
            f"{function.name} = _function(\n"
            f"    {function.name!r},\n"
            f"    {self._types.result(function.result)},\n"
            f"    [{types}],\n"
            f"    {names!r},\n"
            f"    {documentation(function)!r},\n)",
        )


def documentation(function: Function) -> str:
    """Returns a function's docstring: upstream's comment, and its note of deprecation."""
    note = f"Deprecated: {function.deprecated}" if function.deprecated else ""
    return "\n\n".join(filter(None, [function.comment, note]))
