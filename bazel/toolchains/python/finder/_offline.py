"""Makes the modules of bazel/offline, which provision Debian's Bazel, importable; import first."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).absolute().parents[3] / "offline"))
