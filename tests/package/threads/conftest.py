"""Fixtures of the thread suite, which runs on interpreters with and without the GIL.

Like tests/package it runs against an installed wheel, with the same environment variables.
"""

from __future__ import annotations

import sys

import pytest
from wheel_fixtures import fresh, llm, load, model_path, random_models, run_python

__all__ = ["fresh", "llm", "load", "model_path", "random_models", "run_python"]


@pytest.fixture(autouse=True, scope="session")
def hurried_interpreter():
    """Makes threads take turns as often as possible, with the GIL."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture(scope="session")
def core():
    """Returns the native module, with a backend loaded."""
    from llama_cpp import _core
    from llama_cpp._backends.required import require_ready

    require_ready()
    _core.backend_init()
    return _core


@pytest.fixture(scope="session")
def model(core, model_path):
    """Returns the trained model, shared by everybody."""
    return core.Model(model_path, core.ModelParams())
