"""Writes a Python module with ctypes declarations of C headers.

    generate.py --tree AST.json --library llama --out MODULE.py llama.h [HEADER ...]

The module has every function, struct, union, enumerator, typedef and number that the headers
declare, and of other headers the types that those need. A declaration without a counterpart in
ctypes is an error.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from c_types import Types, UnknownTypeError
from macros import numbers
from syntax_tree import Declaration, Enum, Function, Record, Typedef, declarations

_HEAD = '''"""Declarations of {headers}, generated from them.

Each function, struct and number has its name there. Strings are bytes; a pointer to a struct
without declared members is an address, `None` for NULL.
"""

from __future__ import annotations

import ctypes
from typing import NewType

from .{library} import function
'''


class Module:
    """The text of a module.

    Args:
        found: file name and declaration, of all headers in their order.
        own: file names of the headers that the module is for.
        macros: numbers that those headers define.
    """

    def __init__(
        self, found: list[tuple[str, Declaration]], own: set[str], macros: dict[str, int]
    ) -> None:
        mine = [declaration for file, declaration in found if file in own]
        self._macros = macros
        self._enums = [each for each in mine if isinstance(each, Enum)]
        self._typedefs = [each for each in mine if isinstance(each, Typedef)]
        self._functions = [each for each in mine if isinstance(each, Function)]
        self._every = [each for _, each in found if isinstance(each, Record)]
        self._all_typedefs = {each.name: each.type for _, each in found if isinstance(each, Typedef)}
        self._own_tags = {each.name for each in mine if isinstance(each, Record)}
        self._wanted = {each.name for each in mine if isinstance(each, Record) and each.members}
        self.names: list[str] = []
        self._lines: list[str] = []

    def _choose_records(self) -> None:
        """Chooses the structs and unions whose members the module has; the others are opaque."""
        self._records = [each for each in self._every if each.name in self._wanted and each.members]
        nested = {inner.name for each in self._records for inner in each.nested}
        declared = {each.name for each in self._every}
        self._opaque = self._own_tags - self._wanted
        self._types = Types(
            self._wanted | nested, declared - self._wanted, self._all_typedefs
        )

    def text(self, headers: list[str], library: str) -> str:
        """Returns the module's text.

        Raises:
            UnknownTypeError: a declaration can't be expressed.
        """
        complete = {each.name for each in self._every if each.members}
        while True:
            self._choose_records()
            try:
                return self._write(_HEAD.format(headers=", ".join(headers), library=library))
            except UnknownTypeError as error:
                # Of another header, and handed over by value.
                if error.name not in complete - self._wanted:
                    raise
                self._wanted.add(error.name)

    def _write(self, head: str) -> str:
        self.names, self._lines = [], [head]
        self._add_numbers()
        self._add_opaque()
        self._add_classes()
        self._add_typedefs()
        self._add_members()
        for each in self._functions:
            self._add_function(each)
        return "\n".join(self._lines) + "\n"

    def _add(self, name: str, text: str) -> None:
        self.names.append(name)
        self._lines.append(text)

    def _add_numbers(self) -> None:
        values = dict(self._macros)
        for enum in self._enums:
            values.update(enum.values)
        for name, value in values.items():
            self._add(name, f"{name} = {value}")

    def _add_opaque(self) -> None:
        for name in sorted(self._opaque):
            self._add(f"{name}_p", f'{name}_p = NewType("{name}_p", int)')
            self._add(f"{name}_p_ctypes", f"{name}_p_ctypes = ctypes.c_void_p")

    def _add_classes(self) -> None:
        """Adds the classes without members, which may name each other."""
        for record in self._records:
            for each in (*record.nested, record):
                base = "Union" if each.is_union else "Structure"
                text = _literal(each.comment or f"`{'union' if each.is_union else 'struct'} {each.name}`.")
                self._add(each.name, f"\n\nclass {each.name}(ctypes.{base}):\n    {text}\n")
            self._add(f"{record.name}_p", f"{record.name}_p = ctypes.POINTER({record.name})")

    def _add_typedefs(self) -> None:
        for typedef in self._typedefs:
            if typedef.name not in self.names and not self._is_tag(typedef):
                self._add(typedef.name, f"{typedef.name} = {self._types.resolve(typedef.type)}")

    def _is_tag(self, typedef: Typedef) -> bool:
        """Tells whether a typedef only repeats a tag: `typedef struct x x;`."""
        return typedef.type.split()[-1] == typedef.name

    def _add_members(self) -> None:
        for record in self._records:
            for each in (*record.nested, record):
                self._add_members_of(each)

    def _add_members_of(self, record: Record) -> None:
        anonymous = []
        lines = []
        for member in record.members or ():
            name = member.name or "value"
            if not member.name:
                anonymous.append(name)
            lines.append(f'    ("{name}", {self._types.expression(member.type)}),')
        if anonymous:
            self._lines.append(f"{record.name}._anonymous_ = {tuple(anonymous)!r}")
        self._lines.append("\n".join([f"{record.name}._fields_ = [", *lines, "]"]))

    def _add_function(self, each: Function) -> None:
        parameters = ", ".join(self._types.expression(p.type) for p in each.parameters)
        names = tuple(p.name for p in each.parameters)
        text = each.comment
        if each.deprecated:
            text = f"{text}\n\nDeprecated: {each.deprecated}".strip()
        self._add(
            each.name,
            f"{each.name} = function(\n    {each.name!r},\n    {self._types.result(each.result)},\n"
            f"    [{parameters}],\n    {names!r},\n    {_literal(text)},\n)",
        )


def _literal(text: str) -> str:
    return repr(text)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Writes ctypes declarations of C headers.")
    parser.add_argument("--tree", type=Path, required=True, help="clang's syntax tree, JSON")
    parser.add_argument("--library", required=True, help="module that has `function`")
    parser.add_argument("--out", type=Path, required=True, help="the module to write")
    parser.add_argument("headers", nargs="+", type=Path, help="headers that the module is for")
    return parser.parse_args()


def main() -> int:
    """Returns the exit code."""
    arguments = _parse()
    macros: dict[str, int] = {}
    for header in arguments.headers:
        macros.update(numbers(header.read_text()))
    names = [header.name for header in arguments.headers]
    module = Module(list(declarations(arguments.tree)), set(names), macros)
    try:
        text = module.text(names, arguments.library)
    except UnknownTypeError as error:
        print(f"{', '.join(names)}: no ctypes for the C type `{error}`", file=sys.stderr)
        return 1
    arguments.out.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
