"""Command lines of everything else that a wheel for a Mac has."""

from __future__ import annotations

import pytest
from accelerator_table import row
from command_line_facts import METAL
from command_lines import value_of
from nested_bazel import Workspace

pytest_plugins = ["command_line_fixtures"]

_ROW = row("metal")
_NAMED = "-Wl,-install_name,@rpath/"
_VARIANTS = {
    "apple_m1": "-march=armv8.2-a+dotprod",
    "apple_m2_m3": "-march=armv8.6-a+dotprod+i8mm",
    "apple_m4": "-march=armv9.2-a+nosve+dotprod+i8mm+sme",
}


def _libraries(workspace: Workspace, target: str, *options: str) -> set[str]:
    """Returns the install names of the libraries linked for a target."""
    links = workspace.actions(f'mnemonic("CppLink", deps({target}))', *options)
    words = [word for link in links for word in link["arguments"]]
    return {word[len(_NAMED) :] for word in words if word.startswith(_NAMED)}


def _machine_options(workspace: Workspace, target: str) -> set[tuple[str, ...]]:
    """Returns the options -m... that compiles of a target have."""
    compiles = workspace.actions(f'mnemonic("CppCompile", {target})', METAL)
    return {tuple(word for word in a["arguments"] if word.startswith("-m")) for a in compiles}


@pytest.mark.parametrize("variant", _VARIANTS)
def test_options_of_a_variant_of_apples_cpus(workspace: Workspace, variant: str) -> None:
    target = f"@llama_cpp//:ggml-cpu-{variant}"
    assert _machine_options(workspace, f"{target}_objects") == {(_VARIANTS[variant],)}
    # Every CPU runs the score.
    assert _machine_options(workspace, f"{target}_score") == {()}


def test_variants_of_apples_cpus(workspace: Workspace) -> None:
    names = _libraries(workspace, "@llama_cpp//:ggml-cpu", METAL)
    expected = {f"libllama_cpp_python-ggml-cpu-{variant}.so" for variant in _VARIANTS}
    assert {name for name in names if "cpu" in name} == expected


def test_the_extension_leaves_pythons_symbols_to_python(workspace: Workspace) -> None:
    (link,) = workspace.actions('mnemonic("CppLink", //native/binding:module_cp313)', METAL)
    words = link["arguments"]
    assert value_of(words, "-o").endswith("/_core.cpython-313-darwin.so")
    assert "-Wl,-undefined,dynamic_lookup" in words
    assert "-Wl,-rpath,@loader_path/lib" in words


def test_the_probe_finds_the_libraries_beside_it(workspace: Workspace) -> None:
    (link,) = workspace.actions('mnemonic("CppLink", //native/probe:ggml-cpu-probe)', METAL)
    assert "-Wl,-rpath,@loader_path" in link["arguments"]
    assert [word for word in link["arguments"] if "$ORIGIN" in word] == []


def test_the_main_wheel_is_the_cpus_and_one_library(workspace: Workspace) -> None:
    cpu = _libraries(workspace, "//:wheel_cp313", "--platforms=//platforms:macos_aarch64")
    assert {"libllama_cpp_python-llama.dylib", "libllama_cpp_python-ggml-rpc.so"} <= cpu
    metal = _libraries(workspace, "//:wheel_cp313", METAL)
    assert metal - cpu == {"libllama_cpp_python-ggml-metal.so"}


@pytest.mark.parametrize(
    ("target", "tag"),
    [
        ("//:backend_wheel_metal", "-py3-none-macosx_13_0_arm64.whl"),
        ("//:wheel_cp313", f"+{_ROW['label']}-cp313-cp313-macosx_13_0_arm64.whl"),
    ],
)
def test_the_wheel_is_tagged_by_the_deployment_target(
    workspace: Workspace, target: str, tag: str
) -> None:
    (write,) = workspace.actions(f'mnemonic("PyAbiWheel", {target})', METAL)
    assert tag in write["arguments"][-1]
