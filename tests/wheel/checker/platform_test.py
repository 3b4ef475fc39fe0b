"""Machine and symbol versions against the platform tag."""

from __future__ import annotations

import pytest
from changes import Check, assert_only, expected, machine_of, set_library, set_platform
from draft import Draft
from tiny_elf import EM_AARCH64, EM_X86_64


def test_another_machine(draft: Draft, check: Check) -> None:
    other = EM_AARCH64 if machine_of(draft) == EM_X86_64 else EM_X86_64
    set_library(draft, machine=other)
    assert_only(
        check(draft), r"libtoy\.so: is for (AARCH64|X86_64), the platform tag for (x86_64|aarch64)"
    )


@pytest.mark.parametrize(
    "version", ["GLIBC_2.34", "GLIBC_2.18", "GLIBC_PRIVATE", "GLIBC_ABI_DT_RELR"]
)
def test_symbols_of_a_newer_glibc(draft: Draft, check: Check, version: str) -> None:
    set_library(draft, versions={"libc.so.6": ("GLIBC_2.17", version)})
    assert_only(check(draft), rf"needs {version} of libc\.so\.6, which a system of manylinux_2_17_")


@pytest.mark.parametrize("version", ["GLIBCXX_3.4.20", "CXXABI_1.3.8"])
def test_symbols_of_a_newer_cxx_library(draft: Draft, check: Check, version: str) -> None:
    set_library(draft, needed=("libstdc++.so.6",), versions={"libstdc++.so.6": (version,)})
    assert_only(
        check(draft), rf"needs {version} of libstdc\+\+\.so\.6, which a system of manylinux_2_17_"
    )


def test_a_platform_tag_that_promises_nothing(draft: Draft, check: Check, policy) -> None:
    set_platform(draft, "linux_x86_64")
    assert_only(check(draft), "cp3.* on linux_x86_64 is not known")
    # With the suffix known from the toolchain, the tag itself is wrong.
    assert any(
        "the platform tag linux_x86_64 promises nothing" in problem
        for problem in check(draft, expected=expected(draft, policy))
    )
