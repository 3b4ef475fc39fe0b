"""Asks pip which wheels an environment would be made of."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

_OWN = "llama-cpp-python"
# Wheels for a newer glibc than our own are not taken, so that the tests run where ours does.
_GLIBC = range(28, 4, -1)
_LEGACY = ["manylinux2014", "manylinux2010", "manylinux1"]
_PLATFORMS = [f"{name}_x86_64" for name in [*(f"manylinux_2_{n}" for n in _GLIBC), *_LEGACY]]


class LockError(Exception):
    """An environment can't be locked; the message ends with the command to type next."""

    def __init__(self, cause: str, command: str) -> None:
        super().__init__(f"{cause}\n  {command}")


class Wheel(NamedTuple):
    """A pinned wheel."""

    file: str
    package: str
    sha256: str


class Facts(NamedTuple):
    """Contents of environments.bzl and lock.bzl of third_party/downstream."""

    environments: dict[str, list[str]]
    no_deps: dict[str, list[str]]
    common: list[str]
    locked: dict[str, dict[str, str]]


def read_facts(path: Path) -> Facts:
    """Returns the facts that the BUILD file wrote as JSON."""
    return Facts(**json.loads(path.read_text(encoding="utf-8")))


class Resolver:
    """pip, run by the Python of an ABI, with our wheel among its candidates.

    The Python itself runs it because pip reads the markers of requirements by the running one.
    """

    def __init__(self, abi: str, python: Path, pip_wheel: Path, own_wheel: Path) -> None:
        self._abi = abi
        self._pip = [str(python), "-I", str(pip_wheel / "pip")]
        self._own_wheel = own_wheel

    def wheels(self, facts: Facts, environment: str) -> list[Wheel]:
        """Returns the wheels of an environment, without ours.

        Raises:
            LockError: No versions fit, or an index gives no SHA-256.
        """
        requirements = [*facts.environments[environment], *facts.common]
        entries = self._report([*requirements, str(self._own_wheel.resolve())], [])
        alone = facts.no_deps.get(environment)
        if alone:
            entries += self._report(alone, ["--no-deps"])
        return [_wheel(entry) for entry in entries if entry["metadata"]["name"] != _OWN]

    def _report(self, requirements: list[str], options: list[str]) -> list[dict[str, Any]]:
        """Returns the entries of pip's installation report."""
        with tempfile.TemporaryDirectory() as scratch:
            report = Path(scratch, "report.json")
            command = [*self._command(f"{scratch}/site"), *options, *requirements]
            environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
            result = subprocess.run(
                [*command, "--quiet", f"--report={report}"],
                env=environment,
                capture_output=True,
                text=True,
            )
            if result.returncode:
                raise LockError(
                    f"pip finds no versions for {self._abi} that fit: {result.stderr.strip()}\n"
                    "To see all that it does:",
                    shlex.join(command),
                )
            return json.loads(report.read_text(encoding="utf-8"))["install"]

    def _command(self, site: str) -> list[str]:
        options = ["--dry-run", "--ignore-installed", "--only-binary=:all:", f"--target={site}"]
        options += [f"--platform={platform}" for platform in _PLATFORMS]
        options += [f"--python-version={self._abi[2:3]}.{self._abi[3:]}"]
        return [*self._pip, "install", *options]


def _wheel(entry: dict[str, Any]) -> Wheel:
    """Returns the pin of an entry of pip's report.

    Source: PyPA, "Direct URL Data Structure", and pip's page on the installation report.
    """
    url = entry["download_info"]["url"]
    sha256 = entry["download_info"]["archive_info"].get("hashes", {}).get("sha256", "")
    if not sha256:
        raise LockError(
            f"the index gives no SHA-256 of {url}; choose another one:", "pip config edit"
        )
    # Source of the normalised name: PEP 503.
    package = re.sub(r"[-_.]+", "-", entry["metadata"]["name"]).lower()
    return Wheel(unquote(urlsplit(url).path.rpartition("/")[2]), package, sha256)
