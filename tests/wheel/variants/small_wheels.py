"""Small wheels that look like those of one backend each: small_wheels.py WHEEL writes the one of
that name.

The package holds the name of its backend, so a test can tell which wheel an installer took.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import zipfile
from pathlib import Path
from typing import Iterable

_METADATA = """\
Metadata-Version: 2.4
Name: {distribution}
Version: {version}
Summary: A small wheel
Requires-Python: >=3.9
{requires}Description-Content-Type: text/markdown

# Description

Version: this line is no header.
"""
_WHEEL = "Wheel-Version: 1.0\nGenerator: small_wheels\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def sbom(distribution: str, version: str) -> bytes:
    """Returns a CycloneDX document about a wheel."""
    url = f"pkg:pypi/{distribution}@{version.replace('+', '%2B')}"
    part = {"bom-ref": "part@1.0+cu13", "name": "part", "type": "library", "version": "1.0+cu13"}
    document = {
        "bomFormat": "CycloneDX",
        "components": [part],
        "dependencies": [{"dependsOn": [part["bom-ref"]], "ref": url}],
        "metadata": {
            "component": {
                "bom-ref": url,
                "name": distribution,
                "purl": url,
                "type": "library",
                "version": version,
            }
        },
        "specVersion": "1.6",
        "version": 1,
    }
    return (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()


def _files(distribution: str, version: str, requires: Iterable[str]) -> dict[str, bytes]:
    public, _, label = version.partition("+")
    dist_info = f"{distribution}-{version}.dist-info"
    requirements = "".join(f"Requires-Dist: {requirement}\n" for requirement in requires)
    metadata = _METADATA.format(distribution=distribution, version=version, requires=requirements)
    return {
        f"{distribution}/__init__.py": (
            f"BACKEND = {label!r}\n__version__ = {version!r}\n".encode()
        ),
        f"{distribution}/lib/libggml.so": bytes(range(256)) * 64 + label.encode(),
        f"{distribution}/lib/probe": b"#!/bin/sh\n",
        f"{distribution}-{version}.data/data/share/doc.txt": public.encode(),
        f"{dist_info}/METADATA": metadata.encode(),
        f"{dist_info}/WHEEL": _WHEEL.encode(),
        f"{dist_info}/licenses/LICENSE": b"Free, and of charge.\n",
        f"{dist_info}/sboms/{distribution}.cdx.json": sbom(distribution, version),
    }


def write_wheel(wheel: Path, requires: Iterable[str] = (), compresslevel: int = 1) -> Path:
    """Writes `wheel`; name and version come from its file name.

    `compresslevel` is not the one of our own writer, so that a second compression shows in the
    bytes.
    """
    distribution, version = wheel.name.split("-")[:2]
    files = _files(distribution, version, requires)
    record = f"{distribution}-{version}.dist-info/RECORD"
    lines = [f"{path},sha256={_digest(data)},{len(data)}\n" for path, data in files.items()]
    files[record] = ("".join(lines) + f"{record},,\n").encode()
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED, compresslevel=compresslevel) as archive:
        for path, data in files.items():
            entry = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100755 if path.endswith("/probe") else 0o100644) << 16
            archive.writestr(entry, data, compresslevel=compresslevel)
    return wheel


if __name__ == "__main__":
    write_wheel(Path(sys.argv[1]), requires=sys.argv[2:])
