"""The toy wheel, and the checker of this project's wheels."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Callable

import check_wheel
import pytest
from changes import set_platform
from checks.policy import read_policy
from draft import Draft


@pytest.fixture(scope="session")
def toy_wheel() -> Path:
    """Returns the good wheel."""
    return Path(os.environ["TOY_WHEEL"])


@pytest.fixture(scope="session")
def _good(toy_wheel: Path) -> Draft:
    draft = Draft(toy_wheel)
    draft.fit_sbom()
    # Whatever the platform of the build: the oldest floor, below which the tests go.
    platform = draft.name[: -len(".whl")].split("-")[-1]
    set_platform(draft, "manylinux_2_17_" + platform.split("_", 3)[3])
    return draft


@pytest.fixture
def draft(_good: Draft) -> Draft:
    """Returns a copy of the good wheel, to break."""
    return _good.copy()


@pytest.fixture
def policy():
    """Returns the policy of this project's wheels."""
    return read_policy(Path(os.environ["POLICY"]))


@pytest.fixture
def check(tmp_path: Path, policy) -> Callable[..., list[str]]:
    """Writes a draft and returns the checker's problems with it, by this project's policy."""
    return lambda draft, **arguments: check_wheel.problems(
        draft.write(tmp_path), **{"policy": policy, **arguments}
    )
