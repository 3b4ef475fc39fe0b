"""Writes the reference page of the C API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Union

from c_types import checked_parameters
from headers import Headers
from module import Module, documentation
from syntax_tree import Function

_HEAD = """<!-- Written by `./bazelw run //tools/reference:update`; do not edit. -->

# The C API for ctypes

The names of {modules}, out of llama.cpp's headers.
[c-api.md](../c-api.md) explains them. A function checks the parameters of the column "checked" when
they are objects of the package; functions without any check the sizes of arrays alone.
"""


class Page:
    """The page's text.

    Args:
        modules: public module and declarations, per library.
        constants: numbers and texts of all headers.
    """

    def __init__(
        self, modules: list[tuple[str, Headers]], constants: dict[str, Union[int, bytes]]
    ) -> None:
        self._modules = modules
        self._constants = constants

    def text(self) -> str:
        """Returns the text."""
        names = " and ".join(dict.fromkeys(f"`{module}`" for module, _ in self._modules))
        lines = [_HEAD.format(modules=names)]
        for _, headers in self._modules:
            lines += self._section(headers)
        lines += ["## Numbers and texts", "", "| name | value |", "| --- | --- |"]
        lines += [f"| `{name}` | `{value!r}` |" for name, value in self._constants.items()]
        return "\n".join(lines) + "\n"

    def _section(self, headers: Headers) -> Iterator[str]:
        yield f"## {', '.join(headers.names)}\n"
        yield "| function | parameters | result | checked | description |"
        yield "| --- | --- | --- | --- | --- |"
        for function in headers.functions:
            yield _row(function)
        yield "\n| struct | members |\n| --- | --- |"
        for record in headers.records:
            for each in (*record.nested, record):
                members = ", ".join(f"`{member.name or 'value'}`" for member in each.members or ())
                yield f"| `{each.name}` | {members} |"
        yield "\n| type | C |\n| --- | --- |"
        known = {each.name for each in headers.functions}
        known |= {each.name for record in headers.records for each in (*record.nested, record)}
        types = {each.name: each.type for each in headers.typedefs}
        for name in Module(headers, "").names():
            if name not in known:
                yield f"| `{name}` | `{_cell(types.get(name) or _pointer(name))}` |"
        yield ""


def _row(function: Function) -> str:
    parameters = ", ".join(f"{each.type} {each.name}".strip() for each in function.parameters)
    checked = ", ".join(f"`{name}`" for name in checked_parameters(function))
    cells = [f"`{function.name}`", f"`{_cell(parameters)}`" if parameters else ""]
    cells += [f"`{function.result}`", checked, _cell(documentation(function))]
    return f"| {' | '.join(cells)} |"


def _pointer(name: str) -> str:
    """Returns the C type of a name such as `llama_batch_p`, or of a callback of a struct."""
    tag = name.removesuffix("_ctypes").removesuffix("_p")
    return f"{tag} *" if tag != name else "pointer to a function"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
