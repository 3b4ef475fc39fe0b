"""Fixtures: pairs of a model and its projector."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from llama_cpp import Llama

Load = Callable[..., Llama]


@pytest.fixture(scope="session")
def projectors() -> Path:
    """Returns the directory with <name>.gguf and mmproj-<name>.gguf of each pair."""
    return Path(os.environ["LLAMA_TEST_PROJECTORS_DIR"]).absolute()


@pytest.fixture(scope="session")
def names(projectors: Path) -> list[str]:
    """Returns the names of the pairs."""
    return sorted(path.stem.removeprefix("mmproj-") for path in projectors.glob("mmproj-*.gguf"))


@pytest.fixture
def load(projectors: Path) -> Iterator[Load]:
    """Returns a function that loads a pair; the test closes it."""
    loaded = []

    def load(name: str, **options: object) -> Llama:
        path = str(projectors / f"{name}.gguf")
        options = {"mmproj_path": str(projectors / f"mmproj-{name}.gguf"), **options}
        options = {"n_ctx": 4096, "n_batch": 1024, "n_ubatch": 1024, "verbose": False, **options}
        loaded.append(Llama(path, **options))
        return loaded[-1]

    yield load
    for llm in loaded:
        llm.close()
