"""An installation of one's own, to which backends and plug-ins are added."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Optional

import pytest
from package_copy import Copy
from wheel_fixtures import load, model_path

__all__ = ["load", "model_path"]

GIB = 2**30
PLACEHOLDER = b"libplaceholder.so\0"

ASK = """
import json, sys, warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import llama_cpp
answer = {"reason": "", "message": "", "warnings": [str(w.message) for w in caught]}
try:
    llama_cpp.require_backend(sys.argv[1])
except llama_cpp.BackendError as error:
    answer.update(reason=error.reason, message=str(error))
print(json.dumps(answer))
"""


def with_library_name(variable: str, name: str) -> bytes:
    """Returns a library, named by an environment variable, with `name` for its placeholder."""
    data = Path(os.environ[variable]).read_bytes()
    assert data.count(PLACEHOLDER) == 1
    return data.replace(PLACEHOLDER, name.encode().ljust(len(PLACEHOLDER), b"\0"))


class Answer:
    """The result of require_backend() in a process of its own.

    Attributes:
        reason: BackendError.reason; "" if it raised nothing.
        message: The error's text.
        warnings: Warnings of importing the package.
        stderr: Other output of the process.
    """

    def __init__(self, done: subprocess.CompletedProcess) -> None:
        assert done.returncode == 0, done.stderr
        fields = json.loads(done.stdout.splitlines()[-1])
        self.reason: str = fields["reason"]
        self.message: str = fields["message"]
        self.warnings: list[str] = fields["warnings"]
        self.stderr: str = done.stderr


class Installation(Copy):
    """A copy of the installed package."""

    def add_backend(self, name: str, needs: Optional[str] = None) -> Path:
        """Puts a backend under ggml's name for it into the wheel's own directory.

        It is the stand-in, or with `needs` a library that needs another one of that name.
        """
        target = self.lib / f"libggml-{name}.so"
        if needs is None:
            # Without the mode of Bazel's outputs, which are read-only.
            shutil.copyfile(os.environ["STAND_IN"], target)
        else:
            target.write_bytes(with_library_name("NEEDY", needs))
        return target

    def add_library(self, name: str) -> dict[str, str]:
        """Makes a library of this name visible everywhere; returns the environment for that."""
        folder = self.site.parent / "everywhere"
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(with_library_name("PLACEHOLDER", name))
        return {"LD_LIBRARY_PATH": str(folder)}

    def add_plugin(self, wheel: str) -> Path:
        """Unpacks a plug-in wheel; returns its package."""
        with zipfile.ZipFile(os.environ[wheel]) as archive:
            archive.extractall(self.site)
            (name,) = {path.split("/")[0] for path in archive.namelist() if "/lib/" in path}
        return self.site / name

    def ask(self, backend: str, **env: str) -> Answer:
        return Answer(self.run(ASK, backend, **env))

    def info(self, **env: str) -> dict:
        """Returns `python -m llama_cpp info --json`, with the exit status as `status`."""
        code = (
            "import sys; from llama_cpp.__main__ import main; "
            "sys.exit(main(['info', *sys.argv[1:]]))"
        )
        done = self.run(code, "--json", **env)
        return {**json.loads(done.stdout), "status": done.returncode}


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path)
