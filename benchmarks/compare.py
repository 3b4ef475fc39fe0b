"""Compares this project's llama_cpp with a peer's, and prints ratios of medians.

    python compare.py --peer /path/to/peer/bin/python [--ours /path/to/our/bin/python]

README.md describes the measurements and how to read them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
GENERATOR = HERE.parent / "tests/models/random_models.py"
SPEED_TYPES = ["q4_0", "q8_0", "f16"]
SPEED_SHAPE = "--layers 12 --embd 768 --heads 12 --kv-heads 12 --ff 2048 --vocab 32000 --ctx 1024"
SMALL_SHAPE = (
    "--layers 2 --embd 64 --heads 2 --kv-heads 2 --ff 128 --vocab 512 --ctx 1024 "
    "--untied --words-only"
)
WAYS = ["generate", "create_completion", "stream"]

Sample = dict[str, Any]


class Sides:
    """Python interpreters by name, and how to run them in turn."""

    def __init__(self, pythons: dict[str, str], threads: int, rounds: int) -> None:
        # Absolute, since the children run elsewhere; not resolved, since a virtual environment's
        # Python is a link that must stay one.
        self.pythons = {side: os.path.abspath(python) for side, python in pythons.items()}
        self.threads = threads
        self.rounds = rounds

    def run(self, side: str, arguments: Sequence[str]) -> str:
        child = subprocess.run(
            [self.pythons[side], *arguments],
            # Neither a package in the working directory nor PYTHONPATH may be imported instead
            # of the installed one.
            cwd=tempfile.gettempdir(),
            env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
            capture_output=True,
            check=False,
            text=True,
        )
        if child.returncode:
            command = " ".join([self.pythons[side], *arguments])
            sys.exit(f"compare.py: {command} failed ({child.returncode}):\n{child.stderr[-3000:]}")
        return child.stdout

    def worker(
        self, side: str, task: str, model: Path | None = None, threads: int | None = None
    ) -> Sample:
        threads = self.threads if threads is None else threads
        output = self.run(side, [str(HERE / "worker.py"), task, str(model or ""), str(threads)])
        return json.loads(output.splitlines()[-1])

    def alternate(self, measure: Callable[[str], Sample]) -> dict[str, dict[str, float]]:
        """Ours, peer, ours, peer, ...; the median of each number of each side."""
        samples: dict[str, list[Sample]] = {side: [] for side in self.pythons}
        for _ in range(self.rounds):
            for side, collected in samples.items():
                collected.append(measure(side))
        return {side: medians(collected) for side, collected in samples.items()}


def medians(samples: list[Sample]) -> dict[str, float]:
    return {key: statistics.median(sample[key] for sample in samples) for key in samples[0]}


def generate_models(folder: Path) -> None:
    shapes = {f"speed-{qtype}": (SPEED_SHAPE, qtype) for qtype in SPEED_TYPES}
    shapes["small"] = (SMALL_SHAPE, "f32")
    for name, (shape, qtype) in shapes.items():
        generate_model(folder, name, shape, qtype)


def generate_model(folder: Path, name: str, shape: str, qtype: str) -> Path:
    """Makes a model with random weights, unless it is there; returns its file."""
    file = folder / f"{name}.gguf"
    if not file.exists():
        command = [sys.executable, str(GENERATOR), "--out", str(folder), "--name", name]
        command += ["--type", qtype, *shape.split()]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return file


def row(name: str, ours: float, peer: float, ratio: float, unit: str) -> None:
    print(f"{name:<34}{ours:>12.1f}{peer:>12.1f}  {unit:<12}{ratio:>8.2f}")


def heading(title: str, ratio: str) -> None:
    print(f"\n{title:<34}{'ours':>12}{'peer':>12}  {'':<12}{'ratio':>8}  ({ratio})")


def compare_speed(sides: Sides, folder: Path) -> None:
    heading("12 layers, 768 wide", "ours / peer, more is better")
    for qtype in SPEED_TYPES:
        model = folder / f"speed-{qtype}.gguf"
        result = sides.alternate(lambda side, model=model: sides.worker(side, "speed", model))
        ours, peer = result["ours"], result["peer"]
        for phase in ("prompt", "decode"):
            row(f"{qtype} {phase}", ours[phase], peer[phase], ours[phase] / peer[phase], "tokens/s")


def compare_overhead(sides: Sides, folder: Path) -> None:
    heading("2 layers, 64 wide", "ours / peer, less is better")
    model = folder / "small.gguf"
    result = sides.alternate(lambda side: sides.worker(side, "overhead", model))
    ours, peer = result["ours"], result["peer"]
    row("bare decode", *with_ratio(ours["bare decode"], peer["bare decode"]), "us/token")
    for way in WAYS:
        row(way, *with_ratio(ours[way], peer[way]), "us/token")
    for way in WAYS:
        over = [side[way] - side["bare decode"] for side in (ours, peer)]
        row(f"{way} over its bare decode", *with_ratio(*over), "us/token")


def with_ratio(ours: float, peer: float) -> tuple[float, float, float]:
    return ours, peer, ours / peer


def compare_import(sides: Sides) -> None:
    heading("import", "ours / peer, less is better")
    for code in ("import llama_cpp", "from llama_cpp import Llama"):

        def measure(side: str, code: str = code) -> Sample:
            # The interpreter's own start is measured next to it and taken off.
            whole = milliseconds(sides, side, code)
            return {"import": whole - milliseconds(sides, side, "pass")}

        for side in sides.pythons:
            measure(side)  # the first import writes bytecode and fills the page cache
        result = sides.alternate(measure)
        row(code, *with_ratio(result["ours"]["import"], result["peer"]["import"]), "ms")


def milliseconds(sides: Sides, side: str, code: str) -> float:
    start = time.perf_counter()
    sides.run(side, ["-c", code])
    return 1000 * (time.perf_counter() - start)


def print_header(sides: Sides) -> None:
    for side, python in sides.pythons.items():
        information = sides.worker(side, "information")
        print(f"{side}: {python}\n      version {information['version']}; {information['system']}")
    print(
        f"{sides.threads} threads; medians of {sides.rounds} rounds, the sides in turn, each "
        "measurement in a new process"
    )
    load = os.getloadavg()[0]
    if load > 0.5:
        print(
            f"warning: other programs use this machine (load {load:.1f}). Threads that wait for "
            "each other suffer most: believe no speed below, and run this again when it is idle."
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", required=True, help="a Python that has llama-cpp-python")
    parser.add_argument("--ours", default=sys.executable, help="a Python that has this project's")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--models", type=Path, help="folder to keep the generated models in")
    parser.add_argument("--only", choices=["speed", "overhead", "import"])
    args = parser.parse_args()

    for option, python in (("--ours", args.ours), ("--peer", args.peer)):
        if not os.access(python, os.X_OK):
            parser.error(f"{option} {python} is no program; give the path of a Python interpreter")
    pythons = {"ours": args.ours, "peer": args.peer}
    sides = Sides(pythons, args.threads, args.rounds)
    print_header(sides)
    with tempfile.TemporaryDirectory() as temporary:
        folder = (args.models or Path(temporary)).resolve()
        if args.only != "import":
            generate_models(folder)
        if args.only in (None, "speed"):
            compare_speed(sides, folder)
        if args.only in (None, "overhead"):
            # More threads would only add the time that they take to meet.
            compare_overhead(Sides(pythons, 1, args.rounds), folder)
        if args.only in (None, "import"):
            compare_import(sides)


if __name__ == "__main__":
    main()
