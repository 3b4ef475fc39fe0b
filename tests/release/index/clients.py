"""pip and uv as users start them, with their own caches and only the indexes that a test names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_UV = os.environ["UV"]

_SHOW = "import llama_cpp; print(llama_cpp.VERSION)"


def _environment(home: Path, **settings: object) -> dict[str, str]:
    """Returns the caller's environment, without settings of Python, pip and uv."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "PIP_", "UV_", "VIRTUAL_ENV"))
    }
    return {**kept, "HOME": str(home), **{name: str(value) for name, value in settings.items()}}


def _run(
    command: list[object], cwd: Path, environment: dict[str, str], check: bool
) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    print(*command, result.stdout, result.stderr, sep="\n")
    assert not check or result.returncode == 0, result.stderr
    return result


class Client:
    """A virtual environment in a directory, and a program that installs into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / ".venv" / "bin" / "python"
        folder.mkdir(parents=True)
        # Both clients find it here; uv would otherwise take whatever interpreter it meets first.
        self.create_environment()

    def create_environment(self) -> None:
        """Returns a new environment, without the installed packages and with the same caches."""
        _run(
            [sys.executable, "-I", "-m", "venv", "--clear", "--without-pip", ".venv"],
            self.folder,
            _environment(self.folder),
            check=True,
        )

    def installed(self) -> str:
        """Returns the version that an import finds, or nothing where there is none."""
        result = _run(
            [self.python, "-I", "-c", _SHOW], self.folder, _environment(self.folder), check=False
        )
        return result.stdout.strip()


class Pip(Client):
    def __init__(self, folder: Path, program: Path) -> None:
        super().__init__(folder)
        self.program = program

    def __call__(self, *arguments: object, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs `pip ARGUMENTS`, with its cache, which is the point of some tests."""
        options = ["--isolated", "--disable-pip-version-check", "--cache-dir", "pip-cache"]
        command = [self.python, "-I", self.program, *options, *arguments]
        return _run(command, self.folder, _environment(self.folder), check)


class Uv(Client):
    def __init__(self, folder: Path, default_index: str) -> None:
        super().__init__(folder)
        self.default_index = default_index

    def __call__(
        self, *arguments: object, check: bool = True, **settings: object
    ) -> subprocess.CompletedProcess[str]:
        """Runs `uv ARGUMENTS` in the directory; `settings` are environment variables."""
        environment = _environment(
            self.folder,
            **{
                "UV_CACHE_DIR": self.folder / "uv-cache",
                "UV_DEFAULT_INDEX": self.default_index,
                "UV_PYTHON_DOWNLOADS": "never",
                "XDG_CONFIG_DIRS": self.folder,
                "XDG_CONFIG_HOME": self.folder,
                **settings,
            },
        )
        return _run([_UV, "--no-progress", *arguments], self.folder, environment, check)

    def write_project(self, text: str) -> None:
        (self.folder / "pyproject.toml").write_text(text, encoding="utf-8")
