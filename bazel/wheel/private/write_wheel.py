"""Writes one wheel from a JSON specification (wheel_rule.bzl). Standard library only.

The same inputs give the same bytes: entries are sorted, dates are fixed, modes are 0644 or 0755.
Formats: the wheel format (PEP 427 and its successors on packaging.python.org), core metadata 2.4
(PEP 639), SBOMs (PEP 770, sbom.py).
"""

from __future__ import annotations

import hashlib
import itertools
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

from sbom import sbom
from wheel_record import record_line

# The earliest date a zip entry can have.
_DATE = (1980, 1, 1, 0, 0, 0)
_REGULAR = 0o100644
_EXECUTABLE = 0o100755
# How native files begin: ELF, Mach-O of 64 bits, and PE.
_MAGICS = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"MZ")


def _of_extra(requirement: str, extra: str) -> str:
    """Returns a requirement (PEP 508) of an extra."""
    name, _, marker = requirement.partition(";")
    condition = f"extra == '{extra}'"
    return (
        f"{name.strip()}; ({marker.strip()}) and {condition}" if marker else f"{name}; {condition}"
    )


def _at_version(requirements: list[str], version: str) -> list[str]:
    """Returns the requirements with the public version in place of `{version}`."""
    return [item.replace("{version}", version.partition("+")[0]) for item in requirements]


def metadata(spec: dict[str, Any]) -> str:
    """Returns METADATA, as core metadata 2.4 orders it."""
    version = spec["version"]
    fields = [
        ("Metadata-Version", "2.4"),
        ("Name", spec["distribution"]),
        ("Version", version),
        ("Summary", spec["summary"]),
        ("License-Expression", spec["license_expression"]),
        *(("License-File", name) for name in sorted(spec["license_files"])),
        *(("Classifier", classifier) for classifier in spec["classifiers"]),
        *(("Project-URL", f"{label}, {url}") for label, url in sorted(spec["urls"].items())),
        ("Requires-Python", spec["requires_python"]),
        *(("Requires-Dist", requirement) for requirement in _at_version(spec["requires"], version)),
    ]
    for extra, requirements in sorted(spec["extras"].items()):
        fields.append(("Provides-Extra", extra))
        pinned = _at_version(requirements, version)
        fields += [("Requires-Dist", _of_extra(item, extra)) for item in pinned]
    fields.append(("Description-Content-Type", "text/markdown"))
    head = "".join(f"{name}: {value}\n" for name, value in fields)
    return f"{head}\n{Path(spec['description']).read_text(encoding='utf-8')}"


def _tags(tag: str) -> list[str]:
    """Returns the single tags that a compressed one stands for (PEP 425)."""
    return [
        "-".join(parts)
        for parts in itertools.product(*(part.split(".") for part in tag.split("-")))
    ]


def _wheel_file(spec: dict[str, Any]) -> str:
    fields = [
        ("Wheel-Version", "1.0"),
        ("Generator", spec["generator"]),
        ("Root-Is-Purelib", "false"),
        *(("Tag", tag) for tag in _tags(spec["tag"])),
    ]
    return "".join(f"{name}: {value}\n" for name, value in fields)


def _entry_points(groups: dict[str, list[str]]) -> str:
    """Returns entry_points.txt."""
    return "\n".join(
        f"[{group}]\n" + "".join(f"{line}\n" for line in sorted(lines))
        for group, lines in sorted(groups.items())
    )


def _is_native(data: bytes) -> bool:
    return data.startswith(_MAGICS)


def _build_info(spec: dict[str, Any], members: dict[str, bytes]) -> str:
    """Returns `_build_info.py`: constants of this build, with the digest of every native file."""
    native = f"{spec['import_name']}/lib/"
    digests = {
        path[len(native) :]: hashlib.sha256(data).hexdigest()
        for path, data in sorted(members.items())
        if path.startswith(native)
    }
    lines = ['"""Constants of this build; written by the wheel rule."""', ""]
    for name, value in sorted(spec["build_info"].items()):
        lines.append(f"{name} = {tuple(value) if isinstance(value, list) else value!r}")
    lines += [f"NATIVE_DIGESTS: dict[str, str] = {digests!r}", ""]
    return "\n".join(lines)


def _is_executable(path: str, data: bytes) -> bool:
    """Programs need their executable bit; a shared library (ELF with a .so name) does not."""
    return _is_native(data) and not {".so", ".dylib"} & set(Path(path).suffixes)


def _write(archive: zipfile.ZipFile, path: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(path, _DATE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3  # Unix, so that the mode below is read as one
    entry.external_attr = (_EXECUTABLE if _is_executable(path, data) else _REGULAR) << 16
    archive.writestr(entry, data, compresslevel=9)


def _dist_info(spec: dict[str, Any], members: dict[str, bytes]) -> dict[str, bytes]:
    """Returns the files of the .dist-info directory, without RECORD."""
    native = {path: data for path, data in members.items() if _is_native(data)}
    files = {
        "METADATA": metadata(spec).encode(),
        "WHEEL": _wheel_file(spec).encode(),
        f"sboms/{spec['distribution']}.cdx.json": sbom(spec, native).encode(),
    }
    if spec["entry_points"]:
        files["entry_points.txt"] = _entry_points(spec["entry_points"]).encode()
    for name, source in spec["license_files"].items():
        files[f"licenses/{name}"] = Path(source).read_bytes()
    return files


def write_wheel(spec: dict[str, Any], output: Path) -> None:
    """Writes the wheel that `spec` describes to `output`."""
    members = {path: Path(source).read_bytes() for path, source in spec["members"].items()}
    members[f"{spec['import_name']}/_build_info.py"] = _build_info(spec, members).encode()
    folder = f"{spec['distribution'].replace('-', '_')}-{spec['version']}.dist-info"
    tail = {f"{folder}/{path}": data for path, data in _dist_info(spec, members).items()}
    record = f"{folder}/RECORD"
    # The wheel format asks for the .dist-info directory at the end of the archive, and RECORD last
    # of all.
    entries = sorted(members.items()) + sorted(tail.items())
    lines = [record_line(path, data) for path, data in entries]
    with zipfile.ZipFile(output, "w") as archive:
        for path, data in entries:
            _write(archive, path, data)
        _write(archive, record, ("".join(lines) + f"{record},,\n").encode())


def main() -> None:
    specification, output = sys.argv[1:]
    write_wheel(json.loads(Path(specification).read_text(encoding="utf-8")), Path(output))


if __name__ == "__main__":
    main()
