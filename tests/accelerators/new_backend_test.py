"""The cost of a backend: a made-up one, in a copy of the project, touches two existing files.

Everything else is derived from its row: platform, label, plug-in, the checker's policy, variants,
extras, and the advice at run time. Its library needs another one, as a GPU's does, which nobody has
installed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import textwrap
import unittest
import zipfile
from pathlib import Path

import nested_bazel

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


class NewBackendTest(unittest.TestCase):
    """Everything is built once for all tests."""

    @classmethod
    def setUpClass(cls) -> None:
        # Always the same directory: bazelw remembers something about each one.
        root = Path(os.environ["TEST_TMPDIR"]) / "nested"
        cls.addClassCleanup(shutil.rmtree, root)
        cls.workspace = nested_bazel.project_workspace(root)
        cls.addClassCleanup(cls.workspace.remove)
        cls.before = digests(cls.workspace.folder)
        cls._add_backend()
        targets = ["//:backend_wheel_abacus", "//:wheel", "//packaging:variants"]
        cls.workspace.build(targets, "--config=abacus")
        cls.plugin, cls.wheel, cls.variants = (
            cls.workspace.output_file(target, "--config=abacus") for target in targets
        )

    @classmethod
    def _add_backend(cls) -> None:
        for name, (text, addition) in EDITS.items():
            path = cls.workspace.folder / name
            before, found, after = path.read_text().partition(text)
            assert found, f"{name} has no {text!r}"
            path.write_text(before + found + addition + after)
        folder = cls.workspace.folder / "third_party/abacus"
        folder.mkdir()
        for name, text in DIRECTORY.items():
            (folder / name).write_text(textwrap.dedent(text))

    def test_two_existing_files_are_touched(self) -> None:
        after = digests(self.workspace.folder)
        touched = {name for name in self.before if after.get(name) != self.before[name]}
        self.assertEqual(EDITS.keys(), touched)

    def test_the_wheel_has_its_label_and_library(self) -> None:
        self.assertIn("+abacus1-", self.wheel.name)
        with zipfile.ZipFile(self.wheel) as archive:
            self.assertIn("llama_cpp/lib/libggml-beadwork.so", archive.namelist())
            (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
            metadata = archive.read(name).decode()
        self.assertIn("\nRequires-Dist: llama-cpp-backend-frame1==", metadata)
        self.assertIn("\nProvides-Extra: frame1\n", metadata)

    def test_the_plugin_has_its_name_and_library(self) -> None:
        self.assertTrue(self.plugin.name.startswith("llama_cpp_backend_frame1-"), self.plugin.name)
        with zipfile.ZipFile(self.plugin) as archive:
            names = archive.namelist()
            (entry_points,) = (name for name in names if name.endswith("/entry_points.txt"))
            self.assertIn("llama_cpp_backend_frame1/lib/libggml-beadwork.so", names)
            self.assertIn("abacus = llama_cpp_backend_frame1", archive.read(entry_points).decode())

    def test_there_is_a_variant(self) -> None:
        table = json.loads(self.variants.read_text())
        self.assertEqual("abacus1", table["variants"]["abacus1"]["label"])
        static = table["providers"]["ggml"]["static-properties"]
        self.assertEqual(["abacus", "vulkan"], static["backend"])

    def test_tools_without_bazel_know_it(self) -> None:
        accelerators, metadata, released = self._python(_READ, self.workspace.folder / "tools")
        self.assertEqual("abacus1", accelerators["abacus"])
        self.assertIn("frame1", metadata["extra_requires"])
        self.assertIn("abacus", released)

    def test_the_run_time_knows_it(self) -> None:
        site = self.workspace.output_root / "site"
        with zipfile.ZipFile(self.wheel) as archive:
            archive.extractall(site)
        reason, message = self._python(_ASK, site, Path(os.environ["SITE"]).resolve())
        self.assertEqual("library", reason)
        self.assertIn("libbeads.so is missing. To fix it, string the beads of", message)

    def _python(self, program: str, *path: Path) -> object:
        """Returns the JSON that a program prints, with these directories on its path."""
        output = subprocess.check_output(
            [sys.executable, "-c", program],
            cwd=self.workspace.folder,
            env={
                **os.environ,
                "LLAMA_CPP_CPU_VARIANT": "",
                "PYTHONPATH": os.pathsep.join(map(str, path)),
            },
        )
        return json.loads(output)


if __name__ == "__main__":
    unittest.main()
