"""Makes variants (PEP 825) of a finished wheel: make_variant.py --table TABLE --accelerator gpu1
--out FOLDER WHEEL.

`X+gpu1` becomes the variant `gpu1` of plain X, and `X+cpu` the variant `null` and the wheel of X
without a variant. These parts are new: the file's name, the version in METADATA and in the SBOM,
the names of the directories .dist-info and .data, variant.json, RECORD. Everything else is copied
as it is compressed, so the payload is the one that was checked. The same wheel gives the same
bytes.

`_build_info.py` belongs to the payload, so `llama_cpp.__version__` still names the backend
(`0.3.100+cu13`) where the version of the distribution (importlib.metadata) is `0.3.100`. In an
installed package nothing else tells which variant the installer chose, and the two agree in their
public part, which is all that `~=`, `>=` and `==` without a label compare.
"""

from __future__ import annotations

import argparse
import copy
import csv
import io
import json
import re
import struct
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping, Optional
from urllib.parse import quote

from wheel_record import record_row

# {distribution}-{version}(-{build})?-{python}-{abi}-{platform}.whl, where a build tag starts with a
# digit and, by PEP 825, a Python tag does not: that tells a build tag from a variant label.
_NAME = re.compile(
    r"(?P<distribution>[^-]+)-(?P<version>[^-+]+)(?P<local>\+[^-]+)?"
    r"(?P<tags>(-\d[^-]*)?-[^-\d][^-]*-[^-]+-[^-]+)\.whl"
)
_VERSION = re.compile(rb"^Version: (.*)$", re.M)
# A zip's local file header up to its name: all that matters here is the lengths of the name and of
# the extra field.
_LOCAL_HEADER = struct.Struct("<26x2H")
_DATA_DESCRIPTOR = 0x08


class VariantError(ValueError):
    """A wheel or table that makes no variant; the message is one sentence with the way out."""


@dataclass(frozen=True)
class _Name:
    """Parts of a wheel's file name, and the names of its variants."""

    distribution: str
    version: str
    local: str  # with its plus sign
    tags: str  # with the dash before them

    @property
    def full_version(self) -> str:
        return self.version + self.local

    def dist_info(self, file: str) -> str:
        return f"{self.distribution}-{self.full_version}.dist-info/{file}"

    def renamed(self, path: str) -> str:
        """Returns an entry's path in the variant: .dist-info and .data carry the version."""
        old = f"{self.distribution}-{self.full_version}."
        new = f"{self.distribution}-{self.version}."
        return new + path[len(old) :] if path.startswith(old) else path

    def variant(self, label: str) -> str:
        suffix = f"-{label}" if label else ""
        return f"{self.distribution}-{self.version}{self.tags}{suffix}.whl"


def _parse_name(file_name: str) -> _Name:
    parts = _NAME.fullmatch(file_name)
    if not parts:
        raise VariantError(
            f"{file_name} is not called as a wheel without variant label is;"
            " give a backend's wheel as `./bazelw build //:wheel` names it"
        )
    return _Name(parts["distribution"], parts["version"], parts["local"] or "", parts["tags"])


def variant_document(table: Mapping[str, Any], accelerator: str) -> dict[str, Any]:
    """Returns variant.json for an accelerator of the table (variant_table.bzl)."""
    variant = table["variants"][accelerator]
    return {
        "$schema": table["schema"],
        "default-priorities": {"namespace": table["namespaces"]},
        "providers": table["providers"],
        "variants": {variant["label"]: variant["properties"]},
    }


def _new_metadata(metadata: bytes, name: _Name) -> bytes:
    head, gap, body = metadata.partition(b"\n\n")
    if _VERSION.findall(head) != [name.full_version.encode()]:
        raise VariantError(
            f"METADATA of {name.distribution} does not say `Version: {name.full_version}` as the "
            "file's name does; build the wheel again instead of renaming it"
        )
    return _VERSION.sub(b"Version: " + name.version.encode(), head) + gap + body


def _new_sbom(sbom: bytes, name: _Name) -> bytes:
    """Returns the CycloneDX document (PEP 770) of the variant; another work's is unchanged."""
    document = json.loads(sbom)
    main = document.get("metadata", {}).get("component", {})
    if not name.local or main.get("version") != name.full_version:
        return sbom
    main["version"] = name.version
    old = main.get("bom-ref")
    for key in main.keys() & {"bom-ref", "purl"}:
        main[key] = main[key].replace(f"@{quote(name.full_version, safe='')}", f"@{name.version}")
    for dependency in document.get("dependencies", []):
        if dependency["ref"] == old:
            dependency["ref"] = main["bom-ref"]
    return (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()


def _new_record(record: bytes, name: _Name, changed: Mapping[str, bytes]) -> bytes:
    """Returns RECORD with the variant's paths, and with new rows for the changed files."""
    own = name.renamed(name.dist_info("RECORD"))
    rows = {}
    for path, *rest in csv.reader(io.StringIO(record.decode())):
        rows[name.renamed(path)] = [name.renamed(path), *rest]
    rows.pop(own, None)
    rows.update({path: record_row(path, data) for path, data in changed.items()})
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([*rows.values(), [own, "", ""]])
    return text.getvalue().encode()


def _copy_compressed(
    source: zipfile.ZipFile, entry: zipfile.ZipInfo, target: zipfile.ZipFile, path: str
) -> None:
    """Appends an entry under another name without unpacking it, which zipfile can't do."""
    assert source.fp and target.fp
    source.fp.seek(entry.header_offset)
    header = source.fp.read(_LOCAL_HEADER.size)
    source.fp.seek(sum(_LOCAL_HEADER.unpack(header)), io.SEEK_CUR)
    data = source.fp.read(entry.compress_size)
    copied = copy.copy(entry)
    copied.filename = path
    copied.flag_bits &= ~_DATA_DESCRIPTOR  # the sizes are known, so they stand before the data
    copied.header_offset = target.start_dir
    target.fp.seek(target.start_dir)
    target.fp.write(copied.FileHeader() + data)
    target.start_dir = target.fp.tell()
    target.filelist.append(copied)
    target.NameToInfo[path] = copied


def _add(target: zipfile.ZipFile, like: zipfile.ZipInfo, path: str, data: bytes) -> None:
    """Appends a file with the date and mode of another one."""
    entry = copy.copy(like)
    entry.filename = path
    target.writestr(entry, data, compresslevel=9)


def _changed_files(
    source: zipfile.ZipFile, name: _Name, document: Optional[Mapping[str, Any]]
) -> dict[str, bytes]:
    """Returns path in the variant -> content of the changed files, RECORD last."""
    if name.dist_info("variant.json") in source.namelist():
        raise VariantError(
            f"the wheel of {name.distribution} has a variant.json, so it is a variant; "
            "give the wheel that it was made of"
        )
    metadata = source.read(name.dist_info("METADATA"))
    changed = {name.renamed(name.dist_info("METADATA")): _new_metadata(metadata, name)}
    for path in source.namelist():
        if path.startswith(name.dist_info("sboms/")) and path.endswith(".cdx.json"):
            changed[name.renamed(path)] = _new_sbom(source.read(path), name)
    if document:
        text = json.dumps(document, indent=1, sort_keys=True) + "\n"
        changed[name.renamed(name.dist_info("variant.json"))] = text.encode()
    record = source.read(name.dist_info("RECORD"))
    changed[name.renamed(name.dist_info("RECORD"))] = _new_record(record, name, changed)
    return changed


def _write(
    source: zipfile.ZipFile, target: zipfile.ZipFile, name: _Name, changed: dict[str, bytes]
) -> None:
    """Writes the wheel's entries in order, then new ones, then RECORD, which must be last."""
    like = source.getinfo(name.dist_info("METADATA"))
    record = name.dist_info("RECORD")
    for entry in source.infolist():
        path = name.renamed(entry.filename)
        if entry.filename == record:
            continue
        if path in changed:
            _add(target, like, path, changed.pop(path))
        else:
            _copy_compressed(source, entry, target, path)
    for path, data in changed.items():
        _add(target, like, path, data)


def make_variant(wheel: Path, folder: Path, document: Optional[Mapping[str, Any]]) -> Path:
    """Writes a variant of `wheel` into `folder`, or without a document the plain wheel."""
    name = _parse_name(wheel.name)
    output = folder / name.variant(next(iter(document["variants"])) if document else "")
    if output.exists():
        raise VariantError(f"{output} is there already; delete it, or name another folder")
    try:
        with zipfile.ZipFile(wheel) as source:
            changed = _changed_files(source, name, document)
            with zipfile.ZipFile(output, "w") as target:
                _write(source, target, name, changed)
    except FileNotFoundError as error:
        raise VariantError(f"there is no file {error.filename}; correct the path") from error
    except VariantError:
        raise
    # zipfile trusts offsets, sizes and names, and a wrong one may raise any exception.
    except Exception as error:
        output.unlink(missing_ok=True)
        reason = error.args[0] if isinstance(error, KeyError) else error
        raise VariantError(
            f"{wheel.name} is damaged ({reason}); build or download it again"
        ) from error
    return output


def make_variants(
    wheel: Path, folder: Path, table: Mapping[str, Any], accelerator: str
) -> list[Path]:
    """Writes everything that the table says is made of an accelerator's wheel."""
    if accelerator not in table["variants"]:
        raise VariantError(
            f"no variant is described for the accelerator {accelerator!r}; take one of"
            f" {', '.join(sorted(table['variants']))}, or add a row to the variant_table"
        )
    made = [make_variant(wheel, folder, variant_document(table, accelerator))]
    if table["variants"][accelerator]["is_plain"]:
        made.append(make_variant(wheel, folder, None))
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description="Makes variants (PEP 825) of a backend's wheel.")
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--table", required=True, type=Path, help="JSON of a variant_table")
    parser.add_argument("--accelerator", required=True, help="row of the table")
    parser.add_argument("--out", required=True, type=Path, help="a folder")
    arguments = parser.parse_args()
    table = json.loads(arguments.table.read_text(encoding="utf-8"))
    try:
        make_variants(arguments.wheel, arguments.out, table, arguments.accelerator)
    except VariantError as error:
        print(f"make_variant: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
