"""Makes the modules of bazel/offline importable: what puts Debian's Bazel into the user's cache. Imported first."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).absolute().parents[3] / "offline"))
