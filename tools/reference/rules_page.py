"""The page about the Starlark rules, flags and platforms."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from build_flags import flags
from docstrings import WIDTH, bullet, fill, one_line, table, wrapped
from textproto import Message, parse

_INTRODUCTION = """\
The rules and macros that other packages and workspaces load, from their own documentation. In
another workspace a label begins with `@llama_cpp_python`: [monorepo.md](../monorepo.md)."""

# stardoc_output.proto: AttributeType -> as a reader says it.
_TYPES = {
    "BOOLEAN": "bool",
    "INT": "int",
    "LABEL": "label",
    "LABEL_LIST": "list of labels",
    "LABEL_STRING_DICT": "dict: label -> string",
    "OUTPUT": "output",
    "STRING": "string",
    "STRING_DICT": "dict: string -> string",
    "STRING_LIST": "list of strings",
    "STRING_LIST_DICT": "dict: string -> list of strings",
}

# Attributes that Bazel adds to every rule.
_COMMON = ("name", "repo_mapping")


class RulesPage:
    """Writes the page, and remembers the names that have no documentation.

    Attributes:
        undocumented: Such as `//bazel/wheel:defs.bzl py_abi_wheel.abi`.
    """

    def __init__(self, modules: list[Path], build_files: list[Path], platforms: Path) -> None:
        messages = [parse(path.read_text(encoding="utf-8")) for path in modules]
        self._modules = sorted(messages, key=lambda message: message["file"][0])
        self._build_files = build_files
        self._platforms = json.loads(platforms.read_text(encoding="utf-8"))
        self.undocumented: list[str] = []

    def markdown(self) -> str:
        """Returns the page's text, without the line that says who wrote it."""
        parts = ["# Bazel rules", _INTRODUCTION, self._menu()]
        for module in self._modules:
            parts += self._module(module)
        parts += self._flags()
        parts += self._all_platforms()
        return "\n\n".join(parts) + "\n"

    def _menu(self) -> str:
        return table(
            ["load from", "names"],
            [
                [
                    f"`{module['file'][0]}`",
                    ", ".join(f"[`{name}`](#{name.lower()})" for name in _names(module)),
                ]
                for module in self._modules
            ],
        )

    def _module(self, module: Message) -> Iterator[str]:
        label = module["file"][0]
        yield f"## `{label}`"
        yield wrapped(self._checked(label, _text(module, "module_docstring")))
        for rule in module.get("rule_info", []):
            yield from self._rule(label, rule, rule["rule_name"][0])
        for rule in module.get("repository_rule_info", []):
            yield from self._rule(label, rule, rule["rule_name"][0])
            if variables := rule.get("environ"):
                names = ", ".join(f"`{name}`" for name in variables)
                yield fill(
                    f"Fetched again when one of these environment variables changes: {names}."
                )
        for function in module.get("func_info", []):
            yield from self._function(label, function)
        for provider in module.get("provider_info", []):
            yield from self._provider(label, provider)
        for extension in module.get("module_extension_info", []):
            name = extension["extension_name"][0]
            yield f"### `{name}`"
            yield wrapped(self._checked(f"{label} {name}", _text(extension)))

    def _rule(self, label: str, rule: Message, name: str) -> Iterator[str]:
        yield f"### `{name}`"
        yield wrapped(self._checked(f"{label} {name}", _text(rule)))
        rows = [
            [
                f"`{attribute['name'][0]}`",
                _TYPES[attribute["type"][0]],
                _default(attribute),
                self._described(f"{label} {name}", attribute),
            ]
            for attribute in rule.get("attribute", [])
            if attribute["name"][0] not in _COMMON
        ]
        if rows:
            yield table(["attribute", "type", "default", "description"], rows)

    def _function(self, label: str, function: Message) -> Iterator[str]:
        name = function["function_name"][0]
        yield f"### `{name}`"
        yield _signature(name, function.get("parameter", []))
        yield wrapped(self._checked(f"{label} {name}", _text(function)))
        parameters = [
            bullet(parameter["name"][0], self._described(f"{label} {name}", parameter))
            for parameter in function.get("parameter", [])
        ]
        if parameters:
            yield "**Args**"
            yield "\n".join(parameters)
        for returned in function.get("return", []):
            yield "**Returns**"
            yield fill(one_line(_text(returned)))

    def _provider(self, label: str, provider: Message) -> Iterator[str]:
        name = provider["provider_name"][0]
        yield f"### `{name}`"
        yield wrapped(self._checked(f"{label} {name}", _text(provider)))
        rows = [
            [f"`{field['name'][0]}`", self._described(f"{label} {name}", field)]
            for field in provider.get("field_info", [])
        ]
        yield table(["field", "description"], rows)

    def _flags(self) -> Iterator[str]:
        yield "## Flags"
        rows = []
        for path in self._build_files:
            for flag in flags(path):
                text = one_line(self._checked(flag.label, flag.text))
                rows.append(
                    [f"`--{flag.label}`", f"`{flag.default}`" if flag.default else "empty", text]
                )
        yield table(["flag", "default", "description"], rows)

    def _all_platforms(self) -> Iterator[str]:
        yield "## Platforms and constraints"
        yield "Values of `--platforms`:"
        columns = ["platform", "system", "CPU", "oldest version", "accelerator"]
        yield table(columns, [_code_first(row) for row in self._platforms["platforms"]])
        yield "Constraint values, for platforms of your own:"
        yield table(["setting", "values", "default"], self._platforms["constraints"])

    def _described(self, owner: str, item: Message) -> str:
        return one_line(self._checked(f"{owner}.{item['name'][0]}", _text(item)))

    def _checked(self, path: str, text: str) -> str:
        if not text:
            self.undocumented.append(path)
        return text


def _text(item: Message, field: str = "doc_string") -> str:
    return item.get(field, [""])[0].strip()


def _names(module: Message) -> list[str]:
    fields = {
        "rule_info": "rule_name",
        "repository_rule_info": "rule_name",
        "func_info": "function_name",
        "provider_info": "provider_name",
        "module_extension_info": "extension_name",
    }
    return [item[name][0] for kind, name in fields.items() for item in module.get(kind, [])]


def _default(attribute: Message) -> str:
    if attribute.get("mandatory", [False])[0]:
        return "required"
    return f"`{attribute['default_value'][0]}`" if "default_value" in attribute else ""


def _signature(function: str, parameters: list[Message]) -> str:
    texts = []
    for parameter in parameters:
        default = parameter.get("default_value")
        # Bazel 7 does not give the role. No macro has a parameter *args.
        is_kwargs = not default and "mandatory" not in parameter
        name = ("**" if is_kwargs else "") + parameter["name"][0]
        texts.append(f"{name} = {default[0]}" if default else name)
    line = f"{function}({', '.join(texts)})"
    if len(line) > WIDTH:
        line = "\n".join([f"{function}(", *(f"    {text}," for text in texts), ")"])
    return f"```python\n{line}\n```"


def _code_first(row: list[Any]) -> list[str]:
    return [f"`{row[0]}`", *row[1:]]
