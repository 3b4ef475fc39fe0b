"""Fixtures of the suites that run against an installed wheel:

    LLAMA_TEST_MODEL=kjv-q8_0.gguf LLAMA_TEST_MODELS_DIR=DIR python -m pytest tests/package

LLAMA_TEST_MODEL is the trained model, LLAMA_TEST_MODELS_DIR a directory with the random models that
tests/models/random_models.py makes. Neither a network nor a particular working directory is used.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

# The package remembers its CPU variant there when it is imported: nothing of the user's is touched.
_CACHE = tempfile.TemporaryDirectory()
os.environ["XDG_CACHE_HOME"] = _CACHE.name


def _from_environment(name: str) -> Path:
    value = os.environ.get(name)
    if not value:
        raise pytest.UsageError(f"{name} is not set; see {__file__}")
    path = Path(value).resolve()
    if not path.exists():
        raise pytest.UsageError(f"{name}={value} does not exist")
    return path


@pytest.fixture(scope="session")
def model_path() -> str:
    """Returns the trained model."""
    return str(_from_environment("LLAMA_TEST_MODEL"))


@pytest.fixture(scope="session")
def random_models() -> Path:
    """Returns the directory of models with random weights."""
    return _from_environment("LLAMA_TEST_MODELS_DIR")


@pytest.fixture(scope="session")
def load():
    """Loads a model quietly, with small defaults for tests.

    One thread: with more, every token waits for the slowest of them on a busy machine.
    """
    from llama_cpp import Llama

    def load(path: str, **arguments) -> Llama:
        arguments = {
            "n_ctx": 512,
            "n_threads": 1,
            "n_threads_batch": 1,
            "verbose": False,
            **arguments,
        }
        return Llama(str(path), **arguments)

    return load


@pytest.fixture(scope="module")
def llm(load, model_path):
    """Returns the trained model, shared by the tests of a file."""
    return load(model_path)


@pytest.fixture
def fresh(load, model_path):
    """Returns the trained model, loaded for one test: nothing is evaluated yet."""
    return load(model_path)


@pytest.fixture
def run_python(tmp_path):
    """Runs Python code in a child process, in an empty directory; returns the finished process.

    `options` go to the interpreter; a variable that is None in `env` is unset. A negative return
    code is a signal: the process crashed.
    """

    def run(
        code: str,
        *arguments: str,
        env: dict[str, str | None] | None = None,
        options: tuple[str, ...] = (),
        timeout: float = 300,
    ):
        environment = {**os.environ, **(env or {})}
        return subprocess.run(
            [sys.executable, *options, "-c", code, *map(str, arguments)],
            capture_output=True,
            cwd=tmp_path,
            env={name: value for name, value in environment.items() if value is not None},
            text=True,
            timeout=timeout,
        )

    return run
