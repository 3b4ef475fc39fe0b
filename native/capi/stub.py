"""Writes the stub of a module with ctypes declarations: its types, for type checkers."""

from __future__ import annotations

import re

from headers import Headers
from module import documentation
from syntax_tree import Function, Record

_HEAD = '''"""Types of the declarations of {names}, generated from them."""

import ctypes
from _ctypes import _CArgObject
from collections.abc import Callable
from typing import Any, NewType

from .arguments import Buffer, ContextLike, ModelLike, VocabLike
'''

_POINTER = re.compile(r"^ctypes\.POINTER\((?P<target>.*)\)$")
_ARRAY = re.compile(r"^(?P<item>.*) \* \d+$")
_PARAMETERS = {
    "ContextPointer": "ContextLike",
    "ModelPointer": "ModelLike",
    "Token": "int",
    "VocabPointer": "VocabLike",
    "ctypes.c_char_p": "Buffer",
    "ctypes.c_void_p": "Any",
}
_RESULTS = {
    "None": "None",
    "ctypes.c_bool": "bool",
    "ctypes.c_char": "bytes",
    "ctypes.c_char_p": "bytes | None",
    "ctypes.c_double": "float",
    "ctypes.c_float": "float",
    "ctypes.c_void_p": "int | None",
}


class Stub:
    """The stub's text."""

    def __init__(self, headers: Headers) -> None:
        self._headers = headers
        self._types = headers.types

    def text(self) -> str:
        """Returns the text."""
        headers = self._headers
        lines = [_HEAD.format(names=", ".join(headers.names))]
        for name in headers.opaque:
            lines.append(f'{name}_p = NewType("{name}_p", int)')
            lines.append(f"{name}_p_ctypes = ctypes.c_void_p")
        for record in headers.records:
            for each in (*record.nested, record):
                lines += self._class(each)
        for typedef in headers.typedefs:
            lines.append(f"{typedef.name}: Any")
            if self._types.result(typedef.type) == "ctypes.c_void_p":
                lines.append(f"{typedef.name}_ctypes = ctypes.c_void_p")
        for function in headers.functions:
            lines.append(self._function(function))
        return "\n".join(lines) + "\n"

    def _class(self, record: Record) -> list[str]:
        base = "Union" if record.is_union else "Structure"
        lines = [f"\nclass {record.name}(ctypes.{base}):"]
        callbacks = []
        for member in record.members or ():
            name = member.name or "value"
            expression = self._types.expression(member.type)
            lines.append(f"    {name}: {_result(expression)}")
            if expression.startswith("ctypes.CFUNCTYPE(") and "(*)" in member.type:
                callbacks.append(f"{record.name}_{name}: Any")
        pointer = f"type[ctypes._Pointer[{record.name}]]"
        names = [f"{record.name}_p: {pointer}", f"{record.name}_p_ctypes: {pointer}"]
        return [*lines, "", *names, *callbacks]

    def _function(self, function: Function) -> str:
        parameters = [
            f"{each.name or f'argument_{index}'}: {_parameter(self._types.parameter(each.type))}"
            for index, each in enumerate(function.parameters)
        ]
        if parameters:
            parameters.append("/")
        result = _result(self._types.result(function.result))
        text = documentation(function)
        body = f"\n    {text!r}\n" if text else " ..."
        return f"def {function.name}({', '.join(parameters)}) -> {result}:{body}"


def _parameter(expression: str) -> str:
    if expression in _PARAMETERS:
        return _PARAMETERS[expression]
    if match := _POINTER.match(expression):
        target = _target(match["target"])
        return f"ctypes._Pointer[{target}] | ctypes.Array[{target}] | _CArgObject | None"
    if expression.startswith("ctypes.CFUNCTYPE("):
        return "Callable[..., Any] | None"
    return _result(expression)


def _result(expression: str) -> str:
    """Returns the type that Python sees of a result or member."""
    if expression in _RESULTS:
        return _RESULTS[expression]
    if match := _POINTER.match(expression):
        return f"ctypes._Pointer[{_target(match['target'])}]"
    if match := _ARRAY.match(expression):
        return f"ctypes.Array[{_target(match['item'])}]"
    if expression.startswith("ctypes.CFUNCTYPE("):
        return "Any"
    return "int" if expression.startswith("ctypes.c_") else expression


def _target(expression: str) -> str:
    """Returns the ctypes type itself, as the parameter of a pointer or an array."""
    if match := _POINTER.match(expression):
        return f"ctypes._Pointer[{_target(match['target'])}]"
    return "Any" if expression.startswith("ctypes.CFUNCTYPE(") else expression
