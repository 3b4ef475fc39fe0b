"""Finds or provisions the Bazel that `bazelw` runs, and remembers it.

Usage: provision.py CACHE DECISION ON_PATH

`bazelw` calls this when the file DECISION is missing or out of date. On success the file has three
lines: the Bazel to run, its bazelrc (empty when it needs none), and ON_PATH, by which bazelw
recognises a changed PATH. In the directory CACHE are:

    decisions/        one file per checkout of the project
    bazel-*/          Debian's Bazel, relocated
    modules-*/        its bazelrc and registry
    bazelisk-*/       Bazelisk
    lock              held while one of these is made
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import debian
import modules
import patchelf
import relocate
import upstream
from locks import locked
from removal import remove
from steps import StepError, reading, run, say

_HERE = Path(__file__).resolve().parent
_ROOT = _HERE.parent.parent
# Debian's Bazel takes 360 MB, and 140 MB of packages lie beside it for a while.
_NEEDED_BYTES = 700 * 10**6
_VERSION = re.compile(r"[\w./*+-]+")
_SMOKE_ADVICE = "Remove the cache folder and try again, or name a Bazel: BAZEL=/path/to/bazel"


def main(cache: Path, decision: Path, on_path: str) -> int:
    """Writes the decision; returns an exit code."""
    try:
        decision.parent.mkdir(parents=True, exist_ok=True)
        # Before the lock: a tool on PATH may end in another bazelw.
        bazel = upstream.find_on_path(_ROOT)
        with _locked(cache):
            bazel, bazelrc = (bazel, "") if bazel else _provision(cache)
            _replace(decision, f"{bazel}\n{bazelrc}\n{on_path}\n")
    except StepError as error:
        say(str(error))
        return 1
    except OSError as error:
        say(
            f"could not use the cache folder {cache}: {error}\n"
            "  Remove it and try again, or set XDG_CACHE_HOME to another one."
        )
        return 1
    except KeyboardInterrupt:
        say("interrupted; the next run starts this step again")
        return 130
    return 0


@contextlib.contextmanager
def _locked(cache: Path) -> Iterator[None]:
    """Keeps other processes out of the cache while something is made in it."""
    with locked(cache / "lock", "bazelw that provisions Bazel"):
        # Nobody else is at work: an interrupted run left these.
        for leftover in cache.glob("tmp-*"):
            remove(leftover)
        yield


def _provision(cache: Path) -> tuple[Path, Path | str]:
    """Returns a Bazel in the cache and its bazelrc, and makes missing parts."""
    prefix = _debian_prefix(cache)
    if not relocate.is_whole(prefix):
        if bazelisk := upstream.get_bazelisk(cache, _ROOT, _wanted_version()):
            return bazelisk, ""
        remove(prefix)
        _install_debian(cache, prefix)
    return prefix / "usr/bin/bazel", _configure(cache, prefix)


def _wanted_version() -> str:
    """Returns the version in .bazelversion, in any form that Bazelisk knows."""
    file = _ROOT / ".bazelversion"
    with reading(f"read {file}", f"Restore it: git checkout -- {file}"):
        version = file.read_text(encoding="utf-8").strip()
        if not _VERSION.fullmatch(version):
            raise ValueError(f"{version[:40]!r} is no version of Bazel")
        return version


def _debian_prefix(cache: Path) -> Path:
    """Returns where the pinned Debian packages belong."""
    return cache / f"bazel-{_digest(debian.LOCK_FILE.read_bytes())}"


def _install_debian(cache: Path, prefix: Path) -> None:
    """Makes Debian's Bazel run from `prefix`; a failure leaves nothing there."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise StepError(
            "provision Bazel",
            "this is not a Debian-like machine (no apt-get, no dpkg-deb)",
            "Install Bazelisk, or name a Bazel: BAZEL=/path/to/bazel",
        )
    if shutil.disk_usage(cache).free < _NEEDED_BYTES:
        raise StepError(
            "provision Bazel",
            f"{cache} has less than {_NEEDED_BYTES // 10**6} MB left",
            "Free some space, or set XDG_CACHE_HOME to another folder.",
        )
    say(f"no Bazel found: putting Debian's into {cache}, once")
    with tempfile.TemporaryDirectory(dir=cache, prefix="tmp-") as folder:
        unpacked = Path(folder, "prefix")
        debian.install(debian.find_archive(), cache, unpacked)
        say("relocating")
        relocate.relocate(unpacked, prefix, patchelf.fetch(Path(folder)))
        # The programs name their final place, so they can be tried only there.
        unpacked.rename(prefix)
        try:
            relocate.check_linking(prefix)
            _try_out(cache, prefix, Path(folder))
        except BaseException:
            prefix.rename(unpacked)
            raise
    say(f"Bazel {relocate.version(prefix)} is ready")


def _try_out(cache: Path, prefix: Path, folder: Path) -> None:
    """Starts the Bazel under `prefix` once, without leaving a server behind."""
    bazelrc = _configure(cache, prefix)
    command = [prefix / "usr/bin/bazel", "--nosystem_rc", f"--bazelrc={bazelrc}", "--batch"]
    command += [f"--output_user_root={folder}", "version"]
    run("start Debian's Bazel", command, _SMOKE_ADVICE, cwd=folder)


def _configure(cache: Path, prefix: Path) -> Path:
    """Returns the bazelrc for the Bazel under `prefix`; its directory is named by its inputs."""
    sources = b"".join(path.read_bytes() for path in modules.sources())
    folder = cache / f"modules-{_digest(sources + bytes(prefix))}"
    if not (folder / "bazelrc").is_file():
        remove(folder)
        unfinished = Path(tempfile.mkdtemp(dir=cache, prefix="tmp-"))
        modules.write_configuration(unfinished, folder, prefix)
        unfinished.chmod(0o755)
        unfinished.rename(folder)
    return folder / "bazelrc"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def _replace(path: Path, text: str) -> None:
    """Writes a file so that no reader ever sees a part of it."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        unfinished = Path(folder, path.name)
        unfinished.write_text(text)
        os.replace(unfinished, path)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
