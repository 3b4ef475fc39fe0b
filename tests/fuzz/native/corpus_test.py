"""A target survives its corpus, and takes or refuses files whose names say so."""

from __future__ import annotations

import os
import resource
import subprocess
from pathlib import Path
from typing import Dict, List

FOLDER = os.environ["FUZZ_SEEDS"]
SEEDS = sorted(Path(FOLDER).absolute().iterdir()) if FOLDER else []
CORPUS = [Path(file).absolute() for file in os.environ["FUZZ_CORPUS"].split()]


MOST_MEMORY = 1 << 30
# Where memory ends, so that a fault is not the machine's: it is more than MOST_MEMORY by far.
LIMIT = 8 << 30


def limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))


def outcomes(files: List[Path]) -> Dict[Path, str]:
    """Returns "accepted" or "refused" of each file."""
    command = [os.path.abspath(os.environ["FUZZ_PROGRAM"]), *map(str, files)]
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", preexec_fn=limit_memory
    )
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 < MOST_MEMORY
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-5000:]
    lines = [line.partition(" ") for line in done.stdout.splitlines()]
    return {
        Path(rest.partition(": ")[0]): outcome
        for outcome, _, rest in lines
        if outcome in ("accepted", "refused")
    }


def test_corpus(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_bytes(b"")
    found = outcomes([empty, *CORPUS, *SEEDS])
    assert found.keys() == {empty, *CORPUS, *SEEDS}
    for file in CORPUS:
        expected = file.name.partition("-")[0]
        if expected in ("accepted", "refused"):
            assert found[file] == expected, file
