"""`wheel_index` in a build: the same bytes as the program writes when run manually, elsewhere and
at another time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

INDEX = Path(os.environ["INDEX"])


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_rule_writes_what_the_program_writes(tmp_path: Path) -> None:
    wheel = Path(os.environ["WHEEL"])
    options = ["--upload-time=2026-11-25T12:00:00Z", "--build-command=cpu-any=build //:{abi}"]
    command = [sys.executable, os.environ["WRITE_INDEX"], "--out", str(tmp_path / "out"), *options]
    subprocess.run([*command, str(wheel)], check=True)
    built = tree(INDEX)
    assert built == tree(tmp_path / "out")
    assert f"whl/cpu/llama-cpp-python/{wheel.name}" in built
    assert b"2026-11-25T12:00:00Z" in built["whl/cpu/llama-cpp-python/index.v1_json"]
    assert b"build //:none" in built["index.html"]
