"""Prints the jobs of a release as matrices for GitHub, for .github/workflows/release.yml.

    PYTHONPATH=tools python3 tools/release/matrix.py

A line `builds=` has one job per machine and accelerator that platforms/accelerators.bzl says is
released, `tests=` one per wheel of these, on the machine that it is for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pep517 import starlark
from pep517.project import Project


class _Machine(NamedTuple):
    """A machine that wheels are for.

    Attributes:
        system: Its name in `systems` of platforms/accelerators.bzl.
        config: Option of `./bazelw build`; empty for the machine that is the default.
        tester: Label of GitHub's machine that tests.
        builder: Label of GitHub's machine that builds.
        container: Image to build in; empty for none.
        archive: Machine whose archives (`_PINS` of standalone.bzl) have the headers; empty where
            every ABI has them.
        accelerated: Option for an accelerator, with the place of its name; empty where wheels have
            the CPU alone.
        has_devices: Whether the tester has a device of each accelerator.
        image: Image to test in, with the place of Python's version; empty for none.
    """

    system: str
    config: str
    tester: str
    builder: str = "ubuntu-24.04"
    container: str = "debian:12"
    archive: str = ""
    accelerated: str = ""
    has_devices: bool = False
    image: str = ""


# Vulkan's and ROCm's compilers are pinned packages of Debian, which come through apt's own sources.
# Apple's SDK may be used on a Mac only. For Windows the headers are those of the machine that
# builds.
_MACHINES = {
    "linux_x86_64": _Machine("linux", "", "ubuntu-24.04", accelerated="--config={}"),
    "linux_aarch64": _Machine(
        "linux", "--config=linux_aarch64", "ubuntu-24.04-arm", archive="linux_aarch64"
    ),
    "musl_x86_64": _Machine(
        "linux",
        "--config=musl_x86_64",
        "ubuntu-24.04",
        archive="musl_x86_64",
        image="python:{python}-alpine",
    ),
    "macos_aarch64": _Machine(
        "macos",
        "--config=macos_aarch64",
        "macos-15",
        builder="macos-15",
        container="",
        archive="macos_aarch64",
        accelerated="--config={}",
        has_devices=True,
    ),
    "macos_x86_64": _Machine(
        "macos", "--config=macos_x86_64", "macos-15-intel", archive="macos_x86_64"
    ),
    "windows_x86_64": _Machine(
        "windows",
        "--config=windows_x86_64",
        "windows-2025",
        archive="linux_x86_64",
        accelerated="--config=windows_x86_64_{}",
    ),
}


def _abis(project: Project, machine: _Machine) -> list[str]:
    """Returns the ABIs whose headers can be had."""
    if not machine.archive:
        return project.abis
    archives = project.root / "bazel/toolchains/python/private/standalone.bzl"
    pinned = starlark.keywords(archives, "_PINS")
    return [abi for abi in project.abis if machine.archive in pinned.get(abi, ())]


def _python_version(abi: str) -> str:
    """Returns an ABI as actions/setup-python calls its Python, such as `3.14t`."""
    return f"3.{abi.removeprefix('cp3')}"


def _accelerators(project: Project, machine: _Machine) -> Iterator[tuple[str, str]]:
    """Returns the accelerators of a machine's wheels and the options that build them."""
    for name in project.released_accelerators:
        if name == project.default_accelerator:
            yield name, machine.config
        elif machine.accelerated and machine.system in project.systems(name):
            yield name, machine.accelerated.format(name)


def builds(project: Project) -> list[dict[str, str]]:
    """Returns the jobs that build, each an index: its name, machine, and arguments of Bazel."""
    return [
        {
            "name": f"{key}-{accelerator}",
            "runner": machine.builder,
            "container": machine.container,
            "config": config,
            "wheels": " ".join(f"//:wheel_{abi}" for abi in _abis(project, machine)),
        }
        for key, machine in _MACHINES.items()
        for accelerator, config in _accelerators(project, machine)
    ]


def tests(project: Project) -> list[dict[str, str]]:
    """Returns the jobs that test: the index of `builds`, the machine, its image, the Python, and
    the arguments of .ci/test_wheel.py for the accelerator."""
    return [
        {
            "name": f"{key}-{accelerator}",
            "runner": machine.tester,
            "container": machine.image.format(python=_python_version(abi)),
            "python": _python_version(abi),
            "backend": f"--backend={accelerator}"
            if machine.has_devices and accelerator != project.default_accelerator
            else "",
        }
        for key, machine in _MACHINES.items()
        for accelerator, _ in _accelerators(project, machine)
        for abi in _abis(project, machine)
    ]


def main() -> None:
    """Prints the two lines."""
    project = Project(Path(__file__).resolve().parents[2])
    print("builds=" + json.dumps(builds(project)))
    print("tests=" + json.dumps(tests(project)))


if __name__ == "__main__":
    main()
