"""The wheel under auditwheel, check-wheel-contents, twine, wheel-inspect and packaging."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from packaging.metadata import Metadata
from packaging.utils import parse_wheel_filename
from trove_classifiers import classifiers, deprecated_classifiers


def run(module: str, *arguments: str) -> str:
    """Runs a tool that is a module, and returns its output; it must succeed."""
    result = subprocess.run(
        [sys.executable, "-S", "-m", module, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    print(result.stdout, result.stderr)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def glibc(tag: str) -> tuple[int, ...]:
    """Returns the glibc of a manylinux tag."""
    found = re.match(r"manylinux_(\d+)_(\d+)_", tag)
    assert found, tag
    return tuple(map(int, found.groups()))


def test_auditwheel_finds_the_platform_tag(wheel: Path) -> None:
    report = json.loads(run("auditwheel", "show", "--json", str(wheel)))
    (tag,) = parse_wheel_filename(wheel.name)[3]
    assert glibc(report["overall_tag"]) <= glibc(tag.platform)
    assert report["overall_tag"].split("_", 3)[3] == tag.platform.split("_", 3)[3]
    assert not report["external_libs"]
    assert not report["unsupported_isa"]
    assert not [
        name for name in report["versioned_symbols"] if name.startswith(("libstdc", "libgcc"))
    ]


def test_check_wheel_contents(wheel: Path) -> None:
    # W004 takes every library for a module, and wants those with a hyphen in their name to be
    # importable.
    run("check_wheel_contents", "--no-config", "--ignore=W004", str(wheel))


def test_twine(wheel: Path) -> None:
    assert "PASSED" in run("twine", "--no-color", "check", "--strict", str(wheel))


def test_wheel_inspect(wheel: Path) -> None:
    report = json.loads(run("wheel_inspect", str(wheel)))
    assert report["valid"], report.get("validation_error")
    assert report["derived"]["readme_renders"]
    assert report["dist_info"]["wheel"]["root_is_purelib"] is False


def test_the_file_name_is_valid_and_its_tag_is_the_one_inside(
    wheel: Path, members: dict[str, bytes]
) -> None:
    name, version, _, tags = parse_wheel_filename(wheel.name)
    assert name == "llama-cpp-python"
    wheel_file = next(data for path, data in members.items() if path.endswith("/WHEEL")).decode()
    inside = set(re.findall(r"^Tag: (.*)$", wheel_file, re.M))
    assert inside == {str(tag) for tag in tags}
    parsed = metadata(members)
    assert parsed.version == version
    assert parsed.name == "llama-cpp-python"


def metadata(members: dict[str, bytes]) -> Metadata:
    """METADATA, as `packaging` reads it."""
    data = next(data for path, data in members.items() if path.endswith(".dist-info/METADATA"))
    return Metadata.from_email(data, validate=True)


def test_licences(members: dict[str, bytes]) -> None:
    parsed = metadata(members)
    assert parsed.metadata_version == "2.4"
    folder = next(path.split("/")[0] for path in members if ".dist-info/" in path) + "/licenses/"
    assert {path[len(folder) :] for path in members if path.startswith(folder)} == set(
        parsed.license_files or []
    )
    works = {path.split("/")[0] for path in parsed.license_files or [] if "/" in path}
    assert {"libc++", "llama.cpp", "pybind11", "zig"} <= works


def test_classifiers_exist(wheel: Path, members: dict[str, bytes]) -> None:
    declared = set(metadata(members).classifiers or [])
    assert declared <= set(classifiers)
    assert not declared & set(deprecated_classifiers)
    assert not [name for name in declared if name.startswith("License ::")], (
        "2.4 has License-Expression"
    )
    (tag,) = parse_wheel_filename(wheel.name)[3]
    assert f"Programming Language :: Python :: 3.{tag.interpreter[3:]}" in declared
