"""A copy of the installed package, whose libraries can be broken, used in child processes."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import llama_cpp
from llama_cpp._backends.cpu import FORCE_VARIABLE
from llama_cpp._backends.libraries import cpu_variants

REPORT = """
import json, sys, warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import llama_cpp
from llama_cpp._backends.report import report
print(json.dumps(dict(vars(report), warnings=[str(w.message) for w in caught])))
"""
# Its argument is a model.
USE = """
import sys, llama_cpp
try:
    llm = llama_cpp.Llama(sys.argv[1], n_ctx=128, n_threads=1, verbose=False)
except llama_cpp.BackendError as error:
    print("BackendError:", error)
    sys.exit(3)
print(llm("In the beginning", max_tokens=4, temperature=0)["choices"][0]["text"])
"""


class Copy:
    """A copy of the package in a directory of its own, with a cache of its own."""

    def __init__(self, folder: Path) -> None:
        self.site = folder / "site"
        self.cache = folder / "cache"
        self.empty = folder / "empty"
        self.empty.mkdir()
        package = Path(llama_cpp.__file__).parent
        shutil.copytree(
            package, self.site / "llama_cpp", ignore=shutil.ignore_patterns("__pycache__")
        )
        self.lib = self.site / "llama_cpp" / "lib"
        # Bazel's outputs are read-only, which copies inherit and only root may ignore.
        for path in (self.site, *self.site.rglob("*")):
            path.chmod(path.stat().st_mode | stat.S_IWUSR)

    def run(self, code: str, *arguments, **env: str) -> subprocess.CompletedProcess:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(self.site), os.environ.get("PYTHONPATH", "")]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "XDG_CACHE_HOME": str(self.cache),
            **env,
        }
        if FORCE_VARIABLE not in env:
            environment.pop(FORCE_VARIABLE, None)
        return subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            capture_output=True,
            cwd=self.empty,
            env=environment,
            text=True,
            timeout=120,
        )

    def report(self, **env: str) -> dict:
        done = self.run(REPORT, **env)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def library(self, variant: str) -> Path:
        return self.lib / Path(cpu_variants()[variant]).name
