"""File name, .dist-info directory, METADATA and WHEEL against each other."""

from __future__ import annotations

import re

from changes import Check, assert_only, set_platform
from draft import Draft


def test_another_local_label_in_metadata(draft: Draft, check: Check) -> None:
    draft.metadata("+cpu", "+cu12")
    assert_only(check(draft), r"METADATA has the local label 'cu12', the file name 'cpu'")


def test_no_local_label_in_metadata(draft: Draft, check: Check) -> None:
    draft.metadata("+cpu", "")
    assert_only(check(draft), r"METADATA has the local label '', the file name 'cpu'")


def test_another_version_in_metadata(draft: Draft, check: Check) -> None:
    draft.metadata("\nVersion: ", "\nVersion: 1")
    assert_only(
        check(draft), r"METADATA has the version '1.*\+cpu', the file name '.*\+cpu'; make them one"
    )


def test_another_name_in_metadata(draft: Draft, check: Check) -> None:
    draft.metadata("Name: toy-wheel", "Name: toy-wheels")
    assert_only(check(draft), "METADATA has the name 'toy-wheels', the file name 'toy_wheel'")


def test_another_dist_info_folder(draft: Draft, check: Check) -> None:
    old, new = draft.dist_info, "toy_wheel-9.9.9+cpu.dist-info"
    draft.files = {path.replace(old, new): data for path, data in draft.files.items()}
    draft.sbom_path = draft.sbom_path.replace(old, new)
    assert_only(
        check(draft), rf"^{re.escape(new)}: the folder would be {re.escape(old)} by the file name"
    )


def test_two_dist_info_folders(draft: Draft, check: Check) -> None:
    draft.add("other-1.0.dist-info/METADATA", b"")
    assert_only(check(draft), r"it has 2 \.dist-info folders \(other-1\.0\.dist-info, toy_wheel-")


def test_other_tags_in_wheel(draft: Draft, check: Check) -> None:
    draft.replace(draft.inside("WHEEL"), "manylinux_2_17", "manylinux_2_28")
    assert_only(
        check(draft),
        r"WHEEL has the tags cp3\S+-manylinux_2_28_\w+, the file name cp3\S+-manylinux_2_17_",
    )


def test_a_compressed_tag_in_wheel(draft: Draft, check: Check) -> None:
    platform = draft.name[: -len(".whl")].split("-")[-1]
    both = f"{platform}.{platform.replace('2_17', '2_28')}"
    set_platform(draft, both)
    assert_only(check(draft), "WHEEL has the tags .*, the file name ")


def test_a_pure_wheel(draft: Draft, check: Check) -> None:
    draft.replace(draft.inside("WHEEL"), "Root-Is-Purelib: false", "Root-Is-Purelib: true")
    assert_only(check(draft), "WHEEL does not say `Root-Is-Purelib: false`")


def test_an_unknown_wheel_version(draft: Draft, check: Check) -> None:
    draft.replace(draft.inside("WHEEL"), "Wheel-Version: 1.0", "Wheel-Version: 2.0")
    assert_only(check(draft), "WHEEL has Wheel-Version '2.0'; write 1.0")


def test_a_file_name_that_is_none(draft: Draft, check: Check) -> None:
    draft.name = "toy.whl"
    assert_only(check(draft), r"Invalid wheel filename.*; rename it as the wheel format says")
