"""docs/reference/python.md and c-api.md against the modules as Python imports them."""

from __future__ import annotations

import importlib
import inspect
import os
import re
from pathlib import Path
from typing import Any

import pytest

import llama_cpp

PAGE = Path(os.environ["PYTHON_PAGE"]).read_text(encoding="utf-8")
C_PAGE = Path(os.environ["C_PAGE"]).read_text(encoding="utf-8")
MODULES = re.findall(r"(?m)^## `([\w.]+)`$", PAGE)


def described() -> set[str]:
    """Returns the names that have a heading or a row of a table."""
    return set(re.findall(r"(?m)^(?:###|\|) `(\w+)`", PAGE + C_PAGE))


def own(module: Any) -> list[str]:
    """Returns the names of __all__ that are neither modules nor of another package."""
    values = {name: getattr(module, name) for name in module.__all__}
    return [
        name
        for name, value in values.items()
        if not inspect.ismodule(value)
        and getattr(value, "__module__", "llama_cpp").startswith("llama_cpp")
        and name not in llama_cpp._INCIDENTAL
    ]


def test_every_public_submodule_has_a_section() -> None:
    public = {f"llama_cpp.{name}" for name in llama_cpp._SUBMODULES if not name.startswith("_")}
    assert set(MODULES) == {"llama_cpp", *public}


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_described(module: str) -> None:
    names = own(importlib.import_module(module))
    assert names
    assert set(names) - described() == set()


def parameters_on_page(name: str) -> list[str]:
    """Returns the parameters in the code block below the heading of a function."""
    block = re.search(rf"(?m)^#+ `{re.escape(name)}`\n\n```python\n([^`]+)```", PAGE)
    assert block
    call = block[1].partition("(")[2]
    lines = call.strip().splitlines()
    parts = lines[:-1] if len(lines) > 1 else re.split(r",\s(?![^\[]*\])", call.rpartition(")")[0])
    return [re.match(r"\s*\**(\w+)", part)[1] for part in parts if re.match(r"\s*\**\w", part)]


def methods() -> dict[str, Any]:
    """Returns heading -> function, for the constructor and the public methods of Llama."""
    names = [name for name in vars(llama_cpp.Llama) if not name.startswith("_")]
    functions = {f"Llama.{name}": getattr(llama_cpp.Llama, name) for name in names}
    found = {heading: value for heading, value in functions.items() if callable(value)}
    return {"Llama": llama_cpp.Llama, "Llama.__call__": llama_cpp.Llama.__call__, **found}


@pytest.mark.parametrize("heading", methods())
def test_signatures_are_those_of_the_methods(heading: str) -> None:
    expected = inspect.signature(methods()[heading]).parameters
    assert parameters_on_page(heading) == [name for name in expected if name != "self"]
