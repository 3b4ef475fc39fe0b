"""Prints the jobs of a release as a matrix for GitHub, for .github/workflows/release.yml.

    PYTHONPATH=tools python3 tools/release/matrix.py

One job per accelerator that platforms/accelerators.bzl says is released.
"""

from __future__ import annotations

import json
from pathlib import Path

from pep517.project import Project


def matrix(project: Project) -> list[dict[str, str]]:
    """Returns the accelerator and the option of `./bazelw build` for each job."""
    return [
        {
            "accelerator": name,
            "config": "" if name == project.default_accelerator else f"--config={name}",
        }
        for name in project.released_accelerators
    ]


if __name__ == "__main__":
    print(json.dumps(matrix(Project(Path(__file__).resolve().parents[2]))))
