"""The models that the benchmarks generate: random weights, of the same bytes on every machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_GENERATOR = Path(__file__).resolve().parent.parent / "tests/models/random_models.py"

SPEED_TYPES = ("q4_0", "q8_0", "q4_k", "f16")
SPEED_SHAPE = "--layers 12 --embd 768 --heads 12 --kv-heads 12 --ff 2048 --vocab 32000 --ctx 1024"
_SMALL_SHAPE = (
    "--layers 2 --embd 64 --heads 2 --kv-heads 2 --ff 128 --vocab 512 --ctx 1024 "
    "--untied --words-only"
)


def speed_model(directory: Path, qtype: str) -> Path:
    """Returns a model of 12 layers, 768 wide, with 32,000 tokens."""
    return generate_model(directory, f"speed-{qtype}", SPEED_SHAPE, qtype)


def small_model(directory: Path, qtype: str = "f32") -> Path:
    """Returns a model of 2 layers, 64 wide: next to nothing is computed for a token."""
    return generate_model(directory, f"small-{qtype}", _SMALL_SHAPE, qtype)


def generate_model(directory: Path, name: str, shape: str, qtype: str) -> Path:
    """Makes a model with random weights, unless it is there; returns its file."""
    file = directory / f"{name}.gguf"
    if not file.exists():
        command = [sys.executable, str(_GENERATOR), "--out", str(directory), "--name", name]
        command += ["--type", qtype, *shape.split()]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return file
