"""`pip install .` and `uv pip install .` of an unpacked sdist, with the real Bazel: they end in a
package that works.

Front ends see no index, only the wheels that the package requires; Bazel finds its own archives as
ever. Uses the caches of whoever runs it. Takes a minute where the wheel has been built before.
"""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import stand_in

NAME = "llama_cpp_python-0.3.100"
ARCHIVE, MODEL, PIP, UV, WHEELS = (
    [Path(path).absolute() for path in os.environ[name].split()]
    for name in ("PROJECT_ARCHIVE", "LLAMA_TEST_MODEL", "PIP_WHEEL", "UV", "TEST_WHEELS")
)


def environment() -> dict[str, str]:
    """Returns the caller's variables that locate Bazel, its caches and packages."""
    names = ("BAZEL", "HOME", "PATH", "USER", "XDG_CACHE_HOME")
    result = {name: value for name, value in os.environ.items() if name in names}
    result.update({name: value for name, value in os.environ.items() if name.startswith("PIP_")})
    del result["PIP_WHEEL"]
    result.setdefault("HOME", pwd.getpwuid(os.getuid()).pw_dir)
    result.setdefault("USER", pwd.getpwuid(os.getuid()).pw_name)
    return result


def run(*command: object, folder: Path | None = None) -> str:
    """Runs a command that must succeed; returns its standard output."""
    result = subprocess.run(
        [str(item) for item in command],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    if result.returncode:
        raise AssertionError(f"{command} failed:\n{result.stdout}\n{result.stderr}")
    return result.stdout


"""The sdist is made, and unpacked somewhere else, once for all tests."""


@classmethod


def setUpClass(cls) -> None:
    # Always the same directory: bazelw remembers something about each one.
    scratch = Path(os.environ["TEST_TMPDIR"], "pep517")
    clone, cls.links = scratch / "clone", scratch / "links"
    with tarfile.open(ARCHIVE[0]) as archive:
        archive.extractall(clone)
    stand_in.write_manifest(clone)
    code = "import sys; sys.path.insert(0, 'tools'); import pep517; pep517.build_sdist('..')"
    run(sys.executable, "-c", code, folder=clone)
    cls.sdist = scratch / f"{NAME}.tar.gz"
    with tarfile.open(cls.sdist) as archive:
        archive.extractall(scratch / "else where")
    cls.sources = scratch / "else where" / NAME
    cls.links.mkdir()
    for wheel in WHEELS:
        (cls.links / wheel.name).symlink_to(wheel.resolve())


def setUp() -> None:
    folder = tempfile.TemporaryDirectory()
    self.addCleanup(folder.cleanup)
    self.folder = Path(folder.name).resolve()
    run(sys.executable, "-I", "-m", "venv", "--without-pip", self.folder / "venv")
    self.python = self.folder / "venv/bin/python"


def pip_install(*arguments: object) -> None:
    pip = (self.python, PIP[0] / "pip", "install", "--disable-pip-version-check")
    run(*pip, "--no-index", f"--find-links={self.links}", *arguments, folder=self.sources)


def uv_install(*arguments: object) -> None:
    uv = (UV[0], "pip", "install", "--no-config", f"--python={self.python}")
    cache = f"--cache-dir={self.folder}/cache"
    options = ("--no-index", f"--find-links={self.links}", cache)
    run(*uv, *options, *arguments, folder=self.sources)


def info() -> dict:
    """Returns the installed package's own facts, seen from another directory."""
    return json.loads(run(self.python, "-m", "llama_cpp", "info", "--json", folder=self.folder))


def assert_it_generates() -> None:
    arguments = ("--model", MODEL[0], "--max-tokens", "24", "--seed", "1", "And the")
    text = run(self.python, "-m", "llama_cpp", "generate", *arguments, folder=self.folder)
    assert len(text.split()) >= 5, text


def assert_no_server() -> None:
    """Asserts that a build leaves no Bazel behind."""
    cache = environment().get("XDG_CACHE_HOME") or f"{environment()['HOME']}/.cache"
    commands = [
        path.read_bytes()
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if os.access(path, os.R_OK)
    ]
    base = f"{cache}/llama-cpp-bazel/pep517".encode()
    assert [line for line in commands if base in line] == []


def test_pip():
    self.pip_install(".", "-C", "backend=cpu", "-C", "abi=auto")
    self.assert_it_generates()
    info = self.info()
    assert info["version"] == "0.3.100"
    assert info["build"]["accelerator"] == "cpu"
    assert info["package"].startswith(f"{self.folder}/venv/"), info["package"]
    self.assert_no_server()
    # From the archive this time, which pip unpacks into a directory of its own.
    self.pip_install(self.sdist, "-C", "local-label=other")
    assert self.info()["version"] == "0.3.100+other"
    self.assert_no_server()


def test_uv():
    self.uv_install(".", "-C", "backend=cpu", "-C", "local-label=one")
    self.assert_it_generates()
    assert self.info()["version"] == "0.3.100+one"
    self.uv_install(".", "-C", "backend=cpu", "-C", "local-label=auto")
    assert self.info()["version"] == "0.3.100+cpu"


def test_editable():
    self.uv_install("--editable", ".")
    self.assert_it_generates()
    assert str(self.sources / "llama_cpp") == self.info()["package"]
