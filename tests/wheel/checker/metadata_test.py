"""METADATA and its promises."""

from __future__ import annotations

from changes import Check, assert_only
from draft import Draft


def test_metadata_that_packaging_rejects(draft: Draft, check: Check) -> None:
    draft.metadata("Requires-Python: >=3.9", "Requires-Python: at least 3.9")
    draft.metadata("License-Expression: MIT", "License-Expression: MIT AND or so")
    assert_only(
        check(draft),
        "METADATA is refused by `packaging`: .*license-expression",
        "METADATA is refused by `packaging`: .*requires-python",
    )


def test_a_python_that_the_tag_excludes(draft: Draft, check: Check) -> None:
    draft.metadata("Requires-Python: >=3.9", "Requires-Python: >=3.90")
    assert_only(
        check(draft),
        r"METADATA has `Requires-Python: >=3\.90`, which excludes the cp3\d+ of the file name",
    )


def test_no_requires_python(draft: Draft, check: Check) -> None:
    draft.metadata("Requires-Python: >=3.9\n", "")
    assert_only(check(draft), "METADATA has no Requires-Python")


def test_a_missing_licence(draft: Draft, check: Check) -> None:
    del draft.files[draft.inside("licenses/LICENSE")]
    assert_only(
        check(draft), r"the licence \S+/licenses/LICENSE is missing, though METADATA names it"
    )


def test_a_licence_that_metadata_does_not_name(draft: Draft, check: Check) -> None:
    draft.metadata("License-File: LICENSE\n", "")
    assert_only(check(draft), "licenses/LICENSE: METADATA has no License-File for it")


def test_no_licences(draft: Draft, check: Check) -> None:
    for path in [path for path in draft.files if "/licenses/" in path]:
        draft.metadata(f"License-File: {path.split('/licenses/')[1]}\n", "")
        del draft.files[path]
    draft.metadata("License-Expression: MIT\n", "")
    draft.sbom["components"] = [part for part in draft.sbom["components"] if part["type"] == "file"]
    assert_only(check(draft), "METADATA has no License-Expression", "METADATA has no License-File")


def test_types_that_are_promised_only(draft: Draft, check: Check) -> None:
    del draft.files["toy/py.typed"]
    assert_only(
        check(draft),
        r"toy/py\.typed is missing, though METADATA has the classifier `Typing :: Typed`",
    )


def test_an_entry_point_to_nowhere(draft: Draft, check: Check) -> None:
    draft.replace(draft.inside("entry_points.txt"), "toy:main", "toy.cli:main")
    assert_only(
        check(draft),
        r"entry_points\.txt: toy of console_scripts names the module toy\.cli, which is not",
    )


def test_entry_points_that_cannot_be_read(draft: Draft, check: Check) -> None:
    draft.files[draft.inside("entry_points.txt")] = b"toy = toy:main\n"
    assert_only(
        check(draft), r"entry_points\.txt: cannot be read \(File contains no section headers"
    )


def test_metadata_in_another_encoding(draft: Draft, check: Check) -> None:
    draft.files[draft.inside("METADATA")] = "Summary: für alle".encode("latin-1")
    assert_only(check(draft), r"METADATA is not UTF-8 \(.*at byte 10\)")
