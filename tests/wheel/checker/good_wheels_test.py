"""Good wheels pass, whatever they are good for."""

from __future__ import annotations

from pathlib import Path

import check_wheel
import pytest
from changes import Check, machine_of, relabel, set_library, set_module, set_platform
from draft import Draft
from tiny_elf import tiny_elf


def test_the_wheel_as_built_is_good(toy_wheel: Path) -> None:
    assert check_wheel.problems(toy_wheel) == []


def test_an_unchanged_draft_is_good(draft: Draft, check: Check) -> None:
    assert check(draft) == []


def test_synthetic_files_are_good(draft: Draft, check: Check) -> None:
    set_library(
        draft,
        needed=("libc.so.6", "libstdc++.so.6", "libgcc_s.so.1"),
        run_path="$ORIGIN",
        exported=("toy_answer",),
        versions={
            "libc.so.6": ("GLIBC_2.2.5", "GLIBC_2.17"),
            "libgcc_s.so.1": ("GCC_3.0",),
            "libstdc++.so.6": ("GLIBCXX_3.4", "GLIBCXX_3.4.19", "CXXABI_1.3.7"),
        },
    )
    set_module(
        draft,
        needed=("libtoy.so", "libc.so.6"),
        run_path="$ORIGIN/lib",
        undefined=("PyModule_Create2", "toy_answer"),
    )
    draft.add("toy/lib/tool", tiny_elf(machine=machine_of(draft), is_program=True))
    draft.modes["toy/lib/tool"] = 0o100755
    draft.fit_sbom()
    assert check(draft) == []


@pytest.mark.parametrize(
    ("label", "needed"),
    [
        ("cu12", ("libcudart.so.12", "libcublas.so.12", "libcublasLt.so.12")),
        ("cu13", ("libcudart.so.13", "libcublas.so.13", "libcuda.so.1")),
        ("rocm6", ("libamdhip64.so.6",)),
        ("vulkan", ("libvulkan.so.1",)),
    ],
)
def test_an_accelerator_may_need_its_libraries(
    draft: Draft, check: Check, label: str, needed: tuple[str, ...]
) -> None:
    relabel(draft, label)
    set_library(draft, needed=needed, run_path="$ORIGIN:$ORIGIN/../../nvidia/cu13/lib")
    assert check(draft) == []


def test_newer_symbols_are_good_under_a_newer_tag(draft: Draft, check: Check) -> None:
    set_library(
        draft,
        needed=("libc.so.6", "libstdc++.so.6"),
        versions={"libc.so.6": ("GLIBC_2.28",), "libstdc++.so.6": ("GLIBCXX_3.4.24",)},
    )
    set_platform(draft, draft.name[: -len(".whl")].split("-")[-1].replace("2_17", "2_28"))
    assert check(draft) == []
