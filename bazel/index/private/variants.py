"""Index-level metadata of variant wheels (PEP 825). Standard library only.

An installer reads this one file instead of every variant's variant.json, and finds no variant where
it is missing. It is the union of theirs, so it is written from the wheels that the index lists and
from nothing else.
"""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path
from typing import Any, Iterable, Mapping, Optional

# {distribution}-{version}(-{build})?-{python}-{abi}-{platform}-{label}.whl. A build tag starts with
# a digit and, by PEP 825, a Python tag does not: that tells a build tag from a label.
_VARIANT_NAME = re.compile(
    r"(?P<release>[^-]+-[^-]+)(-\d[^-]*)?-[^-\d][^-]*-[^-]+-[^-]+-(?P<label>[0-9a-z_.]+)\.whl"
)

# The document of PEP 825, with the providers of PEP 850.
Document = Mapping[str, Any]
_MAPPINGS = {"providers": "provider", "variants": "variant label"}  # key -> one of them
_KEYS = {"$schema", "default-priorities", *_MAPPINGS}


class VariantsError(ValueError):
    """Variants that do not fit together; the message is one sentence with the way out."""


def variant_label(file_name: str) -> Optional[str]:
    """Returns the label of a variant wheel; None for any other file."""
    name = _VARIANT_NAME.fullmatch(file_name)
    return name["label"] if name else None


def _release(file_name: str) -> str:
    """Returns `{name}-{version}` in the spelling of the wheel's file name, as PEP 825 asks."""
    name = _VARIANT_NAME.fullmatch(file_name)
    assert name, file_name
    return name["release"]


def _has_types(document: Any) -> bool:
    """Returns whether the parts that are read here are of their types."""
    if not isinstance(document, dict):
        return False
    priorities, *mappings = (document[key] for key in ("default-priorities", *_MAPPINGS))
    namespaces = priorities.get("namespace") if isinstance(priorities, dict) else None
    return isinstance(namespaces, list) and all(isinstance(each, dict) for each in mappings)


def read_document(wheel: Path) -> Document:
    """Returns the variant.json of a variant wheel."""
    path = f"{_release(wheel.name)}.dist-info/variant.json"
    try:
        with zipfile.ZipFile(wheel) as archive:
            document = json.loads(archive.read(path))
    # zipfile trusts offsets, sizes and names, and a wrong one may raise any exception.
    except Exception as error:
        raise VariantsError(
            f"{wheel.name} has no readable {path} ({error}); make the variant again"
        ) from error
    if isinstance(document, dict) and document.keys() != _KEYS:
        raise VariantsError(
            f"{path} in {wheel.name} has the keys {sorted(document)}, not {sorted(_KEYS)}; "
            "make the variant again"
        )
    if not _has_types(document):
        raise VariantsError(
            f"{path} in {wheel.name} is no document as PEP 825 has it; make the variant again"
        )
    label = variant_label(wheel.name)
    if list(document["variants"]) != [label]:
        raise VariantsError(
            f"variant.json of {wheel.name} describes {sorted(document['variants'])}, not the label "
            f"{label!r} of its file name; make the variant again instead of renaming it"
        )
    return document


def _namespaces(document: Document) -> list[str]:
    return document["default-priorities"]["namespace"]


def _merged_namespaces(one: list[str], other: list[str], wheel: str) -> list[str]:
    """Returns the longer list, which must start with the shorter one (PEP 825)."""
    shorter, longer = sorted((one, other), key=len)
    if longer[: len(shorter)] != shorter:
        raise VariantsError(
            f"{wheel} orders the namespaces {other}, other variants of its release {one};"
            " make all variants of a release with one table"
        )
    return longer


def _merged_mapping(
    one: Mapping[str, Any], other: Mapping[str, Any], what: str, wheel: str
) -> dict[str, Any]:
    """Returns the union; a key that both have must have the same value."""
    for key in sorted(one.keys() & other.keys()):
        if one[key] != other[key]:
            raise VariantsError(
                f"{wheel} gives the {what} {key!r} as {json.dumps(other[key], sort_keys=True)}, "
                f"other variants of its release as {json.dumps(one[key], sort_keys=True)}; "
                "make all variants of a release with one table"
            )
    return {**one, **other}


def merge(documents: Mapping[str, Document]) -> Document:
    """Merges the documents of all variants of a release; key: wheel file name, for messages."""
    (_, merged), *rest = sorted(documents.items())
    for wheel, document in rest:
        if document["$schema"] != merged["$schema"]:
            raise VariantsError(
                f"{wheel} follows the schema {document['$schema']}, other variants of its release "
                f"{merged['$schema']}; make all variants of a release with one table"
            )
        namespaces = _merged_namespaces(_namespaces(merged), _namespaces(document), wheel)
        merged = {
            "$schema": merged["$schema"],
            "default-priorities": {"namespace": namespaces},
            **{
                key: _merged_mapping(merged[key], document[key], what, wheel)
                for key, what in _MAPPINGS.items()
            },
        }
    return merged


def variants_files(wheels: Iterable[Path]) -> dict[str, bytes]:
    """Returns file name -> content of the index-level files; only variants have one."""
    releases: dict[str, dict[str, Document]] = {}
    for wheel in wheels:
        if variant_label(wheel.name):
            documents = releases.setdefault(_release(wheel.name), {})
            documents[wheel.name] = read_document(wheel)
    return {
        f"{release}-variants.json": (
            json.dumps(merge(documents), indent=1, sort_keys=True) + "\n"
        ).encode()
        for release, documents in sorted(releases.items())
    }
