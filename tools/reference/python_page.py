"""The page about the Python API."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Optional, Union

import griffe
from docstrings import fill, one_line, parse, table
from python_api import PublicModule, docstring, homes, public_modules
from signatures import parameters, signature, source_text

_INTRODUCTION = """\
Every public name of the package, from its docstrings. A name that several modules have is described
in the most special one. [python.md](../python.md) tells the differences from llama-cpp-python."""

# Longer texts, such as chat templates, are left out.
_LONGEST_TEXT = 60


class PythonPage:
    """Writes the page, and remembers the names that have no documentation.

    Attributes:
        undocumented: Such as `llama_cpp.llama.Llama.n_ctx`.
    """

    def __init__(self, directory: Path, generated: Sequence[Path] = ()) -> None:
        """Reads the package in `directory`, and the `generated` modules that belong to it."""
        self._modules = public_modules(directory, generated)
        self._homes = homes(self._modules)
        self.undocumented: list[str] = []

    def markdown(self) -> str:
        """Returns the page's text, without the line that says who wrote it."""
        parts = ["# Python API", _INTRODUCTION, self._menu()]
        for module in self._modules:
            parts += self._module(module)
        return "\n\n".join(parts) + "\n"

    def _menu(self) -> str:
        return "\n".join(
            fill(f"- [`{module.path}`](#{_anchor(module.path)}): {_first_line(module)}", "  ")
            for module in self._modules
        )

    def _module(self, module: PublicModule) -> Iterator[str]:
        yield f"## `{module.path}`"
        yield from self._described(module.path, module.docstring)
        own = {
            name: target
            for name, target in module.objects.items()
            if self._homes[target.path] is module
        }
        if elsewhere := self._elsewhere(module):
            yield fill("Names described elsewhere: " + ", ".join(elsewhere) + ".")
        errors = {name: target for name, target in own.items() if _is_plain_error(target)}
        if errors:
            yield self._error_table(module, errors)
        for name, target in own.items():
            if target.is_class and name not in errors:
                yield from self._class(module, name, target)
        for name, target in own.items():
            if target.is_function:
                yield from self._function(f"{module.path}.{name}", name, target, level=3)
        values = {name: target for name, target in own.items() if target.is_attribute}
        if values:
            yield "### Values"
            yield table(["name", "value"], [[f"`{name}`", _value(values[name])] for name in values])

    def _elsewhere(self, module: PublicModule) -> list[str]:
        """Returns the other modules with names of this one, and the names."""
        names: dict[str, list[str]] = {}
        for name, target in module.objects.items():
            home = self._homes[target.path]
            if home is not module:
                names.setdefault(home.path, []).append(name)
        return [
            f"all of [`{path}`](#{_anchor(path)})"
            if len(found) == self._size(path)
            else ", ".join(f"`{name}`" for name in found) + f" ([`{path}`](#{_anchor(path)}))"
            for path, found in names.items()
        ]

    def _size(self, path: str) -> int:
        """Returns how many objects a module describes."""
        return sum(home.path == path for home in self._homes.values())

    def _error_table(self, module: PublicModule, errors: dict[str, Any]) -> str:
        rows = [
            [f"`{name}`", _bases(target), self._text(f"{module.path}.{name}", docstring(target))]
            for name, target in errors.items()
        ]
        return table(["exception", "bases", "description"], rows)

    def _class(self, module: PublicModule, name: str, target: griffe.Class) -> Iterator[str]:
        path = f"{module.path}.{name}"
        yield f"### `{name}`"
        if _is_typed_dict(target):
            yield from self._described(path, docstring(target))
            yield _fields(target)
            return
        constructor = _constructor(target)
        if constructor:
            yield signature(name, constructor)
        if bases := _bases(target):
            yield f"Bases: {bases}."
        yield from self._described(path, docstring(target), without=("Attributes",))
        if isinstance(constructor, griffe.Function):
            yield from parse(docstring(constructor)).markdown()
        yield from self._attributes(path, target, parameters(constructor) if constructor else {})
        yield from self._methods(path, name, target)

    def _attributes(
        self, path: str, target: griffe.Class, arguments: dict[str, str]
    ) -> Iterator[str]:
        texts = _attribute_texts(target)
        kept = [f"`{name}`" for name, text in texts.items() if name in arguments and not text]
        if kept:
            yield fill(f"Arguments that are attributes too: {', '.join(kept)}.")
        rows = [
            self._attribute(path, name, target.all_members.get(name), text)
            for name, text in texts.items()
            if text or name not in arguments
        ]
        if rows:
            yield table(["attribute", "type", "description"], rows)

    def _attribute(self, path: str, name: str, member: Any, text: str) -> list[str]:
        if not text and _is_ours(member):
            self.undocumented.append(f"{path}.{name}")
        annotation = source_text(member.annotation, member) if member else ""
        return [f"`{name}`", _code(annotation), _cell(text)]

    def _methods(self, path: str, name: str, target: griffe.Class) -> Iterator[str]:
        for member_name, member in target.members.items():
            is_call = member_name == "__call__"
            if not member.is_function or (member_name.startswith("_") and not is_call):
                continue
            yield from self._function(
                f"{path}.{member_name}",
                f"{name}.{member_name}",
                member,
                level=4,
                text=_inherited(target, member_name) or (docstring(target) if is_call else ""),
            )

    def _function(
        self, path: str, name: str, target: griffe.Function, level: int, text: Optional[str] = None
    ) -> Iterator[str]:
        yield f"{'#' * level} `{name}`"
        yield signature(name, target)
        if target.name == "__call__" and not docstring(target):
            return
        yield from self._described(path, docstring(target) if text is None else text)

    def _described(self, path: str, text: str, without: tuple[str, ...] = ()) -> Iterator[str]:
        if not text:
            self.undocumented.append(path)
        yield from parse(text).markdown(without)

    def _text(self, path: str, text: str) -> str:
        if not text:
            self.undocumented.append(path)
        return _cell(text)


def _anchor(path: str) -> str:
    return re.sub(r"[^\w-]", "", path.lower())


def _first_line(module: PublicModule) -> str:
    return parse(module.docstring).text.split("\n")[0]


def _constructor(target: griffe.Class) -> Union[griffe.Class, griffe.Function, None]:
    """Returns `__init__`, or the class itself if its fields are the parameters."""
    if isinstance(target.all_members.get("__init__"), griffe.Function):
        return target.all_members["__init__"]
    return target if "NamedTuple" in map(str, target.bases) else None


def _is_ours(member: griffe.Object) -> bool:
    """Returns whether a member has a Python source: others are fields of llama.h's structs."""
    return isinstance(member.filepath, Path) and member.filepath.suffix == ".py"


def _cell(text: str) -> str:
    """Returns a docstring for a table."""
    return one_line(" ".join(parse(text).markdown()))


def _attribute_texts(target: griffe.Class) -> dict[str, str]:
    """Returns name -> text of the public attributes and properties, those of the bases too."""
    found = {
        name: _inherited(target, name)
        for name, member in target.all_members.items()
        if member.is_attribute and not name.startswith("_")
    }
    for owner in reversed([target, *target.mro()]):
        found |= parse(docstring(owner)).named("Attributes")
    return found


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _bases(target: griffe.Class) -> str:
    return ", ".join(f"`{source_text(base, target)}`" for base in target.bases)


def _is_plain_error(target: griffe.Object) -> bool:
    """Returns whether an exception's docstring is a text without sections."""
    return (
        isinstance(target, griffe.Class)
        and not parse(docstring(target)).sections
        and bool(re.search(r"(Error|Exception)$", target.name))
    )


def _is_typed_dict(target: griffe.Class) -> bool:
    return any("TypedDict" in map(str, owner.bases) for owner in [target, *target.mro()])


def _fields(target: griffe.Class) -> str:
    bases = ", ".join(str(base) for base in target.bases)
    fields = [f"    {name}: {member.annotation}" for name, member in target.members.items()]
    return "\n".join(["```python", f"class {target.name}({bases}):", *fields, "```"])


def _inherited(target: griffe.Class, name: str) -> str:
    """Returns the docstring of a member, or of the nearest base's that has one."""
    for owner in [target, *target.mro()]:
        member = owner.members.get(name)
        if member is not None and docstring(member):
            return docstring(member)
    return ""


def _value(target: griffe.Attribute) -> str:
    if isinstance(target.value, griffe.ExprCall):
        return _result(target.value, target)
    value = source_text(target.value, target)
    is_text = isinstance(target.value, str) and value[0] in "'\""
    return "(text)" if is_text and len(value) > _LONGEST_TEXT else _code(value)


def _result(call: griffe.ExprCall, target: griffe.Attribute) -> str:
    """Returns the type of a call's result, if the module says it."""
    function = target.module.members.get(str(call.function))
    returns = function.returns if isinstance(function, griffe.Function) else None
    return f"a {_code(source_text(returns, target))}" if returns is not None else "(computed)"
