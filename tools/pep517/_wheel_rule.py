"""Imports the wheel rule's modules from its directory: METADATA and RECORD have one writer."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "bazel/wheel/private"))

import write_wheel  # noqa: E402
from wheel_record import record_line  # noqa: E402

__all__ = ["record_line", "write_wheel"]
