"""Makes an unpacked set of Debian packages run from a prefix of its own.

Debian builds Bazel for `/usr`, for its own C library, and for files that maintainer scripts write
at installation. Here the packages are only unpacked, on a host whose C library may be older, so
each reference to the root of the file system is turned into one to the prefix.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import ssl
import struct
import zipfile
from collections import defaultdict
from pathlib import Path

from steps import StepError, run

SHARE = Path("usr/share/bazel")

_CLASS_PATH = SHARE / "bazel_classpath_debian_depends.txt"
_JARS = Path("usr/share/java")
# An arbitrary date that zip files can express: the patched jar must not differ between machines.
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
_ELF_64_BIT_LITTLE_ENDIAN = b"\x7fELF\x02\x01"
_PROGRAM_INTERPRETER = 3
_STEP = "relocate Debian's Bazel"
_ADVICE = "Debian may have changed the package: use Bazelisk, or name a Bazel: BAZEL=/path/to/bazel"


def relocate(prefix: Path, final: Path, patchelf: Path) -> None:
    """Relocates everything that was unpacked into `prefix`, which will be renamed to `final`."""
    _relink(prefix)
    _rewrite_class_path(prefix, final)
    _expose_zstd(prefix)
    _label_server(prefix)
    _write_trust_store(prefix)
    _patch_programs(prefix, final, patchelf)


def java_home(prefix: Path) -> Path:
    """Returns the Java runtime under the prefix."""
    homes = [h for h in (prefix / "usr/lib/jvm").glob("java-*-openjdk-*") if not h.is_symlink()]
    if len(homes) != 1:
        raise StepError(_STEP, f"expected one Java runtime, found {len(homes)}", _ADVICE)
    return homes[0]


def version(prefix: Path) -> str:
    """Returns the version of the Bazel under the prefix."""
    return (prefix / SHARE / "build-label.txt").read_text().strip()


def check_linking(prefix: Path) -> None:
    """Raises StepError when a program of Bazel misses a shared library of the prefix."""
    for program, interpreter in _programs(prefix).items():
        if "jvm" in program.parts:
            continue
        listing = run(_STEP, [interpreter, "--list", program], _ADVICE)
        if missing := re.findall(r"^\s*(\S+) => not found", listing, flags=re.MULTILINE):
            raise StepError(_STEP, f"{program.name} needs {', '.join(missing)}", _ADVICE)


def _relink(prefix: Path) -> None:
    """Turns absolute symbolic links into relative ones that stay below the prefix."""
    for directory, folders, files in os.walk(prefix):
        for name in folders + files:
            link = Path(directory, name)
            if link.is_symlink() and (target := os.readlink(link)).startswith("/"):
                link.unlink()
                link.symlink_to(os.path.relpath(f"{prefix}{target}", directory))


def _rewrite_class_path(prefix: Path, final: Path) -> None:
    """Points the server's class path into the prefix.

    Jars that Debian names but does not package are dropped. The perfmark jars are added: gRPC's
    manifests name them by an absolute path, which no relocation reaches.
    """
    listed = [Path(line.lstrip("/")) for line in (prefix / _CLASS_PATH).read_text().split()]
    listed += sorted(_JARS / jar.name for jar in (prefix / _JARS).glob("perfmark-*.jar"))
    present = [f"{final / jar}\n" for jar in listed if (prefix / jar).exists()]
    (prefix / _CLASS_PATH).write_text("".join(present))


def _expose_zstd(prefix: Path) -> None:
    """Puts zstd's Java binding where the server looks for native libraries.

    Without it the compact execution log and compressed remote caching crash the server.
    """
    for library in sorted((prefix / "usr/lib").glob("*/libzstd-jni.so")):
        link = prefix / SHARE / library.name
        link.symlink_to(os.path.relpath(library, link.parent))


def _label_server(prefix: Path) -> None:
    """Gives the server its version: Debian's build has none, and rule sets select on it."""
    label = zipfile.ZipInfo("build-data.properties", _ZIP_DATE)
    with zipfile.ZipFile(prefix / SHARE / "A-server.jar", "a") as server:
        server.writestr(label, f"build.label={version(prefix)}\n")


def _write_trust_store(prefix: Path) -> None:
    """Writes Java's trust store from the certificates that the user's tools trust.

    A maintainer script does that on Debian. Without it every download over TLS fails.
    """
    store = java_home(prefix) / "lib/security/cacerts"
    store.unlink(missing_ok=True)
    store.write_bytes(_java_key_store(_trusted_certificates()))


def _trusted_certificates() -> list[bytes]:
    """Returns, in DER form, the certificates of the host and of the user's TLS settings."""
    bundles = [ssl.get_default_verify_paths().cafile, "/etc/ssl/certs/ca-certificates.crt"]
    bundles += [os.environ.get(name) for name in ("PIP_CERT", "REQUESTS_CA_BUNDLE")]
    text = "\n".join(Path(b).read_text() for b in bundles if b and Path(b).is_file())
    block = r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----"
    return sorted({base64.b64decode(body) for body in re.findall(block, text, flags=re.DOTALL)})


def _java_key_store(certificates: list[bytes], password: str = "changeit") -> bytes:
    """Returns a Java key store (JKS, version 2) that trusts the given DER certificates."""

    def text(value: str) -> bytes:
        return struct.pack(">H", len(value)) + value.encode()

    body = struct.pack(">III", 0xFEEDFEED, 2, len(certificates))
    for index, der in enumerate(certificates):
        entry = struct.pack(">I", 2) + text(f"ca-{index}") + struct.pack(">Q", 0)
        body += entry + text("X.509") + struct.pack(">I", len(der)) + der
    # The format ends in a digest that is salted with a fixed phrase.
    salt = password.encode("utf-16-be") + b"Mighty Aphrodite"
    return body + hashlib.sha1(salt + body).digest()


def _patch_programs(prefix: Path, final: Path, patchelf: Path) -> None:
    """Makes every program use the C library and the shared libraries of the prefix."""
    java = java_home(prefix) / "lib"
    libraries = sorted(path.parent for path in (prefix / "usr/lib").glob("*/libc.so.6"))
    folders = [final / path.relative_to(prefix) for path in [*libraries, java, java / "server"]]
    by_interpreter = defaultdict(list)
    for program, interpreter in _programs(prefix).items():
        by_interpreter[interpreter].append(program)
    for interpreter, programs in by_interpreter.items():
        # Debian's root has links from /lib to /usr/lib; the packages have /usr/lib alone.
        loader = f"usr/{interpreter.lstrip('/').removeprefix('usr/')}"
        if not (prefix / loader).exists():
            raise StepError(_STEP, f"the C library has no {loader}", _ADVICE)
        # DT_RPATH and not DT_RUNPATH: the libraries' own dependencies must be found by it too.
        options = ["--force-rpath", "--set-rpath", ":".join(map(str, folders))]
        options += ["--set-interpreter", str(final / loader)]
        run(_STEP, [patchelf, *options, *programs], _ADVICE)


def _programs(prefix: Path) -> dict[Path, str]:
    """Returns the dynamically linked programs under the prefix and their interpreters."""
    found = {}
    for directory, _, files in os.walk(prefix):
        for path in (Path(directory, name) for name in files):
            is_library = re.search(r"\.so(\.\d+)*$", path.name)
            if not path.is_symlink() and not is_library and (name := _interpreter(path)):
                found[path] = name
    return found


def _interpreter(path: Path) -> str | None:
    """Returns the interpreter that an ELF program names; None for any other file."""
    with path.open("rb") as file:
        header = file.read(64)
        if len(header) < 64 or not header.startswith(_ELF_64_BIT_LITTLE_ENDIAN):
            return None
        (table,) = struct.unpack_from("<Q", header, 32)
        entry_size, count = struct.unpack_from("<HH", header, 54)
        for index in range(count):
            file.seek(table + index * entry_size)
            kind, _, offset, _, _, size = struct.unpack("<IIQQQQ", file.read(40))
            if kind == _PROGRAM_INTERPRETER:
                file.seek(offset)
                return file.read(size).rstrip(b"\0").decode()
    return None
