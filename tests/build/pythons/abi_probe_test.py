"""One ABI: its interpreter, headers and EXT_SUFFIX belong together."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

# As the tests will use it: in a virtual environment, with modules whose libraries are not Python's
# own.
_PROGRAM = """
import ctypes, json, sqlite3, ssl, sys, zlib
import abi_probe
print(json.dumps({
    "extension": [abi_probe.MAJOR, abi_probe.MINOR, bool(abi_probe.FREE_THREADED)],
    "gil": getattr(sys, "_is_gil_enabled", lambda: True)(),
    "interpreter": [*sys.version_info[:2], "t" in sys.abiflags],
    "isolated": sys.prefix != sys.base_prefix,
}))
"""


def test_the_extension_is_imported(tmp_path: Path) -> None:
    # Neither reads the variables that the test's own runner sets.
    command = [os.environ["INTERPRETER"], "-I", "-m", "venv", "--without-pip", tmp_path]
    subprocess.run(command, check=True)
    result = subprocess.run(
        [tmp_path / "bin/python", "-W", "error", "-c", _PROGRAM],
        env={"PATH": os.defpath, "PYTHONPATH": os.path.dirname(os.environ["EXTENSION"])},
        stdout=subprocess.PIPE,
        check=True,
    )
    answer = json.loads(result.stdout)
    assert answer["interpreter"] == answer["extension"]
    assert answer["isolated"]
    # An extension that did not say that it needs no GIL would have turned it on.
    assert answer["gil"] is not answer["interpreter"][2]
