"""The source distribution: everything that git tracks, but for the model that tests use, in one
reproducible archive."""

from __future__ import annotations

import gzip
import io
import subprocess
import tarfile
from pathlib import Path

from . import metadata
from .errors import BuildError
from .project import Project

# The list of files in an unpacked sdist, which has no git.
_MANIFEST = "MANIFEST"
# 3.7 MB, and no part of the wheel. The tests that read it need a clone.
_LEFT_OUT = ".gguf"
# The earliest date that a zip can hold, as in the wheel: 1980-01-01.
_MTIME = 315532800


def write(project: Project, folder: Path) -> Path:
    """Writes the archive and returns its path; the same files give the same bytes."""
    name = f"{project.distribution}-{project.version}"
    files = _files(project.root)
    path = folder / f"{name}.tar.gz"
    with path.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as compressed:
        with tarfile.open(fileobj=compressed, mode="w") as archive:
            _add(archive, f"{name}/PKG-INFO", metadata.pkg_info(project).encode(), 0o644)
            _add(archive, f"{name}/{_MANIFEST}", "".join(f"{f}\n" for f in files).encode(), 0o644)
            for file in files:
                source = project.root / file
                mode = 0o755 if source.stat().st_mode & 0o100 else 0o644
                _add(archive, f"{name}/{file}", source.read_bytes(), mode)
    return path


def _files(root: Path) -> list[str]:
    manifest = root / _MANIFEST
    names = manifest.read_text().splitlines() if manifest.exists() else _tracked(root)
    files = [name for name in names if not name.endswith(_LEFT_OUT)]
    for file in files:
        if (root / file).is_symlink():
            raise BuildError(
                f"{file} is a symbolic link, which an sdist cannot have: commit a file"
            )
    # Files that were deleted without a commit are still tracked.
    return sorted(file for file in files if (root / file).is_file())


def _tracked(root: Path) -> list[str]:
    try:
        listing = subprocess.run(
            ["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True, text=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", None) or error
        raise BuildError(
            f"{root} has neither a {_MANIFEST} nor a git that lists its files"
            f" ({str(said).strip()}): make the sdist in a clone or in an unpacked sdist"
        ) from error
    return [name for name in listing.stdout.split("\0") if name]


def _add(archive: tarfile.TarFile, name: str, data: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.mode, entry.mtime, entry.size = mode, _MTIME, len(data)
    archive.addfile(entry, io.BytesIO(data))
