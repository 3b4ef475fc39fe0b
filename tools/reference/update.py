"""Copies the generated pages into the workspace: docs/reference, and the README."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path


def main() -> None:
    """Copies the files that the arguments name."""
    workspace = Path(os.environ["BUILD_WORKSPACE_DIRECTORY"])
    for page in map(Path, sys.argv[1:]):
        copy = Path("" if page.name == "README.md" else "docs/reference", page.name)
        shutil.copyfile(page, workspace / copy)
        print(f"wrote {copy}")


if __name__ == "__main__":
    main()
