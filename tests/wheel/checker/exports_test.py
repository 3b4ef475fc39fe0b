"""The symbols that native files export, each of them once."""

from __future__ import annotations

import pytest
from changes import LIBRARY, Check, assert_only, machine_of, set_library
from draft import Draft
from tiny_elf import tiny_elf


@pytest.mark.parametrize(
    "symbol",
    [
        "_Znwm",
        "_ZdlPvm",
        "__cxa_throw",
        "__gxx_personality_v0",
        "_Unwind_Resume",
        "_ZNSt3__112basic_stringIcNS_11char_traitsIcEENS_9allocatorIcEEE6appendEPKc",
        "_ZNKSt13runtime_error4whatEv",
        "_ZTVN10__cxxabiv117__class_type_infoE",
        "_ZTISt9exception",
    ],
)
def test_the_cxx_runtime_is_exported(draft: Draft, check: Check, symbol: str) -> None:
    set_library(draft, exported=("toy_answer", symbol))
    assert_only(check(draft), rf"libtoy\.so: exports {symbol} of the C\+\+ runtime")


def test_own_cxx_names_may_be_exported(draft: Draft, check: Check) -> None:
    set_library(
        draft, exported=("_ZN3toy5StartERKNSt3__16vectorIiEE", "_Z5Startv", "_ZTVN3toy5ModelE")
    )
    assert check(draft) == []


def test_a_library_twice(draft: Draft, check: Check) -> None:
    draft.add("toy/libtoy.so", draft.files[LIBRARY])
    draft.fit_sbom()
    assert_only(check(draft), r"toy/libtoy\.so: is toy/lib/libtoy\.so again, byte for byte")


def test_a_soname_twice(draft: Draft, check: Check) -> None:
    draft.add("toy/libtoy.so", tiny_elf(machine=machine_of(draft), soname="libtoy.so"))
    draft.fit_sbom()
    assert_only(check(draft), r"toy/libtoy\.so: has the soname of toy/lib/libtoy\.so")


def test_a_soname_that_is_not_the_file(draft: Draft, check: Check) -> None:
    set_library(draft, soname="libtoy.so.1")
    assert_only(
        check(draft),
        r"has the soname libtoy\.so\.1, under which nothing finds a file called libtoy\.so",
    )


@pytest.mark.parametrize(
    "soname", ["libggml.so", "libggml-base.so.0", "libggml-toy.so", "libllama.so", "libmtmd.so"]
)
def test_a_soname_of_upstream(draft: Draft, check: Check, soname: str) -> None:
    set_library(draft, soname=soname)
    assert_only(check(draft), rf"libtoy\.so: has the soname {soname}, as in every package")


def test_a_plugins_soname(draft: Draft, check: Check) -> None:
    """A file that is opened by its path keeps ggml's name for it; its soname is our own."""
    set_library(draft, soname="libllama_cpp_python-toy.so")
    assert check(draft) == []


def test_exports_without_a_version(draft: Draft, check: Check) -> None:
    set_library(draft, exported=("toy_answer", "toy_question"), is_versioned=False)
    assert_only(check(draft), "exports toy_answer, toy_question without a version")


def test_a_program_that_cannot_be_run(draft: Draft, check: Check) -> None:
    draft.add("toy/lib/tool", tiny_elf(machine=machine_of(draft), is_program=True))
    draft.fit_sbom()
    assert_only(check(draft), "toy/lib/tool: is a program without its executable bit")


def test_a_library_cut_short(draft: Draft, check: Check) -> None:
    whole = draft.files[LIBRARY]
    for place in range(4, len(whole), len(whole) // 40):
        draft.files[LIBRARY] = whole[:place]
        draft.fit_sbom()
        assert_only(check(draft), rf"{LIBRARY}: cannot be read as ELF \(.+\); build it again")


def test_stripped_section_headers(draft: Draft, check: Check) -> None:
    set_library(draft, has_sections=False, needed=("libgomp.so.1",))
    assert_only(check(draft), "cannot be read as ELF .its section headers are stripped")
