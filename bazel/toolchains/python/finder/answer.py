"""The finder's request and answer; the query of an interpreter's identity."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from collections.abc import Iterable
from pathlib import Path

_DESCRIBE = Path(__file__).with_name("describe_python.py")
# A healthy interpreter needs a tenth of a second; a version manager's stand-in may need more.
_ANSWER_SECONDS = 20


class NotFound(Exception):
    """A place has nothing usable; the message says why.

    Attributes:
        looked_at: files that were not there or not right, and directories that did not hold one. A
            change in one of them is a reason to look again.
    """

    def __init__(self, reason: str, looked_at: Iterable[str | Path] = ()) -> None:
        super().__init__(reason)
        self.looked_at = [str(path) for path in looked_at]


class OtherAbi(NotFound):
    """An interpreter is sound, but of another ABI."""


@dataclasses.dataclass(frozen=True)
class Request:
    """A request for headers or an interpreter.

    Attributes:
        abi: ABI tag, such as `cp313t`.
        ext_suffix: EXT_SUFFIX that the interpreter must have; it names CPU, C library and build
            flavour.
        need: `headers` or `interpreter`.
        source: where to look: `path`, `machine` or `debian`.
        path: the interpreter to ask where `source` is `path`.
    """

    abi: str
    ext_suffix: str
    need: str
    source: str
    path: str = ""

    @property
    def free_threaded(self) -> bool:
        return self.abi.endswith("t")

    @property
    def version(self) -> str:
        """Returns the language version, such as `3.13`."""
        digits = self.abi[len("cp") :].rstrip("t")
        return f"{digits[0]}.{digits[1:]}"

    @property
    def title(self) -> str:
        return ("free-threaded " if self.free_threaded else "") + f"Python {self.version}"


@dataclasses.dataclass(frozen=True)
class Python:
    """The interpreter or headers that were found.

    Attributes:
        executable: the interpreter; empty where only headers were found.
        include: directory with Python.h; may not be there where only an interpreter was asked for.
        platform_include: directory that Debian's pyconfig.h includes from, or empty.
    """

    executable: str
    include: str
    platform_include: str


def ask(python: str | Path, request: Request) -> Python:
    """Returns an interpreter's description of itself; NotFound if it is not the requested one."""
    facts = describe(python)
    if facts["implementation"] != "cpython":
        raise NotFound(f"{python} is {facts['implementation']}, not CPython")
    if facts["abi_tag"] != request.abi:
        raise OtherAbi(f"{python} is {facts['abi_tag']}, not {request.abi}")
    if facts["ext_suffix"] != request.ext_suffix:
        raise NotFound(
            f"{python} names its extensions {facts['ext_suffix']}, not {request.ext_suffix}"
        )
    if request.need == "headers" and not facts["has_headers"]:
        raise NotFound(
            f"{python} has no C headers (Debian has them in libpython{request.version}-dev)",
            [Path(facts["include"], "Python.h")],
        )
    return Python(facts["executable"], facts["include"], facts["platform_include"])


def describe(python: str | Path) -> dict:
    """Returns the facts that describe_python.py prints."""
    try:
        result = subprocess.run(
            [python, "-I", "-B", _DESCRIBE],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_ANSWER_SECONDS,
        )
    except OSError as error:
        raise NotFound(f"{python} does not run ({error.strerror})") from error
    except subprocess.TimeoutExpired as error:
        raise NotFound(f"{python} did not answer within {_ANSWER_SECONDS} seconds") from error
    if result.returncode:
        raise NotFound(f"{python} did not describe itself ({_complaint(result)})")
    try:
        return json.loads(result.stdout)
    except ValueError as error:
        raise NotFound(f"{python} did not describe itself (it is no Python)") from error


def _complaint(result: subprocess.CompletedProcess) -> str:
    """Returns the line that says most: a traceback's last one, a shell script's first one."""
    lines = result.stderr.strip().splitlines() or [f"exit code {result.returncode}"]
    return lines[-1 if "Traceback" in lines[0] else 0].strip()
