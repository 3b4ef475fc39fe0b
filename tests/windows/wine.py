"""Wine, as Debian's package `wine64` installs it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

# Debian's package puts no program on PATH without its package `wine`.
_PLACES = ("/usr/lib/wine/wine64", "/usr/bin/wine64", "/usr/bin/wine")


def find_wine() -> str:
    """Returns the program; skips the tests without one."""
    wine = next((place for place in _PLACES if os.access(place, os.X_OK)), None)
    if wine is None:
        pytest.skip("there is no Wine here: apt-get install wine64", allow_module_level=True)
    return wine


class Wine:
    """A Windows of its own, in a directory of the test."""

    def __init__(self, directory: Path) -> None:
        self._wine = find_wine()
        self._environment = {
            "HOME": str(directory),
            # English messages, and file names as UTF-8.
            "LC_ALL": "C.UTF-8",
            "PATH": os.environ["PATH"],
            "WINEDEBUG": "-all",
            # No dialogues about Mono and Gecko.
            "WINEDLLOVERRIDES": "mscoree,mshtml=",
            "WINEPREFIX": str(directory / "prefix"),
        }
        directory.mkdir(exist_ok=True)
        # The oldest Windows that Python 3.13 runs on.
        self.run("winecfg", "/v", "win10")

    def run(self, *command: str, cwd: Path | None = None, timeout: int = 600, **environment: str):
        """Runs a program of Windows; paths are those of this machine or of Windows."""
        return subprocess.run(
            [self._wine, *command],
            capture_output=True,
            cwd=cwd,
            encoding="utf-8",
            env={**self._environment, **environment},
            errors="replace",
            # A pipe: Python for Windows does not start with Wine's view of /dev/null.
            input="",
            timeout=timeout,
        )

    def end(self) -> None:
        """Ends the processes that outlive a program, with which the directory goes on."""
        server = shutil.which("wineserver") or "/usr/lib/wine/wineserver"
        subprocess.run([server, "-k"], env=self._environment, check=False)


def windows_path(path: Path) -> str:
    """Returns the name that a file of this machine has in Wine."""
    return "Z:" + str(path.absolute()).replace("/", "\\")
