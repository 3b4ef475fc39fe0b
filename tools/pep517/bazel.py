"""Runs Bazel on the source tree for one wheel.

All builds of a user share one output base, wherever pip or uv has unpacked the sources: unpacked
prerequisites of a build stay unpacked, and nothing piles up. The server ends with the build.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Iterator, Mapping

from . import interpreter
from .errors import BuildError
from .project import Project
from .settings import Settings

_TARGET = "//:wheel"
# A server whose client was killed goes away by itself.
_IDLE_SECONDS = 60
# The settings of pip that say where files are and how they are reached. The others are about the
# installation that pip is busy with, and must not reach the pip that the build asks for addresses.
_PIP_SETTINGS = frozenset(
    (
        "PIP_CERT",
        "PIP_CLIENT_CERT",
        "PIP_CONFIG_FILE",
        "PIP_DEFAULT_TIMEOUT",
        "PIP_EXTRA_INDEX_URL",
        "PIP_FIND_LINKS",
        "PIP_INDEX_URL",
        "PIP_NO_INDEX",
        "PIP_PROXY",
        "PIP_RETRIES",
        "PIP_TRUSTED_HOST",
    )
)


def build_wheel(project: Project, settings: Settings, version: str, folder: Path) -> Path:
    """Builds the wheel and copies it to a directory; returns the copy.

    Args:
        project: the source tree.
        settings: the settings of the build.
        version: the wheel's version, with its local label.
        folder: where the wheel goes.

    Raises:
        BuildError: Bazel failed, or made another wheel than the settings name.
    """
    root = settings.output_user_root or _cache_folder(os.environ)
    output_base = Path(root, "pep517")
    startup = [f"--output_base={output_base}", f"--max_idle_secs={_IDLE_SECONDS}"]
    if settings.output_user_root:
        startup.append(f"--output_user_root={settings.output_user_root}")
    with _locked(output_base), tempfile.TemporaryDirectory() as scratch:
        events = Path(scratch, "events.json")
        try:
            _run(project, startup, _build_command(project, settings, version, events))
            wheel = _wheel(events)
        finally:
            _call(project, [*startup, "shutdown"])
        return _copy(wheel, _prefix(project, settings, version), folder)


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Returns Bazel's environment: the caller's, without pip's and uv's additions for this
    build."""
    kept = {
        name: value
        for name, value in variables.items()
        if name in _PIP_SETTINGS or not name.startswith(("PIP_", "PYTHON"))
    }
    kept["PATH"] = os.pathsep.join(_path(variables.get("PATH", os.defpath)))
    return kept


def _path(value: str) -> list[str]:
    """Returns PATH, the same for every build: repositories are fetched again when it changes.

    Front ends put the programs of a temporary environment first. Where the environment is the
    user's own, its pip is the one whose settings count; else the interpreter itself is used, as
    some machines have no other python3.
    """
    own = interpreter.environment_folder()
    folders = [item for item in value.split(os.pathsep) if item != own and os.path.isdir(item)]
    if own and interpreter.has_pip():
        return [own, *folders]
    return [*folders, os.path.dirname(interpreter.executable())]


def _cache_folder(variables: Mapping[str, str]) -> str:
    cache = variables.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(cache, "llama-cpp-bazel")


@contextlib.contextmanager
def _locked(output_base: Path) -> Iterator[None]:
    """Keeps other builds out until the wheel has been copied."""
    output_base.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{output_base}.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another build of llama-cpp-python", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build_command(project: Project, settings: Settings, version: str, events: Path) -> list[str]:
    public, _, label = version.partition("+")
    accelerator = settings.backend
    return [
        "build",
        # No links in the source tree, which may be read-only.
        "--symlink_prefix=/",
        "--noshow_progress",
        # The wheel itself is wanted, whatever a .bazelrc says of a remote cache.
        "--remote_download_outputs=toplevel",
        f"--build_event_json_file={events}",
        f"--//:version={public}",
        f"--//:local_label={label}",
        f"--//:python_abi={settings.abi}",
        f"--repo_env=PYTHON={interpreter.executable()}",
        *([] if accelerator == project.default_accelerator else [f"--config={accelerator}"]),
        *settings.bazel_args,
        "--",
        _TARGET,
    ]


def _run(project: Project, startup: list[str], command: list[str]) -> None:
    status = _call(project, [*startup, *command])
    if status:
        raise BuildError(
            f"Bazel could not build {_TARGET} (exit code {status}): its own words are above, and"
            f" `./bazelw build {_TARGET}` in {project.root} says them again"
        )


def _call(project: Project, arguments: list[str]) -> int:
    """Runs bazelw; its output goes to standard error, where front ends look for it."""
    try:
        return subprocess.call(
            [project.root / "bazelw", *arguments],
            cwd=project.root,
            env=environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr.fileno(),
        )
    except OSError as error:
        raise BuildError(
            f"{project.root}/bazelw does not run ({error.strerror}): unpack or clone the project "
            "again"
        ) from error


def _wheel(events: Path) -> Path:
    """Returns the one wheel that was built, out of Bazel's build events."""
    execution_root, wheels = Path(), set()
    with events.open(encoding="utf-8") as lines:
        for event in map(json.loads, lines):
            execution_root = Path(
                event.get("workspaceInfo", {}).get("localExecRoot", execution_root)
            )
            for file in event.get("namedSetOfFiles", {}).get("files", []):
                if file["name"].endswith(".whl"):
                    wheels.add(Path(*file.get("pathPrefix", []), file["name"]))
    if len(wheels) != 1:
        raise BuildError(
            f"Bazel built {len(wheels)} wheels and not one: name no targets in bazel-args"
        )
    return execution_root / wheels.pop()


def _prefix(project: Project, settings: Settings, version: str) -> str:
    """Returns the required beginning of the wheel's file name."""
    python_tag = settings.abi.rstrip("t")
    return f"{project.distribution}-{version}-{python_tag}-{settings.abi}-"


def _copy(wheel: Path, prefix: str, folder: Path) -> Path:
    if not wheel.name.startswith(prefix):
        raise BuildError(
            f"Bazel built {wheel.name}, not {prefix}*.whl: name version, label, ABI and backend by"
            " their own -C settings, not in bazel-args or a .bazelrc"
        )
    copy = folder / wheel.name
    # Not its mode: Bazel's outputs are read-only.
    copy.write_bytes(wheel.read_bytes())
    return copy
