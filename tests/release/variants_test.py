"""Variants (PEP 825) of two builds: the file that describes those of a release is the union."""

from __future__ import annotations

import json
import unittest
from pathlib import Path

import write_index
from sites import TIME, SiteTest, files, listed
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


class VariantsTest(SiteTest):
    def variants_index(self, *labels: str, namespace: str = "nvidia") -> Path:
        """Returns an index of one ordinary wheel, and of a variant for each label."""
        index = self.index("0.3.100+cpu")
        paths = [make_variant(index.parent / "wheels", label, namespace) for label in labels]
        ordinary = write_index.read_wheels((index.parent / "wheels").glob("*+cpu-*.whl"))
        variants = write_index.read_wheels(paths, is_plain=True)
        write_index.write_index(ordinary, index.parent / "variants", {"": TIME}, {}, variants)
        return index.parent / "variants"

    def test_the_union_of_two_builds_is_what_one_build_says(self) -> None:
        self.publish(self.variants_index("null"))
        self.publish(self.variants_index("cu13"))
        document = json.loads((self.target / VARIANTS / FILE).read_text(encoding="utf-8"))
        self.assertEqual(sorted(document["variants"]), ["cu13", "null"])
        self.assertEqual(list(listed(self.target / VARIANTS))[-1], FILE)
        self.assertEqual(files(self.target), files(self.variants_index("null", "cu13")))

    def test_contradicting_variants_are_refused(self) -> None:
        self.publish(self.variants_index("null"))
        other = self.variants_index("cu13", namespace="amd")
        self.assert_refused(other, "make all variants of a release with one table")


if __name__ == "__main__":
    unittest.main()
