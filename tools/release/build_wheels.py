"""Builds the wheels of a release that need no other machine, and writes a table of them:

    PYTHONPATH=tools python3 tools/release/build_wheels.py DIRECTORY [--abi cp314] [--job NAME]

One command of Bazel per machine and accelerator, and no target for all: below a transition the same
object would have another path, and would be compiled again. Wheels and plug-in wheels are copied
into DIRECTORY, and `wheels.md` there lists them with their sizes. A job without its prerequisites
(an SDK, a toolkit, a Python's headers) is left out and named in the table.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from pep517.project import Project
from release.matrix import builds

_ROOT = Path(__file__).resolve().parents[2]
_TABLE = """\
| job | wheel | MB |
| --- | --- | ---: |
{rows}

{count} wheels, {size:.1f} MB
"""


class Built(NamedTuple):
    """A job of a release that was tried.

    Attributes:
        name: Such as `linux_x86_64-cpu`.
        wheels: The copies; none if the job was left out.
    """

    name: str
    wheels: list[Path]


def _targets(project: Project, job: dict[str, str], abi: str) -> list[str]:
    """Returns the labels of a job: its wheels, or that of one ABI, and its plug-in wheel."""
    accelerator = job["name"].split("-")[1]
    plugins = [f"//:backend_wheel_{accelerator}"] if accelerator in project.plugins else []
    # `//:wheels` has the ABIs whose headers are found.
    return [f"//:wheel_{abi}" if abi else "//:wheels", *plugins]


def _build(targets: list[str], config: str) -> list[Path]:
    """Returns the files of targets; none if Bazel cannot build them here."""
    options = [config] if config else []
    if subprocess.call(["./bazelw", "build", *targets, *options], cwd=_ROOT):
        return []
    query = ["./bazelw", "cquery", "--output=files", f"set({' '.join(targets)})", *options]
    listing = subprocess.run(query, cwd=_ROOT, check=True, stdout=subprocess.PIPE, text=True)
    files = [_ROOT / line for line in listing.stdout.splitlines()]
    return [file for file in files if file.suffix == ".whl"]


def _copy(file: Path, directory: Path) -> Path:
    """Returns a writable copy."""
    copy = directory / file.name
    shutil.copyfile(file, copy)
    return copy


def table(jobs: list[Built]) -> str:
    """Returns the table, as Markdown."""
    rows = []
    for job in jobs:
        sizes = [(wheel.name, f"{wheel.stat().st_size / 1e6:.1f}") for wheel in job.wheels]
        rows += [f"| {job.name} | {name} | {size} |" for name, size in sizes or [("left out", "")]]
    wheels = [wheel for job in jobs for wheel in job.wheels]
    size = sum(wheel.stat().st_size for wheel in wheels) / 1e6
    return _TABLE.format(rows="\n".join(rows), count=len(wheels), size=size)


def main(arguments: list[str]) -> int:
    """Returns the exit code: 1 if a job was left out."""
    project = Project(_ROOT)
    jobs = {job["name"]: job for job in builds(project)}
    parser = argparse.ArgumentParser(prog="build_wheels.py", description=__doc__)
    parser.add_argument("directory", type=Path, help="directory of the copies; it is created")
    parser.add_argument("--abi", default="", choices=project.abis, help="one ABI instead of all")
    parser.add_argument("--job", action="append", choices=jobs, help="a job; all if none is named")
    options = parser.parse_args(arguments)
    options.directory.mkdir(parents=True, exist_ok=True)
    tried = []
    for name in options.job or jobs:
        files = _build(_targets(project, jobs[name], options.abi), jobs[name]["config"])
        tried.append(Built(name, [_copy(file, options.directory) for file in files]))
    text = table(tried)
    (options.directory / "wheels.md").write_text(text, encoding="utf-8")
    print(text, end="")
    return 0 if all(job.wheels for job in tried) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
