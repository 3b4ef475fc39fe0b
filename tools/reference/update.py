"""Copies the generated pages into the workspace's docs/reference."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path


def main() -> None:
    """Copies the files that the arguments name."""
    directory = Path(os.environ["BUILD_WORKSPACE_DIRECTORY"], "docs", "reference")
    for page in map(Path, sys.argv[1:]):
        shutil.copyfile(page, directory / page.name)
        print(f"wrote docs/reference/{page.name}")


if __name__ == "__main__":
    main()
