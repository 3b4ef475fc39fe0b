"""Plug-in wheels: libraries for the process of another wheel, whatever the Python."""

from __future__ import annotations

import os
from pathlib import Path

import check_wheel
import pytest
from changes import Check, assert_only, machine_of, module_of, set_library
from draft import Draft
from tiny_elf import tiny_elf

LIBRARY = "llama_cpp_backend_vulkan/lib/libggml-standin.so"
HOST = "libllama_cpp_python-ggml-base.so"
GOOD = {"needed": (HOST, "libc.so.6"), "exported": ("ggml_backend_init",)}


@pytest.fixture
def plugin(tmp_path: Path) -> Draft:
    draft = Draft(Path(os.environ["PLUGIN_WHEEL"]))
    draft.fit_sbom()
    return draft


def set_backend(plugin: Draft, **facts: object) -> None:
    """Replaces the library by one with these facts."""
    facts = {
        "machine": machine_of(plugin),
        "soname": "libllama_cpp_python-ggml-standin.so",
        **GOOD,
        **facts,
    }
    plugin.files[LIBRARY] = tiny_elf(**facts)
    plugin.fit_sbom()


def test_the_wheel_as_built_is_good(plugin: Draft, check: Check, policy) -> None:
    assert check_wheel.problems(Path(os.environ["PLUGIN_WHEEL"]), policy=policy) == []
    assert check(plugin) == []


@pytest.mark.parametrize(
    "exported", [GOOD["exported"], ("ggml_backend_init", "ggml_backend_score")]
)
def test_a_synthetic_library_is_good(
    plugin: Draft, check: Check, exported: tuple[str, ...]
) -> None:
    set_backend(plugin, exported=exported)
    assert check(plugin) == []


def test_an_accelerator_may_need_its_libraries(plugin: Draft, check: Check) -> None:
    set_backend(plugin, needed=(HOST, "libvulkan.so.1"))
    assert check(plugin, accelerator="vulkan") == []
    assert_only(check(plugin), r"needs libvulkan\.so\.1 of vulkan, but the wheel is for cpu")


def test_no_library_of_its_accelerator(plugin: Draft, check: Check) -> None:
    assert_only(
        check(plugin, accelerator="vulkan"), r"nothing in the wheel needs any of libvulkan\.so\.1"
    )


@pytest.mark.parametrize("library", ["libggml.so", "libggml-base.so", HOST + ".0"])
def test_other_libraries_of_the_host(plugin: Draft, check: Check, library: str) -> None:
    set_backend(plugin, needed=(HOST, library))
    assert_only(
        check(plugin), f"needs {library}, which is neither in the wheel nor on every system"
    )


def test_only_a_plugin_finds_the_hosts_library(draft: Draft, check: Check) -> None:
    set_library(draft, needed=(HOST,))
    assert_only(check(draft), f"needs {HOST}, which is neither in the wheel")


def test_a_second_copy_of_the_hosts_library(plugin: Draft, check: Check) -> None:
    path = f"llama_cpp_backend_vulkan/lib/{HOST}"
    facts = {"machine": machine_of(plugin), "soname": HOST}
    plugin.add(path, tiny_elf(exported=("ggml_backend_init",), **facts))
    plugin.fit_sbom()
    assert_only(check(plugin), rf"^{path}: is a library of llama-cpp-python, which has it loaded")


def test_more_exports(plugin: Draft, check: Check) -> None:
    set_backend(plugin, exported=("ggml_backend_init", "ggml_backend_vk_reg", "vkCreateInstance"))
    assert_only(check(plugin), "exports ggml_backend_vk_reg, vkCreateInstance beside ggml_backend_")


def test_no_entry_point(plugin: Draft, check: Check) -> None:
    set_backend(plugin, exported=("ggml_backend_score",))
    assert_only(check(plugin), "does not export ggml_backend_init, so nothing can load it")


def test_no_library(plugin: Draft, check: Check) -> None:
    del plugin.files[LIBRARY]
    plugin.fit_sbom()
    assert_only(check(plugin), "there is no library in the wheel; set `native` of py_plugin_wheel")


def test_an_extension_module(plugin: Draft, draft: Draft, check: Check) -> None:
    module = module_of(draft).rpartition("/")[2]
    facts = {"machine": machine_of(plugin), "exported": ("PyInit__toy",)}
    plugin.add(f"llama_cpp_backend_vulkan/{module}", tiny_elf(**facts))
    plugin.fit_sbom()
    assert_only(check(plugin), "is an extension module, but the wheel says it is for every Python")


def test_a_library_that_needs_python(plugin: Draft, check: Check) -> None:
    set_backend(plugin, undefined=("PyModule_Create2",))
    assert_only(check(plugin), "needs PyModule_Create2 of Python")


@pytest.mark.parametrize("requirement", ["llama-cpp-python", "llama-cpp-python>=0.1", "numpy"])
def test_a_host_of_any_version(plugin: Draft, check: Check, requirement: str) -> None:
    pin = next(
        line
        for line in plugin.files[plugin.inside("METADATA")].decode().splitlines()
        if line.startswith("Requires-Dist: llama-cpp-python==")
    )
    plugin.metadata(pin, f"Requires-Dist: {requirement}")
    assert_only(check(plugin), f"METADATA does not have `{pin}`, so the plug-in would stay")


def test_an_entry_point_of_no_module(plugin: Draft, check: Check) -> None:
    plugin.replace(plugin.inside("entry_points.txt"), "= llama_cpp_backend_vulkan", "= elsewhere")
    assert_only(check(plugin), "vulkan of llama_cpp.backends names the module elsewhere")
