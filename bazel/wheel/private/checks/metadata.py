"""METADATA and its promises: licences, Python versions, entry points, types."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator
from typing import Optional

from packaging.metadata import ExceptionGroup, Metadata

from .wheel import Expected, Wheel


def check(wheel: Wheel, expected: Expected) -> Iterator[str]:
    """Yields problems with METADATA."""
    try:
        metadata = Metadata.from_email(wheel.text("METADATA"), validate=True)
    except ExceptionGroup as group:
        # They come in the order of a set.
        for error in sorted(group.exceptions, key=str):
            yield (
                f"METADATA is refused by `packaging`: {str(error).rstrip('.')}; "
                "correct the attribute of py_abi_wheel"
            )
        return
    yield from _licenses(wheel, metadata)
    yield from _requires_python(expected, metadata)
    yield from _typed(wheel, metadata)
    yield from _entry_points(wheel)
    yield from _plugin_host(expected, metadata)


def _licenses(wheel: Wheel, metadata: Metadata) -> Iterator[str]:
    folder = f"{wheel.dist_info}/licenses/"
    listed = set(metadata.license_files or [])
    present = {path[len(folder) :] for path in wheel.files if path.startswith(folder)}
    if not metadata.license_expression:
        yield "METADATA has no License-Expression; set `license_expression` of py_abi_wheel"
    if not listed:
        yield "METADATA has no License-File; set `license_files` of py_abi_wheel"
    for name in sorted(listed - present):
        yield (
            f"the licence {folder}{name} is missing, though METADATA names it as License-File; "
            "add the file"
        )
    for name in sorted(present - listed):
        yield (
            f"{folder}{name}: METADATA has no License-File for it; "
            "add it to `license_files` of py_abi_wheel"
        )


def _requires_python(expected: Expected, metadata: Metadata) -> Iterator[str]:
    tags = re.findall(r"(?<![^.])[a-z]+([0-9])([0-9]*)(?![^.])", expected.python_tag)
    # The first or a late release of the minor version: a bound such as `>=3.9.2` allows the ABI.
    versions = [f"{major}.{minor or 99}.{micro}" for major, minor in tags for micro in (0, 99)]
    specifiers = metadata.requires_python
    if specifiers is None:
        yield "METADATA has no Requires-Python; set `python_requires` of py_abi_wheel"
    elif not any(map(specifiers.contains, versions)):
        yield (
            f"METADATA has `Requires-Python: {specifiers}`, which excludes the "
            f"{expected.python_tag} of the file name; correct `python_requires` of py_abi_wheel"
        )


def _plugin_host(expected: Expected, metadata: Metadata) -> Iterator[str]:
    """Checks that a plug-in requires one version of its host."""
    pin = f"{expected.policy.plugin_host}=={expected.public_version}"
    if (
        expected.is_plugin
        and expected.policy.plugin_host
        and pin not in map(str, metadata.requires_dist or [])
    ):
        yield (
            f"METADATA does not have `Requires-Dist: {pin}`, so the plug-in would stay with a host "
            "of another version; add it to `requires` of py_plugin_wheel"
        )


def _typed(wheel: Wheel, metadata: Metadata) -> Iterator[str]:
    if "Typing :: Typed" not in (metadata.classifiers or []):
        return
    packages = {
        path.split("/")[0]
        for path in wheel.files
        if path.count("/") == 1 and path.endswith("/__init__.py")
    }
    for package in sorted(packages):
        if f"{package}/py.typed" not in wheel.files:
            yield (
                f"{package}/py.typed is missing, though METADATA has the classifier `Typing :: "
                "Typed`; add it to `srcs`"
            )


def _entry_points(wheel: Wheel) -> Iterator[str]:
    path = f"{wheel.dist_info}/entry_points.txt"
    if path not in wheel.files:
        return
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # names keep their case
    try:
        parser.read_string(wheel.text("entry_points.txt"))
    except configparser.Error as error:
        yield (
            f"{path}: cannot be read ({error.message.splitlines()[0]}); "
            "correct `entry_points` of py_abi_wheel"
        )
        return
    for group in parser.sections():
        for name, target in parser.items(group):
            module = _missing_module(wheel, target)
            if module:
                yield (
                    f"{path}: {name} of {group} names the module {module}, which is not in the "
                    "wheel; correct `entry_points`"
                )


def _missing_module(wheel: Wheel, target: str) -> Optional[str]:
    module = target.partition(":")[0].strip()
    file = module.replace(".", "/")
    found = f"{file}.py" in wheel.files or f"{file}/__init__.py" in wheel.files
    return None if found else module
