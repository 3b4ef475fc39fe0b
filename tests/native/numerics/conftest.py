"""Where the models of these tests are.

``LLAMA_TEST_MODEL``: the trained model, tests/models/kjv-q8_0.gguf.
``LLAMA_TEST_MODELS_DIR``: a directory filled by tests/models/random_models.py; made if not set.
``LLAMA_TEST_ARCHITECTURES_DIR``: the same of random_architectures.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

GENERATORS = Path(__file__).parents[2] / "models"


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _given_or_made("LLAMA_TEST_MODELS_DIR", "random_models.py", tmp_path_factory)


@pytest.fixture(scope="session")
def architectures_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _given_or_made(
        "LLAMA_TEST_ARCHITECTURES_DIR", "random_architectures.py", tmp_path_factory
    )


def _given_or_made(variable: str, generator: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    given = os.environ.get(variable)
    if given:
        return _existing(variable, given)
    directory = tmp_path_factory.mktemp("models")
    command = [sys.executable, str(GENERATORS / generator), "--out", str(directory)]
    subprocess.run(command, check=True)
    return directory


@pytest.fixture(scope="session")
def trained_model() -> Path:
    given = os.environ.get("LLAMA_TEST_MODEL")
    if not given:
        pytest.fail("set LLAMA_TEST_MODEL to the file tests/models/kjv-q8_0.gguf")
    return _existing("LLAMA_TEST_MODEL", given)


def _existing(variable: str, value: str) -> Path:
    path = Path(value)
    if not path.exists():
        pytest.fail(f"{variable}={value} does not exist")
    return path
