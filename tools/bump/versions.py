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
    """Returns the versions of the vendored works, by their names in components.bzl."""
    return {name: _read(tree, *where) for name, where in _COMPONENTS.items()}


def _read(tree: Path, file: str, pattern: str) -> str:
    path = tree / file
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    match = re.search(pattern, text)
    if not match:
        cause = (
            f"{file} of the new sources is gone"
            if not text
            else f"{file} states no version as {pattern!r}"
        )
        raise BumpError(f"{cause}; tools/bump/versions.py says where a version stands")
    return ".".join(match.groups())
