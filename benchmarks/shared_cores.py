"""Compares speeds on cores that busy processes share, for several Pythons and numbers of threads.

    python shared_cores.py --python NAME=/path/to/bin/python --spinners 2 --threads 1 2

README.md says how to read it.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from models import speed_model
from sides import Sample, Sides, median, named_python, ratio

Case = tuple[str, int]


@contextlib.contextmanager
def spinners(count: int) -> Iterator[None]:
    """Keeps `count` processes busy."""
    code = "while True: pass"
    children = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(count)]
    try:
        yield
    finally:
        for child in children:
            child.kill()
            child.wait()


def measure(sides: Sides, cases: list[Case], model: Path) -> dict[Case, list[Sample]]:
    """Runs every case once per round, in turn."""
    samples: dict[Case, list[Sample]] = {case: [] for case in cases}
    for _ in range(sides.rounds):
        for side, threads in cases:
            samples[side, threads].append(sides.worker(side, "speed", model, threads))
    return samples


def print_table(samples: dict[Case, list[Sample]]) -> None:
    print(f"\n{'':<24}{'tokens/s':>20}{'ratio to the first line':>28}")
    print(f"{'':<24}{'prompt':>10}{'decode':>10}{'prompt':>18}{'decode':>10}")
    first = next(iter(samples.values()))
    for (side, threads), rounds in samples.items():
        name = f"{side}, {threads or 'default'} threads"
        numbers = [median(rounds, phase) for phase in ("prompt", "decode")]
        ratios = [ratio(rounds, first, phase) for phase in ("prompt", "decode")]
        print(
            f"{name:<24}{numbers[0]:>10.1f}{numbers[1]:>10.1f}{ratios[0]:>18.2f}{ratios[1]:>10.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", action="append", required=True, type=named_python)
    parser.add_argument("--spinners", type=int, default=0, metavar="K", help="busy processes")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="0: the defaults")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--model", type=Path, help="a GGUF file (default: a generated one)")
    args = parser.parse_args()

    sides = Sides(dict(args.python), 1, args.rounds)
    cases = [(side, threads) for side in sides.pythons for threads in args.threads]
    with tempfile.TemporaryDirectory() as temporary:
        model = args.model.resolve() if args.model else speed_model(Path(temporary), "q4_0")
        with spinners(args.spinners):
            samples = measure(sides, cases, model)
    print(f"{args.spinners} busy processes beside; medians of {args.rounds} rounds")
    print_table(samples)


if __name__ == "__main__":
    main()
