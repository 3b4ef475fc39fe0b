"""Writes peer_surface.json: run it with a Python that has llama-cpp-python 0.3.36 installed.

PEER/bin/python make_peer_surface.py > peer_surface.json
"""

from __future__ import annotations

import ast
import ctypes
import importlib
import inspect
import json
import sys

MODULES = (
    "_internals",
    "_logger",
    "_utils",
    "llama",
    "llama_cache",
    "llama_chat_format",
    "llama_grammar",
    "llama_speculative",
    "llama_tokenizer",
)
# Classes whose private methods programs override or call.
OPEN_CLASSES = ("Llama", "SchemaConverter")
DUNDERS = ("__init__", "__call__", "__getitem__", "__setitem__", "__contains__")


def describe(thing) -> str:
    """Returns "class", "property", or the parameters of a function: kinds, names, defaults."""
    if not callable(thing):
        return "property"
    if inspect.isclass(thing):
        return "class"
    parts = []
    kinds = inspect.Parameter
    seen_star = False
    for parameter in inspect.signature(thing).parameters.values():
        text = parameter.name
        if parameter.default is not kinds.empty:
            text += f"={parameter.default!r}"
        if parameter.kind is kinds.VAR_POSITIONAL:
            text, seen_star = "*" + text, True
        elif parameter.kind is kinds.VAR_KEYWORD:
            text = "**" + text
        elif parameter.kind is kinds.KEYWORD_ONLY and not seen_star:
            text, seen_star = "*, " + text, True
        elif parameter.kind is kinds.POSITIONAL_ONLY:
            text += "/"
        parts.append(text)
    return ", ".join(part for part in parts if part not in ("self", "cls"))


def members(cls):
    for name in vars(cls):
        member = inspect.getattr_static(cls, name)
        is_open = cls.__name__ in OPEN_CLASSES and not name.startswith("__")
        public = not name.startswith("_") or name in DUNDERS or is_open
        if isinstance(member, (staticmethod, classmethod)):
            member = member.__func__
        if public and (inspect.isfunction(member) or isinstance(member, property)):
            yield name


def signatures() -> dict[str, str]:
    found = {}
    for module_name in MODULES:
        module = importlib.import_module(f"llama_cpp.{module_name}")
        for name, thing in vars(module).items():
            if getattr(thing, "__module__", "") != module.__name__:
                continue
            if inspect.isclass(thing):
                found[f"{module_name}.{name}"] = "class"
                for member in members(thing):
                    found[f"{module_name}.{name}.{member}"] = describe(getattr(thing, member))
            elif inspect.isfunction(thing):
                found[f"{module_name}.{name}"] = describe(thing)
    return found


def c_names(module_name: str) -> dict[str, object]:
    """Returns the names of a C API: of a struct its members, of a number its value, else None."""
    found = {}
    for name, thing in vars(importlib.import_module(f"llama_cpp.{module_name}")).items():
        if not name.startswith(("LLAMA_", "GGML_", "MTMD_", "llama_", "ggml_", "gguf_", "mtmd_")):
            continue
        if inspect.isclass(thing) and issubclass(thing, (ctypes.Structure, ctypes.Union)):
            found[name] = [member for member, *_ in thing._fields_]
        elif not inspect.ismodule(thing):
            found[name] = thing if isinstance(thing, int) else None
    return found


def defined_names(module_name: str) -> list[str]:
    """Returns what the source of a module defines: functions, classes, variables; no imports."""
    found = set()
    for node in _syntax_tree(module_name).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        found.update(target.id for target in _targets(node) if isinstance(target, ast.Name))
    return sorted(found)


def attributes(module_name: str, class_name: str) -> list[str]:
    """Returns the attributes that the methods of a class set on its objects."""
    tree = _syntax_tree(module_name)
    (cls,) = (n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == class_name)
    targets = (target for node in ast.walk(cls) for target in _targets(node))
    return sorted(
        {t.attr for t in targets if isinstance(t, ast.Attribute) and ast.unparse(t.value) == "self"}
    )


def _syntax_tree(module_name: str) -> ast.Module:
    return ast.parse(inspect.getsource(importlib.import_module(f"llama_cpp.{module_name}")))


def _targets(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.AnnAssign):
        return [node.target]
    return node.targets if isinstance(node, ast.Assign) else []


def main() -> None:
    import llama_cpp
    from llama_cpp import llama_chat_format, llama_types

    star: dict = {}
    exec("from llama_cpp import *", star)
    types = {name: thing for name, thing in vars(llama_types).items() if name[0].isupper()}
    llama = {
        name: {
            parameter.name: str(parameter.annotation)
            for parameter in inspect.signature(getattr(llama_cpp.Llama, name)).parameters.values()
        }
        for name in members(llama_cpp.Llama)
        if (name in DUNDERS or not name.startswith("_"))
        and callable(getattr(llama_cpp.Llama, name))
    }
    facts = {
        "signatures": signatures(),
        "defined": {name: defined_names(name) for name in (*MODULES, "llama_types")},
        "attributes_of_llama": attributes("llama", "Llama"),
        "c_api": {name: c_names(name) for name in ("llama_cpp", "mtmd_cpp")},
        "annotations": llama,
        "star_import": sorted(name for name in star if not name.startswith("__")),
        "constants": {
            name: value
            for name, value in vars(llama_cpp.llama_cpp).items()
            if name.startswith(("LLAMA_", "GGML_")) and isinstance(value, int)
        },
        "types": {
            name: sorted(thing.__annotations__)
            for name, thing in types.items()
            if hasattr(thing, "__total__")
        },
        "type_names": sorted(types),
        "chat_formats": sorted(
            llama_chat_format.LlamaChatCompletionHandlerRegistry()._chat_handlers
        ),
    }
    json.dump(facts, sys.stdout, indent=1, sort_keys=True)
    print()


if __name__ == "__main__":
    main()
