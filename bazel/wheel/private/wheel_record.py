"""Writes a wheel's RECORD lines. The checker computes its own, so as not to share a mistake."""

from __future__ import annotations

import base64
import hashlib


def record_row(path: str, data: bytes) -> tuple[str, str, str]:
    """Returns RECORD's row of a file: path, URL-safe base64 SHA-256 without padding, size."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return path, f"sha256={digest}", str(len(data))


def record_line(path: str, data: bytes) -> str:
    """Returns the row as a line, for a path without a comma or a quote."""
    return ",".join(record_row(path, data)) + "\n"
