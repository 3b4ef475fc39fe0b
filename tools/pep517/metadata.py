"""METADATA of the wheel and PKG-INFO of the sdist, without Bazel.

Written by the program that writes the wheel's METADATA, out of the table that the wheel rule reads.
Only the licences of the third parties are missing: their files are not in the source tree.
"""

from __future__ import annotations

from pathlib import Path

from ._wheel_rule import write_wheel
from .project import Project
from .settings import Settings

_LICENSE = "LICENSE"
_DYNAMIC = "Dynamic: License-File"


def version(project: Project, settings: Settings) -> str:
    """Returns the version of the wheel, with its local label."""
    label = settings.local_label
    return f"{project.version}+{label}" if label else project.version


def write_dist_info(project: Project, settings: Settings, folder: Path) -> Path:
    """Writes a .dist-info directory with METADATA alone; returns it."""
    dist_info = folder / f"{project.distribution}-{version(project, settings)}.dist-info"
    dist_info.mkdir()
    text = _metadata(project, version(project, settings))
    (dist_info / "METADATA").write_text(text, encoding="utf-8")
    return dist_info


def pkg_info(project: Project) -> str:
    """Returns PKG-INFO: a wheel has more licences; all other fields are fixed, the version too."""
    head, blank, description = _metadata(project, project.version).partition("\n\n")
    return f"{head}\n{_DYNAMIC}{blank}{description}"


def _metadata(project: Project, full_version: str) -> str:
    table = project.metadata
    return write_wheel.metadata(
        {
            "classifiers": table["classifiers"],
            "description": str(project.root / "README.md"),
            "distribution": table["distribution"],
            "extras": table["extra_requires"],
            "license_expression": table["license_expression"],
            "license_files": [_LICENSE],
            "requires": table["requires"],
            "requires_python": table["python_requires"],
            "summary": table["summary"],
            "urls": table["project_urls"],
            "version": full_version,
        }
    )
