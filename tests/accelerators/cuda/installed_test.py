"""The CUDA wheel and the NVIDIA wheels that it requires."""

from __future__ import annotations

import importlib.metadata
import os
import re

from accelerator_table import row
from installed import library, resolved, site
from installed_facts import FACTS

_ROW = row("cuda")


def _names(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=; ]", requirement)[0] for requirement in requirements}


def test_the_wheel_requires_nvidias_wheels() -> None:
    wanted = _names(_ROW["requires"])
    assert {"nvidia-cublas", "nvidia-cuda-runtime"} <= wanted
    assert wanted <= _names(importlib.metadata.distribution("llama-cpp-python").requires or [])


def test_their_libraries_are_found_in_site_packages() -> None:
    found = resolved(library("cuda"))
    wanted = [name for name in _ROW["needed_libraries"] if name not in FACTS.missing]
    assert len(wanted) == 3
    for name in wanted:
        assert os.path.samefile(found[name], site() / "nvidia/cu13/lib" / name)
