"""Signatures as Python code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Union

import griffe
from docstrings import WIDTH


def source_text(expression: Any, where: griffe.Object) -> str:
    """Returns an expression's source, without the private modules that its names come from."""
    modules = [
        name
        for name, member in where.module.members.items()
        if member.is_alias and _is_own_module(member, where)
    ]
    text = str(expression) if expression is not None else ""
    return re.sub(rf"\b(?:{'|'.join(modules)})\.(?=\w)", "", text) if modules else text


def parameters(target: Union[griffe.Class, griffe.Function]) -> dict[str, str]:
    """Returns the parameters' names and code; of a class, its fields.

    `self` and `cls` are left out, the markers `/` and `*` are not.
    """
    if isinstance(target, griffe.Class):
        return dict(_fields(target))
    texts: dict[str, str] = {}
    previous = None
    for parameter in target.parameters:
        kind = parameter.kind
        if previous is griffe.ParameterKind.positional_only and kind is not previous:
            texts["/"] = "/"
        if kind is griffe.ParameterKind.keyword_only and previous not in (
            kind,
            griffe.ParameterKind.var_positional,
        ):
            texts["*"] = "*"
        previous = kind
        texts[parameter.name] = _parameter(parameter, target)
    if previous is griffe.ParameterKind.positional_only:
        texts["/"] = "/"
    if _is_bound(target):
        del texts[next(iter(texts))]
        if next(iter(texts), "") == "/":
            del texts["/"]
    return texts


def signature(name: str, target: Union[griffe.Class, griffe.Function]) -> str:
    """Returns a code block; one line per parameter if the call does not fit into one."""
    is_constructor = target.name == "__init__" or isinstance(target, griffe.Class)
    returns = "" if is_constructor else source_text(target.returns, target)
    end = f") -> {returns}" if returns else ")"
    texts = list(parameters(target).values())
    line = f"{name}({', '.join(texts)}{end}"
    if len(line) > WIDTH:
        line = "\n".join([f"{name}(", *(f"    {text}," for text in texts), end])
    return f"```python\n{line}\n```"


def _parameter(parameter: griffe.Parameter, function: griffe.Function) -> str:
    stars = {
        griffe.ParameterKind.var_positional: "*",
        griffe.ParameterKind.var_keyword: "**",
    }.get(parameter.kind, "")
    annotation = source_text(parameter.annotation, function)
    text = stars + parameter.name + (f": {annotation}" if annotation else "")
    if stars or parameter.default is None:
        return text
    equals = " = " if annotation else "="
    return text + equals + source_text(parameter.default, function)


def _fields(target: griffe.Class) -> Iterator[tuple[str, str]]:
    for name, member in target.attributes.items():
        if member.annotation is not None and not name.startswith("_"):
            value = f" = {source_text(member.value, target)}" if member.value is not None else ""
            yield name, f"{name}: {source_text(member.annotation, target)}{value}"


def _is_bound(function: griffe.Function) -> bool:
    is_method = isinstance(function.parent, griffe.Class)
    return is_method and "staticmethod" not in function.labels


def _is_own_module(member: Any, where: griffe.Object) -> bool:
    """Returns whether a name is another module of the package, but for the native one."""
    path = member.target_path
    package = where.package.path + "."
    try:
        return path.startswith(package) and member.final_target.is_module
    except (griffe.AliasResolutionError, griffe.CyclicAliasError):
        return False
