"""Makes Debian's Bazel, unpacked, run from a prefix of its own.

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
from pathlib import Path

import linking
from steps import StepError, reading

SHARE = Path("usr/share/bazel")

_CLASS_PATH = SHARE / "bazel_classpath_debian_depends.txt"
_JARS = Path("usr/share/java")
_HOST_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"  # Debian's ca-certificates
# An arbitrary date that zip files can express: the patched jar must not differ between machines.
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
_STEP = "relocate Debian's Bazel"
_ADVICE = "Debian may have changed the package: use Bazelisk, or name a Bazel: BAZEL=/path/to/bazel"


def relocate(prefix: Path, final: Path, patchelf: Path) -> None:
    """Relocates everything that was unpacked into `prefix`, which will be renamed to `final`."""
    with reading(_STEP, _ADVICE):
        linking.relink(prefix)
        _rewrite_class_path(prefix, final)
        _expose_zstd(prefix)
        _label_server(prefix)
        _write_trust_store(prefix)
        java = java_home(prefix).relative_to(prefix) / "lib"
        linking.patch_programs(prefix, final, patchelf, _ADVICE, [java, java / "server"])


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
    with reading(_STEP, _ADVICE):
        linking.check(prefix, _ADVICE, lambda program: "jvm" not in program.parts)


def is_whole(prefix: Path) -> bool:
    """Returns whether a Bazel that was relocated is still there, with its Java runtime."""
    try:
        java_home(prefix)
    except StepError:
        return False
    return os.access(prefix / "usr/bin/bazel", os.X_OK) and (prefix / SHARE).is_dir()


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
    bundles = [ssl.get_default_verify_paths().cafile, _HOST_BUNDLE]
    bundles += [os.environ.get(name) for name in ("PIP_CERT", "REQUESTS_CA_BUNDLE")]
    paths = [Path(bundle) for bundle in bundles if bundle and Path(bundle).is_file()]
    return sorted({certificate for path in paths for certificate in _certificates(path)})


def _certificates(bundle: Path) -> list[bytes]:
    """Returns the certificates of a bundle (PEM, RFC 7468), which may have text between them."""
    block = r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----"
    with reading(f"read the certificates in {bundle}", "Correct the file, or unset its variable."):
        text = bundle.read_text(encoding="utf-8", errors="replace")
        return [base64.b64decode(body) for body in re.findall(block, text, flags=re.DOTALL)]


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
