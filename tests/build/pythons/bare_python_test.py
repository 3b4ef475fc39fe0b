"""Programs of the build see their declared packages and the standard library, not those of the
machine or of the user.

Under unittest: the runner of pytest sets the path that is looked at here.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import unittest
from pathlib import Path

_MODULES = """
import json, pkgutil, site, sys
folders = [folder for folder in sys.path if folder.endswith(("site-packages", "dist-packages"))]
print(json.dumps([module.name for module in pkgutil.iter_modules(folders)]))
"""
_PATH = "import json, sys; print(json.dumps(sys.path))"


def _output(command: list[str], **variables: str) -> list[str]:
    environment = {"HOME": "/nonexistent", "PATH": os.defpath, **variables}
    result = subprocess.run(command, capture_output=True, check=True, env=environment)
    return json.loads(result.stdout)


def _is_standard(folder: str) -> bool:
    roots = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib")}
    is_archive = os.path.basename(folder).startswith("python") and folder.endswith(".zip")
    return is_archive or any(Path(folder).is_relative_to(root) for root in roots)


class BarePythonTest(unittest.TestCase):
    def test_nothing_but_the_standard_library(self) -> None:
        # Without the directory of the program itself, and the files that Bazel lays out for it.
        below = os.path.realpath(os.environ["TEST_SRCDIR"])
        others = [
            folder
            for folder in sys.path
            if folder and not os.path.realpath(folder).startswith(below)
        ]
        self.assertTrue(others)
        packages = [f for f in others if "site-packages" in f or "dist-packages" in f]
        self.assertEqual([], [f for f in packages if not f.startswith(sys.prefix)])
        self.assertEqual([], [f for f in others if f not in packages and not _is_standard(f)])

    def test_what_the_machine_has_is_an_import_error(self) -> None:
        modules = _output([sys._base_executable, "-c", _MODULES])
        print(f"{sys._base_executable} has {len(modules)} modules of packages: {modules}")
        # Python 3.10 and later know their names.
        standard = getattr(sys, "stdlib_module_names", ())
        found = [name for name in modules if importlib.util.find_spec(name)]
        self.assertEqual([], [name for name in found if name not in standard])

    def test_an_interpreter_that_it_starts_sees_as_little(self) -> None:
        packages = [f for f in _output([sys.executable, "-c", _PATH]) if f.endswith("-packages")]
        self.assertEqual([], [f for f in packages if not f.startswith(sys.prefix)])

    def test_an_undeclared_import_fails(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            site = subprocess.run(
                [sys._base_executable, "-m", "site", "--user-site"],
                env={"PYTHONUSERBASE": folder},
                capture_output=True,
                text=True,
                check=False,
            ).stdout.strip()
            Path(site).mkdir(parents=True)
            Path(site, "undeclared_package.py").touch()
            for python, status in ((sys._base_executable, 0), (sys.executable, 1)):
                result = subprocess.run(
                    [python, "-c", "import undeclared_package"],
                    env={"PYTHONUSERBASE": folder},
                    capture_output=True,
                    text=True,
                )
                self.assertEqual(status, result.returncode, result.stderr)
                self.assertIn("ModuleNotFoundError" if status else "", result.stderr)


if __name__ == "__main__":
    unittest.main()
