"""Measures how much more one model generates for eight requests at once than for one.

    python engine.py --python ours=/path/to/bin/python --xllamacpp peer=/path/to/bin/python

README.md says how to read it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from compare import GENERATOR, HERE, SPEED_SHAPE, Sides
from shared_cores import named_python

_TYPES = ("q8_0", "q4_k")


class Peers(Sides):
    """Interpreters with a llama_cpp or an xllamacpp, and llama-servers."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        pythons = dict(arguments.python) | dict(arguments.xllamacpp)
        servers = dict(arguments.llama_server)
        # Asked over HTTP by a Python that needs no packages.
        super().__init__(pythons | dict.fromkeys(servers, sys.executable), arguments.threads, 1)
        self._kinds = {
            **{side: "engine" for side, _ in arguments.python},
            **{side: "xllamacpp" for side, _ in arguments.xllamacpp},
            **{side: str(Path(server).resolve()) for side, server in servers.items()},
        }

    def rate(self, side: str, model: Path, count: int) -> float:
        program = str(HERE / "worker_streams.py")
        arguments = [self._kinds[side], str(model), str(count), str(self.threads)]
        return json.loads(self.run(side, [program, *arguments]).splitlines()[-1])["rate"]


def generated_model(directory: Path, qtype: str) -> Path:
    """Makes a model of 12 layers, 768 wide."""
    command = [sys.executable, str(GENERATOR), "--out", str(directory), "--name", qtype]
    command += ["--type", qtype, *SPEED_SHAPE.split()]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return directory / f"{qtype}.gguf"


def compare(peers: Peers, model: Path, streams: int, rounds: int) -> None:
    """Prints a line for each side: tokens per second, and the medians of each round's ratios."""
    rates: dict[tuple[str, int], list[float]] = {
        (side, count): [] for side in peers.pythons for count in (1, streams)
    }
    for _ in range(rounds):
        for (side, count), found in rates.items():
            found.append(peers.rate(side, model, count))
    print(f"{'tokens/s':<24}{'1 stream':>10}{f'{streams} streams':>12}{'ratio':>8}{'to first':>10}")
    first = rates[next(iter(peers.pythons)), streams]
    for side in peers.pythons:
        one, many = rates[side, 1], rates[side, streams]
        ratio = statistics.median(b / a for a, b in zip(one, many, strict=True))
        to_first = statistics.median(b / a for a, b in zip(first, many, strict=True))
        numbers = f"{statistics.median(one):>10.1f}{statistics.median(many):>12.1f}"
        print(f"{side:<24}{numbers}{ratio:>8.2f}{to_first:>10.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", action="append", required=True, type=named_python)
    parser.add_argument("--xllamacpp", action="append", default=[], type=named_python)
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
            model = generated_model(Path(directory), qtype)
            compare(peers, model, arguments.streams, arguments.rounds)


if __name__ == "__main__":
    main()
