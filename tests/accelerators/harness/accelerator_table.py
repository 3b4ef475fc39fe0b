"""Reads the table of accelerators, platforms/accelerators.bzl."""

from __future__ import annotations

import os
import runpy
from typing import Any


def row(accelerator: str) -> dict[str, Any]:
    """Returns an accelerator's row; the table's comment describes the fields."""
    return runpy.run_path(os.environ["ACCELERATOR_TABLE"])["ACCELERATORS"][accelerator]


def library_target(accelerator: str) -> str:
    """Returns the target that links the library with the backend."""
    return f"@llama_cpp//:ggml-{row(accelerator)['ggml_name']}_so"
