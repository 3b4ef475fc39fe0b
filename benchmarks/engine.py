"""Measures how much more one model generates for eight requests at once than for one.

    python engine.py --python ours=/path/to/bin/python --python peer=/path/to/bin/python

README.md says how to read it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

from models import speed_model
from sides import HERE, Sides, named_python

_TYPES = ("q8_0", "q4_k")

Case = tuple[int, bool]  # number of requests, and whether all have one prompt


class Peers(Sides):
    """Interpreters with a llama_cpp or an xllamacpp, and llama-servers."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        servers = dict(arguments.llama_server)
        # Asked over HTTP by a Python that needs no packages.
        others = dict.fromkeys(servers, sys.executable)
        super().__init__(dict(arguments.python) | others, arguments.threads, 1)
        self._kinds = {side: str(Path(server).resolve()) for side, server in servers.items()}

    def rate(self, side: str, model: Path, count: int, has_one_prompt: bool) -> float:
        program = str(HERE / "worker_streams.py")
        numbers = map(str, (count, self.threads, int(has_one_prompt)))
        kind = self._kinds.get(side) or self.package(side)
        arguments = [kind, str(model), *numbers]
        return json.loads(self.run(side, [program, *arguments]).splitlines()[-1])["rate"]


def compare(peers: Peers, model: Path, streams: int, rounds: int) -> None:
    """Prints a line for each side: tokens per second, and the medians of each round's ratios."""
    one, alike, unlike = cases = ((1, True), (streams, True), (streams, False))
    rates: dict[tuple[str, Case], list[float]] = {
        (side, case): [] for side in peers.pythons for case in cases
    }
    for _ in range(rounds):
        for (side, case), found in rates.items():
            found.append(peers.rate(side, model, *case))
    print(f"{'':<16}{'1 stream':>10}{f'{streams} streams, one prompt':>34}", end="")
    print(f"{f'{streams} streams, {streams} prompts':>34}")
    print(f"{'':<16}{'tokens/s':>10}" + 2 * f"{'tokens/s':>14}{'ratio':>10}{'to first':>10}")
    first = next(iter(peers.pythons))
    for side in peers.pythons:
        print(f"{side:<16}{statistics.median(rates[side, one]):>10.1f}", end="")
        for case in (alike, unlike):
            print(f"{statistics.median(rates[side, case]):>14.1f}", end="")
            for base in (rates[side, one], rates[first, case]):
                pairs = zip(rates[side, case], base, strict=True)
                print(f"{statistics.median(a / b for a, b in pairs):>10.2f}", end="")
        print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", action="append", required=True, type=named_python)
    parser.add_argument("--llama-server", action="append", default=[], type=named_python)
    parser.add_argument("--model", type=Path, help="a GGUF file (default: generated ones)")
    parser.add_argument("--streams", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    peers = Peers(arguments)
    with tempfile.TemporaryDirectory() as directory:
        if arguments.model:
            compare(peers, arguments.model.resolve(), arguments.streams, arguments.rounds)
            return
        for qtype in _TYPES:
            print(f"\n12 layers, 768 wide, {qtype}")
            model = speed_model(Path(directory), qtype)
            compare(peers, model, arguments.streams, arguments.rounds)


if __name__ == "__main__":
    main()
