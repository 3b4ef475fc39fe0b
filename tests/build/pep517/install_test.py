"""`pip install .` and `uv pip install .` of an unpacked sdist, with the real Bazel: they end in a
package that works.

Front ends see no index, only the wheels that the package requires; Bazel finds its own archives as
ever. Uses the caches of whoever runs it. Takes a minute where the wheel has been built before.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest
import stand_in
from nested_bazel import SHORT_LIVED, inherited_environment

NAME = "llama_cpp_python-0.3.100"
ARCHIVE, MODEL, PIP, UV, WHEELS = (
    [Path(path).absolute() for path in os.environ[name].split()]
    for name in ("PROJECT_ARCHIVE", "LLAMA_TEST_MODEL", "PIP_WHEEL", "UV", "TEST_WHEELS")
)


def environment() -> dict[str, str]:
    """Returns the caller's variables that locate Bazel, its caches and packages."""
    result = inherited_environment()
    del result["PIP_WHEEL"]  # this test's own, which pip would take for an option
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


@dataclasses.dataclass(frozen=True)
class Project:
    """The project as its users get it.

    Attributes:
        sdist: The archive.
        sources: The same, unpacked.
        links: A directory of the wheels that the package requires.
    """

    sdist: Path
    sources: Path
    links: Path


@dataclasses.dataclass(frozen=True)
class Installation:
    """A virtual environment to install the project into.

    Attributes:
        project: The project.
        folder: Holds the environment.
    """

    project: Project
    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "venv/bin/python"

    def pip_install(self, *arguments: object) -> None:
        pip = (self.python, PIP[0] / "pip", "install", "--disable-pip-version-check")
        self._install(*pip, "--no-index", f"--find-links={self.project.links}", *arguments)

    def uv_install(self, *arguments: object) -> None:
        uv = (UV[0], "pip", "install", "--no-config", f"--python={self.python}")
        cache = f"--cache-dir={self.folder}/cache"
        options = ("--no-index", f"--find-links={self.project.links}", cache)
        self._install(*uv, *options, *arguments)

    def _install(self, *command: object) -> None:
        start = time.monotonic()
        run(*command, folder=self.project.sources)
        print(f"{time.monotonic() - start:.1f} s for {' '.join(map(str, command))}", flush=True)

    def info(self) -> dict:
        """Returns the installed package's own facts, seen from another directory."""
        return json.loads(run(self.python, "-m", "llama_cpp", "info", "--json", folder=self.folder))

    def assert_it_generates(self) -> None:
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


@pytest.fixture(scope="module")
def project() -> Project:
    """Makes the sdist, and unpacks it somewhere else."""
    # Always the same directory: bazelw remembers something about each one.
    scratch = Path(os.environ["TEST_TMPDIR"], "pep517")
    clone, links = scratch / "clone", scratch / "links"
    with tarfile.open(ARCHIVE[0]) as archive:
        archive.extractall(clone)
    with (clone / ".bazelrc").open("a") as bazelrc:
        bazelrc.write(f"startup {SHORT_LIVED}\n")
    stand_in.write_manifest(clone)
    code = "import sys; sys.path.insert(0, 'tools'); import pep517; pep517.build_sdist('..')"
    run(sys.executable, "-c", code, folder=clone)
    sdist = scratch / f"{NAME}.tar.gz"
    with tarfile.open(sdist) as archive:
        archive.extractall(scratch / "else where")
    links.mkdir()
    for wheel in WHEELS:
        (links / wheel.name).symlink_to(wheel.resolve())
    return Project(sdist, scratch / "else where" / NAME, links)


@pytest.fixture
def installation(project: Project, tmp_path: Path) -> Installation:
    """Returns an environment without the package."""
    run(sys.executable, "-I", "-m", "venv", "--without-pip", tmp_path / "venv")
    return Installation(project, tmp_path)


def test_pip(installation):
    installation.pip_install(".", "-C", "backend=cpu", "-C", "abi=auto")
    installation.assert_it_generates()
    info = installation.info()
    assert info["version"] == "0.3.100"
    assert info["build"]["accelerator"] == "cpu"
    assert info["package"].startswith(f"{installation.folder}/venv/"), info["package"]
    assert_no_server()
    # From the archive this time, which pip unpacks into a directory of its own.
    installation.pip_install(installation.project.sdist, "-C", "local-label=other")
    assert installation.info()["version"] == "0.3.100+other"
    assert_no_server()


def test_uv(installation):
    installation.uv_install(".", "-C", "backend=cpu", "-C", "local-label=one")
    installation.assert_it_generates()
    assert installation.info()["version"] == "0.3.100+one"
    installation.uv_install(".", "-C", "backend=cpu", "-C", "local-label=auto")
    assert installation.info()["version"] == "0.3.100+cpu"


def test_editable(installation):
    installation.uv_install("--editable", ".")
    installation.assert_it_generates()
    assert installation.info()["package"] == str(installation.project.sources / "llama_cpp")
