"""The requirements that a Bazel workspace reads are those of the wheel."""

from __future__ import annotations

import email
import os
import zipfile
from pathlib import Path

from packaging.requirements import Requirement


def test_requirements_are_those_of_the_wheel() -> None:
    with zipfile.ZipFile(os.environ["WHEEL"]) as wheel:
        (name,) = [n for n in wheel.namelist() if n.endswith(".dist-info/METADATA")]
        metadata = email.message_from_bytes(wheel.read(name))
    required = [Requirement(line) for line in metadata.get_all("Requires-Dist", [])]
    unconditional = {r for r in required if "extra" not in str(r.marker)}
    listed = {Requirement(line) for line in Path(os.environ["LIST"]).read_text().splitlines()}
    assert listed and listed == unconditional
