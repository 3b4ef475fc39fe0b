"""The declarations of a set of headers, sorted by kind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Optional, Union

import macros
from c_types import Types, UnknownTypeError
from syntax_tree import Declaration, Enum, Function, Record, Typedef


class Headers:
    """Declarations for one generated module.

    Attributes:
        names: File names of the headers that the module is for.
        records: Structs and unions whose members the module has, in the order of the headers: its
            own, and those of other headers that a declaration hands over by value.
        opaque: Names of the module's structs without members.
        typedefs: The module's own, and pointers to functions from other headers.
        functions: The module's own.
        types: The names that declarations may use.

    Args:
        found: file name and declaration, of all headers that were read.
        texts: file name -> text of the module's own headers.
    """

    def __init__(self, found: list[tuple[str, Declaration]], texts: dict[str, str]) -> None:
        own = [declaration for file, declaration in found if file in texts]
        every = [declaration for _, declaration in found]
        self.names = list(texts)
        self.functions = [each for each in own if isinstance(each, Function)]
        self.typedefs = _typedefs(own, every)
        self._every = [each for each in every if isinstance(each, Record)]
        self._own_tags = {each.name for each in own if isinstance(each, Record)}
        self._all_typedefs = {each.name: each.type for each in every if isinstance(each, Typedef)}
        complete = {each.name for each in self._every if each.members}
        wanted = self._own_tags & complete
        while (missing := self._choose(wanted)) is not None:
            if missing not in complete - wanted:
                raise UnknownTypeError(missing)
            wanted.add(missing)

    def _choose(self, wanted: set[str]) -> Optional[str]:
        """Chooses the structs that have members; returns the name of one that is missing."""
        self.records = [each for each in self._every if each.name in wanted and each.members]
        nested = {inner.name for each in self.records for inner in each.nested}
        declared = {each.name for each in self._every}
        self.opaque = sorted(self._own_tags - wanted)
        self.types = Types(wanted | nested, declared - wanted, self._all_typedefs)
        try:
            self._use_all()
        except UnknownTypeError as error:
            return error.name
        return None

    def _use_all(self) -> None:
        for record in self.records:
            for each in (*record.nested, record):
                for member in each.members or ():
                    self.types.expression(member.type)
        for typedef in self.typedefs:
            self.types.result(typedef.type)
        for function in self.functions:
            self.types.result(function.result)
            for parameter in function.parameters:
                self.types.expression(parameter.type)


def values(
    found: list[tuple[str, Declaration]], headers: dict[str, str]
) -> dict[str, Union[int, bytes]]:
    """Returns the macros and enumerators of headers, by name.

    Args:
        found: file name and declaration, of all headers that were read.
        headers: file name -> text of the headers that count.
    """
    result: dict[str, Union[int, bytes]] = {}
    for text in headers.values():
        result.update(macros.texts(text))
    for file, declaration in found:
        if not isinstance(declaration, Enum):
            continue
        for name, value in declaration.values.items():
            if macro := macros.macro_name(name):
                result[macro] = value
            elif file in headers:
                result[name] = value
    return result


def _typedefs(own: list[Declaration], every: list[Declaration]) -> list[Typedef]:
    """Returns the typedefs that a module has: its own, and callbacks that its declarations use.

    A typedef that only repeats a tag (`struct x x`) is none.
    """
    mine = {each.name for each in own if isinstance(each, Typedef)}
    used = set(re.findall(r"\w+", " ".join(_c_types(own))))
    return [
        each
        for each in every
        if isinstance(each, Typedef)
        and each.type.split()[-1] != each.name
        and (each.name in mine or (each.name in used and "(*)" in each.type))
    ]


def _c_types(declared: list[Declaration]) -> Iterator[str]:
    """Yields the C types of members, parameters and typedefs."""
    for each in declared:
        if isinstance(each, Record):
            yield from (member.type for member in each.members or ())
        elif isinstance(each, Function):
            yield from (parameter.type for parameter in each.parameters)
        elif isinstance(each, Typedef):
            yield each.type
