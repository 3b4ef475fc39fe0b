"""The repositories of the ABIs, in a Bazel of their own on a machine whose only Pythons the test made.

Nothing is compiled: what is asked for are the facts of an ABI, which are there exactly where its headers are.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import unittest
from pathlib import Path

from nested_bazel import NestedBazelError, Workspace

# What the repository rules call.
_TOOLS = ("cat", "cp", "mkdir", "sh")

_PROBE = """\
[
    alias(
        name = abi,
        actual = "@python_{}//:abi".format(abi),
    )
    for abi in ["cp39", "cp310"]
]
"""


class RepositoriesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        # Always the same folder: bazelw remembers something about each one.
        cls.folder = Path(os.environ["TEST_TMPDIR"]) / "nested"
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        project = cls.folder / "project"
        with tarfile.open(os.environ["PROJECT_ARCHIVE"]) as archive:
            archive.extractall(project)
        (project / "probe").mkdir()
        (project / "probe/BUILD.bazel").write_text(_PROBE)
        cls.python = cls._make_python("cp39")
        names = ("BAZEL", "HOME", "PATH", "USER", "XDG_CACHE_HOME")
        environment = {name: os.environ[name] for name in names if name in os.environ}
        cls.bazel = Workspace(project, cls.folder / "output", environment, cls._options())
        cls.addClassCleanup(cls.bazel.remove)
        cls.bazel.build(["@python_cp39//:abi"])
        cls.first_fetched = cls.repositories()

    @classmethod
    def _make_python(cls, abi: str) -> Path:
        """Makes a program that describes itself as an interpreter with headers where Debian has them."""
        folder = cls.folder / abi
        for include in ("include/python3.9", "include/cpu-linux-gnu/python3.9"):
            (folder / include).mkdir(parents=True)
            (folder / include / "pyconfig.h").touch()
        python = folder / "python3.9"
        facts = {
            "abi_tag": abi,
            "executable": str(python),
            "ext_suffix": f".cpython-{abi[2:]}-{os.uname().machine}-linux-gnu.so",
            "implementation": "cpython",
            "include": str(folder / "include/python3.9"),
            "platform_include": str(folder / "include/cpu-linux-gnu/python3.9"),
        }
        python.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(facts)}\nEND\n")
        python.chmod(0o755)
        return python

    @classmethod
    def _options(cls) -> tuple[str, ...]:
        tools = cls.folder / "tools"
        tools.mkdir()
        for tool in _TOOLS:
            (tools / tool).symlink_to(shutil.which(tool))
        (tools / cls.python.name).symlink_to(cls.python)
        variables = {
            "PATH": tools,
            "PYENV_ROOT": cls.folder / "pyenv",
            "PYTHON": os.path.realpath(sys.executable),
            "PYTHON_SOURCES": "machine",
            "UV_PYTHON_INSTALL_DIR": cls.folder / "uv",
        }
        return tuple(f"--repo_env={name}={value}" for name, value in variables.items())

    def assert_fails(self, target: str, *options: str) -> str:
        with self.assertRaises(NestedBazelError) as raised:
            self.bazel.build([target], *options)
        return str(raised.exception)

    @classmethod
    def repositories(cls) -> dict[str, Path]:
        """Returns the folders of the repositories of ABIs that have been fetched."""
        folders = cls.bazel.output_root.glob("*/external/*python_cp*/")
        return {f"python_{folder.name.rpartition('python_')[2]}": folder for folder in folders}

    def test_only_what_is_needed_is_looked_for(self) -> None:
        self.assertEqual(["python_cp39"], list(self.first_fetched))

    def test_headers_are_copied_to_where_they_include_each_other_from(self) -> None:
        headers = self.first_fetched["python_cp39"] / "include"
        found = {str(path.relative_to(headers)) for path in headers.rglob("*.h")}
        self.assertEqual({"pyconfig.h", "cpu-linux-gnu/python3.9/pyconfig.h"}, found)

    def test_the_interpreter_is_a_file_that_starts_it(self) -> None:
        self.bazel.build(["@python_cp39//:python"])
        launcher = self.repositories()["python_cp39_interpreter"] / "bin/python3"
        answer = subprocess.run([launcher], stdout=subprocess.PIPE, check=True).stdout
        self.assertEqual("cp39", json.loads(answer)["abi_tag"])

    def test_an_abi_without_headers_is_one_sentence(self) -> None:
        places = f"in pyenv's {self.folder}/pyenv/versions or in uv's {self.folder}/uv"
        self.assertIn(
            "//:no C headers of Python 3.10 found "
            f"(no python3.10 on PATH, {places}), "
            "install one or name it with --repo_env=PYTHON_CP310=/path/to/python3.10\n",
            self.assert_fails("@python_cp310//:abi"),
        )

    def test_an_abi_without_interpreter_is_one_sentence(self) -> None:
        self.assertIn(
            "//:no interpreter of free-threaded Python 3.14 found (no python3.14t on PATH, ",
            self.assert_fails("@python_cp314t//:python"),
        )

    def test_headers_of_the_ordinary_build_serve_a_free_threaded_abi(self) -> None:
        named = f"--repo_env=PYTHON_CP314={self._make_python('cp314')}"
        self.bazel.build(["@python_cp314t//:abi"], named)
        self.assertIn(
            "//:no C headers of free-threaded Python 3.14, and no C headers of Python 3.14 found ",
            self.assert_fails("@python_cp314t//:abi"),
        )

    def test_a_pattern_skips_an_abi_without_headers(self) -> None:
        self.bazel.build(["//probe:all"])
        with self.assertRaises(NestedBazelError):
            self.bazel.build(["//probe:cp310"])

    def test_a_named_interpreter_that_is_missing_is_one_sentence(self) -> None:
        self.assertIn(
            "PYTHON_CP39: /nowhere/python does not run (No such file or directory); correct or unset PYTHON_CP39\n",
            self.assert_fails("@python_cp39//:abi", "--repo_env=PYTHON_CP39=/nowhere/python"),
        )

    def test_a_named_interpreter_of_another_abi_is_one_sentence(self) -> None:
        self.assertIn(
            f"PYTHON_CP310: {self.python} is cp39, not cp310; correct or unset PYTHON_CP310\n",
            self.assert_fails("//probe:all", f"--repo_env=PYTHON_CP310={self.python}"),
        )

    def test_an_unknown_source_is_one_sentence(self) -> None:
        self.assertIn(
            'PYTHON_SOURCES=machine,apt: no source is called "apt"; valid ones are standalone, machine, debian',
            self.assert_fails("@python_cp310//:abi", "--repo_env=PYTHON_SOURCES=machine,apt"),
        )


if __name__ == "__main__":
    unittest.main()
