"""The SBOM against the wheel."""

from __future__ import annotations

from typing import Any

import pytest
from changes import LIBRARY, Check, assert_only
from draft import Draft


def test_no_sbom(draft: Draft, check: Check) -> None:
    draft.sbom_path = draft.sbom_path.replace(".cdx.json", ".json")
    assert_only(check(draft), "there are 0 CycloneDX files in ")


def test_an_sbom_that_is_no_json(draft: Draft, check: Check) -> None:
    draft.files[draft.sbom_path] = b"{"
    draft.sbom_path = draft.inside("sboms/other.json")
    assert_only(check(draft), r"\.cdx\.json: is no JSON")


@pytest.mark.parametrize("broken", [[], {"bomFormat": "SPDX"}])
def test_an_sbom_of_another_format(draft: Draft, check: Check, broken: object) -> None:
    draft.sbom = broken
    assert_only(check(draft), r"\.cdx\.json: is (not CycloneDX 1\.6|no CycloneDX document)")


def test_an_sbom_that_differs_from_build_to_build(draft: Draft, check: Check) -> None:
    draft.sbom["serialNumber"] = "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79"
    assert_only(check(draft), "has a serial number or a time")


def test_an_sbom_of_another_wheel(draft: Draft, check: Check) -> None:
    draft.sbom["metadata"]["component"]["version"] = "1.0"
    assert_only(check(draft), r"is about toy-wheel 1\.0, not toy_wheel ")


def test_an_sbom_with_a_file_too_many(draft: Draft, check: Check) -> None:
    draft.sbom["components"].append({"name": "toy/lib/libgone.so", "type": "file"})
    assert_only(check(draft), r"names the file toy/lib/libgone\.so, which is not in the wheel")


def test_an_sbom_with_a_file_too_few(draft: Draft, check: Check) -> None:
    draft.sbom["components"] = [
        part for part in draft.sbom["components"] if part["name"] != LIBRARY
    ]
    assert_only(check(draft), r"does not name the native file toy/lib/libtoy\.so")


def test_an_sbom_with_another_hash(draft: Draft, check: Check) -> None:
    part = next(part for part in draft.sbom["components"] if part["name"] == LIBRARY)
    part["hashes"][0]["content"] = "0" * 64
    assert_only(check(draft), r"has another SHA-256 for toy/lib/libtoy\.so")


def compiler_rt(draft: Draft) -> dict[str, Any]:
    """Returns the SBOM's entry of compiler-rt."""
    return next(part for part in draft.sbom["components"] if part["name"] == "compiler-rt")


def test_a_component_without_its_licence(draft: Draft, check: Check) -> None:
    del draft.files[draft.inside("licenses/zig/LICENSE")]
    draft.metadata("License-File: zig/LICENSE\n", "")
    assert_only(
        check(draft), "names the licence file zig/LICENSE for compiler-rt, which is missing"
    )


def test_a_component_that_names_no_licence(draft: Draft, check: Check) -> None:
    compiler_rt(draft)["properties"] = []
    assert_only(check(draft), "names no licence file for compiler-rt")


def test_a_component_whose_licence_metadata_leaves_out(draft: Draft, check: Check) -> None:
    compiler_rt(draft)["licenses"] = [{"expression": "MIT AND BSD-2-Clause"}]
    assert_only(
        check(draft),
        "has compiler-rt under BSD-2-Clause, which METADATA's License-Expression 'MIT' leaves out",
    )


def test_a_component_that_asks_for_no_notice(draft: Draft, check: Check) -> None:
    compiler_rt(draft).update(licenses=[{"expression": "Unlicense"}], properties=[])
    assert check(draft) == []


def test_a_component_without_version_and_archive(draft: Draft, check: Check) -> None:
    part = compiler_rt(draft)
    del part["version"], part["externalReferences"]
    assert_only(
        check(draft),
        "gives no version of compiler-rt",
        "gives no archive with a SHA-256 for compiler-rt",
    )
