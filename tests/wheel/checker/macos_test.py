"""Wheels for macOS: of libraries that are made up here."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from changes import Check, assert_only, set_platform
from draft import Draft
from tiny_elf import EM_AARCH64, tiny_elf
from tiny_macho import CPU_ARM64, CPU_X86_64, tiny_macho

FOLDER = "llama_cpp_backend_vulkan/lib"
LIBRARY = f"{FOLDER}/libggml-standin.so"
METAL = "/System/Library/Frameworks/Metal.framework/Versions/A/Metal"
GOOD = {
    "install_name": "@rpath/libllama_cpp_python-ggml-standin.so",
    "needed": ("@rpath/libllama_cpp_python-ggml-base.dylib", METAL, "/usr/lib/libSystem.B.dylib"),
    "run_paths": ("@loader_path",),
    "exported": ("ggml_backend_init", "_Znwm"),
}
MODULE = "toy/_toy.cpython-{}-darwin.so"


@pytest.fixture
def plugin(tmp_path: Path) -> Draft:
    draft = Draft(Path(os.environ["PLUGIN_WHEEL"]))
    set_platform(draft, "macosx_13_0_arm64")
    set_backend(draft)
    return draft


def set_backend(plugin: Draft, **facts: object) -> None:
    """Replaces the library by one with these facts."""
    plugin.files[LIBRARY] = tiny_macho(**{**GOOD, **facts})
    plugin.fit_sbom()


@pytest.fixture
def wheel(draft: Draft) -> Draft:
    """Returns the wheel of an ABI, with nothing native in it but the extension module."""
    abi = draft.name.split("-")[3]
    set_platform(draft, "macosx_13_0_arm64")
    for path in [path for path, data in draft.files.items() if data.startswith(b"\x7fELF")]:
        del draft.files[path]
    draft.add(MODULE.format(abi.removeprefix("cp")), tiny_macho(exported=("PyInit__toy",)))
    draft.fit_sbom()
    return draft


def module_of(wheel: Draft) -> str:
    return next(path for path in wheel.files if path.endswith("-darwin.so"))


def test_a_good_extension(wheel: Draft, check: Check) -> None:
    assert check(wheel) == []


def test_an_extension_for_another_system(wheel: Draft, check: Check) -> None:
    wheel.rename(module_of(wheel), module_of(wheel).replace("darwin", "x86_64-linux-gnu"))
    wheel.fit_sbom()
    assert_only(
        check(wheel), r"has the suffix \S+linux-gnu\.so, the ABI \S+ of the wheel \S+darwin\.so"
    )


def test_an_extension_without_its_init_function(wheel: Draft, check: Check) -> None:
    wheel.files[module_of(wheel)] = tiny_macho(exported=("PyInit_toy",))
    wheel.fit_sbom()
    assert_only(check(wheel), "does not export PyInit__toy")


def test_no_extension(wheel: Draft, check: Check) -> None:
    del wheel.files[module_of(wheel)]
    wheel.fit_sbom()
    assert_only(check(wheel), r"there is no extension module for cp3\d+")


def test_an_extension_in_a_plugin(plugin: Draft, check: Check) -> None:
    set_backend(plugin, exported=("PyInit_toy",))
    expected = "is an extension module, but the wheel says it is for every Python"
    assert_only(check(plugin), expected, "there is no library in the wheel")


def test_a_library_that_is_no_backend(plugin: Draft, check: Check) -> None:
    set_backend(plugin, exported=("ggml_init",))
    assert_only(check(plugin), "does not export ggml_backend_init")


@pytest.mark.parametrize("accelerator", ["cpu", "metal"])
def test_good(plugin: Draft, check: Check, accelerator: str) -> None:
    assert check(plugin, accelerator=accelerator) == []


def test_an_older_system_is_good(plugin: Draft, check: Check) -> None:
    set_backend(plugin, minimum=(11, 0))
    assert check(plugin) == []


def test_a_newer_system(plugin: Draft, check: Check) -> None:
    set_backend(plugin, minimum=(13, 3))
    assert_only(check(plugin), r"needs macOS 13\.3, and the platform tag promises 13\.0")


def test_another_machine(plugin: Draft, check: Check) -> None:
    set_backend(plugin, machine=CPU_X86_64)
    assert_only(check(plugin), "is not for arm64, as the platform tag says")


def test_intels_cpu(plugin: Draft, check: Check) -> None:
    set_platform(plugin, "macosx_13_0_x86_64")
    # Code for it runs without a signature.
    set_backend(plugin, machine=CPU_X86_64, signed=False)
    assert check(plugin) == []
    set_backend(plugin, machine=CPU_ARM64)
    assert_only(check(plugin), "is not for x86_64, as the platform tag says")


def test_another_system_of_apple(plugin: Draft, check: Check) -> None:
    set_backend(plugin, platform=2)
    expected = "it is for platform 2 of Apple"
    assert_only(check(plugin), expected, "there is no library in the wheel")


def test_a_file_that_is_not_signed(plugin: Draft, check: Check) -> None:
    set_backend(plugin, signed=False)
    assert_only(check(plugin), "is not signed, and a Mac with Apple's CPU kills unsigned code")


def test_another_install_name(plugin: Draft, check: Check) -> None:
    set_backend(plugin, install_name="/build/libggml-standin.so")
    assert_only(check(plugin), r"has the install name /build/libggml-standin\.so")


def test_an_install_name_of_upstream(plugin: Draft, check: Check) -> None:
    set_backend(plugin, install_name="@rpath/libggml-standin.so")
    assert_only(check(plugin), r"has the install name libggml-standin\.so, as in every package")


@pytest.mark.parametrize(
    "library", ["@rpath/libfoo.dylib", "/opt/lib/libfoo.dylib", "libfoo.dylib"]
)
def test_a_library_that_not_every_mac_has(plugin: Draft, check: Check, library: str) -> None:
    set_backend(plugin, needed=(*GOOD["needed"], library))
    assert_only(check(plugin), f"needs {library}, which is neither on every Mac nor where its run")


def test_a_library_beside_it(plugin: Draft, check: Check) -> None:
    set_backend(plugin, needed=(*GOOD["needed"], "@rpath/libfoo.dylib"))
    plugin.add(
        f"{FOLDER}/libfoo.dylib",
        tiny_macho(install_name="@rpath/libfoo.dylib", exported=GOOD["exported"]),
    )
    plugin.fit_sbom()
    assert check(plugin) == []


@pytest.mark.parametrize("path", ["/build/lib", "@loader_path/../../../lib"])
def test_run_paths_that_lead_nowhere(plugin: Draft, check: Check, path: str) -> None:
    set_backend(plugin, run_paths=(path,))
    assert_only(check(plugin), f"has the run path '{path}', ")


def test_no_library_of_its_accelerator(plugin: Draft, check: Check) -> None:
    set_backend(plugin, needed=("@rpath/libllama_cpp_python-ggml-base.dylib",))
    assert_only(check(plugin, accelerator="metal"), "nothing in the wheel needs any of /System")


def test_a_file_for_linux(plugin: Draft, check: Check) -> None:
    plugin.files[LIBRARY] = tiny_elf(machine=EM_AARCH64)
    plugin.fit_sbom()
    expected = "is no 64-bit Mach-O file of one machine"
    assert_only(check(plugin), expected, "there is no library in the wheel")


def test_a_file_for_macos_in_a_wheel_for_linux(plugin: Draft, check: Check) -> None:
    set_platform(plugin, "manylinux_2_17_x86_64")
    expected = "is a file for macOS, and the platform tag is manylinux_2_17_x86_64"
    assert_only(check(plugin), expected, "there is no library in the wheel")


@pytest.mark.parametrize("size", [16, 40, 60, -1, -6, -20])
def test_truncated(plugin: Draft, check: Check, size: int) -> None:
    plugin.files[LIBRARY] = tiny_macho(**GOOD)[:size]
    plugin.fit_sbom()
    assert_only(check(plugin), "cannot be read as Mach-O", "there is no library in the wheel")


def test_a_native_file_that_the_sbom_does_not_name(plugin: Draft, check: Check) -> None:
    plugin.add(
        f"{FOLDER}/libfoo.dylib",
        tiny_macho(install_name="@rpath/libfoo.dylib", exported=GOOD["exported"]),
    )
    assert_only(check(plugin), "does not name the native file")


def test_a_system_that_nobody_knows(plugin: Draft, check: Check) -> None:
    set_platform(plugin, "macosx_13_0_riscv")
    assert any("the platform tag macosx_13_0_riscv promises nothing" in p for p in check(plugin))
