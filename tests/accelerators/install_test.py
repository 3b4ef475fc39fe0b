"""The wheel and a plug-in installed by pip and uv: extras, versions, uninstalling."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PIP = Path(os.environ["PIP_WHEEL"]) / "pip"
PLUGIN = Path(os.environ["PLUGIN"]).resolve()
OLD_PLUGIN = Path(os.environ["OLD_PLUGIN"]).resolve()
WHEELS = [Path(path).resolve() for path in os.environ["WHEELS"].split()]
MODEL = os.environ["LLAMA_TEST_MODEL"]
MEMORY = {"STAND_IN_MEMORY": str(2**31)}

Run = Callable[..., subprocess.CompletedProcess]


def run(command: list[object], cwd: Path, **env: str) -> subprocess.CompletedProcess:
    """Runs a program without the caller's settings of Python, pip and uv."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "PIP_", "UV_", "VIRTUAL_ENV"))
    }
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**kept, "HOME": str(cwd), **env},
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout, done.stderr)
    return done


@pytest.fixture
def links(tmp_path: Path) -> Path:
    """Returns a directory of wheels, as an index: the wheel, its requirements, and the plug-in."""
    folder = tmp_path / "links"
    folder.mkdir()
    for wheel in [*WHEELS, PLUGIN, OLD_PLUGIN]:
        (folder / wheel.name).symlink_to(wheel)
    return folder


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """Returns the interpreter of an empty environment."""
    folder = tmp_path / "environment"
    assert (
        run([sys.executable, "-I", "-m", "venv", "--without-pip", folder], tmp_path).returncode == 0
    )
    return folder / "bin" / "python"


@pytest.fixture
def pip(python: Path, tmp_path: Path, links: Path) -> Run:
    options = ["--isolated", "--disable-pip-version-check", "--no-cache-dir"]

    def call(command: str, *arguments: str) -> subprocess.CompletedProcess:
        source = [] if command == "uninstall" else ["--no-index", f"--find-links={links}"]
        return run([python, "-I", PIP, command, *options, *source, *arguments], tmp_path)

    return call


@pytest.fixture
def uv(python: Path, tmp_path: Path, links: Path) -> Run:
    options = ["--no-cache", "--no-config", "--no-index", f"--find-links={links}"]

    def call(command: str, *arguments: str) -> subprocess.CompletedProcess:
        program = [os.environ["UV"], "pip", command, f"--python={python}"]
        return run([*program, *options, *arguments], tmp_path)

    return call


@pytest.fixture(params=["pip", "uv"])
def installer(request: pytest.FixtureRequest) -> Run:
    return request.getfixturevalue(request.param)


def backends(python: Path, folder: Path) -> list[dict]:
    done = run([python, "-m", "llama_cpp", "info", "--json"], folder, **MEMORY)
    return json.loads(done.stdout)["backends"]


def test_the_extra_brings_the_plugin(installer: Run, python: Path, tmp_path: Path) -> None:
    assert installer("install", "llama-cpp-python[vulkan]").returncode == 0
    (entry,) = backends(python, tmp_path)
    assert (entry["backend"], entry["state"]) == ("vulkan", "loaded")
    code = (
        "import sys, llama_cpp\n"
        "llama_cpp.require_backend('vulkan')\n"
        "llm = llama_cpp.Llama(sys.argv[1], n_gpu_layers='auto', verbose=False)\n"
        "print(llm('And the', max_tokens=8)['choices'][0]['text'])"
    )
    done = run([python, "-W", "error", "-c", code, MODEL], tmp_path, **MEMORY)
    assert done.returncode == 0 and done.stdout.strip()


def test_the_plugin_brings_the_wheel(installer: Run, python: Path, tmp_path: Path) -> None:
    """Its requirement is the public version, which the wheel's local label does not change."""
    assert installer("install", "llama-cpp-backend-vulkan").returncode == 0
    assert len(backends(python, tmp_path)) == 1


def test_without_the_extra_there_is_no_plugin(installer: Run, python: Path, tmp_path: Path) -> None:
    assert installer("install", "llama-cpp-python").returncode == 0
    assert backends(python, tmp_path) == []


def test_extras_resolve_without_installing(pip: Run) -> None:
    done = pip("install", "--dry-run", "llama-cpp-python[vulkan]")
    assert done.returncode == 0
    assert "llama-cpp-backend-vulkan-" in done.stdout and "llama-cpp-python-" in done.stdout


def test_an_extra_whose_plugin_nobody_offers(installer: Run) -> None:
    done = installer("install", "llama-cpp-python[cuda13]")
    assert done.returncode != 0 and "llama-cpp-backend-cuda13" in done.stderr


def test_another_version_is_not_installed(installer: Run) -> None:
    done = installer("install", "llama-cpp-python", "llama-cpp-backend-old")
    assert done.returncode != 0 and "llama-cpp-python==0.0.1" in done.stdout + done.stderr


def test_no_file_belongs_to_both(pip: Run, python: Path, tmp_path: Path) -> None:
    """Each can be uninstalled without the other."""
    assert pip("install", "llama-cpp-python[vulkan]").returncode == 0
    assert pip("uninstall", "--yes", "llama-cpp-backend-vulkan").returncode == 0
    assert backends(python, tmp_path) == []
    packages = (python.parent.parent / "lib").glob("*/site-packages/llama_cpp_backend_*")
    assert list(packages) == []


def test_the_plugin_is_for_every_python() -> None:
    name, _, python_tag, abi_tag, platform_tag = PLUGIN.stem.split("-")
    assert (name, python_tag, abi_tag) == ("llama_cpp_backend_vulkan", "py3", "none")
    assert platform_tag.startswith("manylinux_")
