"""The King James Bible as text, out of the Debian packages bible-kjv and bible-kjv-text.

The translation is of 1611 and out of copyright. The packages' files are in a compressed form
that only the package's own ``bible`` program reads, so both packages are unpacked into a
temporary directory (nothing is installed) and the program prints the text.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

PACKAGES = ("bible-kjv", "bible-kjv-text")
CHAPTER_HEADING = re.compile(r"^[1-3]? ?[A-Z][A-Za-z ]+ \d+$")
VERSE_START = re.compile(r"^  \d+ ")


def chapters() -> list[str]:
    """Returns each chapter as one text: its heading, then one verse a line, without verse
    numbers."""
    result: list[list[str]] = []
    for line in _printed_bible().splitlines():
        if CHAPTER_HEADING.match(line):
            result.append([line, ""])
        elif VERSE_START.match(line):
            result[-1].append(VERSE_START.sub("", line))
        elif line.strip():
            # Long verses are folded; their further lines start in the first column.
            result[-1][-1] += " " + line.strip()
    return ["\n".join(lines) for lines in result]


def verses(texts: list[str]) -> list[str]:
    return [line for text in texts for line in text.split("\n")[2:]]


def _printed_bible() -> str:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for package in PACKAGES:
            _run(["apt-get", "download", package], root)
        for archive in sorted(root.glob("*.deb")):
            _run(["dpkg-deb", "--extract", str(archive), "unpacked"], root)
        data = root / "unpacked/usr/lib"
        program = root / "unpacked/usr/bin/bible"
        return _run([str(program), "-d", "bible.data", "-p", str(data), "gen1:1-rev22:21"], root)


def _run(command: list[str], folder: Path) -> str:
    result = subprocess.run(command, capture_output=True, check=False, cwd=folder, text=True)
    if result.returncode:
        raise RuntimeError(
            f"{' '.join(command)} failed with status {result.returncode}: {result.stderr.strip()}\n"
            "This script needs a Debian system whose apt can download packages, and libreadline8."
        )
    return result.stdout
