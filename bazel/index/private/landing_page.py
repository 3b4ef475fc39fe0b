"""The landing page: its template is landing_page.html; the tables and the wheels' facts are filled in here."""

from __future__ import annotations

from pathlib import Path
from typing import Mapping

from wheel_file import WheelFile


def landing_page(
    tree: Mapping[str, Mapping[str, list[WheelFile]]], build_commands: Mapping[str, str]
) -> bytes:
    """The page as bytes."""
    template = Path(__file__).with_name("landing_page.html").read_text(encoding="utf-8")
    return template.encode()
