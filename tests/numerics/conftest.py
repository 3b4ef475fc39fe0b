"""Where the models of these tests are.

``LLAMA_TEST_MODELS_DIR``: a folder filled by tests/models/random_models.py.
``LLAMA_TEST_MODEL``: the trained model, tests/models/kjv-q8_0.gguf.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def _from_environment(variable: str, what: str) -> Path:
    value = os.environ.get(variable)
    if not value:
        pytest.fail(f"set {variable} to {what}")
    path = Path(value)
    if not path.exists():
        pytest.fail(f"{variable}={value} does not exist; it should be {what}")
    return path


@pytest.fixture(scope="session")
def models_dir() -> Path:
    return _from_environment(
        "LLAMA_TEST_MODELS_DIR",
        "a folder made by `python tests/models/random_models.py --out FOLDER`",
    )


@pytest.fixture(scope="session")
def trained_model() -> Path:
    return _from_environment("LLAMA_TEST_MODEL", "the file tests/models/kjv-q8_0.gguf")
