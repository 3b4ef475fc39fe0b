"""The libraries that an accelerator's library needs are found, but for those of the user."""

from __future__ import annotations

import os

from installed import BASE, library, resolved
from installed_facts import FACTS


def test_ggml_base_is_the_wheels() -> None:
    path = library(FACTS.accelerator)
    assert os.path.samefile(resolved(path)[BASE], path.parent / BASE)


def test_everything_but_the_users_libraries_is_found() -> None:
    found = resolved(library(FACTS.accelerator))
    missing = sorted(name for name, path in found.items() if path == "not found")
    if FACTS.has_driver():
        assert set(missing) <= set(FACTS.missing)
    else:
        assert missing == FACTS.missing
