"""A copy of this project, whose tools/bump is tested, and made-up sources of llama.cpp."""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Callable

import pytest

_COPY = Path(tempfile.mkdtemp(dir=os.environ["TEST_TMPDIR"])) / "project"
with tarfile.open(os.environ["PROJECT_ARCHIVE"]) as _tar:
    _tar.extractall(_COPY)
sys.path.insert(0, str(_COPY))

# The least that is a llama.cpp for tools/bump: its marks, public headers and stated versions.
FILES = {
    "CMakeLists.txt": (
        "set(LLAMA_VERSION_MAJOR 7)\nset(LLAMA_VERSION_MINOR 1)\nset(LLAMA_VERSION_PATCH 2)\n"
    ),
    "common/common.h": "",
    "ggml/CMakeLists.txt": (
        "set(GGML_VERSION_MAJOR 8)\nset(GGML_VERSION_MINOR 3)\nset(GGML_VERSION_PATCH 4)\n"
    ),
    "ggml/include/ggml.h": "enum ggml_type { GGML_TYPE_F32 = 0, GGML_TYPE_F16 = 1, };\n",
    "include/llama.h": "enum llama_vocab_type { LLAMA_VOCAB_TYPE_NONE = 0, };\n",
    "tools/mtmd/mtmd.h": "",
    "vendor/cpp-httplib/httplib.h": '#define CPPHTTPLIB_VERSION "90.1.2"\n',
    "vendor/hash/xxhash/xxhash.h": (
        "#define XXH_VERSION_MAJOR    91\n#define XXH_VERSION_MINOR    1\n"
        "#define XXH_VERSION_RELEASE  2\n"
    ),
    "vendor/miniaudio/miniaudio.h": "/*\nminiaudio - v92.1.2 - 2030\n",
    "vendor/nlohmann/json.hpp": "// JSON for Modern C++\n// |  |  version 93.1.2\n",
    "vendor/stb/stb_image.h": "/* stb_image - v94.1 - public domain\n",
}

Write = Callable[..., Path]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Returns a copy of the project to change."""
    target = tmp_path / "project"
    shutil.copytree(_COPY, target)
    return target


@pytest.fixture
def write_tree(tmp_path: Path) -> Write:
    """Writes a source tree: FILES, and others over them; None leaves a file out."""

    def write(name: str, files: dict[str, str | None]) -> Path:
        for path, text in {**FILES, **files}.items():
            if text is not None:
                file = tmp_path / name / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
        return tmp_path / name

    return write


@pytest.fixture
def find_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Returns a directory that pip's settings name, and no index."""
    folder = tmp_path / "links"
    folder.mkdir()
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_INDEX_URL", (tmp_path / "no-index").as_uri())
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    return folder


@pytest.fixture
def pack(find_links: Path) -> Write:
    """Packs directories as an sdist, each at a path of its own inside."""

    def write(name: str, **trees: Path) -> Path:
        target = find_links / f"{name}.tar.gz"
        with tarfile.open(target, "w:gz") as tar:
            for inside, tree in trees.items():
                tar.add(tree, f"{name}/{inside}")
        return target

    return write
