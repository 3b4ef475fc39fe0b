"""Compares the CPU variant that the loader chooses with every other that this machine can run.

    python variants.py [--python PYTHON] [--threads N] [--rounds N]

For each shape and type it prints the tokens per second of each variant relative to the chosen one;
the last line has the fastest other variant of all, relative to the chosen one.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from models import SPEED_TYPES, small_model, speed_model
from sides import Samples, Sides, ratio, warn_of_load

_FORCE = "LLAMA_CPP_CPU_VARIANT"
_PHASES = ("prompt", "decode")


class Variants(Sides):
    """One Python, once for each CPU variant."""

    def __init__(self, python: str, threads: int, rounds: int) -> None:
        super().__init__({"": python}, threads, rounds)
        cpu = json.loads(self.run("", ["-m", "llama_cpp", "info", "--json"]))["cpu"]
        self.chosen = cpu["variant"]
        usable = [name for name, score in cpu["scores"].items() if score > 0]
        usable.sort(key=lambda name: (name != self.chosen, -cpu["scores"][name]))
        self.pythons = dict.fromkeys(usable, self.pythons[""])

    def command(self, side: str, arguments: Any) -> dict[str, Any]:
        command = super().command(side, arguments)
        if side:
            command["env"][_FORCE] = side
        return command


def print_row(name: str, samples: Samples, phase: str) -> dict[str, float]:
    """Prints and returns the speeds relative to the first side's."""
    first = next(iter(samples.values()))
    relative = {side: ratio(rounds, first, phase) for side, rounds in samples.items()}
    print(f"{name:<24}" + "".join(f"{value:>15.2f}" for value in relative.values()))
    return relative


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=sys.executable, help="a Python that has this project's")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--models", type=Path, help="directory to keep the generated models in")
    arguments = parser.parse_args()
    variants = Variants(arguments.python, arguments.threads, arguments.rounds)
    warn_of_load()
    print(f"tokens/s, relative to the chosen variant ({variants.chosen})\n")
    print(f"{'':<24}" + "".join(f"{name:>15}" for name in variants.pythons))
    found = []
    with tempfile.TemporaryDirectory() as temporary:
        directory = (arguments.models or Path(temporary)).resolve()
        models = {f"wide {qtype}": speed_model(directory, qtype) for qtype in SPEED_TYPES}
        models |= {f"small {qtype}": small_model(directory, qtype) for qtype in ("f16", "f32")}
        for name, model in models.items():
            samples = variants.in_turn(lambda side, m=model: variants.worker(side, "speed", m))
            for phase in _PHASES:
                relative = print_row(f"{name} {phase}", samples, phase)
                found += [(value, side, f"{name} {phase}") for side, value in relative.items()]
    value, side, row = max(found)
    print(f"\nat most {value:.2f} times the chosen one's: {side}, {row}")


if __name__ == "__main__":
    main()
