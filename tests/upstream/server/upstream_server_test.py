"""Upstream's own tests of llama-server fail only where expected.json says so, and why."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

import places
import pytest
import runner

# tools/server/tests/utils.py of llama.cpp's sources
_SOURCES = Path(os.environ["UPSTREAM_TESTS"]).parents[3]
_EXPECTED = json.loads(Path(os.environ["EXPECTED"]).read_text(encoding="utf-8"))
_PROGRAMS = {"llama-server": Path(os.environ["LLAMA_SERVER"]), "llama_cpp.server": None}
_MODELS = places.Models(
    *(
        Path(os.environ[name])
        for name in ("LLAMA_TEST_MODEL", "LLAMA_TEST_MODELS_DIR", "LLAMA_TEST_PROJECTORS_DIR")
    )
)


def names_of(server: str) -> list[str]:
    """Returns the tests that expected.json has for a server; without parameters: all of them."""
    names = []
    for group in (*_EXPECTED["both"].values(), *_EXPECTED[server].values()):
        for file, tests in group.items():
            for test, parameters in tests.items():
                name = f"{file}::{test}"
                names += [f"{name}[{each}]" for each in parameters] or [name]
    return names


def listed(tests: Iterable[str], names: Iterable[str]) -> set[str]:
    return {test for test in tests for name in names if test == name or test.startswith(f"{name}[")}


@pytest.mark.parametrize("server", _PROGRAMS)
def test_no_other_test_fails(server: str, tmp_path: Path) -> None:
    file = tmp_path / "outcomes.json"
    (tmp_path / "work").mkdir()
    runner.run(_SOURCES, _MODELS, tmp_path / "work", file, _PROGRAMS[server], ["unit"])
    outcomes = json.loads(file.read_text(encoding="utf-8"))
    names = names_of(server)
    known = listed(outcomes, names)
    wrong = {
        test: found["reason"]
        for test, found in outcomes.items()
        if found["outcome"] != "passed" and test not in known
    }
    assert not wrong, json.dumps(wrong, indent=1)
    better = sorted(test for test in known if outcomes[test]["outcome"] == "passed")
    print("pass, and need no line in expected.json:", *better, sep="\n")
    assert not [name for name in names if not listed(outcomes, [name])], "there is no such test"
