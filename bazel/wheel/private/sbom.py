"""The wheel's software bill of materials: CycloneDX 1.6 in `.dist-info/sboms` (PEP 770).

The wheel is the main component. Inside are the third-party works that its native code is made of,
each with the archive that it was taken from, and every native file with its hash. There is no
serial number and no time: the same wheel has the same SBOM.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import quote


def _sha256(digest: str) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": digest}]


def _pypi_url(package: str, version: str) -> str:
    """Returns the package URL of a release on a Python index, whichever index that is."""
    return f"pkg:pypi/{package}@{quote(version, safe='')}"


def _wheel(spec: dict[str, Any]) -> dict[str, Any]:
    url = _pypi_url(spec["distribution"], spec["version"])
    return {
        "bom-ref": url,
        "licenses": [{"expression": spec["license_expression"]}],
        "name": spec["distribution"],
        "purl": url,
        "type": "library",
        "version": spec["version"],
    }


def _archive_url(package: str, file: str) -> str:
    """Returns the package URL of an archive (Debian package, wheel, sdist); an address stays."""
    if "://" in file:
        return file
    if file.endswith(".deb"):
        name, version, architecture = file.removesuffix(".deb").split("_")
        # Debian's file names have the colon of an epoch escaped already.
        return f"pkg:deb/debian/{name}@{version}?arch={architecture}"
    version = file.removesuffix(".tar.gz").split("-")[1]
    return f"{_pypi_url(package, version)}?file_name={quote(file, safe='')}"


def _work(component: dict[str, Any]) -> dict[str, Any]:
    return {
        "bom-ref": f"{component['name']}@{component['version']}",
        "externalReferences": [
            {
                "hashes": _sha256(component["sha256"]),
                "type": "distribution",
                "url": _archive_url(component["package"], component["archive"]),
            }
        ],
        "licenses": [{"expression": component["license_expression"]}],
        "name": component["name"],
        # Where the wheel has the text: paths below its `licenses` directory.
        "properties": [
            {"name": "license-file", "value": path} for path in component["license_files"]
        ],
        "purl": component["purl"],
        "type": "library",
        "version": component["version"],
    }


def _file(path: str, data: bytes) -> dict[str, Any]:
    return {
        "bom-ref": f"file:{path}",
        "hashes": _sha256(hashlib.sha256(data).hexdigest()),
        "name": path,
        "type": "file",
    }


def sbom(spec: dict[str, Any], native: dict[str, bytes]) -> str:
    """Returns the SBOM of the wheel of `spec`; `native`: path -> contents of its native files."""
    wheel = _wheel(spec)
    works = [_work(component) for component in spec["components"]]
    parts = sorted(works, key=lambda part: part["bom-ref"])
    parts += [_file(path, data) for path, data in sorted(native.items())]
    document = {
        "bomFormat": "CycloneDX",
        "components": parts,
        "dependencies": [
            {"dependsOn": [part["bom-ref"] for part in parts], "ref": wheel["bom-ref"]},
        ],
        "metadata": {
            "component": wheel,
            "tools": {"components": [{"name": spec["generator"], "type": "application"}]},
        },
        "specVersion": "1.6",
        "version": 1,
    }
    return json.dumps(document, indent=2, sort_keys=True) + "\n"
