"""Interpreters that are installed on the machine: on PATH, by pyenv, by uv."""

from __future__ import annotations

import os
import re
from pathlib import Path

from answer import NotFound, OtherAbi, Python, Request, ask


def find(request: Request) -> Python:
    """Returns the first interpreter that fits, or raises NotFound with each one's defect."""
    reasons, looked_at = [], []
    installations, unreadable = _installations()
    places = _places(request, installations)
    for python in places:
        # os.path, whose answer about a directory that can't be entered is no and not an error.
        if not os.path.isfile(python) or not os.access(python, os.X_OK):
            continue
        try:
            return ask(python, request)
        except OtherAbi:
            pass
        except NotFound as error:
            reasons.append(str(error))
            looked_at += error.looked_at
    looked_at += [*places, _pyenv_folder(), _uv_folder()]
    nothing = (
        f"no {_names(request)[0]} on PATH, in pyenv's {_pyenv_folder()} or in uv's {_uv_folder()}"
    )
    raise NotFound("; ".join((reasons or [nothing]) + unreadable), looked_at)


def _names(request: Request) -> list[str]:
    """Returns the possible names of the ABI's interpreter; a free-threaded one has both."""
    plain = f"python{request.version}"
    return [plain + "t", plain] if request.free_threaded else [plain]


def _places(request: Request, installations: list[Path]) -> list[Path]:
    """Returns places of interpreters, each once though PATH may name a directory twice."""
    # A relative entry is another directory for every caller; Bazel's own tests have `.` there.
    folders = [Path(folder) for folder in os.get_exec_path() if os.path.isabs(folder)]
    folders += [installation / "bin" for installation in installations]
    return list(dict.fromkeys(folder / name for folder in folders for name in _names(request)))


def _installations() -> tuple[list[Path], list[str]]:
    """Returns pyenv's and uv's installations, and a message for each unreadable directory."""
    found, unreadable = [], []
    for folder in (_pyenv_folder(), _uv_folder()):
        try:
            found += sorted(folder.iterdir(), key=_version, reverse=True)
        except FileNotFoundError:
            pass
        except OSError as error:
            unreadable.append(f"{folder} can't be read ({error.strerror})")
    return found, unreadable


def _version(installation: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", installation.name)]


def _pyenv_folder() -> Path:
    return Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv", "versions")


def _uv_folder() -> Path:
    if folder := os.environ.get("UV_PYTHON_INSTALL_DIR"):
        return Path(folder)
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
    return Path(data, "uv/python")
