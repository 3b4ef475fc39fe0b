"""Compares the software bill of materials (PEP 770) with the wheel's contents."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from packaging.utils import canonicalize_name

from . import elf, macho, pe
from .wheel import Expected, Wheel, fields

_MAGICS = (elf.MAGIC, macho.MAGIC, pe.MAGIC)
_AGAIN = "build the wheel again with py_abi_wheel"
# SPDX; they ask for no copy of their text beside the code.
_LICENSES_WITHOUT_NOTICE = frozenset(("0BSD", "CC0-1.0", "MIT-0", "Unlicense"))


def check(wheel: Wheel, expected: Expected) -> Iterator[str]:
    """Yields errors in the SBOM."""
    folder = f"{wheel.dist_info}/sboms/"
    paths = [path for path in wheel.files if path.startswith(folder) and path.endswith(".cdx.json")]
    if len(paths) != 1:
        yield f"there are {len(paths)} CycloneDX files in {folder}, not one; {_AGAIN}"
        return
    path = paths[0]
    try:
        document = json.loads(wheel.files[path])
    except (RecursionError, ValueError) as error:
        yield f"{path}: is no JSON ({error}); {_AGAIN}"
        return
    try:
        for problem in _document(wheel, expected, document):
            yield f"{path}: {problem}"
    except (AttributeError, KeyError, TypeError) as error:
        yield f"{path}: is no CycloneDX document ({type(error).__name__}: {error}); {_AGAIN}"


def _document(wheel: Wheel, expected: Expected, document: dict[str, Any]) -> Iterator[str]:
    if document.get("bomFormat") != "CycloneDX" or document.get("specVersion") != "1.6":
        yield f"is not CycloneDX 1.6; {_AGAIN}"
        return
    if "serialNumber" in document or "timestamp" in document["metadata"]:
        yield f"has a serial number or a time, which makes every build differ; {_AGAIN}"
    main = document["metadata"]["component"]
    found = canonicalize_name(main["name"]), main["version"]
    if found != (canonicalize_name(expected.distribution), expected.version):
        yield (
            f"is about {main['name']} {main['version']}, not {expected.distribution} "
            f"{expected.version}; {_AGAIN}"
        )
    components = document["components"]
    yield from _files(wheel, [part for part in components if part["type"] == "file"])
    yield from _works(wheel, [part for part in components if part["type"] != "file"])


def _sha256(holder: dict[str, Any]) -> str:
    digests = [
        digest["content"] for digest in holder.get("hashes", []) if digest["alg"] == "SHA-256"
    ]
    return digests[0] if digests else ""


def _files(wheel: Wheel, parts: list[dict[str, Any]]) -> Iterator[str]:
    for part in parts:
        name = part["name"]
        if name not in wheel.files:
            yield f"names the file {name}, which is not in the wheel; {_AGAIN}"
        elif _sha256(part) != hashlib.sha256(wheel.files[name]).hexdigest():
            yield f"has another SHA-256 for {name} than the file in the wheel; {_AGAIN}"
    native = {path for path, data in wheel.files.items() if data.startswith(_MAGICS)}
    for name in sorted(native - {part["name"] for part in parts}):
        yield f"does not name the native file {name}; {_AGAIN}"


def _works(wheel: Wheel, parts: list[dict[str, Any]]) -> Iterator[str]:
    """Checks that each third-party work has a version, a pinned archive, and its licence."""
    for part in parts:
        name = part["name"]
        if not part.get("version"):
            yield f"gives no version of {name}; set `version` of its wheel_component"
        if not any(_sha256(reference) for reference in part.get("externalReferences", [])):
            yield f"gives no archive with a SHA-256 for {name}; set `sha256` of its wheel_component"
        yield from _license(wheel, part)


def _operands(*expressions: str) -> set[str]:
    """Returns the licences (SPDX) that hold together."""
    return {operand.strip() for expression in expressions for operand in expression.split(" AND ")}


def _license(wheel: Wheel, part: dict[str, Any]) -> Iterator[str]:
    name, properties = part["name"], part.get("properties", [])
    files = [entry["value"] for entry in properties if entry["name"] == "license-file"]
    licenses = _operands(*(entry["expression"] for entry in part.get("licenses", [])))
    if not files and not (licenses and licenses <= _LICENSES_WITHOUT_NOTICE):
        yield f"names no licence file for {name}; set `license_files` of its wheel_component"
    expression = fields(wheel.text("METADATA")).get("License-Expression", "")
    for missing in sorted(licenses - _operands(expression) - _LICENSES_WITHOUT_NOTICE):
        yield (
            f"has {name} under {missing}, which METADATA's License-Expression {expression!r} "
            "leaves out; add it to `license_expression` of py_abi_wheel"
        )
    for file in files:
        if f"{wheel.dist_info}/licenses/{file}" not in wheel.files:
            yield (
                f"names the licence file {file} for {name}, which is missing; "
                "set `license_files` of its wheel_component"
            )
