"""Writes the pages of docs/reference that are generated, and the list of undocumented names."""

from __future__ import annotations

import argparse
from pathlib import Path

from python_page import PythonPage
from rules_page import RulesPage

_HEADER = "<!-- Written by `./bazelw run //tools/reference:update`; do not edit. -->\n\n"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--package", type=Path, required=True, help="a file of the Python package")
    parser.add_argument(
        "--generated",
        type=Path,
        action="append",
        default=[],
        help="generated module of the package, which a page of its own describes",
    )
    parser.add_argument(
        "--module",
        type=Path,
        action="append",
        required=True,
        help="text format of a message of starlark_doc_extract",
    )
    parser.add_argument(
        "--build-file",
        type=Path,
        action="append",
        required=True,
        help="BUILD file with flags, by its path from the root of the workspace",
    )
    parser.add_argument("--platforms", type=Path, required=True, help="JSON of platforms.bzl")
    parser.add_argument("--python-page", type=Path, required=True)
    parser.add_argument("--rules-page", type=Path, required=True)
    parser.add_argument("--undocumented", type=Path, required=True)
    return parser.parse_args()


def main() -> None:
    """Writes the pages."""
    arguments = _arguments()
    python = PythonPage(arguments.package.parent, arguments.generated)
    rules = RulesPage(arguments.module, arguments.build_file, arguments.platforms)
    arguments.python_page.write_text(_HEADER + python.markdown(), encoding="utf-8")
    arguments.rules_page.write_text(_HEADER + rules.markdown(), encoding="utf-8")
    missing = [*python.undocumented, *rules.undocumented]
    arguments.undocumented.write_text("".join(f"{name}\n" for name in missing), encoding="utf-8")


if __name__ == "__main__":
    main()
