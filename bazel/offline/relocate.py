"""Makes an unpacked set of Debian packages run from a prefix of its own.

Debian builds Bazel for `/usr`, for its own C library and for files that maintainer scripts write
at installation. Here the packages are only unpacked, on a host whose C library may be older, so
each reference to the file system's root is turned into one to the prefix.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import struct
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

_BAZEL_SHARE = Path("usr/share/bazel")
_CLASS_PATH = _BAZEL_SHARE / "bazel_classpath_debian_depends.txt"
_JAVA_LIBRARIES = Path("usr/share/java")
# An arbitrary date that zip files can express: the patched jar must not differ between machines.
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
_PT_INTERP = 3


class RelocationError(Exception):
    """The unpacked packages are not what this module knows how to relocate."""


def java_home(prefix: Path) -> Path:
    """Returns the only Java runtime under the prefix."""
    entries = (prefix / "usr/lib/jvm").glob("java-*-openjdk-*")
    homes = [entry for entry in entries if not entry.is_symlink()]
    if len(homes) != 1:
        raise RelocationError(f"expected one Java runtime, found {[h.name for h in homes]}")
    return homes[0]


def relocate(prefix: Path, final: Path, patchelf: Path, ca_bundle: Path, version: str) -> None:
    """Relocates everything under `prefix`, which is about to be renamed to `final`."""
    _relink(prefix)
    _rewrite_class_path(prefix, final)
    _label_server(prefix, version)
    _write_trust_store(prefix, ca_bundle)
    _patch_executables(prefix, final, patchelf)


def _relink(prefix: Path) -> None:
    """Turns absolute symbolic links into relative ones that stay below the prefix."""
    for directory, folders, files in os.walk(prefix):
        for name in folders + files:
            link = Path(directory, name)
            if not link.is_symlink() or not (target := os.readlink(link)).startswith("/"):
                continue
            link.unlink()
            link.symlink_to(os.path.relpath(f"{prefix}{target}", directory))


def _rewrite_class_path(prefix: Path, final: Path) -> None:
    """Points the server's class path into the prefix.

    Jars that Debian names but does not package are dropped. The perfmark jars are added: gRPC's
    manifests name them by an absolute path, which no relocation reaches.
    """
    listed = re.split(r"[:\s]+", (prefix / _CLASS_PATH).read_text().strip())
    jars = [Path(jar.lstrip("/")) for jar in listed]
    jars += sorted(_JAVA_LIBRARIES / j.name for j in (prefix / _JAVA_LIBRARIES).glob("perfmark*"))
    present = [final / jar for jar in jars if (prefix / jar).exists()]
    (prefix / _CLASS_PATH).write_text(":".join(map(str, present)) + "\n")


def _label_server(prefix: Path, version: str) -> None:
    """Gives the server its version: Debian's build has none, and rule sets select on it."""
    jar = prefix / _BAZEL_SHARE / "A-server.jar"
    label = zipfile.ZipInfo("build-data.properties", _ZIP_DATE)
    with zipfile.ZipFile(jar, "a") as archive:
        if label.filename in archive.namelist():
            return
        archive.writestr(label, f"build.label={version}\n")


def _write_trust_store(prefix: Path, ca_bundle: Path) -> None:
    """Writes Java's trust store from the host's certificate bundle.

    Debian makes it in a maintainer script. Without it every download over TLS fails.
    """
    store = java_home(prefix) / "lib/security/cacerts"
    store.unlink(missing_ok=True)
    store.write_bytes(_java_key_store(_certificates(ca_bundle.read_text())))


def _certificates(pem: str) -> list[bytes]:
    """Returns the DER form of each certificate in a PEM bundle."""
    blocks = re.findall(
        r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", pem, flags=re.DOTALL
    )
    return [base64.b64decode(block) for block in blocks]


def _java_key_store(certificates: list[bytes], password: str = "changeit") -> bytes:
    """Returns a JKS key store (version 2) that trusts the given DER certificates."""

    def text(value: str) -> bytes:
        return struct.pack(">H", len(value)) + value.encode()

    body = struct.pack(">III", 0xFEEDFEED, 2, len(certificates))
    for index, der in enumerate(certificates):
        entry = struct.pack(">I", 2) + text(f"ca-{index}") + struct.pack(">Q", 0)
        body += entry + text("X.509") + struct.pack(">I", len(der)) + der
    # The format ends in a digest that is salted with a fixed phrase.
    salt = password.encode("utf-16-be") + b"Mighty Aphrodite"
    return body + hashlib.sha1(salt + body).digest()


def _patch_executables(prefix: Path, final: Path, patchelf: Path) -> None:
    """Makes every program use the C library and the shared libraries of the prefix."""
    programs = {path: interpreter for path, interpreter in _programs(prefix)}
    if not programs:
        raise RelocationError(f"no program found under {prefix}")
    multiarch = {p.parent for p in (prefix / "usr/lib").glob("*/libc.so.6")}
    java_libraries = java_home(prefix) / "lib"
    folders = [*sorted(multiarch), java_libraries, java_libraries / "server"]
    run_path = ":".join(str(final / folder.relative_to(prefix)) for folder in folders)
    for interpreter in sorted(set(programs.values())):
        # /lib is part of /usr in Debian's packages, the merge itself is a link of the base system.
        loader = f"usr/{interpreter.removeprefix('/').removeprefix('usr/')}"
        if not (prefix / loader).exists():
            raise RelocationError(f"the C library's package has no {loader}")
        paths = [path for path, value in programs.items() if value == interpreter]
        # DT_RPATH and not DT_RUNPATH: the libraries' own dependencies must be found by it too.
        options = ["--set-interpreter", final / loader, "--force-rpath", "--set-rpath", run_path]
        subprocess.run(
            [patchelf, *options, *paths], check=True, capture_output=True, text=True
        )


def _programs(prefix: Path) -> Iterator[tuple[Path, str]]:
    """Yields each dynamically linked program under the prefix with its interpreter."""
    for directory, _, files in os.walk(prefix):
        for name in files:
            path = Path(directory, name)
            if path.is_symlink() or re.search(r"\.so(\.\d+)*$", name):
                continue
            if interpreter := _interpreter(path):
                yield path, interpreter


def _interpreter(path: Path) -> str | None:
    """Returns the interpreter that a little-endian 64-bit ELF file names, if it is one."""
    with path.open("rb") as file:
        header = file.read(64)
        if len(header) < 64 or header[:6] != b"\x7fELF\x02\x01":
            return None
        table, entry_size, count = (
            struct.unpack_from("<Q", header, 32)[0],
            *struct.unpack_from("<HH", header, 54),
        )
        for index in range(count):
            file.seek(table + index * entry_size)
            entry = file.read(56)
            if struct.unpack_from("<I", entry)[0] == _PT_INTERP:
                offset, size = struct.unpack_from("<Q", entry, 8)[0], struct.unpack_from(
                    "<Q", entry, 32
                )[0]
                file.seek(offset)
                return file.read(size).rstrip(b"\0").decode()
    return None
