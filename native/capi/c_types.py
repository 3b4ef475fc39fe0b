"""Turns C types, as clang spells them, into Python expressions with ctypes."""

from __future__ import annotations

import re

from syntax_tree import Function

# The C standard's names (C11 6.2.5, 7.18, 7.20) that the headers use.
_SCALARS = {
    "_Bool": "ctypes.c_bool",
    "bool": "ctypes.c_bool",
    "char": "ctypes.c_char",
    "double": "ctypes.c_double",
    "float": "ctypes.c_float",
    "int": "ctypes.c_int",
    "int16_t": "ctypes.c_int16",
    "int32_t": "ctypes.c_int32",
    "int64_t": "ctypes.c_int64",
    "int8_t": "ctypes.c_int8",
    "size_t": "ctypes.c_size_t",
    "uint16_t": "ctypes.c_uint16",
    "uint32_t": "ctypes.c_uint32",
    "uint64_t": "ctypes.c_uint64",
    "uint8_t": "ctypes.c_uint8",
    "unsigned char": "ctypes.c_uint8",
    "unsigned int": "ctypes.c_uint",
}

# Parameters that may be an object of the package (llama_cpp/_capi/arguments.py).
_ARGUMENTS = {
    "llama_context *": "ContextPointer",
    "llama_model *": "ModelPointer",
    "llama_token": "Token",
    "llama_vocab *": "VocabPointer",
}

_QUALIFIERS = re.compile(r"\b(const|volatile|restrict)\b")
_TAG = re.compile(r"^(struct|union|enum) ")
_ARRAY = re.compile(r"^(?P<item>.*?)\s*\[(?P<length>\d+)\]$")
_FUNCTION = re.compile(r"^(?P<result>.*?)\s*\(\*\)\((?P<parameters>.*)\)$")


def checked_parameters(function: Function) -> list[str]:
    """Returns the parameters that may be an object of the package, and the tokens beside one."""
    kinds = {
        each.name: _ARGUMENTS.get(_TAG.sub("", _without_qualifiers(each.type)), "")
        for each in function.parameters
    }
    has_pointer = any(kind.endswith("Pointer") for kind in kinds.values())
    return [name for name, kind in kinds.items() if kind and has_pointer]


class UnknownTypeError(Exception):
    """A C type that the generated module has no name for.

    Attributes:
        name: The type without `struct`, `union` or `enum`.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Types:
    """The names that a generated module has.

    Args:
        records: structs and unions with members: classes of the module.
        opaque: names of structs without members, or with members that are nobody's business:
            pointers to them are addresses.
        typedefs: C types of typedefs, of the module and of other headers.
    """

    def __init__(self, records: set[str], opaque: set[str], typedefs: dict[str, str]) -> None:
        self._records = records
        self._opaque = opaque
        self._typedefs = typedefs

    def expression(self, c_type: str) -> str:
        """Returns the Python expression for a C type.

        Raises:
            UnknownTypeError: the module has no name for it.
        """
        c_type = _without_qualifiers(c_type)
        if match := _FUNCTION.match(c_type):
            return self.function(match["result"], _split(match["parameters"]))
        if match := _ARRAY.match(c_type):
            return f"{self.expression(match['item'])} * {match['length']}"
        if c_type.endswith("*"):
            return self._pointer(c_type[:-1].strip())
        if c_type.startswith("enum "):
            return "ctypes.c_int"
        name = _TAG.sub("", c_type)
        if name in self._records:
            return name
        if name in _SCALARS:
            return _SCALARS[name]
        if name in self._typedefs:
            return self.expression(self._typedefs[name])
        raise UnknownTypeError(name)

    def parameter(self, c_type: str) -> str:
        """Returns the expression for a function's parameter."""
        plain = _TAG.sub("", _without_qualifiers(c_type))
        return _ARGUMENTS.get(plain) or self.expression(c_type)

    def result(self, c_type: str) -> str:
        """Returns the expression for a result; `void` is None."""
        return "None" if c_type.strip() == "void" else self.expression(c_type)

    def function(self, result: str, parameters: list[str]) -> str:
        """Returns the expression for a pointer to a function."""
        types = [self.result(result), *map(self.expression, parameters)]
        return f"ctypes.CFUNCTYPE({', '.join(types)})"

    def _pointer(self, target: str) -> str:
        name = _TAG.sub("", target)
        if name in ("void", "FILE") or name in self._opaque:
            return "ctypes.c_void_p"
        if name == "char":
            return "ctypes.c_char_p"
        return f"ctypes.POINTER({self.expression(target)})"


def _without_qualifiers(c_type: str) -> str:
    return " ".join(_QUALIFIERS.sub(" ", c_type).split())


def _split(parameters: str) -> list[str]:
    """Splits a list of parameters' types at the commas that are not inside of parentheses."""
    parts, depth = [""], 0
    for character in parameters:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    parts = [part.strip() for part in parts]
    return [] if parts in (["void"], [""]) else parts
