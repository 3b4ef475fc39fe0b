"""One ABI: `abi_probe_test.py INTERPRETER EXTENSION`; its interpreter, headers and EXT_SUFFIX
belong together."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import unittest
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


class AbiProbeTest(unittest.TestCase):
    interpreter: str
    extension: str

    def test_the_extension_is_imported(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            command = [self.interpreter, "-m", "venv", "--without-pip", folder]
            subprocess.run(command, check=True)
            result = subprocess.run(
                [f"{folder}/bin/python", "-W", "error", "-c", _PROGRAM],
                # Without the variables that Bazel's own test runner sets.
                env={"PATH": os.defpath, "PYTHONPATH": os.path.dirname(self.extension)},
                stdout=subprocess.PIPE,
                check=True,
            )
        answer = json.loads(result.stdout)
        self.assertEqual(answer["interpreter"], answer["extension"])
        self.assertTrue(answer["isolated"])
        # An extension that did not say that it needs no GIL would have turned it on.
        self.assertEqual(not answer["interpreter"][2], answer["gil"])


if __name__ == "__main__":
    AbiProbeTest.extension = str(Path(sys.argv.pop()).absolute())
    AbiProbeTest.interpreter = str(Path(sys.argv.pop()).absolute())
    unittest.main()
