"""Fuzzes a target with Atheris: ``guided.py TARGET MODULES OPTION...``.

MODULES, with commas, are those whose coverage guides the mutations; OPTIONs are libFuzzer's.
"""

from __future__ import annotations

import importlib
import sys

import atheris


def main() -> None:
    name, modules, *options = sys.argv[1:]
    with atheris.instrument_imports(include=modules.split(",")):
        target = importlib.import_module(name)
    atheris.Setup([sys.argv[0], *options], target.one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
