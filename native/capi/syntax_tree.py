"""Reads clang's syntax tree (``-ast-dump=json``) of C headers: which names they declare.

clang's JSON gives a location only where it differs from the one before, so the file of a
declaration is that of the nearest one before it that names a file.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, Iterator


@dataclasses.dataclass(frozen=True)
class Named:
    """A name with a C type, such as a parameter or a member of a struct."""

    name: str
    type: str


@dataclasses.dataclass(frozen=True)
class Function:
    """A function.

    Attributes:
        name: Its name.
        result: C type of its result.
        parameters: Its parameters in order.
        comment: Text of the comment in front of it, "" without one.
        deprecated: Message of its ``deprecated`` attribute, "" without one.
    """

    name: str
    result: str
    parameters: tuple[Named, ...]
    comment: str
    deprecated: str


@dataclasses.dataclass(frozen=True)
class Record:
    """A struct or union.

    Attributes:
        name: Its tag. Without one: that of the record around it, and the member's or `value`.
        is_union: Whether it is a union.
        members: Its members; None where only the name is declared. The type of a member without a
            name is the name of one of `nested`.
        nested: Structs and unions without a tag, declared inside.
        comment: Text of the comment in front of it, "" without one.
    """

    name: str
    is_union: bool
    members: tuple[Named, ...] | None
    nested: tuple[Record, ...]
    comment: str


@dataclasses.dataclass(frozen=True)
class Enum:
    """An enumeration with its enumerators' values; its name is "" if it has none."""

    name: str
    values: dict[str, int]


@dataclasses.dataclass(frozen=True)
class Typedef:
    name: str
    type: str
    comment: str


Declaration = Function | Record | Enum | Typedef


def declarations(tree: str) -> Iterator[tuple[str, Declaration]]:
    """Yields file name (without directories) and declaration, in the order of the headers."""
    file = ""
    for node in json.loads(tree)["inner"]:
        file = _file(node) or file
        made = _declaration(node)
        if made is not None:
            yield Path(file).name, made


def _file(node: dict[str, Any]) -> str:
    """Returns the last file that a node's location names: the one it is expanded in."""
    location = node.get("loc", {})
    found = ""
    for part in ("spellingLoc", "expansionLoc"):
        found = location.get(part, {}).get("file", found)
    return location.get("file", found)


def _declaration(node: dict[str, Any]) -> Declaration | None:
    kind = node["kind"]
    if node.get("isImplicit"):
        return None
    if kind == "FunctionDecl":
        return _function(node)
    if kind == "RecordDecl" and "name" in node:
        return _record(node)
    if kind == "EnumDecl":
        return _enum(node)
    if kind == "TypedefDecl":
        return Typedef(node["name"], node["type"]["qualType"], _comment(node))
    return None


def _inner(node: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [child for child in node.get("inner", []) if child["kind"] == kind]


def _function(node: dict[str, Any]) -> Function:
    parameters = _inner(node, "ParmVarDecl")
    if node.get("variadic"):
        parameters = [*parameters, {"name": "...", "type": {"qualType": "..."}}]
    return Function(
        node["name"],
        _result(node["type"]["qualType"]),
        tuple(Named(each.get("name", ""), each["type"]["qualType"]) for each in parameters),
        _comment(node),
        _deprecated(node),
    )


def _result(signature: str) -> str:
    """Returns the type in front of the parameters' parenthesis: the last one that is not nested."""
    depth = 0
    for index in range(len(signature) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(signature[index], 0)
        if depth == 0 and signature[index] == "(":
            return signature[:index].strip()
    raise ValueError(f"{signature} is no function's type")


def _record(node: dict[str, Any]) -> Record:
    name = node.get("name", "")
    members: list[Named] = []
    nested: list[Record] = []
    for child in node.get("inner", []):
        if child["kind"] == "RecordDecl" and "name" not in child:
            nested.append(_record(child))
        elif child["kind"] == "FieldDecl":
            member = child.get("name", "")
            c_type = child["type"]["qualType"]
            if "(unnamed " in c_type or "(anonymous " in c_type:
                c_type = f"{name}_{member or 'value'}"
                nested[-1] = dataclasses.replace(nested[-1], name=c_type)
            if child.get("isBitfield"):
                c_type += " (bit-field)"  # no type of ctypes
            members.append(Named(member, c_type))
    return Record(
        name,
        node["tagUsed"] == "union",
        tuple(members) if node.get("completeDefinition", False) else None,
        tuple(nested),
        _comment(node),
    )


def _enum(node: dict[str, Any]) -> Enum:
    values: dict[str, int] = {}
    following = 0
    for constant in _inner(node, "EnumConstantDecl"):
        given = _value(constant)
        values[constant["name"]] = following if given is None else given
        following = values[constant["name"]] + 1
    return Enum(node.get("name", ""), values)


def _value(node: dict[str, Any]) -> int | None:
    """Returns the value that clang computed of an expression below a node."""
    for child in node.get("inner", []):
        if child["kind"] == "ConstantExpr" and "value" in child:
            return int(child["value"])
        found = _value(child)
        if found is not None:
            return found
    return None


def _comment(node: dict[str, Any]) -> str:
    """Returns the text of the comment in front of a declaration."""
    parts = [part for comment in _inner(node, "FullComment") for part in comment.get("inner", [])]
    return "\n\n".join(filter(None, map(_comment_part, parts)))


def _comment_part(part: dict[str, Any]) -> str:
    """Returns the text of a paragraph, or of a command such as `@return`."""
    text = "\n".join(filter(None, _comment_lines(part)))
    if part["kind"] == "ParamCommandComment":
        return f"{part.get('param', '')}: {text}"
    is_result = part["kind"] == "BlockCommandComment" and part.get("name") in ("return", "returns")
    return f"Returns {text}" if is_result and not text.startswith("Returns") else text


def _comment_lines(part: dict[str, Any]) -> Iterator[str]:
    if "text" in part:
        yield part["text"].strip()
    for argument in part.get("args", []) if part["kind"] == "InlineCommandComment" else []:
        yield argument
    for inner in part.get("inner", []):
        yield from _comment_lines(inner)


def _deprecated(node: dict[str, Any]) -> str:
    for attribute in _inner(node, "DeprecatedAttr"):
        return attribute.get("message", "") or "deprecated"
    return ""
