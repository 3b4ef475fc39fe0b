"""Variants (PEP 825) of two builds: the file that describes those of a release is the union."""

from __future__ import annotations

import json
from pathlib import Path

import write_index
from sites import TIME, Host, files, listed
from synthetic import PROJECT, write_wheel

VARIANTS = Path("whl/variants", PROJECT)
FILE = "llama_cpp_python-0.3.100-variants.json"


def make_variant(folder: Path, label: str, namespace: str) -> Path:
    dist_info = "llama_cpp_python-0.3.100.dist-info"
    document = {
        "$schema": "https://example.org/schema.json",
        "default-priorities": {"namespace": [namespace]},
        "providers": {},
        "variants": {label: {}},
    }
    contents = {
        f"{dist_info}/METADATA": b"Metadata-Version: 2.4\nName: llama-cpp-python\n"
        b"Version: 0.3.100\n",
        f"{dist_info}/variant.json": json.dumps(document).encode(),
    }
    name = f"llama_cpp_python-0.3.100-py3-none-any-{label}.whl"
    return write_wheel(folder / name, contents, dist_info)


def variants_index(host: Host, *labels: str, namespace: str = "nvidia") -> Path:
    """Returns an index of one ordinary wheel, and of a variant for each label."""
    index = host.index("0.3.100+cpu")
    paths = [make_variant(index.parent / "wheels", label, namespace) for label in labels]
    ordinary = write_index.read_wheels((index.parent / "wheels").glob("*+cpu-*.whl"))
    variants = write_index.read_wheels(paths, is_plain=True)
    write_index.write_index(ordinary, index.parent / "variants", {"": TIME}, {}, variants)
    return index.parent / "variants"


def test_the_union_of_two_builds_is_what_one_build_says(host: Host) -> None:
    host.publish(variants_index(host, "null"))
    host.publish(variants_index(host, "cu13"))
    document = json.loads((host.target / VARIANTS / FILE).read_text(encoding="utf-8"))
    assert sorted(document["variants"]) == ["cu13", "null"]
    assert list(listed(host.target / VARIANTS))[-1] == FILE
    assert files(host.target) == files(variants_index(host, "null", "cu13"))


def test_contradicting_variants_are_refused(host: Host) -> None:
    host.publish(variants_index(host, "null"))
    other = variants_index(host, "cu13", namespace="amd")
    host.assert_refused(other, "make all variants of a release with one table")
