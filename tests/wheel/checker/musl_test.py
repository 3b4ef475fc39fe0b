"""Wheels for Linux with musl: of libraries that are made up here."""

from __future__ import annotations

import re

import pytest
from changes import LIBRARY, Check, assert_only, machine_of, module_of, set_library, set_platform
from draft import Draft
from tiny_elf import EM_AARCH64, EM_X86_64, tiny_elf


def platform_of(wheel: Draft) -> str:
    return wheel.name[: -len(".whl")].split("-")[-1]


def cpu_of(wheel: Draft) -> str:
    return platform_of(wheel).split("_", 3)[3]


@pytest.fixture
def wheel(draft: Draft) -> Draft:
    """Returns the wheel of an ABI: a library, and an extension module that is linked to it."""
    machine = cpu_of(draft)
    module = module_of(draft)
    set_platform(draft, f"musllinux_1_2_{machine}")
    minor = int(re.search(r"-cp3(\d+)", draft.name)[1])
    if minor >= 11:
        draft.rename(module, module.replace("-gnu", "-musl"))
    library = f"libc.musl-{machine}.so.1"
    set_file(draft, LIBRARY, soname="libtoy.so", exported=("toy_add",), needed=(library,))
    set_file(
        draft,
        module_of(draft),
        exported=("PyInit__toy",),
        needed=("libtoy.so", library),
        run_path="$ORIGIN/lib",
    )
    return draft


def set_file(wheel: Draft, path: str, **facts: object) -> None:
    wheel.files[path] = tiny_elf(**{"machine": machine_of(wheel), **facts})
    wheel.fit_sbom()


def test_good(wheel: Draft, check: Check) -> None:
    assert check(wheel) == []


def test_upstreams_name_of_musl_is_good(wheel: Draft, check: Check) -> None:
    set_library(wheel, needed=("libc.so",))
    assert check(wheel) == []


def test_another_machine(wheel: Draft, check: Check) -> None:
    other = EM_AARCH64 if machine_of(wheel) == EM_X86_64 else EM_X86_64
    set_library(wheel, machine=other, needed=("libc.so",))
    assert_only(check(wheel), r"is for (AARCH64|X86_64), the platform tag for (x86_64|aarch64)")


def test_musl_of_another_machine(wheel: Draft, check: Check) -> None:
    set_library(wheel, needed=("libc.musl-riscv64.so.1",))
    assert_only(check(wheel), r"needs libc\.musl-riscv64\.so\.1, which is neither in the wheel nor")


@pytest.mark.parametrize(
    "library", ["libc.so.6", "libm.so.6", "libstdc++.so.6", "ld-linux-x86-64.so.2"]
)
def test_a_library_of_glibc(wheel: Draft, check: Check, library: str) -> None:
    set_library(wheel, needed=(library,), versions={library: ("GLIBC_2.17",)})
    assert_only(
        check(wheel),
        rf"needs {re.escape(library)} of systems with glibc, and the platform tag is musllinux_1_2",
    )


def test_musl_in_a_wheel_for_glibc(draft: Draft, check: Check) -> None:
    set_library(draft, needed=("libc.musl-x86_64.so.1",))
    assert_only(check(draft), r"needs libc\.musl-x86_64\.so\.1, which is neither in the wheel nor")


def test_a_wheel_for_both_may_need_neither(wheel: Draft, check: Check) -> None:
    set_platform(wheel, f"manylinux_2_17_{cpu_of(wheel)}.{platform_of(wheel)}")
    problems = check(wheel)
    assert any("libtoy.so: needs libc.musl-" in problem for problem in problems)


def test_symbols_with_versions(wheel: Draft, check: Check) -> None:
    set_library(wheel, needed=("libc.so",), versions={"libc.so": ("GLIBC_2.17",)})
    assert_only(check(wheel), r"needs GLIBC_2\.17 of libc\.so, and musl's symbols have no versions")


# musl's WHATSNEW has the versions.
@pytest.mark.parametrize(("symbol", "since"), [("gettid", r"1\.2\.2"), ("statx", r"1\.2\.5")])
def test_symbols_of_a_newer_musl(wheel: Draft, check: Check, symbol: str, since: str) -> None:
    set_library(wheel, needed=("libc.so",), undefined=("malloc", symbol))
    assert_only(check(wheel), rf"needs {symbol}, which musl has since {since}, and a system of")


def test_symbols_of_a_newer_musl_that_is_promised(wheel: Draft, check: Check) -> None:
    set_platform(wheel, platform_of(wheel).replace("1_2", "1_3"))
    set_library(wheel, needed=("libc.so",), undefined=("statx",))
    assert check(wheel) == []


def test_an_extension_for_glibc(wheel: Draft, check: Check) -> None:
    right = module_of(wheel)
    wrong = right.replace("-musl", "-other") if "-musl" in right else right.replace("gnu", "musl")
    wheel.rename(right, wrong)
    wheel.fit_sbom()
    assert_only(check(wheel), r"has the suffix \S+, the ABI \S+ of the wheel \S+linux-\w+\.so")


def test_a_machine_that_nobody_knows(wheel: Draft, check: Check) -> None:
    set_platform(wheel, "musllinux_1_2_riscv64")
    assert_only(check(wheel), "on musllinux_1_2_riscv64 is not known")
