"""Remembers the probe's facts about this machine, in a file of the user's cache directory."""

from __future__ import annotations

import os
import sys
from binascii import crc32
from typing import List, Tuple

from .. import _build_info
from .libraries import cpu_variants
from .native import LIB_DIR, _core
from .report import report

Facts = dict  # variant, scores, times, checks and rejected, as in Report


def no_facts() -> Facts:
    """Returns the facts about the variants: all empty."""
    return {"variant": "", "scores": {}, "times": {}, "checks": {}, "rejected": {}}


KEPT_FILES = 32  # files of other builds, kernels and machines that share a home directory


class Memory:
    """The facts found by the probe, kept per machine, kernel and build.

    Dates are no part of the key: a one-file program has new files at every start. Where they have
    changed, the facts hold if the digest of the chosen library does; where something was rejected,
    they don't: a damaged file may be a good one now.

    The file has the key itself and is named after its checksum, since hashlib takes as long to load
    as all of this package.
    """

    def __init__(self) -> None:
        self.key, self.dates = _key_and_dates()
        self.path = report.cache_file = self._find_path()

    def _find_path(self) -> str:
        directory = os.environ.get("XDG_CACHE_HOME", "")
        if not os.path.isabs(directory) and sys.platform == "win32":
            directory = os.environ.get("LOCALAPPDATA", "")
        if not os.path.isabs(directory):
            directory = os.path.join(os.path.expanduser("~"), ".cache")
        if not os.path.isabs(directory):  # no home: nothing is remembered
            return ""
        checksum = crc32("\n".join(self.key).encode())
        return os.path.join(directory, "llama_cpp", f"cpu-variant-{checksum:08x}.json")

    def read(self) -> Facts:
        """Returns the remembered facts; no facts without a valid file."""
        known = no_facts()
        try:
            import json

            with open(self.path, encoding="utf-8") as file:
                stored = json.load(file)
            for key, empty in known.items():
                if not isinstance(stored[key], type(empty)):
                    return no_facts()
                known[key] = stored[key]
            if stored["key"] != self.key:
                return no_facts()
            if stored["dates"] != self.dates and not _still_holds(known):
                return no_facts()
        except (OSError, ValueError, KeyError, TypeError):
            return no_facts()
        return known

    def write(self, known: Facts) -> None:
        """Replaces the file atomically; without write access nothing is remembered."""
        if not self.path:
            return
        import json

        temporary = f"{self.path}.{os.getpid()}"
        try:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            with open(temporary, "w", encoding="utf-8") as file:
                stored = {**known, "key": self.key, "dates": self.dates}
                json.dump(stored, file, indent=1, sort_keys=True)
            os.replace(temporary, self.path)
            _remove_oldest(os.path.dirname(self.path))
        except OSError:
            pass


def _kernel() -> str:
    """Returns the kernel's version, on which it depends which instructions a process may use."""
    if sys.platform == "win32":
        version = sys.getwindowsversion()
        return f"{version.major}.{version.minor}.{version.build}"
    return os.uname().release


def _key_and_dates() -> Tuple[List[str], List[str]]:
    """Returns lines that tell machines, kernels and builds apart, and the files' dates."""
    key, dates = [_core.machine_id(), _kernel()], []
    for file in sorted(os.listdir(LIB_DIR)):
        stat = os.stat(os.path.join(LIB_DIR, file))
        digest = _build_info.NATIVE_DIGESTS.get(file, "")
        key.append(f"{file} {digest} {stat.st_size}")
        dates.append(f"{file} {stat.st_mtime_ns}")
    return key, dates


def _still_holds(known: Facts) -> bool:
    """Whether facts about files of other dates are true of the present files."""
    path = cpu_variants().get(known["variant"], "")
    if known["rejected"] or not path:
        return False
    from hashlib import sha256

    with open(path, "rb") as file:
        digest = sha256(file.read()).hexdigest()
    return digest == _build_info.NATIVE_DIGESTS.get(os.path.basename(path))


def _remove_oldest(directory: str) -> None:
    """Leaves the newest files of this cache, and of writers that were interrupted."""
    files = [entry for entry in os.scandir(directory) if entry.name.startswith("cpu-variant-")]
    files.sort(key=lambda entry: -entry.stat().st_mtime)
    for entry in files[KEPT_FILES:]:
        os.unlink(entry.path)
