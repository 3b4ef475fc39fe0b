"""The Metal library's frameworks and kernels, and its link."""

from __future__ import annotations

from command_line_facts import LIBRARY, METAL
from command_lines import Action, value_of
from nested_bazel import Workspace

pytest_plugins = ["command_line_fixtures"]


def test_frameworks_come_from_the_sdk(compiles: list[Action]) -> None:
    for action in compiles:
        assert value_of(action["arguments"], "-iframework").endswith("macos_sdk/Frameworks")


def test_every_kernel_is_embedded(workspace: Workspace) -> None:
    for query in (
        'mnemonic("MetalKernel", @llama_cpp//:ggml-metal_kernels)',
        'mnemonic("CppCompile", @llama_cpp//:ggml-metal_embedded)',
    ):
        assert len(workspace.actions(query, METAL)) == 35, query


def test_link(workspace: Workspace) -> None:
    (link,) = workspace.actions(f'mnemonic("CppLink", {LIBRARY})', METAL)
    words = link["arguments"]
    frameworks = [words[i + 1] for i, word in enumerate(words) if word == "-framework"]
    assert frameworks == ["Foundation", "Metal", "MetalKit", "CoreFoundation"]
    for expected in (
        "-dynamiclib",
        "-Wl,-install_name,@rpath/libllama_cpp_python-ggml-metal.so",
        "-Wl,-rpath,@loader_path",
        "-lllama_cpp_python-ggml-base",
        "-lobjc",
    ):
        assert expected in words
    assert [word for word in words if "version-script" in word or "soname" in word] == []
