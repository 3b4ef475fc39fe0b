"""Compares this project's llama_cpp with peers, and prints medians and ratios.

    python compare.py --ours PYTHON --peer NAME=PYTHON [--peer ...] [--json FILE]

README.md describes the measurements and how to read them; picture.py draws them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from bandwidth import read_bandwidth
from models import SPEED_TYPES, small_model, speed_model
from sides import Samples, Sides, median, named_python, ratio, warn_of_load
from start import first_token, import_time
from worker_sizes import BATCHES

OURS = "ours"
_WAYS = ("generate", "create_completion", "stream")


@dataclass
class Row:
    """One measurement: the numbers of each side, and their medians' ratios to ours."""

    section: str
    name: str
    unit: str
    more_is_better: bool
    values: dict[str, list[float]]
    medians: dict[str, float]
    # Ours over the peer's where more is better, else the peer's over ours: above 1 ours is better.
    gains: dict[str, float]


class Table:
    """Prints rows as they are measured, and keeps them."""

    def __init__(self, sides: Sides) -> None:
        self.sides = sides
        self.rows: list[Row] = []

    def heading(self, section: str) -> None:
        self._section = section
        names = "".join(f"{side:>14}" for side in self.sides.pythons)
        gains = "".join(f"{'to ' + side:>16}" for side in self.sides.pythons if side != OURS)
        print(f"\n{section:<34}{names}  {'':<9}{gains}")

    def add(self, name: str, unit: str, more_is_better: bool, samples: Samples, key: str) -> None:
        ours = samples[OURS]
        peers = {side: rounds for side, rounds in samples.items() if side != OURS}
        row = Row(
            self._section,
            name,
            unit,
            more_is_better,
            {side: [one[key] for one in rounds] for side, rounds in samples.items()},
            {side: median(rounds, key) for side, rounds in samples.items()},
            {
                side: ratio(ours, rounds, key) if more_is_better else ratio(rounds, ours, key)
                for side, rounds in peers.items()
            },
        )
        self.rows.append(row)
        numbers = "".join(
            f"{row.medians.get(side, float('nan')):>14.1f}" for side in self.sides.pythons
        )
        gains = "".join(
            f"{row.gains.get(side, float('nan')):>16.2f}"
            for side in self.sides.pythons
            if side != OURS
        )
        print(f"{name:<34}{numbers.replace('nan', '  -')}  {unit:<9}{gains.replace('nan', '  -')}")


def compare_speed(table: Table, directory: Path) -> None:
    table.heading("speed: 12 layers, 768 wide")
    bandwidth = read_bandwidth(table.sides.threads)
    for qtype in SPEED_TYPES:
        model = speed_model(directory, qtype)
        samples = table.sides.in_turn(lambda side, m=model: table.sides.worker(side, "speed", m))
        for phase in ("prompt", "decode"):
            table.add(f"{qtype} {phase}", "tokens/s", True, samples, phase)
        part = median(samples[OURS], "decode") * model.stat().st_size / bandwidth
        print(f"{'':<34}decode reads {part:.0%} of {bandwidth / 1e9:.1f} GB/s (bandwidth.py)")


def compare_batches(table: Table, directory: Path) -> None:
    table.heading("tokens at once: q4_k, the same")
    model = speed_model(directory, "q4_k")
    samples = table.sides.in_turn(lambda side: table.sides.worker(side, "batches", model))
    for count in BATCHES:
        table.add(f"{count} tokens", "tokens/s", True, samples, str(count))


def compare_overhead(table: Table, directory: Path) -> None:
    table.heading("overhead: 2 layers, 64 wide")
    model = small_model(directory)
    sides = table.sides.of_package("llama_cpp")
    # More threads would only add the time that they take to meet.
    samples = table.sides.in_turn(
        lambda side: table.sides.worker(side, "overhead", model, threads=1), sides
    )
    for way in ("bare decode", *_WAYS):
        table.add(way, "us/token", False, samples, way)
    for rounds in samples.values():
        for sample in rounds:
            sample.update({f"over {way}": sample[way] - sample["bare decode"] for way in _WAYS})
    for way in _WAYS:
        table.add(f"{way} over its bare decode", "us/token", False, samples, f"over {way}")


def compare_start(table: Table, directory: Path) -> None:
    table.heading("start: q4_k, to the first token")
    model = speed_model(directory, "q4_k")
    for cache in ("warm", "cold"):
        samples = table.sides.in_turn(
            lambda side, cache=cache: first_token(table.sides, side, model, cache == "cold")
        )
        table.add(f"{cache} page cache", "ms", False, samples, "milliseconds")
    table.add("memory of its own then", "MB", False, samples, "anonymous")
    table.add("and pages of files", "MB", False, samples, "files")


def compare_import(table: Table, directory: Path) -> None:
    table.heading("import")
    sides = table.sides.of_package("llama_cpp")
    for code in ("import llama_cpp", "from llama_cpp import Llama"):
        for side in sides:
            import_time(table.sides, side, code)  # writes bytecode, fills the page cache
        samples = table.sides.in_turn(
            lambda side, code=code: import_time(table.sides, side, code), sides
        )
        table.add(code, "ms", False, samples, "milliseconds")


_SECTIONS: dict[str, Callable[[Table, Path], None]] = {
    "speed": compare_speed,
    "batches": compare_batches,
    "overhead": compare_overhead,
    "start": compare_start,
    "import": compare_import,
}


def describe(sides: Sides) -> dict[str, dict[str, str]]:
    """Prints and returns the version and the CPU features of each side."""
    described = {side: sides.worker(side, "information") for side in sides.pythons}
    for side, information in described.items():
        print(f"{side}: {sides.pythons[side]}")
        print(f"      version {information['version']}; {information['system']}")
    print(
        f"{sides.threads} threads; medians of {sides.rounds} rounds, the sides in turn, each "
        "measurement in a new process; the last columns: how many times ours is better"
    )
    warn_of_load()
    return described


def cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--peer",
        action="append",
        required=True,
        type=named_python,
        metavar="NAME=PYTHON",
        help="a Python that has llama-cpp-python or xllamacpp",
    )
    parser.add_argument("--ours", default=sys.executable, help="a Python that has this project's")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--models", type=Path, help="directory to keep the generated models in")
    parser.add_argument("--only", choices=_SECTIONS, action="append")
    parser.add_argument("--json", type=Path, help="file to write the numbers to")
    arguments = parser.parse_args()
    if not os.access(arguments.ours, os.X_OK):
        parser.error(f"--ours {arguments.ours} is no program; give the path of a Python")
    if OURS in dict(arguments.peer):
        parser.error(f"--peer {OURS}=... : give the peer another name")

    sides = Sides(
        {OURS: arguments.ours, **dict(arguments.peer)}, arguments.threads, arguments.rounds
    )
    described = describe(sides)
    table = Table(sides)
    with tempfile.TemporaryDirectory() as temporary:
        directory = (arguments.models or Path(temporary)).resolve()
        for section in arguments.only or _SECTIONS:
            _SECTIONS[section](table, directory)
    if arguments.json:
        # No path of this machine: the file may be published.
        found = {
            "cpu": cpu_name(),
            "threads": sides.threads,
            "rounds": sides.rounds,
            "sides": described,
            "rows": [asdict(row) for row in table.rows],
        }
        arguments.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
