"""Command lines for a Mac, queried from a nested Bazel that gets an SDK by path.

The SDK is made of empty files: nothing is compiled. docs/metal.md says how a real build was tried.
"""

from __future__ import annotations

import os
import tempfile
import unittest
from pathlib import Path
from typing import Any

from nested_bazel import NestedBazelError, Workspace, project_workspace

_METAL = "--config=metal"
_LIBRARY = "@llama_cpp//:ggml-metal_so"
_SDK = [
    "System/Library/Frameworks/Foundation.framework/Foundation.tbd",
    "System/Library/Frameworks/Metal.framework/Headers/Metal.h",
    "System/Library/Frameworks/Metal.framework/Metal.tbd",
    "usr/lib/libobjc.tbd",
]
_VERSIONS = "#define __MAC_14_2 140200\n#define __MAC_15_1   150100\n#define __MAC_NA 9999\n"
_TARGET = "aarch64-macos.13.0"
# Of ggml/src/ggml-metal/CMakeLists.txt.
_CXX = ["", "-common", "-device", "-fusion", "-ops", "-tuning"]
_OBJECTIVE_C = ["-context", "-device"]
_NAMED = "-Wl,-install_name,@rpath/"
_VARIANTS = {
    "apple_m1": "-march=armv8.2-a+dotprod",
    "apple_m2_m3": "-march=armv8.6-a+dotprod+i8mm",
    "apple_m4": "-march=armv9.2-a+nosve+dotprod+i8mm+sme",
}


def _make_sdk(folder: Path) -> Path:
    for name in _SDK:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    (folder / "usr/include").mkdir()
    (folder / "usr/include/AvailabilityVersions.h").write_text(_VERSIONS)
    return folder


def _make_python(folder: Path) -> Path:
    """Makes the C headers of a Python for macOS; nothing is compiled with them."""
    include = folder / "include/python3.13"
    include.mkdir(parents=True)
    versions = "#define PY_MAJOR_VERSION 3\n#define PY_MINOR_VERSION 13\n"
    for name, text in (("Python.h", ""), ("patchlevel.h", versions), ("pyconfig.h", "")):
        (include / name).write_text(text)
    return folder


def _source(action: dict[str, Any]) -> str:
    return Path(action["arguments"][action["arguments"].index("-c") + 1]).name


class CommandLinesTest(unittest.TestCase):
    workspace: Workspace

    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory(dir=os.environ["TEST_TMPDIR"])
        cls.addClassCleanup(folder.cleanup)
        cls.root = Path(folder.name)
        sdk = _make_sdk(cls.root / "MacOSX.sdk")
        cls.workspace = project_workspace(
            cls.root,
            MACOS_SDK=str(sdk),
            PYTHON_CP313_MACOS_AARCH64=str(_make_python(cls.root / "python")),
        )
        cls.addClassCleanup(cls.workspace.remove)

    def _compiles(self, target: str) -> dict[str, list[str]]:
        """Returns a mapping: source file -> arguments of its compile."""
        actions = self.workspace.actions(f'mnemonic("CppCompile", {target})', _METAL)
        return {_source(action): action["arguments"] for action in actions}

    def test_cxx_sources_and_flags(self) -> None:
        compiles = self._compiles("@llama_cpp//:ggml-metal_objects")
        self.assertEqual({f"ggml-metal{unit}.cpp" for unit in _CXX}, set(compiles))
        for words in compiles.values():
            self._assert_flags(words)
            self.assertIn("-std=gnu++17", words)

    def test_objective_c_sources_and_flags(self) -> None:
        compiles = self._compiles("@llama_cpp//:ggml-metal_objc")
        self.assertEqual({f"ggml-metal{unit}.m.c" for unit in _OBJECTIVE_C}, set(compiles))
        for words in compiles.values():
            self._assert_flags(words)
            self.assertEqual("objective-c", words[words.index("-x") + 1])

    def _assert_flags(self, words: list[str]) -> None:
        for expected in (
            "-O3",
            "-fvisibility=hidden",
            "-DGGML_METAL_EMBED_LIBRARY",
            "-DGGML_BACKEND_BUILD",
            "-DGGML_BACKEND_DL",
            "-D_DARWIN_C_SOURCE",
            # Of the SDK, and of the deployment target.
            "-D__MAC_OS_X_VERSION_MAX_ALLOWED=150100",
            "-D__MAC_OS_X_VERSION_MIN_REQUIRED=130000",
        ):
            self.assertIn(expected, words)
        self.assertEqual(_TARGET, words[words.index("-target") + 1])
        frameworks = words[words.index("-iframework") + 1]
        self.assertTrue(frameworks.endswith("macos_sdk/Frameworks"), frameworks)
        self.assertEqual([], [word for word in words if word.startswith("/")])

    def test_every_kernel_is_embedded(self) -> None:
        query = 'mnemonic("MetalKernel", @llama_cpp//:ggml-metal_kernels)'
        self.assertEqual(34, len(self.workspace.actions(query, _METAL)))
        assembled = self.workspace.actions(
            'mnemonic("CppCompile", @llama_cpp//:ggml-metal_embedded)', _METAL
        )
        self.assertEqual(34, len(assembled))

    def test_link(self) -> None:
        (link,) = self.workspace.actions(f'mnemonic("CppLink", {_LIBRARY})', _METAL)
        words = link["arguments"]
        frameworks = [words[i + 1] for i, word in enumerate(words) if word == "-framework"]
        self.assertEqual(["Foundation", "Metal", "MetalKit", "CoreFoundation"], frameworks)
        for expected in (
            "-dynamiclib",
            "-Wl,-install_name,@rpath/libllama_cpp_python-ggml-metal.so",
            "-Wl,-rpath,@loader_path",
            "-lllama_cpp_python-ggml-base",
            "-lobjc",
        ):
            self.assertIn(expected, words)
        self.assertFalse([word for word in words if "version-script" in word or "soname" in word])

    def test_variants_of_apples_cpus(self) -> None:
        for variant, march in _VARIANTS.items():
            target = f"@llama_cpp//:ggml-cpu-{variant}"
            for words in self._compiles(f"{target}_objects").values():
                self.assertEqual([march], [word for word in words if word.startswith("-m")])
            for words in self._compiles(f"{target}_score").values():
                self.assertEqual([], [word for word in words if word.startswith("-m")])
        names = self._libraries("@llama_cpp//:ggml-cpu", _METAL)
        expected = {f"libllama_cpp_python-ggml-cpu-{variant}.so" for variant in _VARIANTS}
        self.assertEqual(expected, {name for name in names if "cpu" in name})

    def test_the_extension_leaves_pythons_symbols_to_python(self) -> None:
        (link,) = self.workspace.actions(
            'mnemonic("CppLink", //native/binding:module_cp313)', _METAL
        )
        words = link["arguments"]
        self.assertTrue(words[words.index("-o") + 1].endswith("/_core.cpython-313-darwin.so"))
        self.assertIn("-Wl,-undefined,dynamic_lookup", words)
        self.assertIn("-Wl,-rpath,@loader_path/lib", words)

    def test_the_probe_finds_the_libraries_beside_it(self) -> None:
        query = 'mnemonic("CppLink", //native/probe:ggml-cpu-probe)'
        (link,) = self.workspace.actions(query, _METAL)
        self.assertIn("-Wl,-rpath,@loader_path", link["arguments"])
        self.assertFalse([word for word in link["arguments"] if "$ORIGIN" in word])

    def test_the_main_wheel_is_the_cpus_and_one_library(self) -> None:
        cpu = self._libraries("//:wheel_cp313", "--platforms=//platforms:macos_aarch64")
        self.assertIn("libllama_cpp_python-llama.dylib", cpu)
        self.assertEqual(
            {"libllama_cpp_python-ggml-metal.so"}, self._libraries("//:wheel_cp313", _METAL) - cpu
        )

    def _libraries(self, target: str, *options: str) -> set[str]:
        """Returns the install names of the libraries linked for a target."""
        links = self.workspace.actions(f'mnemonic("CppLink", deps({target}))', *options)
        words = [word for link in links for word in link["arguments"]]
        return {word[len(_NAMED) :] for word in words if word.startswith(_NAMED)}

    def test_the_wheel_is_tagged_by_the_deployment_target(self) -> None:
        for target, tag in (
            ("//:backend_wheel_metal", "-py3-none-macosx_13_0_arm64.whl"),
            ("//:wheel_cp313", "+metal-cp313-cp313-macosx_13_0_arm64.whl"),
        ):
            (write,) = self.workspace.actions(f'mnemonic("PyAbiWheel", {target})', _METAL)
            self.assertIn(tag, write["arguments"][-1])

    def test_without_an_sdk_the_sentence_says_what_to_type(self) -> None:
        other = self.workspace.with_variables(MACOS_SDK="")
        with self.assertRaisesRegex(NestedBazelError, "add --repo_env=MACOS_SDK="):
            other.build([_LIBRARY], _METAL, "--nobuild")

    def test_a_folder_that_is_no_sdk(self) -> None:
        empty = self.root / "empty"
        empty.mkdir()
        with self.assertRaisesRegex(NestedBazelError, "is no macOS SDK: it has none of"):
            self.workspace.with_variables(MACOS_SDK=str(empty)).actions(f"deps({_LIBRARY})", _METAL)


if __name__ == "__main__":
    unittest.main()
