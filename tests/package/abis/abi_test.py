"""One Python ABI end to end: pip and uv install the wheel from the index, and tests use it.

The interpreter under test is not the one that runs this file. NumPy and pytest come out of a
directory of pinned wheels, the wheel itself out of the served index and from nowhere else.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import serve

ABI = os.environ["ABI"]
MODEL = os.environ["LLAMA_TEST_MODEL"]
PYTHON = os.environ["TEST_PYTHON"]
# Not resolved: some of their helpers are beside them.
SUITES = [Path(path).absolute() for path in os.environ["THREAD_SUITES"].split()]
WHEELS = [Path(path).resolve() for path in os.environ["WHEELS"].split()]
# Of the age of the interpreter, where the newest one is too new for it.
PIP_WHEELS = [wheel for wheel in WHEELS if wheel.name.startswith("pip-")]
PIP = (PIP_WHEELS or [Path(os.environ["PIP_WHEEL"])])[0] / "pip"

FACTS = """
import json, sys, sysconfig
import llama_cpp
from llama_cpp import _build_info, _core
print(json.dumps({
    "abi": _build_info.PYTHON_ABI,
    "file": _core.__file__,
    "free_threaded": sysconfig.get_config_var("Py_GIL_DISABLED") == 1,
    "gil": getattr(sys, "_is_gil_enabled", lambda: True)(),
    "suffix": sysconfig.get_config_var("EXT_SUFFIX"),
    "version": sys.version,
}))
"""


def run(command: list[object], cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a program without the caller's settings of Python, pip and uv."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "PIP_", "UV_", "VIRTUAL_ENV"))
    }
    result = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**kept, "HOME": str(cwd), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    print(result.stdout, result.stderr)
    assert result.returncode == 0, f"{command} failed: {result.stderr[-2000:]}"
    return result


@pytest.fixture(scope="module")
def index() -> Iterator[str]:
    """Address of the CPU wheels' index."""
    # Each file is a link here, and the server does not leave its directory.
    address, stop = serve.start((Path(os.environ["INDEX"]) / "index.html").resolve().parent)
    yield f"{address}/whl/cpu"
    stop()


@pytest.fixture(scope="module")
def links(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("links")
    for wheel in WHEELS:
        (folder / wheel.name).symlink_to(wheel)
    return folder


class Environments:
    """Environments with the wheel and pytest, by the installer; each is made once."""

    def __init__(self, index: str, links: Path, make_folder: Callable[[str], Path]) -> None:
        self.sources = [f"--find-links={links}", "llama-cpp-python", "pytest"]
        self.index = index
        self.make_folder = make_folder
        self.made: dict[str, Path] = {}

    def __getitem__(self, installer: str) -> Path:
        """Returns the interpreter of one environment."""
        if installer not in self.made:
            folder = self.make_folder(installer)
            run([PYTHON, "-I", "-m", "venv", "--without-pip", "environment"], folder)
            interpreter = folder / "environment" / "bin" / "python"
            run([*self._command(installer, interpreter), *self.sources], folder)
            self.made[installer] = interpreter
        return self.made[installer]

    def _command(self, installer: str, interpreter: Path) -> list[object]:
        if installer == "pip":
            # Compiling NumPy's sources would take longer than the rest of the installation.
            options = ["--isolated", "--disable-pip-version-check", "install"]
            options += ["--no-cache-dir", "--no-compile"]
            return [interpreter, "-I", PIP, *options, f"--index-url={self.index}"]
        options = ["--no-cache", "--no-config", f"--default-index={self.index}"]
        return [os.environ["UV"], "pip", "install", f"--python={interpreter}", *options]


@pytest.fixture(scope="module")
def environments(index: str, links: Path, tmp_path_factory: pytest.TempPathFactory) -> Environments:
    return Environments(index, links, tmp_path_factory.mktemp)


@pytest.fixture(params=["pip", "uv"])
def python(request: pytest.FixtureRequest, environments: Environments) -> Path:
    """Returns the interpreter of a clean environment with the wheel."""
    return environments[request.param]


@pytest.fixture
def facts(python: Path, tmp_path: Path) -> dict[str, object]:
    """Returns the interpreter's output after an import during which no warning is allowed."""
    return json.loads(run([python, "-W", "error", "-c", FACTS], tmp_path).stdout)


def test_the_module_is_that_of_the_abi(facts: dict[str, object]) -> None:
    print(f"{ABI}: {facts['version']}")
    assert facts["abi"] == ABI
    assert str(facts["file"]).endswith(f"_core{facts['suffix']}")
    assert facts["free_threaded"] == ABI.endswith("t")


def test_the_gil_stays_as_it_was(facts: dict[str, object]) -> None:
    assert facts["gil"] != facts["free_threaded"]


def test_generate_prints_text(python: Path, tmp_path: Path) -> None:
    arguments = ["generate", "--model", MODEL, "--max-tokens", "24", "--seed", "1", "And the"]
    words = run([python, "-m", "llama_cpp", *arguments], tmp_path).stdout.split()
    assert len([word for word in words if word.isascii()]) >= 5


def test_thread_suite(environments: Environments, tmp_path: Path) -> None:
    tests = [suite for suite in SUITES if suite.name.endswith("_test.py")]
    options = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib", "-rs"]
    command = [environments["pip"], "-m", "pytest", *options, *tests]
    modules = os.pathsep.join(sorted({str(suite.parent) for suite in SUITES}))
    run(command, tmp_path, PYTHONDONTWRITEBYTECODE="1", PYTHONPATH=modules)
