"""A process that opens files which may kill it; replaced when one does."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Dict, List, Optional

MOST_SECONDS = 10  # of CPU time, for one step of a case
MOST_MEBIBYTES = 1024  # for a case, beyond three times the file
PATIENCE = 120  # seconds on the clock, after which a case counts as a hang


class HostileProcess:
    """Starts the program when it is needed, and again after a death."""

    def __init__(self, program: Path, *arguments: str) -> None:
        """Starts nothing yet; the arguments are the program's."""
        self._command = [sys.executable, str(program), *arguments]
        self._process: Optional[subprocess.Popen] = None

    def answer(self, case: Dict[str, Any]) -> Dict[str, Any]:
        """Returns the program's answer to a case; {"crash": why} if it died or never answered."""
        if self._process is None:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                encoding="ascii",
                errors="replace",
            )
        process = self._process
        timer = threading.Timer(PATIENCE, process.kill)
        timer.start()
        try:
            process.stdin.write(json.dumps(case) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        timer.cancel()
        if line:
            return json.loads(line)
        self._process = None
        return {"crash": f"the process ended with {process.wait()}"}

    def faults(self, case: Dict[str, Any], size: int) -> List[str]:
        """Tries a case with a file of `size` bytes; returns what is wrong with the answer."""
        answer = self.answer(case)
        if "crash" in answer:
            return [answer["crash"]]
        found = []
        if answer["mebibytes"] > MOST_MEBIBYTES + 3 * size / 2**20:
            found.append(f"{answer['mebibytes']:.0f} MiB")
        for name, step in answer["steps"].items():
            if step["seconds"] > MOST_SECONDS:
                found.append(f"{name}: {step['seconds']:.1f} s")
            if step.get("fault"):
                found.append(f"{name}: {step['fault']}: {step['error']}")
        return found

    def close(self) -> None:
        """Ends the process."""
        if self._process is not None:
            self._process.stdin.close()
            self._process.wait(PATIENCE)
            self._process = None
