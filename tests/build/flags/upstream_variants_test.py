"""The table of CPU variants is upstream's list: the same names with the same features."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

_SECTION = re.compile(r'STREQUAL "(\w+)"|(APPLE)\)|MATCHES "(Linux|Android)')
_VARIANT = re.compile(r"ggml_add_cpu_backend_variant\((\S+?)((?: +\w+)*)\)")
# Sections of the list -> kind of machine in the table.
_MACHINES = {
    ("x86", ""): "x86_64",
    ("ARM", "Linux"): "aarch64",
    ("ARM", "APPLE"): "macos_aarch64",
}


def _upstream(text: str) -> dict[str, dict[str, list[str]]]:
    """Returns kind of machine -> variant -> its features."""
    result: dict[str, dict[str, list[str]]] = {machine: {} for machine in _MACHINES.values()}
    architecture = system = ""
    for line in text.partition("if (GGML_CPU_ALL_VARIANTS)")[2].splitlines():
        section, variant = _SECTION.search(line), _VARIANT.search(line)
        if section and section[1]:
            architecture, system = section[1], ""
        elif section:
            system = section[2] or section[3]
        machine = _MACHINES.get((architecture, system))
        if variant and machine:
            # A variant is not scored by a feature that it lacks.
            features = [word for word in variant[2].split() if not word.startswith("NO")]
            result[machine][variant[1]] = sorted(features)
    return result


def test_the_table() -> None:
    upstream = _upstream(Path(os.environ["UPSTREAM"]).read_text())
    table = json.loads(Path(os.environ["TABLE"]).read_text())
    assert set(upstream) == set(table)
    for machine, variants in upstream.items():
        assert variants, machine
        ours = {
            name: sorted(re.sub("^GGML_(USE_)?", "", define) for define in defines)
            for name, defines in table[machine].items()
        }
        assert variants == ours
