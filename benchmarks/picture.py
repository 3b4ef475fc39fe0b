"""Draws the numbers of `compare.py --json FILE`: picture.py FILE PICTURE.svg. Needs matplotlib.

A bar is the factor by which ours is better than the peer's: more tokens per second, or less time or
memory.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
# Text stays text, and the same numbers give the same file.
matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "benchmarks"})

from matplotlib import pyplot  # noqa: E402

_BAR_INCHES = 0.14


def draw(found: dict[str, Any], file: Path) -> None:
    """Draws a group of bars for each row, and a bar for each peer."""
    rows = list(reversed(found["rows"]))
    peers = [side for side in found["sides"] if any(side in row["gains"] for row in rows)]
    figure, axes = pyplot.subplots(figsize=(8, 1 + _BAR_INCHES * len(rows) * len(peers)))
    height = 0.8 / len(peers)
    for index, peer in enumerate(reversed(peers)):
        places = [place + height * index for place, row in enumerate(rows) if peer in row["gains"]]
        gains = [row["gains"][peer] for row in rows if peer in row["gains"]]
        bars = axes.barh(places, gains, height, label=f"{peer} {found['sides'][peer]['version']}")
        axes.bar_label(bars, fmt="%.2f", padding=2, fontsize=7)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_yticks(
        [place + 0.4 - height / 2 for place in range(len(rows))],
        [f"{row['section'].partition(':')[0]}: {row['name']}" for row in rows],
        fontsize=8,
    )
    axes.set_xlabel(f"times better than the peer; {found['cpu']}, {found['threads']} threads")
    axes.margins(x=0.1, y=0.01)
    handles, labels = axes.get_legend_handles_labels()
    # Above the bars, none of which it may hide.
    place = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": len(peers)}
    axes.legend(list(reversed(handles)), list(reversed(labels)), fontsize=8, **place)
    figure.savefig(file, bbox_inches="tight", metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("numbers", type=Path)
    parser.add_argument("picture", type=Path)
    arguments = parser.parse_args()
    draw(json.loads(arguments.numbers.read_text()), arguments.picture)


if __name__ == "__main__":
    main()
