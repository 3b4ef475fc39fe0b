"""Wheels for Windows: of libraries that are made up here."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from changes import Check, assert_only, set_platform
from draft import Draft
from tiny_elf import tiny_elf
from tiny_pe import ARM64, HIGH_ENTROPY_VA, tiny_pe

FOLDER = "toy/lib"
LIBRARY = f"{FOLDER}/toy.dll"
UCRT = "api-ms-win-crt-heap-l1-1-0.dll"
WINDOWS = {"KERNEL32.dll": ["Sleep"], UCRT: ["malloc"]}
BASE = "llama_cpp_python-ggml-base.dll"
BACKEND = "llama_cpp_backend_vulkan/lib/ggml-standin.dll"


def abi_of(wheel: Draft) -> str:
    return wheel.name.split("-")[3]


def module_of(wheel: Draft) -> str:
    return f"toy/_toy.{abi_of(wheel)}-win_amd64.pyd"


def python_of(wheel: Draft) -> str:
    return f"python{abi_of(wheel).removeprefix('cp')}.dll"


@pytest.fixture
def wheel(draft: Draft) -> Draft:
    """Returns the wheel of an ABI: a library, and an extension module that is linked to it."""
    set_platform(draft, "win_amd64")
    for path in [path for path, data in draft.files.items() if data.startswith(b"\x7fELF")]:
        del draft.files[path]
    set_library(draft)
    set_module(draft)
    return draft


def set_library(wheel: Draft, path: str = LIBRARY, **facts: object) -> None:
    """Adds or replaces the library by one with these facts."""
    good = {"name": path.split("/")[-1], "exported": ["toy_add"], "needed": WINDOWS}
    wheel.files = {path: tiny_pe(**{**good, **facts}), **wheel.files}
    wheel.files[path] = tiny_pe(**{**good, **facts})
    wheel.fit_sbom()


def set_module(wheel: Draft, **facts: object) -> None:
    """Adds or replaces the extension module by one with these facts."""
    path = module_of(wheel)
    good = {
        "name": path.split("/")[-1],
        "exported": ["PyInit__toy"],
        "needed": {python_of(wheel): ["PyModule_Create2"], "toy.dll": ["toy_add"], **WINDOWS},
    }
    wheel.files = {path: b"", **wheel.files}
    wheel.files[path] = tiny_pe(**{**good, **facts})
    wheel.fit_sbom()


@pytest.fixture
def plugin() -> Draft:
    """Returns the plug-in wheel of a backend."""
    draft = Draft(Path(os.environ["PLUGIN_WHEEL"]))
    set_platform(draft, "win_amd64")
    for path in [path for path, data in draft.files.items() if data.startswith(b"\x7fELF")]:
        del draft.files[path]
    set_backend(draft)
    return draft


def set_backend(plugin: Draft, **facts: object) -> None:
    needed = {BASE: ["ggml_init"], **WINDOWS}
    set_library(plugin, BACKEND, **{"exported": ["ggml_backend_init"], "needed": needed, **facts})


def test_good(wheel: Draft, check: Check) -> None:
    assert check(wheel) == []


def test_a_program_is_good(wheel: Draft, check: Check) -> None:
    set_library(wheel, f"{FOLDER}/probe.exe", is_dll=False, exported=[])
    assert check(wheel) == []


def test_a_good_plugin(plugin: Draft, check: Check) -> None:
    assert check(plugin) == []


def test_another_machine(wheel: Draft, check: Check) -> None:
    set_library(wheel, machine=ARM64)
    assert_only(check(wheel), "is not for amd64, as the platform tag says")


def test_a_time(wheel: Draft, check: Check) -> None:
    set_library(wheel, timestamp=1_700_000_000)
    assert_only(check(wheel), "has a time in its header")


def test_no_address_space_randomisation(wheel: Draft, check: Check) -> None:
    set_library(wheel, flags=HIGH_ENTROPY_VA)
    assert_only(check(wheel), "lacks DYNAMIC_BASE, NX_COMPAT of DllCharacteristics")


def test_a_path_of_the_build_machine(wheel: Draft, check: Check) -> None:
    set_library(wheel, symbol_file="C:\\build\\toy.pdb")
    assert_only(check(wheel), r"names C:\\build\\toy\.pdb, a file of the build machine")


@pytest.mark.parametrize(
    "library", ["VCRUNTIME140.dll", "MSVCP140.dll", "libgcc_s_seh-1.dll", "msvcrt.dll"]
)
def test_the_runtime_of_a_compiler(wheel: Draft, check: Check, library: str) -> None:
    set_library(wheel, needed={**WINDOWS, library: ["memcpy"]})
    assert_only(check(wheel), f"needs {library.lower()} of a compiler")


@pytest.mark.parametrize("kind", ["needed", "delayed"])
def test_a_library_that_not_every_windows_has(wheel: Draft, check: Check, kind: str) -> None:
    set_library(wheel, **{kind: {"foo.dll": ["foo"]}})
    assert_only(check(wheel), "needs foo.dll, which is neither in the wheel nor on every Windows")


def test_a_library_by_its_path(wheel: Draft, check: Check) -> None:
    set_library(wheel, needed={"C:\\build\\toy2.dll": ["foo"]})
    assert_only(check(wheel), r"needs c:\\build\\toy2\.dll, which is neither in the wheel")


def test_a_symbol_that_its_library_lacks(wheel: Draft, check: Check) -> None:
    set_library(wheel, exported=["toy_subtract"])
    assert_only(check(wheel), "takes toy_add from toy.dll, which does not export it")


def test_an_extension_for_another_python(wheel: Draft, check: Check) -> None:
    set_module(wheel, needed={"python37.dll": ["PyModule_Create2"]})
    assert_only(check(wheel), r"needs python37\.dll, and the ABI of the wheel is cp3")


def test_an_extension_for_a_free_threaded_python(wheel: Draft, check: Check) -> None:
    library = python_of(wheel).replace(".dll", "t.dll")
    set_module(wheel, needed={library: ["PyModule_Create2"]})
    assert_only(check(wheel), rf"needs {library}, and the ABI of the wheel is cp3")


def test_a_library_that_needs_python(wheel: Draft, check: Check) -> None:
    set_library(wheel, needed={python_of(wheel): ["PyList_New"]})
    assert_only(check(wheel), "so it works with one ABI only")


@pytest.mark.parametrize("suffix", [".pyd", ".cp37-win_amd64.pyd", ".cp314-win32.pyd"])
def test_another_suffix(wheel: Draft, check: Check, suffix: str) -> None:
    wheel.rename(module_of(wheel), f"toy/_toy{suffix}")
    problems = check(wheel)
    assert any(f"has the suffix {suffix}," in problem for problem in problems), problems


def test_an_extension_without_its_init_function(wheel: Draft, check: Check) -> None:
    set_module(wheel, exported=["PyInit_toy"])
    problems = check(wheel)
    assert any("does not export PyInit__toy" in problem for problem in problems), problems


def test_more_exports_of_an_extension(wheel: Draft, check: Check) -> None:
    set_module(wheel, exported=["PyInit__toy", "toy_add"])
    assert_only(check(wheel), "exports toy_add beside PyInit__toy")


def test_no_extension(wheel: Draft, check: Check) -> None:
    del wheel.files[module_of(wheel)]
    wheel.fit_sbom()
    assert_only(check(wheel), r"there is no extension module for cp3\d+")


def test_a_leaked_cxx_runtime(wheel: Draft, check: Check) -> None:
    set_library(wheel, exported=["toy_add", "_Znwm"])
    assert_only(check(wheel), "exports _Znwm of the C\\+\\+ runtime")


def test_a_renamed_library(wheel: Draft, check: Check) -> None:
    set_library(wheel, name="other.dll")
    assert_only(check(wheel), r"calls itself other\.dll in its export table")


@pytest.mark.parametrize("name", ["ggml-base.dll", "ggml.dll", "llama.dll", "mtmd.dll"])
def test_a_name_of_upstream(wheel: Draft, check: Check, name: str) -> None:
    set_library(wheel, f"{FOLDER}/{name}")
    assert_only(check(wheel), rf"has the name {name}, as in every package with llama\.cpp")


def test_a_program_with_the_name_of_a_library(wheel: Draft, check: Check) -> None:
    set_library(wheel, f"{FOLDER}/probe.dll", is_dll=False, exported=[])
    assert_only(check(wheel), r"is a program, which Windows knows by \.exe")


def test_a_library_twice(wheel: Draft, check: Check) -> None:
    wheel.add("toy/toy.dll", wheel.files[LIBRARY])
    wheel.fit_sbom()
    assert_only(check(wheel), "again, byte for byte")


def test_two_libraries_of_one_name(wheel: Draft, check: Check) -> None:
    set_library(wheel, "toy/TOY.dll", exported=["toy_add", "toy_subtract"])
    assert_only(check(wheel), r"has the name of toy/\S+, and a process takes one of them for both")


def test_more_exports_of_a_backend(plugin: Draft, check: Check) -> None:
    set_backend(plugin, exported=["ggml_backend_init", "ggml_cpu_init"])
    assert_only(check(plugin), "exports ggml_cpu_init beside ggml_backend_init")


def test_a_library_that_is_no_backend(plugin: Draft, check: Check) -> None:
    set_backend(plugin, exported=["ggml_backend_score"])
    assert_only(check(plugin), "does not export ggml_backend_init")


def test_a_file_for_linux(wheel: Draft, check: Check) -> None:
    wheel.add(f"{FOLDER}/libtoy.so", tiny_elf())
    wheel.fit_sbom()
    assert_only(check(wheel), "is for another system, and the platform tag is win_amd64")


def test_a_file_for_windows_in_a_wheel_for_linux(draft: Draft, check: Check) -> None:
    draft.add(LIBRARY, tiny_pe(name="toy.dll", exported=["toy_add"]))
    draft.fit_sbom()
    assert_only(check(draft), "is a file for Windows, and the platform tag is manylinux_2_17")


# Parts of the headers, and the end of the section with all tables.
@pytest.mark.parametrize("size", [2, 60, 100, 200, 380, 0x400, -20])
def test_truncated(wheel: Draft, check: Check, size: int) -> None:
    wheel.files[LIBRARY] = wheel.files[LIBRARY][:size]
    wheel.fit_sbom()
    problems = check(wheel)
    assert any("toy.dll: cannot be read as PE" in problem for problem in problems), problems


def test_a_native_file_that_the_sbom_does_not_name(wheel: Draft, check: Check) -> None:
    wheel.add(f"{FOLDER}/foo.dll", tiny_pe(name="foo.dll", exported=["foo"]))
    assert_only(check(wheel), "does not name the native file")


def test_a_machine_that_nobody_knows(wheel: Draft, check: Check) -> None:
    set_platform(wheel, "win_riscv")
    assert any("the platform tag win_riscv promises nothing" in p for p in check(wheel))
