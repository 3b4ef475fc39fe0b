"""Mutations of GGUF files, thousands of them, also of models of every architecture.

Upstream's test-llama-archs writes the models. Run it by its name.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import gguf_cases
import pytest
from gguf_layout import parse

import llama_cpp

N_CASES = 5000
N_OF_ALL_ARCHITECTURES = 3000
LARGEST = 12 << 20  # bytes of a file that is mutated


@pytest.fixture(scope="module")
def all_architectures(tmp_path_factory) -> Path:
    """Returns a directory with a model of each architecture that llama.cpp can write."""
    directory = tmp_path_factory.mktemp("architectures")
    backend = Path(llama_cpp.__file__).parent / "lib" / "libggml-cpu-x64.so"
    done = subprocess.run(
        [os.environ["ARCHITECTURES_PROGRAM"], "-s", "1", "-o", str(directory)],
        capture_output=True,
        env={**os.environ, "GGML_BACKEND_PATH": str(backend)},
        text=True,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    return directory


def test_mutated_files(tmp_path):
    tiny = Path(os.environ["TINY"]) / "tiny.gguf"
    files = gguf_cases.sound_files(Path(os.environ["LLAMA_TEST_MODELS_DIR"]), tiny)
    found = gguf_cases.faults(files, range(N_CASES), tmp_path)
    assert not found, "\n".join(found)


def test_mutated_files_of_all_architectures(all_architectures, tmp_path):
    paths = [path for path in all_architectures.iterdir() if path.stat().st_size < LARGEST]
    assert len(paths) > 100
    files = {path.stem: parse(path.read_bytes()) for path in paths}
    found = gguf_cases.faults(files, range(N_OF_ALL_ARCHITECTURES), tmp_path)
    assert not found, "\n".join(found)
