"""Writes peer_surface.json: run it with a Python that has llama-cpp-python 0.3.36 installed.

PEER/bin/python make_peer_surface.py > peer_surface.json
"""

from __future__ import annotations

import ctypes
import importlib
import inspect
import json
import sys

MODULES = (
    "_internals",
    "llama",
    "llama_cache",
    "llama_chat_format",
    "llama_grammar",
    "llama_speculative",
    "llama_tokenizer",
)
DUNDERS = ("__init__", "__call__", "__getitem__", "__setitem__", "__contains__")


def describe(thing) -> str:
    """Returns "class", "property", or the parameters of a function: kinds, names, defaults."""
    if isinstance(thing, property):
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
        public = not name.startswith("_") or name in DUNDERS
        if isinstance(member, (staticmethod, classmethod)):
            member = member.__func__
        if public and (inspect.isfunction(member) or isinstance(member, property)):
            yield name


def signatures() -> dict[str, str]:
    found = {}
    for module_name in MODULES:
        module = importlib.import_module(f"llama_cpp.{module_name}")
        for name, thing in vars(module).items():
            if name.startswith("_") or getattr(thing, "__module__", "") != module.__name__:
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
        if callable(getattr(llama_cpp.Llama, name))
    }
    facts = {
        "signatures": signatures(),
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
