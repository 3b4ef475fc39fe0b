"""Paths, dates, modes, links, RECORD."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest
from changes import Check, assert_only
from draft import Draft


def test_a_symbolic_link(draft: Draft, check: Check) -> None:
    draft.add("toy/lib/libtoy.so.1", b"libtoy.so")
    draft.modes["toy/lib/libtoy.so.1"] = 0o120777
    assert_only(check(draft), r"toy/lib/libtoy\.so\.1: is a symbolic link")


@pytest.mark.parametrize(
    "path", ["/etc/toy.conf", "../toy.py", "toy/../../toy.py", "toy\\toy.py", "C:/toy.py"]
)
def test_a_path_that_leaves_the_folder(draft: Draft, check: Check, path: str) -> None:
    draft.add(path, b"")
    assert_only(check(draft), f"{re.escape(path)}: the path is absolute or leaves the folder")


def test_two_entries_of_one_name(draft: Draft, check: Check) -> None:
    draft.again[draft.inside("RECORD")] = b""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile's own, about the same thing
        problems = check(draft)
    assert re.search(r"RECORD: the archive has 2 entries of this name", problems[0])


def test_a_date(draft: Draft, check: Check) -> None:
    draft.dates["toy/__init__.py"] = (2026, 11, 25, 1, 2, 4)
    assert_only(
        check(draft), r"^toy/__init__\.py: is dated 2026-11-25, which makes every build differ"
    )


def test_a_mode(draft: Draft, check: Check) -> None:
    draft.modes["toy/__init__.py"] = 0o100664
    assert_only(check(draft), r"^toy/__init__\.py: has mode 100664, which depends on who built it")


def test_record_is_not_last(draft: Draft, check: Check) -> None:
    draft.has_record_last = False
    assert_only(check(draft), "RECORD: is not the last entry", "is not at the end of the archive")


def test_a_wrong_hash_in_record(draft: Draft, check: Check) -> None:
    path = "toy/__init__.py"
    draft.record[path] = [path, "sha256=" + "A" * 43, str(len(draft.files[path]))]
    assert_only(
        check(draft), r"^toy/__init__\.py: RECORD has the hash sha256=A{43}, the file has sha256="
    )


def test_a_weak_hash_in_record(draft: Draft, check: Check) -> None:
    path = "toy/__init__.py"
    draft.record[path] = [path, "md5=AAAAAAAAAAAAAAAAAAAAAA", str(len(draft.files[path]))]
    assert_only(check(draft), r"^toy/__init__\.py: RECORD has the hash md5=")


def test_a_wrong_size_in_record(draft: Draft, check: Check, toy_wheel: Path) -> None:
    good = next(line for line in _record_of(toy_wheel) if line.startswith("toy/__init__.py,"))
    path, digest, size = good.split(",")
    draft.record[path] = [path, digest, "1" + size]
    assert_only(
        check(draft), rf"^toy/__init__\.py: RECORD has the size 1{size}, the file has {size};"
    )


def test_a_file_that_is_not_in_record(draft: Draft, check: Check) -> None:
    draft.record["toy/py.typed"] = None
    assert_only(check(draft), r"^toy/py\.typed: is in the archive but not in RECORD")


def test_a_line_of_record_without_a_file(draft: Draft, check: Check) -> None:
    draft.record["toy/gone.py"] = ["toy/gone.py", "sha256=" + "A" * 43, "1"]
    assert_only(check(draft), r"^toy/gone\.py: RECORD lists it, but it is not in the archive")


def test_a_malformed_line_of_record(draft: Draft, check: Check) -> None:
    draft.record["toy/py.typed"] = ["toy/py.typed", ""]
    assert_only(check(draft), r"RECORD: the line 'toy/py\.typed,' does not have three fields")


def test_no_record(draft: Draft, check: Check) -> None:
    draft.has_record = False
    assert_only(check(draft), r"\.dist-info/RECORD is missing; build the wheel again")


def _record_of(wheel: Path) -> list[str]:
    import zipfile

    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith("/RECORD"))
        return archive.read(name).decode().splitlines()
