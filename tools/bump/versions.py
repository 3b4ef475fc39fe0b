"""Reads the versions that a llama.cpp tree states of itself and of the works that it vendors."""

from __future__ import annotations

import re
from pathlib import Path

from .errors import BumpError

_CMAKE = (
    r"set\({0}_VERSION_MAJOR (\d+)\)\s+set\({0}_VERSION_MINOR (\d+)\)\s+"
    r"set\({0}_VERSION_PATCH (\d+)\)"
)

# Name in version.bzl -> file, and how it states the version.
_OWN = {
    "LLAMA_VERSION": ("CMakeLists.txt", _CMAKE.format("LLAMA")),
    "GGML_VERSION": ("ggml/CMakeLists.txt", _CMAKE.format("GGML")),
}

# Name in components.bzl -> file, and how it states the version.
_COMPONENTS = {
    "cpp-httplib": (
        "vendor/cpp-httplib/httplib.h",
        r'CPPHTTPLIB_VERSION "(\d+)\.(\d+)\.(\d+)"',
    ),
    "miniaudio": ("vendor/miniaudio/miniaudio.h", r"\nminiaudio - v(\d+)\.(\d+)\.(\d+) "),
    "nlohmann-json": (
        "vendor/nlohmann/json.hpp",
        r"JSON for Modern C\+\+\n.*version (\d+)\.(\d+)\.(\d+)\n",
    ),
    "stb_image": ("vendor/stb/stb_image.h", r"stb_image - v(\d+)\.(\d+) "),
    "xxhash": (
        "vendor/hash/xxhash/xxhash.h",
        r"VERSION_MAJOR +(\d+)\n#define XXH_VERSION_MINOR +(\d+)\n"
        r"#define XXH_VERSION_RELEASE +(\d+)\n",
    ),
}


def own(tree: Path) -> dict[str, str]:
    """Returns the versions of llama.cpp and ggml, by their names in version.bzl."""
    return {name: _read(tree, *where) for name, where in _OWN.items()}


def components(tree: Path) -> dict[str, str]:
    """Returns the versions of vendored works that are there, by name in components.bzl."""
    present = {name: where for name, where in _COMPONENTS.items() if (tree / where[0]).is_file()}
    return {name: _read(tree, *where) for name, where in present.items()}


def vendored(tree: Path) -> dict[str, str]:
    """Returns the directories of vendored works, each with its versions if it is a component."""
    stated = {_COMPONENTS[name][0]: version for name, version in components(tree).items()}
    return {
        f"vendor/{folder.name}": " ".join(
            f"{Path(path).stem} {version}"
            for path, version in stated.items()
            if path.startswith(f"vendor/{folder.name}/")
        )
        for folder in sorted((tree / "vendor").glob("*"))
        if folder.is_dir()
    }


def _read(tree: Path, file: str, pattern: str) -> str:
    path = tree / file
    if not path.is_file():
        raise BumpError(f"{file} of the new sources is gone; tools/bump/versions.py reads it")
    match = re.search(pattern, path.read_text(encoding="utf-8", errors="replace"))
    if not match:
        raise BumpError(f"{file} states no version as tools/bump/versions.py expects it: {pattern}")
    return ".".join(match.groups())
