"""Reads the declarations of a C header, as far as a binding sees them."""

from __future__ import annotations

import ast
import dataclasses
import re

from .changes import Change, differences

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_DEFINE = re.compile(r"^\s*#\s*define\s+(\w+)(?!\()[ \t]*(.*)$")
_CONDITION = re.compile(r"^\s*#\s*(if|ifdef|ifndef|else|elif|endif)\b(.*)$")
# Text around a declaration that does not affect its type.
_ATTRIBUTES = re.compile(
    r"\b\w+_API\b|\b\w*ATTRIBUTE_FORMAT\s*\([^)]*\)|\b\w+_(?:NORETURN|RESTRICT)\b|\bextern\b"
)
_DEPRECATED = re.compile(r"^\s*\w*DEPRECATED\s*\((.*),\s*\"[^\"]*\"\s*(?:\"[^\"]*\"\s*)*\)\s*$")
_AGGREGATE = re.compile(r"^(?:typedef\s+)?(struct|union|enum)\b\s*(\w*)[^{}]*\{(.*)\}\s*(\w*)$")
_FUNCTION = re.compile(r"^[^()=]*?\b(\w+)\s*\(.*\)$")
_TYPE = re.compile(r"^typedef\b.*?(?:\(\s*\*\s*(\w+)\s*\)\s*\(.*\)|\b(\w+))$")
_FIELD = re.compile(
    r"\(\s*\*\s*(?:const\s+)?(\w+)\s*\)|(\w+)\s*(?:\[[^\]]*\]\s*)*(?:=.*|:\s*\d+)?$"
)
_NUMBER_SUFFIX = re.compile(r"\b(0[xX][0-9a-fA-F]+|\d+)[uUlL]+\b")


@dataclasses.dataclass
class Header:
    """The declarations of a header.

    Attributes:
        functions: Name -> declaration.
        types: Name of another typedef -> declaration.
        fields: `struct.field` -> declaration.
        enumerators: Name of an enum -> its enumerators with their values, in their order.
        macros: Name -> replacement, for macros without arguments.
    """

    functions: dict[str, str] = dataclasses.field(default_factory=dict)
    types: dict[str, str] = dataclasses.field(default_factory=dict)
    fields: dict[str, str] = dataclasses.field(default_factory=dict)
    enumerators: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)
    macros: dict[str, str] = dataclasses.field(default_factory=dict)


def parse(text: str) -> Header:
    """Returns the declarations in a header's text. C++ is left out."""
    header = Header()
    for statement in _statements(_preprocess(_COMMENT.sub(" ", text), header)):
        _declare(statement, header)
    return header


def compare(old: Header, new: Header) -> list[Change]:
    """Returns every difference between two versions of a header."""
    result = differences("function", old.functions, new.functions)
    result += differences("type", old.types, new.types)
    result += differences("field", old.fields, new.fields)
    result += differences("enumerator", _enumerators(old), _enumerators(new))
    return result + differences("macro", old.macros, new.macros)


def _enumerators(header: Header) -> dict[str, str]:
    return {name: value for group in header.enumerators.values() for name, value in group.items()}


def _preprocess(text: str, header: Header) -> str:
    """Notes macros; returns the text without directives and without C++-only parts."""
    result: list[str] = []
    # For every open condition whether its lines are kept.
    kept: list[bool] = []
    for line in text.replace("\\\n", " ").split("\n"):
        condition = _CONDITION.match(line)
        if condition:
            _enter(condition[1], condition[2], kept)
        elif not all(kept):
            continue
        elif line.lstrip().startswith("#"):
            define = _DEFINE.match(line)
            if define and define[2].strip():
                header.macros.setdefault(define[1], _squeeze(define[2]))
        else:
            result.append(line)
    return "\n".join(result)


def _enter(directive: str, rest: str, kept: list[bool]) -> None:
    is_cpp = "__cplusplus" in rest
    if directive in ("if", "ifdef", "ifndef"):
        kept.append(not is_cpp or directive == "ifndef")
    elif directive == "endif":
        if kept:
            kept.pop()
    elif kept and not kept[-1]:
        # The other side of a condition on C++ is C; of any other condition both sides are read.
        kept[-1] = True


def _statements(text: str) -> list[str]:
    """Splits at semicolons outside of braces, and behind the bodies of functions."""
    result: list[str] = []
    depth, begin = 0, 0
    for position, character in enumerate(text):
        if character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
        if depth:
            continue
        is_body = character == "}" and ")" in text[begin:position].partition("{")[0]
        if character == ";" or is_body:
            statement = _squeeze(text[begin:position])
            if statement:
                result.append(statement)
            begin = position + 1
    return result


def _squeeze(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _declare(statement: str, header: Header) -> None:
    deprecated = _DEPRECATED.match(statement)
    statement = _squeeze(_ATTRIBUTES.sub(" ", deprecated[1] if deprecated else statement))
    # The body of an inline function is no part of its declaration.
    aggregate = _AGGREGATE.match(statement)
    function = _FUNCTION.match(statement.partition("{")[0].strip())
    kind = _TYPE.match(statement)
    if aggregate and not (function and not statement.startswith("typedef")):
        _declare_aggregate(aggregate, header)
    elif statement.startswith("typedef") and kind:
        header.types[kind[1] or kind[2]] = statement
    elif function:
        suffix = " [deprecated]" if deprecated else ""
        header.functions[function[1]] = statement.partition("{")[0].strip() + suffix


def _declare_aggregate(match: re.Match[str], header: Header) -> None:
    kind, name, body = match[1], match[4] or match[2], match[3]
    if kind == "enum":
        values = _enum(body)
        header.enumerators[name or next(iter(values), "")] = values
        return
    for declaration in _statements(body + ";"):
        field = _FIELD.search(declaration)
        if field:
            header.fields[f"{name}.{field[1] or field[2]}"] = declaration


def _enum(body: str) -> dict[str, str]:
    """Returns the enumerators; a value that the header leaves out follows the one before."""
    result: dict[str, str] = {}
    numbers: dict[str, int] = {}
    following: int | None = 0
    for item in re.split(r",(?![^(]*\))", body):
        name, _, text = (part.strip() for part in item.partition("="))
        if not name:
            continue
        value = _number(text, numbers, {}) if text else following
        result[name] = str(value) if value is not None else text or "?"
        if value is not None:
            numbers[name] = value
        following = value + 1 if value is not None else None
    return result


def _number(text: str, known: dict[str, int], texts: dict[str, str]) -> int | None:
    """Returns the value of an integer expression, None for any other."""
    try:
        tree = ast.parse(_NUMBER_SUFFIX.sub(r"\1", text), mode="eval")
        return _evaluate(tree.body, known, texts)
    except (SyntaxError, ValueError, RecursionError):
        return None


def _evaluate(node: ast.expr, known: dict[str, int], texts: dict[str, str]) -> int:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    if isinstance(node, ast.Name) and node.id in known:
        return known[node.id]
    if isinstance(node, ast.Name) and node.id in texts:
        value = _number(texts[node.id], known, {k: v for k, v in texts.items() if k != node.id})
        if value is not None:
            return value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Invert)):
        operand = _evaluate(node.operand, known, texts)
        return -operand if isinstance(node.op, ast.USub) else ~operand
    operations = {
        ast.LShift: int.__lshift__,
        ast.BitOr: int.__or__,
        ast.Add: int.__add__,
        ast.Sub: int.__sub__,
        ast.Mult: int.__mul__,
    }
    if isinstance(node, ast.BinOp) and type(node.op) in operations:
        left, right = (_evaluate(side, known, texts) for side in (node.left, node.right))
        return operations[type(node.op)](left, right)
    raise ValueError
