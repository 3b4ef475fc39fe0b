"""The wheels of a release on one machine, with a stand-in for Bazel."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# Names a page and a wheel of 2 MB that is called like the labels and the options, unless the file
# `fails` has one of its arguments.
_BAZELW = """\
#!/bin/sh
echo "$*" >> calls
for argument; do
    [ ! -e fails ] || ! grep -qxF -e "$argument" fails || exit 1
done
[ "$1" = cquery ] || exit 0
wheel=$(echo "$3$4" | tr -dc a-z0-9_).whl
head -c 2000000 /dev/zero > "$wheel"
chmod 444 "$wheel"
echo page.html
echo "$wheel"
"""


@pytest.fixture
def checkout(tree: Path, tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    for part in ("bazel", "packaging", "platforms", "tools"):
        shutil.copytree(tree / part, root / part)
    shutil.copy(tree / "MODULE.bazel", root)
    (root / "bazelw").write_text(_BAZELW)
    (root / "bazelw").chmod(0o755)
    return root


def _build(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = checkout / "tools/release/build_wheels.py"
    return subprocess.run(
        [sys.executable, program, checkout / "wheels", *arguments],
        cwd=checkout.parent,
        env={**os.environ, "PYTHONPATH": str(checkout / "tools")},
        capture_output=True,
        text=True,
    )


def _jobs(checkout: Path) -> list[dict[str, str]]:
    program = checkout / "tools/release/matrix.py"
    environment = {**os.environ, "PYTHONPATH": str(checkout / "tools")}
    lines = subprocess.check_output([sys.executable, program], env=environment, text=True)
    return json.loads(lines.splitlines()[0].removeprefix("builds="))


def _builds(checkout: Path) -> list[str]:
    calls = (checkout / "calls").read_text().splitlines()
    return [call for call in calls if call.startswith("build ")]


def test_each_job_is_built(checkout: Path) -> None:
    run = _build(checkout)
    assert run.returncode == 0, run.stderr
    jobs = _jobs(checkout)
    assert len(_builds(checkout)) == len(jobs) > 5
    for call, job in zip(_builds(checkout), jobs):
        assert "//:wheels" in call and job["config"] in call
    assert "build //:wheels //:backend_wheel_cuda --config=cuda" in _builds(checkout)
    assert run.stdout == (checkout / "wheels/wheels.md").read_text()


def test_one_abi_of_one_job(checkout: Path) -> None:
    run = _build(checkout, "--job", "linux_aarch64-cpu", "--abi", "cp314")
    assert run.returncode == 0, run.stderr
    assert _builds(checkout) == ["build //:wheel_cp314 --config=linux_aarch64"]
    [wheel] = (checkout / "wheels").glob("*.whl")
    assert os.access(wheel, os.W_OK)
    assert f"| linux_aarch64-cpu | {wheel.name} | 2.0 |" in run.stdout.splitlines()
    assert run.stdout.endswith("\n1 wheels, 2.0 MB\n")


def test_a_job_without_its_prerequisites_is_named(checkout: Path) -> None:
    (checkout / "fails").write_text("--config=metal\n")
    run = _build(checkout, "--job", "macos_aarch64-metal", "--job", "linux_x86_64-cpu")
    assert run.returncode == 1
    assert "| macos_aarch64-metal | left out |  |" in run.stdout
    assert "| linux_x86_64-cpu | setwheels.whl | 2.0 |" in run.stdout


def test_an_unknown_job_is_refused(checkout: Path) -> None:
    run = _build(checkout, "--job", "amiga")
    assert run.returncode == 2 and "linux_x86_64-cpu" in run.stderr
    assert not (checkout / "calls").exists()
