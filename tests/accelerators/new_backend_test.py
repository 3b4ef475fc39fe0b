"""The cost of a backend: a made-up one, in a copy of the project, touches two existing files.

Everything else is derived from its row: platform, label, plug-in, the checker's policy, variants,
extras, and the advice at run time. Its library needs another one, as a GPU's does, which nobody has
installed.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from nested_bazel import Workspace, project_workspace

pytest_plugins = ["nested_bazel_fixtures"]

ROW = """\
    "abacus": {
        "get_library": {"libbeads": "string the beads of {distribution}"},
        "ggml_name": "beadwork",
        "is_released": True,
        "label": "abacus1",
        "library": "//third_party/abacus:ggml-beadwork_so",
        "needed_libraries": ["libbeads.so"],
        "plugin": "frame1",
        "systems": ["linux"],
        "variant": {"ggml": {"backend": ["abacus"]}},
    },
"""

# Existing file -> (text in it, addition behind that).
EDITS = {
    ".bazelrc": (
        "build:vulkan --platforms=//platforms:linux_x86_64_vulkan\n",
        "build:abacus --platforms=//platforms:linux_x86_64_abacus\n",
    ),
    "platforms/accelerators.bzl": ("ACCELERATORS = {\n", ROW),
}

# New directory.
DIRECTORY = {
    "BUILD.bazel": """\
        load("@rules_cc//cc:cc_library.bzl", "cc_library")
        load("//third_party/llama.cpp:native_library.bzl", "native_library")

        cc_library(name = "beads_objects", srcs = ["beads.c"], linkstatic = True)

        native_library(name = "beads", exports = ["beads"], prefix = "", deps = [":beads_objects"])

        cc_library(
            name = "objects",
            srcs = ["backend.c"],
            alwayslink = True,
            linkstatic = True,
            deps = [":beads_objects"],
        )

        native_library(
            name = "ggml-beadwork",
            dynamic_deps = ["beads"],
            exports = ["ggml_backend_init"],
            visibility = ["//visibility:public"],
            deps = [":objects"],
        )
        """,
    "backend.c": """\
        int beads(void);

        __attribute__((visibility("default"))) void* ggml_backend_init(void) {
            return beads() ? "" : (void*)0;
        }
        """,
    "beads.c": '__attribute__((visibility("default"))) int beads(void) { return 0; }\n',
}

_READ = """
import json
from pathlib import Path
from pep517.project import Project
project = Project(Path.cwd())
print(json.dumps([project.accelerators, project.metadata, project.released_accelerators]))
"""

_ASK = """
import json, warnings
warnings.simplefilter("ignore")
import llama_cpp
try:
    llama_cpp.require_backend("abacus")
except llama_cpp.BackendError as error:
    print(json.dumps([error.reason, str(error)]))
"""


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


@dataclass(frozen=True)
class Built:
    """The copy of the project, and its targets with the backend.

    Attributes:
        workspace: The copy.
        before: File -> digest, before the backend was added.
    """

    workspace: Workspace
    before: dict[str, str]
    plugin: Path
    wheel: Path
    variants: Path


def add_backend(project: Path) -> None:
    for name, (text, addition) in EDITS.items():
        path = project / name
        before, found, after = path.read_text().partition(text)
        assert found, f"{name} has no {text!r}"
        path.write_text(before + found + addition + after)
    folder = project / "third_party/abacus"
    folder.mkdir()
    for name, text in DIRECTORY.items():
        (folder / name).write_text(textwrap.dedent(text))


@pytest.fixture(scope="module")
def built(nested_folder: Path) -> Iterator[Built]:
    """Everything is built once for all tests."""
    with project_workspace(nested_folder) as workspace:
        before = digests(workspace.folder)
        add_backend(workspace.folder)
        targets = ["//:backend_wheel_abacus", "//:wheel", "//packaging:variants"]
        workspace.build(targets, "--config=abacus")
        files = (workspace.output_file(target, "--config=abacus") for target in targets)
        yield Built(workspace, before, *files)


def python(folder: Path, program: str, *path: Path) -> object:
    """Returns the JSON that a program prints, run in a directory with others on its path."""
    output = subprocess.check_output(
        [sys.executable, "-c", program],
        cwd=folder,
        env={
            **os.environ,
            "LLAMA_CPP_CPU_VARIANT": "",
            "PYTHONPATH": os.pathsep.join(map(str, path)),
        },
    )
    return json.loads(output)


def test_two_existing_files_are_touched(built: Built) -> None:
    after = digests(built.workspace.folder)
    touched = {name for name in built.before if after.get(name) != built.before[name]}
    assert touched == EDITS.keys()


def test_the_wheel_has_its_label_and_library(built: Built) -> None:
    assert "+abacus1-" in built.wheel.name
    with zipfile.ZipFile(built.wheel) as archive:
        assert "llama_cpp/lib/libggml-beadwork.so" in archive.namelist()
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        metadata = archive.read(name).decode()
    assert "\nRequires-Dist: llama-cpp-backend-frame1==" in metadata
    assert "\nProvides-Extra: frame1\n" in metadata


def test_the_plugin_has_its_name_and_library(built: Built) -> None:
    assert built.plugin.name.startswith("llama_cpp_backend_frame1-")
    with zipfile.ZipFile(built.plugin) as archive:
        names = archive.namelist()
        (entry_points,) = (name for name in names if name.endswith("/entry_points.txt"))
        assert "llama_cpp_backend_frame1/lib/libggml-beadwork.so" in names
        assert "abacus = llama_cpp_backend_frame1" in archive.read(entry_points).decode()


def test_there_is_a_variant(built: Built) -> None:
    table = json.loads(built.variants.read_text())
    assert table["variants"]["abacus1"]["label"] == "abacus1"
    static = table["providers"]["ggml"]["static-properties"]
    assert static["backend"] == ["abacus", "vulkan"]


def test_tools_without_bazel_know_it(built: Built) -> None:
    project = built.workspace.folder
    accelerators, metadata, released = python(project, _READ, project / "tools")
    assert accelerators["abacus"] == "abacus1"
    assert "frame1" in metadata["extra_requires"]
    assert "abacus" in released


def test_the_run_time_knows_it(built: Built) -> None:
    site = built.workspace.output_root / "site"
    with zipfile.ZipFile(built.wheel) as archive:
        archive.extractall(site)
    # Not in the project, whose llama_cpp Python would find first.
    reason, message = python(site, _ASK, site, Path(os.environ["SITE"]))
    assert reason == "library"
    assert "libbeads.so is missing. To fix it, string the beads of" in message
