"""The libraries that native files need, and where they look for them."""

from __future__ import annotations

import re

import pytest
from changes import Check, assert_only, relabel, set_library, set_module
from draft import Draft
from tiny_elf import DT_RUNPATH


def test_another_accelerators_library(draft: Draft, check: Check) -> None:
    relabel(draft, "cu12")
    set_library(draft, needed=("libcudart.so.12", "libcublas.so.13"))
    assert_only(check(draft), r"needs libcublas\.so\.13 of cu13, but the wheel is for cu12")


def test_an_accelerators_library_in_a_cpu_wheel(draft: Draft, check: Check) -> None:
    set_library(draft, needed=("libc.so.6", "libvulkan.so.1"))
    assert_only(check(draft), r"needs libvulkan\.so\.1 of vulkan, but the wheel is for cpu")


def test_a_cpu_wheel_under_an_accelerators_label(draft: Draft, check: Check) -> None:
    relabel(draft, "cu13")
    assert_only(
        check(draft), r"nothing in the wheel needs any of libcublas.*, though it is labelled cu13"
    )


@pytest.mark.parametrize("library", ["libgomp.so.1", "libssl.so.3", "libpython3.11.so.1.0"])
def test_a_library_that_systems_need_not_have(draft: Draft, check: Check, library: str) -> None:
    set_library(draft, needed=("libc.so.6", library))
    assert_only(
        check(draft),
        rf"needs {re.escape(library)}, which is neither in the wheel nor on every system",
    )


def test_a_library_that_is_not_found_in_the_wheel(draft: Draft, check: Check) -> None:
    set_module(draft, needed=("libtoy.so",), run_path="$ORIGIN/../lib")
    assert_only(
        check(draft), r"needs libtoy\.so, but none of its run paths \(\$ORIGIN/\.\./lib\) leads to"
    )
    set_module(draft, needed=("libtoy.so",))
    assert_only(
        check(draft), r"needs libtoy\.so, but none of its run paths \(it has none\) leads to"
    )


@pytest.mark.parametrize("run_path", ["/usr/lib", "$ORIGIN:/home/me/build", "lib", "$ORIGIN:"])
def test_a_run_path_of_the_build_machine(draft: Draft, check: Check, run_path: str) -> None:
    set_library(draft, run_path=run_path)
    wrong = re.escape(repr(run_path.split(":")[-1]))
    assert_only(check(draft), f"has the run path {wrong}, a folder of the build machine")


def test_a_run_path_that_comes_after_the_environments(draft: Draft, check: Check) -> None:
    set_library(draft, run_path="$ORIGIN", run_path_tag=DT_RUNPATH)
    assert_only(check(draft), r"libtoy\.so: has DT_RUNPATH, which LD_LIBRARY_PATH comes before")


def test_a_run_path_that_leaves_site_packages(draft: Draft, check: Check) -> None:
    set_library(draft, run_path="$ORIGIN/../../../lib")
    assert_only(
        check(draft), r"has the run path '\$ORIGIN/\.\./\.\./\.\./lib', which leaves site-packages"
    )
