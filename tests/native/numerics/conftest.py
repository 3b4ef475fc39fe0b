"""Where the models of these tests are.

``LLAMA_TEST_MODEL``: the trained model, tests/models/kjv-q8_0.gguf.
``LLAMA_TEST_MODELS_DIR``: a directory filled by tests/models/random_models.py; made if not set.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

GENERATOR = Path(__file__).parents[2] / "models/random_models.py"


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    given = os.environ.get("LLAMA_TEST_MODELS_DIR")
    if given:
        return _existing("LLAMA_TEST_MODELS_DIR", given)
    folder = tmp_path_factory.mktemp("models")
    subprocess.run([sys.executable, str(GENERATOR), "--out", str(folder)], check=True)
    return folder


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
