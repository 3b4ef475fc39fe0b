"""The repositories of the ABIs, in a nested Bazel on a machine that has only the test's Pythons.

Nothing is compiled: the tests build the facts of an ABI, which exist exactly where its headers do.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from nested_bazel import NestedBazelError, Workspace, unpack_project

# Tools that the repository rules call.
_TOOLS = ("cat", "cp", "mkdir", "sh")

_PROBE = """\
load(":runtime.bzl", "runtime")

[
    alias(
        name = abi,
        actual = "@python_{}//:abi".format(abi),
    )
    for abi in ["cp39", "cp310"]
]

runtime(name = "runtime")
"""

# Uses its toolchain as py_binary does, which itself needs a C++ compiler too.
_RUNTIME = """\
def _runtime_impl(ctx):
    file = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = file, target_file = ctx.toolchains[_TYPE].py3_runtime.interpreter)
    return [DefaultInfo(files = depset([file]))]

_TYPE = "@rules_python//python:toolchain_type"

runtime = rule(implementation = _runtime_impl, toolchains = [_TYPE])
"""

_PYTHON = """\
#!/bin/sh
case "$*" in
"" | *describe_python.py) cat ;;
*) exec '{real}' "$@" ;;
esac <<'END'
{facts}
END
"""

_ARCHIVES = "https://github.com/astral-sh/python-build-standalone/releases/download"


# Targets for another machine than this one.
_MAC = "--platforms=//platforms:macos_aarch64"
_MACOS_ABI = "@python_cp313//:abi"
_WINDOWS = "--platforms=//platforms:windows_x86_64"


def _of_host(abi: str) -> str:
    """Returns the repository of an ABI's headers for this machine."""
    return f"python_{abi}_linux_{os.uname().machine}"


class Machine:
    """A machine that has only the test's Pythons, and a nested Bazel on it.

    Attributes:
        folder: Directory of all its files.
        python: Its interpreter, a cp39.
        bazel: The workspace.
        first_fetched: Repositories after a build that needs the headers of cp39 alone.
    """

    first_fetched: dict[str, Path]

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        project = folder / "project"
        unpack_project(os.environ["PROJECT_ARCHIVE"], project)
        (project / "probe").mkdir()
        (project / "probe/BUILD.bazel").write_text(_PROBE)
        (project / "probe/runtime.bzl").write_text(_RUNTIME)
        self._publish_archive(project / "bazel/toolchains/python/private/standalone.bzl")
        self.python = self.make_python("cp39")
        names = ("BAZEL", "HOME", "PATH", "USER", "XDG_CACHE_HOME")
        environment = {name: os.environ[name] for name in names if name in os.environ}
        self.bazel = Workspace(project, folder / "output", environment, self._options())

    def make_python(self, abi: str) -> Path:
        """Makes a program that claims to be an interpreter with headers in Debian's place.

        Asked anything else, it does as the real interpreter does.
        """
        folder = self.folder / abi
        for include in ("include/python3.9", "include/cpu-linux-gnu/python3.9"):
            (folder / include).mkdir(parents=True)
            (folder / include / "pyconfig.h").touch()
        python = folder / "python3.9"
        facts = {
            "abi_tag": abi,
            "cpu": os.uname().machine,
            "executable": str(python),
            "ext_suffix": f".cpython-{abi[2:]}-{os.uname().machine}-linux-gnu.so",
            "has_headers": True,
            "implementation": "cpython",
            "include": str(folder / "include/python3.9"),
            "platform_include": str(folder / "include/cpu-linux-gnu/python3.9"),
            "version": "3.9",
        }
        real = os.path.realpath(sys.executable)
        python.write_text(_PYTHON.format(facts=json.dumps(facts), real=real))
        python.chmod(0o755)
        return python

    def _publish_archive(self, pins: Path) -> None:
        """Replaces the archive of cp312 by one that has a program and headers; the others can't be
        downloaded."""
        text = pins.read_text()
        release, version = re.search(
            r'"cp312": .*?release = "(\d+)",\s+version = "([^"]+)"', text, flags=re.DOTALL
        ).groups()
        cpu = os.uname().machine
        file = f"cpython-{version}+{release}-{cpu}-unknown-linux-gnu-install_only.tar.gz"
        archive = self.folder / "archives" / release / file
        archive.parent.mkdir(parents=True)
        tree = self.make_python("cp312").parent
        (tree / "bin").mkdir()
        (tree / "python3.9").rename(tree / "bin/python3.12")
        with tarfile.open(archive, "w:gz") as tar:
            tar.add(tree, "python")
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        text = text.replace(_ARCHIVES, (self.folder / "archives").as_uri())
        of_cp312 = re.compile(rf'("cp312": .*?{cpu} = ")[0-9a-f]{{64}}', flags=re.DOTALL)
        pins.write_text(of_cp312.sub(rf"\g<1>{digest}", text))

    def _options(self) -> tuple[str, ...]:
        tools = self.folder / "tools"
        tools.mkdir()
        for tool in _TOOLS:
            (tools / tool).symlink_to(shutil.which(tool))
        (tools / self.python.name).symlink_to(self.python)
        variables = {
            "PATH": tools,
            "PYENV_ROOT": self.folder / "pyenv",
            # Older than every ABI of the table, so that no search accepts it.
            "PYTHON": self.make_python("cp38"),
            "PYTHON_SOURCES": "machine",
            "UV_PYTHON_INSTALL_DIR": self.folder / "uv",
        }
        return tuple(f"--repo_env={name}={value}" for name, value in variables.items())

    def make_headers(self, minor: int, config: str) -> Path:
        """Makes an installation of Python 3.13 that has headers, and nothing that runs."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        include = folder / "include/python3.13"
        include.mkdir(parents=True)
        (include / "Python.h").touch()
        (include / "pyconfig.h").write_text(config)
        versions = f"#define PY_MAJOR_VERSION\t3\n#define PY_MINOR_VERSION\t{minor}\n"
        (include / "patchlevel.h").write_text(versions)
        return folder

    def assert_fails(self, target: str, *options: str) -> str:
        """Builds a target, which must fail; returns Bazel's message."""
        with pytest.raises(NestedBazelError) as raised:
            self.bazel.build([target], *options)
        return str(raised.value)

    def repositories(self) -> dict[str, Path]:
        """Returns the directories of the repositories of ABIs that have been fetched."""
        folders = self.bazel.output_root.glob("*/external/*python_cp*/")
        return {f"python_{folder.name.rpartition('python_')[2]}": folder for folder in folders}


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    # Always the same directory: bazelw remembers something about each one.
    machine = Machine(Path(os.environ["TEST_TMPDIR"]) / "nested")
    try:
        machine.bazel.build(["@python_cp39//:abi"])
        machine.first_fetched = machine.repositories()
        yield machine
    finally:
        machine.bazel.remove()
        shutil.rmtree(machine.folder)


def test_only_what_is_needed_is_looked_for(machine: Machine) -> None:
    assert set(machine.first_fetched) == {"python_cp39", _of_host("cp39")}


def test_headers_are_copied_to_where_they_include_each_other_from(machine: Machine) -> None:
    headers = machine.first_fetched[_of_host("cp39")] / "include"
    found = {str(path.relative_to(headers)) for path in headers.rglob("*.h")}
    assert found == {"pyconfig.h", "cpu-linux-gnu/python3.9/pyconfig.h"}


def test_the_interpreter_is_a_file_that_starts_it(machine: Machine) -> None:
    machine.bazel.build(["@python_cp39//:python"])
    launcher = machine.repositories()["python_cp39_interpreter"] / "bin/python3"
    answer = subprocess.run([launcher], stdout=subprocess.PIPE, check=True).stdout
    assert json.loads(answer)["abi_tag"] == "cp39"


def test_an_archive_is_used_where_it_can_be_downloaded(machine: Machine) -> None:
    sources = "--repo_env=PYTHON_SOURCES=standalone"
    machine.bazel.build(["@python_cp312//:abi", "@python_cp312//:python"], sources)
    repositories = machine.repositories()
    assert (repositories[_of_host("cp312")] / "include/pyconfig.h").is_file()
    assert not (repositories[_of_host("cp312")] / "standalone").exists()
    program = repositories["python_cp312_interpreter"] / "standalone/bin/python3.12"
    assert program.is_file()
    message = machine.assert_fails("@python_cp311//:abi", sources)
    assert (
        "(the archive of python-build-standalone could not be downloaded), install one" in message
    )


def test_a_flag_picks_the_interpreter_of_programs(machine: Machine) -> None:
    for abi, python in (("local", "cp38/python3.9"), ("cp39", "cp39/python3.9")):
        machine.bazel.build(["//probe:runtime"], f"--//bazel/toolchains/python/runtimes:abi={abi}")
        (file,) = machine.bazel.output_root.glob("*/execroot/*/bazel-out/*/bin/probe/runtime")
        assert file.resolve() == (machine.folder / python).resolve()


def test_what_is_installed_or_removed_later_is_noticed(machine: Machine) -> None:
    machine.assert_fails("@python_cp315//:abi")
    python = machine.make_python("cp315")
    (machine.folder / "tools/python3.15").symlink_to(python)
    machine.bazel.build(["@python_cp315//:abi"])
    python.unlink()
    machine.assert_fails("@python_cp315//:abi")


def test_an_abi_without_headers_is_one_sentence(machine: Machine) -> None:
    places = f"in pyenv's {machine.folder}/pyenv/versions or in uv's {machine.folder}/uv"
    message = machine.assert_fails("@python_cp310//:abi")
    assert (
        "//:no C headers of Python 3.10 found "
        f"(no python3.10 on PATH, {places}), "
        "install one or name it with --repo_env=PYTHON_CP310=/path/to/python3.10\n"
    ) in message


def test_an_abi_without_interpreter_is_one_sentence(machine: Machine) -> None:
    message = machine.assert_fails("@python_cp314t//:python")
    assert (
        "//:no interpreter of free-threaded Python 3.14 found (no python3.14t on PATH, " in message
    )


def test_headers_of_the_ordinary_build_serve_a_free_threaded_abi(machine: Machine) -> None:
    named = f"--repo_env=PYTHON_CP314={machine.make_python('cp314')}"
    machine.bazel.build(["@python_cp314t//:abi"], named)
    message = machine.assert_fails("@python_cp314t//:abi")
    assert (
        "//:no C headers of free-threaded Python 3.14, and no C headers of Python 3.14 found "
        in message
    )


def test_a_pattern_skips_an_abi_without_headers(machine: Machine) -> None:
    machine.bazel.build(["//probe:all"])
    with pytest.raises(NestedBazelError):
        machine.bazel.build(["//probe:cp310"])


def test_a_named_interpreter_that_is_missing_is_one_sentence(machine: Machine) -> None:
    message = machine.assert_fails("@python_cp39//:abi", "--repo_env=PYTHON_CP39=/nowhere/python")
    assert (
        "PYTHON_CP39: /nowhere/python does not run (No such file or directory); "
        "correct or unset PYTHON_CP39\n"
    ) in message


def test_a_named_interpreter_of_another_abi_is_one_sentence(machine: Machine) -> None:
    message = machine.assert_fails("//probe:all", f"--repo_env=PYTHON_CP310={machine.python}")
    assert (
        f"PYTHON_CP310: {machine.python} is cp39, not cp310; correct or unset PYTHON_CP310\n"
        in message
    )


def test_headers_for_another_machine_are_those_that_are_named(machine: Machine) -> None:
    named = machine.make_headers(13, "#define HAVE_CHFLAGS 1\n")
    option = f"--repo_env=PYTHON_CP313_MACOS_AARCH64={named}"
    machine.bazel.build([_MACOS_ABI], _MAC, option)
    copied = machine.repositories()["python_cp313_macos_aarch64"] / "include/pyconfig.h"
    assert copied.read_text() == "#define HAVE_CHFLAGS 1\n"
    (named / "include/python3.13/pyconfig.h").write_text("#define HAVE_EPOLL 1\n")
    message = machine.assert_fails(_MACOS_ABI, _MAC, option)
    assert (
        f"PYTHON_CP313_MACOS_AARCH64={named}: its pyconfig.h is for linux, not macos; "
        "name another installation, or unset PYTHON_CP313_MACOS_AARCH64\n"
    ) in message


def test_named_headers_that_are_not_the_right_ones_are_one_sentence(machine: Machine) -> None:
    cut_short = machine.make_headers(13, "")
    (cut_short / "include/python3.13/pyconfig.h").unlink()
    nothing = "it has no include/python3.13 with Python.h, patchlevel.h, pyconfig.h"
    for folder, problem in (
        (machine.make_headers(12, ""), "its headers are of Python 3.12, not 3.13"),
        (
            machine.make_headers(13, "#define Py_GIL_DISABLED 1"),
            "its pyconfig.h is not that of Python 3.13",
        ),
        (cut_short, nothing),
        (machine.folder, nothing),
    ):
        option = f"--repo_env=PYTHON_CP313_MACOS_AARCH64={folder}"
        message = machine.assert_fails(_MACOS_ABI, _MAC, option)
        assert (
            f"PYTHON_CP313_MACOS_AARCH64={folder}: {problem}; name another installation" in message
        )


def test_an_abi_without_headers_for_another_machine_is_one_sentence(machine: Machine) -> None:
    message = machine.assert_fails(_MACOS_ABI, _MAC)
    assert (
        "//:no C headers of Python 3.13 for macos_aarch64 found (no archive was looked for), "
        "name an installation with --repo_env=PYTHON_CP313_MACOS_AARCH64=/path/to/it\n"
    ) in message


def test_headers_for_windows_are_this_machines_with_a_pyconfig_of_ours(machine: Machine) -> None:
    machine.bazel.build(["@python_cp39//:abi"], _WINDOWS)
    headers = machine.repositories()["python_cp39_windows_x86_64"] / "include"
    found = {str(path.relative_to(headers)) for path in headers.rglob("*.h")}
    assert found == {"pyconfig.h"}
    assert "#define MS_WINDOWS\n" in (headers / "pyconfig.h").read_text()


def test_an_installation_for_windows_can_be_named(machine: Machine) -> None:
    named = machine.make_headers(13, "#define MS_WINDOWS\n")
    option = f"--repo_env=PYTHON_CP313_WINDOWS_X86_64={named}"
    message = machine.assert_fails("@python_cp313//:abi", _WINDOWS, option)
    assert "it has no include with Python.h, patchlevel.h, pyconfig.h" in message
    (named / "include/python3.13").rename(named / "headers")
    (named / "include").rmdir()
    (named / "headers").rename(named / "include")
    machine.bazel.build(["@python_cp313//:abi"], _WINDOWS, option)
    copied = machine.repositories()["python_cp313_windows_x86_64"] / "include/pyconfig.h"
    assert copied.read_text() == "#define MS_WINDOWS\n"
    (named / "include/pyconfig.h").write_text("#define HAVE_CHFLAGS 1\n")
    message = machine.assert_fails("@python_cp313//:abi", _WINDOWS, option)
    assert "its pyconfig.h is for macos, not windows; name another installation" in message


def test_an_unknown_source_is_one_sentence(machine: Machine) -> None:
    message = machine.assert_fails("@python_cp310//:abi", "--repo_env=PYTHON_SOURCES=machine,apt")
    assert (
        'PYTHON_SOURCES=machine,apt: no source is called "apt"; '
        "valid ones are standalone, machine, debian"
    ) in message
